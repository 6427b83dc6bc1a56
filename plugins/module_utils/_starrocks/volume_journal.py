# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The journal of one call that touches storage volumes: read first, opened only when there is something to write."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_past import RESTORE

ENGINE = "starrocks"


class VolumeJournal:
    """Read when it is made, so that a wrong journal is told of before any server is contacted."""

    def __init__(self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock, *, restoring: str = "") -> None:
        """``restoring``: the option value that needs a journal, "" when none does.

        :raises MigrationError: ``journal.*``, or ``option.invalid`` when it is needed and not given
        """
        if restoring and not params.get("journal"):
            raise InvalidOption("journal", "it is not given", f"{restoring} needs the journal that knows what is ours")
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

    def settle(self, outcomes: t.Iterable[t.Tuple[str, str]]) -> None:
        """Write how changes ended that a killed run left open: (id, status)."""
        listed = list(outcomes)
        journal = self.open() if listed else None
        if journal is not None:
            journal.outcomes((change_id, status, {}) for change_id, status in listed)

    def conclude(self, records: t.Iterable[t.Mapping[str, t.Any]]) -> None:
        """Write the ``restore`` entries that close the matter of their resources."""
        listed = list(records)
        journal = self.open() if listed else None
        if journal is not None:
            journal.append_many((RESTORE, record) for record in listed)
