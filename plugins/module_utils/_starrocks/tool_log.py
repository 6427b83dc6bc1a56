# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the sync tool's log has told so far, from bytes in whatever pieces they come."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_errors import (
    OTHER,
    classify,
    subject_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_line import (
    JOB,
    Line,
    Report,
    read_line,
    read_report,
    read_sizes,
)

_MOST_REPORTS = 400
"""At the usual 300 s between two, more than a day."""
_LATEST_REPORTS = 100
"""They are kept as they are. With short report intervals, older ones that repeat each other are thinned out."""
_MOST_SUBJECTS = 50
_LONGEST_LINE = 1 << 16
_LONGEST_TEXT = 500
_LAST_LINES = 5
_LONGEST_LAST = 300
_LEVELS = ("ERROR", "FATAL")


@dataclasses.dataclass
class Tally:
    """Errors of one kind. ``first``, ``last``: times as they stand in the log; ``subjects``: tables by last time."""

    count: int = 0
    first: str = ""
    last: str = ""
    text: str = ""
    subjects: t.Dict[str, str] = dataclasses.field(default_factory=dict)

    def copy(self) -> Tally:
        """As it is now."""
        return dataclasses.replace(self, subjects=dict(self.subjects))

    def add(self, at: str, text: str) -> None:
        """Count one more."""
        self.count += 1
        self.first = self.first or at
        self.last = at
        self.text = text[:_LONGEST_TEXT]
        subject = subject_of(text)
        if subject:
            self.subjects.pop(subject, None)
            self.subjects[subject] = at
            while len(self.subjects) > _MOST_SUBJECTS:
                del self.subjects[next(iter(self.subjects))]


class LogMemory:
    """Reports, errors and sizes. ``feed`` gives the same whatever the pieces; ``as_record`` is for the next call."""

    def __init__(self) -> None:
        self.jobs: t.List[Report] = []
        self.tables: t.Optional[Report] = None
        self.sizes: t.Optional[t.Dict[str, int]] = None
        self.errors: t.Dict[str, Tally] = {}
        self.last_at = ""
        self.tail: t.Deque[t.Tuple[str, str]] = collections.deque(maxlen=_LAST_LINES)
        """The last lines, as they stand there but for their length, each with its time or that of the line before."""
        self._rest = b""
        # The error of unknown kind that the last dated line told: its time, and the tally as it was before it.
        self._error: t.Optional[t.Tuple[str, t.Optional[Tally]]] = None

    def feed(self, piece: bytes) -> int:
        """Take the next bytes in; returns how many at the end are of a line that has not ended yet."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._take(line)
        return len(self._rest)

    def end_of_file(self) -> None:
        """The file ends here for good (it was rotated): its last line is whole as it is."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""

    def drop_rest(self) -> None:
        """Forget the line that has not ended yet; its bytes are read again."""
        self._rest = b""

    def _take(self, raw: bytes) -> None:
        line = read_line(raw[:_LONGEST_LINE].decode("utf-8", "replace").rstrip("\r"))
        if line.at:
            self.last_at = line.at
            self._error = None
        self._remember(raw)
        report = read_report(line)
        if report is not None and report.kind == JOB:
            self.jobs.append(report)
            self._forget()
        elif report is not None:
            self.tables = report
        else:
            self.sizes = read_sizes(line) or self.sizes
            self._take_error(line, classify(line.text))

    def _remember(self, raw: bytes) -> None:
        text = raw[:_LONGEST_LAST].decode("utf-8", "replace").strip()
        if text:
            self.tail.append((self.last_at, text))

    def _forget(self) -> None:
        """Drop one report if there are too many: one between two that say the same as it does, or the oldest.

        So the first and the last of them still tell for how long nothing moved, however short the report interval is.
        """
        jobs = self.jobs
        if len(jobs) <= _MOST_REPORTS:
            return
        for at in range(1, len(jobs) - _LATEST_REPORTS):
            if jobs[at - 1].values == jobs[at].values == jobs[at + 1].values:
                del jobs[at]
                return
        del jobs[0]

    def _take_error(self, line: Line, kind: t.Optional[str]) -> None:
        if kind is None and line.level not in _LEVELS:
            return
        at = line.at or self.last_at
        if not line.at and self._error is not None:
            # The cause of an error, in its stack trace: it says better what the error is.
            at, before = self._error
            if before is None:
                del self.errors[OTHER]
            else:
                self.errors[OTHER] = before
        self._error = None
        if kind is None:
            former = self.errors.get(OTHER)
            self._error = (at, None if former is None else former.copy())
        self.errors.setdefault(kind or OTHER, Tally()).add(at, line.text.strip())

    def as_record(self) -> t.Dict[str, t.Any]:
        """What was told so far as plain data, without a line that has not ended."""
        return {
            "jobs": [report.as_record() for report in self.jobs],
            "tables": None if self.tables is None else self.tables.as_record(),
            "sizes": self.sizes,
            "errors": {kind: _plain(tally) for kind, tally in self.errors.items()},
            "last_at": self.last_at,
            "tail": [list(one) for one in self.tail],
            "open_error": None if self._error is None else [self._error[0], _plain(self._error[1])],
        }

    @classmethod
    def from_record(cls, data: t.Mapping[str, t.Any]) -> LogMemory:
        """The memory of plain data; ValueError, TypeError, KeyError or AttributeError if it is none."""
        memory = cls()
        memory.jobs = [Report.from_record(record) for record in data["jobs"]]
        memory.tables = None if data["tables"] is None else Report.from_record(data["tables"])
        memory.sizes = None if data["sizes"] is None else {str(key): int(value) for key, value in data["sizes"].items()}
        memory.errors = {str(kind): Tally(**tally) for kind, tally in data["errors"].items()}
        memory.last_at = str(data["last_at"])
        # Of a cursor of the release before there is none.
        memory.tail.extend((str(at), str(line)) for at, line in data.get("tail") or ())
        if data["open_error"] is not None and OTHER in memory.errors:
            at, before = data["open_error"]
            memory._error = (str(at), None if before is None else Tally(**before))
        return memory


def _plain(tally: t.Optional[Tally]) -> t.Optional[t.Dict[str, t.Any]]:
    return None if tally is None else dataclasses.asdict(tally)
