# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Setting the meta level with the former one written down, and putting that back."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    RESTORE,
    Recorded,
    decide,
    recorded,
    restore_record,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import Decision
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import requests
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import META_LEVELS
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call, send_call

LEVELS = tuple(META_LEVELS.values())
SUFFIX = "/meta_level"


def resource(cluster: str) -> str:
    """The name of a cluster's meta level in changes and in the journal."""
    return f"pegasus:{cluster}{SUFFIX}"


class MetaLevelTask:
    """One call of the module. Levels are words, such as ``steady``."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        connection = Connection.from_params(self._params)
        restoring = bool(self._params["restore"])
        if restoring and self._params["level"]:
            raise InvalidOption("level", "it is given together with restore=true", "Give one of the two")
        store = SettingsJournal(
            self._params, self._redactor, self._clock, restoring="restore=true" if restoring else ""
        )
        known = {name: one for name, one in recorded(store.entries, "pegasus:").items() if name.endswith(SUFFIX)}
        if restoring and not any(one.changes or one.pending for one in known.values()):
            # Nobody is asked: a cluster out of reach must not fail a run that left it alone.
            self.result.update(changes=[], level=None, restore=None)
            return self.result
        try:
            with MetaClient(connection.meta_servers, connection.settings, self._clock) as client:
                self._work(client, store, known, restoring)
        finally:
            store.close()
        return self.result

    def _work(
        self, client: MetaClient, store: SettingsJournal, known: t.Mapping[str, Recorded], restoring: bool
    ) -> None:
        info = client.cluster_info()
        now, name = _known(info.meta_level), resource(info.cluster_name)
        past = known.get(name, NOTHING)
        wanted: t.Any = self._params["level"]
        decision: t.Optional[Decision] = None
        if restoring:
            decision = decide(past, now)
            wanted = past.original if decision.action == "restore" else now
            self.result["restore"] = restore_record(name, past, now, decision)
        changes = ChangeList()
        if wanted != now:
            action = RESTORE if restoring else "set"
            changes.add(Change(name, action, now, wanted, requests.control_meta(wanted).describe()))
        # A failure tells what was done: nothing, until it is read back.
        self.result.update(former=now, level=now, cluster_name=info.cluster_name, changes=[])
        if not self._check_mode:
            self._apply(client, store, changes, {name: past}, {name: now})
        self.result.update(changes=changes.as_result(), diff=changes.diff(), level=wanted, changed=changes.changed)
        if decision is not None and past.changes and not self._check_mode:
            store.conclude([self.result["restore"]])

    def _apply(
        self,
        client: MetaClient,
        store: SettingsJournal,
        changes: ChangeList,
        past: t.Mapping[str, Recorded],
        now: t.Mapping[str, t.Any],
    ) -> None:
        store.settle(past, now)
        for change in changes:
            send = functools.partial(client.control_meta, change.after)
            call = Call((change,), send, look=lambda: [client.cluster_info().meta_level])
            send_call(call, store.open(), self._clock)


def _known(level: str) -> str:
    if level not in LEVELS:
        raise MigrationError(
            "pegasus.meta_level_unknown",
            f"The meta server's answer does not tell its level ({level or 'nothing'!r}), so it is left as it is; check "
            "that meta_servers leads to the meta servers of a Pegasus cluster.",
        )
    return level
