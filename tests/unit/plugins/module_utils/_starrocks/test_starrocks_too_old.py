# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a cluster whose version is too old, by the module that only looks and by one that would change it."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import client, sync_user
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.info import gather_info
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    Connection,
    connection_argument_spec,
)

COLUMNS = ("Name", "IP", "HttpPort", "QueryPort", "RpcPort", "Role", "Alive", "ClusterId", "ErrMsg", "Version")


class Clock:
    def monotonic(self) -> float:
        return 0.0

    def now(self) -> datetime.datetime:
        return datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


class Frontend:
    """The only frontend of a cluster; it knows no more than who it is."""

    def __init__(self, version: str) -> None:
        self.version = version

    @property
    def address(self) -> str:
        return "fe0:9030"

    def connect(self, _connection: Connection, _server: Address) -> Frontend:
        return self

    def query(self, sql: str, *, mutating: bool = False) -> Rows:
        assert not mutating, sql
        if sql == "SELECT @@version_comment":
            return Rows(("v",), ((f"StarRocks version {self.version}",),))
        if sql == "SHOW FRONTENDS":
            row = ("n0", "fe0", "8030", "9030", "9020", "LEADER", "true", "77", "", self.version)
            return Rows(COLUMNS, (row,))
        if sql.startswith("ADMIN SHOW"):
            return Rows(("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment"), ())
        return Rows((), ())

    def close(self) -> None:
        pass


def params(**more: t.Any) -> t.Dict[str, t.Any]:
    spec = connection_argument_spec().merge(journal_spec()).argument_spec
    return {**{name: option.get("default") for name, option in spec.items()}, "frontends": "fe0:9030", **more}


@pytest.mark.parametrize(("version", "supported"), [("2.4.3-abc", False), ("2.5.0-abc", True), ("2.5.22-abc", True)])
def test_a_look_tells_what_is_there_and_the_verdict(version: str, supported: bool) -> None:
    found = gather_info(params(gather=[], configs=None), Redactor([]), Clock(), connect=Frontend(version).connect)
    assert (found["version"], found["cluster_id"], found["supported"]) == (version[:-4], "77", supported)
    assert found["frontends"][0]["reachable"]
    told = [(one["id"], one["severity"], one["subject"]) for one in found["findings"]]
    assert told == ([] if supported else [("starrocks.version_too_old", "blocker", "2.4.3")])
    assert found["run_mode"] == ("shared_nothing" if supported else None)


@pytest.mark.parametrize(
    ("version", "code"), [("2.4.3-abc", "starrocks.version_too_old"), ("2.5.22-abc", "starrocks.user_unsupported")]
)
def test_a_user_is_refused_with_what_is_true(monkeypatch: pytest.MonkeyPatch, version: str, code: str) -> None:
    """Without roles no user can be made, but a version that nothing else works with either is told of as that."""

    def cluster(connection: Connection, redactor: Redactor, clock: t.Any) -> client.Cluster:
        return client.Cluster(connection, redactor, clock, connect=Frontend(version).connect)

    monkeypatch.setattr(sync_user, "Cluster", cluster)
    given = params(user="cluster_sync", user_password="Secr3t-word", role="db_admin", state="present")
    with pytest.raises(MigrationError) as caught:
        sync_user.SyncUserTask(given, False, Redactor([]), Clock()).body()
    assert caught.value.code == code
