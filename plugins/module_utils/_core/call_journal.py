# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The journal of one module call that changes something: read first, opened only when there is something to write."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE, Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor

Outcome = t.Tuple[str, str, t.Mapping[str, t.Any]]
"""(id of the change, status, evidence)"""


def same_state(_past: Recorded, one: t.Any, two: t.Any) -> bool:
    """Whether two states are the same by their JSON, as the journal keeps them."""
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


class CallJournal:
    """Reading is done when it is made, so that a wrong journal is told of before any server is contacted."""

    def __init__(
        self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock, *, engine: str, needed: str = ""
    ) -> None:
        """``needed``: why it does not go without a journal, and what is to be given; "" where it does.

        :raises MigrationError: ``journal.*``, or ``option.invalid`` when it is needed and not given
        """
        if needed and not params.get("journal"):
            raise InvalidOption("journal", "it is not given", needed)
        self._params = params
        self._redactor = redactor
        self._clock = clock
        self._engine = engine
        self._journal: t.Optional[Journal] = None
        view = read_journal(params)
        if view is not None:
            view = view.expecting(params.get("migration_id") or "", engine).require_valid()
        self.entries: t.Sequence[Entry] = view.entries if view is not None else ()

    @property
    def given(self) -> bool:
        """Whether there is a journal, so that it is known what is ours."""
        return bool(self._params.get("journal"))

    def open(self) -> t.Optional[Journal]:
        """The journal, open for writing; None when the option is not given."""
        if self._journal is None:
            self._journal = open_journal(self._params, engine=self._engine, clock=self._clock, redactor=self._redactor)
        return self._journal

    def close(self) -> None:
        """Let go of it, if it was opened."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def settle(
        self,
        past: t.Mapping[str, Recorded],
        now: t.Mapping[str, t.Any],
        same: t.Callable[[t.Any, t.Any, t.Any], bool] = same_state,
    ) -> None:
        """Write how the changes ended that a killed run left open: what is there ``now``, by resource, tells.

        ``same``: given the record, what was wanted and what is there, whether they are the same.
        """
        self.outcomes(
            (
                change_id,
                "done" if same(one, after, now[resource]) else "abandoned",
                {"evidence": {"now": now[resource]}},
            )
            for resource, one in past.items()
            if resource in now
            for change_id, after in one.pending
        )

    def outcomes(self, outcomes: t.Iterable[Outcome]) -> None:
        """Write how changes ended; nothing is opened for none."""
        found = list(outcomes)
        journal = self.open() if found else None
        if journal is not None:
            journal.outcomes(found)

    def conclude(self, records: t.Iterable[t.Mapping[str, t.Any]]) -> None:
        """Write the ``restore`` entries that close the matter of their resources."""
        listed = list(records)
        journal = self.open() if listed else None
        if journal is not None:
            journal.append_many((RESTORE, record) for record in listed)

    def append(self, kind: str, data: t.Mapping[str, t.Any]) -> None:
        """Write any other entry, where there is a journal."""
        journal = self.open()
        if journal is not None:
            journal.append(kind, data)

    def note(self, data: t.Mapping[str, t.Any]) -> None:
        """Write something that a later run should know."""
        self.append("note", data)

    def note_once(self, data: t.Mapping[str, t.Any]) -> None:
        """The same, unless the journal said so when this call began."""
        if not any(entry.kind == "note" and entry.data == data for entry in self.entries):
            self.note(data)
