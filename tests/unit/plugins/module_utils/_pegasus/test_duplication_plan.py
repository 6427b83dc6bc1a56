# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, table_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_options import read_options
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_send import ADDED, WAS_THERE, Sender
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import Source
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

SOURCE = Source("a", ("a0:1",))
WANTED = plans.Wanted("t", "b", "present", "FAIL_SLOW")
APP = model.App("t", 2, "AVAILABLE", 8, {}, 3)
NAME = dp.resource("a", "t", "b")
THERE = model.Duplication(17, "DS_LOG", "b", 1_700_000_000_000)


def want(state: str, **fields: t.Any) -> plans.Wanted:
    return dataclasses.replace(WANTED, state=state, **{"fail_mode": None, "discard": True, **fields})


def plan(
    wanted: plans.Wanted, seen: plans.Seen, past: dp.Past = dp.NO_PAST, create_idempotent: bool = False
) -> plans.Planned:
    return plans.plan(wanted, seen, past, source=SOURCE, create_idempotent=create_idempotent)


def calls(planned: plans.Planned) -> t.List[t.Dict[str, t.Any]]:
    return [step.change.request["fields"] for step in planned.steps]


def there(**fields: t.Any) -> plans.Seen:
    return plans.Seen(APP, (dataclasses.replace(THERE, **fields),))


def test_what_is_missing_is_added_with_exactly_the_options_given() -> None:
    assert calls(plan(WANTED, plans.Seen(APP))) == [
        {"app_name": "t", "remote_cluster_name": "b", "is_duplicating_checkpoint": True}
    ]
    more = dataclasses.replace(WANTED, remote_table="u", replica_count=2, checkpoint=False)
    assert calls(plan(more, plans.Seen(APP))) == [
        {
            "app_name": "t",
            "remote_cluster_name": "b",
            "is_duplicating_checkpoint": False,
            "remote_app_name": "u",
            "remote_replica_count": 2,
        }
    ]


@pytest.mark.parametrize(
    ("wanted", "fields", "expected"),
    [
        (WANTED, {}, []),
        (WANTED, {"status": "DS_PREPARE"}, []),
        (WANTED, {"status": "DS_PAUSE"}, [{"app_name": "t", "dupid": 17, "status": 3}]),
        (WANTED, {"fail_mode": "FAIL_FAST"}, [{"app_name": "t", "dupid": 17, "fail_mode": 0}]),
        (
            WANTED,
            {"status": "DS_PAUSE", "fail_mode": "FAIL_FAST"},
            [{"app_name": "t", "dupid": 17, "fail_mode": 0}, {"app_name": "t", "dupid": 17, "status": 3}],
        ),
        (want("paused"), {}, [{"app_name": "t", "dupid": 17, "status": 4}]),
        (want("paused"), {"status": "DS_PAUSE"}, []),
        (want("absent", force=True), {}, [{"app_name": "t", "dupid": 17, "status": 5}]),
        (
            want("absent", force=True, discard=True),
            {"status": "DS_PREPARE"},
            [{"app_name": "t", "dupid": 17, "status": 5}],
        ),
        (want("absent"), {"remote": "c"}, []),
    ],
)
def test_what_is_there_is_changed_as_little_as_possible(
    wanted: plans.Wanted, fields: t.Dict[str, t.Any], expected: t.List[t.Dict[str, t.Any]]
) -> None:
    assert calls(plan(wanted, there(**fields))) == expected


@pytest.mark.parametrize(
    ("wanted", "seen", "code"),
    [
        (WANTED, plans.Seen(None), "app_not_found"),
        (WANTED, plans.Seen(dataclasses.replace(APP, status="DROPPING")), "app_not_available"),
        (WANTED, there(remote_app_name="other"), "dup_mismatch"),
        (WANTED, there(fail_mode="FAIL_SKIP"), "dup_fail_mode"),
        (WANTED, there(fail_mode="FAIL_SKIP", status="DS_APP"), "dup_fail_mode"),
        (want("paused"), plans.Seen(APP), "dup_missing"),
        (want("paused"), there(status="DS_APP"), "dup_not_pausable"),
        (want("absent"), there(), "dup_not_ours"),
        (want("absent", force=True, discard=False), there(status="DS_PAUSE"), "dup_unconfirmed"),
        (want("absent", force=True, discard=False), there(fail_mode="FAIL_SKIP"), "dup_unconfirmed"),
        (WANTED, plans.Seen(APP, (), dataclasses.replace(APP, app_id=9), True), "target_table_exists"),
        (dataclasses.replace(WANTED, checkpoint=False), plans.Seen(APP, (), None, True), "target_table_missing"),
    ],
)
def test_what_cannot_or_must_not_be_done_is_refused(wanted: plans.Wanted, seen: plans.Seen, code: str) -> None:
    with pytest.raises(MigrationError) as caught:
        plan(wanted, seen)
    assert caught.value.code == "pegasus." + code
    assert caught.value.message.startswith("t: ")


