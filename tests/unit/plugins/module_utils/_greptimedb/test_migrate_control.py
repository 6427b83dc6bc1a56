# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of region moves that people pause, limit and abort while it runs."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.window import Windows, parse_windows
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import migrate_result as mr
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate import RegionMigration
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_control import RunControl
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.test_migrate import (
    BASE,
    MemoryJournal,
    Server,
    leaders,
    plan,
    start,
    states,
)

LIMITS = {"global": 4, "per_source": 4}
COUNT = 20
# Open at 03:14, when the clock begins, for a minute, and again from 03:20 on.
TWICE = "2026-11-21T03:00:00Z/2026-11-21T03:15:00Z, 2026-11-21T03:20:00Z/2026-11-21T04:00:00Z"


class Scene:
    """Twenty moves of three seconds, four at a time, and a plan of who says what at which second."""

    def __init__(self, folder: pathlib.Path, said: t.Mapping[float, t.Optional[str]], window: str = "") -> None:
        self.clock = _Talking(folder / "m.control", said)
        self.server = Server(self.clock, leaders(COUNT), [], duration=3.0)
        self.journal = MemoryJournal(self.clock)
        self.windows = parse_windows(window, "cutover_window") if window else Windows(())

    def control(self, seconds: t.Optional[t.Mapping[int, float]] = None) -> RunControl:
        params = {"control": str(self.clock.path)}
        return RunControl.of(params, self.windows, LIMITS, self.journal.entries, self.clock, seconds)

    def run(
        self, seconds: t.Optional[t.Mapping[int, float]] = None, **changes: t.Any
    ) -> t.Tuple[RegionMigration, RunControl]:
        control = self.control(seconds)
        run = start(self.server, self.clock, self.journal, plan(COUNT), LIMITS, control, **changes)
        run.run()
        return run, control

    def acknowledged(self) -> t.List[t.Tuple[str, str]]:
        return [(e.data["wish"], e.data["effect"]) for e in self.journal.entries if e.kind == "control"]


class _Talking(FakeClock):
    def __init__(self, path: pathlib.Path, said: t.Mapping[float, t.Optional[str]]) -> None:
        super().__init__()
        self.path = path
        self.said = dict(said)
        self.sleep(0)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        for at in [one for one in self.said if one <= self.steady - 1000.0]:
            text = self.said.pop(at)
            if text is None:
                self.path.unlink()
            else:
                self.path.write_text(text)
                os.utime(self.path, times=(self.wall.timestamp() - 60,) * 2)


def busy(scene: Scene) -> t.List[int]:
    """How many submissions there were by second."""
    return [int(work.ends - work_began(scene)) for work in scene.server.procedures.values()]


def work_began(scene: Scene) -> float:
    return scene.clock.wall.timestamp() - (scene.clock.steady - 1000.0) + scene.server.duration


def test_nothing_is_submitted_during_a_pause_and_all_of_it_after(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {2: "pause", 60: "resume"})
    run, control = scene.run()
    assert run.finished
    assert states(run) == {ms.DONE: COUNT}
    assert [second for second in busy(scene) if 4 <= second < 60] == []
    assert len([second for second in busy(scene) if second >= 60]) == COUNT - 4
    assert scene.acknowledged() == [("pause", "taken"), ("resume", "taken")]
    assert [event for event in run.events if event.startswith("control:")] == [
        "control: pause (nothing new is begun, what runs goes on)",
        "control: resume (the run goes on)",
    ]
    assert mr.verdict(run, list(run.tracks.values()), control) is None


def test_a_pause_is_what_the_moves_wait_for(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {0: "pause"})
    run, _control = scene.run(step_time=5)
    assert not run.finished
    (wait,) = mr.waits(list(run.tracks.values()), run.run_wait, scene.clock.now().timestamp())
    assert (wait["reason"], wait["count"]) == ("control.paused", COUNT)
    assert scene.server.submitted == []


def test_other_limits_hold_from_the_next_look_on(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {2: "limits global=1", 20: "limits global=8 per_source=8"})
    run, _control = scene.run()
    assert states(run) == {ms.DONE: COUNT}
    slow = [second for second in busy(scene) if 8 <= second < 20]
    assert 3 <= len(slow) <= 5, "one at a time takes three seconds"
    assert scene.server.most["global"] == 8
    assert run.events[0].startswith("control: limits") or any(
        "limits global=1 (from now on global=1, per_source=4)" in event for event in run.events
    )


