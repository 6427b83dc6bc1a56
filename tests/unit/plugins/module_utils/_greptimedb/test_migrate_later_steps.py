# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps of the whole task over one journal, while somebody drops and moves regions between them."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import Standing
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold import fold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Verification, WaitReason
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import migrate_task
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import read_past
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Placement
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.test_migrate import (
    BASE,
    Server,
    leaders,
)

OPTIONS: t.Dict[str, t.Any] = {
    **{name: option.get("default") for name, option in connection_argument_spec().argument_spec.items()},
    "server_timeout": "5m",
    "timeout": "1h",
    "move_timeout": "20m",
    "settle_time": "10s",
    "poll_interval": "250ms",
    "max_failures": 0,
    "attempts": 1,
    "flush_before": "auto",
    "frontend_host": "db",
    "migration_id": "m",
    "wait": True,
}


UNREACHABLE = "greptimedb.wait.cluster_unreachable"


class _Client:
    """The scripted server where the task makes its client."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def __getattr__(self, name: str) -> t.Any:
        if self._scene.away:
            raise MigrationError("greptimedb.unreachable", "127.0.0.1:4002 cannot be reached")
        return getattr(self._scene.server, "active" if name == "procedures" else name)


class Scene:
    """``count`` regions on datanode 1 that a plan wants on 2 and 3; moves take 3 s, one at a time."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, count: int = 3) -> None:
        self.clock = FakeClock()
        self.server = Server(self.clock, leaders(count), [], duration=3.0)
        self.count = count
        self.journal = folder / "m.jsonl"
        self.follow: t.Any = None
        self.code = self.message = ""
        self.away = False
        monkeypatch.setattr(migrate_task, "SystemClock", lambda: self.clock)
        monkeypatch.setattr(migrate_task, "GreptimeClient", lambda *_args: _Client(self))

    def step(self, seconds: t.Optional[float] = None, **changes: t.Any) -> t.Dict[str, t.Any]:
        moves = [{"region_id": BASE + n, "from_peer": 1, "to_peer": 2 + n % 2} for n in range(self.count)]
        params: t.Dict[str, t.Any] = {
            **OPTIONS,
            "journal": str(self.journal),
            "moves": moves,
            "limits": {"global": 1},
            "step_time": seconds,
            "follow": self.follow,
            "follow_only": False,
            **changes,
        }
        if params["follow_only"]:
            params["moves"] = None
        task = migrate_task.MigrationTask(params, check_mode=False, redactor=Redactor([]))
        try:
            result = task.body()
        except MigrationError as error:
            self.code, self.message = error.code, error.message
            return dict(task.partial())
        self.code = self.message = ""
        self.follow = result.get("follow")
        return result

    def lead(self, region: int, peer: int) -> None:
        self.server.regions[BASE + region] = Placement(BASE + region, peer, "ALIVE")

    def drop(self, region: int) -> None:
        del self.server.regions[BASE + region]
        for pid in [pid for pid, one in self.server.procedures.items() if one.region_id == BASE + region]:
            del self.server.procedures[pid]

    def entries(self, kind: str) -> t.List[t.Mapping[str, t.Any]]:
        return [entry.data for entry in Journal.read(str(self.journal)).entries if entry.kind == kind]

    def standing(self) -> Standing:
        standing = Standing()
        for entry in Journal.read(str(self.journal)).entries:
            standing.take(entry)
        return standing

    def report(self) -> t.Dict[str, WaitReason]:
        found = fold(Journal.read(str(self.journal)).entries, Verification(True, 0, ""))
        return {wait.reason: wait for wait in found.waits}

    def say(self, text: str) -> None:
        control = pathlib.Path(f"{self.journal}.control")
        control.write_text(text)
        os.utime(control, times=(self.clock.wall.timestamp() - 60,) * 2)

    def unfinished(self) -> t.List[int]:
        return [move.region_id for move in read_past(Journal.read(str(self.journal)).entries).unfinished]

    def sent(self) -> t.List[int]:
        return [region - BASE for region, _source, _target in self.server.submitted]