@pytest.mark.parametrize("how", ["seen", "set by us"])
def test_a_duplication_that_has_skipped_once_proves_nothing_after_somebody_has_set_it_back(how: str) -> None:
    data: t.Dict[str, t.Any] = {"resource": NAME, "dupid": 17}
    kind = dp.SKIPPED_KIND
    if how == "set by us":
        modes = {"before": {"dupid": 17, "fail_mode": "FAIL_SLOW"}, "after": {"dupid": 17, "fail_mode": "FAIL_SKIP"}}
        kind, data = "change.intent", {"id": "1", "resource": NAME, "action": dp.FAIL_MODE, **modes}
    past = dp.read_past([Entry(1, "2026-11-21T03:14:00.000Z", kind, data, "", "")], [NAME])[NAME]
    for wanted, code in ((WANTED, "dup_fail_mode"), (want("absent", force=True, discard=False), "dup_unconfirmed")):
        with pytest.raises(MigrationError) as caught:
            plan(wanted, there(), past)
        assert caught.value.code == "pegasus." + code
    assert calls(plan(want("absent", force=True), there(), past)) != []
    assert plan(WANTED, there(dupid=18), past).steps == (), "one that was added anew has skipped nothing"


@pytest.mark.parametrize(
    ("outcome", "skipped"),
    [
        (None, True),
        ({"status": "done"}, True),
        ({"status": "unknown", "code": "pegasus.setting_not_kept"}, True),
        ({"status": "abandoned"}, True),
        ({"status": "failed"}, True),
        ({"status": "failed", "code": "pegasus.setting_contested"}, True),
        ({"status": "failed", "code": "pegasus.busy"}, False),
        ({"status": "failed", "code": "pegasus.unreachable"}, False),
    ],
)
def test_a_change_to_skip_counts_unless_the_server_refused_it(
    outcome: t.Optional[t.Dict[str, t.Any]], skipped: bool
) -> None:
    modes = {"before": {"dupid": 17, "fail_mode": "FAIL_SLOW"}, "after": {"dupid": 17, "fail_mode": "FAIL_SKIP"}}
    intent = {"id": "1", "resource": NAME, "action": dp.FAIL_MODE, **modes}
    entries = [Entry(1, "2026-11-21T03:14:00.000Z", "change.intent", intent, "", "")]
    if outcome is not None:
        entries.append(Entry(2, "2026-11-21T03:14:01.000Z", "change.outcome", {"id": "1", **outcome}, "", ""))
    assert dp.read_past(entries, [NAME])[NAME].skipped == ({17} if skipped else set())


def test_a_change_from_skip_counts_however_it_ended() -> None:
    modes = {"before": {"dupid": 17, "fail_mode": "FAIL_SKIP"}, "after": {"dupid": 17, "fail_mode": "FAIL_FAST"}}
    intent = {"id": "1", "resource": NAME, "action": dp.FAIL_MODE, **modes}
    outcome = {"id": "1", "status": "failed", "code": "pegasus.busy"}
    at = "2026-11-21T03:14:00.000Z"
    entries = [Entry(1, at, "change.intent", intent, "", ""), Entry(2, at, "change.outcome", outcome, "", "")]
    assert dp.read_past(entries, [NAME])[NAME].skipped == {17}


