# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab wants of the tool beside its properties: how fast time runs, and mischief on demand."""

from __future__ import annotations

import json
import os
import time
import typing as t


class Lab:
    """lib/lab.json: {"factor", "generation", "rotate_bytes", "orders"}; orders is a file that may appear and change.

    generation: "a" and "b" are the two whose lines are known, "current" what the manual describes.
    orders: {"crash": exit code, "stall": true, "ignore_term": true, "rotate": true, "unknown": N, "stuck_sent": true,
    "truncate": true, "generation": name}; "crash", "rotate" and "truncate" happen once.
    """

    def __init__(self, path: str) -> None:
        with open(path, encoding="utf-8") as stream:
            data = json.load(stream)
        self.factor = float(data["factor"])
        self._generation = str(data["generation"])
        self.rotate_bytes = int(data["rotate_bytes"])
        self._orders_file = str(data["orders"])
        self._done: dict[str, t.Any] = {}
        self._stamp = 0.0
        self._orders: dict[str, t.Any] = {}

    def sleep(self, seconds: float) -> None:
        """Lab seconds."""
        time.sleep(seconds / self.factor)

    def now(self) -> float:
        """Lab seconds since some moment."""
        return time.monotonic() * self.factor

    def orders(self) -> dict[str, t.Any]:
        """What is ordered now."""
        try:
            stamp = os.stat(self._orders_file).st_mtime
            if stamp != self._stamp:
                with open(self._orders_file, encoding="utf-8") as stream:
                    self._orders, self._stamp = json.load(stream), stamp
        except (OSError, ValueError):
            self._orders, self._stamp = {}, 0.0
        return self._orders

    def once(self, name: str) -> t.Any:
        """An order that is carried out one time for each value that the file gives it."""
        value = self.orders().get(name)
        if not value or self._done.get(name) == (value, self._stamp):
            return None
        self._done[name] = (value, self._stamp)
        return value

    @property
    def generation(self) -> str:
        """How the log looks."""
        return str(self.orders().get("generation", self._generation))
