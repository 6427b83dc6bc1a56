# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The journal of one module call that changes configs: read first, opened only when there is something to write."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import RESTORE, Past
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical

ENGINE = "starrocks"


class ConfigJournal:
    """Reading is done when it is made, so that a wrong journal is told of before any server is contacted."""

    def __init__(self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock, *, restoring: bool) -> None:
        """:raises MigrationError: ``journal.*``, or ``option.invalid`` when it is needed and not given"""
        if restoring and not params.get("journal"):
            raise InvalidOption(
                "journal", "it is not given", "state=restored needs the journal in which the former values are"
            )
        self._params = params
        self._redactor = redactor
        self._clock = clock
        self._journal: t.Optional[Journal] = None
        view = read_journal(params)
        if view is not None:
            view = view.expecting(params.get("migration_id") or "", ENGINE).require_valid()
        self.entries: t.Sequence[Entry] = view.entries if view is not None else ()

    def open(self) -> t.Optional[Journal]:
        """The journal, open for writing; None when the option is not given."""
        if self._journal is None:
            self._journal = open_journal(self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor)
        return self._journal

    def close(self) -> None:
        """Let go of it, if it was opened."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def settle(self, past: t.Mapping[str, Past], now: t.Mapping[str, str]) -> None:
        """Write how the changes ended that a killed run left open: what is there ``now``, by resource, tells."""
        found: t.List[t.Tuple[str, str, t.Dict[str, t.Any]]] = []
        for resource, one in past.items():
            for change_id, after in one.pending if resource in now else ():
                done = canonical(after, one.kind) == canonical(now[resource], one.kind)
                status = "done" if done else "abandoned"
                found.append((change_id, status, {"evidence": {"now": now[resource]}}))
        journal = self.open() if found else None
        if journal is not None:
            journal.outcomes(found)

    def conclude(self, records: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Write the ``restore`` entries that close the matter of their resources."""
        journal = self.open() if records else None
        if journal is not None:
            journal.append_many((RESTORE, record) for record in records)

    def note(self, data: t.Mapping[str, t.Any]) -> None:
        """Write something that a later run should know."""
        journal = self.open()
        if journal is not None:
            journal.append("note", data)
