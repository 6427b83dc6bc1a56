# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a StarRocks cutover back before anything is stopped."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_gate as cg
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import quiescence as qu
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_rules import DATA, Rules
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import ForeignWrites
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import Catalog, Partition, Physical

RULES = Rules(DATA, DATA, True, True, False, "")
WORKS = tv.Verdict(tv.RUNNING, (tv.Reason("starrocks.sync.jobs_left", "1 of 2 jobs are left"),))
QUIET = fs.SwitchLook({}, {}, ())


def part(version: int, txn_type: str = cmp.REPLICATION) -> Partition:
    return Partition((Physical(version, version, 7, txn_type),), 0)


def held(source: t.Mapping[str, Partition], target: t.Mapping[str, Partition], max_behind: int = 1000) -> t.List[str]:
    return [one.id.partition(".")[2] for one in findings(source, target, max_behind) if one.severity == "blocker"]


def findings(
    source: t.Mapping[str, Partition], target: t.Mapping[str, Partition], max_behind: int = 1000
) -> t.List[Finding]:
    """The gate before one table ``d.t`` with these partitions, and a tool that is at work."""
    comparison = Comparison(RULES)
    ours: Catalog = {"d": {"t": dict(source)}}
    theirs: Catalog = {"d": {"t": dict(target)}} if target else {}
    comparison.add(ours, theirs)
    view = cg.GateView(
        source=FreezeLook(QUIET, ()),
        target_switch=QUIET,
        comparison=comparison,
        hidden_source={},
        hidden_target={},
        foreign=ForeignWrites((), ()),
        jobs=qu.Condition(qu.NO_JOBS, True, ()),
        tool=WORKS,
        ours=frozenset(),
    )
    return cg.gate(view, max_behind)


def test_a_load_or_two_behind_is_for_the_window() -> None:
    assert held({"p": part(5), "q": part(6)}, {"p": part(5), "q": part(5)}) == []
    assert "comparison.too_far_behind" in held({"p": part(5), "q": part(6)}, {"p": part(5), "q": part(5)}, 0)


@pytest.mark.parametrize("target", [{}, {"p": part(5)}, {"p": part(5), "q": part(1, cmp.NORMAL)}])
def test_nothing_may_be_missing_or_never_copied(target: t.Mapping[str, Partition]) -> None:
    """However much may be behind: how long a first copy takes, no forecast knows."""
    source = {"p": part(5), "q": part(6)}
    assert held(source, target) == ["comparison.not_copied"]
    told = next(one for one in findings(source, target) if one.id == "starrocks.comparison.not_copied")
    assert told.subject == "d.t"
    assert told.evidence == {"tables": 1, "partitions": {"d.t": 1 if target else 2}}
