# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The journal of one run of the duplication module, over all its steps."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.control import CONTROL
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import silent
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import present
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_past import GOAL_KIND, SKIPPED_KIND
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal

PHASE = "migrate"


class RunJournal:
    """Written only once the run has begun: something was sent, or there is something to wait for.

    A later step of the same run (``run_id``) goes on where the one before stopped. Nothing happens without a journal.
    """

    def __init__(self, store: SettingsJournal, run_id: str, options: t.Mapping[str, t.Any], clock: Clock) -> None:
        self.run_id = run_id
        self.journal: t.Optional[Journal] = None
        self._store = store
        self._options = options
        self._clock = clock
        own = [entry for entry in store.entries if entry.data.get("run_id") == run_id]
        self._begun = any(entry.kind == "run.started" for entry in own)
        self._last_reasons: t.List[str] = []
        if self._begun:
            self._last_reasons = _reasons(store)
            self.journal = store.open()

    @property
    def entries(self) -> t.Sequence[Entry]:
        """What the journal holds, with what this run has written."""
        return self._store.entries if self.journal is None else self.journal.entries

    def begin(self) -> None:
        """Write that the run has begun, once."""
        if self._begun:
            return
        self._begun = True
        self.journal = self._store.open()
        self._append("run.started", {"run_id": self.run_id, "phase": PHASE, "options": self._options})

    def progress(self, numbers: t.Mapping[str, t.Any], waits: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Write how far it is, once in a step; and what it waits for, when that is something else than before."""
        if not self._begun:
            return
        self._append("progress", {**numbers, "waits": present(waits)})
        self.waits(waits)

    def live(self, numbers: t.Mapping[str, t.Any], waits: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Write that the run goes on, when nothing was written for a while."""
        if self.journal is not None and silent(self.journal.entries, self._clock.now()):
            self.progress(numbers, waits)

    def control(self, acknowledged: t.Mapping[str, t.Any]) -> None:
        """Write that a wish was taken note of."""
        self.begin()
        self._append(CONTROL, acknowledged)

    def waits(self, waits: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Write what the run waits for, when that is something else than before."""
        reasons = [str(wait["reason"]) for wait in waits]
        if sorted(reasons) != self._last_reasons:
            self._last_reasons = sorted(reasons)
            for wait in waits:
                self._append("wait", wait)

    def prove(self, duplications: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Write by what the tables were found to be caught up."""
        if self._begun:
            items = [{"subject": one["table"], "evidence": one} for one in duplications]
            self._append("proof", {"kind": "pegasus.duplication_caught_up", "passed": True, "items": items})

    def arrived(self, items: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Write by what it is known that a removal discards nothing."""
        if items:
            self.begin()
            self._append("proof", {"kind": "pegasus.duplication_arrived", "passed": True, "items": list(items)})

    def skipped(self, resource: str, dupid: int) -> None:
        """Keep in mind that a duplication was in FAIL_SKIP: setting it back does not bring what it has left out."""
        data = {"resource": resource, "dupid": dupid}
        if not any(one.kind == SKIPPED_KIND and one.data == data for one in self.entries):
            self.begin()
            self._append(SKIPPED_KIND, data)

    def goal(self, resource: str, dupid: int, decrees: t.Mapping[int, int]) -> None:
        """Keep for the next call what must have arrived before a removal."""
        self.begin()
        goal = {str(index): decree for index, decree in sorted(decrees.items())}
        self._append(GOAL_KIND, {"resource": resource, "dupid": dupid, "goal": goal})

    def finish(self, status: str, summary: str) -> None:
        """Write how the run ended."""
        if self._begun:
            data = {"run_id": self.run_id, "phase": PHASE, "status": status, "summary": summary}
            self._append("run.finished", data)

    def _append(self, kind: str, data: t.Mapping[str, t.Any]) -> None:
        if self.journal is not None:
            self.journal.append(kind, data)


def _reasons(store: SettingsJournal) -> t.List[str]:
    """The reasons of the last group of waits of the newest run."""
    found: t.List[str] = []
    for entry in reversed(store.entries):
        if entry.kind == "wait":
            found.append(str(entry.data.get("reason")))
        elif found or entry.kind == "run.started":
            break
    return sorted(found)
