# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a StarRocks cutover back before anything is stopped."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, Finding, judge
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_gate as cg
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import quiescence as qu
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_findings import (
    extra_findings,
    kept_tables,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_rules import DATA, Rules
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_settings import Forgotten
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_reach import Gap
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import ForeignWrites
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import Catalog, Partition, Physical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.publishing import StuckPublish

RULES = Rules(DATA, DATA, True, True, False, "")
WORKS = tv.Verdict(tv.RUNNING, (tv.Reason("starrocks.sync.jobs_left", "1 of 2 jobs are left"),))
QUIET = fs.SwitchLook({}, {}, ())


def part(version: int, txn_type: str = cmp.REPLICATION, epoch: int = 7) -> Partition:
    return Partition((Physical(version, version, epoch, txn_type),), 0)


def held(source: t.Mapping[str, Partition], target: t.Mapping[str, Partition], max_behind: int = 1000) -> t.List[str]:
    return [one.id.partition(".")[2] for one in findings(source, target, max_behind) if one.severity == "blocker"]


def findings(
    source: t.Mapping[str, Partition],
    target: t.Mapping[str, Partition],
    max_behind: int = 1000,
    *,
    extra_stay: bool = False,
    kept: t.Collection[str] = (),
    tool: tv.Verdict = WORKS,
    stuck: t.Sequence[StuckPublish] = (),
    renewed_stay: str = "",
    unseen: t.Sequence[Gap] = (),
    loads: t.Sequence[str] = (),
    tool_restarted: bool = False,
    tool_runs: bool = True,
    tool_beyond_reach: t.Tuple[int, ...] = (),
    source_switch: fs.SwitchLook = QUIET,
    target_switch: fs.SwitchLook = QUIET,
    forgotten: t.Sequence[Forgotten] = (),
    settings_are_set: bool = False,
) -> t.List[Finding]:
    """The gate before one table ``d.t`` with these partitions, and a tool that is at work."""
    comparison = Comparison(RULES, kept=kept)
    ours: Catalog = {"d": {"t": dict(source)}}
    theirs: Catalog = {"d": {"t": dict(target)}} if target else {}
    comparison.add(ours, theirs)
    view = cg.GateView(
        source=FreezeLook(source_switch, ()),
        target_switch=target_switch,
        comparison=comparison,
        hidden_source={},
        hidden_target={},
        foreign=ForeignWrites((), ()),
        stuck=tuple(stuck),
        replicating=(),
        transactions=qu.Condition(qu.NO_TRANSACTIONS, not loads, tuple(loads)),
        jobs=qu.Condition(qu.NO_JOBS, True, ()),
        tool=tool,
        tool_restarted=tool_restarted,
        tool_runs=tool_runs,
        tool_beyond_reach=tool_beyond_reach,
        extra_stay=extra_stay,
        renewed_stay=renewed_stay,
        unseen=tuple(unseen),
        forgotten=tuple(forgotten),
        settings_are_set=settings_are_set,
    )
    return cg.gate(view, max_behind)


def test_a_load_or_two_behind_is_for_the_window() -> None:
    assert held({"p": part(5), "q": part(6)}, {"p": part(5), "q": part(5)}) == []
    assert "comparison.too_far_behind" in held({"p": part(5), "q": part(6)}, {"p": part(5), "q": part(5)}, 0)


def test_what_can_never_become_visible_is_no_matter_of_time() -> None:
    """One partition is behind, as by a load; but it will stay so, however long writes are stopped."""
    stuck = [StuckPublish("d", 7, "replication_7", "mismatched version, expected 5", ("d.t",))]
    told = findings({"p": part(6)}, {"p": part(5)}, stuck=stuck)
    blockers = [(one.id, one.subject) for one in told if one.severity == "blocker"]
    assert blockers == [("starrocks.target.publish_stuck", "d.t")]


def test_a_tool_that_finds_nothing_to_copy_is_right_only_where_all_is_equal() -> None:
    idle = tv.Verdict(tv.IDLE, (tv.Reason("starrocks.sync.no_jobs", "the tool reports no job"),))
    assert findings({"p": part(5)}, {"p": part(5)}, tool=idle) == []
    told = findings({"p": part(6)}, {"p": part(5)}, tool=idle)
    assert [(one.id, one.severity) for one in told] == [("starrocks.tool.not_ready", "blocker")]


@pytest.mark.parametrize("restarted", [False, True])
def test_writes_are_not_stopped_for_a_tool_that_may_not_be_ended(restarted: bool) -> None:
    done = tv.Verdict(tv.CONVERGED, ())
    even = {"p": part(5)}
    (told,) = findings(even, even, tool=done, tool_beyond_reach=(7, 9), tool_restarted=restarted)
    assert (told.id, told.severity) == ("starrocks.tool.other_user", "blocker")
    assert "process 7, 9" in told.remedy and "become_user" in told.remedy


def test_a_time_that_nobody_saw_is_told_and_holds_nothing_back() -> None:
    gap = Gap("d", "2026-11-21T00:00:00.000Z", "2026-11-24 08:00:00")
    told = findings({"p": part(5)}, {"p": part(5)}, tool=tv.Verdict(tv.CONVERGED, ()), unseen=[gap])
    assert [(one.id, one.severity) for one in told] == [("starrocks.comparison.transactions_unseen", "warning")]


def test_writes_are_not_stopped_while_a_setting_is_forgotten() -> None:
    """Unless, with --check, a play tells that a real run sets it first."""
    lost = [Forgotten("target", "10.0.0.1:9030", "lake_compaction_max_tasks", "0", "-1", False)]
    even = {"p": part(5)}
    done = tv.Verdict(tv.CONVERGED, ())
    for settings_are_set, severity in ((False, "blocker"), (True, "warning")):
        told = findings(even, even, tool=done, forgotten=lost, settings_are_set=settings_are_set)
        assert [(one.id, one.severity) for one in told] == [("starrocks.setting_forgotten", severity)]


OVER = tv.Verdict(tv.COMPLETED, (tv.Reason("starrocks.sync.one_time_completed", "the one run is over"),))


@pytest.mark.parametrize(
    ("behind", "loads", "severity"), [(1, [], "blocker"), (0, ["d: l (INSERT)"], "blocker"), (0, [], "warning")]
)
@pytest.mark.parametrize("verdict", [tv.COMPLETED, tv.ENDED])
def test_a_run_that_is_over_copies_nothing_more(behind: int, loads: t.List[str], severity: str, verdict: str) -> None:
    """What is behind stays behind, and so does what is being loaded: writes would be stopped for nothing."""
    tool = tv.Verdict(verdict, OVER.reasons)
    told = findings({"p": part(5 + behind)}, {"p": part(5)}, tool=tool, loads=loads)
    assert [(one.id, one.severity) for one in told] == [("starrocks.tool.run_over", severity)]
    assert (told[0].evidence["partitions"], told[0].evidence["loads"]) == (behind, loads)
    assert "one_time_run_mode to false" in told[0].remedy


@pytest.mark.parametrize("verdict", [tv.COMPLETED, tv.STOPPED, tv.FAILED, tv.NOT_STARTED])
def test_with_check_a_tool_that_does_not_run_is_started_first(verdict: str) -> None:
    """What it says is of an earlier run, or of none."""
    tool = tv.Verdict(verdict, (tv.Reason("starrocks.sync.ended", "the tool ended by itself"),))
    assert findings({"p": part(6)}, {"p": part(5)}, tool=tool, tool_restarted=True, tool_runs=False) == []
    told = findings({"p": part(6)}, {"p": part(5)}, tool=tool, tool_runs=False)
    assert [one.severity for one in told] == ["blocker"]


def test_with_check_a_tool_that_runs_and_fails_is_told() -> None:
    """A start with other intervals does not put that right."""
    failed = tv.Verdict(tv.FAILED, (tv.Reason("starrocks.sync.access_denied", "denied"),))
    told = findings({"p": part(6)}, {"p": part(5)}, tool=failed, tool_restarted=True)
    assert [one.id for one in told] == ["starrocks.tool.not_ready"]


@pytest.mark.parametrize("target", [{}, {"p": part(5)}, {"p": part(5), "q": part(1, cmp.NORMAL)}])
def test_nothing_may_be_missing_or_never_copied(target: t.Mapping[str, Partition]) -> None:
    """However much may be behind: how long a first copy takes, no forecast knows."""
    source = {"p": part(5), "q": part(6)}
    assert held(source, target) == ["comparison.not_copied"]
    told = next(one for one in findings(source, target) if one.id == "starrocks.comparison.not_copied")
    assert told.subject == "d.t"
    assert told.evidence == {"tables": 1, "partitions": {"d.t": 1 if target else 2}}


def test_what_the_source_has_made_anew_is_the_tools_to_drop_unless_it_may_not() -> None:
    """The freeze waits for it within the budget, as for the last loads."""
    source, target = {"p": part(2, cmp.NORMAL, 9), "q": part(5)}, {"p": part(7), "q": part(5)}
    told = findings(source, target)
    assert [(one.id, one.severity, one.subject) for one in told if one.id != "starrocks.tool.not_converged"] == [
        ("starrocks.comparison.made_anew", "warning", "d.t")
    ]
    assert told[0].evidence == {"partitions": 1, "tables": {"d.t": ["p"]}}
    assert "comparison.too_far_behind" in held(source, target, 0)
    stay = findings(source, target, renewed_stay="it does not run any more")
    assert (stay[0].id, stay[0].severity) == ("starrocks.comparison.made_anew", "blocker")
    assert "Drop these tables on the target" in stay[0].remedy


def test_what_may_be_a_write_to_the_target_is_known_before_writes_to_the_source_are_stopped() -> None:
    told = findings({"p": part(2, cmp.NORMAL, 0), "q": part(5)}, {"p": part(7), "q": part(5)})
    assert (told[0].id, told[0].severity) == ("starrocks.comparison.target_ahead", "blocker")
    assert "begin again then" in told[0].remedy


def test_frontends_that_are_down_hold_nothing_back_and_are_told_of_both_clusters() -> None:
    down = fs.SwitchLook({}, {}, (Frontend("fe2", "b", 9030, 8030, 9020, "FOLLOWER", False, "2", "4.1.0", ""),))
    same, tool = {"p": part(5)}, tv.Verdict(tv.CONVERGED, ())
    for name, source, target in (("source", down, QUIET), ("target", QUIET, down)):
        (told,) = findings(same, same, tool=tool, source_switch=source, target_switch=target)
        assert (told.id, told.severity) == (f"starrocks.{name}.frontend_dead", "warning")
        assert (told.subject, told.evidence) == ("b:9030", {"frontends": ["b:9030"]})


EXTRA = "starrocks.comparison.extra_on_target"
NOW = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)


