# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A journal in a file: one locked writer, one write and one fsync per append, nothing half written believed."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_chain import (
    Head,
    Stored,
    may_begin_journal,
    not_a_journal,
)

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PEEK = 64
_HELD = (errno.EWOULDBLOCK, errno.EACCES)


class FileStore:
    """The file ``path`` with ``path.lock`` (held while open) and ``path.head``."""

    def __init__(self, path: str, create: bool) -> None:
        """Open and lock. MigrationError ``journal.missing``, ``.not_accessible``, ``.locked``, ...."""
        self.location = path
        self._broken: t.Optional[OSError] = None
        _require_file(path, create)
        _require_journal(path)
        try:
            if create:
                _make_parents(os.path.dirname(os.path.abspath(path)))
            self._lock = _lock(path)
        except OSError as error:
            raise _not_accessible(path, error) from error
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0), 0o600)
            self._size = os.fstat(self._fd).st_size
            if not self._size:
                _sync_folder(path)
        except OSError as error:
            os.close(self._lock)
            raise _not_accessible(path, error) from error

    @staticmethod
    def read(path: str) -> Stored:
        """Everything, without a lock. MigrationError ``journal.missing`` or ``journal.not_accessible``.

        The head comes first: a writer replaces it last, so the entry it names is in what is read after it.
        """
        _require_file(path, create=False)
        try:
            head = _read_head(path)
            with open(path, "rb") as file:
                start = file.read(_PEEK)
                rest = file.read() if may_begin_journal(start) else b""
                return Stored(start + rest, head)
        except OSError as error:
            raise _not_accessible(path, error) from error

    def load(self) -> Stored:
        """Everything that is in the file now."""
        stored = self.read(self.location)
        self._size = len(stored.raw)
        return stored

    def append(self, first_seq: int, payload: bytes) -> None:
        """Write all or nothing, durably. MigrationError ``journal.write_failed`` or ``.conflict``."""
        if self._broken is not None:
            raise _write_failed(self.location, self._broken)
        try:
            found = os.fstat(self._fd).st_size
        except OSError as error:
            raise _write_failed(self.location, error) from error
        if found != self._size:
            raise MigrationError(
                "journal.conflict",
                f"{self.location}: something else wrote to the journal. End it, then run again.",
            )
        try:
            _write_all(self._fd, payload)
            os.fsync(self._fd)
        except OSError as error:
            self._undo(error)
            raise _write_failed(self.location, error) from error
        self._size += len(payload)

    def write_head(self, head: Head) -> None:
        """Replace the head in one step. It is not synced: one that is lost or behind costs no safety."""
        path = self.location + ".head"
        try:
            fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                _write_all(fd, head.encode())
            finally:
                os.close(fd)
            os.replace(path + ".new", path)
        except OSError as error:
            raise _write_failed(self.location, error) from error

    def cut(self, size: int, torn: bytes, seq: int) -> str:
        """Shorten the file to ``size`` bytes, after keeping what is cut off beside it; returns where."""
        kept = f"{self.location}.torn-{seq}"
        try:
            fd = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                _write_all(fd, torn)
                os.fsync(fd)
            finally:
                os.close(fd)
            os.ftruncate(self._fd, size)
            os.fsync(self._fd)
        except OSError as error:
            raise _write_failed(self.location, error) from error
        self._size = size
        return kept

    def close(self) -> None:
        """Close the file and let the lock go. The lock file stays: removing it would race with the next holder."""
        os.close(self._fd)
        os.close(self._lock)

    def _undo(self, why: OSError) -> None:
        try:
            os.ftruncate(self._fd, self._size)
            os.fsync(self._fd)
        except OSError:
            # The next run finds a torn tail and repairs it; this one must not write behind it.
            self._broken = why


def _write_failed(path: str, error: OSError) -> MigrationError:
    return MigrationError(
        "journal.write_failed",
        f"{path}: the journal could not be written ({error.strerror or error}), so nothing more was started. "
        "Make room or give access, then run again.",
    )


def _require_file(path: str, create: bool) -> None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if create:
            return
        raise MigrationError(
            "journal.missing", f"{path}: there is no journal. Give the path that the first phase was given."
        ) from None
    except OSError as error:
        raise _not_accessible(path, error) from error
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise MigrationError(
            "journal.not_accessible",
            f"{path}: this is {kind}. Give the path of a file, such as {path.rstrip('/')}/run.jsonl.",
        )


def _require_journal(path: str) -> None:
    """Refuse a foreign file before anything is made beside it (somebody's ``/etc/passwd.lock``, say)."""
    try:
        with open(path, "rb") as file:
            start = file.read(_PEEK)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _not_accessible(path, error) from error
    if not may_begin_journal(start):
        raise not_a_journal(path).error()


def _make_parents(folder: str) -> None:
    missing: t.List[str] = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(missing):
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            # Another run made it meanwhile; were it a file, the next step says so.
            continue
        _sync_folder(path)


def _sync_folder(path: str) -> None:
    """Make the name of ``path`` in its folder durable, where the file system can."""
    fd = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.EACCES):
            raise
    finally:
        os.close(fd)


def _lock(path: str) -> int:
    fd = os.open(path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = _holder(fd)
        os.close(fd)
        if error.errno in _HELD:
            raise MigrationError(
                "journal.locked",
                f"{path}: {holder.get('text', 'another process')} is using the journal. Wait for it to end, or end it.",
                details=holder.get("details"),
            ) from error
        if error.errno in _NO_LOCKS:
            raise MigrationError(
                "journal.lock_unsupported",
                f"{path}: the file system has no locks ({error}), so two runs could not be kept apart. "
                "Put the journal on a local disk or on S3.",
            ) from error
        raise
    try:
        os.ftruncate(fd, 0)
        os.write(fd, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode("utf-8"))
    except OSError:
        # Only a courtesy for whoever comes second; on a full disk the append tells the trouble.
        pass
    return fd


def _holder(fd: int) -> t.Dict[str, t.Any]:
    try:
        found = json.loads(os.pread(fd, 1000, 0))
        pid, host = int(found["pid"]), str(found["host"])
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return {"text": f"process {pid} on {host}", "details": {"pid": pid, "host": host}}


def _read_head(path: str) -> t.Optional[Head]:
    try:
        with open(path + ".head", "rb") as file:
            return Head.decode(file.read(1000))
    except FileNotFoundError:
        return None


def _write_all(fd: int, data: bytes) -> None:
    # One write as a rule; the kernel may take less when the disk fills up, and the next write then says why.
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _not_accessible(path: str, error: OSError) -> MigrationError:
    if error.errno in _FULL:
        return _write_failed(path, error)
    return MigrationError(
        "journal.not_accessible",
        f"{path}: the journal cannot be opened ({error.strerror or error}). "
        "Give a path that the user of this task may read and write.",
    )
