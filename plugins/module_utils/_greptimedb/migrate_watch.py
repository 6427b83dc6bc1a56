# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Look at all regions in flight with a fixed number of queries, and turn what is seen into decisions."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.ask_datanodes import ask_datanodes

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import MoveRecorder
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_settings import Settings
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Placement, Procedure

# Single procedures asked for by id in one tick. Only moves that look wrong are asked for, so this is a safety bound.
ASKS_PER_TICK = 4
# A procedure asked for by id is not asked for again sooner than this many seconds.
ASK_PAUSE = 1.0


class Watcher:
    """Sees where regions are and what the server does with them."""

    def __init__(self, client: GreptimeClient, clock: Clock, settings: Settings, recorder: MoveRecorder) -> None:
        self._client = client
        self._clock = clock
        self._recorder = recorder
        self._rules = ms.Rules(
            settle_time=settings.settle_time,
            move_timeout=settings.move_timeout,
            asks_state=client.dialect.state_form is not None,
        )
        self._proofs: t.Dict[int, t.Dict[str, t.Any]] = {}

    def look(self, flying: t.Sequence[ms.Track]) -> t.List[t.Tuple[ms.Track, ms.Decision]]:
        """Return one decision for each move in flight. At most three queries, and ``ASKS_PER_TICK`` single ones."""
        if not flying:
            return []
        # Procedures first, placement after: a procedure that is gone in the first has finished before the second.
        active = self._active()
        now = self._clock.now().timestamp()
        placements = self._client.placements([track.region_id for track in flying])
        sightings = {}
        wanted = []
        for track in flying:
            seen = self._sighting(track, active, placements.get(track.region_id))
            self._note_window(track, seen, now)
            sightings[track.region_id] = seen
            if ms.decide(track, seen, now, self._rules).kind == "ask":
                wanted.append(track)
        self._ask(wanted, now)
        return self._prove(
            [(track, ms.decide(track, sightings[track.region_id], now, self._rules)) for track in flying], placements
        )

    def _active(self) -> t.Optional[t.Dict[int, Procedure]]:
        procedures = self._client.procedures(active_only=True)
        if procedures is None:
            return None
        return {region_id: procedure for procedure in procedures for region_id in procedure.region_ids}

    def _sighting(
        self, track: ms.Track, active: t.Optional[t.Mapping[int, Procedure]], region: t.Optional[Placement]
    ) -> ms.Sighting:
        procedure = active.get(track.region_id) if active is not None else None
        if procedure is not None:
            track.active_at = self._clock.now().timestamp()
            if track.procedure_id is None and track.intent_id is not None:
                track.procedure_id, track.reply_lost = procedure.procedure_id, False
                self._recorder.accepted(track.intent_id, procedure.procedure_id, attached=True)
        return ms.Sighting(
            leader_peer=region.leader_peer if region is not None else None,
            leader_status=region.leader_status if region is not None else "",
            present=region is not None,
            active=None if active is None else (procedure.status if procedure is not None else ""),
            active_id=procedure.procedure_id if procedure is not None else None,
            queued=procedure is not None and procedure.start is None,
        )

    @staticmethod
    def _note_window(track: ms.Track, seen: ms.Sighting, now: float) -> None:
        """Bracket the time in which the route said that writes are refused."""
        if seen.leader_status.upper() in ms.DEGRADED_WORDS:
            track.degraded_first = track.degraded_first or now
            track.degraded_last = now
            # A degraded route is work in progress where there is no procedure list to prove it.
            if seen.active is None and not (track.asked and track.asked[0] in ms.TERMINAL_WORDS):
                track.active_at = now
        elif track.degraded_first is None:
            track.serving_before = now

    def _ask(self, wanted: t.Sequence[ms.Track], now: float) -> None:
        """Ask for single procedures, those first that were not asked for the longest time."""
        askable = [track for track in wanted if track.procedure_id and now - track.asked_at >= ASK_PAUSE]
        for track in sorted(askable, key=lambda one: (one.asked_at, one.region_id))[:ASKS_PER_TICK]:
            track.asked_at = now
            try:
                track.asked = self._client.state(str(track.procedure_id))
            except MigrationError as error:
                if error.code != "greptimedb.pid_unknown":
                    raise
                track.asked = ("not_found", error.server_text or "")
            if track.asked[0] not in ms.TERMINAL_WORDS | {"not_found"}:
                track.active_at = now

    def _prove(
        self, decisions: t.Sequence[t.Tuple[ms.Track, ms.Decision]], placements: t.Mapping[int, Placement]
    ) -> t.List[t.Tuple[ms.Track, ms.Decision]]:
        """Where datanodes can be asked (region_info), arrival counts only when the target itself says writable.

        Where a dead one keeps the others from being asked, the target's heartbeat has to do.
        """
        arrived = [track for track, decision in decisions if decision.kind == "done"]
        if not arrived:
            return list(decisions)
        answer = ask_datanodes(self._client, [track.region_id for track in arrived])
        infos = None
        if answer.infos is not None:
            infos = {info.region_id: info for info in answer.infos if info.writable}
        unproven: t.Dict[int, ms.Decision] = {}
        now = self._clock.now().timestamp()
        for track in arrived:
            region = placements[track.region_id]
            proof: t.Dict[str, t.Any] = {"leader_peer": region.leader_peer, "leader_status": region.leader_status}
            if answer.failure is not None or (answer.alive is not None and track.to_peer not in answer.alive):
                unproven[track.region_id] = self._unproven(track, now, answer.failure)
                continue
            if answer.why:
                proof["note"] = answer.why
            if infos is not None:
                info = infos.get(track.region_id)
                if info is None or info.node_id != track.to_peer:
                    unproven[track.region_id] = self._unproven(track, now)
                    continue
                proof.update(writable=True, node_id=info.node_id)
            self._proofs[track.region_id] = proof
        return [(track, unproven.get(track.region_id, decision)) for track, decision in decisions]

    def _unproven(self, track: ms.Track, now: float, failure: t.Optional[MigrationError] = None) -> ms.Decision:
        if now - (track.intent_at or now) <= self._rules.move_timeout:
            return ms.Decision("keep", reason="greptimedb.wait.proving_writable")
        return ms.Decision(
            "fail",
            code="greptimedb.not_writable",
            message=f"the route leads region {track.region_id} to datanode {track.to_peer}, but that datanode does not"
            f" report it as writable after {self._rules.move_timeout:.0f} s",
            server_text=(failure.server_text if failure is not None else None) or "",
        )

    def evidence(self, track: ms.Track) -> t.Dict[str, t.Any]:
        """Return what proved the arrival of ``track``."""
        return self._proofs.pop(track.region_id, {})

    @staticmethod
    def measured(track: ms.Track, now: float) -> t.Dict[str, float]:
        """Return durations in seconds, as seen from outside: the refused span lies between the two bounds."""
        measured: t.Dict[str, float] = {}
        if track.intent_at is not None:
            measured["duration_seconds"] = round(now - track.intent_at, 3)
        if track.degraded_first is not None and track.degraded_last is not None:
            measured["refused_seconds_at_least"] = round(track.degraded_last - track.degraded_first, 3)
            measured["refused_seconds_at_most"] = round(now - (track.serving_before or track.intent_at or now), 3)
        elif track.serving_before is not None:
            measured["refused_seconds_at_least"] = 0.0
            measured["refused_seconds_at_most"] = round(now - track.serving_before, 3)
        return measured
