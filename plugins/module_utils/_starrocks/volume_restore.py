# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Putting storage volumes back to what they were: dropping those that we made, and only while they are still ours."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    Recorded,
    recorded,
    restore_record,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_past as pasts
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_journal import VolumeJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_names import default_resource, resource
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_send import VolumeReader

Records = t.List[t.Dict[str, t.Any]]


def plan_restore(
    cluster_id: str, entries: t.Sequence[Entry], names: t.Sequence[str], reader: VolumeReader, begin: str = ""
) -> t.Tuple[t.List[plans.Step], Records]:
    """Steps in the reverse order of our changes, the default volume first since a default one cannot be dropped.

    ``names`` empty: all that the journal knows, if they begin with ``begin``. The records become the journal's
    ``restore`` entries when all is done.
    """
    steps: t.List[plans.Step] = []
    records: Records = []
    owner = default_resource(cluster_id)
    past = recorded(entries, owner).get(owner, NOTHING)
    if past.changes and not begin and (not names or str((past.ours or {}).get("default")) in names):
        now = reader.default()
        decision, step = pasts.default_back(cluster_id, past, now)
        records.append(restore_record(owner, past, {"default": now or None}, decision))
        steps.extend([step] if step is not None else [])
    prefix = resource(cluster_id, "")
    for owner, past in reversed(list(recorded(entries, prefix).items())):
        name = owner[len(prefix) :]
        if not past.changes or (names and name not in names) or not name.startswith(begin):
            continue
        volume = reader.get(name)
        decision = pasts.decide(past, volume)
        records.append(restore_record(owner, past, volume.as_state() if volume is not None else None, decision))
        if decision.action == "restore" and volume is not None:
            steps.append(pasts.put_back(cluster_id, past, volume))
    return steps, records


def settle(cluster_id: str, store: VolumeJournal, reader: VolumeReader) -> None:
    """Write how the changes ended that a killed run left open, by what is there now."""
    prefix = resource(cluster_id, "")
    default = default_resource(cluster_id)
    past = recorded(store.entries, (prefix, default))
    now: t.Dict[str, plans.State] = {}
    for owner, one in past.items():
        if one.pending and owner == default:
            now[owner] = {"default": reader.default() or None}
        elif one.pending:
            volume = reader.get(owner[len(prefix) :])
            now[owner] = volume.as_state() if volume is not None else None
    store.settle(past, now, _same)


def _same(_past: Recorded, wanted: plans.State, now: plans.State) -> bool:
    if now is not None and "default" in now:
        return str((wanted or {}).get("default") or "") == str(now["default"] or "")
    return plans.same_volume(wanted, now)
