# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The user that the sync tool logs in as: made for a migration, and dropped afterwards if the journal says it was.

A user that exists already is left alone, in both directions: its password cannot be compared, and it is not ours.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import recorded
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import require_supported
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_string
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import since

PRESENT, ABSENT = "present", "absent"
STATES = (PRESENT, ABSENT)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_MASKED = "********"


class SyncUserTask:
    """One call of the module."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: t.Dict[str, t.Any] = {"changed": False, "changes": []}

    def body(self) -> t.Dict[str, t.Any]:
        """Create or drop.

        :raises MigrationError: ``starrocks.version_too_old``, ``starrocks.user_unsupported`` (before 3.0),
            ``starrocks.user_not_made``
        """
        name, password = self._wanted()
        dropping = self._params["state"] == ABSENT
        connection = Connection.from_params(self._params)
        journal = ConfigJournal(self._params, self._redactor, self._clock, restoring=dropping)
        try:
            with Cluster(connection, self._redactor, self._clock) as cluster:
                self._work(cluster, journal, name, password, dropping)
        finally:
            journal.close()
        return self.result

    def _wanted(self) -> t.Tuple[str, str]:
        name = str(self._params["user"] or "")
        password = str(self._params.get("user_password") or "")
        if not _NAME.fullmatch(name) or name == "root":
            fix = "Give a name of letters, digits and underscores that is not root, such as cluster_sync"
            raise InvalidOption("user", f"{name!r} cannot be made for a migration", fix)
        if not password and self._params["state"] == PRESENT:
            raise InvalidOption("user_password", "it is not given", "Give one; the user may read and write everything")
        return name, password

    def _work(self, cluster: Cluster, journal: ConfigJournal, name: str, password: str, dropping: bool) -> None:
        require_supported(cluster.version)
        if not since(cluster.version, "3.0.0"):
            raise MigrationError(
                "starrocks.user_unsupported",
                f"{cluster.version} has no roles, with which the user is made. Make it by hand, with OPERATE on the "
                "system. Nothing was changed.",
            )
        resource = f"starrocks:{cluster.cluster_id}/user/{name}"
        there = user_exists(cluster, name)
        ours = bool(recorded(journal.entries, resource))
        self.result.update(cluster_id=cluster.cluster_id, existed=there and not ours)
        if dropping == there and (ours or not dropping):
            self._send(cluster, journal, self._change(resource, name, dropping), password, name)
        elif dropping and ours and not self._check_mode:
            journal.conclude([_record(resource, "gone")])

    def _change(self, resource: str, name: str, dropping: bool) -> Change:
        role = str(self._params["role"])
        if dropping:
            return Change(resource, RESTORE, "there", "absent", {"sql": f"DROP USER '{name}'@'%'"})
        sql = f"CREATE USER '{name}'@'%' IDENTIFIED BY {quote_string(_MASKED)} DEFAULT ROLE {quote_string(role)}"
        return Change(resource, "create", "absent", "there", {"sql": sql})

    def _send(self, cluster: Cluster, journal: ConfigJournal, change: Change, password: str, name: str) -> None:
        told = ChangeList([change])
        self.result.update(changes=told.as_result(), diff=told.diff(), changed=True)
        if self._check_mode:
            return
        store = journal.open()
        ids = [] if store is None else store.intents([change], [{"type": "String"}])
        sql = str(change.request["sql"]).replace(quote_string(_MASKED), quote_string(password))
        lost: t.Optional[MigrationError] = None
        try:
            cluster.execute(sql, f"{change.action} the user {name}")
        except MigrationError as error:
            if error.code != "starrocks.no_reply":
                if store is not None:
                    store.outcomes([(ids[0], "failed", {"code": error.code})])
                raise
            lost = error
        # After a lost reply too: what is there now tells.
        dropped = change.action == RESTORE
        if user_exists(cluster, name) == dropped:
            if lost is not None:
                raise lost
            raise MigrationError(
                "starrocks.user_not_made",
                f"The user {name} is {'still there' if dropped else 'not there'} although the server said nothing. "
                "Run it again.",
            )
        if store is not None:
            store.outcomes([(ids[0], "done", {})])
        if dropped:
            journal.conclude([_record(change.resource, RESTORE)])


def user_exists(cluster: Cluster, name: str) -> bool:
    """Whether there is a user of this name, from any host (3.0 and later; it takes ``user_admin``)."""
    rows = cluster.query("SHOW USERS", "list the users")
    return any(str(row[0]).split("@", 1)[0].strip("'\"") == name for row in rows.rows)


def _record(resource: str, action: str) -> t.Dict[str, t.Any]:
    return {
        "resource": resource,
        "original": "absent",
        "ours": "there",
        "now": "there" if action == RESTORE else "absent",
        "action": action,
        "reason": "it was made for the migration" if action == RESTORE else "somebody else has dropped it",
    }
