# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A setting that is forgotten hours into the copy ends the wait before it has spoilt the copy."""

from __future__ import annotations

import datetime
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_wait, sync_wait_settings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import COMPACTION
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_look import SyncLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import wait_argument_spec
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.settings_world import (
    World,
    settings,
)

LEFT, DONE = 10, 0


class Wait:
    """A wait for a target that lacks ``left`` partitions. ``at``: what happens at which second, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int = LEFT) -> None:
        self.clock = FakeClock()
        self.began = self.clock.monotonic()
        self.world = World()
        self.left = left
        self.at: t.Dict[float, t.Callable[[], None]] = {}
        self.entries: t.Sequence[t.Any] = settings().entries
        monkeypatch.setattr(sync_wait, "Cluster", lambda *_given: _Open(self.world))
        monkeypatch.setattr(sync_wait, "Looker", lambda *_given: self)
        monkeypatch.setattr(sync_wait, "require_two_clusters", lambda *_given: None)
        monkeypatch.setattr(sync_wait_settings, "read_journal", lambda _given: self)
        self.cursor = self.seen = None
        self.renewal: t.Any = types.SimpleNamespace(as_record=dict, pardon=lambda _now: None)

    @property
    def spent(self) -> float:
        return self.clock.monotonic() - self.began

    def look(self) -> SyncLook:
        for second in sorted(self.at):
            if self.spent >= second:
                self.at.pop(second)()
        counts = {**dict.fromkeys(cmp.VERDICTS, 0), cmp.EQUAL: 20 - self.left, cmp.MISSING: self.left}
        return SyncLook(2, 0, counts, 0, 0, (), tv.RUNNING, "", True, False, (), (), {}, {})

    def step(self, follow: t.Any = None, check: bool = False, **more: t.Any) -> t.Dict[str, t.Any]:
        given = {name: option.get("default") for name, option in wait_argument_spec().argument_spec.items()}
        given.update(frontends=["a"], target_frontends=["b"], username="root", target_username="root")
        given.update(directory="/opt/tool", follow=follow, **more)
        return sync_wait.SyncWaitTask(given, check, Redactor([]), self.clock).body()

    def asked(self) -> int:
        """How often frontends were asked for compactions."""
        return self.world.read.count(f"fe0 {COMPACTION}")

    def restart(self) -> None:
        self.world.configs["fe1"][COMPACTION] = "-1"


class _Open:
    """A world as a context."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __enter__(self) -> World:
        return self._world

    def __exit__(self, *_error: object) -> None:
        pass


def blocked(wait: Wait, **more: t.Any) -> MigrationError:
    with pytest.raises(MigrationError) as caught:
        wait.step(**more)
    assert caught.value.code == "starrocks.sync_blocked"
    return caught.value


def test_a_restart_two_hours_into_the_copy_ends_the_wait_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Wait(monkeypatch)
    wait.at = {7200.0: wait.restart}
    told = blocked(wait)
    assert 7200.0 <= wait.spent <= 7200.0 + sync_wait_settings.EVERY + 5.0
    assert "starrocks.setting_forgotten" in told.message and COMPACTION in told.message
    assert "Run migrate again" in told.message and "h1:9031" in told.message
    # Both clusters are one here; a look at every poll would be ten times as many.
    assert wait.asked() <= 2 * (7200 / sync_wait_settings.EVERY + 3)


def test_steps_share_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Wait(monkeypatch)
    found = wait.step(step_time="0")
    for _step in range(10):
        wait.clock.sleep(5.0)
        found = wait.step(found["follow"], step_time="0")
    assert wait.asked() == 2
    wait.clock.sleep(10.0)
    wait.step(found["follow"], step_time="0")
    assert wait.asked() == 4


def test_nobody_is_asked_without_an_open_change_or_in_check_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Wait(monkeypatch, DONE)
    wait.restart()
    assert wait.step(check=True)["finished"]
    wait.entries = ()
    assert wait.step()["finished"]
    assert wait.world.read == []


def test_who_does_not_answer_holds_up_the_end_and_not_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Wait(monkeypatch)
    wait.world.silent = {"fe1"}
    first = wait.step(step_time="0")
    assert first["waits"][0]["reason"] == "starrocks.wait.copying"
    wait.left = DONE
    follow = first["follow"]
    for _step in range(3):
        last = wait.step(follow, step_time="0")
        follow = last["follow"]
    assert last["waits"][0]["reason"] == "starrocks.wait.unreachable" and not last["finished"]
    assert "h1:9031" in last["line"]
    wait.world.silent = set()
    wait.clock.sleep(sync_wait_settings.EVERY)
    assert wait.step(follow)["finished"]


def test_a_frontend_that_dies_on_the_way_is_not_waited_for_and_seen_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die() -> None:
        wait.world.dead = wait.world.silent = {"fe1"}
        wait.restart()

    def come_back() -> None:
        wait.world.dead = wait.world.silent = set()

    wait = Wait(monkeypatch)
    wait.at = {100.0: die, 1000.0: lambda: setattr(wait, "left", DONE)}
    assert wait.step()["finished"] and wait.spent < 1100.0
    wait.left = LEFT
    wait.at = {wait.spent + 300.0: come_back}
    assert "h1:9031" in blocked(wait).message


@pytest.mark.parametrize(("subject", "passes"), [(f"target {COMPACTION}", True), (None, False)])
def test_another_value_may_be_wanted_where_it_is_named(
    subject: t.Optional[str], passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = Wait(monkeypatch, DONE)
    wait.world.configs["fe1"][COMPACTION] = "4"
    until = (wait.clock.now() + datetime.timedelta(days=1)).isoformat()
    given = [{"id": "starrocks.setting_forgotten", "reason": "tried out", "expires": until}]
    accepted = [{**one, **({"subject": side} if subject else {})} for one in given for side in _sides(subject)]
    if passes:
        assert wait.step(accept=accepted)["finished"]
    else:
        assert "somebody else has set another value" in blocked(wait, accept=accepted).message


def _sides(subject: t.Optional[str]) -> t.List[t.Optional[str]]:
    """Both clusters are one here, so a setting is told for both."""
    return [None] if subject is None else [subject, subject.replace("target", "source")]
