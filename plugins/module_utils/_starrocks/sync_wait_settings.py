# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether frontends and nodes still have what the migration has set: a look from time to time while the copy goes on.

A copy lasts for hours, and a frontend in a container forgets at every start. Compactions that come back so meet
replications and stop the publishing for good, so the wait has to end long before that shows.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import read_journal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_settings import (
    FORGOTTEN,
    find_forgotten,
    forgotten_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_nearness import UNREACHABLE, Nearness

EVERY = 60.0
"""Seconds between two looks; each frontend is asked for each setting."""
_PASSING = (
    "starrocks.unreachable",
    "starrocks.not_leader",
    "starrocks.no_alive_node",
    "starrocks.frontend_unreachable",
    "starrocks.node_unreachable",
)
_AGAIN = (
    "Run migrate again, or the cutover if that waits here: both set it first. Without the role, set it yourself with "
    "this journal, then run this again."
)


class SettingsWatch:
    """``known``: what the step before has left with ``as_record``. Without a journal there is nothing to look for."""

    def __init__(
        self, params: t.Mapping[str, t.Any], source: Cluster, target: Cluster, clock: Clock, known: t.Any = None
    ) -> None:
        self._params = params
        self._sides = {"source": source, "target": target}
        self._clock = clock
        known = known if isinstance(known, dict) else {}
        self._at: t.Optional[float] = known.get("at")
        self._unknown = str(known.get("unknown") or "")
        self._findings: t.Tuple[Finding, ...] = ()

    def as_record(self) -> t.Dict[str, t.Any]:
        """For the next step: when it was looked last, in Unix seconds, and why nothing was seen then."""
        return {"at": self._at, "unknown": self._unknown}

    def findings(self) -> t.Tuple[Finding, ...]:
        """What was forgotten, as of the last look, which is made now if it is time.

        :raises MigrationError: what does not pass by itself, such as a privilege that is lacking
        """
        now = self._clock.now().timestamp()
        # A clock that was set back must not put it off.
        if self._at is None or abs(now - self._at) >= EVERY:
            self._at = now
            self._look()
        return self._findings

    def _look(self) -> None:
        view = read_journal(self._params)
        entries = view.entries if view is not None else ()
        try:
            forgotten = [one for side, cluster in self._sides.items() for one in find_forgotten(side, cluster, entries)]
        except MigrationError as error:
            if error.code not in _PASSING:
                raise
            self._unknown = error.message
            return
        self._unknown = ""
        self._findings = tuple(forgotten_findings(forgotten, False, _AGAIN))

    def held(self, near: Nearness) -> Nearness:
        """The same, but that nothing ends well while nobody knows."""
        if near.reason or not self._unknown:
            return near
        text = f"what frontends and nodes have of this migration's settings: {self._unknown}"
        return dataclasses.replace(near, reason=UNREACHABLE, waiting_for=text, ends_when="they answer again")


def usable(accepted: t.Sequence[Acceptance]) -> t.List[Acceptance]:
    """Those that count: another value may be wanted for a setting that is named, and for no other."""
    return [one for one in accepted if one.id != FORGOTTEN or one.subject]