def test_what_somebody_else_has_added_is_removed_when_it_was_taken_over_or_cut_over_on(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path)
    bench.add_duplication("t", "b")
    assert bench.owner() == dp.OTHER and bench.duplication is not None
    with bench.journal() as journal:
        Sender(bench, journal, bench.clock, 10.0, dp.NO_PAST).take_over(NAME, bench.duplication)  # type: ignore[arg-type]
    assert bench.owner() == dp.OURS
    assert "t" in table_past.told(Journal.read(bench.path).entries, ["t"]).duplicated
    bench.run(want("absent"))
    assert bench.status() == ""
    cut_over = plans.plan(want("absent"), there(), dp.NO_PAST, source=SOURCE, create_idempotent=True, cut_over=True)
    assert len(cut_over.steps) == 1


def test_a_half_made_follower_of_this_table_is_no_obstacle_from_2_6_on() -> None:
    envs = {"duplication.master_cluster": "a", "duplication.master_app_name": "t"}
    seen = plans.Seen(APP, (), dataclasses.replace(APP, envs=envs), True)
    assert len(plan(WANTED, seen, create_idempotent=True).steps) == 1
    with pytest.raises(MigrationError):
        plan(WANTED, seen, create_idempotent=False)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"remote_table": "u"}, "remote_table_unsupported"), ({"replica_count": 1}, "replica_count_unsupported")],
)
def test_what_an_older_server_would_skip_without_a_word_is_refused(fields: t.Dict[str, t.Any], code: str) -> None:
    old, new = Profile.choose(Version.parse("2.5.0")), Profile.choose(Version.parse("2.6.0-SNAPSHOT"))
    wanted = dataclasses.replace(WANTED, **fields)
    with pytest.raises(MigrationError) as caught:
        plans.understood(wanted, old)
    assert caught.value.code == "pegasus." + code
    plans.understood(wanted, new)
    plans.understood(WANTED, old)


def test_an_absent_table_has_nothing_to_remove() -> None:
    assert plan(want("absent"), plans.Seen(None)).steps == ()


class Bench:
    """A cluster with one table, of which ``script`` says what each addition does, and a journal."""

    def __init__(self, folder: pathlib.Path, script: t.Sequence[str] = ()) -> None:
        self.clock = FakeClock()
        self.duplication: t.Optional[model.Duplication] = None
        self.script = list(script)
        self.sent: t.List[str] = []
        self.path = str(folder / "journal.jsonl")
        self.client = self
        self.hidden_looks = 0

    def add_duplication(self, name: str, remote: str, **_fields: t.Any) -> model.AddedDuplication:
        self.sent.append("add")
        step = self.script.pop(0) if self.script else "apply"
        if "late" in step:
            self.hidden_looks = 4
        if "apply" in step or "late" in step:
            dupid = int(self.clock.now().timestamp())
            self.duplication = model.Duplication(dupid, "DS_INIT", remote, dupid * 1000)
        if "no reply" in step:
            raise MigrationError("pegasus.ambiguous", "no answer")
        if step.startswith("pegasus."):
            raise MigrationError(step, "refused", server_text="ERR")
        return model.AddedDuplication(2, 0 if step == "zero" or self.duplication is None else self.duplication.dupid)

    def modify_duplication(self, name: str, dupid: int, **fields: t.Any) -> None:
        self.sent.append(f"modify {fields['status'] or fields['fail_mode']}")
        step = self.script.pop(0) if self.script else "apply"
        if "apply" in step and self.duplication is not None:
            given = {key: value for key, value in fields.items() if value is not None}
            gone = given.get("status") == "DS_REMOVED"
            self.duplication = None if gone else dataclasses.replace(self.duplication, **given)
        if "no reply" in step:
            raise MigrationError("pegasus.ambiguous", "no answer")
        if step.startswith("pegasus."):
            raise MigrationError(step, "refused")

    def duplications(self, table: str) -> t.Tuple[model.Duplication, ...]:
        if self.hidden_looks:
            self.hidden_looks -= 1
            return ()
        return () if self.duplication is None else (self.duplication,)

    def past(self) -> dp.Past:
        if not pathlib.Path(self.path).exists():
            return dp.NO_PAST
        return dp.read_past(Journal.read(self.path).entries, [NAME])[NAME]

    def journal(self) -> Journal:
        return Journal.open(self.path, migration_id="m", engine="pegasus", clock=self.clock, redactor=Redactor([]))

    def run(self, wanted: plans.Wanted) -> t.List[str]:
        """Plan and send, as the module does; the verdicts."""
        past = self.past()
        planned = plan(wanted, plans.Seen(APP, self.duplications("t")), past)
        with self.journal() as journal:
            sender = Sender(self, journal, self.clock, 10.0, past)  # type: ignore[arg-type]
            sender.settle(wanted, self.duplications("t"))
            if planned.owner == dp.FOUND and planned.duplication is not None:
                sender.adopt(wanted, planned.duplication)
            return [sender.send(wanted, step)[0] for step in planned.steps]

    def status(self) -> str:
        return "" if self.duplication is None else self.duplication.status

    def set_status(self, status: str) -> None:
        assert self.duplication is not None
        self.duplication = dataclasses.replace(self.duplication, status=status)

    def owner(self) -> str:
        assert self.duplication is not None
        return self.past().owner(self.duplication)