def test_limits_fall_back_on_the_plans_when_they_are_withdrawn(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {0: "limits global=1", 10: None})
    scene.run()
    assert scene.server.most["global"] == 4


def test_a_limit_that_no_move_has_changes_nothing_and_is_told(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {0: "limits per_host=1 global=1"})
    run, control = scene.run()
    assert states(run) == {ms.DONE: COUNT}
    assert scene.server.most["global"] == 4
    assert control.limits == LIMITS
    assert scene.acknowledged() == [("limits global=1 per_host=1", "not_applicable")]
    assert any("not applicable" in event and "per_host" in event for event in run.events)


def test_an_abort_begins_nothing_waits_for_what_runs_and_fails(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {2: "abort the backup is late"})
    run, control = scene.run()
    assert run.finished
    assert states(run) == {ms.DONE: 4, ms.WAITING: COUNT - 4}
    assert len(scene.server.submitted) == 4
    error = mr.verdict(run, list(run.tracks.values()), control)
    assert error is not None
    assert error.code == "control.aborted"
    assert "the backup is late" in error.message
    assert "4 of 20 regions moved" in error.message
    again, control = scene.run()
    error = mr.verdict(again, list(again.tracks.values()), control)
    assert error is not None, "it holds until it is withdrawn"
    assert len(scene.server.submitted) == 4
    scene.clock.path.unlink()
    later, control = scene.run()
    assert mr.verdict(later, list(later.tracks.values()), control) is None
    assert len(scene.server.submitted) == COUNT


def test_while_what_runs_is_waited_for_that_is_told(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {0.2: "abort"})
    run, _control = scene.run(step_time=2)
    assert not run.finished
    assert run.run_wait == "control.aborting"


def test_an_attempt_that_fails_during_an_abort_is_not_repeated(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {2: "abort"})
    scene.server.fates.extend(["fails"])
    run, _control = scene.run()
    assert states(run)[ms.FAILED] == 1
    assert len(scene.server.submitted) == 4


def test_a_retry_waits_for_the_end_of_a_pause(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {2: "pause\nlimits global=2", 30: "resume"})
    scene.server.fates.extend(["fails"])
    run, _control = scene.run()
    assert states(run) == {ms.DONE: COUNT}
    assert [second for second in busy(scene) if 4 <= second < 30] == []


def test_moves_begin_only_within_the_window(tmp_path: pathlib.Path) -> None:
    # The clock begins at 03:14.
    scene = Scene(tmp_path, {}, "daily 03:15-03:16 UTC")
    run, _control = scene.run(step_time=10)
    assert run.run_wait == "window.closed"
    assert scene.server.submitted == []
    run, _control = scene.run()
    assert states(run) == {ms.DONE: COUNT}
    assert min(busy(scene)) >= 60


@pytest.mark.parametrize("text", ["pause", "limits global=1"])
def test_a_later_step_tells_no_wish_again(tmp_path: pathlib.Path, text: str) -> None:
    scene = Scene(tmp_path, {0: text})
    for _number in range(3):
        scene.run(step_time=2)
    assert len(scene.acknowledged()) == 1


def test_no_move_begins_that_would_not_end_before_the_window_closes(tmp_path: pathlib.Path) -> None:
    # It is 03:14:00. Twice four moves of 25 seconds fit, and not a third time.
    scene = Scene(tmp_path, {}, "daily 03:14-03:15 UTC")
    scene.server.duration = 25.0
    run, _control = scene.run(step_time=90, timeout=2 * 86400.0)
    assert states(run) == {ms.DONE: 8, ms.WAITING: COUNT - 8}
    assert max(busy(scene)) <= 60 - 25
    assert run.run_wait == "window.closed"


def test_a_window_that_opens_after_the_timeout_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    # It is 03:14:00; twice four moves fit, and the next window opens in 26 minutes.
    scene = Scene(tmp_path, {}, "daily 03:14-03:15 UTC, daily 03:40-04:00 UTC")
    scene.server.duration = 25.0
    run, control = scene.run(timeout=1200.0)
    assert states(run) == {ms.DONE: 8, ms.WAITING: COUNT - 8}
    assert run.finished and not run.expired
    assert scene.clock.steady - 1000.0 < 120
    error = mr.verdict(run, list(run.tracks.values()), control)
    assert error is not None
    assert error.code == "cutover.no_window"
    assert "it opens next for a move at 2026-11-21T03:40:00.000Z" in error.message
    assert "timeout (greptimedb_timeout of the role)" in error.message
    later, control = scene.run(timeout=3600.0)
    assert mr.verdict(later, list(later.tracks.values()), control) is None


