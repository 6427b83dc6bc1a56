# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the plan module: check the options, look at the cluster, make the plan, say whether a file differs."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.approval import read_approved, require_approved
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import (
    Rehearsed,
    read_max_age,
    read_rehearsed,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_file, plan_under_way
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import rehearsal_forecast as rf
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import Past, read_past
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import (
    ENGINE,
    Plan,
    summary_lines,
    with_rehearsal,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_approval import approved_in
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_build import build
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_cluster import ClusterState, ClusterView
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_request import (
    REVERSE,
    PlanRequest,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_reverse import nothing_begun
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import parse_plan

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect


NOTHING_BEGUN = "nothing_begun"
"""The choice of ``missing_journal`` with which no journal means that there is nothing to take back."""


class PlanTask:
    """Reads only. Writing the file is the module's part, with what ``file_change`` says."""

    def __init__(self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: t.Optional[Clock] = None) -> None:
        self._params = params
        self._redactor = redactor
        self._clock: Clock = clock or SystemClock()
        self._state = ClusterState((), (), (), None)

    def make(self) -> Plan:
        """The plan.

        :raises MigrationError: bad options (all at once, before anything is contacted), a cluster that cannot be
            looked at, a plan that cannot be carried out, or another one than was approved
        """
        approved = read_approved(self._params)
        request = read_request(self._params)
        view = self._journal()
        request = self._taken_up(request, approved, view)
        connection = Connection.from_params(self._params)
        rehearsed = read_rehearsed(self._params, read_max_age(self._params), ENGINE)
        past = read_past(() if view is None else view.entries)
        if view is None and request.strategy == REVERSE:
            self._require_nothing_begun()
        with GreptimeClient(connection, self._redactor, self._clock) as client:
            dialect = client.dialect
            self._state = ClusterState(
                nodes=client.nodes(),
                regions=client.regions(),
                tables=client.tables(),
                procedures=client.procedures(active_only=True),
                only_schema=connection.schema if connection.frontend is None else None,
            )
            plan = self._planned(request, dialect, past)
            if view is None and request.strategy == REVERSE:
                plan = dataclasses.replace(plan, notes=(nothing_begun(self._location()),))
            require_approved(approved, plan.plan_id, f"{len(plan.moves)} moves, {plan.strategy}")
            return self._rehearsed(plan, client, rehearsed)

    def _rehearsed(self, plan: Plan, client: GreptimeClient, rehearsed: t.Optional[Rehearsed]) -> Plan:
        """The plan, with what a rehearsal has measured in its forecast."""
        if rehearsed is None:
            return plan
        here = rf.Here(rf.metasrv_of(client, self._state.nodes), rf.version_of(client), self._clock.now())
        why = rf.unfit(rehearsed, here)
        return with_rehearsal(plan, None if why else rehearsed.data, rehearsed.location, why)

    def _planned(self, request: PlanRequest, dialect: Dialect, past: Past) -> Plan:
        """The plan for the cluster as it is; what this migration has under way counts as arrived."""
        if request.strategy == REVERSE:
            return build(request, self._state, dialect, past)
        state, arrived = plan_under_way.as_arrived(self._state, past)
        plan = build(request, state, dialect)
        if not arrived:
            return plan
        return dataclasses.replace(plan, notes=(*plan.notes, plan_under_way.note(arrived, self._location())))

    def _taken_up(self, request: PlanRequest, approved: str, view: t.Optional[JournalView]) -> PlanRequest:
        """The plan that was approved, if the journal knows it as begun: what is made anew would be what is left."""
        begun = None if view is None else approved_in(view.entries, approved)
        if begun is None:
            return request
        return dataclasses.replace(request, plan=parse_plan(begun, "journal", allow_empty=True), plan_option="journal")

    def _location(self) -> str:
        return str(self._params.get("journal"))

    def _require_nothing_begun(self) -> None:
        """Without a journal there is a way back only if somebody says that there was no way there."""
        if self._params.get("missing_journal") != NOTHING_BEGUN:
            raise MigrationError(
                "journal.missing",
                f"{self._location()}: there is no journal, so it is not known what was moved, and nothing was touched."
                " Give the journal of the migration to reverse. If it ended before its first step, there is none, and"
                " nothing to reverse.",
            )

    def _journal(self) -> t.Optional[JournalView]:
        """The journal, if it is sound and this migration's; None when there is none (yet)."""
        view = read_journal(self._params)
        if view is None:
            return None
        location = self._location()
        view.require_valid()
        wanted = self._params.get("migration_id") or ""
        if view.engine != ENGINE or (wanted and view.migration_id != wanted):
            raise MigrationError(
                "journal.other_migration",
                f"{location}: this is the journal of migration {view.migration_id} ({view.engine}), not of "
                f"{wanted or ENGINE}. Correct journal or migration_id.",
            )
        return view

    def file_change(self, plan: Plan, path: str) -> t.Optional[t.Tuple[str, str]]:
        """Text before and after, or None when the file says the same already.

        A file says the same when its plan has the same id: sizes and notes may differ, because the cluster is written
        to. And when nothing has to move, a plan of which every move is made says the same.
        """
        text = plan_file.dump(plan, as_json=plan_file.is_json_path(path))
        before = ""
        if os.path.exists(path):
            try:
                with open(path, encoding="utf-8") as file:
                    before = file.read()
                kept = parse_plan(plan_file.loads(before, "dest", path), "dest", allow_empty=True)
            except (MigrationError, UnicodeDecodeError):
                return before, text  # not a plan: it is replaced
            except OSError as error:
                raise MigrationError(
                    "file.not_accessible", f"dest: {path} cannot be read: {error.strerror}."
                ) from error
            if kept.plan_id == plan.plan_id or (not plan.moves and kept.moves and self._made(kept)):
                return None
        return before, text

    def _made(self, plan: Plan) -> bool:
        regions = ClusterView(self._state).regions
        return all(
            move.region_id in regions
            and regions[move.region_id].leader_peer == move.to_peer
            and not regions[move.region_id].degraded
            for move in plan.moves
        )


def plan_result(plan: Plan) -> t.Dict[str, t.Any]:
    """The plan as the module returns it."""
    return {
        "plan": plan.as_data(),
        "plan_id": plan.plan_id,
        "moves": len(plan.moves),
        "complete": plan.complete,
        "summary": summary_lines(plan),
    }
