# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal says of storage volumes that we touched, and what is to be put back."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE, Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import Decision
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import Volume

_ALREADY = Decision("already_original", "it is as it was before the migration")


def decide(past: Recorded, now: t.Optional[Volume]) -> Decision:
    """What to do about a volume that we changed. The original goes back only over what is still ours.

    A volume that we dropped cannot come back: its credentials are nowhere.
    """
    if not past.changes or plans.is_as(past.original, now):
        return _ALREADY
    if not plans.is_as(past.ours, now):
        gone = "it is gone" if now is None else "somebody else changed it since, so theirs stays"
        return Decision("keep_theirs", gone)
    if now is None:
        return Decision("unknown", "we dropped it, and nobody but its owner has the credentials to create it again")
    return Decision("restore", "it is still what the migration made it")


def put_back(cluster_id: str, past: Recorded, now: Volume) -> plans.Step:
    """The step of a decision to restore: drop what we created, alter back what we altered."""
    if past.original is None:
        return _as_restore(plans.drop_step(cluster_id, now))
    original = dict(past.original.get("params") or {})
    back = {key: original[key] for key in known.same_all(original, now.params) if key not in known.FIXED}
    # A property that was not there before can only be switched off, and only where it is a switch.
    back.update({key: "false" for key, value in now.params.items() if key not in original and value == "true"})
    if bool(past.original.get("enabled")) != now.enabled:
        back[known.ENABLED] = known.boolean(bool(past.original.get("enabled")))
    comment = str(past.original.get("comment") or "")
    return plans.alter_step(cluster_id, now, back, comment if comment != now.comment else None, RESTORE)


def default_back(cluster_id: str, past: Recorded, now: str) -> t.Tuple[Decision, t.Optional[plans.Step]]:
    """What to do about the default volume, ``now`` the name of it or ""."""
    original = str((past.original or {}).get("default") or "")
    ours = str((past.ours or {}).get("default") or "")
    if not past.changes or original == now:
        return _ALREADY, None
    if now != ours:
        return Decision("keep_theirs", "somebody else made another volume the default since, so that stays"), None
    if not original:
        return Decision("unknown", "there was no default volume before, and no statement takes it away again"), None
    step = _as_restore(plans.default_step(cluster_id, original, now))
    return Decision("restore", "it is still what the migration made it"), step


def _as_restore(step: plans.Step) -> plans.Step:
    return dataclasses.replace(step, change=dataclasses.replace(step.change, action=RESTORE))
