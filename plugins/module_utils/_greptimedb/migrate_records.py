# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Region moves in the journal: what is written for them, and how a later run reads its own past.

Entries of one move, in this order (each may be the last one that was written before the process died):

    change.intent    the flush, where we flush          context.purpose = flush
    change.outcome   of the flush
    change.intent    the migration                      context = {purpose: move, from_peer, to_peer, table, table_id}
    change.accepted  {id, procedure_id, attached}       the server answered with a procedure id
    change.outcome   {id, status, code, evidence, measured}
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal

RESOURCE_PREFIX = "greptimedb.region/"


@dataclasses.dataclass(frozen=True)
class PastMove:
    """The newest submission that the journal has of one region. ``status`` is "" while no outcome was written.

    ``attempts_in_run`` is 0 for a submission of an earlier run than the present one.
    """

    region_id: int
    from_peer: int
    to_peer: int
    table: str
    table_id: int
    intent_id: str
    intent_at: float
    procedure_id: t.Optional[str]
    accepted: bool
    attempts_in_run: int
    status: str
    ended_in_run: bool = False
    finished_at: t.Optional[float] = None
    failure: t.Optional[t.Mapping[str, str]] = None


@dataclasses.dataclass(frozen=True)
class Past:
    """``moves``: region id -> newest submission. ``origins``: region id -> leader before our first finished move.

    ``open_flushes``: intents of flushes without outcome; a flush is harmless and is simply done again.
    ``run_started``: when the run of the given id began, seconds since the epoch, None if the journal has no such run.
    ``run_finished``: when moves of that run ended well, in the same unit.
    """

    moves: t.Mapping[int, PastMove]
    origins: t.Mapping[int, int]
    open_flushes: t.Sequence[str]
    run_started: t.Optional[float]
    run_finished: t.Sequence[float]

    @property
    def unfinished(self) -> t.List[PastMove]:
        """Submissions without an outcome: the process died, or the deadline passed, before their end was seen."""
        return [move for move in self.moves.values() if move.status == ""]


def region_resource(region_id: int) -> str:
    """Return the name under which a region stands in changes and in the journal."""
    return f"{RESOURCE_PREFIX}{region_id}"


def flush_change(region_id: int, request: str) -> Change:
    """Return the change that a flush of one region is. It alters no setting, so before and after are the same words."""
    return Change(
        resource=region_resource(region_id),
        action="flush",
        before={"memtable": "any"},
        after={"memtable": "flushed"},
        request=request,
    )


def move_change(region_id: int, from_peer: int, to_peer: int, request: str) -> Change:
    """Return the change that one region migration is."""
    return Change(
        resource=region_resource(region_id),
        action="migrate",
        before={"leader_peer": from_peer},
        after={"leader_peer": to_peer},
        request=request,
    )


def read_past(entries: t.Iterable[t.Any], run_id: str = "") -> Past:
    """Fold journal entries (objects with ``kind``, ``at`` and ``data``) into what is known of earlier region moves.

    A failure counts as ``failure`` of its region only within the run ``run_id``: a new run tries again.
    """
    fold = _Fold(run_id)
    for entry in entries:
        fold.take(entry.kind, entry.at, entry.data)
    return Past(
        moves=fold.moves,
        origins=fold.origins,
        open_flushes=list(fold.flushes),
        run_started=fold.run_started,
        run_finished=fold.run_finished,
    )


class _Fold:
    """The state of ``read_past`` between two entries."""

    def __init__(self, run_id: str) -> None:
        self.moves: t.Dict[int, PastMove] = {}
        self.origins: t.Dict[int, int] = {}
        self.flushes: t.Dict[str, None] = {}
        self.run_started: t.Optional[float] = None
        self.run_finished: t.List[float] = []
        self._run_id = run_id
        self._by_intent: t.Dict[str, int] = {}

    def take(self, kind: str, at: str, data: t.Mapping[str, t.Any]) -> None:
        if kind == "change.intent" and str(data.get("resource", "")).startswith(RESOURCE_PREFIX):
            self._intent(at, data)
        elif kind == "change.accepted":
            past = self._past(data)
            if past is not None:
                self.moves[past.region_id] = dataclasses.replace(
                    past, procedure_id=data.get("procedure_id") or past.procedure_id, accepted=True
                )
        elif kind == "change.outcome":
            self._outcome(at, data)
        elif kind == "run.started" and self._run_id and data.get("run_id") == self._run_id:
            self.run_started = parse_iso(at).timestamp()

    def _past(self, data: t.Mapping[str, t.Any]) -> t.Optional[PastMove]:
        region_id = self._by_intent.get(str(data.get("id")))
        if region_id is None or self.moves[region_id].intent_id != str(data.get("id")):
            return None
        return self.moves[region_id]

    def _intent(self, at: str, data: t.Mapping[str, t.Any]) -> None:
        region_id = int(str(data["resource"])[len(RESOURCE_PREFIX) :])
        intent_id = str(data["id"])
        if data.get("action") == "flush":
            self.flushes[intent_id] = None
        elif data.get("action") == "migrate":
            context = data.get("context") or {}
            earlier = self.moves.get(region_id)
            in_run = self.run_started is not None
            self._by_intent[intent_id] = region_id
            self.moves[region_id] = PastMove(
                region_id=region_id,
                from_peer=int(data["before"]["leader_peer"]),
                to_peer=int(data["after"]["leader_peer"]),
                table=str(context.get("table", "")),
                table_id=int(context.get("table_id", region_id >> 32)),
                intent_id=intent_id,
                intent_at=parse_iso(at).timestamp(),
                procedure_id=None,
                accepted=False,
                attempts_in_run=(1 + (earlier.attempts_in_run if earlier else 0)) if in_run else 0,
                status="",
            )

    def _outcome(self, at: str, data: t.Mapping[str, t.Any]) -> None:
        self.flushes.pop(str(data.get("id")), None)
        past = self._past(data)
        if past is None:
            return
        failure = None
        if data.get("status") == "failed" and data.get("final") and self.run_started is not None:
            failure = {key: str(data.get(key) or "") for key in ("code", "msg", "server_text")}
        self.moves[past.region_id] = dataclasses.replace(
            past,
            status=str(data.get("status")),
            ended_in_run=self.run_started is not None,
            finished_at=parse_iso(at).timestamp(),
            failure=failure,
            # What was not sent was no attempt.
            attempts_in_run=past.attempts_in_run - (data.get("status") == "skipped" and past.attempts_in_run > 0),
        )
        if data.get("status") == "done":
            self.origins.setdefault(past.region_id, past.from_peer)
            if self.run_started is not None:
                self.run_finished.append(parse_iso(at).timestamp())


