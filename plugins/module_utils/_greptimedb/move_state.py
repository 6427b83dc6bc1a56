# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What is known of one region move, and what to conclude from one look at the server.

Everything here is pure: ``decide`` gets a move's track record, one sighting and the time, and returns a decision.
Two rules come from the server's own behaviour and are never bent:

* ``Done`` is not believed. The first step of the procedure ends in ``Done`` when the leader is no longer the source
  (facts: "Done without a move"), so success is the placement alone.
* A missing procedure proves nothing at first. Its id is handed out before it exists, and a new metasrv leader needs a
  moment to load what was running, so absence counts only after the settle time.
"""

from __future__ import annotations

import dataclasses
import typing as t

# States of a move. "unresolved" is what the deadline makes of a move whose end was not seen: it is not a failure.
WAITING = "waiting"
SUBMITTED = "submitted"
DONE = "done"
UNCHANGED = "unchanged"
FAILED = "failed"
UNRESOLVED = "unresolved"
# An earlier run's move that has ended without moving anything, found by a run that starts nothing new.
ABANDONED = "abandoned"

STATES = (WAITING, SUBMITTED, DONE, UNCHANGED, FAILED, UNRESOLVED, ABANDONED)

DEGRADED_WORDS = frozenset({"DOWNGRADED", "DOWNGRADING"})

# Status words of a procedure after which nothing more happens.
FAILED_WORDS = frozenset({"Failed", "Poisoned"})
TERMINAL_WORDS = FAILED_WORDS | {"Done"}

# A procedure that was never seen is not asked for by its id sooner than this many seconds after the submission: the id
# is handed out before the procedure exists, and nearly all show in the list by the next look, which costs nothing more.
ASK_AFTER = 1.0

# Reasons a move (or the whole run) can wait for. The registry of the follow loop: nothing else may be given as reason.
WAIT_REASONS = frozenset(
    {
        "greptimedb.wait.limit",
        "greptimedb.wait.retry_delay",
        "greptimedb.wait.registering",
        "greptimedb.wait.reply_lost",
        "greptimedb.wait.table_lock",
        "greptimedb.wait.preparing_target",
        "greptimedb.wait.writes_refused",
        "greptimedb.wait.server_retrying",
        "greptimedb.wait.rolling_back",
        "greptimedb.wait.closing_source",
        "greptimedb.wait.procedure_vanished",
        "greptimedb.wait.proving_writable",
        "greptimedb.wait.cluster_unreachable",
        "greptimedb.wait.draining_after_failure",
    }
)


@dataclasses.dataclass
class Track:
    """The record of one move. Times are seconds since the epoch on the controller's clock, None when not seen."""

    region_id: int
    from_peer: int
    to_peer: int
    table: str
    table_id: int
    state: str = WAITING
    attempts: int = 0
    intent_id: t.Optional[str] = None
    intent_at: t.Optional[float] = None
    procedure_id: t.Optional[str] = None
    reply_lost: bool = False
    attached: bool = False
    active_at: t.Optional[float] = None
    patient_from: float = 0.0
    asked: t.Optional[t.Tuple[str, str]] = None
    asked_at: float = 0.0
    not_before: float = 0.0
    degraded_first: t.Optional[float] = None
    degraded_last: t.Optional[float] = None
    serving_before: t.Optional[float] = None
    finished_at: t.Optional[float] = None
    code: str = ""
    message: str = ""
    server_text: str = ""
    wait_reason: str = ""
    wait_since: float = 0.0

    @property
    def label(self) -> str:
        """How people are told of it; bare moves come without a table name."""
        return f"region {self.region_id}" + (f" of {self.table}" if self.table else "")

    @property
    def silent_since(self) -> float:
        """Since when there is no positive evidence that the server works on this move.

        A run that finds a move in flight starts with fresh patience: it has not seen what went before.
        """
        return max(self.intent_at or 0.0, self.active_at or 0.0, self.patient_from)

    def give_up(self, decision: Decision, now: float, abandoned: bool) -> str:
        """End the move without success, or as ``abandoned`` where nothing is started; returns how people are told."""
        self.state, self.finished_at, self.wait_reason = ABANDONED if abandoned else FAILED, now, ""
        self.code, self.message, self.server_text = decision.code, decision.message, decision.server_text
        return f"{self.label} {'has not moved' if abandoned else 'FAILED'}, {decision.code}: {decision.message}"

    def forget_attempt(self) -> None:
        """Make the move ready for another submission; what was learnt of the old procedure no longer counts."""
        self.state = WAITING
        self.intent_id = None
        self.procedure_id = None
        self.reply_lost = False
        self.attached = False
        self.active_at = None
        self.patient_from = 0.0
        self.asked = None
        self.degraded_first = None
        self.degraded_last = None
        self.serving_before = None


@dataclasses.dataclass(frozen=True)
class Sighting:
    """One look at one region.

    ``active`` is the status word of the unfinished procedure that holds the region's lock, "" when there is none and
    None when the server cannot tell (before 0.9.4). ``queued`` says that this procedure has not started yet.
    """

    leader_peer: t.Optional[int]
    leader_status: str
    present: bool
    active: t.Optional[str]
    active_id: t.Optional[str] = None
    queued: bool = False


@dataclasses.dataclass(frozen=True)
class Rules:
    """What decides how long absence of evidence is borne; all in seconds."""

    settle_time: float
    move_timeout: float
    asks_state: bool


@dataclasses.dataclass(frozen=True)
class Decision:
    """``kind``: keep, done, ask, retry or fail. ``reason`` names the wait of a keep, ``code`` the error of a fail."""

    kind: str
    reason: str = ""
    code: str = ""
    message: str = ""
    server_text: str = ""


