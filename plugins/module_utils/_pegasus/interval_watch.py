# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the config-sync intervals stay as short as the time to lift a fence counts on."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals

_LOOK = 1.0
"""Seconds from the end of one look to the next."""
_LEFT_ALONE = 5.0
"""Seconds for which a server is not asked that has just let a glance wait."""


class IntervalWatch:
    """Looks at the intervals again and again. ``in_force``: what each server's was to be, in milliseconds.

    While a table is fenced it only glances: its clients wait, and a server that is slow to tell, which need not have a
    replica of the table at all, must not make them wait longer.
    """

    def __init__(self, intervals: Intervals, in_force: t.Mapping[str, int]) -> None:
        self._intervals = intervals
        self._in_force = in_force
        self._looked = float("-inf")
        self._slow: t.Dict[str, float] = {}

    def longer(self) -> t.Dict[str, str]:
        """The servers whose interval is longer than what was to be in force. One that is silent is none."""
        return self._of(self._intervals.seen(self._in_force)) if self._in_force else {}

    def require_short(self, clock: Clock, at_a_glance: bool) -> None:
        """That nobody has made an interval longer, on which the time to lift depends; looked at once a second.

        :raises MigrationError: ``pegasus.config_sync_raised``. A server that does not answer is no reason.
        """
        if not self._in_force or clock.monotonic() - self._looked < _LOOK:
            return
        raised = self._glance(clock) if at_a_glance else self.longer()
        self._looked = clock.monotonic()
        if raised:
            raise raised_error(raised)

    def _glance(self, clock: Clock) -> t.Dict[str, str]:
        began = clock.monotonic()
        asked = [node for node in self._in_force if began - self._slow.get(node, float("-inf")) >= _LEFT_ALONE]
        seen = self._intervals.glanced(asked)
        self._slow.update((node, clock.monotonic()) for node in asked if node not in seen)
        return self._of(seen)

    def _of(self, seen: t.Mapping[str, str]) -> t.Dict[str, str]:
        return {node: value for node, value in seen.items() if int(value) > self._in_force[node]}


def raised_error(raised: t.Mapping[str, str]) -> MigrationError:
    """``pegasus.config_sync_raised``, with the intervals that were found."""
    shown = ", ".join(f"{node} ({int(value) / 1000:g} s)" for node, value in sorted(raised.items())[:3])
    return MigrationError(
        "pegasus.config_sync_raised",
        f"The config-sync interval was to stay short until the end of the cutover, and is long again on {shown}: "
        "somebody else set it, or a server was restarted. Lifting the fence would take longer than the budget "
        "allows for, so the cutover was given up. Let other cutovers of the cluster end, then run again.",
        details={"raised": dict(raised)},
    )
