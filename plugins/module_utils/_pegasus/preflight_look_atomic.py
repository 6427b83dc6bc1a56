# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Looks at atomic writes, a second time where only the growth of a number tells whether there are any now."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_counters as counters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile

WATCHED_SECONDS = 10.0
"""As long as servers up to 2.5 count for a rate. What comes more rarely than that can be missed, and is not denied."""


class AtomicWatch:
    """Asks the servers when it is made, and again at the end if that can tell anything."""

    def __init__(self, ask: t.Callable[[], Answers[counters.Counted]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._began = clock.monotonic()
        self.first = ask()

    def end(self, tables: t.Sequence[TableView], profile: Profile) -> list[TableView]:
        """The tables with what is known of their atomic writes."""
        again: tuple[Answers[counters.Counted], float] | None = None
        if any(table.usable and counters.needs_second_look(self.first, table.usable, profile) for table in tables):
            self._clock.sleep(WATCHED_SECONDS - self._passed())
            seconds = self._passed()
            again = self._ask(), seconds
        return [
            dataclasses.replace(table, atomic=counters.atomic_writes(self.first, table.usable, profile, again))
            if table.usable
            else table
            for table in tables
        ]

    def _passed(self) -> float:
        return self._clock.monotonic() - self._began
