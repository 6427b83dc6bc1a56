# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real guards in processes of their own, with deeds that only write down that they were done."""

from __future__ import annotations

import fcntl
import os
import pathlib
import signal
import socket
import tempfile
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard import Guard, Patience
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace, last_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_process import start_guard

PATIENCE = Patience(silence=0.5, watch=0.1, pause=0.02)


class Deeds:
    """Every deed is a line in a file. ``trouble`` names deeds that fail the first time; ``outcome`` is the switch's."""

    def __init__(self, log: pathlib.Path, trouble: t.Sequence[str] = (), outcome: str = gs.IMPOSSIBLE) -> None:
        self._log = log
        self._trouble = list(trouble)
        self._outcome = outcome

    def _do(self, name: str) -> None:
        with self._log.open("a") as file:
            file.write(name + "\n")
        if name in self._trouble:
            self._trouble.remove(name)
            raise MigrationError("engine.unreachable", f"{name} failed")

    def self_test(self) -> None:
        self._do("self_test")

    def settle_switch(self) -> t.Optional[str]:
        self._do("settle_switch")
        return self._outcome

    def lift(self) -> bool:
        self._do("lift")
        return True

    def watch(self) -> None:
        self._do("watch")

    def restore_settings(self) -> None:
        self._do("restore_settings")

    def told(self) -> t.Mapping[str, t.Any]:
        return {"tables": ["temp"]}


