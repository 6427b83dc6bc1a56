# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a switch was legal: the journals of whole runs say so, and nothing in them can be missing or otherwise."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state, legality_trail
from ansible_collections.dbops.migration.plugins.module_utils._core import legality as le
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_chain import Problem
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.report.page import page
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import legality as greptimedb
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import proof as greptimedb_proof
from ansible_collections.dbops.migration.plugins.module_utils._journals.switches import judge_switches
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as pegasus_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import legality as pegasus
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import (
    cutover_past,
    cutover_proof,
    freeze,
    freeze_record,
    freeze_switch,
    quiescence,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import legality as starrocks
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._journals.journals import (
    Altered,
    moved,
    report,
)

ENGINES = ("greptimedb", "pegasus", "starrocks")
Alteration = t.Callable[[Altered], t.Any]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_switch_of_a_whole_run_was_legal(engine: str) -> None:
    found = judge_switches(Altered(engine).view())
    assert (found.legal, found.reasons) == (le.YES, ())
    assert found.as_result()["cutovers"][0]["checks"]
    assert all(cutover.at for cutover in found.cutovers)


def places(engine: str, *kinds: str) -> t.List[t.Tuple[str, int]]:
    return [(engine, place) for place, (_at, kind, _data) in enumerate(Altered(engine).records) if kind in kinds]


EVERY_PROOF = [
    (engine, place)
    for engine in ENGINES
    for engine, place in places(engine, "proof")
    # That the copy had caught up lets the cutover begin; the switch rests on the drain.
    if Altered(engine).records[place][2]["kind"] != "pegasus.duplication_caught_up"
]


@pytest.mark.parametrize(("engine", "place"), EVERY_PROOF)
@pytest.mark.parametrize("how", ["gone", "not passed", "empty", "unreadable", "torn"])
def test_no_proof_can_be_missing(engine: str, place: int, how: str) -> None:
    altered = Altered(engine)
    data = altered.records[place][2]
    if how == "gone":
        del altered.records[place]
    elif how == "not passed":
        data["passed"] = False
    elif how == "empty":
        data["items"] = []
    elif how == "unreadable":
        data["items"] = "none"
    else:
        data["items"] = [None, 7, *([{}] * len(data["items"]))]
    found = judge_switches(altered.view())
    assert found.legal in (le.NO, le.UNKNOWN)
    assert found.reasons


@pytest.mark.parametrize(("engine", "place"), EVERY_PROOF)
def test_no_item_of_a_proof_can_be_missing(engine: str, place: int) -> None:
    for number in range(len(Altered(engine).records[place][2]["items"])):
        altered = Altered(engine)
        if _of_a_proxy(altered.records[place][2]):
            # The journal does not tell how many proxies there are: none of them may be missing, not one of two.
            altered.records[place][2]["items"] = []
        else:
            del altered.records[place][2]["items"][number]
        assert judge_switches(altered.view()).legal in (le.NO, le.UNKNOWN), number


def _of_a_proxy(proof: t.Mapping[str, t.Any]) -> bool:
    return bool(proof["kind"] == "switch")


# What an item of a proof may not say instead; of each item in turn.
FALSE_ITEMS: t.Sequence[t.Tuple[str, str, t.Dict[str, t.Any], str]] = [
    ("pegasus", "guard", {"state": "ready"}, le.NO),
    ("pegasus", "guard", {"lifts_at": None}, le.NO),
    ("pegasus", "guard", {"lifts_at": "2020-01-01T00:00:00.000Z"}, le.NO),
    ("pegasus", "guard", {"subject": "other"}, le.UNKNOWN),
    ("pegasus", "fence", {"writes": "open"}, le.NO),
    ("pegasus", "fence", {"writes": "unknown"}, le.NO),
    ("pegasus", "fence", {"at": "2030-01-01T00:00:00.000Z"}, le.NO),
    ("pegasus", "fence", {"at": "some time"}, le.UNKNOWN),
    ("pegasus", "fence", {"ballot": 10_000_000}, le.NO),
    ("pegasus", "fence", {"ballot": None}, le.UNKNOWN),
    ("pegasus", "fence", {"primary": "127.0.0.9:1"}, le.NO),
    ("pegasus", "fence", {"subject": "temp/99"}, le.UNKNOWN),
    ("pegasus", "drain", {"confirmed": 0}, le.NO),
    ("pegasus", "drain", {"confirmed": None}, le.UNKNOWN),
    ("pegasus", "drain", {"position": 10_000_000}, le.NO),
    ("pegasus", "drain", {"position": None}, le.UNKNOWN),
    ("pegasus", "drain", {"fenced_at": "2020-01-01T00:00:00.000Z"}, le.NO),
    ("pegasus", "drain", {"drained_at": "2020-01-01T00:00:00.000Z"}, le.NO),
    ("pegasus", "drain", {"drained_at": "2030-01-01T00:00:00.000Z"}, le.NO),
    ("pegasus", "drain", {"drained_at": ""}, le.UNKNOWN),
    ("pegasus", "drain", {"ballot": 0}, le.NO),
    ("pegasus", "switch", {"cluster": "onebox-a"}, le.NO),
    ("pegasus", "switch", {"cluster": None}, le.NO),
    ("pegasus", "target", {"primary": ""}, le.UNKNOWN),
    ("pegasus", "target", {"ballot": None}, le.UNKNOWN),
    ("starrocks", "guard", {"state": "lifting"}, le.NO),
    ("starrocks", "guard", {"lifts_at": "2020-01-01T00:00:00.000Z"}, le.NO),
    ("starrocks", "freeze", {"disable_load_job": "false"}, le.NO),
    ("starrocks", "freeze", {"disable_load_job": None}, le.NO),
    ("starrocks", "freeze", {"subject": "10.9.9.9:1"}, le.UNKNOWN),
    ("starrocks", "quiescence", {"met": False}, le.NO),
    ("starrocks", "quiescence", {"met": "yes"}, le.NO),
    ("starrocks", "tool_ended", {"state": "running"}, le.NO),
    ("starrocks", "tool_ended", {"state": "stopped by the operator's word"}, le.UNKNOWN),
    ("starrocks", "replications_drained", {"running": 2}, le.NO),
    ("starrocks", "replications_drained", {"running": None}, le.UNKNOWN),
    ("starrocks", "partitions_equal", {"versions": {}}, le.UNKNOWN),
    ("starrocks", "cutover", {"partitions": 10_000_000}, le.UNKNOWN),
    ("starrocks", "cutover", {"looks": 1}, le.NO),
    ("starrocks", "cutover", {"source_digest": "0" * 64}, le.NO),
    ("starrocks", "cutover", {"source_digest": ""}, le.UNKNOWN),
    ("greptimedb", "greptimedb.regions_served", {"state": "open"}, le.NO),
    ("greptimedb", "greptimedb.regions_served", {"to_peer": 77}, le.NO),
    ("greptimedb", "greptimedb.regions_served", {"leader_peer": 77}, le.NO),
    ("greptimedb", "greptimedb.regions_served", {"region_id": 77}, le.UNKNOWN),
    ("greptimedb", "greptimedb.datanode_empty", {"empty": False}, le.NO),
]


@pytest.mark.parametrize(("engine", "kind", "instead", "answer"), FALSE_ITEMS)
def test_no_item_of_a_proof_can_say_otherwise(engine: str, kind: str, instead: t.Dict[str, t.Any], answer: str) -> None:
    count = len(Altered(engine).data("proof", kind=kind)["items"])
    assert count
    for number in range(count):
        altered = Altered(engine)
        altered.data("proof", kind=kind)["items"][number].update(instead)
        assert judge_switches(altered.view()).legal == answer, number


def _unguarded(altered: Altered) -> None:
    altered.data("cutover.committed")["guarded"] = False


def _digest_at_commit(altered: Altered) -> None:
    altered.data("cutover.committed")["source_digest"] = "0" * 64


def _other_target(altered: Altered) -> None:
    altered.data("cutover.committed")["target"] = "77"


def _more_frontends(altered: Altered) -> None:
    altered.data("freeze.found")["frontends"]["10.9.9.9:1"] = "false"


def _switch_without_outcome(altered: Altered) -> None:
    change = altered.data("change.intent", action="switch")["id"]
    altered.drop("change.outcome", id=change)


def _switch_that_failed_to_be_seen(altered: Altered) -> None:
    change = altered.data("change.intent", action="switch")["id"]
    altered.data("change.outcome", id=change)["status"] = "unknown"


def _lifted_between(altered: Altered) -> None:
    place = altered.last("proof", kind="drain")
    fence = altered.data("change.intent", action="fence")
    lift = {**fence, "id": "lift", "action": "restore", "before": fence["after"], "after": None}
    at = altered.records[place][0]
    altered.records[place:place] = [
        (at, "change.intent", lift),
        (at, "change.outcome", {"id": "lift", "status": "done"}),
    ]


def _lifted_by_the_guard(altered: Altered) -> None:
    at = altered.records[altered.last("proof", kind="drain")][0]
    line = {"event": "lifted", "at": at, "tables": ["temp"], "cluster": "onebox-a", "guard": "0"}
    altered.records.append((altered.records[-1][0], "cutover.guard", line))


def _thawed_between(altered: Altered) -> None:
    place = altered.last("proof", kind="cutover")
    freeze = altered.data("change.intent", action="freeze")
    lift = {**freeze, "id": "lift", "action": "restore", "before": "true", "after": "false"}
    at = altered.records[place][0]
    altered.records[place:place] = [
        (at, "change.intent", lift),
        (at, "change.outcome", {"id": "lift", "status": "done"}),
    ]


def _frozen_again(altered: Altered) -> None:
    place = altered.last("proof", kind="cutover")
    again = {**altered.data("change.intent", action="freeze"), "id": "again", "action": "freeze_again"}
    altered.records.insert(place, (altered.records[place][0], "change.intent", again))


def _led_elsewhere(altered: Altered) -> None:
    altered.data("change.outcome", status="done")["evidence"]["leader_peer"] = 77


def _not_writable(altered: Altered) -> None:
    altered.data("change.outcome", status="done")["evidence"]["writable"] = False


def _moved_after_the_proof(altered: Altered) -> None:
    intent = altered.last("change.intent")
    change = altered.records[intent][2]["id"]
    outcome = altered.last("change.outcome", id=change)
    end = altered.records[-1][0]
    found = [(end, *altered.records[place][1:]) for place in (intent, outcome)]
    altered.records += t.cast("t.Any", found)


OTHERWISE: t.Sequence[t.Tuple[str, str, Alteration, str]] = [
    ("pegasus", "no intent of the fence", lambda a: a.drop("change.intent", action="fence"), le.UNKNOWN),
    ("pegasus", "no outcome of the switch", _switch_without_outcome, le.UNKNOWN),
    ("pegasus", "the switch was not seen", _switch_that_failed_to_be_seen, le.UNKNOWN),
    ("pegasus", "no commit", lambda a: a.drop("cutover.committed"), le.UNKNOWN),
    ("pegasus", "no intent of the switch", lambda a: a.drop("change.intent", action="switch"), le.UNKNOWN),
    ("pegasus", "the source was not closed", lambda a: a.drop("change.intent", action="close"), le.UNKNOWN),
    ("pegasus", "switched after the deadline", lambda a: a.late("change.intent", 3600, action="switch"), le.NO),
    ("pegasus", "fenced before the guard",
     lambda a: a.move("change.intent", ("proof", {"kind": "guard"}), action="fence"), le.NO),
    ("pegasus", "switched before the drain",
     lambda a: a.move("change.intent", ("proof", {"kind": "drain"}), action="switch"), le.NO),
    ("pegasus", "drained before the fence",
     lambda a: a.move("proof", ("proof", {"kind": "fence"}), kind="drain"), le.NO),
    ("pegasus", "switched at an earlier time", lambda a: a.late("change.intent", -60, action="switch"), le.NO),
    ("pegasus", "the fence was taken off", _lifted_between, le.NO),
    ("pegasus", "the guard took it off", _lifted_by_the_guard, le.NO),
    ("starrocks", "no commit", lambda a: a.drop("cutover.committed"), le.UNKNOWN),
    ("starrocks", "no hand-over", lambda a: a.drop("cutover.handed_over"), le.UNKNOWN),
    ("starrocks", "no frontends", lambda a: a.drop("freeze.found"), le.UNKNOWN),
    ("starrocks", "a frontend more", _more_frontends, le.UNKNOWN),
    ("starrocks", "committed too late", lambda a: a.late("cutover.committed", 7200), le.NO),
    ("starrocks", "committed without a guard", _unguarded, le.UNKNOWN),
    ("starrocks", "the source had changed", _digest_at_commit, le.NO),
    ("starrocks", "another target", _other_target, le.NO),
    ("starrocks", "frozen before the guard",
     lambda a: a.move("proof", ("proof", {"kind": "freeze"}), kind="guard"), le.NO),
    ("starrocks", "compared before the drain",
     lambda a: a.move("proof", ("proof", {"kind": "replications_drained"}), kind="cutover"), le.NO),
    ("starrocks", "drained before the tool was ended",
     lambda a: a.move("proof", ("proof", {"kind": "tool_ended"}), kind="replications_drained"), le.NO),
    ("starrocks", "the freeze was lifted", _thawed_between, le.NO),
    ("starrocks", "a frontend had lost its switch", _frozen_again, le.NO),
    ("greptimedb", "led by another datanode", _led_elsewhere, le.NO),
    ("greptimedb", "not writable", _not_writable, le.NO),
    ("greptimedb", "moved again behind the proof", _moved_after_the_proof, le.UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(
    ("engine", "alteration", "answer"),
    [pytest.param(engine, how, answer, id=f"{engine}: {name}") for engine, name, how, answer in OTHERWISE],
)
def test_nothing_can_be_otherwise(engine: str, alteration: Alteration, answer: str) -> None:
    altered = Altered(engine)
    alteration(altered)
    assert judge_switches(altered.view()).legal == answer


def test_a_commit_before_the_deadline_of_its_guard_is_in_time_to_the_last() -> None:
    altered = Altered("starrocks")
    deadline = altered.data("proof", kind="guard")["items"][0]["lifts_at"]
    place = altered.last("cutover.committed")
    for at, answer in ((deadline, le.YES), (moved(deadline, 0.001), le.NO)):
        _old, kind, data = altered.records[place]
        altered.records[place] = (at, kind, data)
        assert judge_switches(altered.view()).legal == answer


@pytest.mark.parametrize("engine", ["pegasus", "starrocks"])
def test_without_a_switch_there_is_nothing_to_judge(engine: str) -> None:
    altered = Altered(engine)
    altered.records = altered.records[: altered.where("proof", kind="guard")[0]]
    found = judge_switches(altered.view())
    assert (found.legal, found.cutovers) == (le.NONE, ())


def test_a_damaged_journal_proves_nothing() -> None:
    view = Altered("pegasus").view()
    broken = JournalView(view.location, view.entries, (Problem("journal.chain_broken", "line 90 was changed", True),))
    found = judge_switches(broken)
    assert (found.legal, found.reasons[0]) == (le.UNKNOWN, "line 90 was changed")


@pytest.mark.parametrize("code", ["journal.head_missing", "journal.acknowledged_entry_torn"])
def test_a_journal_that_may_have_been_cut_off_does_not_say_that_nothing_was_switched(code: str) -> None:
    altered = Altered("pegasus")
    whole = altered.view()
    problem = Problem(code, "entries may be missing", False)
    found = judge_switches(JournalView(whole.location, whole.entries, (problem,)))
    assert (found.legal, found.reasons) == (le.YES, ("entries may be missing",))
    altered.records = altered.records[: altered.where("proof", kind="guard")[0]]
    found = judge_switches(JournalView(whole.location, altered.view().entries, (problem,)))
    assert (found.legal, found.reasons) == (le.UNKNOWN, ("entries may be missing",))


def test_the_rules_read_what_the_engines_write() -> None:
    """They know the form of a journal by themselves, so that reading one needs nothing of a cutover."""
    assert guard_state.ARMED == legality_trail.ARMED
    for name in ("COMMITTED_KIND", "HANDED_OVER_KIND", "LIFTED_KIND"):
        assert getattr(pegasus, name) == getattr(pegasus_past, name)
    assert (pegasus.DENY_KEY, pegasus.DENIED) == (profile.DENY_KEY, model.WRITES_DENIED)
    for name in ("COMMITTED_KIND", "HANDED_OVER_KIND", "STARTED_KIND"):
        assert getattr(starrocks, name) == getattr(cutover_past, name)
    assert (starrocks.FOUND_KIND, starrocks.LIFTED_KIND) == (freeze.FOUND_KIND, freeze_record.LIFTED_KIND)
    assert (starrocks.KEY, starrocks.ON) == (freeze_switch.KEY, freeze_switch.ON)
    assert starrocks.EQUAL_KIND == cutover_proof.KIND
    assert set(starrocks.CONDITIONS) == {
        quiescence.SWITCHED_OFF,
        quiescence.NO_TRANSACTIONS,
        quiescence.UNCHANGED,
        quiescence.NO_JOBS,
    }
    assert greptimedb.PROVEN == greptimedb_proof.PROVEN


def test_of_an_unknown_engine_nothing_is_known() -> None:
    altered = Altered("pegasus")
    altered.records[0][2]["engine"] = "other"
    assert judge_switches(altered.view()).legal == le.UNKNOWN


def test_of_thousands_only_some_are_told_in_full() -> None:
    checks = (le.Check("guard", le.YES, ""),)
    bad = le.CutoverJudgement("bad", "", (le.Check("guard", le.NO, "there was none"),))
    found = le.judged([*(le.CutoverJudgement(str(number), "", checks) for number in range(5000)), bad]).as_result()
    assert (found["legal"], found["reasons"]) == (le.NO, ["bad: there was none"])
    assert len(found["cutovers"]) == 5001
    assert "checks" in found["cutovers"][-1]
    assert sum("checks" in cutover for cutover in found["cutovers"]) == 100


ODD = (10**400, -(10**400), 1e308, "\u00b2", "temp/\u00b2", "temp/" + "9" * 5000, [None], {"a": 10**400})


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:9])
@pytest.mark.parametrize("engine", ENGINES)
def test_odd_values_are_not_known_and_raise_nothing(engine: str, odd: t.Any) -> None:
    """As a later release, or somebody who wants to, could write them."""
    altered = Altered(engine)
    for _at, kind, data in altered.records:
        if kind == "proof":
            data["items"] = [{**dict.fromkeys(item, odd), "table": "temp"} for item in data.get("items") or ()]
        elif kind in ("progress", "wait") or kind.startswith("cutover."):
            data.update({name: odd for name in data if name != "table"})
        for name in ("window", "forecast", "measured", "evidence"):
            if name in data:
                data[name] = dict.fromkeys(data[name], odd) if isinstance(data[name], dict) else odd
    told = report(altered)
    assert told.switch is not None
    assert told.switch.legal != le.YES
    assert page(told)