def _keep(reason: str) -> Decision:
    return Decision("keep", reason=reason)


def _ended(track: Track, kind: str, code: str, message: str) -> Decision:
    text = track.asked[1] if track.asked else ""
    return Decision(kind, code=code, message=message, server_text=text)


def decide(track: Track, seen: Sighting, now: float, rules: Rules) -> Decision:
    """Return what follows for a submitted move from one sighting at time ``now``."""
    degraded = seen.leader_status.upper() in DEGRADED_WORDS
    if seen.active:
        return _keep(_reason_while_active(track, seen, degraded))
    if seen.present and seen.leader_peer == track.to_peer and not degraded:
        return Decision("done")
    silent_for = now - track.silent_since
    # Before 0.9.4 nothing shows a procedure that has not reached the downgrade yet, so a lost reply is given three
    # times the patience before the request counts as never applied.
    blind = track.reply_lost and seen.active is None
    settled = silent_for >= rules.settle_time * (3 if blind else 1)
    if now - (track.intent_at or now) > rules.move_timeout and settled:
        return _ended(
            track,
            "fail",
            "greptimedb.move_timeout",
            f"region {track.region_id} has not arrived on datanode {track.to_peer} after {rules.move_timeout:.0f} s",
        )
    if not seen.present:
        if not settled:
            return _keep("greptimedb.wait.procedure_vanished")
        return _ended(track, "fail", "greptimedb.region_missing", f"region {track.region_id} is no longer in any route")
    if not degraded and seen.leader_peer not in (track.from_peer, track.to_peer, None):
        return _ended(
            track,
            "fail",
            "greptimedb.leader_moved",
            f"region {track.region_id} is led by datanode {seen.leader_peer}, which is neither the source"
            f" {track.from_peer} nor the target {track.to_peer} of this move: somebody else has moved it",
        )
    if degraded or seen.leader_peer is None:
        return _while_degraded(track, seen, settled)
    return _still_on_source(track, seen, silent_for, settled, rules)


def _reason_while_active(track: Track, seen: Sighting, degraded: bool) -> str:
    if seen.active == "Retrying":
        return "greptimedb.wait.server_retrying"
    if seen.active in ("PrepareRollback", "RollingBack"):
        return "greptimedb.wait.rolling_back"
    if seen.queued:
        return "greptimedb.wait.table_lock"
    if degraded:
        return "greptimedb.wait.writes_refused"
    if seen.leader_peer == track.to_peer:
        return "greptimedb.wait.closing_source"
    return "greptimedb.wait.preparing_target"


def _while_degraded(track: Track, seen: Sighting, settled: bool) -> Decision:
    if seen.active is None and not (track.asked and track.asked[0] in TERMINAL_WORDS | {"not_found"}):
        # Without procedure_info the degraded route itself is the evidence that the procedure is at work.
        return (
            Decision("ask", reason="greptimedb.wait.writes_refused")
            if settled
            else _keep("greptimedb.wait.writes_refused")
        )
    if not settled:
        return _keep("greptimedb.wait.procedure_vanished")
    return _ended(
        track,
        "retry",
        "greptimedb.route_stuck",
        f"region {track.region_id} is left degraded on datanode {seen.leader_peer} with no procedure at work: its"
        " writes are refused until it is migrated again",
    )


def _still_on_source(track: Track, seen: Sighting, silent_for: float, settled: bool, rules: Rules) -> Decision:
    word = track.asked[0] if track.asked else ""
    if word in FAILED_WORDS:
        return _ended(
            track,
            "retry" if word == "Failed" else "fail",
            "greptimedb.procedure_failed" if word == "Failed" else "greptimedb.procedure_poisoned",
            f"the server gave up the move of region {track.region_id}; datanode {track.from_peer} still serves it",
        )
    waiting = "greptimedb.wait.reply_lost" if track.reply_lost else "greptimedb.wait.registering"
    if track.active_at is not None:
        waiting = "greptimedb.wait.procedure_vanished"
    if seen.active is None and word in ("Running", "Retrying"):
        return Decision("ask", reason="greptimedb.wait.preparing_target")
    if track.procedure_id and rules.asks_state and word not in ("Done", "not_found"):
        if track.active_at is None and silent_for < min(ASK_AFTER, rules.settle_time / 2):
            return _keep(waiting)
        return Decision("ask", reason=waiting)
    if not settled:
        # "not found" may still turn into a procedure (it is registered after its id was handed out).
        return Decision("ask", reason=waiting) if word == "not_found" and rules.asks_state else _keep(waiting)
    if word == "Done":
        return _ended(
            track,
            "retry",
            "greptimedb.done_without_move",
            f"the server says Done for region {track.region_id}, but it is still served by datanode {track.from_peer}",
        )
    if seen.active is None and not rules.asks_state and not track.reply_lost:
        # The HTTP generation has no procedure state at all: only the move's own time limit ends this.
        return _keep("greptimedb.wait.preparing_target")
    if track.reply_lost:
        code, what = "greptimedb.not_applied", "the request of which the reply was lost has not reached the server"
    elif track.active_at is None:
        code, what = (
            "greptimedb.never_registered",
            "the server handed out a procedure id but never started the procedure",
        )
    else:
        code, what = "greptimedb.procedure_forgotten", "the server no longer knows the procedure"
    return _ended(
        track,
        "retry",
        code,
        f"region {track.region_id} is still served by datanode {track.from_peer}: {what}",
    )