@pytest.fixture(name="scene")
def fixture_scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def states(result: t.Mapping[str, t.Any]) -> t.List[str]:
    return [move["state"] for move in result["moves"]]


def test_a_region_that_was_moved_and_then_dropped_or_moved_on_does_not_end_the_run(scene: Scene) -> None:
    scene.step(8.0)
    assert scene.sent() == [0, 1, 2]
    scene.drop(0)
    scene.lead(1, 7)
    result = scene.step()
    assert scene.code == ""
    assert states(result) == ["done", "done", "done"]
    assert [run["status"] for run in scene.entries("run.finished")] == ["ok"]


def test_a_move_that_somebody_took_back_is_not_sent_again(scene: Scene) -> None:
    scene.step(5.0)
    assert scene.sent() == [0, 1]
    scene.lead(0, 1)
    result = scene.step()
    assert states(result) == ["done", "done", "done"]
    assert scene.sent() == [0, 1, 2]


@pytest.mark.parametrize("event", ["dropped", "moved"])
def test_a_region_that_still_waits_fails_alone_when_somebody_drops_or_moves_it(scene: Scene, event: str) -> None:
    scene.step(1.0, max_failures=1)
    assert scene.sent() == [0]
    scene.drop(1) if event == "dropped" else scene.lead(1, 7)
    told = scene.step(1.0, max_failures=1)
    code = "greptimedb.region_missing" if event == "dropped" else "greptimedb.leader_moved"
    assert scene.code == "" and told["finished"] is False
    assert [line for line in told["events"] if code in line and "FAILED" in line]
    told = scene.step(1.0, max_failures=1)
    assert not [line for line in told["events"] if code in line], "it is told once"
    result = scene.step(max_failures=1)
    assert states(result) == ["done", "failed", "done"]
    assert scene.code == code
    assert "2 of 3 regions moved" in scene.message and "nothing was sent" not in scene.message
    assert [run["status"] for run in scene.entries("run.finished")] == ["failed"]


def test_a_region_that_still_waits_and_is_gone_counts_as_a_failure_beyond_which_nothing_starts(scene: Scene) -> None:
    scene.step(1.0)
    scene.drop(1)
    result = scene.step()
    # The one that ran is followed to its end.
    assert states(result) == ["done", "failed", "waiting"]


def test_what_was_given_up_stays_so_when_its_reason_goes_away(scene: Scene) -> None:
    scene.step(1.0, max_failures=1)
    scene.lead(1, 7)
    scene.step(1.0, max_failures=1)
    scene.lead(1, 1)
    assert states(scene.step(max_failures=1)) == ["done", "failed", "done"]
    assert scene.sent() == [0, 2]


def test_a_region_that_was_on_its_target_at_the_beginning_is_left_to_who_moves_it_on(scene: Scene) -> None:
    scene.lead(2, 2)
    scene.step(1.0)
    scene.lead(2, 1)
    assert states(scene.step()) == ["done", "done", "unchanged"]
    assert scene.sent() == [0, 1]


def test_a_move_in_flight_whose_table_is_dropped_fails_and_its_intent_is_closed(scene: Scene) -> None:
    scene.step(1.0, max_failures=1)
    scene.drop(0)
    assert states(scene.step(max_failures=1)) == ["failed", "done", "done"]
    assert scene.code == "greptimedb.region_missing"
    assert scene.unfinished() == []


def test_at_the_real_start_of_a_run_everything_is_refused_at_once(scene: Scene) -> None:
    scene.drop(0)
    scene.lead(1, 7)
    scene.step(1.0)
    assert scene.code == "greptimedb.plan_not_executable"
    assert "nothing was sent" in scene.message and scene.sent() == []


def test_a_killed_run_whose_table_was_dropped_does_not_block_its_journal(scene: Scene) -> None:
    scene.step(1.0)
    assert scene.unfinished() == [BASE]
    scene.follow = None
    scene.drop(0)
    result = scene.step(follow_only=True)
    assert scene.code == ""
    assert states(result) == ["abandoned"]
    assert scene.unfinished() == []
    again = scene.step(follow_only=True)
    assert scene.code == "" and again["finished"] is True


