# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One step of waiting until nothing holds a cutover, or work that goes on for days: people, by the control text, or the
calendar."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.control import (
    Acknowledgement,
    Answer,
    Control,
    usual_answer,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_store
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import CUTOVER, Wish
from ansible_collections.dbops.migration.plugins.module_utils._core.control_waits import (
    ENDS_WHEN,
    REASONS,
    Hold,
    held_by,
    stopped_by,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import (
    enough,
    format_duration,
    parse_duration,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_standing import Standing
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._core.window import parse_windows

LONGEST = 90 * 86400.0
LONGEST_WAIT = 3650 * 86400.0
"""Whoever never wants it to end says so with a large number, as to the modules that follow a copy."""
_PATIENCE = "timeout (the gate_timeout of a role)"
_FIX = "Give a longer window, or what comes less time (needed; for a cutover its budget)"


class GateTask:
    """Holds what one step needs. ``follow`` is what the step before returned; empty at the first."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: t.Dict[str, t.Any] = {"changed": False, "finished": False, "waits": [], "events": []}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result. MigrationError ``control.aborted``, ``cutover.no_window`` or ``deadline.expired``."""
        params = self._params
        self._windows = parse_windows(params.get("cutover_window"), "cutover_window")
        self._needed = parse_duration(params["needed"], "needed", minimum=0, maximum=LONGEST)
        timeout = parse_duration(params["timeout"], "timeout", minimum=1, maximum=LONGEST_WAIT)
        self._poll = parse_duration(params["poll_interval"], "poll_interval", minimum=0.1, maximum=300)
        step = params.get("step_time")
        self._step_time = None if step in (None, "") else parse_duration(step, "step_time", minimum=0)
        if not params["wait"]:
            self._step_time = 0.0
        follow = as_mapping(params.get("follow"), "follow")
        self._require_a_cutover()
        store = control_store(params)
        if params["hold"] and store is None:
            raise InvalidOption(
                "hold", "nobody can say proceed, as neither control nor journal is given", "Give one of both"
            )
        view = self._view()
        self._entries = entries = view.entries if view is not None else ()
        control = Control(store, self._clock, self._answer, entries, follow.get("control"))
        since = {str(key): str(at) for key, at in (follow.get("since") or {}).items()}
        self._deadline = deadline = Deadline(
            self._clock, timeout, f"timeout: the wait before {params['before']}", follow.get("deadline")
        )
        self._told = str(follow.get("reason") or "")
        try:
            self._watch(control, deadline, since)
        except MigrationError:
            try:
                self._end_waits()
            except MigrationError:
                # Why the gate has failed is the news, and not that a journal is locked or out of reach.
                pass
            raise
        if self.result["finished"]:
            self._end_waits()
        self.result["follow"] = {
            "deadline": deadline.absolute_epoch,
            "since": since,
            "control": control.carry(),
            "reason": self._told,
        }
        return self.result

    def _require_a_cutover(self) -> None:
        """Only a cutover waits for a proceed or a window."""
        for name in ("hold", "cutover_window"):
            if self._params.get(name) and not self._params["is_cutover"]:
                raise InvalidOption(
                    name, "it is for a cutover, and this is none (is_cutover=false)", "Leave one of both out"
                )

    def _watch(self, control: Control, deadline: Deadline, since: t.Dict[str, str]) -> None:
        started = self._clock.monotonic()
        while True:
            self._acknowledge(control.poll())
            now = self._clock.now()
            self.result["in_force"] = control.wish.as_result()
            self.result["control"] = control.location
            if control.wish.aborted:
                goes_on = f"; {self._params['goes_on']}" if self._params["goes_on"] else ""
                raise control.aborted(f"{self._params['before']} was not begun{goes_on}")
            in_vain = self._in_vain(control.wish, now)
            if in_vain is not None:
                raise in_vain
            hold = self._hold(control, now)
            self._tell(hold, since)
            if hold is None or self._check_mode:
                self.result["finished"] = True
                return
            if deadline.expired:
                self._record([("wait", wait) for wait in self.result["waits"]])
                deadline.check([f"{hold.reason}: {hold.waiting_for}"])
            left = None if self._step_time is None else self._step_time - (self._clock.monotonic() - started)
            if left is not None and self.result["events"]:
                # Who wished something waits for the answer, which is shown when the step ends.
                return
            if left is not None and left <= self._poll:
                deadline.sleep(max(0.0, left))
                return
            deadline.sleep(self._poll)

    def _hold(self, control: Control, now: datetime.datetime) -> t.Optional[Hold]:
        if not self._params["is_cutover"]:
            return stopped_by(control)
        return held_by(
            control,
            self._windows,
            now,
            hold=bool(self._params["hold"]),
            needed=self._needed,
            entries=self._entries,
        )

    def _in_vain(self, wish: Wish, now: datetime.datetime) -> t.Optional[MigrationError]:
        """Why nobody waits: it may begin never, or only after the wait. Who looks once may look again then."""
        if not self._params["is_cutover"]:
            return None
        before = str(self._params["before"])
        if wish.until is None or wish.until <= now:
            never = self._windows.never(now, self._needed, before, _FIX)
            if never is not None or not self._params["wait"]:
                return never
            return self._windows.too_late(now, self._needed, before, self._deadline.remaining(), _PATIENCE)
        said = f"It was postponed (the control text says {wish.line(CUTOVER)})"
        never = self._windows.never(wish.until, self._needed, before, _FIX)
        if never is not None:
            return MigrationError(never.code, f"{said}. From then on, {never.message}")
        closed = self._windows.refusal(wish.until, self._needed, before) is not None
        begins = (self._windows.opens_for(wish.until, self._needed) if closed else None) or wish.until
        wait, left = (begins - now).total_seconds(), self._deadline.remaining()
        if not self._params["wait"] or wait <= left:
            return None
        give = f"Give at least {enough(wait)} for it, run" if wait < LONGEST else "Run"
        return MigrationError(
            "control.postponed",
            f"{said}, so {before} begins in {format_duration(wait)} at the earliest, and {_PATIENCE} ends the wait in "
            f"{format_duration(left)}: there is nothing to wait for. {give} this again later, or write proceed.",
            details={"begins": iso(begins)},
        )

    def _answer(self, kind: str, wish: Wish) -> Answer:
        """To a postponement beyond window or wait, what becomes of this run: whoever wished it is there now."""
        answer = usual_answer(kind, wish)
        in_vain = self._in_vain(wish, self._clock.now()) if kind == CUTOVER and wish.until is not None else None
        if in_vain is None:
            return answer
        return Answer(answer.effect, f"{answer.detail}, and this run ends now: {in_vain.code}")

    def _tell(self, hold: t.Optional[Hold], since: t.Dict[str, str]) -> None:
        before = self._params["before"]
        if hold is None:
            self.result.update(waits=[], summary=f"Nothing holds {before}.", line=f"nothing holds {before}")
            return
        began = since.get(hold.reason) or iso(self._clock.now())
        since.clear()
        since[hold.reason] = began
        wait = Wait(REASONS.check(hold.reason), hold.waiting_for, ENDS_WHEN[hold.reason], began, [before], 1)
        self.result["waits"] = [wait.as_result()]
        text = f"{before} waits for {hold.waiting_for} ({hold.reason})"
        if self._check_mode:
            text = f"A real run would wait: {text}"
        self.result.update(line=text, summary=text)
        if hold.reason != self._told and not self._check_mode:
            self._record([("wait", wait.as_result())])
        self._told = hold.reason

    def _acknowledge(self, found: t.Sequence[Acknowledgement]) -> None:
        if self._check_mode:
            return
        self.result["events"] += [one.line for one in found]
        self._record([("control", one.as_entry()) for one in found])

    def _end_waits(self) -> None:
        """Write that nothing is waited for any more, where the journal says so; a gate that was killed could not."""
        view = None if self._check_mode else self._view()
        standing = Standing()
        for entry in view.entries if view is not None else ():
            standing.take(entry)
        left = {reason: _since(at) for reason, at in standing.waits.items() if reason not in ENDS_WHEN}
        if len(left) < len(standing.waits):
            self._record([("progress", {"waits": left})])

    def _record(self, records: t.Sequence[t.Tuple[str, t.Mapping[str, t.Any]]]) -> None:
        """Write into a journal that is there already; it is open no longer than that, as waiting may take days."""
        if not records or self._view() is None:
            return
        journal = open_journal(self._params, engine="", clock=self._clock, redactor=self._redactor, create=False)
        if journal is not None:
            with journal:
                journal.append_many(records)

    def _view(self) -> t.Optional[JournalView]:
        view = read_journal(self._params)
        if view is None or not view.entries:
            return None
        return view.expecting(self._params.get("migration_id") or "").require_valid()


def _since(at: t.Optional[float]) -> t.Optional[str]:
    return None if at is None else iso(datetime.datetime.fromtimestamp(at, datetime.timezone.utc))
