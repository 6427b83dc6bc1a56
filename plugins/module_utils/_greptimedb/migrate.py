# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Carry a list of region moves out: start what the limits allow, look, conclude, write down, again.

The state lives on the server and in the journal, never in this process: a run that was killed is continued by the next
one, which reads both. One tick costs a fixed number of queries however many moves are in flight.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.control import CONTROL
from ansible_collections.dbops.migration.plugins.module_utils._core.control_waits import ABORTING, WINDOW_CLOSED
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import SIGN_OF_LIFE
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import Schedule
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import PASSING
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_launch import Launcher
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_watch import Watcher

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
    from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_control import RunControl
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import MoveRecorder
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_settings import Settings

# The most moves whose intents are written, and which are then started, before the next look: enough to fill every slot
# within a few ticks, few enough that a finished move is seen soon.
LAUNCHES_PER_TICK = 16


class RegionMigration:
    """One run (or one step of one run) over ``tracks``, in plan order.

    ``tracks`` come from ``migrate_start.begin``. After ``run``, each is in a final state, or still ``submitted`` or
    ``waiting`` when ``finished`` is False.
    """

    def __init__(
        self,
        *,
        client: GreptimeClient,
        clock: Clock,
        settings: Settings,
        recorder: MoveRecorder,
        tracks: t.Sequence[ms.Track],
        schedule: Schedule,
        deadline: Deadline,
        control: RunControl,
        since: t.Optional[t.Mapping[str, str]] = None,
    ) -> None:
        """``since``: by reason, since when the step before waited."""
        self.tracks = {track.region_id: track for track in tracks}
        self.events: t.List[str] = []
        self.finished = False
        self.expired = False
        self.fatal: t.Optional[MigrationError] = None
        self.run_wait: t.Optional[str] = None
        self.since: t.Dict[str, str] = dict(since or {})
        """By reason, since when the whole run waits for it."""
        self._clock = clock
        self._settings = settings
        self._recorder = recorder
        self._schedule = schedule
        self._deadline = deadline
        self._control = control
        self._limits = control.limits
        self._launcher = Launcher(client, clock, settings, recorder)
        self._watcher = Watcher(client, clock, settings, recorder)
        self._delayed: t.Dict[int, ms.Track] = {}
        self._reached = True
        self._too_late = self._news = False
        self._try_again_at = 0.0

    @property
    def stopping(self) -> bool:
        """True when no new move may start any more: too many failed, a failure that every further move would share, or
        somebody said abort."""
        failed = sum(1 for track in self.tracks.values() if track.state == ms.FAILED)
        return self.aborted or self.fatal is not None or failed > self._settings.max_failures

    @property
    def aborted(self) -> bool:
        """Whether somebody said abort."""
        return self._control.aborted

    def in_flight(self) -> t.List[ms.Track]:
        return [track for track in self.tracks.values() if track.state == ms.SUBMITTED]

    def waiting(self) -> t.List[ms.Track]:
        return [track for track in self.tracks.values() if track.state == ms.WAITING]

    def run(self, live: t.Optional[t.Callable[[], None]] = None) -> None:
        """Tick until everything is final, the step's time is over, or the deadline has passed.

        ``live``: tells how far it is, and is called now and then in a step that lasts long.
        """
        begun = told = self._clock.monotonic()
        step_end = None if self._settings.step_time is None else begun + self._settings.step_time
        while True:
            started = self._clock.monotonic()
            self._tick()
            self._note_wait()
            if self.finished or self.expired:
                return
            if step_end is not None and (self._news or self._clock.monotonic() >= step_end):
                return
            if live and started - told >= SIGN_OF_LIFE and (step_end is None or step_end - started > SIGN_OF_LIFE):
                told = started
                live()
            spent = self._clock.monotonic() - started
            # A slow server is asked less often: never more than a quarter of the time is spent asking.
            self._deadline.sleep(max(self._settings.poll_interval - spent, spent * 3 if spent > 1 else 0.01))

    def _note_wait(self) -> None:
        """Keep since when the run waits for what it waits for; the turns of single moves come and go within that."""
        reasons = ("greptimedb.wait.limit", self.run_wait)
        self.since = {reason: at for reason, at in self.since.items() if reason in reasons}
        if self.run_wait is not None:
            self.since.setdefault(self.run_wait, iso(self._clock.now()))

    def _tick(self) -> None:
        now = self._clock.now().timestamp()
        if self._deadline.expired:
            self._expire(now)
            return
        self.run_wait = None
        self._obey()
        try:
            self._conclude(self._watcher.look(self.in_flight()))
        except MigrationError as error:
            if error.code not in PASSING:
                self._recorder.flush()
                raise
            self.run_wait = "greptimedb.wait.cluster_unreachable"
        # Right after the look: a slot that it found free is filled before the pause, and before the end of the step.
        hold = self._control.hold if self.waiting() else None
        if not self.stopping and self.run_wait is None and hold is None:
            self._launch(self._clock.now().timestamp())
            hold = WINDOW_CLOSED if self._too_late else None
        self._recorder.flush()
        if not self._reached:
            self.run_wait = "greptimedb.wait.cluster_unreachable"
        flying = bool(self.in_flight())
        if hold == WINDOW_CLOSED and not flying and self.fatal is None:
            waiting = [track.region_id for track in self.waiting()]
            self.fatal = self._control.too_late(waiting, self._deadline.remaining())
        if not flying and (self.stopping or not self.waiting()):
            self.finished = True
        elif self.stopping:
            reason = ABORTING if self.aborted else "greptimedb.wait.draining_after_failure"
            self.run_wait = self.run_wait or reason
        else:
            self.run_wait = self.run_wait or hold

    def _obey(self) -> None:
        """Look what people wish: acknowledge it, and let other limits hold for what is started from now on."""
        for one in self._control.look():
            self._recorder.add(CONTROL, one.as_entry())
            self.events.append(one.line)
            # Who wished it waits for the answer, which is shown when the step ends.
            self._news = True
        if self._control.limits != self._limits:
            self._limits = self._control.limits
            self._schedule = self._schedule.with_limits(self._limits)

    def _launch(self, now: float) -> None:
        self._too_late = False
        if now < self._try_again_at:
            return
        # As long as nobody answers, one move at a time finds out whether that has changed.
        room = LAUNCHES_PER_TICK if self._reached else 1
        held = [track for track in self._delayed.values() if track.not_before <= now]
        batch = self._in_time(held)[:room]
        started = [self.tracks[int(job.id)] for job in self._schedule.start(room - len(batch))]
        self._delayed.update((track.region_id, track) for track in started)
        batch = self._in_time(batch + [track for track in started if track.not_before <= now])
        for track in batch:
            del self._delayed[track.region_id]
        if not batch:
            return
        for track, error in self._launcher.launch(batch):
            if error is None or error.code not in Launcher.UNREACHED_ERRORS:
                self._reached = True
            if error is not None:
                self._refused(track, error)

    def _in_time(self, tracks: t.Iterable[ms.Track]) -> t.List[ms.Track]:
        """Those that end before the window closes, also where each begins only when the one before has ended.

        The others keep their slots: some fit when they are looked at next, and some take longer than what is left.
        """
        left, spent = self._control.left, 0.0
        fit: t.List[ms.Track] = []
        for track in tracks:
            needed = self._control.needed(track.region_id)
            self._too_late = self._too_late or needed > left
            if spent + needed <= left:
                spent += needed
                fit.append(track)
        return fit

    def _refused(self, track: ms.Track, error: MigrationError) -> None:
        if error.code in Launcher.UNREACHED_ERRORS and not self.stopping:
            self._postpone(track, error)
            return
        if error.code in Launcher.FATAL_ERRORS:
            self.fatal = error
        kind = "retry" if error.code in Launcher.PASSING_ERRORS else "fail"
        self._end_attempt(
            track, ms.Decision(kind, code=error.code, message=error.message, server_text=error.server_text or "")
        )

    def _postpone(self, track: ms.Track, error: MigrationError) -> None:
        """Start a move later that could not be submitted: an outage is no failed attempt, and the deadline ends it."""
        if self._reached:
            self.events.append(f"{error.message}; trying again")
        self._reached = False
        if track.intent_id is not None:
            self._recorder.outcome(track.intent_id, "skipped", code=error.code, msg=error.message)
            track.attempts -= 1
        track.forget_attempt()
        now = self._clock.now().timestamp()
        self._try_again_at = track.not_before = now + self._settings.settle_time / 4
        track.wait_reason, track.wait_since = "greptimedb.wait.cluster_unreachable", now
        self._delayed[track.region_id] = track

    def _conclude(self, decisions: t.Iterable[t.Tuple[ms.Track, ms.Decision]]) -> None:
        now = self._clock.now().timestamp()
        for track, decision in decisions:
            if decision.kind == "done":
                self._done(track, now)
                if track.intent_at is not None:
                    self._control.moved(now - track.intent_at)
            elif decision.kind in ("retry", "fail"):
                self._end_attempt(track, decision)
            elif track.wait_reason != decision.reason:
                # "keep", and "ask" where the move's turn to be asked for has not come yet.
                track.wait_reason, track.wait_since = decision.reason, now

    def _done(self, track: ms.Track, now: float) -> None:
        track.state, track.finished_at, track.wait_reason = ms.DONE, now, ""
        measured = self._watcher.measured(track, now)
        if track.intent_id is not None:
            self._recorder.outcome(track.intent_id, "done", evidence=self._watcher.evidence(track), measured=measured)
        self._schedule.finish(str(track.region_id))
        took = f" in {measured['duration_seconds']:.1f} s" if "duration_seconds" in measured else ""
        self.events.append(f"{track.label} moved from datanode {track.from_peer} to {track.to_peer}{took}")

    def _end_attempt(self, track: ms.Track, decision: ms.Decision) -> None:
        only_looking = self._settings.follow_only
        again = decision.kind == "retry" and track.attempts < self._settings.attempts and not self.stopping
        again = again and not only_looking
        if track.intent_id is not None:
            self._recorder.outcome(
                track.intent_id,
                "abandoned" if only_looking else "failed",
                code=decision.code,
                msg=decision.message,
                server_text=decision.server_text,
                final=not again,
            )
        now = self._clock.now().timestamp()
        if again:
            # The move keeps its slot and starts once more after a pause that grows with each attempt.
            self.events.append(f"region {track.region_id}: {decision.message}; trying again")
            track.forget_attempt()
            track.not_before = now + min(30.0, self._settings.settle_time / 4 * track.attempts)
            track.wait_reason, track.wait_since = "greptimedb.wait.retry_delay", now
            self._delayed[track.region_id] = track
            return
        self.events.append(track.give_up(decision, now, only_looking))
        self._schedule.finish(str(track.region_id))

    def _expire(self, now: float) -> None:
        """At the deadline: one last look, so that what has arrived counts; the rest stays with the server."""
        try:
            self._conclude(self._watcher.look(self.in_flight()))
        except MigrationError as error:
            if error.code not in PASSING:
                raise
        self._recorder.flush()
        for track in self.in_flight():
            track.state, track.finished_at = ms.UNRESOLVED, now
        self.expired = True
        self.finished = not self.waiting() and not any(track.state == ms.UNRESOLVED for track in self.tracks.values())