def accepted(subject: t.Optional[str], days: int = 1, name: str = EXTRA) -> Acceptance:
    return Acceptance(name, "known", NOW + datetime.timedelta(days=days), subject)


def test_partitions_that_only_the_target_has_are_told_by_table() -> None:
    """The tool takes them away in its next cycle, so they are no blocker, unless nothing takes them away."""
    source = {"p": part(5)}
    target = {"p": part(5), "gone": part(5), "theirs": part(2, cmp.NORMAL)}
    told = next(one for one in findings(source, target) if one.id == EXTRA)
    assert (told.severity, told.subject) == ("warning", "d.t")
    assert told.evidence == {"count": 2, "partitions": ["gone", "theirs"], "written_on_target": ["theirs"]}
    stay = [one for one in findings(source, target, extra_stay=True) if one.severity == "blocker"]
    assert [one.id for one in stay] == [EXTRA]
    assert judge(stay, [accepted("d.t")], NOW).passed


def test_what_is_kept_by_name_is_no_difference() -> None:
    source, target = {"p": part(5)}, {"p": part(5), "theirs": part(2, cmp.NORMAL)}
    for kept, equal in ((("d.t",), True), (("d.other",), False), ((), False)):
        comparison = Comparison(RULES, kept=kept)
        comparison.add({"d": {"t": dict(source)}}, {"d": {"t": dict(target)}})
        assert comparison.equal is equal
        assert [one.partition for one in comparison.differences] == ([] if equal else ["theirs"])
        assert comparison.extra == {"d.t": [("theirs", "txn_type")]}
    assert EXTRA in [one.id for one in findings(source, target, 0, kept=("d.t",))]
    assert "comparison.too_far_behind" in held(source, target, 0)
    assert "blocker" not in [one.severity for one in findings(source, target, 0, kept=("d.t",))]


def test_a_word_for_all_tables_is_none_for_one() -> None:
    given = [accepted("d.t"), accepted(None), accepted("d.old", -1), accepted("d.u", name="another")]
    assert kept_tables(given, NOW) == {"d.t"}
    assert [cg.may_accept(one) for one in given] == [True, False, True, False]
    assert cg.may_accept(accepted(None, name="starrocks.comparison.foreign_transaction"))


def test_many_tables_with_extra_partitions_are_told_in_bounds() -> None:
    comparison = Comparison(RULES)
    names = [f"t{number:03}" for number in range(203)]
    comparison.add(
        {"d": {name: {"p": part(5)} for name in names}}, {"d": {name: {"p": part(5), "q": part(5)} for name in names}}
    )
    found = list(extra_findings(comparison))
    assert len(found) == 201
    assert (found[-1].subject, found[-1].evidence) == ("3 more tables", {"tables": ["d.t200", "d.t201", "d.t202"]})
