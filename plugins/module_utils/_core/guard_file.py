# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a guard leaves behind: its socket in a folder that only its user may enter, and a line for everything it did.

The journal itself is not the guard's to write: the module holds its lock, or a later run does.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import stat
import tempfile
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError


@dataclasses.dataclass(frozen=True)
class GuardPlace:
    """Where the guards of one journal are found: their record and the folder of their sockets.

    ``own_parent``: the folder above is ours as well, and lies where everybody may write.
    """

    record: str
    folder: str
    own_parent: bool = False

    @classmethod
    def of(cls, journal: str) -> GuardPlace:
        """Next to a journal that is a file; in a private folder of the temporary folder for one in S3."""
        if "://" in journal:
            name = hashlib.sha256(journal.encode("utf-8")).hexdigest()[:16]
            base = os.path.join(tempfile.gettempdir(), f"dbops-migration-{os.getuid()}", name)
            return cls(base + ".guard.jsonl", base + ".guard", True)
        base = os.path.abspath(os.path.expanduser(journal))
        return cls(base + ".guard.jsonl", base + ".guard")

    def prepare(self) -> None:
        """Make the folders. MigrationError ``guard.place`` when somebody else could get at them."""
        parent = os.path.dirname(self.folder)
        try:
            if not os.path.isdir(parent):
                os.makedirs(parent, 0o700)
            # The folder of a journal that is a file is its user's, who has given it the mode that it has.
            for folder in (parent, self.folder) if self.own_parent else (self.folder,):
                self._private(folder)
        except OSError as error:
            raise _unusable(self.folder, error.strerror or str(error)) from error

    def _private(self, folder: str) -> None:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise _unusable(folder, "it is not a folder of this user")
        if stat.S_IMODE(found.st_mode) != 0o700:
            os.chmod(folder, 0o700)

    def append(self, clock: Clock, guard: str, event: str, data: t.Mapping[str, t.Any]) -> None:
        """Write one line durably."""
        line = json.dumps({"at": iso(clock.now()), "guard": guard, "event": event, **data}, sort_keys=True) + "\n"
        fd = os.open(self.record, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, line.encode("utf-8"))
            os.fsync(fd)
        finally:
            os.close(fd)

    def read(self) -> t.List[t.Dict[str, t.Any]]:
        """Every line that can be read, in order; a line that was cut off by the end of its writer tells nothing."""
        try:
            with open(self.record, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError as error:
            if error.errno == errno.ENOENT:
                return []
            raise _unusable(self.record, error.strerror or str(error)) from error
        found: t.List[t.Dict[str, t.Any]] = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and isinstance(entry.get("event"), str):
                found.append(entry)
        return found


def last_guard(entries: t.Sequence[t.Mapping[str, t.Any]]) -> t.List[t.Mapping[str, t.Any]]:
    """The lines of the guard that was started last."""
    name = entries[-1].get("guard") if entries else None
    for entry in reversed(entries):
        if entry.get("event") == "started":
            name = entry.get("guard")
            break
    return [entry for entry in entries if entry.get("guard") == name]


def _unusable(path: str, why: str) -> MigrationError:
    return MigrationError(
        "guard.place",
        f"{path}: the guard of the fence cannot be kept there ({why}). Give a journal in a folder of the user of this "
        "task. Nothing was changed.",
        details={"path": path},
    )
