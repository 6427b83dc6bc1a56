# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Setting maintenance mode with its former state written down, and putting that back."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    RESTORE,
    Recorded,
    assume,
    decide,
    recorded,
    restore_record,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import Decision
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection

ENGINE = "greptimedb"
RESOURCE = "greptimedb.maintenance_mode"

# The request was sent: what is not seen yet may be set nevertheless, by this or another metasrv.
_UNKNOWN = ("greptimedb.ambiguous", "greptimedb.maintenance_not_set")

State = t.Mapping[str, t.Any]


class MaintenanceTask:
    """One call of the module."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: dict[str, t.Any] = {"changed": False}

    def body(self) -> dict[str, t.Any]:
        """The module's result."""
        connection = Connection.from_params(self._params)
        wanted = str(self._params["state"])
        if wanted == "restored" and not self._params.get("journal"):
            raise InvalidOption("journal", "it is not given", "state=restored needs the journal with the former state")
        view = read_journal(self._params)
        if view is not None:
            view.expecting(self._params.get("migration_id") or "", ENGINE).require_valid()
        past = recorded(view.entries if view is not None else (), RESOURCE).get(RESOURCE, NOTHING)
        assumed = self._assumed() if wanted == "restored" else []
        past = assume(past, assumed)
        if wanted == "restored" and not past.changes and not past.pending:
            return self._nothing_to_restore()
        with GreptimeClient(connection, self._redactor, self._clock) as client:
            now = assumed[-1]["after"] if assumed else self._now(client)
            decision: Decision | None = None
            if wanted == "restored":
                decision = decide(past, now)
                target = past.original if decision.action == "restore" else now
            else:
                target = {"enabled": wanted == "enabled"}
            changes = ChangeList()
            if target is not None and target != now:
                request = client.maintenance_request(bool(target["enabled"]))
                action = RESTORE if decision is not None else "set"
                changes.add(Change(RESOURCE, action, dict(now), dict(target), request))
            self._tell(changes, now, past, decision)
            if not self._check_mode:
                self._apply(client, changes, now, past, decision)
        self.result["enabled"] = bool((target or now)["enabled"])
        return self.result

    def _assumed(self) -> list[dict[str, t.Any]]:
        """What a task before this one would have changed, had this not been a check."""
        option = "predicted_changes"
        if not self._check_mode:
            return []
        given = as_mapping_list(self._params.get(option), option)
        found = [one for one in given if one.get("resource") == RESOURCE]
        for one in found:
            for name in ("before", "after"):
                state = one.get(name)
                if not isinstance(state, dict) or not isinstance(state.get("enabled"), bool):
                    raise InvalidOption(
                        option,
                        f"{name} of a change does not tell whether it is enabled",
                        "Give the changes of a task that this module did before, as it returned them",
                    )
        return found

    def _nothing_to_restore(self) -> dict[str, t.Any]:
        """Nobody is asked: a metasrv out of reach, or without the mode, must not fail a run that left it alone."""
        record = restore_record(RESOURCE, NOTHING, None, decide(NOTHING, None))
        self.result.update(changes=[], enabled=None, restore=record)
        return self.result

    @staticmethod
    def _now(client: GreptimeClient) -> State:
        client.maintenance_request(True)  # says so where the server has no such mode
        enabled = client.maintenance()
        if enabled is None:
            raise MigrationError(
                "greptimedb.maintenance_unknown",
                "The metasrv's answer does not tell whether maintenance mode is on, so it is left as it is; check that "
                "metasrv_http_addrs leads to a metasrv.",
            )
        return {"enabled": enabled}

    def _tell(self, changes: ChangeList, now: State, past: Recorded, decision: Decision | None) -> None:
        self.result.update(
            changes=changes.as_result(),
            diff=changes.diff(),
            former=bool(now["enabled"]),
            changed=changes.changed and self._check_mode,
        )
        if decision is not None:
            self.result["restore"] = restore_record(RESOURCE, past, dict(now), decision)

    def _apply(
        self, client: GreptimeClient, changes: ChangeList, now: State, past: Recorded, decision: Decision | None
    ) -> None:
        conclude = decision is not None and past.changes > 0
        journal = None
        if changes or past.pending or conclude:
            journal = open_journal(self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor)
        try:
            if journal is not None and past.pending:
                # A killed run left these open; what is there now tells how they ended.
                journal.outcomes(
                    (change_id, "done" if after == now else "abandoned", {"evidence": {"now": dict(now)}})
                    for change_id, after in past.pending
                )
            ids = journal.intents(changes) if journal is not None and changes else []
            for change in changes:
                self._send(client, change, journal, ids)
            if journal is not None and conclude:
                journal.append(RESTORE, self.result["restore"])
        finally:
            if journal is not None:
                journal.close()

    def _send(self, client: GreptimeClient, change: Change, journal: Journal | None, ids: t.Sequence[str]) -> None:
        try:
            client.set_maintenance(bool(change.after["enabled"]))
        except MigrationError as error:
            if journal is not None:
                status = "unknown" if error.code in _UNKNOWN else "failed"
                journal.outcomes([(ids[0], status, {"code": error.code, "server_text": error.server_text or ""})])
            raise
        self.result["changed"] = True
        if journal is not None:
            journal.outcomes([(ids[0], "done", {"evidence": {"read_back": dict(change.after)}})])
