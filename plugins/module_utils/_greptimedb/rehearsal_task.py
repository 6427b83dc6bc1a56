# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the rehearsal module: make the shadow table, move its region there and back, or take everything away."""

from __future__ import annotations

import dataclasses
import secrets
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.call_journal import CallJournal
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import MEASURED
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import rehearsal_past as rp
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_task import MigrationTask
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import ALIVE, Region, Table
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import (
    ENGINE,
    Move,
    default_limits,
    make_plan,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_forecast import (
    metasrv_of,
    version_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_options import (
    ABSENT,
    PRESENT,
    moving_params,
    read_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_prober import Prober, window

_EXISTS = ("TableAlreadyExists", 1050)
_LOOK = 0.3
_SETTLING = 30.0
"""For so long, in seconds, a table may come behind a CREATE that was answered with nothing that is certain."""
_STEADY_SECONDS = 1.0
"""For so long writes are accepted before a move, and behind it."""


class RehearsalTask:
    """Holds what one call needs, so that a failure in the middle can still tell what was done."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._changes = ChangeList()
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        self._options = read_options(self._params)
        self._connection = Connection.from_params(self._params)
        if self._connection.frontend is None:
            raise InvalidOption("frontend_host", "a rehearsal needs SQL", "Set frontend_host (or GREPTIMEDB_HOST)")
        needed = "Give a journal for the rehearsal alone; it tells the shadow table from tables of others"
        store = CallJournal(self._params, self._redactor, self._clock, engine=ENGINE, needed=needed)
        found = rp.read_rehearsals(store.entries)
        now = rp.unfinished(found)
        try:
            if self._options.state == ABSENT:
                self._absent(store, now)
            elif self._options.state == PRESENT:
                self._present(store, found, now)
            else:
                self._moved(store, now)
        finally:
            store.close()
        return self.result

    def _tell(self, table: str, summary: str) -> None:
        changes = self._changes
        self.result.update(
            table=table,
            changed=changes.changed,
            changes=changes.as_result(),
            diff=changes.diff(),
            summary=summary,
        )

    # The shadow table is made.

    def _present(self, store: CallJournal, found: t.Sequence[rp.Rehearsal], now: t.Optional[rp.Rehearsal]) -> None:
        options = self._options
        with GreptimeClient(self._connection, self._redactor, self._clock) as client:
            if now is not None:
                if now.table_id is None:
                    raise MigrationError(
                        "greptimedb.rehearsal_unfinished",
                        f"A rehearsal with {now.table} was begun in this journal and did not get far. Take it away "
                        "with state=absent first.",
                    )
                self._tell(now.table, f"{now.table} is there already")
                self._plan(client, self._region(client, now))
                return
            name = options.table or rp.PREFIX + secrets.token_hex(4)
            table = f"{self._connection.schema}.{name}"
            if self._find(client, table) is not None:
                raise MigrationError(
                    "greptimedb.rehearsal_name_taken",
                    f"table: there is a table {table} already, which this journal did not make, so it is left alone. "
                    "Leave the option out, or give another name.",
                )
            sql = rp.create_sql(name)
            self._changes.add(Change(rp.resource(table), rp.CREATE, None, {"name": table}, sql))
            if self._check_mode:
                self._tell(table, f"{table} would be made")
                return
            journal = _opened(store)
            journal.append(rp.STARTED, {"table": table, "metasrv": list(metasrv_of(client, client.nodes()))})
            (change,) = self._changes
            ids = journal.intents([change])
            made = self._create(client, journal, ids[0], sql, table)
            self._tell(table, f"{table} is there")
            self._plan(client, self._region(client, rp.Rehearsal(table, (), True, made.table_id)))

    def _create(self, client: GreptimeClient, journal: Journal, change_id: str, sql: str, table: str) -> Table:
        """Make it; a lost answer is settled by looking."""
        try:
            client.execute(sql)
        except MigrationError as error:
            is_open = error.code == "greptimedb.ambiguous" or self._is_our_echo(error)
            if not is_open or self._appears(client, table) is None:
                status = "unknown" if is_open else "failed"
                journal.outcomes([(change_id, status, {"code": error.code, "server_text": error.server_text or ""})])
                self._changes = ChangeList() if status == "failed" else self._changes
                raise
        made = self._find(client, table)
        if made is None:
            journal.outcomes([(change_id, "unknown", {"code": "greptimedb.rehearsal_not_listed"})])
            raise MigrationError(
                "greptimedb.rehearsal_not_listed", f"{table} was made, but the cluster does not list it yet. Run again."
            )
        journal.outcomes([(change_id, "done", {"evidence": {"table_id": made.table_id}})])
        return made

    def _is_our_echo(self, error: MigrationError) -> bool:
        """A name that was drawn by lot can only be there because our own request arrived twice (facts 1.4)."""
        return not self._options.table and error.details.get("status", error.details.get("errno")) in _EXISTS

    def _appears(self, client: GreptimeClient, table: str) -> t.Optional[Table]:
        deadline = Deadline(self._clock, _SETTLING, f"the table {table}")
        while True:
            found = self._find(client, table)
            if found is not None or deadline.remaining() <= 0:
                return found
            deadline.sleep(_LOOK)

    def _plan(self, client: GreptimeClient, region: Region) -> None:
        """What the move will be, for a preflight."""
        target = self._target(client, region)
        self.result["plan"] = _plan(client, region, target)
        self.result["target"] = target

    # Its region is moved.

    def _moved(self, store: CallJournal, now: t.Optional[rp.Rehearsal]) -> None:
        if now is None or now.table_id is None:
            if self._check_mode:
                self._tell("", "the shadow table whose region a real run moves is not there")
                return
            raise MigrationError(
                "greptimedb.rehearsal_missing",
                "This journal knows of no shadow table that is there. Make it with state=present first.",
            )
        if now.measured is not None or self._check_mode:
            self._tell(now.table, f"the region of {now.table} was moved already" if now.measured else "")
            self.result["measured"] = dict(now.measured or {})
            return
        store.close()
        with GreptimeClient(self._connection, self._redactor, self._clock) as client:
            measured = self._measure(client, now)
        _opened(store).append(MEASURED, measured)
        refused = measured["refused"]
        self._tell(now.table, f"its region was moved there and back; writes were refused for {refused} s at most")
        self.result.update(measured=measured, changed=True)

    def _measure(self, client: GreptimeClient, now: rp.Rehearsal) -> t.Dict[str, t.Any]:
        region = self._region(client, now)
        if region.leader_peer is None:
            raise MigrationError("greptimedb.rehearsal_no_leader", f"The region of {now.table} has no leader.")
        home, away = region.leader_peer, self._target(client, region)
        prober = Prober(self._connection, now.name, self._clock)
        self._first_write(prober)
        prober.start()
        rows = []
        try:
            for source, target in ((home, away), (away, home)):
                self._clock.sleep(_STEADY_SECONDS)
                rows.append(self._move(client, region, source, target, prober))
        finally:
            prober.finish()
        acknowledged = sum(write.accepted for write in prober.writes)
        found = int(client.query(rp.count_sql(now.name)).single())
        return {
            "table": now.table,
            "region_id": region.region_id,
            "at": iso(self._clock.now()),
            "metasrv": list(metasrv_of(client, client.nodes())),
            "version": version_of(client),
            "moves": rows,
            "refused": max(row["refused"] for row in rows),
            "move_seconds": round(sum(row["seconds"] for row in rows) / len(rows), 3),
            "acknowledged": acknowledged,
            "lost": max(0, acknowledged - found),
            "errors": dict(prober.errors),
        }

    def _first_write(self, prober: Prober) -> None:
        """A table that has just been made may not take writes at once."""
        deadline = Deadline(self._clock, self._options.timeout, "timeout: the first write to the shadow table")
        while not prober.write():
            deadline.check(sorted(prober.errors))
            deadline.sleep(_LOOK)

    def _move(
        self, client: GreptimeClient, region: Region, source: int, target: int, prober: Prober
    ) -> t.Dict[str, t.Any]:
        plan = _plan(client, dataclasses.replace(region, leader_peer=source), target)
        began = self._clock.monotonic()
        task = MigrationTask(moving_params(self._params, plan=plan), check_mode=False, redactor=self._redactor)
        task.body()
        proved = self._clock.monotonic()
        self._clock.sleep(_STEADY_SECONDS)
        seen = window(prober.writes, began, proved)
        detected = None if seen.accepted_again is None else round(max(0.0, proved - seen.accepted_again), 3)
        return {
            "from_peer": source,
            "to_peer": target,
            "seconds": round(proved - began, 3),
            "refused": seen.refused,
            "refusals": seen.refusals,
            "longest_gap": seen.gap,
            "detected": detected,
        }

    # Everything is taken away.

    def _absent(self, store: CallJournal, now: t.Optional[rp.Rehearsal]) -> None:
        if now is None:
            self._tell("", "no rehearsal has left anything")
            return
        with GreptimeClient(self._connection, self._redactor, self._clock) as client:
            if not set(now.metasrv) & set(metasrv_of(client, client.nodes())):
                raise MigrationError(
                    "greptimedb.rehearsal_elsewhere",
                    f"The journal's rehearsal was on the cluster of {', '.join(now.metasrv)}, and these options lead "
                    "to another one. Give the addresses of that cluster, or the journal of this one.",
                )
            there = self._ours(client, now)
            sql = rp.drop_sql(now.name)
            if there is not None:
                before = {"name": now.table, "table_id": there.table_id}
                self._changes.add(Change(rp.resource(now.table), rp.DROP, before, None, sql))
            if self._check_mode:
                self._tell(now.table, f"everything of {now.table} would be taken away")
                return
            if there is not None:
                # A drop can race a migration of the table's region.
                store.close()
                MigrationTask(
                    moving_params(self._params, follow_only=True), check_mode=False, redactor=self._redactor
                ).body()
            journal = _opened(store)
            for change in self._changes:
                self._drop(client, journal, change, now)
            journal.append(rp.CLEARED, {"table": now.table})
        self._tell(now.table, f"everything of {now.table} is taken away")

    def _drop(self, client: GreptimeClient, journal: Journal, change: Change, now: rp.Rehearsal) -> None:
        ids = journal.intents([change])
        try:
            client.execute(str(change.request))
        except MigrationError as error:
            if self._find(client, now.table) is not None:
                status = "unknown" if error.code == "greptimedb.ambiguous" else "failed"
                journal.outcomes([(ids[0], status, {"code": error.code, "server_text": error.server_text or ""})])
                raise
        journal.outcomes([(ids[0], "done", {})])

    def _ours(self, client: GreptimeClient, now: rp.Rehearsal) -> t.Optional[Table]:
        # What was perhaps made is waited for, or it would come when nobody looks for it any more.
        may_come = now.asked and now.table_id is None and not self._check_mode
        there = self._appears(client, now.table) if may_come else self._find(client, now.table)
        if there is None:
            return None
        if not now.asked or (now.table_id is not None and now.table_id != there.table_id):
            raise MigrationError(
                "greptimedb.rehearsal_not_ours",
                f"The table {now.table} (id {there.table_id}) is not the one that this journal's rehearsal made, so it "
                "is left alone. Find out whose it is.",
                details={"table_id": there.table_id, "made": now.table_id},
            )
        return there

    # What is there.

    @staticmethod
    def _find(client: GreptimeClient, table: str) -> t.Optional[Table]:
        return next((one for one in client.tables() if one.qualified == table), None)

    def _region(self, client: GreptimeClient, now: rp.Rehearsal) -> Region:
        deadline = Deadline(self._clock, self._options.timeout, f"timeout: the region of {now.table}")
        while True:
            found = [one for one in client.regions() if one.table_id == now.table_id and one.leader_peer is not None]
            if found:
                return found[0]
            deadline.check()
            deadline.sleep(_LOOK)

    def _target(self, client: GreptimeClient, region: Region) -> int:
        """Another datanode that is alive: the one of the option, or the one that leads the fewest regions."""
        alive = {node.id for node in client.nodes() if node.kind == "datanode" and node.alive == ALIVE}
        taken = {region.leader_peer, *region.followers}
        wanted = self._options.target
        if wanted is not None:
            if wanted not in alive or wanted in taken:
                raise InvalidOption(
                    "target",
                    f"datanode {wanted} is not alive, or holds the shadow table's region already",
                    "Give another one, or leave it out",
                )
            return wanted
        load = dict.fromkeys(sorted(alive - taken), 0)
        for one in client.regions():
            if one.leader_peer in load:
                load[one.leader_peer] += 1
        if not load:
            raise MigrationError(
                "greptimedb.rehearsal_no_target",
                "There is no other datanode that is alive, so there is nothing to rehearse.",
            )
        return min(load, key=lambda peer: (load[peer], peer))


def _plan(client: GreptimeClient, region: Region, target: int) -> t.Dict[str, t.Any]:
    move = Move(region.region_id, t.cast(int, region.leader_peer), target, region.qualified, region.table_id)
    return make_plan("moves", [move], default_limits(True), before={}).as_data()


def _opened(store: CallJournal) -> Journal:
    journal = store.open()
    if journal is None:
        raise MigrationError("internal.error", "the rehearsal has no journal")
    return journal
