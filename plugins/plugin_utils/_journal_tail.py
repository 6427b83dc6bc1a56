# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""Reading along in a journal while a module writes it, to tell a person what it does.

Only for the eyes: nothing is verified, and a journal that cannot be read, or is not there yet, tells nothing.
"""

from __future__ import annotations

import json
import os
import threading
import types
import typing as t

_PATIENCE = 3.0
"""Seconds in which the last look has to come to its end: nobody waits longer for lines that are only for the eyes."""

Entry = t.Dict[str, t.Any]


class Tail(t.Protocol):
    """What can be read along. ``pause``: seconds between two looks."""

    pause: float

    def read(self) -> t.List[Entry]:
        """The entries that are new and whole."""


def entries_of(lines: t.Iterable[bytes]) -> t.List[Entry]:
    """The entries in lines of a journal; what is none is left out."""
    found = []
    for line in lines:
        try:
            entry = json.loads(line.decode("ascii"))
        except ValueError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("data"), dict):
            found.append(entry)
    return found


class JournalTail:
    """The entries that are appended to a journal file from now on."""

    pause = 0.3

    def __init__(self, path: str) -> None:
        self._path = path
        self._rest = b""
        try:
            self._at = os.stat(path).st_size
        except OSError:
            self._at = 0

    def read(self) -> t.List[Entry]:
        """What is new and whole."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._at)
                data = file.read()
        except OSError:
            return []
        self._at += len(data)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        return entries_of(lines)


class Following:
    """A context manager in which ``tell`` is called with every new entry, from a thread of its own, and in its end."""

    def __init__(self, tail: Tail, tell: t.Callable[[Entry], None]) -> None:
        self._tail = tail
        self._tell = tell
        self._left = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Following:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: t.Optional[t.Type[BaseException]],
        error: t.Optional[BaseException],
        trace: t.Optional[types.TracebackType],
    ) -> None:
        self._over.set()
        self._thread.join(_PATIENCE)
        self._left = True

    def _run(self) -> None:
        self._read()
        while not self._over.wait(self._tail.pause):
            self._read()
        self._read()

    def _read(self) -> None:
        for entry in self._tail.read():
            if not self._left:
                self._tell(entry)
