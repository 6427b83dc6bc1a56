# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import os
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.control import (
    Answer,
    Control,
    in_force,
    usual_answer,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_store, open_control
from ansible_collections.dbops.migration.plugins.module_utils._core.control_store import (
    FileControl,
    Kept,
    default_location,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import NO_WISH, Wish
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


class Memory:
    """A store whose text is set by the test."""

    location = "/var/lib/m.control"
    pause = 1.0

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.text: t.Optional[str] = None
        self.written = clock.now()
        self.error: t.Optional[MigrationError] = None
        self.reads = 0

    def say(self, text: t.Optional[str], age: float = 60.0) -> None:
        self.text = text
        self.written = self.clock.now() - datetime.timedelta(seconds=age)

    def read(self) -> t.Optional[Kept]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return None if self.text is None else Kept(self.text.encode(), self.written)

    def write(self, raw: bytes) -> None:
        raise AssertionError("nobody writes here")

    def remove(self) -> None:
        raise AssertionError("nobody removes anything here")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> Memory:
    return Memory(clock)


def entries(acknowledgements: t.Iterable[t.Any]) -> t.List[Entry]:
    """What a journal would hold of them."""
    found = [("control", one.as_entry()) for one in acknowledgements]
    return [Entry(seq, f"2026-11-21T03:00:0{seq}.000Z", kind, data, "", "") for seq, (kind, data) in enumerate(found)]


def test_each_wish_is_told_once(store: Memory, clock: FakeClock) -> None:
    control = Control(store, clock)
    assert control.poll() == []
    store.say("pause\n")
    assert control.poll() == [], "it is asked at most once a second"
    clock.advance(1.1)
    (told,) = control.poll()
    assert (told.kind, told.wish, told.effect) == ("run", "pause", "taken")
    assert told.line == "control: pause (nothing new is begun, what runs goes on)"
    assert control.wish.paused
    clock.advance(1.1)
    assert control.poll() == []
    store.say("pause\n# lunch\nlimits global=2\n")
    again, told = control.poll(at_once=True)
    assert again.wish == "pause", "the text was written anew, by whoever waits for an answer"
    assert (told.wish, told.effect) == ("limits global=2", "not_applicable")
    store.say(None)
    told_run, told_limits = control.poll(at_once=True)
    assert told_run.line == "control: no wish for the run any more (the run goes on)"
    assert told_limits.wish == "none"
    assert control.wish == NO_WISH


def test_the_next_step_knows_what_was_told(store: Memory, clock: FakeClock) -> None:
    store.say("pause\npostpone 2h\n")
    first = Control(store, clock)
    journal = entries(first.poll())
    assert [entry.data["wish"] for entry in journal] == ["pause", "postpone until 2026-11-21T05:13:00.000Z"]
    assert Control(store, clock, usual_answer, journal).poll() == []
    assert Control(store, clock, carried=first.carry()).poll() == []
    store.say(None)
    assert len(Control(store, clock, usual_answer, journal).poll()) == 2


def test_a_resume_that_is_taken_away_is_no_news(store: Memory, clock: FakeClock) -> None:
    store.say("resume")
    control = Control(store, clock)
    assert [one.wish for one in control.poll()] == ["resume"]
    store.say(None)
    assert control.poll(at_once=True) == []


def test_what_cannot_be_read_is_told_once_and_changes_nothing(store: Memory, clock: FakeClock) -> None:
    store.say("pause")
    control = Control(store, clock)
    journal = entries(control.poll())
    store.say("resmue")
    (told,) = control.poll(at_once=True)
    assert (told.kind, told.effect) == ("text", "unreadable")
    assert "'resmue' is none of the wishes" in told.line
    assert control.wish.paused
    assert control.poll(at_once=True) == []
    later = Control(store, clock, usual_answer, [*journal, *entries([told])])
    assert later.poll() == []
    assert later.wish.paused, "the step that begins now has it from the journal"
    assert "resmue" in later.problem
    store.say("resume")
    assert [one.wish for one in later.poll(at_once=True)] == ["resume"]
    assert later.problem == ""


def test_a_store_that_does_not_answer_is_told_once_whatever_it_says(store: Memory, clock: FakeClock) -> None:
    control = Control(store, clock)
    store.error = MigrationError("control.not_accessible", "request 1 failed")
    assert [one.effect for one in control.poll()] == ["unreadable"]
    store.error = MigrationError("control.not_accessible", "request 2 failed")
    assert control.poll(at_once=True) == []
    assert control.problem == "request 2 failed"


def test_a_missing_library_is_no_text(store: Memory, clock: FakeClock) -> None:
    store.error = MigrationError("journal.boto3_missing", "no boto3")
    with pytest.raises(MigrationError, match="no boto3"):
        Control(store, clock).poll()


@pytest.mark.parametrize("half", ["", "paus"])
def test_a_file_that_is_being_written_is_looked_at_again(store: Memory, clock: FakeClock, half: str) -> None:
    store.say("pause")
    control = Control(store, clock)
    control.poll()
    store.say(half, age=0.2)
    clock.advance(1.1)
    store.written = clock.now()
    assert control.poll() == []
    assert control.wish.paused
    clock.advance(2)
    assert len(control.poll()) == 1
    assert control.wish.paused is (half != "")


def test_refusals_before_writes_are_refused(store: Memory, clock: FakeClock) -> None:
    control = Control(store, clock)

    def code(text: t.Optional[str]) -> str:
        store.say(text)
        control.poll(at_once=True)
        error = control.refusal()
        assert error is None or store.location in error.message
        return "" if error is None else error.code

    assert code(None) == ""
    assert code("pause") == "control.paused"
    assert code("resume") == ""
    assert code("postpone 2h") == "control.postponed"
    assert code("proceed") == ""
    assert code("?") == "control.unreadable"
    assert code("abort ticket 7") == "control.aborted"
    store.say("postpone 1m", age=61)
    control.poll(at_once=True)
    assert control.refusal() is None, "it is over"


def test_an_abort_says_why_and_how_to_go_on(store: Memory, clock: FakeClock) -> None:
    control = Control(store, clock)
    store.say("abort the night is over")
    control.poll()
    error = control.aborted("3 of 5 moved")
    assert error.details["reason"] == "the night is over"
    assert "abort (the night is over): 3 of 5 moved. To go on later, write resume into it or remove it" in error.message


def test_an_engine_answers_for_itself(store: Memory, clock: FakeClock) -> None:
    def answers(kind: str, wish: Wish) -> Answer:
        return Answer("taken", f"now {wish.limits}") if kind == "limits" else usual_answer(kind, wish)

    store.say("limits global=2")
    (told,) = Control(store, clock, answers).poll()
    assert told.line == "control: limits global=2 (now {'global': 2})"


def test_what_is_in_force_and_whether_a_run_has_seen_it(store: Memory, clock: FakeClock) -> None:
    store.say("pause")
    control = Control(store, clock)
    journal = entries(control.poll())
    store.say("pause\nproceed")
    control.poll(at_once=True)
    found = in_force(control.wish, journal)
    assert [(one["wish"], one["acknowledged"], one["effect"]) for one in found] == [
        ("pause", True, "taken"),
        ("proceed", False, None),
    ]


def test_what_is_wished_again_after_a_run_was_killed_is_told_again(store: Memory, clock: FakeClock) -> None:
    store.say("pause")
    journal = entries(Control(store, clock).poll())
    # The run is killed, the file removed, and somebody wishes the same once more.
    clock.advance(600)
    store.say("pause")
    later = Control(store, clock, usual_answer, journal)
    (before,) = in_force(later.wish, journal, store.written)
    assert (before["acknowledged"], before["at"]) == (False, None)
    (told,) = later.poll()
    assert told.line == "control: pause (nothing new is begun, what runs goes on)"
    (after,) = in_force(later.wish, [*journal, *entries([told])], store.written)
    assert after["acknowledged"] is True
    assert Control(store, clock, usual_answer, [*journal, *entries([told])]).poll() == []
    assert Control(store, clock, carried=later.carry()).poll() == []


def test_what_an_older_release_acknowledged_stays_so(store: Memory, clock: FakeClock) -> None:
    store.say("pause")
    journal = entries(Control(store, clock).poll())
    del journal[0].data["written"]
    store.say("pause", age=5)
    assert Control(store, clock, usual_answer, journal).poll() == []
    (found,) = in_force(Wish(run="pause"), journal, store.written)
    assert found["acknowledged"] is True


def test_without_a_place_there_is_no_wish(clock: FakeClock) -> None:
    control = Control(None, clock, usual_answer, entries([]), None)
    assert (control.poll(), control.wish, control.location) == ([], NO_WISH, "")


@pytest.mark.parametrize(
    ("journal", "location"),
    [
        ("", ""),
        ("/var/lib/m.jsonl", "/var/lib/m.jsonl.control"),
        ("s3://bucket/a/b", "s3://bucket/a/b/control"),
        ("s3://bucket/a/b/", "s3://bucket/a/b/control"),
    ],
)
def test_where_it_is_when_nobody_says(journal: str, location: str) -> None:
    assert default_location(journal) == location
    found = control_store({"journal": journal})
    assert (found.location if found is not None else "") == location


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"control": "m.control"}, "no absolute path"),
        ({"control": "http://host/x"}, "neither a path nor s3://"),
        ({"control": "s3://bucket"}, "names no bucket or no key"),
        ({"control": "/m.jsonl", "journal": "/m.jsonl"}, "is the journal"),
        ({"control": "s3://b/m/", "journal": "s3://b/m"}, "is the journal"),
    ],
)
def test_a_place_that_is_none_is_refused(params: t.Dict[str, str], told: str) -> None:
    with pytest.raises(InvalidOption, match=told):
        control_store(params)


