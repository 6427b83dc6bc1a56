# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Global variables of a cluster: set, proved, and put back three-way from the journal.

The leader carries SET GLOBAL out and makes it known to all frontends; sessions that exist keep what they have.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE, restore_record
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_in_place import (
    WARNING,
    InPlace,
    severity,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import (
    Past,
    decide,
    recorded,
    same_value,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import like_literal, quote_string

PRESENT, RESTORED = "present", "restored"
STATES = (PRESENT, RESTORED)


def variable_prefix(cluster_id: str) -> str:
    """What the names of a cluster's variables in the journal begin with."""
    return f"starrocks:{cluster_id}/variable/"


class GlobalVariableTask:
    """One call of the module."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: t.Dict[str, t.Any] = {"changed": False, "changes": []}

    def body(self) -> t.Dict[str, t.Any]:
        """Set or restore. MigrationError ``starrocks.variable_unknown``, ``starrocks.variable_not_kept``."""
        params = self._params
        restoring = params["state"] == RESTORED
        connection = Connection.from_params(params)
        wanted = _wanted(params, restoring)
        journal = ConfigJournal(params, self._redactor, self._clock, restoring=restoring)
        try:
            with Cluster(connection, self._redactor, self._clock) as cluster:
                prefix = variable_prefix(cluster.cluster_id)
                past = {name[len(prefix) :]: one for name, one in recorded(journal.entries, prefix).items()}
                # A version that is too old or unknown is refused here, before anything is changed.
                self.result.update(cluster_id=cluster.cluster_id, version=str(cluster.profile.version))
                if restoring:
                    self._restore(cluster, journal, prefix, {n: past[n] for n in past if not wanted or n in wanted})
                else:
                    self._set(cluster, journal, past, {str(name): _text(value) for name, value in wanted.items()})
        finally:
            journal.close()
        return self.result

    def _set(
        self, cluster: Cluster, journal: ConfigJournal, past: t.Mapping[str, Past], wanted: t.Mapping[str, str]
    ) -> None:
        prefix = variable_prefix(cluster.cluster_id)
        found = {name: _read(cluster, name) for name in wanted}
        unknown = sorted(name for name, value in found.items() if value is None)
        if unknown:
            raise MigrationError(
                "starrocks.variable_unknown",
                f"{cluster.version} does not know the variable {', '.join(unknown)}. Nothing was changed.",
                details={"variables": unknown},
            )
        changes = [
            _change(prefix, "set", name, str(found[name]), value)
            for name, value in wanted.items()
            if str(found[name]).lower() != value.lower()
        ]
        if journal.given:
            right = {name: value for name, value in wanted.items() if str(found[name]).lower() == value.lower()}
            self._tell_in_place(variables_in_place(right, past, cluster.profile.variables), journal)
        self._carry_out(cluster, journal, prefix, changes)
        self.result["variables"] = {name: self._now(cluster, name, value) for name, value in wanted.items()}

    def _tell_in_place(self, found: t.Sequence[InPlace], journal: ConfigJournal) -> None:
        """What somebody else has set, in the result, and once in the journal."""
        self.result["in_place"] = [one.as_result() for one in found]
        warnings = [one.text for one in found if one.severity == WARNING]
        if warnings:
            self.result["warnings"] = warnings
        for one in () if self._check_mode else found:
            journal.note_once(one.as_note())

    def _restore(self, cluster: Cluster, journal: ConfigJournal, prefix: str, past: t.Mapping[str, Past]) -> None:
        now = {name: _read(cluster, name) for name in past}
        if not self._check_mode:
            journal.settle(
                {prefix + name: one for name, one in past.items()},
                {prefix + name: value for name, value in now.items() if value is not None},
                same_value,
            )
        records, changes = [], []
        for name, one in sorted(past.items(), key=lambda pair: -pair[1].order):
            decision = decide(one, now[name])
            records.append(restore_record(prefix + name, one, now[name], decision))
            if decision.action == RESTORE:
                changes.append(_change(prefix, RESTORE, name, str(now[name]), one.original))
        self._carry_out(cluster, journal, prefix, changes)
        if not self._check_mode:
            journal.conclude(records)
        self.result["restore"] = records

    def _carry_out(self, cluster: Cluster, journal: ConfigJournal, prefix: str, changes: t.Sequence[Change]) -> None:
        told = ChangeList(changes)
        self.result.update(changes=told.as_result(), diff=told.diff(), changed=told.changed and self._check_mode)
        if self._check_mode:
            return
        for change in changes:
            store = journal.open()
            ids = [] if store is None else store.intents([change], [{"type": "String"}])
            self.result["changed"] = True
            name = change.resource[len(prefix) :]
            lost: t.Optional[MigrationError] = None
            try:
                cluster.execute(str(change.request["sql"]), f"set the global variable {name}")
            except MigrationError as error:
                if error.code != "starrocks.no_reply":
                    if store is not None:
                        store.outcomes([(ids[0], "failed", {"code": error.code})])
                    raise
                lost = error
            # After a lost reply too: what is there now tells.
            if lost is not None and str(_read(cluster, name)).lower() != str(change.after).lower():
                raise lost  # It may still be carried out, so its intent stays open; nobody else has set it.
            self._now(cluster, name, str(change.after))
            if store is not None:
                store.outcomes([(ids[0], "done", {})])

    def _now(self, cluster: Cluster, name: str, wanted: str) -> str:
        now = str(_read(cluster, name))
        if not self._check_mode and now.lower() != wanted.lower():
            raise MigrationError(
                "starrocks.variable_not_kept",
                f"The global variable {name} was set to {wanted}, and is {now}. Look who else sets it.",
                details={"variable": name, "wanted": wanted, "found": now},
            )
        return now


def variables_in_place(
    right: t.Mapping[str, str], past: t.Mapping[str, Past], defaults: t.Mapping[str, str]
) -> t.List[InPlace]:
    """Which of the variables that are as wanted already are not ours.

    :param right: their values by name
    :param past: what the journal knows as changed by us, by name
    :param defaults: by name, as far as they are on record
    """
    found: t.List[InPlace] = []
    for name, value in right.items():
        default = defaults.get(name)
        here = severity([None if default is None else default == value.lower()])
        if name not in past and here is not None:
            found.append(InPlace(name, value, here))
    return found


def _wanted(params: t.Mapping[str, t.Any], restoring: bool) -> t.Mapping[str, t.Any]:
    if restoring and not isinstance(params.get("variables"), t.Mapping):
        return dict.fromkeys(str(name) for name in as_list(params.get("variables"), "variables"))
    wanted = as_mapping(params.get("variables"), "variables")
    if not wanted and not restoring:
        raise InvalidOption("variables", "there is none", "Give a mapping of names to values")
    strange = [name for name in wanted if not str(name).replace("_", "").isalnum()]
    if strange:
        raise InvalidOption("variables", f"{strange[0]!r} is no variable", "Give names such as query_timeout")
    return wanted


def _text(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _read(cluster: Cluster, name: str) -> t.Optional[str]:
    rows = cluster.query(f"SHOW GLOBAL VARIABLES LIKE {like_literal(name)}", f"read the global variable {name}")
    for row in rows.records():
        if str(row["variable_name"]).lower() == name.lower():
            return str(row["value"])
    return None


def _change(prefix: str, action: str, name: str, before: str, after: str) -> Change:
    plain = after.lower() in ("true", "false") or after.lstrip("-").isdigit()
    return Change(
        prefix + name, action, before, after, {"sql": f"SET GLOBAL {name} = {after if plain else quote_string(after)}"}
    )
