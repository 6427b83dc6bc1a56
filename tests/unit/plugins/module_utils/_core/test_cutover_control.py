# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import threading
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import control_store, cutover_control
from ansible_collections.dbops.migration.plugins.module_utils._core.control import Answer
from ansible_collections.dbops.migration.plugins.module_utils._core.control_store import Kept, S3Control
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_control import (
    COMMITTED_ALREADY,
    LIFTED_NOW,
    CutoverControl,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_s3 import S3Options
from ansible_collections.dbops.migration.plugins.module_utils._core.window import Windows, parse_windows
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

OLD = datetime.datetime(2026, 11, 20, tzinfo=datetime.timezone.utc)
LONG = 5.0


class Slow:
    """A store that answers when it is let."""

    location = "s3://bucket/m/control"
    pause = 1.0

    def __init__(self) -> None:
        self.text = ""
        self.answers = threading.Event()
        self.answers.set()
        self.read_by: t.List[str] = []

    def read(self) -> t.Optional[Kept]:
        self.read_by.append(threading.current_thread().name)
        assert self.answers.wait(LONG)
        return Kept(self.text.encode(), OLD)

    def write(self, raw: bytes) -> None:
        raise AssertionError("nobody writes here")

    def remove(self) -> None:
        raise AssertionError("nobody removes anything here")


class Cutover:
    def __init__(self, windows: t.Optional[Windows] = None) -> None:
        self.clock = FakeClock()
        self.store = Slow()
        self.entries: t.List[t.Tuple[str, t.Mapping[str, t.Any]]] = []
        self.control = CutoverControl(self.store, windows or Windows(()), (), self.clock)

    def append(self, kind: str, data: t.Mapping[str, t.Any]) -> None:
        self.entries.append((kind, data))

    def beat(self) -> None:
        self.clock.advance(1.1)
        self.control.beat(self.append, "the fence was taken off")

    def beats_until(self, told: int) -> None:
        """Beat until so many acknowledgements are written."""
        for _number in range(200):
            self.beat()
            if len(self.entries) >= told:
                return
            threading.Event().wait(0.01)
        raise AssertionError("it was not seen")


def test_before_the_fence_it_is_asked_there_and_then() -> None:
    one = Cutover(parse_windows("daily 03:00-04:00 UTC", "cutover_window"))
    assert one.control.refusal(60, one.append) is None
    one.store.text = "pause"
    refused = one.control.refusal(60, one.append)
    assert refused is not None
    assert refused.code == "control.paused"
    assert [data["wish"] for _kind, data in one.entries] == ["pause"]
    one.store.text = ""
    late = one.control.refusal(3600, one.append)
    assert late is not None
    assert late.code == "cutover.outside_window"
    with pytest.raises(MigrationError, match="cutover_window"):
        one.control.require(3600, one.append)
    assert set(one.store.read_by) == {threading.current_thread().name}


@pytest.mark.parametrize("text", ["abort", "pause", "postpone until 2199-01-01", "?", ""])
def test_what_was_done_before_it_was_stopped_is_told(text: str) -> None:
    closed = "2020-01-01T00:00:00Z/2020-01-01T01:00:00Z" if not text else None
    one = Cutover(parse_windows(closed, "cutover_window"))
    one.store.text = text
    with pytest.raises(MigrationError, match="nothing was begun"):
        one.control.require(0, one.append)
    with pytest.raises(MigrationError, match=r"nothing more was begun \(orders: committed\)") as caught:
        one.control.require(0, one.append, "nothing more was begun (orders: committed)")
    assert "nothing was begun" not in caught.value.message


def test_check_mode_acknowledges_nothing() -> None:
    one = Cutover()
    one.store.text = "abort"
    refused = one.control.refusal(0, None)
    assert refused is not None
    assert refused.code == "control.aborted"
    assert one.entries == []


def test_under_the_fence_a_store_that_hangs_holds_nothing_up() -> None:
    one = Cutover()
    assert one.control.refusal(0, one.append) is None
    one.store.answers.clear()
    one.store.text = "abort enough"
    for _number in range(20):
        one.beat()
    assert len(one.store.read_by) == 2, "one question at a time"
    one.store.answers.set()
    with pytest.raises(MigrationError, match=r"abort \(enough\): the fence was taken off") as caught:
        one.beats_until(2)
    assert caught.value.code == "control.aborted"
    assert [data["wish"] for _kind, data in one.entries] == ["abort enough"]


def test_under_the_fence_other_wishes_are_acknowledged_and_change_nothing() -> None:
    one = Cutover(parse_windows("2020-01-01T00:00:00Z/2020-01-01T01:00:00Z", "cutover_window"))
    one.store.text = "pause\npostpone until 2199-01-01"
    one.beats_until(2)
    assert [data["wish"] for _kind, data in one.entries] == ["pause", "postpone until 2199-01-01T00:00:00.000Z"]
    assert [data["effect"] for _kind, data in one.entries] == ["taken", "not_applicable"]
    assert "too late for this cutover" in one.control.events[-1]
    one.store.text = "?"
    one.beats_until(3)
    assert one.entries[-1][1]["effect"] == "unreadable"


def test_what_was_acknowledged_is_for_the_result_too() -> None:
    one = Cutover()
    one.store.text = "pause"
    assert one.control.refusal(0, None) is not None
    assert one.control.events == []
    one = Cutover()
    one.store.text = "pause"
    assert one.control.refusal(0, one.append) is not None
    assert one.control.events == ["control: pause (nothing new is begun, what runs goes on)"]


@pytest.mark.parametrize(
    ("answer", "effect", "line"),
    [
        (COMMITTED_ALREADY, "not_applicable", "not applicable: too late: the clients had been switched"),
        (LIFTED_NOW, "taken", "(writes go on at the source)"),
    ],
)
def test_an_abort_during_the_operators_switch_is_acknowledged_by_the_call_that_ends_it(
    answer: Answer, effect: str, line: str
) -> None:
    one = Cutover()
    one.store.text = "abort the phone rings"
    one.control.at_the_end(one.append, answer)
    ((kind, data),) = one.entries
    assert (kind, data["wish"], data["effect"]) == ("control", "abort the phone rings", effect)
    assert line in one.control.events[0]


def test_a_store_that_hangs_does_not_keep_a_cutover_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutover_control, "_PATIENCE", 0.05)
    one = Cutover()
    one.store.answers.clear()
    one.store.text = "abort"
    one.control.at_the_end(one.append, COMMITTED_ALREADY)
    assert one.entries == []
    one.store.answers.set()


