# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Sending the calls of a duplication task: written down before, found again if a reply is lost, never added twice."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_past as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_look import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Step, Wanted, find
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Duplication
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call, send_call

Value = t.TypeVar("Value")

ADD_ATTEMPTS = 3
BUSY_ATTEMPTS = 10
PAUSE = 0.5

ADDED = "added"
WAS_THERE = "was_there"


class Sender:
    """``journal`` None: nothing is written down. ``settle_time``: seconds to look for what a lost reply has done."""

    def __init__(
        self, clusters: Clusters, journal: t.Optional[Journal], clock: Clock, settle_time: float, past: dp.Past
    ) -> None:
        self._clusters = clusters
        self._client = clusters.client
        self._journal = journal
        self._clock = clock
        self._settle_time = settle_time
        self._past = past

    def send(self, wanted: Wanted, step: Step) -> t.Tuple[str, t.Optional[Duplication]]:
        """Send one step. For an addition ``added`` or ``was_there`` (somebody else was faster), and the duplication."""
        if step.action == dp.ADD:
            return self._add(wanted, step)
        self._modify(wanted, step)
        return "", None

    def take_over(self, resource: str, duplication: Duplication) -> None:
        """Write down that a duplication is ours from now on which somebody else has added."""
        if self._journal is not None:
            after = {"dupid": duplication.dupid, "status": duplication.status, "fail_mode": duplication.fail_mode}
            ids = self._journal.intents([Change(resource, dp.ADOPT, None, after, {"sent": "nothing"})])
            evidence = {"dupid": duplication.dupid, "create_ts_ms": duplication.create_ts_ms}
            self._journal.outcomes([(ids[0], "done", {"evidence": evidence})])

    def adopt(self, wanted: Wanted, duplication: Duplication) -> None:
        """Write down that a duplication is ours which an earlier run had asked for and not seen."""
        adds = [one for one in self._past.open if one.action == dp.ADD]
        if self._journal is not None and adds:
            evidence = {"dupid": duplication.dupid, "create_ts_ms": duplication.create_ts_ms, "found": True}
            self._journal.outcomes([(adds[-1].change_id, "done", {"evidence": evidence})])

    def settle(self, wanted: Wanted, duplications: t.Sequence[Duplication]) -> None:
        """Write how the changes ended that a killed run left open, as far as the cluster tells."""
        if self._journal is None:
            return
        there = find(wanted, duplications) if wanted.state != "absent" else _newest(wanted, duplications)
        for change in self._past.unsettled:
            evidence = {"evidence": {"found": None if there is None else there.as_result()}}
            if change.action == dp.ADD:
                if there is None or self._past.owner(there) != dp.FOUND:
                    # It may still arrive. It stays known, so that it will be found then.
                    self._journal.outcomes([(change.change_id, "unknown", evidence)])
                continue
            status = "done" if _is_so(change, there) else "abandoned"
            self._journal.outcomes([(change.change_id, status, evidence)])

    def _add(self, wanted: Wanted, step: Step) -> t.Tuple[str, t.Optional[Duplication]]:
        tried_since: t.Optional[float] = None
        for attempt in range(1, ADD_ATTEMPTS + 1):
            began = self._clock.now().timestamp()
            ids = self._journal.intents([step.change]) if self._journal is not None else []
            lost: t.Optional[MigrationError] = None
            refused = False
            made = 0
            try:
                made = self._not_busy(lambda: self._request(wanted))
                refused = made == 0
            except MigrationError as error:
                refused = error.code == "pegasus.dup_exists"
                if error.code == "pegasus.ambiguous":
                    lost, tried_since = error, began if tried_since is None else tried_since
                elif error.code != "pegasus.dup_exists":
                    self._conclude(ids, "failed", {"code": error.code, "server_text": error.server_text or ""})
                    raise
            # The reply is not enough: up to 2.5 dupid 0 and ERR_OK mean that it was there already, in some status.
            there = self._search(wanted, lost is not None)
            if there is not None:
                evidence = {"dupid": there.dupid, "create_ts_ms": there.create_ts_ms, "reply": _word(lost)}
                since = began if tried_since is None else tried_since
                told_off = refused and tried_since is None
                fits = not told_off and there.create_ts_ms / 1000.0 >= since - dp.CLOCK_SKEW
                # Only where no reply says which one is ours do the clocks have to.
                if (there.dupid == made) if made else fits:
                    self._conclude(ids, "done", {"evidence": evidence})
                    return ADDED, there
                self._conclude(ids, "skipped", {"evidence": evidence})
                return WAS_THERE, there
            code = "pegasus.dup_not_kept" if lost is None else lost.code
            self._conclude(ids, "unknown", {"code": code})
            self._clock.sleep(PAUSE * attempt)
        raise MigrationError(
            "pegasus.dup_not_kept",
            f"{wanted.table}: a duplication to {wanted.remote} was asked for {ADD_ATTEMPTS} times, and none is there. "
            "Look into the log of the source's primary meta server, then run again.",
        )

    def _request(self, wanted: Wanted) -> int:
        """The dupid; 0 up to 2.5 for one that was there already."""
        return self._client.add_duplication(
            wanted.table,
            wanted.remote,
            checkpoint=wanted.checkpoint,
            remote_app_name=wanted.remote_table,
            remote_replica_count=wanted.replica_count,
        ).dupid

    def _search(self, wanted: Wanted, patiently: bool) -> t.Optional[Duplication]:
        """The duplication as the meta server has it; after a lost reply, for as long as it may still be carried out."""
        ends = self._clock.monotonic() + (self._settle_time if patiently else 0.0)
        while True:
            there = find(wanted, self._clusters.duplications(wanted.table))
            if there is not None or self._clock.monotonic() >= ends:
                return there
            self._clock.sleep(PAUSE)

    def _modify(self, wanted: Wanted, step: Step) -> None:
        def send() -> None:
            try:
                self._not_busy(
                    lambda: self._client.modify_duplication(
                        wanted.table, step.dupid, status=step.status, fail_mode=step.fail_mode
                    )
                )
            except MigrationError as error:
                if step.action != dp.REMOVE or error.code not in ("pegasus.object_not_found", "pegasus.app_not_found"):
                    raise

        def look() -> t.Sequence[t.Any]:
            now = next((one for one in self._clusters.duplications(wanted.table) if one.dupid == step.dupid), None)
            made = now is not None and (
                (step.status is None or now.status == step.status)
                and (step.fail_mode is None or now.fail_mode == step.fail_mode)
            )
            if step.action == dp.REMOVE:
                made = now is None or now.status == "DS_REMOVED"
            return [step.change.after if made else step.change.before]

        send_call(Call((step.change,), send, look), self._journal, self._clock)

    def _not_busy(self, call: t.Callable[[], Value]) -> Value:
        """ERR_BUSY: another change of the same duplication runs; it was refused, so it can be sent again."""
        for _attempt in range(BUSY_ATTEMPTS - 1):
            try:
                return call()
            except MigrationError as error:
                if error.code != "pegasus.busy":
                    raise
                self._clock.sleep(PAUSE)
        return call()

    def _conclude(self, ids: t.Sequence[str], status: str, data: t.Mapping[str, t.Any]) -> None:
        if self._journal is not None:
            self._journal.outcomes((change_id, status, data) for change_id in ids)


def _newest(wanted: Wanted, duplications: t.Sequence[Duplication]) -> t.Optional[Duplication]:
    there = [one for one in duplications if one.remote == wanted.remote and one.status != "DS_REMOVED"]
    return max(there, key=lambda one: one.create_ts_ms) if there else None


def _is_so(change: dp.OpenChange, there: t.Optional[Duplication]) -> bool:
    """Whether what a modification wanted is so now."""
    if change.action == dp.REMOVE:
        return there is None or there.dupid != change.dupid
    if there is None or there.dupid != change.dupid:
        return False
    found = {"status": there.status, "fail_mode": there.fail_mode}
    return all(found.get(name, value) == value for name, value in (change.after or {}).items())


def _word(lost: t.Optional[MigrationError]) -> str:
    return "received" if lost is None else "lost"
