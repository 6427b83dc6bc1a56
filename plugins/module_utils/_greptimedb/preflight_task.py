# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the preflight module: options, one look, one verdict."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidInput,
    InvalidOption,
    MigrationError,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Verdict, judge, parse_acceptances
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import already_told
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_file
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import read_past
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Snapshot
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Move
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import (
    PLAN_INVALID,
    parse_moves,
    parse_plan,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.preflight import evaluate, table_findings
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.reader import ClusterReader
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.snapshot import take_snapshot

ENGINE = "greptimedb"
_NAMED = 5


class PreflightTask:
    """Reads the options on creation of the result; ``result`` is what a failure shows too."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: dict[str, t.Any] = {"changed": False}

    def body(self) -> dict[str, t.Any]:
        """The module's result.

        :raises MigrationError: ``preflight.blocked`` when a blocker is open, unless ``fail_on_blocker`` is false
        """
        connection = Connection.from_params(self._params)
        moves = read_moves(self._params)
        tables = [str(name) for name in as_list(self._params.get("tables"), "tables")]
        accepted = parse_acceptances(self._params.get("accept"), "accept", self._clock.now())
        view = read_journal(self._params)
        if view is not None:
            view.expecting(self._params.get("migration_id") or "", ENGINE).require_valid()
        past = read_past(view.entries if view is not None else ())
        own = {move.procedure_id for move in past.moves.values() if move.procedure_id}
        with ClusterReader(connection, self._redactor, self._clock) as reader:
            snapshot = take_snapshot(reader, self._clock, tables=tables or None)
            findings = list(table_findings(snapshot, tables, connection.schema))
            findings += evaluate(snapshot, moves, own, reader.dialect)
            verdict = judge(findings, accepted, self._clock.now())
            self.result.update(verdict.as_result())
            self.result.update(_looked_at(snapshot, moves, reader.queries))
        judges_plan = any(self._params.get(name) for name in ("plan", "plan_file", "moves"))
        if moves or not judges_plan:
            # A plan in which nothing moves was judged of nothing: a second run after a drain adds nothing.
            self._record(verdict)
        self.result["msg"] = _summary(verdict)
        if not verdict.passed and self._params.get("fail_on_blocker", True):
            raise MigrationError("preflight.blocked", self.result["msg"])
        return self.result

    def _record(self, verdict: Verdict) -> None:
        if self._check_mode:
            return
        journal = open_journal(self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor)
        if journal is None:
            return
        with journal:
            shown = verdict.as_result()
            found = {"phase": "preflight", "findings": shown["findings"], "passed": verdict.passed}
            if not already_told(journal.entries, [("findings", found)]):
                journal.append("findings", found)


def read_moves(params: t.Mapping[str, t.Any]) -> tuple[Move, ...]:
    """The moves of ``plan``, ``plan_file`` or ``moves``; none of them is a check of the whole cluster.

    :raises InvalidOption: more than one of them, or tables as well (empty values do not count: AWX sends them)
    :raises InvalidInput: ``greptimedb.plan_invalid``, with every problem
    """
    given = [name for name in ("plan", "plan_file", "moves", "tables") if params.get(name)]
    if len(given) > 1:
        raise InvalidOption(given[1], f"it is given together with {given[0]}", "Give only one of them")
    if params.get("plan_file"):
        return parse_plan(plan_file.read(str(params["plan_file"])), "plan_file", allow_empty=True).moves
    if params.get("plan"):
        return parse_plan(params["plan"], "plan", allow_empty=True).moves
    problems: list[str] = []
    moves = parse_moves(params.get("moves"), "moves", problems) if params.get("moves") else []
    if problems:
        raise InvalidInput(problems, code=PLAN_INVALID)
    return tuple(moves)


def _looked_at(snapshot: Snapshot, moves: t.Sequence[Move], requests: int) -> dict[str, t.Any]:
    return {
        "versions": snapshot.versions.as_result(),
        "looked_at": {
            "datanodes": len(snapshot.datanodes),
            "regions": len(snapshot.physical_regions),
            "moves": len(moves),
            "requests": requests,
            "at": iso(snapshot.taken_at),
        },
    }


def _summary(verdict: Verdict) -> str:
    if verdict.passed:
        warnings = sum(finding.severity == "warning" for finding in verdict.findings)
        return f"No blocker is open; {warnings} warnings, {len(verdict.accepted)} findings accepted."
    named = [f"{finding.id} ({finding.subject}): {finding.remedy}" for finding in verdict.open_blockers[:_NAMED]]
    more = len(verdict.open_blockers) - len(named)
    if more > 0:
        named.append(f"and {more} more, see findings.")
    return f"{len(verdict.open_blockers)} blockers are open. " + " ".join(named)