def test_another_plan_closes_what_a_dropped_table_left_open(scene: Scene) -> None:
    scene.step(1.0)
    scene.follow = None
    scene.drop(0)
    scene.clock.sleep(60)
    rest = [{"region_id": BASE + 1, "from_peer": 1, "to_peer": 3}]
    assert states(scene.step(moves=rest)) == ["done"]
    assert scene.unfinished() == []


def test_without_waiting_one_step_is_made_which_others_like_it_bring_to_the_end(scene: Scene) -> None:
    scene.server.duration = 20.0
    began = scene.clock.monotonic()
    told = scene.step(wait=False)
    assert told["finished"] is False and scene.sent() == [0]
    assert scene.clock.monotonic() - began < 13
    for _number in range(10):
        # Repeated by until: a run of its own each time.
        scene.follow = None
        told = scene.step(wait=False)
    assert told["finished"] is True and scene.code == ""
    assert scene.sent() == [0, 1, 2]


def test_single_steps_conclude_from_seeing_nothing_that_a_move_was_never_begun(scene: Scene) -> None:
    scene.server.fates.append("never_registered")
    for _number in range(4):
        scene.step(wait=False, attempts=2)
        scene.follow = None
    assert scene.sent()[:2] == [0, 0]


def test_a_step_time_that_is_given_holds_without_waiting_too(scene: Scene) -> None:
    scene.server.duration = 20.0
    began = scene.clock.monotonic()
    scene.step(1.0, wait=False)
    assert scene.clock.monotonic() - began < 2


def test_an_outage_at_the_beginning_of_steps_is_in_metrics_and_report_from_when_it_began(scene: Scene) -> None:
    scene.step(1.0)
    scene.away = True
    began = scene.clock.wall.timestamp()
    written = len(scene.entries("progress"))
    for _number in range(400):
        told = scene.step(40.0)
        standing = scene.standing()
        assert standing.last is not None and scene.clock.wall.timestamp() - standing.last < 40
        assert standing.waits == {UNREACHABLE: pytest.approx(began)}
        assert told["waits"][0]["since"] == scene.follow["since"][UNREACHABLE]
    passed = scene.clock.wall.timestamp() - began
    assert 900 < passed < 1200
    assert len(scene.entries("progress")) - written <= passed / 30 + 1
    assert len([wait for wait in scene.entries("wait") if wait["reason"] == UNREACHABLE]) == 1
    scene.away = False
    assert states(scene.step()) == ["done", "done", "done"]
    (span,) = scene.report()[UNREACHABLE].spans
    assert span[0] == pytest.approx(began)
    assert span[1] == pytest.approx(began + passed, abs=60)


@pytest.mark.parametrize("seconds", [40.0, None])
def test_a_run_that_is_paused_for_long_lives_and_tells_since_when(
    scene: Scene, seconds: t.Optional[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.step(1.0)
    scene.say("pause")
    began = scene.clock.wall.timestamp()
    silent: t.List[float] = []
    pause = scene.clock.sleep

    def sleep(duration: float) -> None:
        pause(duration)
        passed = scene.clock.wall.timestamp() - began
        if passed > 900:
            scene.say("resume")
        elif passed > 5:
            standing = scene.standing()
            silent.append(scene.clock.wall.timestamp() - (standing.last or 0))
            if passed > 40:
                assert standing.waits["control.paused"] == pytest.approx(began, abs=5)

    monkeypatch.setattr(scene.clock, "sleep", sleep)
    for _number in range(30):
        if scene.step(seconds, poll_interval="5s")["finished"]:
            break
    assert max(silent) < 60
    assert [run["status"] for run in scene.entries("run.finished")] == ["ok"]
    assert scene.report()["control.paused"].spans[-1][1] < began + 960


def test_a_step_ends_with_the_answer_to_a_wish(scene: Scene) -> None:
    scene.step(1.0)
    scene.say("pause")
    began = scene.clock.steady
    told = scene.step(40.0)
    assert scene.clock.steady - began < 2
    assert [event for event in told["events"] if "control: pause" in event]
    told = scene.step(40.0)
    assert told["events"] == [] or "moved" in told["events"][0]
    assert scene.clock.steady - began > 39
