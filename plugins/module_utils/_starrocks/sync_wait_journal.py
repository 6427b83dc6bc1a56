# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the wait writes into the journal: one run over all its steps, its curve, and why it waits when that changes."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.control import CONTROL
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import SIGN_OF_LIFE, already_told
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import present
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ENGINE
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_reach import (
    SEEN,
    Gap,
    LastLook,
    last_look,
)

PHASE = "migrate"
COUNTS = ("done", "total", "failed")


OFTEN, SELDOM = 600.0, 3600.0
"""Seconds after which it is written anew how far the target's transactions were seen; the latter when none is new."""


class WaitJournal:
    """A wait that finds everything in order leaves no trace, but for what it has seen of the target's transactions."""

    def __init__(self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock, run_id: str) -> None:
        self.run_id = run_id
        self._params = params
        self._redactor = redactor
        self._clock = clock
        self._journal: t.Optional[Journal] = None
        self._reasons: t.Optional[t.List[str]] = None

    def begin(self) -> t.Optional[Journal]:
        """The journal, open; the run is told of once, however many steps it has. None when there is none."""
        if self._journal is None and self._params.get("journal"):
            self._journal = open_journal(self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor)
            if self._journal is not None and not self._has("run.started"):
                options = {name: self._params.get(name) for name in ("max_behind", "stable_samples", "timeout")}
                self._journal.append("run.started", {"run_id": self.run_id, "phase": PHASE, "options": options})
        return self._journal

    @contextlib.contextmanager
    def lent(self) -> t.Iterator[None]:
        """Let somebody else write into it, who opens it by himself."""
        held = self._journal is not None
        self.close()
        try:
            yield
        finally:
            if held:
                self.begin()

    def wait(self, waits: t.Sequence[t.Mapping[str, t.Any]], progress: t.Mapping[str, t.Any]) -> None:
        """Tell how far it is (where that is known), and when the reason for waiting is another one, that."""
        journal = self.begin() if self._journal is not None else None
        if journal is None:
            return
        numbers = dict(progress) if progress.get("total") else {}
        told = {**numbers, "waits": present(waits)}
        records: t.List[t.Tuple[str, t.Mapping[str, t.Any]]] = []
        if not self._same(journal, told):
            records.append(("progress", told))
        reasons = [str(wait["reason"]) for wait in waits]
        if reasons != self._reasons and reasons != self._last_reasons(journal):
            records += [("wait", wait) for wait in waits]
        self._reasons = reasons
        journal.append_many(records)

    def looked(self, look: t.Optional[LastLook], gaps: t.Sequence[Gap], over: bool = False) -> None:
        """Keep how far the target's transactions were seen, from time to time and in the end, for whoever looks next.

        ``over``: ``finish`` has been told, and this is the last look.
        """
        # A gap is told once, so it must not be lost.
        journal = self.begin() if gaps else self._journal
        if journal is None or look is None:
            return
        known = last_look(journal.entries)
        if known is not None and not gaps:
            if parse_iso(look.at) <= parse_iso(known.at):
                # The last look, while the clusters do not answer: it is told already.
                return
            age = self._clock.now().timestamp() - parse_iso(known.at).timestamp()
            news = known.newest != look.newest
            if age < (OFTEN if not over else 0.0 if news else SELDOM):
                return
        journal.append(SEEN, {**look.as_record(), "gaps": [one.as_record() for one in gaps]})

    def control(self, acknowledged: t.Mapping[str, t.Any]) -> None:
        """Write that a wish was taken note of."""
        journal = self.begin()
        if journal is not None:
            journal.append(CONTROL, acknowledged)

    def findings(self, verdict: t.Mapping[str, t.Any]) -> None:
        """What stands against it; told once."""
        journal = self.begin()
        record = {"phase": PHASE, **verdict}
        if journal is not None and not already_told(journal.entries, [("findings", record)]):
            journal.append("findings", record)

    def finish(self, status: str, summary: str) -> None:
        """Tell the end of a run that was begun."""
        if self._journal is None and status == "ok" and self._params.get("journal"):
            self._journal = open_journal(
                self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor, create=True
            )
        if self._journal is not None and self._has("run.started"):
            data = {"run_id": self.run_id, "phase": PHASE, "status": status, "summary": summary}
            self._journal.append("run.finished", data)

    def close(self) -> None:
        """Let go of it, if it was opened."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _has(self, kind: str) -> bool:
        entries = self._journal.entries if self._journal is not None else ()
        return any(entry.kind == kind and entry.data.get("run_id") == self.run_id for entry in reversed(entries))

    def _last_reasons(self, journal: Journal) -> t.List[str]:
        for entry in reversed(journal.entries):
            if entry.kind == "wait":
                return [str(entry.data.get("reason"))]
            if entry.kind == "run.started":
                break
        return []

    def _same(self, journal: Journal, progress: t.Mapping[str, t.Any]) -> bool:
        """Whether the last progress that is told says the same, and is young enough to show that this lives."""
        for entry in reversed(journal.entries):
            if entry.kind == "progress":
                age = self._clock.now().timestamp() - parse_iso(entry.at).timestamp()
                counts = all(entry.data.get(name) == progress.get(name) for name in COUNTS)
                return counts and set(entry.data.get("waits") or ()) == set(progress["waits"]) and age < SIGN_OF_LIFE
            if entry.kind == "run.started":
                break
        return False
