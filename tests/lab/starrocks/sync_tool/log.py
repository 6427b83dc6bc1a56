# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""log/sync.INFO.log: its lines, its rotation. Stamps are the host's own time, also where lab time runs faster."""

from __future__ import annotations

import os
import threading
import time

NAME = "sync.INFO.log"
KEPT = 5


class Log:
    """Lines like "24/01/18 11:17:04 INFO [Thread-1] updateClusterMeta(ClusterMetaKeeper.java:57): text"."""

    def __init__(self, directory: str, rotate_bytes: int) -> None:
        os.makedirs(directory, exist_ok=True)
        self._path = os.path.join(directory, NAME)
        self._rotate_bytes = rotate_bytes
        self._lock = threading.Lock()
        self._stream = open(self._path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - as long as the program

    def write(self, level: str, thread: str, where: str, text: str) -> None:
        """One line."""
        stamp = time.strftime("%y/%m/%d %H:%M:%S")
        with self._lock:
            self._stream.write("%s %s [%s] %s: %s\n" % (stamp, level, thread, where, text))
            if self._rotate_bytes and self._stream.tell() > self._rotate_bytes:
                self._rotate()

    def info(self, thread: str, where: str, text: str) -> None:
        """An INFO line."""
        self.write("INFO", thread, where, text)

    def warn(self, thread: str, where: str, text: str) -> None:
        """A WARN line."""
        self.write("WARN", thread, where, text)

    def error(self, thread: str, where: str, text: str) -> None:
        """An ERROR line."""
        self.write("ERROR", thread, where, text)

    def rotate(self) -> None:
        """sync.INFO.log becomes sync.INFO.log.1, that one .2, and so on; a new file begins."""
        with self._lock:
            self._rotate()

    def _rotate(self) -> None:
        self._stream.close()
        for number in range(KEPT - 1, 0, -1):
            if os.path.exists("%s.%d" % (self._path, number)):
                os.replace("%s.%d" % (self._path, number), "%s.%d" % (self._path, number + 1))
        os.replace(self._path, self._path + ".1")
        self._stream = open(self._path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115

    def truncate(self) -> None:
        """Empty the file in place, as logrotate's copytruncate does."""
        with self._lock:
            os.truncate(self._path, 0)
