# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of statements that may have been carried out: every sender looks, and none takes them for refused."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import client, global_variable, sync_user
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import frontend_config_send as sending
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeRecord
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_plan import (
    SQL,
    ConfigCall,
    Target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    Connection,
    connection_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_plan import Step
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_send import VolumeReader, send_step
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

COLUMNS = ("Name", "IP", "HttpPort", "QueryPort", "RpcPort", "Role", "Alive", "ClusterId", "ErrMsg", "Version")
CONFIG = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")
VOLUME = ("Name", "Type", "IsDefault", "Location", "Params", "Enabled", "Comment")
TEXTS = [
    "Execute timeout, the command may be succeed, you'd better retry",
    "java.net.SocketTimeoutException: Read timed out",
    "org.apache.thrift.transport.TTransportException: java.net.SocketTimeoutException: Read timed out",
    "Global level variables are set successfully, but session level variables failed with error: no.",
    "Global level variables are set successfully, but session level variables failed with error: Access denied; you "
    "need (at least one of) the OPERATE privilege(s) on SYSTEM.",
    "Forward to leader failed: n0 knows no leader",
]
DENIED = "Access denied; you need (at least one of) the OPERATE privilege(s) on SYSTEM for this operation."


class Server:
    """One frontend with one thing that statements change. ``fates``: what becomes of each of these statements in turn,
    (whether it is carried out, the error that it is answered with or "")."""

    address = "fe0:9030"

    def __init__(self, *fates: t.Tuple[bool, str]) -> None:
        self.fates = list(fates)
        self.there = False
        self.log: t.List[str] = []
        """``look`` and ``send``, in order, from the first statement on."""

    def connect(self, _connection: Connection, _server: Address) -> Server:
        return self

    def close(self) -> None:
        pass

    def query(self, sql: str, *, mutating: bool = False) -> Rows:
        if mutating:
            self.log.append("send")
            carried_out, text = self.fates.pop(0)
            self.there = self.there or carried_out
            if text:
                raise ServerError(text, errno=1064)
            return Rows((), ())
        rows = self._looked_at(sql)
        if rows is not None:
            self.log += ["look"] if self.log and self.log[-1] != "look" else []
            return rows
        if sql == "SELECT @@version_comment":
            return Rows(("v",), (("3.5.1-abc",),))
        if sql == "SHOW FRONTENDS":
            return Rows(COLUMNS, (("n0", "fe0", "8030", "9030", "9020", "LEADER", "true", "77", "", "3.5.1-abc"),))
        return Rows(CONFIG, ()) if sql.startswith("ADMIN SHOW") else Rows((), ())

    def _looked_at(self, sql: str) -> t.Optional[Rows]:
        value = "1" if self.there else "0"
        if sql.startswith("SHOW GLOBAL"):
            return Rows(("Variable_name", "Value"), (("query_timeout", value),))
        if sql == "SHOW USERS":
            return Rows(("User",), (("'sync'@'%'",),) if self.there else ())
        if sql == "SHOW STORAGE VOLUMES":
            return Rows(("Name",), (("v",),) if self.there else ())
        if sql.startswith("DESC STORAGE"):
            return Rows(VOLUME, (("v", "S3", "false", "s3://b", "{}", "true", ""),))
        if "max\\_tasks" in sql:
            return Rows(CONFIG, (("max_tasks", "[]", value, "int", "true", ""),))
        return None


class Story:
    """One statement of one sender."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
        self.server = server
        self.path = str(folder / "j.jsonl")
        self.clock = FakeClock()
        spec = connection_argument_spec().merge(journal_spec()).argument_spec
        defaults = {name: option.get("default") for name, option in spec.items()}
        self.params: t.Dict[str, t.Any] = {
            **defaults, "frontends": "fe0:9030", "journal": self.path, "migration_id": "m"
        }  # fmt: skip
        for module in (global_variable, sync_user):
            monkeypatch.setattr(module, "Cluster", self.cluster)

    def cluster(self, *_args: t.Any) -> client.Cluster:
        connection = Connection.from_params(self.params)
        return client.Cluster(connection, Redactor([]), self.clock, connect=self.server.connect, patience=1.0)

    def journal(self) -> Journal:
        return Journal.open(self.path, migration_id="m", engine="starrocks", clock=self.clock, redactor=Redactor([]))

    def variable(self) -> None:
        params = {**self.params, "state": "present", "variables": {"query_timeout": 1}}
        global_variable.GlobalVariableTask(params, False, Redactor([]), self.clock).body()

    def user(self) -> None:
        params = {**self.params, "state": "present", "user": "sync", "user_password": "Secr3t", "role": "db_admin"}
        sync_user.SyncUserTask(params, False, Redactor([]), self.clock).body()

    def volume(self) -> None:
        after = {"type": "S3", "locations": ["s3://b"], "params": {}, "enabled": True, "comment": ""}
        step = Step("v", Change("starrocks:77/storage_volume/v", "create", None, after, {}), "CREATE STORAGE VOLUME v")
        cluster = self.cluster()
        with self.journal() as journal:
            send_step(step, cluster, VolumeReader(cluster), journal, self.clock)

    def config(self) -> None:
        cluster = self.cluster()
        frontend = cluster.frontends()[0]
        name = "starrocks:77/fe/fe0:9030/config/max_tasks"
        call = ConfigCall(SQL, frontend, "max_tasks", "1", False, (frontend,), (Change(name, "set", "0", "1", {}),))
        with self.journal() as journal:
            sender = sending.Sender(cluster, journal, sending.Sent())
            sender.send(call, [Target(frontend, name, "0", "1", "int")])

    def job(self) -> None:
        cluster = self.cluster()
        change = Change("starrocks:77/routine_load/d.a", "pause", "0", "1", {})

        def look() -> t.List[str]:
            return [str(cluster.query("SHOW GLOBAL VARIABLES", "look").rows[0][1])]

        with self.journal() as journal:
            record = FreezeRecord(journal, self.clock, "77")
            record.send([change], lambda: cluster.execute("PAUSE ROUTINE LOAD FOR `d`.`a`", "pause"), look)

    def run(self, sender: str) -> t.Tuple[str, t.List[str]]:
        """The code that it ended with, and the outcomes in the journal."""
        code = ""
        try:
            getattr(self, sender)()
        except MigrationError as error:
            code = error.code
        with self.journal() as journal:
            return code, [entry.data["status"] for entry in journal.entries if entry.kind == "change.outcome"]


SENDERS = ["variable", "user", "volume", "config", "job"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("sender", SENDERS)
def test_what_was_carried_out_is_done(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, sender: str, text: str
) -> None:
    server = Server((True, text))
    assert Story(tmp_path, monkeypatch, server).run(sender) == ("", ["done"])
    assert server.log[-2:] == ["send", "look"] and server.log.count("send") == 1


@pytest.mark.parametrize("sender", ["volume", "config", "job"])
def test_what_was_not_is_looked_at_before_it_is_sent_again(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, sender: str
) -> None:
    server = Server((False, TEXTS[0]), (True, ""))
    if sender == "config":  # From 3.5 on it is told by itself over HTTP.
        monkeypatch.setattr(sending, "set_over_http", lambda cluster, one, *_more: cluster.execute("by itself", "set"))
    assert Story(tmp_path, monkeypatch, server).run(sender) == ("", ["done"])
    assert server.log[server.log.index("send") :] == ["send", "look", "send", "look"]


@pytest.mark.parametrize("sender", ["variable", "user"])
def test_what_is_not_seen_may_come_and_is_left_open(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, sender: str
) -> None:
    """The next run looks, and settles it."""
    server = Server((False, TEXTS[0]))
    story = Story(tmp_path, monkeypatch, server)
    assert story.run(sender) == ("starrocks.no_reply", [])
    with story.journal() as journal:
        assert len(journal.pending()) == 1


@pytest.mark.parametrize("sender", SENDERS)
def test_a_refusal_is_not_looked_into(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    server = Server((False, DENIED))
    assert Story(tmp_path, monkeypatch, server).run(sender) == ("starrocks.access_denied", ["failed"])
    assert server.log[-1] == "send"
