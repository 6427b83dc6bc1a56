# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Everything a cutover writes down: intents before, outcomes after, waits, proofs; and what the result tells of it."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    RESTORE,
    Recorded,
    decide,
    recorded,
    restore_record,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import Decision
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_closing import Closing
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import (
    Call,
    perhaps_made,
    send_call,
)


class CutoverRecord:
    """The journal of a cutover, and the changes that it made."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.changes = ChangeList()
        self.waits: t.Dict[str, Wait] = {}
        self.closings: t.List[Closing] = []
        """Committed tables of which nobody has seen yet that the source refuses readers."""
        self._journal = journal
        self._clock = clock

    def send(self, call: t.Optional[Call]) -> bool:
        """Carry a change out, written down before and after; False when there is nothing to change."""
        if call is None:
            return False
        try:
            send_call(call, self._journal, self._clock)
        except MigrationError as error:
            # It may have been made: the result must not say that nothing was changed.
            if perhaps_made(error):
                self._made(call.changes)
            raise
        self._made(call.changes)
        return True

    def do(self, change: Change, act: t.Callable[[], t.Mapping[str, t.Any]]) -> None:
        """As ``send``, for a change that settles ambiguity itself; ``act`` returns the evidence."""
        ids = self._journal.intents([change])
        try:
            evidence = act()
        except MigrationError as error:
            unsure = error.code in ("pegasus.zookeeper_ambiguous", "pegasus.zookeeper_unreachable")
            if unsure:
                self._made([change])
            status = "unknown" if unsure else "failed"
            self._journal.outcomes([(ids[0], status, {"code": error.code, "server_text": error.server_text or ""})])
            raise
        self._made([change])
        self._journal.outcomes([(ids[0], "done", {"evidence": dict(evidence)})])

    def _made(self, changes: t.Iterable[Change]) -> None:
        for change in changes:
            self.changes.add(change)

    def put_back(self, resource: str, past: Recorded, now: t.Any) -> None:
        """Close the matter of a resource that is as it was again."""
        self.closed(resource, past, now, decide(past, now))

    def closed(self, resource: str, past: Recorded, now: t.Any, decision: Decision) -> None:
        """Write what was decided about putting a resource back."""
        self._journal.append(RESTORE, restore_record(resource, past, now, decision))

    def past(self, resource: str) -> Recorded:
        """What the journal says of a resource by now."""
        return recorded(self._journal.entries, resource).get(resource, NOTHING)

    def settle(self, outcomes: t.Iterable[t.Tuple[str, str, t.Mapping[str, t.Any]]]) -> None:
        """Write how changes ended that a killed run left open."""
        listed = list(outcomes)
        if listed:
            self._journal.outcomes(listed)

    def copied(self, kind: str) -> t.List[t.Mapping[str, t.Any]]:
        """The data of every entry of a kind."""
        return [entry.data for entry in self._journal.entries if entry.kind == kind]

    def waiting(self, wait: Wait) -> None:
        """Write a wait once per reason; its worst items are told in the result."""
        if wait.reason not in self.waits:
            self._journal.append("wait", wait.as_result())
        self.waits[wait.reason] = wait

    def proof(self, kind: str, items: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Write what made the next step legal."""
        self._journal.append("proof", {"kind": kind, "passed": True, "items": list(items)})

    def append(self, kind: str, data: t.Mapping[str, t.Any]) -> None:
        """Write any other entry."""
        self._journal.append(kind, data)
