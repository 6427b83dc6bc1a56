# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Where a wish is kept: a file, or an object on S3."""

from __future__ import annotations

import datetime
import errno
import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import MOST_BYTES
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_s3 import (
    S3Options,
    make_client,
    split_location,
)


class Kept(t.NamedTuple):
    """What was found: its bytes (a few more than may be there tell that it is too large), and when it was written."""

    raw: bytes
    written: datetime.datetime


class ControlStore(t.Protocol):
    """One place for one text. ``pause``: seconds between two looks."""

    location: str
    pause: float

    def read(self) -> t.Optional[Kept]:
        """What is there; None where nothing is. MigrationError ``control.not_accessible``."""

    def write(self, raw: bytes) -> None:
        """Put it there, whole or not at all. MigrationError ``control.not_accessible``."""

    def remove(self) -> None:
        """Take it away; nothing is done where nothing is. MigrationError ``control.not_accessible``."""


def default_location(journal: str) -> str:
    """Where the wish is kept that belongs to a journal: beside its file, or below its prefix; "" without a journal."""
    if not journal:
        return ""
    return journal.rstrip("/") + "/control" if journal.startswith("s3://") else journal + ".control"


def open_store(location: str, s3: S3Options) -> ControlStore:
    """The store at a path or ``s3://bucket/key``. InvalidOption for neither; nothing is contacted."""
    if location.startswith("s3://"):
        return S3Control(location, s3)
    if "://" in location:
        raise InvalidOption("control", f"{location!r} is neither a path nor s3://", "Give a path or s3://bucket/key")
    path = os.path.expanduser(location)
    if not os.path.isabs(path):
        raise InvalidOption("control", f"{location!r} is no absolute path", "Give one, so that everybody finds it")
    return FileControl(path)


class FileControl:
    """A file that a person writes, so it is read as it is: with any owner and mode."""

    pause = 1.0

    def __init__(self, path: str) -> None:
        self.location = path

    def read(self) -> t.Optional[Kept]:
        """See ``ControlStore``."""
        try:
            with open(self.location, "rb") as file:
                raw = file.read(MOST_BYTES + 1)
                written = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _not_accessible(self.location, error.strerror or str(error)) from error
        return Kept(raw, datetime.datetime.fromtimestamp(written, datetime.timezone.utc))

    def write(self, raw: bytes) -> None:
        """See ``ControlStore``. A new file may be read by its owner only, as the journal beside it."""
        new = f"{self.location}.new-{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(self.location), 0o700, exist_ok=True)
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.fchmod(fd, _mode(self.location))
                os.write(fd, raw)
                os.fsync(fd)
            finally:
                os.close(fd)
            os.replace(new, self.location)
        except OSError as error:
            _forget(new)
            raise _not_accessible(self.location, error.strerror or str(error)) from error

    def remove(self) -> None:
        """See ``ControlStore``."""
        try:
            os.unlink(self.location)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _not_accessible(self.location, error.strerror or str(error)) from error


class S3Control:
    """One object. Stores count its time in whole seconds."""

    pause = 5.0

    def __init__(self, location: str, options: S3Options) -> None:
        """InvalidOption for a location without bucket or key."""
        try:
            bucket, key = split_location(location)
        except InvalidOption:
            raise InvalidOption("control", f"{location!r} names no bucket or no key", "Give s3://bucket/key") from None
        self.location = location
        self._where = {"Bucket": bucket, "Key": key.rstrip("/")}
        self._options = options
        self._made: t.Any = None

    def read(self) -> t.Optional[Kept]:
        """See ``ControlStore``."""
        try:
            answer = self._client.get_object(**self._where)
            return Kept(bytes(answer["Body"].read(MOST_BYTES + 1)), answer["LastModified"])
        except MigrationError:
            raise
        except Exception as error:
            if _code(error) in ("NoSuchKey", "404", "NotFound"):
                return None
            raise _not_accessible(self.location, str(error)) from error

    def write(self, raw: bytes) -> None:
        """See ``ControlStore``."""
        self._call("put_object", Body=raw)

    def remove(self) -> None:
        """See ``ControlStore``."""
        self._call("delete_object")

    def _call(self, name: str, **more: t.Any) -> None:
        try:
            getattr(self._client, name)(**self._where, **more)
        except MigrationError:
            raise
        except Exception as error:
            raise _not_accessible(self.location, str(error)) from error

    @property
    def _client(self) -> t.Any:
        if self._made is None:
            self._made = make_client(self._options)
        return self._made


def _not_accessible(location: str, why: str) -> MigrationError:
    return MigrationError(
        "control.not_accessible",
        f"{location}: the control text cannot be reached ({why}). Give the user of this task access, or another place "
        "with the option control.",
    )


def _mode(path: str) -> int:
    """The mode of the file that is replaced, so that a group which may write it still can."""
    try:
        return os.stat(path).st_mode & 0o777
    except FileNotFoundError:
        return 0o600


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EROFS):
            raise


def _code(error: Exception) -> str:
    """The error code of a botocore ClientError, "" for anything else (which is not imported here)."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""
