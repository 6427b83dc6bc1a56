# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies a journal file without the collection's own code: numbers, hashes, chain, and that nothing is left open."""

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t


def read(path: pathlib.Path) -> list[dict[str, t.Any]]:
    """The entries of a journal; lines that are no JSON are left out (see `problems`)."""
    entries = []
    for line in _lines(path):
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def problems(path: pathlib.Path) -> list[str]:
    """Everything that is wrong with a journal of a migration that has ended."""
    if not path.exists():
        return []
    found: list[str] = []
    prev = ""
    open_intents: dict[str, str] = {}
    if not path.read_bytes().endswith(b"\n"):
        found.append("the last line is torn")
    for number, line in enumerate(_lines(path)):
        try:
            entry = json.loads(line)
        except ValueError:
            found.append(f"line {number} is not JSON")
            continue
        claimed = entry.pop("hash")
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        if hashlib.sha256(text.encode()).hexdigest() != claimed:
            found.append(f"line {number}: its hash does not match")
        if entry["seq"] != number or entry["prev"] != prev:
            found.append(f"line {number} does not follow the one before")
        prev = claimed
        if entry["kind"] == "change.intent":
            open_intents[entry["data"]["id"]] = entry["data"]["resource"]
        elif entry["kind"] == "change.outcome":
            open_intents.pop(entry["data"]["id"], None)
    found += [f"the change {name} of {resource} has no outcome" for name, resource in open_intents.items()]
    return found


def _lines(path: pathlib.Path) -> list[bytes]:
    return [line for line in path.read_bytes().split(b"\n") if line]