def test_none_obeys_nothing(tmp_path: pathlib.Path, clock: FakeClock) -> None:
    (tmp_path / "m.jsonl.control").write_text("abort")
    params = {"journal": str(tmp_path / "m.jsonl"), "control": "none"}
    control = open_control(params, clock)
    assert (control.poll(), control.refusal()) == ([], None)


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "folder" / "m.control"
    store = FileControl(str(path))
    assert store.read() is None
    store.remove()
    store.write(b"pause\n")
    assert os.stat(path).st_mode & 0o777 == 0o600
    path.chmod(0o664)
    store.write(b"resume\n")
    kept = store.read()
    assert kept is not None
    assert kept.raw == b"resume\n"
    assert abs(kept.written.timestamp() - path.stat().st_mtime) < 0.001
    assert os.stat(path).st_mode & 0o777 == 0o664
    assert [one.name for one in path.parent.iterdir()] == ["m.control"]
    store.remove()
    assert store.read() is None


def test_a_folder_is_no_control_file(tmp_path: pathlib.Path) -> None:
    store = FileControl(str(tmp_path))
    with pytest.raises(MigrationError, match="cannot be reached") as caught:
        store.read()
    assert caught.value.code == "control.not_accessible"
    with pytest.raises(MigrationError, match="cannot be reached"):
        store.write(b"pause")
    with pytest.raises(MigrationError, match="cannot be reached"):
        store.remove()
    assert list(tmp_path.parent.glob("*.new-*")) == []