def test_a_run_that_could_begin_nothing_does_not_begin(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {}, "daily 05:00-06:00 UTC")
    scene.control().require_window([1, 2], 2 * 3600.0)
    with pytest.raises(MigrationError, match="Give at least 1h 46m for it") as caught:
        scene.control().require_window([1, 2], 3600.0)
    assert caught.value.code == "cutover.no_window"


def test_a_window_that_has_closed_for_good_ends_the_run(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {}, "2026-11-21T03:00:00Z/2026-11-21T03:14:02Z")
    scene.server.duration = 1.5
    run, control = scene.run()
    error = mr.verdict(run, list(run.tracks.values()), control)
    assert error is not None
    assert "there is nothing to wait for" in error.message
    assert "No further move is begun" in error.message
    assert states(run)[ms.DONE] >= 4


def test_what_the_plan_says_counts_before_the_first_move_and_then_what_nearly_all_of_them_took(
    tmp_path: pathlib.Path,
) -> None:
    scene = Scene(tmp_path, {}, "daily 03:14-03:15 UTC")
    control = scene.control({1: 1.0, 2: 60.0})
    assert control.hold is None
    control.require_window([1, 2])
    assert scene.control({1: 60.1}).hold == "window.closed"
    with pytest.raises(MigrationError, match=r"the move of region 2 may take 1m 1s") as caught:
        scene.control({1: 1.0, 2: 61.0}).require_window([1, 2])
    assert caught.value.code == "cutover.no_window"
    for seconds in (5.0, 9.0, 1.0):
        control.moved(seconds)
    assert (control.needed(1), control.needed(2)) == (9.0, 60.0)
    for _number in range(37):
        control.moved(2.0)
    assert control.needed(1) == 2.0, "one in twenty may take longer"


def test_nothing_begins_that_may_cross_the_end_before_anything_was_measured(tmp_path: pathlib.Path) -> None:
    scene = Scene(
        tmp_path, {}, "2026-11-21T03:00:00Z/2026-11-21T03:14:02.500Z, 2026-11-21T03:20:00Z/2026-11-21T04:00:00Z"
    )
    run, _control = scene.run(forecast(3.0), step_time=60)
    assert scene.server.submitted == []
    assert run.run_wait == "window.closed"
    run, _control = scene.run(forecast(3.0))
    assert states(run) == {ms.DONE: COUNT}
    assert min(busy(scene)) >= 360


def test_a_region_with_much_to_flush_waits_for_the_next_window_and_the_others_do_not(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {}, TWICE)
    run, _control = scene.run({**forecast(3.0), BASE: 120.0}, step_time=90)
    assert states(run) == {ms.DONE: COUNT - 1, ms.WAITING: 1}
    assert run.run_wait == "window.closed"
    run, _control = scene.run({**forecast(3.0), BASE: 120.0})
    assert states(run) == {ms.DONE: 1, ms.UNCHANGED: COUNT - 1}
    assert scene.server.submitted[-1][0] == BASE


def test_flushes_that_are_sent_one_after_another_do_not_carry_a_batch_over_the_end(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path, {}, "2026-11-21T03:00:00Z/2026-11-21T03:14:20Z")
    scene.server.duration = 0.5

    def flush(_region_id: int) -> None:
        scene.clock.sleep(5.5)

    monkeypatch.setattr(scene.server, "flush_region", flush, raising=False)
    run, _control = scene.run(forecast(6.0), step_time=60, flush_before="always")
    assert states(run) == {ms.DONE: 3, ms.WAITING: COUNT - 3}
    assert max(busy(scene)) < 20


def forecast(seconds: float) -> t.Dict[int, float]:
    return dict.fromkeys(range(BASE, BASE + COUNT), seconds)


def test_a_text_that_cannot_be_read_may_be_a_stop(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {2: "puase", 60: "resume"})
    run, _control = scene.run()
    assert states(run) == {ms.DONE: COUNT}
    assert [second for second in busy(scene) if 4 <= second < 60] == []
    (told,) = [event for event in run.events if "cannot be read" in event]
    assert "'puase' is none of the wishes" in told
    assert "Nothing new is begun until it can be read" in told


def test_a_store_that_does_not_answer_stops_nothing(tmp_path: pathlib.Path) -> None:
    scene = Scene(tmp_path, {})
    scene.clock.path.mkdir()
    run, _control = scene.run()
    assert states(run) == {ms.DONE: COUNT}
    assert max(busy(scene)) < 30
