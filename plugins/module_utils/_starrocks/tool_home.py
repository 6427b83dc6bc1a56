# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The folder of the sync tool, and what this collection keeps in it: the files as they were shipped, and the records.

All that is kept is in ``.dbops-migration``, which only its owner can read.
What a killed call can leave in the folder has a name that tells so, and is removed by the next one.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import tempfile
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.properties import ENCODING
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import Start
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_unpack import (
    HOSTS_PROPERTIES,
    SYNC_PROPERTIES,
)

STATE = ".dbops-migration"
CONFIGURATION = (SYNC_PROPERTIES, HOSTS_PROPERTIES)
LOG_FOLDERS = ("log", "logs")
"""The manual writes ``log``; a screenshot of it shows ``logs``."""

_GONE = STATE + "-gone"
_UNFINISHED = STATE + "-new-"
_OTHER_USER = "become the user that the tool belongs to"
_FIXES = {
    errno.ENOENT: "correct the path",
    errno.EDQUOT: "make room there, or give another directory",
    errno.ENOSPC: "make room there, or give another directory",
    errno.ENOTDIR: "give another directory",
    errno.EROFS: "give another directory",
}


@dataclasses.dataclass(frozen=True)
class Rights:
    """Whose a file is, by numbers of user and group, and its permission bits."""

    user: int
    group: int
    mode: int

    @classmethod
    def of(cls, path: str) -> Rights:
        """As they are. MigrationError ``starrocks.tool_not_accessible``."""
        try:
            found = os.stat(path)
        except OSError as error:
            raise not_accessible(path, error) from error
        return cls(found.st_uid, found.st_gid, found.st_mode & 0o777)

    @classmethod
    def from_record(cls, record: t.Any) -> t.Optional[Rights]:
        """As they were written down; None when they were not."""
        try:
            return cls(int(record["user"]), int(record["group"]), int(record["mode"]))
        except (KeyError, TypeError, ValueError):
            return None

    def give(self, descriptor: int) -> None:
        """To a new file. One that this user may not give away is read by its owner only: its group is another one."""
        now = os.fstat(descriptor)
        if (now.st_uid, now.st_gid) != (self.user, self.group):
            try:
                os.fchown(descriptor, self.user, self.group)
            except OSError:
                return
        os.fchmod(descriptor, self.mode)

    def as_record(self) -> t.Dict[str, int]:
        """For :meth:`from_record`."""
        return dataclasses.asdict(self)


