# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What is to be known about the outcome of a cutover: in its result, as warnings, and in the journal for the report."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import INTERVALS_LEFT
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track

PHASE = "cutover"
KIND = "findings"


def of_tables(tracks: t.Iterable[Track]) -> t.List[Finding]:
    """The findings of all tables."""
    found = [finding(track) for track in tracks for finding in (_held_back, _same_app_id)]
    return [one for one in found if one is not None]


def warnings(findings: t.Iterable[Finding]) -> t.List[str]:
    """Each as a warning, which Ansible shows whoever runs the module."""
    return [f"{one.id} ({one.subject}): {one.remedy}" for one in findings]


def tell(record: CutoverRecord, found: t.Iterable[Finding], drained: t.Collection[str]) -> None:
    """Write the findings of a call into the journal.

    Of a phase only the newest entry counts. So it says again what the one before said of tables, but for those that
    this call has ``drained`` and knows better; whether intervals are left is found out anew by each call.
    """
    entries = [data for data in record.copied(KIND) if data.get("phase") == PHASE]
    before = list(entries[-1]["findings"]) if entries else []
    now = [one.as_result() for one in found]
    known = {(one["id"], one["subject"]) for one in now}
    listed = [
        one
        for one in before
        if one["id"] != INTERVALS_LEFT and one["subject"] not in drained and (one["id"], one["subject"]) not in known
    ]
    listed += now
    if listed != before:
        record.append(KIND, {"phase": PHASE, "findings": listed, "passed": True})


def _held_back(track: Track) -> t.Optional[Finding]:
    """What was accepted with ``last_mutation=accept``, if it came to it."""
    if not track.held_back:
        return None
    return Finding(
        "pegasus.cutover.last_mutation_held_back",
        "warning",
        track.name,
        {"partitions": list(track.held_back)[:20], "count": len(track.held_back)},
        "The last mutation before the fence of each of these partitions may be missing on the target; it comes with "
        "the next empty write of the source (some minutes), as long as the duplication stays. Keep it until then.",
        "https://github.com/apache/incubator-pegasus/issues/2050",
    )


def _same_app_id(track: Track) -> t.Optional[Finding]:
    """Clients that retry may write into another table of the target, and are told that it went well.

    A Java client keeps the app id with which an operation began, and takes only the server from the new configuration
    (java-client, TableHandler.call).
    """
    view = track.view
    if not view.same_id or view.app is None:
        return None
    return Finding(
        "pegasus.cutover.app_id_taken_on_target",
        "warning",
        track.name,
        {"app_id": view.app.app_id, "table_on_target": view.same_id},
        f"The target has another table, {view.same_id}, with the app id that {track.name} has on the source. An "
        "operation that a Java client began before the switch and repeats behind it goes there: it is acknowledged, "
        "but missing, and that table has a record too many. Stop the clients for the switch, or keep the ids apart: "
        "before the duplication is added, create and drop tables on the target until its ids are above the source's.",
    )
