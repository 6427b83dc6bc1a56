# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journals that whole runs have left in the lab, and what they would be if something in them were otherwise.

A journal that was altered is chained anew, so that only what it says can give it away.
"""

from __future__ import annotations

import copy
import datetime
import functools
import pathlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry, decode, encode
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold import fold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Report, Verification
from ansible_collections.dbops.migration.plugins.module_utils._journals.switches import judge_switches
from ansible_collections.dbops.migration.plugins.module_utils._journals.words import WORDS

RECORDED = pathlib.Path(__file__).parent / "recorded"
Record = t.Tuple[str, str, t.Dict[str, t.Any]]


@functools.cache
def _lines(engine: str) -> t.Tuple[Entry, ...]:
    content = (RECORDED / f"{engine}.jsonl").read_bytes()
    return tuple(decode(line) for line in content.splitlines())


class Altered:
    """The records (at, kind, data) of a recorded journal, to be changed; ``view`` is the journal that they make."""

    def __init__(self, engine: str) -> None:
        self.records: t.List[Record] = [(entry.at, entry.kind, copy.deepcopy(entry.data)) for entry in _lines(engine)]

    def view(self) -> JournalView:
        entries: t.List[Entry] = []
        for at, kind, data in self.records:
            entries.append(encode(len(entries), at, kind, data, entries[-1].hash if entries else "")[0])
        return JournalView("altered", entries)

    def where(self, kind: str, /, **told: t.Any) -> t.List[int]:
        """The places of the entries of a kind whose data has these values."""
        return [
            place
            for place, (_at, found, data) in enumerate(self.records)
            if found == kind and all(data.get(name) == value for name, value in told.items())
        ]

    def last(self, kind: str, /, **told: t.Any) -> int:
        return self.where(kind, **told)[-1]

    def data(self, kind: str, /, **told: t.Any) -> t.Dict[str, t.Any]:
        """The data of the last entry of a kind, to be changed in place."""
        return self.records[self.last(kind, **told)][2]

    def drop(self, kind: str, /, **told: t.Any) -> Altered:
        """Without the entries of a kind."""
        gone = set(self.where(kind, **told))
        assert gone
        self.records = [record for place, record in enumerate(self.records) if place not in gone]
        return self

    def late(self, kind: str, seconds: float, /, **told: t.Any) -> Altered:
        """With everything from the last entry of a kind on so much later (earlier: negative, that entry alone)."""
        place = self.last(kind, **told)
        for number in range(place, len(self.records) if seconds > 0 else place + 1):
            at, found, data = self.records[number]
            self.records[number] = (moved(at, seconds), found, data)
        return self

    def move(self, kind: str, before: t.Tuple[str, t.Dict[str, t.Any]], /, **told: t.Any) -> Altered:
        """With the last entry of a kind put before the first of another, at its time."""
        record = self.records.pop(self.last(kind, **told))
        place = self.where(before[0], **before[1])[0]
        self.records.insert(place, (self.records[place][0], record[1], record[2]))
        return self


def moved(at: str, seconds: float) -> str:
    """A time so many seconds later."""
    return iso(parse_iso(at) + datetime.timedelta(seconds=seconds))


def report(altered: Altered) -> Report:
    """The report of a journal, as the module reads it."""
    view = altered.view()
    checked = Verification(True, len(view.entries), view.entries[-1].hash)
    return fold(view.entries, checked, WORDS[view.engine], {}, judge_switches(view))
