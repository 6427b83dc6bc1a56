# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Start region moves: intent on disk, flush where the server does not, submit, take down the answer."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import (
    flush_change,
    move_change,
)

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import MoveRecorder
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_settings import Settings


def flushes_first(client: GreptimeClient, settings: Settings) -> bool:
    """Whether a flush is sent before each move: by the option, or (auto) where the server does not do it itself."""
    if not client.dialect.can_flush_region:
        return False
    if settings.flush_before == "auto":
        return not client.dialect.server_preflushes
    return settings.flush_before == "always"


def planned_changes(client: GreptimeClient, settings: Settings, track: ms.Track) -> t.List[Change]:
    """Return the changes one move consists of, with the exact requests: check mode and the real run both use this."""
    changes = []
    if flushes_first(client, settings):
        changes.append(flush_change(track.region_id, client.flush_request(track.region_id)))
    changes.append(
        move_change(
            track.region_id,
            track.from_peer,
            track.to_peer,
            client.submit_request(track.region_id, track.from_peer, track.to_peer, settings.server_timeout),
        )
    )
    return changes


class Launcher:
    """Submits moves one after another on the calling thread: the order of the calls is the order of the plan."""

    # The server said no before doing anything, and would say the same to every other move.
    FATAL_ERRORS = frozenset(
        {
            "greptimedb.permission",
            "greptimedb.auth_failed",
            "greptimedb.wrong_dialect",
            "greptimedb.bad_args",
            "greptimedb.standalone",
        }
    )
    # Nobody who could decide was reached, so nothing was applied. It says nothing of the move, and goes for all others.
    UNREACHED_ERRORS = frozenset({"greptimedb.not_leader", "greptimedb.unreachable", "greptimedb.unavailable"})
    # The server said no for a reason that may pass; nothing was applied.
    PASSING_ERRORS = UNREACHED_ERRORS | {"greptimedb.peer_down"}

    def __init__(self, client: GreptimeClient, clock: Clock, settings: Settings, recorder: MoveRecorder) -> None:
        self._client = client
        self._clock = clock
        self._settings = settings
        self._recorder = recorder

    def launch(self, batch: t.Sequence[ms.Track]) -> t.List[t.Tuple[ms.Track, t.Optional[MigrationError]]]:
        """Start the moves of ``batch`` in order; return each with the error that refused it, or None.

        When nobody can be reached, the rest is not tried and gets the same error. The caller writes the outcome of a
        refused move, because only it knows whether the move is tried again.
        """
        todo: t.List[t.Tuple[ms.Track, Change]] = [
            (track, change) for track in batch for change in planned_changes(self._client, self._settings, track)
        ]
        context = [
            {
                "purpose": "flush" if change.action == "flush" else "move",
                "from_peer": track.from_peer,
                "to_peer": track.to_peer,
                "table": track.table,
                "table_id": track.table_id,
            }
            for track, change in todo
        ]
        intents = self._recorder.intend([(change, extra) for (_track, change), extra in zip(todo, context)])
        results: t.List[t.Tuple[ms.Track, t.Optional[MigrationError]]] = []
        stopped: t.Optional[MigrationError] = None
        for (track, change), intent_id in zip(todo, intents):
            if stopped is not None:
                self._recorder.outcome(intent_id, "skipped", code=stopped.code)
                if stopped.code in self.UNREACHED_ERRORS and change.action != "flush":
                    results.append((track, stopped))
            elif change.action == "flush":
                self._flush(track, intent_id)
            else:
                error = self._submit(track, intent_id)
                results.append((track, error))
                if error is not None and error.code in self.FATAL_ERRORS | self.UNREACHED_ERRORS:
                    stopped = error
        return results

    def _flush(self, track: ms.Track, intent_id: str) -> None:
        """Flush the region on its source. A flush that fails only makes the write window longer: it stops nothing."""
        try:
            self._client.flush_region(track.region_id)
        except MigrationError as error:
            self._recorder.outcome(intent_id, "failed", code=error.code, server_text=error.server_text or "")
        else:
            self._recorder.outcome(intent_id, "done")

    def _submit(self, track: ms.Track, intent_id: str) -> t.Optional[MigrationError]:
        now = self._clock.now().timestamp()
        track.attempts += 1
        track.intent_id, track.intent_at = intent_id, now
        try:
            procedure_id = self._client.submit(
                track.region_id, track.from_peer, track.to_peer, self._settings.server_timeout
            )
        except MigrationError as error:
            return self._not_accepted(track, intent_id, error)
        track.state, track.procedure_id = ms.SUBMITTED, procedure_id
        self._recorder.accepted(intent_id, procedure_id, attached=False)
        return None

    def _not_accepted(self, track: ms.Track, intent_id: str, error: MigrationError) -> t.Optional[MigrationError]:
        if error.code == "greptimedb.ambiguous":
            # Applied or not: the next looks tell. The intent stays open meanwhile.
            track.state, track.reply_lost = ms.SUBMITTED, True
            return None
        if error.code == "greptimedb.in_flight":
            # Nothing held the region's lock a moment ago, and frontends send a request again whose answer they lost:
            # most likely this is our own. Placement decides; a foreign move ends in "leader_moved".
            track.state, track.reply_lost, track.attached = ms.SUBMITTED, True, True
            self._recorder.accepted(intent_id, None, attached=True)
            return None
        if error.code == "greptimedb.already_done":
            track.state = ms.SUBMITTED
            self._recorder.accepted(intent_id, None, attached=False)
            return None
        return error
