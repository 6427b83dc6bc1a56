# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Looking at the tables of one run until every one is where it should be, or the step is over; and telling of it."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import SIGN_OF_LIFE
from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Lag
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_result as dr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_standing as ds
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_control import DuplicationControl
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_journal import RunJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_look import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_options import Options
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_table import UNREACHABLE, TableRun

PASSING = frozenset(
    (
        "pegasus.no_primary_meta",
        "pegasus.service_not_active",
        "pegasus.timeout",
        "pegasus.under_recovery",
        "pegasus.unreachable",
    )
)
"""Errors of a look that may be over at the next one."""

# Looks that always came at the same point of the servers' own 10 s cycle would see the same counters again and again.
RHYTHM = (1.0, 0.8, 1.2)
KEPT_SAMPLES = 30


class Call(t.NamedTuple):
    """What every look of one call needs. ``started``: its first moment on the clock."""

    clusters: Clusters
    options: Options
    journal: RunJournal
    deadline: Deadline
    started: float
    control: DuplicationControl
    entries: t.Sequence[Entry]


class Watch:
    """The tables of one run, and what it tells of them: ``result`` is what the module returns."""

    def __init__(self, result: t.Dict[str, t.Any], clock: Clock) -> None:
        self.runs: t.List[TableRun] = []
        self.samples: t.List[t.Tuple[float, int]] = []
        self._result = result
        self._events: t.List[str] = result["events"]
        self._clock = clock

    def follow(self, call: Call, runs: t.Sequence[TableRun], look: t.Callable[[TableRun, float], None]) -> bool:
        """Whether every one of ``runs`` is where it should be; False: the step is over before."""
        options, deadline = call.options, call.deadline
        looks = 0
        while True:
            news = call.control.heed(call.journal, self._events)
            self._look(runs, look, call.clusters)
            looks += 1
            self._sample(call.journal, options.wait and looks == 1)
            failed = _failed(runs)
            done = all(run.done for run in runs)
            self.tell(done)
            self.remember(failed, call.clusters, call.journal)
            refuse(failed)
            if done:
                return True
            if deadline.expired:
                self._expired(deadline)
            if news and options.step_time is not None and options.wait:
                return False
            over = self._clock.monotonic() - call.started
            pause = options.poll_interval * RHYTHM[looks % len(RHYTHM)]
            if options.step_time is not None and over + pause > options.step_time and not self._last_looks(options):
                # At least the pause, so that two steps never look at the same moment.
                if options.step_time > 0:
                    deadline.sleep(max(0.0, min(pause, options.step_time - over)))
                return False
            if options.step_time is None or options.step_time > 2 * SIGN_OF_LIFE:
                # A shorter step tells it at its end.
                call.journal.live(self.numbers(), self._result["waits"])
            deadline.sleep(pause)

    def glance(self, call: Call, runs: t.Sequence[TableRun], look: t.Callable[[TableRun, float], None]) -> bool:
        """One look, of which nothing is told: whether every one of ``runs`` is where it should be."""
        self._look(runs, look, call.clusters)
        refuse(_failed(runs))
        return all(run.done for run in runs)

    def missed(self, call: Call, error: MigrationError) -> None:
        """A step that comes to no look at all, because of an outage that may be over at the next one."""
        now = self._clock.now().timestamp()
        for run in self.runs:
            run.unreachable(error.message, now)
        self._sample(call.journal, False)
        self.tell(False)
        if call.deadline.expired:
            self._expired(call.deadline)
        if call.options.step_time:
            call.deadline.sleep(min(call.options.poll_interval, call.options.step_time))

    def _look(self, runs: t.Sequence[TableRun], look: t.Callable[[TableRun, float], None], clusters: Clusters) -> None:
        now = self._clock.now().timestamp()
        clusters.refresh()
        for run in runs:
            try:
                look(run, now)
            except MigrationError as error:
                if error.code not in PASSING:
                    raise
                # The others are behind the same meta servers.
                for other in runs:
                    other.unreachable(error.message, now)
                return

    def _last_looks(self, options: Options) -> bool:
        """Whether a step that nobody repeats with what it found would only have to look a few times more."""
        reasons = {run.standing.cause.reason for run in self.runs if run.standing.cause is not None}
        return not options.wait and reasons == {ds.SETTLING}

    def _sample(self, journal: RunJournal, first: bool) -> None:
        """Keep numbers for the rate. A run that finds everything in order leaves no trace in the journal."""
        now = self._clock.now().timestamp()
        self.samples.append((now, sum(run.partitions_done for run in self.runs)))
        self.samples = self.samples[-KEPT_SAMPLES:]
        reasons = {run.standing.cause.reason for run in self.runs if run.standing.cause is not None}
        if first and reasons - {ds.SETTLING, UNREACHABLE}:
            journal.begin()

    def _expired(self, deadline: Deadline) -> None:
        waiting = [
            f"{run.wanted.table} ({run.standing.cause.reason}: {run.standing.cause.what})"
            for run in self.runs
            if run.standing.cause is not None
        ]
        deadline.check(waiting)

    def tell(self, done: bool) -> None:
        """Put into the result how it stands."""
        numbers = dr.progress(self.runs, self.samples[:-1], self._clock)
        self._result.update(
            finished=done,
            duplications=[dr.duplication(run) for run in self.runs],
            waits=dr.waits(self.runs),
            progress=numbers.as_result(),
            events=self._events,
            line=dr.line(self.runs),
        )
        self.summarise(self._summary() if done else self._result["line"])

    def summarise(self, text: str) -> None:
        """Put the sentence into the result that people read."""
        self._result["summary"] = text
        self._result.setdefault("line", text)

    def _summary(self) -> str:
        count = len(self.runs)
        tables = "1 table" if count == 1 else f"{count} tables"
        first = self.runs[0].wanted
        if first.state == "present" and first.fail_mode != "FAIL_SLOW":
            return f"The duplication of {tables} runs in {first.fail_mode}, so nothing proves that the copy is whole."
        words = {"present": "caught up", "paused": "paused", "absent": "removed"}
        return f"The duplication of {tables} is {words[first.state]}."

    def numbers(self) -> t.Dict[str, t.Any]:
        """What the journal keeps of how far it is."""
        return {**self._result["progress"], **_backlogs(self.runs)}

    def remember(self, problems: t.Mapping[str, MigrationError], clusters: Clusters, journal: RunJournal) -> None:
        """Write down which duplications were seen to skip, so that it counts also when somebody sets them back."""
        for run in self.runs:
            error, there = problems.get(run.wanted.table), run.duplication
            dupid = 0
            if error is not None and error.details.get("skipped"):
                dupid = int(error.details["dupid"])
            elif there is not None and there.fail_mode == dp.FAIL_SKIP:
                dupid = there.dupid
            if dupid:
                journal.skipped(dp.resource(clusters.source.cluster, run.wanted.table, run.wanted.remote), dupid)


