# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.gate_task import GateTask
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import Standing
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

DEFAULTS: t.Dict[str, t.Any] = {
    "before": "the cutover", "hold": False, "needed": "0", "timeout": "24h", "poll_interval": "1s", "wait": True,
    "is_cutover": True, "goes_on": "",
}  # fmt: skip


class Saying(FakeClock):
    """A clock during whose sleeps somebody writes into the control file: (seconds from the begin, text or None)."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self.path = path
        self.plan: t.List[t.Tuple[float, t.Optional[str]]] = []

    def say(self, text: t.Optional[str], age: float = 60) -> None:
        if text is None:
            self.path.unlink()
            return
        self.path.write_text(text)
        os.utime(self.path, times=(self.wall.timestamp() - age,) * 2)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        while self.plan and self.steady - 1000.0 >= self.plan[0][0]:
            self.say(self.plan.pop(0)[1])


@pytest.fixture
def clock(tmp_path: pathlib.Path) -> Saying:
    return Saying(tmp_path / "m.control")


def gate(clock: Saying, check: bool = False, **given: t.Any) -> GateTask:
    return GateTask({**DEFAULTS, "control": str(clock.path), **given}, check, Redactor([]), clock)


def test_what_nobody_holds_goes_on_at_once(clock: Saying) -> None:
    result = gate(clock).body()
    assert (result["finished"], result["waits"], result["changed"]) == (True, [], False)
    assert clock.slept == []


def test_it_waits_for_one_after_the_other(clock: Saying) -> None:
    clock.say("pause")
    clock.plan = [(10, "postpone until 2026-11-21T03:14:30Z"), (50, "resume"), (60, "proceed")]
    reasons: t.List[str] = []
    task = gate(clock, hold=True, cutover_window="daily 03:16-04:00 UTC")
    tell = task._tell

    def spy(hold: t.Any, since: t.Dict[str, str]) -> None:
        tell(hold, since)
        reasons.append(hold.reason if hold is not None else "")

    task._tell = spy  # type: ignore[method-assign]
    result = task.body()
    assert list(dict.fromkeys(reasons)) == [
        "control.paused", "control.postponed", "control.held", "window.closed", "",
    ]  # fmt: skip
    assert result["finished"] is True
    assert clock.now().isoformat()[11:16] == "03:16"
    assert [line.split(" (")[0] for line in result["events"]] == [
        "control: pause",
        "control: no wish for the run any more",
        "control: postpone until 2026-11-21T03:14:30.000Z",
        "control: resume",
        "control: no wish for the cutover any more",
        "control: proceed",
    ]


def test_what_is_no_cutover_is_held_by_a_pause_and_not_by_what_is_said_of_the_cutover(clock: Saying) -> None:
    clock.say("postpone until 2026-11-22T00:00:00Z\npause")
    clock.plan = [(20, "postpone until 2026-11-22T00:00:00Z")]
    result = gate(clock, before="the copy", is_cutover=False).body()
    assert (result["finished"], result["summary"]) == (True, "Nothing holds the copy.")
    assert 20 <= clock.steady - 1000.0 <= 30
    clock.say("pawse")
    unreadable = gate(clock, before="the copy", is_cutover=False, wait=False).body()
    assert [one["reason"] for one in unreadable["waits"]] == ["control.unreadable"]


@pytest.mark.parametrize("check", [True, False])
def test_an_abort_before_the_copy_tells_what_goes_on(clock: Saying, check: bool) -> None:
    clock.say("abort the disks are full")
    with pytest.raises(MigrationError) as caught:
        gate(clock, check, before="the next step of the copy", is_cutover=False, goes_on="the sync tool goes on").body()
    assert caught.value.code == "control.aborted"
    assert "(the disks are full): the next step of the copy was not begun; the sync tool goes on." in (
        caught.value.message
    )


def test_a_pause_in_check_mode_is_told_and_not_waited_for(clock: Saying) -> None:
    clock.say("pause")
    result = gate(clock, True, before="the copy", is_cutover=False).body()
    assert (result["finished"], clock.slept) == (True, [])
    assert result["summary"].startswith("A real run would wait: the copy waits for ")


def test_the_window_must_hold_what_comes(clock: Saying) -> None:
    given: t.Dict[str, t.Any] = {"cutover_window": ["daily 03:00-03:20 UTC", "daily 05:00-06:00 UTC"]}
    assert gate(clock, needed="6m", **given).body()["finished"] is True
    result = gate(clock, needed="7m", wait=False, **given).body()
    assert result["finished"] is False
    (wait,) = result["waits"]
    assert wait["reason"] == "window.closed"
    assert "opens at 2026-11-21T05:00:00.000Z" in wait["waiting_for"]
    assert "less than the 7m" in wait["waiting_for"]


def test_what_no_window_can_hold_is_told_at_once(clock: Saying) -> None:
    given: t.Dict[str, t.Any] = {"cutover_window": ["daily 03:00-03:20 UTC", "daily 05:00-06:00 UTC"]}
    with pytest.raises(MigrationError, match=r"the cutover may take 1h 1m, .*open for 1h at the longest") as caught:
        gate(clock, needed="61m", **given).body()
    assert caught.value.code == "cutover.no_window"
    with pytest.raises(MigrationError, match="does not open any more"):
        gate(clock, cutover_window="2026-11-20T03:00:00Z/2026-11-20T04:00:00Z").body()
    # It is 03:14; what is left of the only window is less than the whole of it.
    once = "2026-11-21T03:00:00Z/2026-11-21T04:00:00Z"
    assert gate(clock, needed="45m", cutover_window=once).body()["finished"] is True
    with pytest.raises(MigrationError, match="at the longest"):
        gate(clock, needed="47m", cutover_window=once).body()
    assert clock.slept == []


def test_a_window_that_opens_when_the_wait_is_over_is_told_at_once(clock: Saying) -> None:
    # It is 03:14 on Saturday. The first opening is too short for what comes.
    given: t.Dict[str, t.Any] = {"cutover_window": ["Sun 05:00-05:10 UTC", "Sun 06:00-08:00 UTC"], "needed": "1h"}
    with pytest.raises(MigrationError) as caught:
        gate(clock, **given).body()
    assert caught.value.code == "cutover.no_window"
    assert "opens next for the cutover at 2026-11-22T06:00:00.000Z, in 1d 3h" in caught.value.message
    assert "timeout (the gate_timeout of a role) ends the wait in 1d" in caught.value.message
    assert clock.slept == []
    with pytest.raises(MigrationError, match="nothing to wait for"):
        gate(clock, check=True, **given).body()
    assert gate(clock, wait=False, **given).body()["finished"] is False, "who looks once may look again"
    least = re.search(r"Give at least (.*?) for it", caught.value.message)
    assert least is not None
    assert gate(clock, timeout=least.group(1), poll_interval="5m", **given).body()["finished"] is True


def test_a_pause_that_takes_the_window_away_is_not_waited_out(clock: Saying) -> None:
    clock.say("pause")
    with pytest.raises(MigrationError, match=r"opens next for the cutover at 2026-11-22T03:00") as caught:
        gate(clock, cutover_window="daily 03:00-03:20 UTC", timeout="10h").body()
    assert caught.value.code == "cutover.no_window"
    assert sum(clock.slept) == pytest.approx(360, abs=2), "until the window closed"


@pytest.mark.parametrize(
    ("wish", "given", "code", "told"),
    [
        ("postpone until 06:00", "daily 03:00-05:00 UTC", "control.postponed", "begins in 23h 46m at the earliest"),
        ("postpone until 06:00", "2026-11-21T03:00:00Z/2026-11-21T05:00:00Z", "cutover.no_window", "not open any more"),
        ("postpone 3d", "", "control.postponed", "Give at least 3d"),
    ],
)
def test_a_postponement_beyond_window_or_wait_is_told_at_once(
    clock: Saying, wish: str, given: str, code: str, told: str
) -> None:
    clock.say("pause")
    clock.plan = [(5, wish.replace("06:00", "2026-11-21T06:00:00Z"))]
    task = gate(clock, cutover_window=given, timeout="10h")
    with pytest.raises(MigrationError) as caught:
        task.body()
    assert caught.value.code == code
    assert told in caught.value.message
    assert sum(clock.slept) < 10
    assert task.result["events"][-1].endswith(f"no cutover begins before, and this run ends now: {code})")
    assert gate(clock, wait=False, timeout="10h").body()["finished"] is False, "who looks once may look again"


def test_a_postponement_within_window_and_wait_is_waited_for(clock: Saying) -> None:
    clock.say("postpone until 2026-11-21T04:00:00Z")
    result = gate(clock, cutover_window="daily 03:00-05:00 UTC", poll_interval="1m").body()
    assert result["finished"] is True
    assert result["events"] == ["control: postpone until 2026-11-21T04:00:00.000Z (no cutover begins before)"]


def test_what_cannot_be_read_holds(clock: Saying) -> None:
    clock.say("psotpone 2h")
    clock.plan = [(5, "proceed")]
    result = gate(clock).body()
    assert result["finished"] is True
    assert sum(clock.slept) >= 5
    assert "cannot be read" in result["events"][0]


def test_an_abort_fails_it(clock: Saying) -> None:
    clock.say("pause")
    clock.plan = [(5, "abort ticket #9")]
    with pytest.raises(MigrationError, match="abort \\(ticket #9\\): the cutover was not begun") as caught:
        gate(clock).body()
    assert caught.value.code == "control.aborted"


def test_nothing_waits_without_an_end(clock: Saying) -> None:
    clock.say("pause")
    with pytest.raises(MigrationError, match=r"did not end within 1m.*control\.paused") as caught:
        gate(clock, timeout="60").body()
    assert caught.value.code == "deadline.expired"
    assert sum(clock.slept) == pytest.approx(60)


def test_steps_share_one_deadline_and_tell_each_wish_once(clock: Saying) -> None:
    clock.say("pause")
    follow: t.Any = None
    events: t.List[str] = []
    since = set()
    for _number in range(13):
        result = gate(clock, timeout="60", step_time="5", follow=follow).body()
        follow = result["follow"]
        events += result["events"]
        since.add(result["waits"][0]["since"])
    assert len(events) == 1
    assert len(since) == 1
    with pytest.raises(MigrationError, match="did not end"):
        gate(clock, timeout="60", step_time="5", follow=follow).body()


def test_check_mode_tells_and_waits_for_nothing(clock: Saying, tmp_path: pathlib.Path) -> None:
    clock.say("pause")
    journal = tmp_path / "m.jsonl"
    make(journal)
    before = journal.read_bytes()
    result = gate(clock, check=True, journal=str(journal)).body()
    assert (result["finished"], clock.slept, result["events"]) == (True, [], [])
    assert result["summary"].startswith("A real run would wait: the cutover waits for")
    assert journal.read_bytes() == before


def make(path: pathlib.Path) -> None:
    with Journal.open(str(path), migration_id="m", engine="x", clock=SystemClock(), redactor=Redactor([])):
        pass


def test_a_journal_that_is_there_remembers_and_no_other_is_made(clock: Saying, tmp_path: pathlib.Path) -> None:
    journal = tmp_path / "m.jsonl"
    clock.say("pause")
    gate(clock, wait=False, journal=str(journal)).body()
    assert not journal.exists()
    make(journal)
    for _number in range(2):
        result = gate(clock, wait=False, journal=str(journal)).body()
        assert result["finished"] is False
    kinds = [entry.kind for entry in Journal.read(str(journal)).entries]
    assert kinds == ["journal.opened", "control", "wait", "wait"], "a wish once; what is waited for, once in each run"
    with Journal.open(str(journal), migration_id="", engine="", clock=clock, redactor=Redactor([])):
        # Another run holds the journal; while there is nothing to tell, it is not needed.
        follow = {"reason": "control.paused"}
        assert gate(clock, wait=False, journal=str(journal), follow=follow).body()["finished"] is False


def waits(journal: pathlib.Path) -> t.Dict[str, t.Any]:
    """What the metrics say is waited for."""
    standing = Standing()
    for entry in Journal.read(str(journal)).entries:
        standing.take(entry)
    return standing.waits


@pytest.mark.parametrize(
    ("later", "given", "code"),
    [
        ("abort it is late", {}, "control.aborted"),
        ("pause", {}, "deadline.expired"),
        ("pause", {"cutover_window": "2026-11-21T03:00:00Z/2026-11-21T03:14:30Z"}, "cutover.no_window"),
        (None, {}, ""),
    ],
)
def test_a_wait_that_has_ended_is_told_however_it_ended(
    clock: Saying, tmp_path: pathlib.Path, later: t.Optional[str], given: t.Dict[str, t.Any], code: str
) -> None:
    journal = tmp_path / "m.jsonl"
    make(journal)
    clock.say("pause")
    follow = gate(clock, wait=False, journal=str(journal)).body()["follow"]
    assert list(waits(journal)) == ["control.paused"]
    clock.say(later)
    last = gate(clock, timeout="60", journal=str(journal), follow=follow, **given)
    if code:
        with pytest.raises(MigrationError) as caught:
            last.body()
        assert caught.value.code == code
    else:
        assert last.body()["finished"] is True
    assert waits(journal) == {}


def test_the_next_gate_ends_the_wait_of_one_that_was_killed_and_only_that(
    clock: Saying, tmp_path: pathlib.Path
) -> None:
    journal = tmp_path / "m.jsonl"
    make(journal)
    assert gate(clock, journal=str(journal)).body()["finished"] is True
    assert len(Journal.read(str(journal)).entries) == 1, "nothing was waited for, and nothing is told"
    since = "2026-11-21T03:00:00.000Z"
    with Journal.open(str(journal), migration_id="", engine="", clock=clock, redactor=Redactor([])) as opened:
        opened.append("progress", {"waits": {"control.paused": since, "x.wait.y": since}})
    assert gate(clock, journal=str(journal)).body()["finished"] is True
    assert list(waits(journal)) == ["x.wait.y"]


def test_a_proceed_opens_the_hold_of_one_cutover(clock: Saying, tmp_path: pathlib.Path) -> None:
    journal = tmp_path / "m.jsonl"
    given: t.Dict[str, t.Any] = {"journal": str(journal), "hold": True, "wait": False}
    with Journal.open(str(journal), migration_id="m", engine="x", clock=clock, redactor=Redactor([])) as opened:
        opened.append("run.started", {"run_id": "one", "phase": "migrate"})
    clock.say("proceed")
    assert gate(clock, **given).body()["finished"] is True, "written before the gate was reached"
    with Journal.open(str(journal), migration_id="m", engine="x", clock=clock, redactor=Redactor([])) as opened:
        opened.append("run.started", {"run_id": "two", "phase": "cutover"})
        opened.append("run.finished", {"run_id": "two", "phase": "cutover", "status": "failed"})
    (wait,) = gate(clock, **given).body()["waits"]
    assert wait["reason"] == "control.held"
    assert "to say proceed anew" in wait["waiting_for"]
    assert gate(clock, **{**given, "hold": False}).body()["finished"] is True
    clock.advance(60)
    clock.say("proceed", age=0)
    assert gate(clock, **given).body()["finished"] is True


def test_the_file_beside_the_journal_is_found(clock: Saying, tmp_path: pathlib.Path) -> None:
    (tmp_path / "m.jsonl.control").write_text("pause")
    result = gate(clock, wait=False, control=None, journal=str(tmp_path / "m.jsonl")).body()
    assert result["waits"][0]["reason"] == "control.paused"
    assert result["control"] == str(tmp_path / "m.jsonl.control")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"hold": True, "control": ""}, "hold: nobody can say proceed"),
        ({"hold": True, "control": "none"}, "hold: nobody can say proceed"),
        ({"timeout": "0"}, "timeout: "),
        ({"needed": "soon"}, "needed: "),
        ({"cutover_window": "whenever"}, "cutover_window[0]: "),
        ({"control": "relative/path"}, "control: "),
        ({"is_cutover": False, "hold": True}, "hold: it is for a cutover"),
        ({"is_cutover": False, "cutover_window": "daily 03:00-04:00 UTC"}, "cutover_window: it is for a cutover"),
    ],
)
def test_bad_input_is_told(clock: Saying, given: t.Dict[str, t.Any], told: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        gate(clock, **given).body()
    assert caught.value.message.startswith(told)
