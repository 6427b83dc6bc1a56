# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes one key after the other until it is told to stop, each again and again until it is acknowledged."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import sys
import threading
import time
import typing as t

from clients import place as places
from clients.ledger import Ledger

PAUSE = 0.2
"""Seconds between two tries of a refused write."""
BATCH = 100
"""Keys in one write of the first load."""


class Writer:
    """``path``: the file that tells where to write. When it changes, the next try goes to the new place."""

    def __init__(self, path: pathlib.Path, ledger: Ledger) -> None:
        self._path = path
        self._ledger = ledger
        self._client: places.Client | None = None
        self._told = ""
        self._problem = ""

    def load(self, count: int, seconds: float) -> None:
        """Make the table and write the keys from 0 on; Refused when that was not done within ``seconds``."""
        end = time.monotonic() + seconds
        self._until(end, self._make)
        for first in range(0, count, BATCH):
            keys = range(first, min(first + BATCH, count))
            self._until(end, functools.partial(self._put, keys))
            self._ledger.acknowledged(keys)

    def run(self, rate: float, stop: threading.Event) -> None:
        """``rate`` keys per second, behind the last one that was acknowledged. Not ended in the middle of a write."""
        key = max(self._ledger.read().keys, default=-1) + 1
        while not stop.wait(1 / rate):
            if self._write(key, stop):
                key += 1

    def _write(self, key: int, stop: threading.Event) -> bool:
        tries, since = 0, time.monotonic()
        while not stop.is_set():
            try:
                self._at().write([key])
            except places.Refused as problem:
                self._tell(str(problem))
                tries += 1
                self.close()
                stop.wait(PAUSE)
                continue
            self._ledger.acknowledged([key])
            if tries:
                self._ledger.refused(tries, time.monotonic() - since)
            return True
        return False

    def _tell(self, problem: str) -> None:
        """For the log, which would be large if each try of a refused write were in it."""
        if problem != self._problem:
            self._problem = problem
            print(f"{time.strftime('%H:%M:%S')} refused: {problem}", file=sys.stderr, flush=True)

    def _at(self) -> places.Client:
        told = self._path.read_text(encoding="utf-8")
        if self._client is None or told != self._told:
            self.close()
            self._client, self._told = places.connect(places.read(self._path)), told
        return self._client

    def _make(self) -> None:
        self._at().make()

    def _put(self, keys: t.Sequence[int]) -> None:
        self._at().write(keys)

    def _until(self, end: float, deed: t.Callable[[], None]) -> None:
        while True:
            try:
                deed()
                return
            except places.Refused:
                self.close()
                if time.monotonic() > end:
                    raise
                time.sleep(PAUSE)

    def close(self) -> None:
        """End the connection; the next write opens another one."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.close()
        self._client = None
