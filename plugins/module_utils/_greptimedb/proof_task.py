# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the region proof module: look until everything is proved, refuted, or the time is over."""

from __future__ import annotations

import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core.approval import read_approved
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration, parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import already_told
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import proof as p
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import PASSING
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_approval import (
    require_proved_is_approved,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof_look import take_look
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof_source import (
    Gate,
    Subject,
    read_gate,
    read_subject,
)

PHASE = "cutover"
ENGINE = "greptimedb"
_SHOWN = 5
_SUMMARY_MOST = 500


class ProofTask:
    """Holds what one call needs, so that a failure can still tell what was proved."""

    def __init__(
        self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: t.Optional[Clock] = None
    ) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock: Clock = clock or SystemClock()
        self._told: t.Dict[str, t.Any] = {"passed": False}
        self._gate = Gate()

    def partial(self) -> t.Mapping[str, t.Any]:
        """What is known so far, for the result of a failure."""
        return self._told

    def body(self) -> t.Dict[str, t.Any]:
        """Do the call and return the module's result; MigrationError where something is not proved."""
        timeout = parse_duration(self._params["timeout"], "timeout")
        interval = parse_duration(self._params["poll_interval"], "poll_interval", minimum=0.05, maximum=60)
        canaries = _read_canaries(self._params.get("canary_sql"))
        approved = read_approved(self._params)
        connection = Connection.from_params(self._params)
        entries = self._entries()
        if approved:
            require_proved_is_approved(entries or (), approved)
        chosen = read_gate(self._params, entries)
        self._gate, gate = chosen, chosen.datanodes
        subject = read_subject(self._params, entries, gate)
        with GreptimeClient(connection, self._redactor, self._clock) as client:
            # The first contact is not waited for: a wrong address or password is told at once.
            self._require_datanodes(client, gate, subject)
            deadline = Deadline(self._clock, timeout, "timeout: the proof")
            regions, datanodes = self._look_until_sure(client, subject, gate, deadline, interval)
            error = self._verdict(regions, datanodes, timeout)
            changes = ChangeList()
            if error is None:
                changes, error = self._canaries(client, canaries)
        self._told.update(changed=changes.changed, changes=changes.as_result())
        self._record(regions, datanodes, error)
        if error is not None:
            raise error
        return self._told

    def _entries(self) -> t.Optional[t.Sequence[t.Any]]:
        """What the journal holds, read without its lock, because a proof may wait; None where there is none."""
        view = read_journal(self._params)
        if view is None:
            if self._params.get("journal") and not self._gives_moves():
                raise MigrationError(
                    "journal.missing",
                    f"{self._params['journal']}: there is no journal, so it is not known what was moved. Give the"
                    " location that the migrate phase was given, or a plan.",
                )
            return None
        return view.expecting(self._params.get("migration_id") or "", ENGINE).require_valid().entries

    def _gives_moves(self) -> bool:
        return any(self._params.get(name) not in (None, "") for name in ("plan", "plan_file", "moves"))

    def _require_datanodes(self, client: GreptimeClient, gate: t.Sequence[int], subject: Subject) -> None:
        """A mistyped id would pass the gate with ease: nothing is on a datanode that does not exist."""
        known = {node.id for node in client.nodes() if node.kind == "datanode"}
        unknown = [one for one in gate if one not in known and one not in subject.sources]
        if unknown:
            shown = ", ".join(str(one) for one in unknown)
            raise InvalidOption(
                "empty_datanodes",
                f"datanode {shown} is not in the cluster",
                f"Choose among {', '.join(str(one) for one in sorted(known))}",
            )

    def _look_until_sure(
        self,
        client: GreptimeClient,
        subject: Subject,
        gate: t.Sequence[int],
        deadline: Deadline,
        interval: float,
    ) -> t.Tuple[t.List[p.RegionProof], t.List[p.DatanodeProof]]:
        """Look again while something is open. The last complete look counts; without any, its error is raised."""
        accept_missing = bool(self._params["accept_missing"])
        looks = 0
        found: t.Optional[t.Tuple[t.List[p.RegionProof], t.List[p.DatanodeProof]]] = None
        while True:
            try:
                look = take_look(client, [one.region_id for one in subject.regions], bool(gate), subject.headed_for)
            except MigrationError as error:
                # A look that failed proves nothing; what an earlier one proved may have changed since.
                found = None
                if error.code not in PASSING or deadline.expired:
                    raise
            else:
                looks += 1
                regions = [p.prove_region(wanted, look, accept_missing) for wanted in subject.regions]
                datanodes = [p.prove_empty(one, look) for one in gate]
                found = (regions, datanodes)
                self._tell(look, regions, datanodes, looks)
                if gate and client.connection.frontend is None:
                    self._told["notes"].append(
                        f"Without a frontend only the schema {client.connection.schema} can be looked at; regions of"
                        " others would not be seen."
                    )
                if p.OPEN not in _states(regions, datanodes) or deadline.expired:
                    return found
            deadline.sleep(interval)

    def _tell(
        self,
        look: p.Look,
        regions: t.Sequence[p.RegionProof],
        datanodes: t.Sequence[p.DatanodeProof],
        looks: int,
    ) -> None:
        notes = list(self._gate.notes)
        if look.migrations is None:
            notes.append("This server cannot list migrations, so one that was started elsewhere would not be seen.")
        if look.not_asked:
            notes.append(look.not_asked)
        self._told.update(
            level=look.level,
            proofs=[one.as_result() for one in regions],
            datanodes=[one.as_result() for one in datanodes],
            holding=[thing.as_result() for one in datanodes for thing in one.holding],
            looks=looks,
            notes=notes,
        )

    def _canaries(
        self, client: GreptimeClient, statements: t.Mapping[str, str]
    ) -> t.Tuple[ChangeList, t.Optional[MigrationError]]:
        """Run the operator's own statements, one per table, until one fails."""
        changes = ChangeList()
        for table, statement in statements.items():
            changes.add(Change(f"greptimedb.table/{table}", "canary", None, {"executed": True}, statement))
            if self._check_mode:
                continue
            try:
                client.execute(statement)
            except MigrationError as error:
                message = f"canary_sql: the statement for table {table} failed: {error.message}"
                # The server's text may be long, and a summary is handed on to the next node of a workflow.
                self._told.update(passed=False, summary=brief(message))
                return changes, MigrationError(
                    "greptimedb.canary_failed", message, server_text=error.server_text, details=error.details
                )
        return changes, None

    def _verdict(
        self, regions: t.Sequence[p.RegionProof], datanodes: t.Sequence[p.DatanodeProof], timeout: float
    ) -> t.Optional[MigrationError]:
        missing = [one for one in regions if one.state != p.PROVEN]
        full = [one for one in datanodes if one.state != p.PROVEN]
        parts = []
        if missing:
            shown = "; ".join(f"region {one.region_id}: {one.reason}" for one in missing[:_SHOWN])
            parts.append(f"{len(missing)} of {len(regions)} regions are not proved: {shown}{_more(missing)}.")
        for one in full:
            things = [
                f"{thing.kind} of region {thing.region_id}{f' of {thing.table}' if thing.table else ''}"
                for thing in one.holding
            ]
            parts.append(f"Datanode {one.datanode} still holds {', '.join(things[:_SHOWN])}{_more(things)}.")
        if not parts:
            self._told.update(passed=True, summary=_summary(regions, datanodes))
            return None
        if p.OPEN in _states(missing, full):
            parts.append(f"No better evidence came within {format_duration(timeout)}.")
        self._told["summary"] = " ".join(parts)
        code = "greptimedb.not_proven" if missing else "greptimedb.datanode_not_empty"
        return MigrationError(code, " ".join(parts))

    def _record(
        self,
        regions: t.Sequence[p.RegionProof],
        datanodes: t.Sequence[p.DatanodeProof],
        error: t.Optional[MigrationError],
    ) -> None:
        """Leave the proof in the journal."""
        if self._check_mode or not self._params.get("journal"):
            return
        run = {"run_id": uuid.uuid4().hex[:12], "phase": PHASE}
        shown = {name: self._params.get(name) for name in ("timeout", "accept_missing")}
        shown["empty_datanodes"] = list(self._gate.datanodes)
        records: t.List[t.Tuple[str, t.Dict[str, t.Any]]] = [("run.started", {**run, "options": shown})]
        if regions:
            items = [{"subject": f"region {one.region_id}", **one.as_result()} for one in regions]
            passed = all(one.state == p.PROVEN for one in regions)
            records.append(("proof", {"kind": "greptimedb.regions_served", "passed": passed, "items": items}))
        for one in datanodes:
            item = {"subject": f"datanode {one.datanode}", **one.as_result()}
            item["held"] = [thing.as_result() for thing in one.holding[:100]]
            records.append(
                ("proof", {"kind": "greptimedb.datanode_empty", "passed": one.state == p.PROVEN, "items": [item]})
            )
        status = "ok" if error is None else "failed"
        records.append(("run.finished", {**run, "status": status, "summary": self._told["summary"]}))
        journal = open_journal(self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor)
        if journal is not None:
            with journal:
                # What is proved once more, with no change in between, is no news: a second run leaves all as it is.
                if not already_told(journal.entries, [one for one in records if one[0] == "proof"]):
                    journal.append_many(records)


def brief(text: str) -> str:
    """A text on one line, cut where it is longer than a summary may be."""
    line = " ".join(text.split())
    return line if len(line) <= _SUMMARY_MOST else f"{line[: _SUMMARY_MOST - 4]} ..."


def _states(regions: t.Sequence[p.RegionProof], datanodes: t.Sequence[p.DatanodeProof]) -> t.Set[str]:
    return {one.state for one in regions} | {one.state for one in datanodes}


def _read_canaries(value: t.Any) -> t.Dict[str, str]:
    statements = {}
    for table, statement in as_mapping(value, "canary_sql").items():
        if not isinstance(statement, str) or not statement.strip():
            raise InvalidOption(
                "canary_sql", f"the statement for {table!r} is empty", "Give one SQL statement per table"
            )
        statements[table] = statement.strip()
    return statements


def _more(things: t.Sequence[t.Any]) -> str:
    return f" and {len(things) - _SHOWN} more" if len(things) > _SHOWN else ""


def _summary(regions: t.Sequence[p.RegionProof], datanodes: t.Sequence[p.DatanodeProof]) -> str:
    parts = []
    if regions:
        parts.append(f"Moved regions that their targets serve: {len(regions)} of {len(regions)}.")
    elif not datanodes:
        parts.append("Nothing was moved, so there is nothing to prove.")
    parts.extend(f"Datanode {one.datanode} holds nothing." for one in datanodes)
    return " ".join(parts)
