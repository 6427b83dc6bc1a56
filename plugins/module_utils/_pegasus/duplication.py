# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the duplication module: read, plan, send, and look until every table is where it should be."""

from __future__ import annotations

import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import SIGN_OF_LIFE
from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Lag
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_arrival as da
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_result as dr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_standing as ds
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_control import DuplicationControl
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_journal import RunJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_look import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_options import (
    Options,
    read_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Planned, plan, understood
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_send import WAS_THERE, Sender
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_table import UNREACHABLE, TableRun
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import TARGET_META_SERVERS, Connection
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal

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
_SHOWN = (
    "tables", "remote_cluster", "state", "fail_mode", "unconfirmed", "max_backlog", "stable_samples", "timeout",
)  # fmt: skip


class _Call(t.NamedTuple):
    """What every look of one call needs. ``started``: its first moment on the clock."""

    clusters: Clusters
    options: Options
    journal: RunJournal
    deadline: Deadline
    started: float
    control: DuplicationControl
    entries: t.Sequence[Entry]


class DuplicationTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._runs: t.List[TableRun] = []
        self._samples: t.List[t.Tuple[float, int]] = []
        self._events: t.List[str] = []
        self.result: t.Dict[str, t.Any] = {"changed": False, "changes": [], "events": self._events}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        connection = _connection(self._params)
        options = read_options(self._params)
        follow = as_mapping(self._params.get("follow"), "follow")
        store = SettingsJournal(self._params, self._redactor, self._clock)
        control = DuplicationControl(self._params, options, store.entries, self._clock)
        try:
            with Clusters(connection, self._clock) as clusters:
                self._work(clusters, options, follow, store, control)
        finally:
            store.close()
        return self.result

    def _work(
        self,
        clusters: Clusters,
        options: Options,
        follow: t.Mapping[str, t.Any],
        store: SettingsJournal,
        control: DuplicationControl,
    ) -> None:
        started = self._clock.monotonic()
        deadline = Deadline(self._clock, options.timeout, "timeout: the run", follow.get("deadline"))
        self._runs = [TableRun(wanted) for wanted in options.wanted]
        journal = RunJournal(store, str(follow.get("run_id") or uuid.uuid4().hex[:12]), self._options(), self._clock)
        call = _Call(clusters, options, journal, deadline, started, control, store.entries)
        try:
            if "tables" in follow:
                self._take(follow)
            if "tables" not in follow or follow.get("arriving"):
                if self._check_mode:
                    control.heed(None, self._events)
                else:
                    since = as_mapping(follow.get("since"), "follow.since")
                    held = control.hold(options, journal, deadline, self._events, since)
                    if held is not None:
                        self._held(held, journal, deadline)
                        return
                planned, pasts = self._plan(clusters, options, store, journal)
                if self._check_mode:
                    return
                if not options.discard and not self._arrive(call, planned):
                    self._end(options, journal, deadline, arriving=True)
                    return
                self._send(clusters, options, journal, planned, pasts)
            self._watch(call, self._runs, lambda run, now: run.look(clusters, options, now))
        except MigrationError as error:
            journal.finish("failed", error.message)
            raise
        self._end(options, journal, deadline)

    def _held(self, told: t.Mapping[str, t.Any], journal: RunJournal, deadline: Deadline) -> None:
        """A step in which nothing was begun; the next one finds out anew what there is to begin."""
        self.result.update(finished=False, **told)
        since = self.result.pop("since")
        self.result["follow"] = {"run_id": journal.run_id, "deadline": deadline.absolute_epoch, "since": since}

    # The first step: what is there, and what has to be sent.

    def _plan(
        self, clusters: Clusters, options: Options, store: SettingsJournal, journal: RunJournal
    ) -> t.Tuple[t.List[Planned], t.List[dp.Past]]:
        source = clusters.source
        names = [dp.resource(source.cluster, one.table, one.remote) for one in options.wanted]
        known = dp.read_past(store.entries, names)
        pasts = [known[name] for name in names]
        self._check_target(clusters, options)
        idempotent = clusters.profile.target_create_idempotent
        planned: t.List[Planned] = []
        problems: t.Dict[str, MigrationError] = {}
        for run, past in zip(self._runs, pasts):
            seen = clusters.seen(run.wanted)
            try:
                understood(run.wanted, clusters.profile)
                cut_over = bool(da.positions_at_cutover(store.entries, run.wanted.table))
                found = plan(run.wanted, seen, past, source=source, create_idempotent=idempotent, cut_over=cut_over)
            except MigrationError as error:
                problems[run.wanted.table] = error
                continue
            lost = ds.gone_or_other(run.wanted.table, run.followed, found.duplication) if run.goal else None
            if lost is not None:
                # An earlier step waited for it to be fit for removal.
                problems[run.wanted.table] = lost
                continue
            run.begin(found, seen.app, past)
            planned.append(found)
        if not self._check_mode:
            self._remember(problems, clusters, journal)
        _refuse(problems)
        changes = ChangeList(step.change for one in planned for step in one.steps)
        self._changes(changes.as_result(), changed=changes.changed and self._check_mode)
        self.result["diff"] = changes.diff()
        if self._check_mode:
            # Nothing is waited for, so nothing is told of it.
            self.result.update(
                finished=True, duplications=[dr.duplication(run) for run in self._runs], waits=[], progress={}
            )
            self._summarise(f"A real run would send {len(changes)} calls." if changes else "There is nothing to send.")
        return planned, pasts

    def _remember(self, problems: t.Mapping[str, MigrationError], clusters: Clusters, journal: RunJournal) -> None:
        """Write down which duplications were seen to skip, so that it counts also when somebody sets them back."""
        for run in self._runs:
            error = problems.get(run.wanted.table)
            if error is not None and error.details.get("skipped"):
                resource = dp.resource(clusters.source.cluster, run.wanted.table, run.wanted.remote)
                journal.skipped(resource, int(error.details["dupid"]))

    def _check_target(self, clusters: Clusters, options: Options) -> None:
        name = clusters.target_name() if options.state == "present" else ""
        if name and name != options.remote:
            self.result["warnings"] = [
                f"{TARGET_META_SERVERS} lead to a cluster that calls itself {name}, and remote_cluster is "
                f"{options.remote}. Unless the target has a dup_cluster_name of its own, one of the two is wrong."
            ]

    def _send(
        self,
        clusters: Clusters,
        options: Options,
        journal: RunJournal,
        planned: t.Sequence[Planned],
        pasts: t.Sequence[dp.Past],
    ) -> None:
        self._changes([], changed=False)
        self.result["diff"] = {"before": {}, "after": {}}
        sent = ChangeList()
        for run, one, past in zip(self._runs, planned, pasts):
            there = one.duplication
            taken = there is not None and one.owner == dp.OTHER and run.wanted.adopt and options.state == "present"
            if one.steps or past.unsettled or taken or (one.owner == dp.FOUND and there is not None):
                journal.begin()
            sender = Sender(clusters, journal.journal, self._clock, options.settle_time, past)
            if past.unsettled:
                sender.settle(run.wanted, clusters.duplications(run.wanted.table) if run.app is not None else ())
            if one.owner == dp.FOUND and one.duplication is not None:
                sender.adopt(run.wanted, one.duplication)
                self._events.append(f"{run.wanted.table}: duplication {one.duplication.dupid} of an earlier run found")
            if taken and there is not None:
                sender.take_over(dp.resource(clusters.source.cluster, run.wanted.table, run.wanted.remote), there)
                run.owner = dp.OURS
                self._events.append(f"{run.wanted.table}: duplication {there.dupid} of somebody else is ours now")
            for step in one.steps:
                verdict, there = sender.send(run.wanted, step)
                if there is not None:
                    run.duplication, run.followed = there, there.dupid
                    run.owner = dp.OTHER if verdict == WAS_THERE else dp.OURS
                if verdict == WAS_THERE:
                    self._events.append(f"{run.wanted.table}: somebody else has just added duplication {run.followed}")
                    continue
                sent.add(step.change)
                self._changes(sent.as_result(), changed=True)
                self.result["diff"] = sent.diff()
                self._events.append(f"{run.wanted.table}: {step.action.replace('_', ' ')}")

    def _arrive(self, call: _Call, planned: t.Sequence[Planned]) -> bool:
        """Wait until what is to be removed has nothing left to ship; False: the step is over before."""
        runs = [run for run, one in zip(self._runs, planned) if run.wanted.state == "absent" and one.steps]
        if not runs:
            return True
        for run in runs:
            run.goal = run.goal or da.first_goal(run.app, da.positions_at_cutover(call.entries, run.wanted.table))
        arrived = self._watch(call, runs, lambda run, now: run.look_arrived(call.clusters, now))
        self.result["finished"] = False
        if arrived:
            call.journal.arrived([item for run in runs if run.arrived for item in run.arrived.items(run.wanted.table)])
        return arrived

    # Every step: look until there is nothing to wait for, or the step is over.

    def _watch(self, call: _Call, runs: t.Sequence[TableRun], look: t.Callable[[TableRun, float], None]) -> bool:
        """Whether every one of ``runs`` is where it should be; False: the step is over before."""
        options, deadline = call.options, call.deadline
        looks = 0
        while True:
            news = call.control.heed(call.journal, self._events)
            self._look(runs, look, call.clusters)
            looks += 1
            self._sample(call.journal, options.wait and looks == 1)
            failures = {run.wanted.table: run.standing.failure for run in runs}
            failed = {table: error for table, error in failures.items() if error is not None}
            done = all(run.done for run in runs)
            self._tell(done)
            self._remember(failed, call.clusters, call.journal)
            _refuse(failed)
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
                call.journal.live(self._numbers(), self.result["waits"])
            deadline.sleep(pause)

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
        reasons = {run.standing.cause.reason for run in self._runs if run.standing.cause is not None}
        return not options.wait and reasons == {ds.SETTLING}

    def _sample(self, journal: RunJournal, first: bool) -> None:
        """Keep numbers for the rate. A run that finds everything in order leaves no trace in the journal."""
        now = self._clock.now().timestamp()
        self._samples.append((now, sum(run.partitions_done for run in self._runs)))
        self._samples = self._samples[-KEPT_SAMPLES:]
        reasons = {run.standing.cause.reason for run in self._runs if run.standing.cause is not None}
        if first and reasons - {ds.SETTLING, UNREACHABLE}:
            journal.begin()

    def _expired(self, deadline: Deadline) -> None:
        waiting = [
            f"{run.wanted.table} ({run.standing.cause.reason}: {run.standing.cause.what})"
            for run in self._runs
            if run.standing.cause is not None
        ]
        deadline.check(waiting)

    # Telling.

    def _changes(self, changes: t.Sequence[t.Mapping[str, t.Any]], *, changed: bool) -> None:
        self.result.update(changes=list(changes), changed=changed)

    def _tell(self, done: bool) -> None:
        numbers = dr.progress(self._runs, self._samples[:-1], self._clock)
        self.result.update(
            finished=done,
            duplications=[dr.duplication(run) for run in self._runs],
            waits=dr.waits(self._runs),
            progress=numbers.as_result(),
            events=self._events,
            line=dr.line(self._runs),
        )
        self._summarise(self._summary() if done else self.result["line"])

    def _summarise(self, text: str) -> None:
        self.result["summary"] = text
        self.result.setdefault("line", text)

    def _summary(self) -> str:
        count = len(self._runs)
        tables = "1 table" if count == 1 else f"{count} tables"
        words = {"present": "caught up", "paused": "paused", "absent": "removed"}
        return f"The duplication of {tables} is {words[self._runs[0].wanted.state]}."

    def _end(self, options: Options, journal: RunJournal, deadline: Deadline, *, arriving: bool = False) -> None:
        done = bool(self.result["finished"])
        journal.progress(self._numbers(), self.result["waits"])
        if done and options.state == "present" and options.wait:
            journal.prove([dr.duplication(run) for run in self._runs])
        if done or not options.wait:
            journal.finish("ok", self.result["summary"])
        if not done:
            self.result["follow"] = {
                "run_id": journal.run_id,
                "deadline": deadline.absolute_epoch,
                "arriving": arriving,
                "tables": {run.wanted.table: run.carry() for run in self._runs},
                "samples": [list(one) for one in self._samples],
                "changes": self.result["changes"],
                "diff": self.result["diff"],
            }

    def _numbers(self) -> t.Dict[str, t.Any]:
        return {**self.result["progress"], **_backlogs(self._runs)}

    def _take(self, follow: t.Mapping[str, t.Any]) -> None:
        tables = follow.get("tables") or {}
        for run in self._runs:
            if run.wanted.table in tables:
                run.take(tables[run.wanted.table])
        self._samples = [(float(one[0]), int(one[1])) for one in follow.get("samples") or []]
        self._changes(follow.get("changes") or [], changed=bool(follow.get("changes")))
        self.result["diff"] = follow.get("diff") or {"before": {}, "after": {}}

    def _options(self) -> t.Dict[str, t.Any]:
        return {name: self._params[name] for name in _SHOWN}


def _connection(params: t.Mapping[str, t.Any]) -> Connection:
    """The connection; the target may be left out here."""
    given = dict(params)
    if not given.get(TARGET_META_SERVERS):
        given.pop(TARGET_META_SERVERS, None)
    return Connection.from_params(given)


def _refuse(problems: t.Mapping[str, MigrationError]) -> None:
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
