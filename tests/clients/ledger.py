# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients' account: one file to which each acknowledged write is added before the next one is sent."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t


@dataclasses.dataclass(frozen=True)
class Account:
    """What a ledger tells. ``refused``: tries; ``longest``: seconds for which one write was refused."""

    keys: frozenset[int]
    refused: int
    longest: float


class Ledger:
    """Lines of ``{"first": key, "last": key}`` and ``{"refused": tries, "seconds": s}``."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path

    def acknowledged(self, keys: t.Sequence[int]) -> None:
        """Keys without a gap, in order."""
        self._add({"first": keys[0], "last": keys[-1]})

    def refused(self, tries: int, seconds: float) -> None:
        """A write was refused that often before it was accepted."""
        self._add({"refused": tries, "seconds": round(seconds, 3)})

    def _add(self, line: t.Mapping[str, t.Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read(self) -> Account:
        """All of it. The last line is left out when it is not whole: nobody relied on it yet."""
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        keys: set[int] = set()
        refused, longest = 0, 0.0
        for line in text[: text.rfind("\n") + 1].splitlines():
            entry = json.loads(line)
            if "first" in entry:
                keys.update(range(entry["first"], entry["last"] + 1))
            else:
                refused += entry["refused"]
                longest = max(longest, entry["seconds"])
        return Account(frozenset(keys), refused, longest)
