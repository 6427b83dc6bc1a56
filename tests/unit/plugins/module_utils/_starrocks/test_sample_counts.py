# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts that differ because something was loaded meanwhile are told from those that prove a fault."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_findings import sample_findings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sample_choice import Key
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sample_counts import (
    Counted,
    told_from_loads,
)


def counted(partition: str, ours: int, theirs: t.Optional[int], problem: str = "") -> Counted:
    return Counted(("d", f"t_{partition}", partition), (ours, None), (theirs, None), problem, ())


def test_what_differs_and_has_moved_is_no_fault() -> None:
    found = [
        counted("same", 5, 5),
        counted("loaded", 6, 5),
        counted("behind", 6, 5),
        counted("dropped", 6, None, "Unknown partition"),
        counted("wrong", 6, 5),
    ]
    before: t.Dict[Key, t.Any] = {one.key: [4] for one in found}
    asked: t.List[t.Collection[str]] = []

    def look(tables: t.Collection[str]) -> t.Dict[Key, t.Any]:
        asked.append(tables)
        return {found[1].key: [5], found[4].key: [4]}

    told = told_from_loads(found, before, look)
    assert [one.key[2] for one in told if one.changed] == ["loaded", "behind", "dropped"]
    assert asked == [{"d.t_loaded", "d.t_behind", "d.t_dropped", "d.t_wrong"}]
    (finding,) = sample_findings(told)
    assert (finding.subject, finding.evidence["count"]) == ("d.t_wrong/wrong", 1)
    assert told[1].as_result()["changed_meanwhile"] is True
    assert list(sample_findings(told[:4])) == []


def test_nothing_is_asked_where_all_counts_agree() -> None:
    found = [counted("same", 5, 5)]

    def look(tables: t.Collection[str]) -> t.Dict[Key, t.Any]:
        raise AssertionError(tables)

    assert told_from_loads(found, {found[0].key: [4]}, look) == found
