# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Volumes of a migration that are as wanted although this migration has not made them.

They are left as they are, so no restore of this migration drops them; but that of another one may, whose they are.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import NOTHING, recorded
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_journal import VolumeJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_names import MIRROR_PREFIX, resource


def tell_in_place(
    cluster_id: str, names: t.Iterable[str], plan: plans.Plan, found: plans.Found, store: VolumeJournal, write: bool
) -> t.List[str]:
    """The warnings, a sentence for each volume; ``write``: whether the journal is told too, once.

    Without a journal nobody knows what is ours, and nothing is said.

    :param names: those of the volumes that are wanted; only mirrors count, as others outlive a migration
    :param found: what was there when ``plan`` was made
    """
    if not store.given:
        return []
    past = recorded(store.entries, resource(cluster_id, ""))
    altered = {step.name for step in plan.steps if _is_seen(step)}
    warnings = [
        f"{name} is there already as it is wanted, and this migration has not made it. Somebody else has; if that is "
        "another migration, its restore will drop it while this one copies: end that one first."
        for name in names
        if name.startswith(MIRROR_PREFIX)
        and found.get(name) is not None
        and name not in altered
        and not past.get(resource(cluster_id, name), NOTHING).changes
    ]
    for text in warnings if write else ():
        store.note_once({"about": "in_place", "severity": "warning", "text": text})
    return warnings


def _is_seen(step: plans.Step) -> bool:
    """Whether a step changes more than credentials, which no server shows: to everybody else it is as it was."""
    after = {key: value for key, value in (step.change.after or {}).items() if key != "credentials"}
    return bool(after != step.change.before)