@pytest.mark.parametrize(
    ("script", "sent"),
    [
        ([], 1),
        (["apply, no reply"], 1),
        (["late, no reply"], 1),
        (["no reply"], 2),
        (["no reply", "no reply"], 3),
        (["pegasus.busy"], 2),
    ],
)
def test_an_addition_is_made_once_and_found_again(tmp_path: pathlib.Path, script: t.List[str], sent: int) -> None:
    bench = Bench(tmp_path, script)
    assert bench.run(WANTED) == [ADDED]
    assert (len(bench.sent), bench.owner()) == (sent, dp.OURS)
    assert bench.run(WANTED) == []
    assert len(bench.sent) == sent
    bench.run(want("absent"))
    assert bench.duplication is None


@pytest.mark.parametrize("minutes", [-90, -2, 2, 90])
def test_the_dupid_of_the_reply_is_proof_however_the_clocks_differ(tmp_path: pathlib.Path, minutes: int) -> None:
    bench = Bench(tmp_path)

    def elsewhere(name: str, remote: str, **fields: t.Any) -> model.AddedDuplication:
        created = int(bench.clock.now().timestamp()) + 60 * minutes
        bench.duplication = model.Duplication(created, "DS_INIT", remote, created * 1000)
        return model.AddedDuplication(2, created)

    bench.add_duplication = elsewhere  # type: ignore[method-assign]
    assert bench.run(WANTED) == [ADDED]
    assert bench.owner() == dp.OURS
    bench.run(want("absent"))
    assert bench.duplication is None


def test_another_dupid_than_the_reply_told_is_not_ours(tmp_path: pathlib.Path) -> None:
    """Ours was removed, and somebody added another one, before we looked."""
    bench = Bench(tmp_path)

    def replaced(name: str, remote: str, **fields: t.Any) -> model.AddedDuplication:
        now = int(bench.clock.now().timestamp())
        bench.duplication = model.Duplication(now + 1, "DS_INIT", remote, now * 1000)
        return model.AddedDuplication(2, now)

    bench.add_duplication = replaced  # type: ignore[method-assign]
    assert bench.run(WANTED) == [WAS_THERE]
    assert bench.owner() == dp.OTHER


@pytest.mark.parametrize("answer", ["zero", "pegasus.dup_exists"])
def test_what_somebody_else_has_just_added_is_not_ours(tmp_path: pathlib.Path, answer: str) -> None:
    bench = Bench(tmp_path, [answer])

    def added_meanwhile(name: str, remote: str, **fields: t.Any) -> model.AddedDuplication:
        now = int(bench.clock.now().timestamp())
        bench.duplication = model.Duplication(now, "DS_LOG", "b", now * 1000)
        return Bench.add_duplication(bench, name, remote, **fields)

    bench.add_duplication = added_meanwhile  # type: ignore[method-assign]
    assert bench.run(WANTED) == [WAS_THERE]
    assert bench.owner() == dp.OTHER
    with pytest.raises(MigrationError, match="not made by this"):
        bench.run(want("absent"))


def test_a_refused_addition_leaves_nothing_of_ours(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path, ["pegasus.invalid_parameters"])
    with pytest.raises(MigrationError, match="refused"):
        bench.run(WANTED)
    assert bench.past() == dp.NO_PAST


def killed_after_the_intent(bench: Bench, wanted: plans.Wanted) -> None:
    planned = plan(wanted, plans.Seen(APP, bench.duplications("t")), bench.past())
    with bench.journal() as journal:
        journal.intents([step.change for step in planned.steps])