def test_without_a_place_nothing_is_asked() -> None:
    control = CutoverControl(None, Windows(()), (), FakeClock())
    control.beat(lambda _kind, _data: None, "")
    assert control.refusal(1e6, None) is None
    control.at_the_end(lambda _kind, _data: None, LIFTED_NOW)


class Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


class FakeS3:
    """One bucket in memory."""

    def __init__(self) -> None:
        self.objects: t.Dict[str, bytes] = {}
        self.error = ""

    def _ask(self, Bucket: str) -> None:  # noqa: N803
        assert Bucket == "bucket"
        if self.error:
            raise Refused(self.error)

    def get_object(self, Bucket: str, Key: str) -> t.Dict[str, t.Any]:  # noqa: N803
        self._ask(Bucket)
        if Key not in self.objects:
            raise Refused("NoSuchKey")
        data = self.objects[Key]

        class Body:
            def read(self, most: int) -> bytes:
                return data[:most]

        return {"Body": Body(), "LastModified": OLD}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self._ask(Bucket)
        self.objects[Key] = Body

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self._ask(Bucket)
        self.objects.pop(Key, None)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    fake = FakeS3()
    monkeypatch.setattr(control_store, "make_client", lambda _options: fake)
    return fake


def test_a_key_on_s3(s3: FakeS3) -> None:
    store = S3Control("s3://bucket/runs/one/control", S3Options())
    assert store.read() is None
    store.write(b"pause\n")
    assert s3.objects == {"runs/one/control": b"pause\n"}
    assert store.read() == Kept(b"pause\n", OLD)
    store.remove()
    store.remove()
    assert store.read() is None


def test_a_store_that_says_no_is_told(s3: FakeS3) -> None:
    store = S3Control("s3://bucket/runs/one/control", S3Options())
    s3.error = "AccessDenied"
    for call in (store.read, store.remove, lambda: store.write(b"pause")):
        with pytest.raises(MigrationError, match="AccessDenied") as caught:
            call()
        assert caught.value.code == "control.not_accessible"
