# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Keeping a file of metrics up to date while a journal is written. It never gets in the way of a migration."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.warnings import warn

from ansible_collections.dbops.migration.plugins.module_utils._core import metrics_file
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics import metrics_text
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import Standing

INTERVAL = 1.0
"""Seconds between two writes for entries that can wait. Others are written at once, and the last ones at the end."""
ABOUT = "metrics_file"
"""Marks the journal's note of a file that cannot be written, so that the steps of a run tell of it once."""


class MetricsObserver:
    """Sees every entry that is appended, and writes the file. What cannot be written is told once, and left out."""

    def __init__(self, path: str, journal: Journal, clock: Clock) -> None:
        self._path = path
        self._journal = journal
        self._clock = clock
        self._standing: t.Optional[Standing] = None
        self._seen = 0
        self._written = float("-inf")
        self._behind = False
        self._told = False

    def appended(self, entries: t.Sequence[Entry]) -> None:
        """Take what was just written to the journal."""
        self._behind = True
        self._safely(self._follow_up)

    def closing(self) -> None:
        """Write what is not in the file yet."""
        if self._behind:
            self._safely(self._write)

    def _safely(self, do: t.Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:  # pylint: disable=broad-except
            # Whatever it is: a fence may be held, and nobody is to wait for a file of numbers.
            self._behind = False
            told, self._told = self._told, True
            tell_once(self._journal, self._path, error, told)

    def _follow_up(self) -> None:
        if self._follow() or self._clock.monotonic() - self._written >= INTERVAL:
            self._write()

    def _follow(self) -> bool:
        """Bring the standing up to the journal's end: the first time from its beginning."""
        standing = self._standing = self._standing or Standing()
        entries = self._journal.entries
        at_once = False
        for number in range(self._seen, len(entries)):
            at_once = standing.take(entries[number]) or at_once
        self._seen = len(entries)
        return at_once

    def _write(self) -> None:
        self._written = self._clock.monotonic()
        self._behind = False
        metrics_file.write(self._path, metrics_text(self._standing or Standing()))


def tell_once(journal: Journal, path: str, error: Exception, told: bool) -> None:
    """Warn in the result of the module, and remember that in the journal; once in a run, however many steps it has."""
    if told or _noted(journal.entries):
        return
    why = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
    text = (
        f"metrics_file: {path} cannot be written ({why}). The migration goes on without it. Make "
        "room or let the user of this task write there; until then what watches the file sees an old state."
    )
    warn(text)
    journal.append("note", {"text": text, "about": ABOUT})


def _noted(entries: t.Sequence[Entry]) -> bool:
    for entry in reversed(entries):
        if entry.kind == "note" and entry.data.get("about") == ABOUT:
            return True
        if entry.kind == "run.started":
            break
    return False
