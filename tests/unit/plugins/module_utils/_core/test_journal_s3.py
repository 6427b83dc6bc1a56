# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_chain import scan
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_s3 import (
    LEAST_BOTO3,
    S3Options,
    S3Store,
    make_client,
    split_location,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor

LOCATION = "s3://bucket/runs/one"


class Answer(Exception):
    """What botocore raises for an error answer."""

    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


class Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        return self._data


class FakeS3:
    """A bucket in memory that honours If-None-Match; ``before`` and ``after`` are raised around the next put."""

    def __init__(self, conditional: bool = True) -> None:
        self.objects: t.Dict[str, bytes] = {}
        self.conditional = conditional
        self.before: t.List[Exception] = []
        self.after: t.List[Exception] = []
        self.puts: t.List[str] = []

    def put_object(self, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "") -> None:  # noqa: N803
        assert Bucket == "bucket"
        self.puts.append(Key)
        if self.before:
            raise self.before.pop()
        if IfNoneMatch and self.conditional and Key in self.objects:
            raise Answer("PreconditionFailed")
        self.objects[Key] = Body
        if self.after:
            raise self.after.pop()

    def get_object(self, Bucket: str, Key: str) -> t.Dict[str, t.Any]:  # noqa: N803
        assert Bucket == "bucket"
        if Key not in self.objects:
            raise Answer("NoSuchKey")
        return {"Body": Body(self.objects[Key])}

    def get_paginator(self, name: str) -> FakeS3:
        assert name == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> t.Iterator[t.Dict[str, t.Any]]:  # noqa: N803
        assert Bucket == "bucket"
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        yield {}
        for at in range(0, len(keys), 2):
            yield {"Contents": [{"Key": key} for key in keys[at : at + 2]]}


class Clock(SystemClock):
    """Its pauses take no time; ``meanwhile`` happens in the pauses, one in each."""

    def __init__(self, *meanwhile: t.Callable[[], t.Any]) -> None:
        self.pauses: t.List[float] = []
        self._meanwhile = list(meanwhile)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self._meanwhile:
            self._meanwhile.pop(0)()


def open_journal(s3: FakeS3, location: str = LOCATION, clock: t.Optional[Clock] = None) -> Journal:
    clock = clock or Clock()
    store = S3Store(location, s3, clock)
    return Journal(store, clock, Redactor([]), migration_id="m1", engine="greptimedb")


def view(s3: FakeS3) -> JournalView:
    return JournalView.of(LOCATION, scan(LOCATION, S3Store(LOCATION, s3).load()))


def note(journal: Journal, *texts: str) -> None:
    journal.append_many([("note", {"text": text}) for text in texts])


def codes(s3: FakeS3) -> t.List[str]:
    return [problem.code for problem in view(s3).problems]


def test_one_object_for_each_append() -> None:
    s3 = FakeS3()
    journal = open_journal(s3)
    note(journal, *map(str, range(200)))
    note(journal, "last")
    assert sorted(s3.objects) == [
        "runs/one/000000000000.jsonl",
        "runs/one/000000000001.jsonl",
        "runs/one/000000000201.jsonl",
        "runs/one/head.json",
    ]
    assert list(view(s3).entries) == journal.entries
    assert open_journal(s3).entries == journal.entries
    assert codes(s3) == []


@pytest.mark.parametrize("moment", range(6))
def test_what_a_run_appends_while_it_is_read_is_not_missing(moment: int) -> None:
    """A pause or an abort is wished while the run writes, and a journal that seems cut short would refuse it."""
    s3 = FakeS3()
    journal = open_journal(s3)
    note(journal, "one")
    note(journal, "two")
    calls: t.List[str] = []

    class Busy(FakeS3):
        def _tick(self, name: str) -> None:
            calls.append(name)
            if len(calls) == moment + 1:
                note(journal, "meanwhile")

        def get_object(self, Bucket: str, Key: str) -> t.Dict[str, t.Any]:  # noqa: N803
            self._tick(Key)
            return s3.get_object(Bucket, Key)

        def paginate(self, Bucket: str, Prefix: str) -> t.Iterator[t.Dict[str, t.Any]]:  # noqa: N803
            self._tick(Prefix)
            return s3.paginate(Bucket, Prefix)

    assert codes(Busy()) == []
    assert len(calls) >= 5


def test_prefixes_do_not_see_each_other() -> None:
    s3 = FakeS3()
    open_journal(s3)
    open_journal(s3, "s3://bucket/runs/one-more")
    s3.objects["runs/one/notes.txt"] = b"by hand"
    s3.objects["runs/one/old/000000000001.jsonl"] = b"junk"
    assert len(open_journal(s3).entries) == 1


def test_a_second_writer_is_refused_and_harms_nothing() -> None:
    s3 = FakeS3()
    first, second = open_journal(s3), open_journal(s3)
    note(first, "mine")
    with pytest.raises(MigrationError) as caught:
        note(second, "theirs")
    assert caught.value.code == "journal.conflict"
    assert len(second.entries) == 1
    note(first, "and on")
    assert codes(s3) == []
    assert [entry.data.get("text") for entry in view(s3).entries] == [None, "mine", "and on"]


@pytest.mark.parametrize(
    "error", [TimeoutError("read timed out"), Answer("InternalError"), Answer("PreconditionFailed")]
)
def test_a_put_that_was_applied_but_not_answered_is_done(error: Exception) -> None:
    s3 = FakeS3()
    journal = open_journal(s3)
    s3.after = [error]
    note(journal, "applied")
    note(journal, "next")
    assert [entry.data.get("text") for entry in view(s3).entries] == [None, "applied", "next"]


SECOND = "runs/one/000000000001.jsonl"
RACE = "ConditionalRequestConflict"


def test_a_put_that_races_its_own_first_request_is_put_again() -> None:
    """boto repeats a request whose answer was late, and meets the first one while the store still works on it."""
    s3 = FakeS3()
    journal = open_journal(s3)
    s3.before = [Answer(RACE), Answer(RACE)]
    note(journal, "late")
    note(journal, "next")
    assert s3.puts.count(SECOND) == 3
    assert [entry.data.get("text") for entry in view(s3).entries] == [None, "late", "next"]


@pytest.mark.parametrize("ours", [True, False])
def test_what_wins_the_race_decides_it(ours: bool) -> None:
    s3 = FakeS3()
    sent: t.List[bytes] = []

    def put(Body: bytes, **_more: t.Any) -> None:  # noqa: N803
        sent.append(Body)
        FakeS3.put_object(s3, Body=Body, **_more)

    clock = Clock(lambda: s3.objects.update({SECOND: sent[-1] if ours else b"theirs"}))
    journal = open_journal(s3, clock=clock)
    s3.put_object = put  # type: ignore[method-assign, assignment]
    s3.before = [Answer(RACE)]
    if ours:
        note(journal, "late")
        note(journal, "next")
        assert [entry.data.get("text") for entry in view(s3).entries] == [None, "late", "next"]
        return
    with pytest.raises(MigrationError) as caught:
        note(journal, "late")
    assert caught.value.code == "journal.conflict"
    assert s3.objects[SECOND] == b"theirs"


def test_a_race_that_does_not_end_stops_the_run() -> None:
    """Whatever is raced may still land, so it is no conflict that a later append could get over."""
    s3 = FakeS3()
    clock = Clock()
    journal = open_journal(s3, clock=clock)
    s3.before = [Answer(RACE)] * 99
    with pytest.raises(MigrationError) as caught:
        note(journal, "lost")
    assert (caught.value.code, RACE in caught.value.message) == ("journal.write_failed", True)
    assert 0 < sum(clock.pauses) < 10
    s3.before = []
    with pytest.raises(MigrationError, match="unknown end"):
        note(journal, "again")
    note(open_journal(s3), "by the next run")
    assert codes(s3) == []


def test_a_put_with_an_unknown_end_stops_the_run() -> None:
    """The request may still be on its way, so nothing may follow it in this process; the next run sees which it was."""
    s3 = FakeS3()
    journal = open_journal(s3)
    s3.before = [TimeoutError("read timed out")]
    with pytest.raises(MigrationError) as caught:
        note(journal, "lost")
    assert caught.value.code == "journal.write_failed"
    with pytest.raises(MigrationError, match="unknown end"):
        note(journal, "again")
    assert len(journal.entries) == 1
    note(open_journal(s3), "by the next run")
    assert codes(s3) == []


def test_a_store_that_ignores_the_condition_is_refused_at_once() -> None:
    with pytest.raises(MigrationError) as caught:
        open_journal(FakeS3(conditional=False))
    assert caught.value.code == "journal.conditional_writes_unsupported"


def test_a_missing_object_is_a_truncated_journal() -> None:
    for gone, left in (("000000000000", 0), ("000000000001", 1), ("000000000003", 3)):
        s3 = FakeS3()
        journal = open_journal(s3)
        note(journal, "a", "b")
        note(journal, "c")
        del s3.objects[f"runs/one/{gone}.jsonl"]
        assert codes(s3) == ["journal.truncated"], gone
        assert len(view(s3).entries) == left
        with pytest.raises(MigrationError, match="are missing"):
            open_journal(s3)


def test_only_the_head_is_left() -> None:
    s3 = FakeS3()
    open_journal(s3)
    del s3.objects["runs/one/000000000000.jsonl"]
    assert codes(s3) == ["journal.truncated"]


def test_a_copy_without_head() -> None:
    s3 = FakeS3()
    open_journal(s3)
    del s3.objects["runs/one/head.json"]
    assert codes(s3) == ["journal.head_missing"]
    assert view(s3).valid


@given(st.integers(0, 2), st.data())
def test_any_flipped_byte_is_refused(which: int, draw: st.DataObject) -> None:
    s3 = FakeS3()
    journal = open_journal(s3)
    note(journal, "a", "b")
    note(journal, "c")
    key = sorted(s3.objects)[which]
    raw = bytearray(s3.objects[key])
    raw[draw.draw(st.integers(0, len(raw) - 1))] ^= draw.draw(st.integers(1, 255))
    s3.objects[key] = bytes(raw)
    before = dict(s3.objects)
    with pytest.raises(MigrationError) as caught:
        open_journal(s3)
    assert caught.value.code in ("journal.chain_broken", "journal.not_a_journal", "journal.truncated")
    assert s3.objects == before


def test_unreadable() -> None:
    class NoBucket(FakeS3):
        def get_paginator(self, name: str) -> FakeS3:
            raise Answer("NoSuchBucket")

    with pytest.raises(MigrationError) as caught:
        open_journal(NoBucket())
    assert caught.value.code == "journal.not_accessible"
    assert "NoSuchBucket" in caught.value.message
    assert caught.value.message.startswith(LOCATION)


def test_no_right_to_write() -> None:
    s3 = FakeS3()
    s3.before = [Answer("AccessDenied")]
    with pytest.raises(MigrationError) as caught:
        open_journal(s3)
    assert caught.value.code == "journal.write_failed"
    assert "AccessDenied" in caught.value.message


class ParamValidationError(ValueError):
    """What botocore raises before it sends anything; here as releases before 1.35.2 word it."""


def test_a_library_that_knows_no_conditional_writes() -> None:
    s3 = FakeS3()
    s3.before = [
        ParamValidationError('Parameter validation failed:\nUnknown parameter in input: "IfNoneMatch", must be')
    ]
    with pytest.raises(MigrationError) as caught:
        open_journal(s3)
    assert caught.value.code == "journal.boto3_too_old"
    assert f"boto3 {LEAST_BOTO3} or newer" in caught.value.message
    assert "credentials" not in caught.value.message
    assert s3.objects == {}


def test_locations() -> None:
    assert split_location("s3://bucket/a/b//") == ("bucket", "a/b/")
    with pytest.raises(InvalidOption):
        split_location("s3://bucket")


def test_secrets_are_not_in_the_options_text() -> None:
    assert "hunter2" not in repr(S3Options(secret_key="hunter2", session_token="hunter2"))


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MigrationError) as caught:
        make_client(S3Options())
    assert caught.value.code == "journal.boto3_missing"
    assert "boto3" in caught.value.message


def test_options_that_cannot_work() -> None:
    with pytest.raises(MigrationError) as caught:
        make_client(S3Options(endpoint_url="not a url", region="r", access_key="a", secret_key="b"))
    assert caught.value.code == "journal.not_accessible"