class Home:
    """One folder. Reading methods take what is missing for nothing."""

    def __init__(self, directory: str) -> None:
        # Processes tell where they are without links.
        self.directory = os.path.realpath(directory)

    def path(self, *parts: str) -> str:
        """A path inside."""
        return os.path.join(self.directory, *parts)

    def state(self, name: str) -> str:
        """A path among what this collection keeps."""
        return self.path(STATE, name)

    def beside(self, ending: str = "") -> str:
        """A path of ours beside the folder, named after it: other tools may be in the same place."""
        parent, name = os.path.split(self.directory)
        return os.path.join(parent, f".{name}{STATE}{ending}")

    def exists(self) -> bool:
        """Whether there is a folder with anything in it."""
        return os.path.isdir(self.directory) and bool(os.listdir(self.directory))

    def prepare(self) -> None:
        """Make the folder of what is kept."""
        os.makedirs(self.path(STATE), mode=0o700, exist_ok=True)

    def installed(self) -> str:
        """The SHA-256 of the archive that this collection unpacked here; "" if it did not."""
        return str(self._record("installed.json").get("sha256") or "")

    def remember_installed(self, sha256: str) -> None:
        """Write the SHA-256 down."""
        self._keep("installed.json", {"sha256": sha256})

    def start(self) -> t.Optional[Start]:
        """The last start that was not ended on purpose."""
        return Start.from_record(self._record("start.json"))

    def remember_start(self, start: t.Optional[Start]) -> None:
        """Write a start down, or that there is none any more."""
        if start is None:
            remove_file(self.state("start.json"))
        else:
            self._keep("start.json", start.as_record())

    def made(self) -> t.List[str]:
        """The files of the configuration that were not there before this collection wrote them."""
        return [str(name) for name in self._record("made.json").get("files") or ()]

    def shipped(self, name: str) -> str:
        """A file of the configuration as it was before this collection wrote it: kept, or else as it is."""
        kept = read_text(self.state(os.path.basename(name)))
        if kept is not None:
            return kept
        return "" if name in self.made() else (read_text(self.path(name)) or "")

    def keep_shipped(self) -> None:
        """Keep the configuration as it is, unless that was done before. What is not there is written down as such."""
        self.prepare()
        made = self.made()
        rights = self._record("rights.json")
        missing = []
        for name in CONFIGURATION:
            kept = self.state(os.path.basename(name))
            if name in made or os.path.exists(kept):
                continue
            text = read_text(self.path(name))
            if text is None:
                missing.append(name)
            else:
                # First: from the copy on, the file may be another one.
                rights = {**rights, name: Rights.of(self.path(name)).as_record()}
                self._keep("rights.json", rights)
                write_text(kept, text)
        if missing:
            self._keep("made.json", {"files": [*made, *missing]})

    def give_back(self) -> None:
        """Put the configuration back as it was, and keep nothing. A file that nobody knows the former state of stays.

        What was kept goes away as a whole: a part of it would say that there was less than there was.
        """
        made = self.made()
        rights = self._record("rights.json")
        for name in CONFIGURATION:
            kept = read_text(self.state(os.path.basename(name)))
            if kept is not None:
                former = Rights.from_record(rights.get(name))
                _write(self.path(name), kept, former.give if former is not None else _keep_private)
            elif name in made:
                remove_file(self.path(name))
        os.rename(self.path(STATE), self.path(_GONE))
        shutil.rmtree(self.path(_GONE))

    def clear_up(self) -> None:
        """Remove what a call that was killed has left in the folder: unfinished files, and what was to be forgotten."""
        if os.path.isdir(self.path(_GONE)):
            shutil.rmtree(self.path(_GONE))
        for folder in {os.path.dirname(self.path(name)) for name in (*CONFIGURATION, os.path.join(STATE, "any"))}:
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                if name.startswith(_UNFINISHED):
                    remove_file(os.path.join(folder, name))

    def require_writable(self, beside: bool) -> None:
        """What a real run would find when it writes. ``beside``: whether a folder is to be put in this one's place.

        :raises MigrationError: ``starrocks.tool_not_accessible``
        """
        folder = os.path.dirname(self.directory) if beside else self.directory
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        number = 0
        if not os.path.isdir(folder):
            number = errno.ENOTDIR
        elif not os.access(folder, os.W_OK | os.X_OK):
            number = errno.EACCES
        if number:
            raise not_accessible(folder, OSError(number, os.strerror(number)))

    def _record(self, name: str) -> t.Mapping[str, t.Any]:
        try:
            found = json.loads(read_text(self.state(name)) or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _keep(self, name: str, record: t.Mapping[str, t.Any]) -> None:
        self.prepare()
        write_text(self.state(name), json.dumps(record, sort_keys=True) + "\n")


def read_text(path: str) -> t.Optional[str]:
    """A file of the configuration; None when there is none. MigrationError ``starrocks.tool_not_accessible``."""
    try:
        with open(path, encoding=ENCODING, newline="") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise not_accessible(path, error) from error


def write_text(path: str, text: str, owner: t.Optional[t.Tuple[int, int]] = None) -> None:
    """Write a file that only its owner reads, at once or not at all. ``owner``: user and group by number."""
    _write(path, text, _keep_private if owner is None else lambda descriptor: os.fchown(descriptor, *owner))


def _keep_private(_descriptor: int) -> None:
    """What mkstemp makes is read by its owner only."""


def _write(path: str, text: str, give: t.Callable[[int], None]) -> None:
    """``give``: gives the new file, by its descriptor, to whom it shall belong."""
    try:
        descriptor, new = tempfile.mkstemp(prefix=_UNFINISHED, dir=os.path.dirname(path))
        try:
            with os.fdopen(descriptor, "w", encoding=ENCODING, newline="") as file:
                file.write(text)
                file.flush()
                give(descriptor)
                os.fsync(descriptor)
            os.replace(new, path)
        except BaseException:
            remove_file(new)
            raise
    except OSError as error:
        raise not_accessible(path, error) from error


def mode_of(path: str) -> t.Optional[int]:
    """The permission bits of a file; None when there is none."""
    try:
        return os.stat(path).st_mode & 0o777
    except OSError:
        return None


def remove_file(path: str) -> None:
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def not_accessible(path: str, error: OSError) -> MigrationError:
    """The error for a file or folder that cannot be read or written: not by this user, or not at all."""
    return MigrationError(
        "starrocks.tool_not_accessible",
        f"{path} cannot be used ({error.strerror or error}); {_FIXES.get(error.errno or 0, _OTHER_USER)}.",
        details={"path": path},
    )
