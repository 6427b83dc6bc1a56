# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading the sync tool's log where the last call stopped, through rotation and truncation."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import LOG_FOLDERS, not_accessible
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log import LogMemory

LOG_NAME = "sync.INFO.log"
WINDOW = 8 << 20
"""How much of the end of a log is read by a call that knows nothing yet, in bytes."""

_PIECE = 1 << 20
_HEAD = 256
_TELLING = 40
"""A beginning as long as this has a time and a place in it, and is no other file's."""
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Place:
    """How far a file was read. ``head``: digest of its first ``head_size`` bytes, to know it again."""

    device: int
    inode: int
    offset: int
    head_size: int
    head: str


@dataclasses.dataclass(frozen=True)
class LogFile:
    """What one look has found. ``path`` "" when there is no log. ``written``: when it was last written, Unix seconds.

    ``gap``: whether something between two looks was lost with a rotated file that is gone.
    """

    path: str
    written: t.Optional[float]
    gap: bool
    memory: LogMemory
    cursor: t.Mapping[str, t.Any]


def find_log(directory: str) -> str:
    """The log below ``log`` or ``logs``, the one written last; "" when there is none."""
    found = []
    for folder in LOG_FOLDERS:
        path = os.path.join(directory, folder, LOG_NAME)
        if os.path.isfile(path):
            found.append((os.stat(path).st_mtime, path))
    return max(found)[1] if found else ""


def read_log(path: str, cursor: t.Optional[t.Mapping[str, t.Any]] = None, window: int = WINDOW) -> LogFile:
    """Read what is new since ``cursor`` (of an earlier result), or the end of the log when that is None or of no use.

    :raises MigrationError: ``starrocks.tool_not_accessible``
    """
    memory, place = _resume(cursor)
    if not path:
        return LogFile("", None, False, memory, _cursor(memory, place))
    try:
        return _read(path, memory, place, window)
    except OSError as error:
        raise not_accessible(path, error) from error


def _read(path: str, memory: LogMemory, place: t.Optional[Place], window: int) -> LogFile:
    gap = False
    with open(path, "rb") as file:
        begin = 0
        if place is not None and _is_at(file, place):
            begin = place.offset
        elif place is not None:
            gap = not _read_rotated(path, file, memory, place)
        else:
            size = os.fstat(file.fileno()).st_size
            begin = max(0, size - window)
            if not begin:
                _read_former(path, file, memory, window - size)
        end = _read_from(file, memory, begin, skip_part=bool(begin) and place is None)
        status = os.fstat(file.fileno())
        memory.drop_rest()
        return LogFile(path, status.st_mtime, gap, memory, _cursor(memory, _place(file, end)))


def _read_from(file: t.BinaryIO, memory: LogMemory, begin: int, skip_part: bool = False) -> int:
    """Read to the end; returns where the last whole line ends."""
    file.seek(begin)
    if skip_part:
        file.readline()
    while True:
        piece = file.read(_PIECE)
        if not piece:
            return file.tell() - memory.feed(b"")
        memory.feed(piece)


def _read_rotated(path: str, current: t.BinaryIO, memory: LogMemory, place: Place) -> bool:
    """Read the rest of the file that was the log before, and those between; False when it is not there any more."""
    siblings = _siblings(path, current)
    for index, sibling in enumerate(siblings):
        with open(sibling, "rb") as file:
            if _is_at(file, place, copy_too=True):
                _read_from(file, memory, place.offset)
                memory.end_of_file()
                for later in siblings[index + 1 :]:
                    with open(later, "rb") as between:
                        _read_from(between, memory, 0)
                        memory.end_of_file()
                return True
    return False


def _read_former(path: str, current: t.BinaryIO, memory: LogMemory, window: int) -> None:
    """The end of the file that was the log before: just after a rotation the new one has nothing to tell yet."""
    siblings = _siblings(path, current)
    if siblings:
        with open(siblings[-1], "rb") as file:
            begin = max(0, os.fstat(file.fileno()).st_size - window)
            _read_from(file, memory, begin, skip_part=bool(begin))
            memory.end_of_file()


def _siblings(path: str, current: t.BinaryIO) -> t.List[str]:
    """The rotated files that are not compressed, oldest first."""
    folder, name = os.path.split(path)
    now = os.fstat(current.fileno())
    found = []
    for entry in os.scandir(folder):
        if entry.name.startswith(name) and not entry.name.endswith((".gz", ".zip", ".bz2", ".xz", ".zst")):
            status = entry.stat()
            if entry.is_file() and (status.st_dev, status.st_ino) != (now.st_dev, now.st_ino):
                found.append((status.st_mtime_ns, entry.path))
    return [found_path for _time, found_path in sorted(found)]


def _is_at(file: t.BinaryIO, place: Place, copy_too: bool = False) -> bool:
    """Whether it is the file of the place, no shorter than then, and with the same beginning.

    ``copy_too``: or a copy of it, as is left by a rotation that copies and truncates.
    """
    status = os.fstat(file.fileno())
    same = (status.st_dev, status.st_ino) == (place.device, place.inode) or (copy_too and place.head_size >= _TELLING)
    return same and status.st_size >= place.offset and _head(file, place.head_size) == place.head


def _place(file: t.BinaryIO, offset: int) -> Place:
    status = os.fstat(file.fileno())
    size = min(_HEAD, offset)
    return Place(status.st_dev, status.st_ino, offset, size, _head(file, size))


def _head(file: t.BinaryIO, size: int) -> str:
    file.seek(0)
    return hashlib.sha256(file.read(size)).hexdigest()


def _cursor(memory: LogMemory, place: t.Optional[Place]) -> t.Dict[str, t.Any]:
    return {
        "format": _FORMAT,
        "place": None if place is None else dataclasses.asdict(place),
        "memory": memory.as_record(),
    }


def _resume(cursor: t.Optional[t.Mapping[str, t.Any]]) -> t.Tuple[LogMemory, t.Optional[Place]]:
    """What an earlier look knew; nothing when its record is damaged or of another release."""
    if not cursor or cursor.get("format") != _FORMAT:
        return LogMemory(), None
    try:
        place = cursor["place"]
        return LogMemory.from_record(cursor["memory"]), None if place is None else Place(**place)
    except (KeyError, TypeError, ValueError, AttributeError):
        return LogMemory(), None