def sent_changes(entries: t.Iterable[t.Any], run_id: str) -> t.List[t.Dict[str, t.Any]]:
    """Return the changes whose calls were sent since the run ``run_id`` began, as arguments of ``Change``, in order."""
    fields = ("resource", "action", "before", "after", "request")
    sent: t.Dict[str, t.Dict[str, t.Any]] = {}
    inside = False
    for entry in entries:
        if entry.kind == "run.started":
            inside = entry.data.get("run_id") == run_id
        elif inside and entry.kind == "change.intent":
            sent[str(entry.data["id"])] = {name: entry.data[name] for name in fields}
        elif inside and entry.kind == "change.outcome" and entry.data.get("status") == "skipped":
            sent.pop(str(entry.data.get("id")), None)
    return list(sent.values())


def settle_past(
    past: Past,
    followed: t.Collection[int],
    placements: t.Mapping[int, t.Any],
    procedures: t.Optional[t.Sequence[t.Any]],
    clock: t.Any,
    recorder: MoveRecorder,
    settle_time: float,
) -> None:
    """Close what earlier runs left open and this run does not follow: arrived is done, provably idle is abandoned.

    A region in no route has nothing left that could move, on servers that list no procedures too.
    """
    for intent_id in past.open_flushes:
        recorder.outcome(intent_id, "abandoned", evidence={"reason": "the run ended before the flush was answered"})
    busy = {region for procedure in procedures or [] for region in procedure.region_ids}
    now = clock.now().timestamp()
    for move in past.unfinished:
        if move.region_id in followed:
            continue
        region = placements.get(move.region_id)
        idle = move.region_id not in busy and now - move.intent_at > settle_time
        if region is None:
            if idle:
                recorder.outcome(move.intent_id, "abandoned", evidence={"reason": "the region is in no table's route"})
        elif region.leader_peer == move.to_peer and not region.degraded:
            recorder.outcome(move.intent_id, "done", evidence={"leader_peer": region.leader_peer, "found": "later run"})
        elif procedures is not None and idle:
            recorder.outcome(move.intent_id, "abandoned", evidence={"leader_peer": region.leader_peer})
    recorder.flush()


class MoveRecorder:
    """Collects journal entries of one tick and writes them with one append.

    Intents are the exception: ``intend`` is on disk before it returns, because the call follows at once.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: t.List[t.Tuple[str, t.Dict[str, t.Any]]] = []

    @property
    def entries(self) -> t.Sequence[t.Any]:
        """What the journal holds."""
        return self._journal.entries

    def intend(self, changes: t.Sequence[t.Tuple[Change, t.Mapping[str, t.Any]]]) -> t.List[str]:
        """Write the intents of several changes with their contexts, after all that waits, and return their ids."""
        self.flush()
        return self._journal.intents(
            [change for change, _context in changes], [dict(context) for _change, context in changes]
        )

    def accepted(self, intent_id: str, procedure_id: t.Optional[str], attached: bool) -> None:
        self._waiting.append(("change.accepted", {"id": intent_id, "procedure_id": procedure_id, "attached": attached}))

    def outcome(self, intent_id: str, status: str, **data: t.Any) -> None:
        self._waiting.append(("change.outcome", {"id": intent_id, "status": status, **data}))

    def add(self, kind: str, data: t.Dict[str, t.Any]) -> None:
        self._waiting.append((kind, data))

    def flush(self) -> None:
        """Write what was collected: one append, one fsync."""
        if self._waiting:
            self._journal.append_many(self._waiting)
            self._waiting = []
