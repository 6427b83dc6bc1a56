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
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_result as dr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_turns as dt
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_begin import Beginning, plan_table
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_control import DuplicationControl
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_journal import RunJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_look import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_options import (
    Options,
    read_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Planned
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_removal import Removal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_table import TableRun
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watch import (
    PASSING,
    Call,
    Watch,
    refuse,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.journal_tables import require_their_journal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import TARGET_META_SERVERS, Connection
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal

_SHOWN = (
    "tables", "remote_cluster", "state", "fail_mode", "unconfirmed", "max_backlog", "stable_samples", "timeout",
)  # fmt: skip


class DuplicationTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._events: t.List[str] = []
        self.result: t.Dict[str, t.Any] = {"changed": False, "changes": [], "events": self._events}
        self._watch = Watch(self.result, clock)

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        connection = _connection(self._params)
        options = read_options(self._params)
        follow = as_mapping(self._params.get("follow"), "follow")
        store = SettingsJournal(self._params, self._redactor, self._clock)
        if options.state != "present":
            # Tables that come to a migration later are new to its journal, while those before them may be cut over.
            require_their_journal(store.entries, options.tables, self._params.get("journal"))
        try:
            with Clusters(connection, self._clock) as clusters:
                call = self._call(clusters, options, follow, store)
                try:
                    self._work(call, follow)
                except MigrationError as error:
                    call.journal.finish("failed", error.message)
                    raise
        finally:
            store.close()
        return self.result

    def _call(
        self, clusters: Clusters, options: Options, follow: t.Mapping[str, t.Any], store: SettingsJournal
    ) -> Call:
        started = self._clock.monotonic()
        deadline = Deadline(self._clock, options.timeout, "timeout: the run", follow.get("deadline"))
        journal = RunJournal(store, str(follow.get("run_id") or uuid.uuid4().hex[:12]), self._options(), self._clock)
        control = DuplicationControl(self._params, options, store.entries, self._clock)
        self._watch.runs = [TableRun(wanted) for wanted in options.wanted]
        return Call(clusters, options, journal, deadline, started, control, store.entries)

    def _work(self, call: Call, follow: t.Mapping[str, t.Any]) -> None:
        planned: t.List[Planned] = []
        pasts: t.List[dp.Past] = []
        if "tables" in follow:
            self._take(follow)
        if "tables" not in follow or follow.get("arriving"):
            held = self._hold(call, follow)
            if held is not None:
                self._held(held, call)
                return
            try:
                planned, pasts = self._plan(call)
            except MigrationError as error:
                if error.code not in PASSING or not follow.get("arriving") or self._check_mode:
                    raise
                self._watch.missed(call, error)
                self._end(call, arriving=True)
                return
            removal = Removal(call, self._watch, planned, pasts, self._clock.now().timestamp())
            if self._check_mode:
                # A run that waits comes to it in the end.
                self._predict(dt.in_order(planned, call.control.at_once), call.options.wait or removal.arrived_by_now())
                return
            self._changes(ChangeList())
            if not removal.arrive():
                self._end(call, arriving=True)
                return
            self.result["finished"] = False
        beginning = Beginning(call, self._watch.runs, self.result, self._clock)
        beginning.begin(planned, pasts)
        self._watch.follow(call, self._watch.runs, beginning.look)
        self._end(call)

    def _hold(self, call: Call, follow: t.Mapping[str, t.Any]) -> t.Optional[t.Dict[str, t.Any]]:
        """Wait while somebody wants nothing to be begun; None when it may be."""
        if self._check_mode:
            call.control.heed(None, self._events)
            return None
        since = as_mapping(follow.get("since"), "follow.since")
        return call.control.hold(call.options, call.journal, call.deadline, self._events, since)

    def _held(self, told: t.Mapping[str, t.Any], call: Call) -> None:
        """A step in which nothing was begun; the next one finds out anew what there is to begin."""
        self.result.update(finished=False, **told)
        since = self.result.pop("since")
        self.result["follow"] = {
            "run_id": call.journal.run_id,
            "deadline": call.deadline.absolute_epoch,
            "since": since,
        }

    # The first step: what is there, and what has to be sent.

    def _plan(self, call: Call) -> t.Tuple[t.List[Planned], t.List[dp.Past]]:
        clusters, options = call.clusters, call.options
        cluster = clusters.source.cluster
        names = [dp.resource(cluster, one.table, one.remote) for one in options.wanted]
        known = dp.read_past(call.entries, names)
        pasts = [known[name] for name in names]
        self._check_target(clusters, options)
        planned: t.List[Planned] = []
        problems: t.Dict[str, MigrationError] = {}
        for run, past in zip(self._watch.runs, pasts):
            seen = clusters.seen(run.wanted)
            try:
                one = plan_table(call, run, seen, past)
            except MigrationError as error:
                problems[run.wanted.table] = error
                continue
            run.begin(one, seen.app, past)
            planned.append(one)
        if not self._check_mode:
            self._watch.remember(problems, clusters, call.journal)
        refuse(problems)
        return planned, pasts

    def _predict(self, planned: t.Sequence[Planned], arrived: bool) -> None:
        """Tell what a real call would send, which is nothing before what is to be removed has ``arrived``."""
        changes = ChangeList(step.change for one in planned for step in one.steps if arrived)
        self._changes(changes)
        runs = self._watch.runs
        self.result.update(
            finished=True, duplications=[dr.duplication(run) for run in runs], waits=dr.waits(runs), progress={}
        )
        told = f"A real run would send {len(changes)} calls." if changes else "There is nothing to send."
        self._watch.summarise(told if arrived else f"A real call would send nothing yet: {dr.line(runs)}.")

    def _check_target(self, clusters: Clusters, options: Options) -> None:
        name = clusters.target_name() if options.state == "present" else ""
        if name and name != options.remote:
            self.result["warnings"] = [
                f"{TARGET_META_SERVERS} lead to a cluster that calls itself {name}, and remote_cluster is "
                f"{options.remote}. Unless the target has a dup_cluster_name of its own, one of the two is wrong."
            ]

    # Telling.

    def _changes(self, changes: ChangeList) -> None:
        """What was sent up to now; in check mode, what a real run would send."""
        self.result.update(changes=changes.as_result(), changed=changes.changed, diff=changes.diff())

    def _end(self, call: Call, *, arriving: bool = False) -> None:
        options, journal = call.options, call.journal
        done = bool(self.result["finished"])
        journal.progress(self._watch.numbers(), self.result["waits"])
        if done and options.state == "present" and options.wait:
            journal.prove([dr.duplication(run) for run in self._watch.runs])
        if done or not options.wait:
            journal.finish("ok", self.result["summary"])
        if not done:
            self.result["follow"] = {
                "run_id": journal.run_id,
                "deadline": call.deadline.absolute_epoch,
                "arriving": arriving,
                "tables": {run.wanted.table: run.carry() for run in self._watch.runs},
                "samples": [list(one) for one in self._watch.samples],
                "changes": self.result["changes"],
                "diff": self.result["diff"],
            }

    def _take(self, follow: t.Mapping[str, t.Any]) -> None:
        tables = follow.get("tables") or {}
        for run in self._watch.runs:
            if run.wanted.table in tables:
                run.take(tables[run.wanted.table])
        self._watch.samples = [(float(one[0]), int(one[1])) for one in follow.get("samples") or []]
        changes = list(follow.get("changes") or [])
        diff = follow.get("diff") or {"before": {}, "after": {}}
        self.result.update(changes=changes, changed=bool(changes), diff=diff)

    def _options(self) -> t.Dict[str, t.Any]:
        return {name: self._params[name] for name in _SHOWN}


def _connection(params: t.Mapping[str, t.Any]) -> Connection:
    """The connection; the target may be left out here."""
    given = dict(params)
    if not given.get(TARGET_META_SERVERS):
        given.pop(TARGET_META_SERVERS, None)
    return Connection.from_params(given)
