# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Configs of frontends brought to wanted values, or to what they were before us: on every frontend, proved on each."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_in_place import WARNING
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import (
    ConfigOptions,
    Wanted,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import (
    NOT_PERSISTED,
    Past,
    left_limited,
    limited_keys,
    persisting_refused,
    recorded,
    same_value,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_unreached import (
    dead_frontends,
    left_out,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_others import in_place
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_persisting import (
    REFUSED,
    Persisting,
    decide_persisting,
    memory_only,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_plan import (
    HTTP,
    ConfigCall,
    plan_calls,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import (
    Table,
    read_all,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_restore import (
    Restoring,
    plan_restore,
    recorded_keys,
    resource_prefix,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_send import Sender, Sent
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_steps import (
    Step,
    default_settings,
    drift,
    restore_step,
    theirs,
    wanted_steps,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection


class FrontendConfigTask:
    """One call of the module. Holds what it did, so that a failure in the middle can still tell it."""

    def __init__(
        self,
        options: ConfigOptions,
        connection: Connection,
        store: ConfigJournal,
        check_mode: bool,
        redactor: Redactor,
        clock: Clock,
    ) -> None:
        """``store``: the journal of the call; whoever made it closes it."""
        self._options = options
        self._connection = connection
        self._store = store
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._sent = Sent()
        self._persisting = Persisting(False)
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        try:
            with Cluster(self._connection, self._redactor, self._clock) as cluster:
                self._work(cluster, self._options, self._store)
        finally:
            self._tell_sent()
        return self.result

    def _work(self, cluster: Cluster, options: ConfigOptions, store: ConfigJournal) -> None:
        living = [frontend for frontend in cluster.frontends(refresh=True) if frontend.alive]
        dead = [frontend for frontend in cluster.frontends() if not frontend.alive]
        prefix = resource_prefix(cluster.cluster_id)
        self.result.update(
            cluster_id=cluster.cluster_id,
            version=str(cluster.version),
            dead_frontends=[frontend.address for frontend in dead],
            verified=False,
        )
        if dead and options.unreached == "fail" and not options.restoring:
            raise dead_frontends(dead, "nothing was changed")
        past = recorded(store.entries, prefix)
        self._persisting = decide_persisting(
            options.persistent,
            cluster.profile.with_persistent,
            str(cluster.version),
            cluster.frontends(),
            persisting_refused(store.entries, prefix),
        )
        restorings: t.List[Restoring] = []
        if options.restoring:
            keys = recorded_keys(past, [setting.key for setting in options.settings])
            table = read_all(cluster, living, keys)
            restorings = [plan_restore(cluster.cluster_id, key, past, table, cluster.frontends()) for key in keys]
            steps = [restore_step(one, cluster.profile.with_persistent) for one in restorings]
        else:
            self.result["persistence"] = self._persisting.as_result()
            table = read_all(cluster, living, [setting.key for setting in options.settings])
            steps = self._wanted(cluster, options, table)
            self.result["drift"] = drift(cluster.cluster_id, table, past)
            self.result["kept"] = theirs(cluster.cluster_id, table, past) if options.keep_theirs else []
            kept = {one["key"] for one in self.result["kept"]}
            # One statement sets a config on all frontends, so it is left alone on all of them.
            steps = [step for step in steps if step.key not in kept]
            if options.live:
                steps = [step._replace(action=options.live) for step in steps]
            else:
                steps = self._without_limited(steps, past)
            if options.state == "present" and store.given:
                self._tell_in_place(steps, past, cluster, store)
            if dead:
                self._sent.warnings.append(left_out(dead, [setting.key for setting in options.settings]))
        self._carry_out(cluster, steps, store, options, past, restorings)
        if dead and options.unreached == "fail" and any(one.unknown for one in restorings):
            raise dead_frontends(dead, "the others have their former values back")

    def _without_limited(self, steps: t.Sequence[Step], past: t.Mapping[str, Past]) -> t.List[Step]:
        limited = limited_keys(past)
        self._sent.warnings += left_limited(step.key for step in steps if step.key in limited)
        return [step for step in steps if step.key not in limited]

    def _wanted(self, cluster: Cluster, options: ConfigOptions, table: Table) -> t.List[Step]:
        settings: t.Sequence[Wanted] = options.settings
        if options.state == "default":
            settings, warning = default_settings(cluster.profile, settings)
            self._sent.warnings.append(warning)
        steps, self.result["skipped"] = wanted_steps(cluster.cluster_id, settings, table, self._persisting.tried)
        if options.persistent == "always" and not cluster.profile.with_persistent:
            raise InvalidOption(
                "persistent",
                f"StarRocks {cluster.version} has no WITH PERSISTENT, which came with 3.5.0",
                "Set it to auto or never, and write a block into fe.conf with starrocks_config_file",
            )
        return steps

    def _tell_in_place(
        self, steps: t.Sequence[Step], past: t.Mapping[str, Past], cluster: Cluster, store: ConfigJournal
    ) -> None:
        found = in_place(steps, past, cluster.profile.settings)
        self.result["in_place"] = [one.as_result() for one in found]
        self._sent.warnings += [one.text for one in found if one.severity == WARNING]
        for one in () if self._check_mode else found:
            store.note_once(one.as_note())

    def _carry_out(
        self,
        cluster: Cluster,
        steps: t.Sequence[Step],
        store: ConfigJournal,
        options: ConfigOptions,
        past: t.Mapping[str, Past],
        restorings: t.Sequence[Restoring],
    ) -> None:
        plans = [(step, self._plan(cluster, step, step.persistent)) for step in steps]
        self._tell_settings(steps)
        if self._persisting.code == "kubernetes" and not options.restoring and any(calls for _step, calls in plans):
            self._sent.warnings.append(memory_only(", ".join(step.key for step, calls in plans if calls), ""))
        if restorings or options.restoring:
            self.result["restore"] = [record for one in restorings for record in one.records]
        if self._check_mode:
            calls = [call for _step, planned in plans for call in planned]
            self._sent.done = [change for call in calls for change in call.changes]
            self._sent.calls = [call.request for call in calls]
            return
        now = {target.resource: target.now for step in steps for target in step.targets}
        store.settle({name: one for name, one in past.items() if name in now}, now, same_value)
        for step, planned in plans:
            self._send(cluster, step, planned, store, options)
        for one in restorings:
            store.conclude([record for record in one.records if record["action"] != "unknown"])
        if self._sent.calls:
            self._prove(cluster, steps)
        self.result["verified"] = True

    def _plan(self, cluster: Cluster, step: Step, persistent: bool) -> t.List[ConfigCall]:
        if not step.targets:
            return []
        return plan_calls(
            step.key,
            step.targets,
            cluster.leader(),
            cluster.profile.set_runs_on,
            persistent=persistent,
            action=step.action,
            again=step.again and persistent,
            or_memory=self._persisting.or_memory or step.action == RESTORE,
        )

    def _send(
        self,
        cluster: Cluster,
        step: Step,
        planned: t.Sequence[ConfigCall],
        store: ConfigJournal,
        options: ConfigOptions,
    ) -> None:
        if not planned:
            return
        sender = Sender(cluster, store.open(), self._sent)
        if step.persistent and not self._persisting.tried and not options.restoring:
            planned = self._plan(cluster, step, False)  # an earlier key of this run was refused
        try:
            for call in planned:
                sender.send(call, step.targets)
            self._warn_memory_only(planned)
        except MigrationError as error:
            if error.code != NOT_PERSISTED or (options.persistent == "always" and not options.restoring):
                raise
            self._persisting = REFUSED
            if not options.restoring:
                self.result["persistence"] = REFUSED.as_result()
            store.note(
                {
                    "code": NOT_PERSISTED,
                    "cluster": resource_prefix(cluster.cluster_id),
                    "text": "The frontends cannot write fe.conf, so settings are in memory only.",
                }
            )
            self._sent.warnings.append(memory_only(step.key, error.server_text or ""))
            for call in self._plan(cluster, step, False):
                sender.send(call, step.targets)

    def _warn_memory_only(self, planned: t.Sequence[ConfigCall]) -> None:
        """The leader writes fe.conf of every frontend but those on its own host, and HTTP writes none."""
        alone = [call.frontend.address for call in planned if call.via == HTTP]
        if alone and any(call.persistent for call in planned):
            self._sent.warnings.append(
                f"{planned[0].key} could not be written to fe.conf of {', '.join(alone)}; it is set in memory there, "
                "and forgotten at the next restart."
            )

    def _prove(self, cluster: Cluster, steps: t.Sequence[Step]) -> None:
        """All configs of all living frontends once more, at the end: a later one may have disturbed an earlier one."""
        living = sorted({target.frontend for step in steps for target in step.targets}, key=lambda one: one.address)
        table = read_all(cluster, living, [step.key for step in steps])
        wrong = []
        for shown, step in zip(self.result["settings"], steps):
            for item, target in zip(shown["frontends"], step.targets):
                row = table[target.frontend][step.key]
                item["value"] = None if row is None else row.value
                if row is None or canonical(row.value, target.kind) != canonical(target.wanted, target.kind):
                    wrong.append(f"{step.key} on {target.frontend.address}")
        if wrong:
            raise MigrationError(
                "starrocks.setting_not_kept",
                f"{', '.join(wrong)} had the wanted value and has lost it again: the frontend was restarted, or "
                "somebody else sets it. Run again.",
                details={"lost": wrong},
            )

    def _tell_settings(self, steps: t.Sequence[Step]) -> None:
        self.result["settings"] = [
            {
                "key": step.key,
                "type": step.targets[0].kind if step.targets else None,
                "frontends": [
                    {
                        "frontend": target.frontend.address,
                        "role": target.frontend.role,
                        "former": target.now,
                        "value": target.wanted if self._check_mode else target.now,
                        "wanted": target.wanted,
                    }
                    for target in step.targets
                ],
            }
            for step in steps
        ]

    def _tell_sent(self) -> None:
        """What was sent and read back so far (in check mode, what would be)."""
        changes = ChangeList(self._sent.done)
        self.result.update(
            changes=changes.as_result(),
            calls=list(self._sent.calls),
            diff=changes.diff(),
            changed=changes.changed,
        )
        if self._sent.warnings:
            self.result["warnings"] = list(self._sent.warnings)
