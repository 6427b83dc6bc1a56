# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What people say to a run that adds duplications: nothing is added while it is paused, so many tables are copied at a
time as the limit says, and an abort ends the run."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.control import (
    NOT_APPLICABLE,
    TAKEN,
    Answer,
    Control,
    usual_answer,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_store
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import LIMITS, Wish
from ansible_collections.dbops.migration.plugins.module_utils._core.control_waits import ENDS_WHEN, stopped_by
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_turns as dt
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_journal import RunJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_options import Options

_POLL = 1.0


class Stopped(t.NamedTuple):
    """What keeps anything from being begun: a wait's reason, what is waited for, and what ends it."""

    reason: str
    waiting_for: str
    ends_when: str


class DuplicationControl:
    """``store`` entries tell what was acknowledged. Only ``state=present`` obeys: the others undo."""

    def __init__(self, params: t.Mapping[str, t.Any], options: Options, entries: t.Iterable[t.Any], clock: Clock):
        obeys = options.state == "present"
        store = control_store(params)
        self._control = Control(store if obeys else None, clock, answer, entries)
        self._clock = clock
        self._tables = [one.table for one in options.wanted]
        self.at_once = dt.taken_before(entries) if obeys and store is not None else None
        """How many tables may be copied at a time; None for any number."""

    @property
    def stopped(self) -> t.Optional[Stopped]:
        """Why nothing more may be begun; None when it may."""
        stopped = stopped_by(self._control)
        return None if stopped is None else Stopped(stopped.reason, stopped.waiting_for, ENDS_WHEN[stopped.reason])

    def heed(self, journal: t.Optional[RunJournal], events: t.List[str]) -> bool:
        """Look what is wished, and acknowledge it; whether there was anything. MigrationError ``control.aborted``.

        No journal in check mode.
        """
        found = self._control.poll()
        for one in found:
            if (one.kind, one.effect) == (LIMITS, TAKEN):
                self.at_once = (self._control.wish.limits or {}).get(dt.TABLES)
            if journal is not None:
                journal.control(one.as_entry())
                events.append(one.line)
        if self._control.wish.aborted:
            raise self._control.aborted("nothing more was begun; duplications that were added go on")
        return bool(found)

    def hold(
        self,
        options: Options,
        journal: RunJournal,
        deadline: Deadline,
        events: t.List[str],
        since: t.Mapping[str, str],
    ) -> t.Optional[t.Dict[str, t.Any]]:
        """Wait while it is paused; None when it may begin, and what to tell when the step is over before that.

        ``since``: by reason, since when the step before was held.
        """
        started = self._clock.monotonic()
        while True:
            news = self.heed(journal, events)
            stopped = self.stopped
            if stopped is None:
                return None
            reason, text, ends_when = stopped
            since = {reason: since.get(reason) or iso(self._clock.now())}
            wait = Wait(reason, text, ends_when, since[reason], self._tables, len(self._tables)).as_result()
            journal.begin()
            journal.waits([wait])
            journal.live({}, [wait])
            deadline.check([f"{reason}: {text}"])
            left = None if options.step_time is None else options.step_time - (self._clock.monotonic() - started)
            if left is not None and (news or left <= _POLL):
                # Who wished something waits for the answer, which is shown when the step ends.
                if not news:
                    deadline.sleep(max(0.0, left))
                line = f"nothing is begun: waits for {text}"
                return {"waits": [wait], "line": line, "summary": line, "since": since}
            deadline.sleep(_POLL)


def answer(kind: str, wish: Wish) -> Answer:
    """No call limits one duplication while it copies or ships, so what can be limited is how many are begun."""
    if kind != LIMITS:
        return usual_answer(kind, wish)
    problem = dt.problem_with(wish)
    if problem:
        return Answer(NOT_APPLICABLE, problem)
    return Answer(TAKEN, dt.words((wish.limits or {}).get(dt.TABLES)))
