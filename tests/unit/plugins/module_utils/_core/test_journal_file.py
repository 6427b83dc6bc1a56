# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import fcntl
import functools
import os
import pathlib
import resource
import stat
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import journal_file
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_chain import Head, scan
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_file import FileStore
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor

LINE = b'{"at":"2026"}\n'


def refused(path: pathlib.Path, create: bool = True) -> MigrationError:
    with pytest.raises(MigrationError) as caught:
        FileStore(str(path), create)
    assert caught.value.message.startswith(f"{path}: ")
    return caught.value


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_what_is_made(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a" / "b" / "run.jsonl"
    previous = os.umask(0)
    try:
        store = FileStore(str(path), create=True)
        store.append(0, LINE)
        store.write_head(Head(0, "x"))
        kept = store.cut(0, LINE, 0)
        store.close()
    finally:
        os.umask(previous)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)
    for name in ("run.jsonl", "run.jsonl.lock", "run.jsonl.head", pathlib.Path(kept).name):
        assert mode(path.parent / name) == 0o600, name


def test_the_second_writer_is_told_who_the_first_is(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "run.jsonl"
    store = FileStore(str(path), create=True)
    error = refused(path)
    assert error.code == "journal.locked"
    assert f"process {os.getpid()} on " in error.message
    assert error.details["pid"] == os.getpid()
    store.close()
    FileStore(str(path), create=True).close()


def test_a_lock_without_a_name_still_holds(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "run.jsonl"
    with open(f"{path}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        error = refused(path)
    assert error.code == "journal.locked"
    assert "another process" in error.message


def test_a_stale_lock_file_locks_nobody(tmp_path: pathlib.Path) -> None:
    (tmp_path / "run.jsonl.lock").write_text('{"host":"gone","pid":1}', encoding="utf-8")
    FileStore(str(tmp_path / "run.jsonl"), create=True).close()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(_fd: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    error = refused(tmp_path / "run.jsonl")
    assert error.code == "journal.lock_unsupported"
    assert "S3" in error.message


def test_a_directory(tmp_path: pathlib.Path) -> None:
    error = refused(tmp_path)
    assert error.code == "journal.not_accessible"
    assert "a directory" in error.message


def test_a_pipe_does_not_hang(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refused(tmp_path / "pipe").message
    with pytest.raises(MigrationError, match="not a regular file"):
        FileStore.read(str(tmp_path / "pipe"))


def test_a_file_in_the_way_of_a_folder(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert refused(tmp_path / "file" / "run.jsonl").code == "journal.not_accessible"


def test_a_foreign_file_is_not_touched(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "passwd"
    path.write_text("root:x:0:0\n", encoding="utf-8")
    assert refused(path).code == "journal.not_a_journal"
    assert [entry.name for entry in tmp_path.iterdir()] == ["passwd"]
    assert path.read_text(encoding="utf-8") == "root:x:0:0\n"


def test_missing(tmp_path: pathlib.Path) -> None:
    assert refused(tmp_path / "run.jsonl", create=False).code == "journal.missing"
    with pytest.raises(MigrationError) as caught:
        FileStore.read(str(tmp_path / "run.jsonl"))
    assert caught.value.code == "journal.missing"
    assert list(tmp_path.iterdir()) == []


def test_permission_denied(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_args: t.Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    error = refused(tmp_path / "run.jsonl")
    assert error.code == "journal.not_accessible"
    assert "Permission denied" in error.message


def test_an_append_is_one_write_and_one_fsync(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(str(tmp_path / "run.jsonl"), create=True)
    calls: t.List[str] = []
    write, fsync = os.write, os.fsync

    def counted(name: str, call: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        calls.append(name)
        return call(*args)

    monkeypatch.setattr(os, "write", functools.partial(counted, "write", write))
    monkeypatch.setattr(os, "fsync", functools.partial(counted, "fsync", fsync))
    store.append(0, LINE * 200)
    store.close()
    assert calls == ["write", "fsync"]


def test_the_name_is_made_durable_too(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: t.List[int] = []
    fsync = os.fsync

    def record(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", record)
    FileStore(str(tmp_path / "new" / "run.jsonl"), create=True).close()
    assert synced == [tmp_path.stat().st_ino, (tmp_path / "new").stat().st_ino]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: pathlib.Path) -> None:
    """A real one: the kernel takes the first bytes, then refuses (here by the limit on file sizes)."""
    path = tmp_path / "run.jsonl"
    store = FileStore(str(path), create=True)
    store.append(0, LINE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(LINE) + 5, hard))
    try:
        with pytest.raises(MigrationError) as caught:
            store.append(1, LINE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "journal.write_failed"
    assert "Make room" in caught.value.message
    assert path.read_bytes() == LINE
    # There is room again, and the same process may go on.
    store.append(1, LINE)
    assert path.read_bytes() == LINE * 2
    store.close()


def test_when_even_undoing_fails_nothing_is_written_behind_the_torn_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.jsonl"
    store = FileStore(str(path), create=True)
    with monkeypatch.context() as patch:

        def broken(*_args: t.Any) -> None:
            raise OSError(errno.EIO, "Input/output error")

        patch.setattr(os, "fsync", broken)
        patch.setattr(os, "ftruncate", broken)
        with pytest.raises(MigrationError, match="Input/output error"):
            store.append(0, LINE)
    with pytest.raises(MigrationError) as caught:
        store.append(0, LINE)
    assert caught.value.code == "journal.write_failed"
    assert path.read_bytes() == LINE
    store.close()


def test_no_room_to_begin(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: t.Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    error = refused(tmp_path / "run.jsonl")
    assert error.code == "journal.write_failed"
    assert "No space left" in error.message


def test_no_room_for_the_head(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(str(tmp_path / "run.jsonl"), create=True)
    store.write_head(Head(0, "a"))

    def full(*_args: t.Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(MigrationError) as caught:
            store.write_head(Head(1, "b"))
    assert caught.value.code == "journal.write_failed"
    assert store.load().head == Head(0, "a")
    store.close()


def test_somebody_who_writes_without_the_lock_is_noticed(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "run.jsonl"
    store = FileStore(str(path), create=True)
    store.append(0, LINE)
    with open(path, "ab") as file:
        file.write(b"mine\n")
    with pytest.raises(MigrationError) as caught:
        store.append(1, LINE)
    assert caught.value.code == "journal.conflict"
    assert path.read_bytes() == LINE + b"mine\n"
    store.close()


def test_a_torn_tail_is_kept_beside(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(LINE + b'{"at')
    store = FileStore(str(path), create=True)
    kept = store.cut(len(LINE), b'{"at', 1)
    assert kept == f"{path}.torn-1"
    assert pathlib.Path(kept).read_bytes() == b'{"at'
    store.append(1, LINE)
    assert path.read_bytes() == LINE * 2
    store.close()


def test_read_takes_no_lock_and_makes_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(LINE)
    assert FileStore.read(str(path)).raw == LINE
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.jsonl"]
    store = FileStore(str(path), create=True)
    assert FileStore.read(str(path)).raw == LINE
    store.close()


def test_what_a_run_appends_while_it_is_read_is_not_missing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = str(tmp_path / "run.jsonl")
    journal = Journal(FileStore(location, True), SystemClock(), Redactor([]), migration_id="m", engine="x")
    read = journal_file._read_head

    def read_while_it_is_written(path: str) -> t.Any:
        journal.append("note", {})
        head = read(path)
        journal.append("note", {})
        return head

    monkeypatch.setattr(journal_file, "_read_head", read_while_it_is_written)
    assert scan(location, FileStore.read(location)).problems == ()
    journal.close()


def test_a_huge_foreign_file_is_not_read_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "disk.img"
    with open(path, "wb") as file:
        file.write(b"QFI\xfb")
        file.truncate(1 << 40)
    assert len(FileStore.read(str(path)).raw) <= 64
