# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a journal tells, once read."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_chain import Problem, Scan
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import (
    INTENT,
    OUTCOME,
    REPAIRED,
    Entry,
)


@dataclasses.dataclass(frozen=True)
class JournalView:
    """A journal as it was found. ``entries`` are those that hold: of a damaged journal, the ones before the damage."""

    location: str
    entries: t.Sequence[Entry]
    problems: t.Tuple[Problem, ...] = ()
    torn: bool = False

    @classmethod
    def of(cls, location: str, found: Scan) -> JournalView:
        """The view of what a scan found."""
        problems = found.problems
        if not found.entries and not any(problem.fatal for problem in problems):
            empty = f"{location}: it holds no entry yet. The first run that opens it begins it."
            problems += (Problem("journal.empty", empty, fatal=False),)
        return cls(location, tuple(found.entries), problems, bool(found.torn))

    @property
    def valid(self) -> bool:
        """Whether a run could go on with this journal (a torn tail is repaired then)."""
        return not any(problem.fatal for problem in self.problems)

    @property
    def head_missing(self) -> bool:
        """Whether the side file was absent or unreadable, as after copying the journal alone."""
        return any(problem.code == "journal.head_missing" for problem in self.problems)

    @property
    def repaired(self) -> bool:
        """Whether a torn tail was ever cut off."""
        return any(entry.kind == REPAIRED for entry in self.entries)

    @property
    def migration_id(self) -> str:
        """The migration it belongs to, "" when there is no entry."""
        return str(self.entries[0].data.get("migration_id", "")) if self.entries else ""

    @property
    def engine(self) -> str:
        """The engine it belongs to, "" when there is no entry."""
        return str(self.entries[0].data.get("engine", "")) if self.entries else ""

    def expecting(self, migration_id: str = "", engine: str = "") -> JournalView:
        """This view, with the fatal problem ``journal.other_migration`` for each name that is given and not its own."""
        if not self.entries:
            return self
        found = self.entries[0].data
        wrong = tuple(
            Problem(
                "journal.other_migration",
                f"{self.location}: the journal belongs to {name} {found.get(name)!r}, not {wanted!r}. "
                "Give the journal of this migration, or a path that is still free.",
                fatal=True,
            )
            for name, wanted in (("migration_id", migration_id), ("engine", engine))
            if wanted and found.get(name) != wanted
        )
        return dataclasses.replace(self, problems=self.problems + wrong)

    def require_valid(self) -> JournalView:
        """Itself; the MigrationError of the first fatal problem otherwise."""
        for problem in self.problems:
            if problem.fatal:
                raise problem.error()
        return self

    def of_kind(self, *kinds: str) -> t.List[Entry]:
        """The entries of these kinds, in order."""
        return [entry for entry in self.entries if entry.kind in kinds]

    def pending(self) -> t.List[Entry]:
        """The intents without an outcome, in order."""
        return list(ChangeTracker(self.entries).pending.values())

    def last_outcomes(self) -> t.Dict[str, Entry]:
        """By change id, the latest outcome (one that was ``unknown`` may have been settled later)."""
        return {str(entry.data.get("id")): entry for entry in self.of_kind(OUTCOME)}

    def phases(self) -> t.List[t.Dict[str, t.Any]]:
        """Each run in order: run_id, phase, started, finished (None: killed or still running), status."""
        runs: t.Dict[t.Tuple[str, str], t.Dict[str, t.Any]] = {}
        for entry in self.of_kind("run.started", "run.finished"):
            key = (str(entry.data.get("run_id", "")), str(entry.data.get("phase", "")))
            if entry.kind == "run.started":
                runs[key] = {
                    "run_id": key[0],
                    "phase": key[1],
                    "started": entry.at,
                    "finished": None,
                    "status": "unfinished",
                }
            elif key in runs:
                runs[key].update(finished=entry.at, status=entry.data.get("status", "unknown"))
        return list(runs.values())


class ChangeTracker:
    """Which changes were intended, and which of them have no outcome yet."""

    def __init__(self, entries: t.Iterable[Entry] = ()) -> None:
        self.known: t.Set[str] = set()
        self.pending: t.Dict[str, Entry] = {}
        self.take(entries)

    def take(self, entries: t.Iterable[Entry]) -> None:
        """Follow further entries, in order."""
        for entry in entries:
            if entry.kind == INTENT:
                change_id = str(entry.data.get("id"))
                self.known.add(change_id)
                self.pending[change_id] = entry
            elif entry.kind == OUTCOME:
                self.pending.pop(str(entry.data.get("id")), None)
