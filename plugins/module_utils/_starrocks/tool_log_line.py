# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One line of the sync tool's log, in every generation that is known.

There is no description of the format. It is known from screenshots of the manual (January and August 2024) and from the
manual's own words: lines begin with ``yy/MM/dd HH:mm:ss LEVEL [thread] method(File.java:line):``; a report is
``Sync progress: 100.00%, total: 4, ...``, later ``Sync job progress``, and ``Sync table progress, ...``. So names are
looked for, in any order, and what is not known is kept or passed over.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

_HEAD = re.compile(
    r"(\d\d/\d\d/\d\d \d\d:\d\d:\d\d)(?:[.,]\d+)?\s+([A-Z]+)\b\s*(?:\[[^\]]*\]\s*)?(?:\S+\([^()\s]*\):\s*)?(.*)",
    re.DOTALL,
)
_REPORT = re.compile(r"Sync(?P<kind> job| table)? progress\s*[:,]\s*(?P<rest>.*)", re.DOTALL)
_PERCENT = re.compile(r"(-?\d+(?:\.\d+)?)\s*%")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SIZES = re.compile(r"Total source size: ([\d.]+ \w+), total target size: ([\d.]+ \w+), total diff: (-?[\d.]+ \w+)")
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40, "PB": 1 << 50}

Value = t.Union[int, float, str]


@dataclasses.dataclass(frozen=True)
class Line:
    """``at``: local time of the tool's host as it stands there (``yy/MM/dd HH:mm:ss``), "" for a line without."""

    at: str
    level: str
    text: str


@dataclasses.dataclass(frozen=True)
class Report:
    """A line of progress. ``percent``: of a job report, None when it has none; ``values``: numbers by their name."""

    at: str
    kind: str
    percent: t.Optional[float]
    values: t.Mapping[str, Value]

    def count(self, name: str) -> t.Optional[int]:
        """A whole number by its name; None when the line does not have it."""
        value = self.values.get(name)
        return int(value) if isinstance(value, (int, float)) else None

    def as_record(self) -> t.List[t.Any]:
        """The report as plain data."""
        return [self.at, self.kind, self.percent, dict(self.values)]

    @classmethod
    def from_record(cls, record: t.Sequence[t.Any]) -> Report:
        """The report of plain data; ValueError or TypeError if it is none."""
        at, kind, percent, values = record
        return cls(str(at), str(kind), None if percent is None else float(percent), dict(values))


JOB, TABLE = "job", "table"


def read_line(text: str) -> Line:
    """Take a line apart; one without a time is told of with ``at`` empty (a stack trace goes on, for instance)."""
    match = _HEAD.match(text)
    if match is None:
        return Line("", "", text)
    return Line(match.group(1), match.group(2), match.group(3))


def read_report(line: Line) -> t.Optional[Report]:
    """The report that a line holds, if it holds one."""
    match = _REPORT.search(line.text) if line.at and "progress" in line.text else None
    if match is None:
        return None
    percent: t.Optional[float] = None
    values: t.Dict[str, Value] = {}
    for part in match.group("rest").strip().rstrip(".").split(","):
        name, colon, value = part.partition(":")
        if colon:
            values[name.strip()] = _value(value.strip())
        else:
            found = _PERCENT.fullmatch(part.strip())
            percent = float(found.group(1)) if found else percent
    if not values:
        return None
    return Report(line.at, TABLE if match.group("kind") == " table" else JOB, percent, values)


def read_sizes(line: Line) -> t.Optional[t.Dict[str, int]]:
    """The sizes of all data by source, target and diff, in bytes (the tool has rounded them)."""
    match = _SIZES.search(line.text) if "Total source size" in line.text else None
    if match is None:
        return None
    sizes = [_bytes(text) for text in match.groups()]
    if None in sizes:
        return None
    return dict(zip(("source", "target", "diff"), t.cast(t.List[int], sizes)))


def _bytes(text: str) -> t.Optional[int]:
    number, _space, unit = text.partition(" ")
    if unit not in _UNITS or not _NUMBER.fullmatch(number):
        return None
    return round(float(number) * _UNITS[unit])


def _value(text: str) -> Value:
    percent = _PERCENT.fullmatch(text)
    if percent:
        return float(percent.group(1))
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text
