# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether everything that was written to a table is on the remote: asked before its duplication is removed.

A removal discards what was not shipped (Pegasus drops the duplicator at the next sync, with its place in the log). So
each partition has a goal, a decree that must be confirmed before. Up to 2.5 the newest mutation is shipped only when
another one follows, mostly the empty write of the group check (100 s by default): there the goal is passed then, and
not before. That holds for every version from 2.4 on, because each tells both decrees.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import drain
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_past import FAIL_SKIP
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_standing import Standing
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import Cause
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import App, Duplication, TableConfig
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_KEY

COMMITTED_KIND = "cutover.committed"
"""As in ``cutover_past``, which would bring the guard and the switch along."""
UNCONFIRMED = "pegasus.wait.unconfirmed"
UNKNOWN = "pegasus.wait.progress_unknown"
_DISCARD = "If what is missing may be lost, say so with unconfirmed=discard."


@dataclasses.dataclass(frozen=True)
class Said:
    """What the servers say of one table, in this order: routing, decrees, progress, decrees once more."""

    config: TableConfig
    before: drain.Infos
    progress: drain.Progress
    after: drain.Infos


@dataclasses.dataclass(frozen=True)
class Arrived:
    """One look. ``goal``: by partition, for the next look. ``looks``: by partition; ``missing``: why there is none."""

    goal: t.Mapping[int, int]
    looks: t.Mapping[int, drain.Look]
    missing: t.Mapping[int, str]

    def items(self, table: str) -> t.List[t.Dict[str, t.Any]]:
        """As the journal keeps it."""
        return [
            {"subject": f"{table}/{index}", "position": self.goal[index], "confirmed": look.confirmed}
            for index, look in sorted(self.looks.items())
        ]


def positions_at_cutover(entries: t.Iterable[Entry], table: str) -> t.Dict[int, int]:
    """By partition the position at the fence, from the drain of a cutover that was committed; empty if there is none.

    Nothing but empty writes can be behind it, as long as the source refuses all requests.
    """
    found: t.Dict[int, int] = {}
    committed: t.Dict[int, int] = {}
    for entry in entries:
        data = entry.data
        if entry.kind == "proof" and data.get("kind") == "drain":
            items = [item for item in data.get("items") or () if str(item.get("subject")).rpartition("/")[0] == table]
            found = {int(str(one["subject"]).rpartition("/")[2]): int(one["position"]) for one in items} or found
        elif data.get("table") == table and entry.kind.startswith("cutover."):
            committed = found if entry.kind == COMMITTED_KIND else {}
    return committed


def first_goal(app: t.Optional[App], at_cutover: t.Mapping[int, int]) -> t.Dict[int, int]:
    """The goal before the first look: of a table that was cut over, and is closed still, its positions at the fence.

    Of any other table it is empty, and the first look makes it what is written by then.
    """
    if app is None or app.envs.get(DENY_KEY) != DENY_ALL:
        return {}
    return dict(at_cutover) if sorted(at_cutover) == list(range(app.partition_count)) else {}


def unprovable(table: str, there: Duplication, skipped: bool = False) -> t.Optional[MigrationError]:
    """Why no waiting can prove that everything arrives; None where it can. ``skipped``: it is known to have skipped."""
    if skipped and there.fail_mode == "FAIL_SLOW":
        why = "was in FAIL_SKIP once, in which writes are lost without a word. Compare the tables, and write what is "
        why += "missing again."
    elif there.fail_mode != "FAIL_SLOW":
        why = (
            f"is in {there.fail_mode}, in which writes are lost without a word. Compare the tables, and write what is "
            "missing again."
        )
    elif there.status == "DS_PAUSE":
        why = "is paused, so what was not shipped does not come. Resume it (in Pegasus's shell: dup start)."
    elif there.status != "DS_LOG":
        why = f"is in {there.status}, so the table on the target is not whole. Wait until it is (state=present does)."
    else:
        return None
    return _refusal(table, there, why)


def _refusal(table: str, there: Duplication, why: str) -> MigrationError:
    return MigrationError(
        "pegasus.dup_unconfirmed",
        f"{table}: a removal discards what was not shipped, and duplication {there.dupid} to {there.remote} {why} "
        f"{_DISCARD}",
        details={
            "dupid": there.dupid,
            "duplication": there.as_result(),
            "skipped": there.fail_mode == FAIL_SKIP,
            "table": table,
        },
    )


def judge(there: Duplication, goal: t.Mapping[int, int], said: Said) -> Arrived:
    """One look at every partition. A partition without a goal gets the decree that its primary has prepared by now."""
    config = said.config
    now, missing = drain.take_positions(config, said.before, "")
    wanted = {**{index: one.decree for index, one in now.items()}, **goal}
    looks: t.Dict[int, drain.Look] = {}
    for index, position in now.items():
        position = dataclasses.replace(position, decree=wanted[index])
        look = drain.judge(position, config.app_id, there.dupid, said.before, said.progress, said.after)
        on_record = there.partition_states.get(index)
        if look.state == drain.PASSED and on_record is not None and on_record.confirmed_decree < wanted[index]:
            # A primary knows from the meta server what is confirmed, so what it tells of more is repeated from earlier.
            why = f"the meta server has {on_record.confirmed_decree} of {wanted[index]} on record as confirmed"
            look = drain.Look(index, drain.BEHIND, on_record.confirmed_decree, why)
        looks[index] = look
    return Arrived(wanted, looks, missing)


def standing(table: str, there: Duplication, found: Arrived, *, held_back: bool, target_gone: bool) -> Standing:
    """Whether the duplication may be removed, what is waited for, or why it cannot come.

    ``held_back``: the servers hold back the newest mutation. ``target_gone``: the remote was asked, and has no table.
    """
    broken = [look.why for look in found.looks.values() if look.state == drain.BROKEN]
    if broken:
        return Standing(table, failure=_refusal(table, there, f"cannot be relied on: {broken[0]}."))
    behind = {index: one.why for index, one in sorted(found.looks.items()) if one.state == drain.BEHIND}
    unknown = {index: one.why for index, one in found.looks.items() if one.state in (drain.UNKNOWN, drain.MOVED)}
    unknown.update(found.missing)
    if not behind and not unknown:
        return Standing(table)
    if behind and target_gone:
        gone = "lacks its table there, so what was not shipped cannot come. If it was renamed, give its name back."
        return Standing(table, failure=_refusal(table, there, gone))
    worst = tuple(f"partition {index}: {why}" for index, why in [*behind.items(), *sorted(unknown.items())])[:5]
    if not behind:
        return Standing(
            table,
            Cause(
                UNKNOWN,
                f"nobody tells how far {len(unknown)} of {len(found.looks) + len(found.missing)} partitions of "
                f"{table} are",
                "every partition is reported by its primary, once",
                worst=worst,
            ),
        )
    ends = "every partition's confirmed decree has passed what was written"
    if held_back:
        ends += "; the newest write of each comes with the next empty write of the group check (up to 200 s)"
    return Standing(
        table,
        Cause(
            UNCONFIRMED,
            f"{len(behind)} partitions of {table} have writes that are not proved to be on {there.remote}, and a "
            "removal would discard them",
            ends,
            worst=worst,
        ),
    )