def _failed(runs: t.Sequence[TableRun]) -> t.Dict[str, MigrationError]:
    failures = {run.wanted.table: run.standing.failure for run in runs}
    return {table: error for table, error in failures.items() if error is not None}


def refuse(problems: t.Mapping[str, MigrationError]) -> None:
    """Raise nothing, the only problem itself, or all of them together."""
    errors = list(problems.values())
    if not errors:
        return
    if len(errors) == 1:
        raise errors[0]
    codes = {error.code for error in errors}
    raise MigrationError(
        errors[0].code if len(codes) == 1 else "pegasus.several_problems",
        " ".join(error.message for error in errors),
        details={"tables": {table: error.as_result() for table, error in problems.items()}},
    )


def _backlogs(runs: t.Sequence[TableRun]) -> t.Dict[str, t.Any]:
    """Backlog by table, of those of which it is known; and the lag, when it is known of all."""
    known = {run.wanted.table: run.view.backlog_total for run in runs if run.view is not None}
    backlog = {table: total for table, total in known.items() if total is not None}
    if not runs or len(backlog) < len(runs):
        # A sum without those that nobody knows would fall while a table is out of sight.
        return {"backlog": backlog}
    lag = Lag("mutations", sum(backlog.values()), max(backlog.values()))
    return {"backlog": backlog, "lag": lag.as_result()}