class Guarded:
    """A place, the log of deeds, and the link to a guard that was just started."""

    def __init__(self, folder: pathlib.Path, **options: t.Any) -> None:
        self.log = folder / "deeds"
        self.place = GuardPlace.of(str(folder / "journal.jsonl"))
        deeds = Deeds(self.log, **options)

        def run(listener: socket.socket, name: str, path: str) -> None:
            Guard(deeds, SystemClock(), PATIENCE, self.place, listener, name, path).run()

        self.link = start_guard(self.place, run)

    def deeds(self) -> t.List[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def events(self) -> t.List[str]:
        return [str(line["event"]) for line in last_guard(self.place.read())]

    def ended(self) -> t.List[str]:
        """Wait for the guard's end; its events."""
        end = time.monotonic() + 10
        while "ended" not in self.events():
            assert time.monotonic() < end, (self.events(), self.deeds())
            time.sleep(0.02)
        return self.events()


@pytest.fixture(name="guarded")
def _guarded(tmp_path: pathlib.Path) -> t.Iterator[Guarded]:
    one = Guarded(tmp_path)
    yield one
    one.link.close()


def test_a_module_that_dies_while_armed_is_followed_by_a_lift_at_once(guarded: Guarded) -> None:
    guarded.link.require(gs.FENCE, seconds=60)
    began = time.monotonic()
    guarded.link.close()
    assert guarded.ended() == ["started", "armed", "lifting", "lifted", "settings_restored", "ended"]
    assert time.monotonic() - began < 5
    assert guarded.deeds()[:2] == ["self_test", "lift"] and "restore_settings" in guarded.deeds()
    assert "settle_switch" not in guarded.deeds()


def test_the_deadline_lifts_although_the_module_lives(guarded: Guarded) -> None:
    guarded.link.require(gs.FENCE, seconds=0.2)
    end = time.monotonic() + 5
    while guarded.link.ask(gs.STATUS).state != gs.LIFTED:
        assert time.monotonic() < end
        time.sleep(0.02)
    with pytest.raises(MigrationError) as caught:
        guarded.link.require(gs.SWITCH)
    assert caught.value.code == "guard.refused"
    with pytest.raises(MigrationError):
        guarded.link.require_armed()


def test_a_module_that_is_stopped_counts_as_gone(guarded: Guarded) -> None:
    guarded.link.require(gs.FENCE, seconds=60)
    time.sleep(1.0)
    assert guarded.link.ask(gs.STATUS).state == gs.LIFTED


def test_a_commit_leaves_the_fence_alone(guarded: Guarded) -> None:
    guarded.link.require(gs.FENCE, seconds=60)
    guarded.link.require(gs.SWITCH)
    guarded.link.require(gs.COMMIT)
    guarded.link.require(gs.BYE, settings_restored=True)
    guarded.link.close()
    guarded.ended()
    assert guarded.deeds() == ["self_test"]


def test_handed_over_waits_for_a_second_call(guarded: Guarded) -> None:
    guarded.link.require(gs.FENCE, seconds=60)
    guarded.link.require(gs.HAND_OVER)
    guarded.link.close()
    time.sleep(0.3)
    assert guarded.events() == ["started", "armed", "handed_over"]
    line = next(line for line in guarded.place.read() if line["event"] == "started")
    second = GuardLink.connect(str(line["socket"]))
    assert second.ask(gs.STATUS).state == gs.HANDED_OVER
    second.require(gs.COMMIT)
    second.close()
    guarded.ended()
    assert guarded.deeds() == ["self_test", "restore_settings"]


@pytest.mark.parametrize(
    ("outcome", "state"), [(gs.IMPOSSIBLE, ["deciding", "lifting", "lifted"]), (gs.SWITCHED, ["deciding", "kept"])]
)
def test_death_in_the_middle_of_the_switch_is_decided_by_the_deeds(
    tmp_path: pathlib.Path, outcome: str, state: t.List[str]
) -> None:
    guarded = Guarded(tmp_path, outcome=outcome, trouble=["settle_switch"])
    guarded.link.require(gs.FENCE, seconds=60)
    guarded.link.require(gs.SWITCH)
    guarded.link.close()
    events = [event for event in guarded.ended() if event != "problem"]
    assert events == ["started", "armed", "switching", *state, "settings_restored", "ended"]
    assert guarded.deeds().count("settle_switch") == 2
    assert ("lift" in guarded.deeds()) == (outcome == gs.IMPOSSIBLE)


def test_a_lift_that_fails_is_tried_again(tmp_path: pathlib.Path) -> None:
    guarded = Guarded(tmp_path, trouble=["lift", "restore_settings"])
    guarded.link.require(gs.FENCE, seconds=60)
    guarded.link.close()
    assert "problem" in guarded.ended()
    assert guarded.deeds().count("lift") == 2 and guarded.deeds().count("restore_settings") == 2


def test_a_guard_that_could_not_lift_is_not_trusted(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MigrationError) as caught:
        Guarded(tmp_path, trouble=["self_test"])
    assert caught.value.code == "guard.not_started"


def test_told_to_end_it_lifts_first(guarded: Guarded) -> None:
    guarded.link.require(gs.FENCE, seconds=60)
    os.kill(guarded.link.pid, signal.SIGTERM)
    guarded.link.close()
    assert "lifted" in guarded.ended()


def test_a_killed_guard_is_noticed(guarded: Guarded) -> None:
    guarded.link.require(gs.FENCE, seconds=60)
    os.kill(guarded.link.pid, signal.SIGKILL)
    with pytest.raises(GuardLost):
        guarded.link.require_armed()


def test_it_holds_neither_locks_nor_pipes_of_the_module(tmp_path: pathlib.Path) -> None:
    lock = os.open(str(tmp_path / "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    guarded = Guarded(tmp_path)
    try:
        os.close(lock)
        os.close(writer)
        assert os.read(reader, 1) == b""
        other = os.open(str(tmp_path / "lock"), os.O_RDWR)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)
        assert os.getpgid(guarded.link.pid) != os.getpgid(0)
    finally:
        os.close(reader)
        guarded.link.close()


def test_a_long_path_fits_through_its_folder(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    guarded = Guarded(folder)
    assert guarded.link.ask(gs.STATUS).state == gs.READY
    guarded.link.close()
    assert guarded.ended()[-1] == "ended"


def test_the_sockets_folder_is_private(guarded: Guarded) -> None:
    assert os.stat(guarded.place.folder).st_mode & 0o777 == 0o700
    assert os.stat(guarded.place.record).st_mode & 0o777 == 0o600


def test_the_folder_of_the_journal_keeps_its_mode(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    theirs = tmp_path / "journals"
    theirs.mkdir()
    theirs.chmod(0o755)
    place = GuardPlace.of(str(theirs / "j.jsonl"))
    place.prepare()
    assert os.stat(theirs).st_mode & 0o777 == 0o755 and os.stat(place.folder).st_mode & 0o777 == 0o700
    # Only what lies in the temporary folder for a journal elsewhere is ours as a whole.
    place = GuardPlace.of("s3://bucket/prefix")
    ours = os.path.dirname(place.folder)
    os.mkdir(ours, 0o755)
    place.prepare()
    assert [os.stat(folder).st_mode & 0o777 for folder in (ours, place.folder)] == [0o700, 0o700]


def test_a_line_that_was_cut_off_tells_nothing(tmp_path: pathlib.Path) -> None:
    place = GuardPlace.of(str(tmp_path / "j.jsonl"))
    assert place.read() == []
    place.append(SystemClock(), "a", "started", {"socket": "x"})
    with open(place.record, "a", encoding="utf-8") as file:
        file.write('{"event": "lif')
    assert [line["event"] for line in place.read()] == ["started"]