def test_a_run_that_was_killed_finds_what_it_had_asked_for(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path)
    killed_after_the_intent(bench, WANTED)
    bench.add_duplication("t", "b")
    assert bench.owner() == dp.FOUND
    assert bench.run(WANTED) == []
    assert (bench.sent, bench.owner()) == (["add"], dp.OURS)


def test_what_was_there_long_before_the_intent_is_not_adopted(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path)
    killed_after_the_intent(bench, WANTED)
    old = int(bench.clock.now().timestamp()) - 3600
    bench.duplication = model.Duplication(old, "DS_LOG", "b", old * 1000)
    assert bench.run(WANTED) == []
    assert bench.owner() == dp.OTHER


def test_a_request_that_arrives_after_a_killed_run_was_settled_is_still_found(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path, ["pegasus.invalid_parameters"])
    killed_after_the_intent(bench, WANTED)
    with pytest.raises(MigrationError):
        bench.run(WANTED)
    bench.add_duplication("t", "b")
    assert bench.owner() == dp.FOUND
    bench.run(want("absent"))
    assert bench.duplication is None


@pytest.mark.parametrize("script", [[], ["apply, no reply"], ["no reply"], ["pegasus.busy"]])
def test_modifications_are_read_back(tmp_path: pathlib.Path, script: t.List[str]) -> None:
    bench = Bench(tmp_path)
    bench.run(WANTED)
    bench.set_status("DS_LOG")
    bench.script = list(script)
    bench.run(want("paused"))
    assert bench.status() == "DS_PAUSE"
    bench.script = list(script)
    bench.run(want("absent"))
    assert bench.status() == ""
    assert (bench.past().dupids, bench.past().open) == (frozenset(), ())


def test_a_removal_that_a_killed_run_left_open_is_settled(tmp_path: pathlib.Path) -> None:
    bench = Bench(tmp_path)
    bench.run(WANTED)
    killed_after_the_intent(bench, want("absent"))
    bench.duplication = None
    bench.run(want("absent"))
    assert (bench.past().dupids, bench.past().open) == (frozenset(), ())


def options(**given: t.Any) -> t.Any:
    values: t.Dict[str, t.Any] = {
        "tables": "t", "remote_cluster": "b", "state": "present", "wait": True, "checkpoint": True, "force": False,
        "unconfirmed": "wait", "adopt": False,
        "max_backlog": 1000, "stable_samples": 3, "poll_interval": "2s", "stuck_after": "90s", "settle_time": "15s",
        "timeout": "24h",
    }  # fmt: skip
    return read_options({**values, **given})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tables": []}, "tables: there is none"),
        ({"remote_cluster": " "}, "remote_cluster"),
        ({"remote_cluster": "host:34601"}, "[pegasus.clusters]"),
        ({"remote_tables": {"u": "v"}}, "not in tables"),
        ({"tables": "t,u", "remote_tables": {"t": "v", "u": "v"}}, "two tables would go into v"),
        ({"remote_tables": {"t": "te/mp"}}, "'te/mp' is not a table name"),
        ({"remote_tables": {"t": ""}}, "'' is not a table name"),
        ({"fail_mode": "skip"}, "wait=false"),
        ({"stable_samples": 1}, "stable_samples"),
        ({"max_backlog": 0}, "max_backlog"),
        ({"timeout": "0"}, "timeout"),
        ({"adopt": True}, "Give journal"),
    ],
)
def test_wrong_options_are_told_in_a_sentence(wrong: t.Dict[str, t.Any], words: str) -> None:
    with pytest.raises(MigrationError) as caught:
        options(**wrong)
    assert words in caught.value.message


def test_options() -> None:
    assert options().wanted == (WANTED,)
    assert options(state="paused").wanted[0].fail_mode is None
    assert (options(state="absent").discard, options(state="absent", unconfirmed="discard").discard) == (False, True)
    assert options(remote_tables='{"t": "u"}').wanted[0].remote_name == "u"
    assert (options().step_time, options(wait=False).step_time, options(step_time="3s").step_time) == (None, 0.0, 3.0)
    with pytest.raises(InvalidInput):
        options(tables="a,a", remote_cluster="")


def test_a_table_that_is_not_there_names_its_option() -> None:
    with pytest.raises(MigrationError, match="Check its name in tables"):
        plan(WANTED, plans.Seen(None))
