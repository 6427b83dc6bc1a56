# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The journal of a freeze: every step written down before and after, and only believed when it is read back."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.call_journal import CallJournal
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    RESTORE,
    Recorded,
    decide,
    recorded,
    restore_record,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait

ENGINE = "starrocks"
LIFTED_KIND = "freeze.lifted"
ATTEMPTS = 3
PAUSE = 0.5
_NO_REPLY = "starrocks.no_reply"
_PARTS = ("freeze", "routine_load", "pipe")


class FreezeJournal(CallJournal):
    """The journal of one call, which must be given: read when it is made, before a cluster is contacted."""

    def __init__(self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock) -> None:
        """:raises MigrationError: ``journal.*``, or ``option.invalid`` when it is not given"""
        needed = (
            "Give the path (or s3://bucket/prefix) of the migration's journal; without it, nobody could tell what is "
            "to be resumed"
        )
        super().__init__(params, redactor, clock, engine=ENGINE, needed=needed)

    def open(self) -> Journal:
        """The journal, open for writing."""
        journal = super().open()
        if journal is None:
            raise MigrationError("internal.error", "there is no journal")
        return journal


def of_freeze(cluster_id: str) -> t.Tuple[str, ...]:
    """What the names of the journal's resources that a freeze of this cluster changes begin with."""
    return tuple(f"starrocks:{cluster_id}/{part}/" for part in _PARTS)


class FreezeRecord:
    """What a call writes, and the changes that it made."""

    def __init__(self, journal: Journal, clock: Clock, cluster_id: str) -> None:
        self.changes = ChangeList()
        self.waits: t.Dict[str, Wait] = {}
        self._journal = journal
        self._clock = clock
        self.cluster_id = cluster_id
        self._prefixes = of_freeze(cluster_id)

    @property
    def entries(self) -> t.Sequence[Entry]:
        """What the journal holds by now."""
        return self._journal.entries

    def past(self) -> t.Dict[str, Recorded]:
        """What the journal says by now of everything that a freeze changed."""
        return recorded(self._journal.entries, self._prefixes)

    def send(
        self,
        changes: t.Sequence[Change],
        send: t.Callable[[], t.Any],
        look: t.Callable[[], t.Sequence[t.Any]],
    ) -> t.List[t.Any]:
        """Send one request with all its effects; again only when its reply was lost and nothing has changed.

        Returns the states that were read back, in order: what is not as wanted is the caller's to judge. Outcomes:
        done where it is, unknown where it is not.

        :raises MigrationError: the server refused it; nothing is ours then
        """
        ids = self._journal.intents(changes)
        now: t.Sequence[t.Any] = ()
        lost = 0
        for attempt in range(1, ATTEMPTS + 1):
            try:
                send()
            except MigrationError as error:
                if error.code != _NO_REPLY:
                    status = "unknown" if lost else "failed"
                    self._conclude(ids, status, {"code": error.code, "server_text": error.server_text or ""})
                    self._made(changes if lost else ())
                    raise
                lost += 1
            try:
                now = look()
            except MigrationError as error:
                self._conclude(ids, "unknown", {"code": error.code, "server_text": error.server_text or ""})
                self._made(changes)
                raise
            arrived = any(same(change.after, state) for change, state in zip(changes, now))
            if lost < attempt or arrived:
                break
            self._clock.sleep(PAUSE * attempt)
        self._made(changes)
        self._journal.outcomes(
            (
                change_id,
                "done" if same(change.after, state) else "unknown",
                {"evidence": {"read_back": state, "replies_lost": lost}},
            )
            for change_id, change, state in zip(ids, changes, now)
        )
        return list(now)

    def _conclude(self, ids: t.Sequence[str], status: str, data: t.Mapping[str, t.Any]) -> None:
        self._journal.outcomes((change_id, status, data) for change_id in ids)

    def _made(self, changes: t.Iterable[Change]) -> None:
        for change in changes:
            self.changes.add(change)

    def seen(self, states: t.Mapping[str, t.Any], past: t.Mapping[str, Recorded]) -> t.Mapping[str, Recorded]:
        """Settle what can be settled with these states; what the journal says then."""
        return self.past() if self.settle(states) else past

    def settle(self, now: t.Mapping[str, t.Any]) -> bool:
        """Write how changes ended that a killed run left open: what is there ``now``, by resource, tells.

        What is not there stays open. Returns whether there was anything to write.
        """
        found: t.List[t.Tuple[str, str, t.Dict[str, t.Any]]] = []
        for entry in self._journal.pending():
            resource = str(entry.data.get("resource"))
            if resource in now:
                status = "done" if same(entry.data.get("after"), now[resource]) else "abandoned"
                found.append((str(entry.data["id"]), status, {"evidence": {"now": now[resource]}}))
        if found:
            self._journal.outcomes(found)
        return bool(found)

    def close(self, resource: str, now: t.Any) -> None:
        """Close the matter of a resource, if it was ours."""
        past = self.past().get(resource, NOTHING)
        if past.changes:
            self._journal.append(RESTORE, restore_record(resource, past, now, decide(past, now)))

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

    def copied(self, kind: str) -> t.List[t.Mapping[str, t.Any]]:
        """The data of every entry of a kind."""
        return [entry.data for entry in self._journal.entries if entry.kind == kind]


def same(one: t.Any, two: t.Any) -> bool:
    """Whether two states are one, by their JSON, as the journal keeps them."""
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
