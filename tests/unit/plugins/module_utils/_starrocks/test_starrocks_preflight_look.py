# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight asks of whom: each frontend for what only itself knows, the leader for the rest, no secrets."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.tls import TlsSettings
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, Rows, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_read import Asker
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_look import look_at
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    SOURCE,
    TARGET,
    ClusterView,
)

COLUMNS = ("Name", "IP", "HttpPort", "QueryPort", "RpcPort", "Role", "Alive", "ClusterId", "ErrMsg", "Version")
CONFIG = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")
NODES = ("BackendId", "IP", "HeartbeatPort", "BePort", "HttpPort", "Alive", "SystemDecommissioned", "Version")
LIMIT = "max_running_txn_num_per_db"


class World:
    """Frontends fe0 (the leader), fe1, fe2, each with configs of its own."""

    def __init__(self, version: str = "4.1.0") -> None:
        self.version = version
        self.sent: t.List[t.Tuple[str, str]] = []
        self.silent: t.Set[str] = set()
        self.denied: t.Set[str] = set()
        self.configs = {
            f"fe{number}": {"query_port": "9030", "disable_load_job": "false", LIMIT: "1000"} for number in range(3)
        }

    def connect(self, connection: Connection, server: Address) -> Stub:
        return Stub(self, server)

    def look(self, role: str, inventory: bool = True) -> ClusterView:
        connection = Connection((Address("fe0", 9030),), "root", "", TlsSettings(), {}, 1.0, 1.0, None)
        with Cluster(connection, Redactor([]), SystemClock(), connect=self.connect, patience=0.0) as cluster:
            return look_at(cluster, role, Asker(cluster), SystemClock(), inventory)

    def asked(self, host: str) -> t.List[str]:
        """The patterns of the configs that a frontend was asked for."""
        found = [re.search('CONFIG LIKE "(.*)"', sql) for one, sql in self.sent if one == host]
        return [match.group(1).replace("\\", "") for match in found if match]


class Stub:
    """One frontend."""

    def __init__(self, world: World, server: Address) -> None:
        self._world = world
        self._host = server.host

    @property
    def address(self) -> str:
        return f"{self._host}:9030"

    def query(self, sql: str, *, mutating: bool = False) -> Rows:
        world = self._world
        assert not mutating
        if self._host in world.silent:
            raise ConnectionLost("refused", sent=False, address=self.address, kind="unreachable")
        world.sent.append((self._host, sql))
        if sql == "SELECT @@version_comment":
            return Rows(("v",), ((f"{world.version}-abc",),))
        if sql == "SHOW FRONTENDS":
            roles = ("LEADER", "FOLLOWER", "FOLLOWER")
            made = [
                (f"n{number}", f"fe{number}", "8030", "9030", "9020", role, "true", "77", "", f"{world.version}-abc")
                for number, role in enumerate(roles)
            ]
            return Rows(COLUMNS, tuple(made))
        if sql.startswith("ADMIN SHOW"):
            if self._host in world.denied:
                raise ServerError("Access denied; you need (at least one of) the OPERATE privilege(s)", errno=5203)
            key = world.asked(self._host)[-1]
            value = world.configs[self._host].get(key)
            return Rows(CONFIG, () if value is None else ((key, "[]", value, "String", "true", ""),))
        if sql in ("SHOW BACKENDS", "SHOW COMPUTE NODES"):
            return Rows(NODES, ())
        return Rows(("a",), ())

    def close(self) -> None:
        """Nothing to give back."""


@pytest.mark.parametrize("role", [SOURCE, TARGET])
def test_every_living_frontend_tells_whether_it_takes_loads(role: str) -> None:
    world = World()
    world.configs["fe2"]["disable_load_job"] = "true"
    found = world.look(role)
    told = {address.split(":")[0]: answer.loads_disabled for address, answer in found.answers.items()}
    assert told == {"fe0": False, "fe1": False, "fe2": True}
    assert [world.asked(host).count("disable_load_job") for host in world.configs] == [1, 1, 1]


def test_what_a_frontend_does_not_tell_is_not_known() -> None:
    world = World()
    world.silent.add("fe1")
    world.denied.add("fe2")
    found = world.look(SOURCE)
    told = {address.split(":")[0]: answer.loads_disabled for address, answer in found.answers.items()}
    assert told == {"fe0": False, "fe2": None}


def test_configs_are_compared_by_name_and_only_where_the_version_knows_them() -> None:
    world = World()
    assert world.look(SOURCE).compared == {LIMIT: "1000"}
    assert {LIMIT, "max_column_number_per_table", "enable_range_distribution"} <= set(world.asked("fe0"))
    shows = [sql for _host, sql in world.sent if sql.startswith("ADMIN SHOW")]
    assert all(" LIKE " in sql and "%" not in sql for sql in shows)
    old = World("2.5.0")
    assert old.look(SOURCE).compared == {LIMIT: "1000"}
    assert not {"max_column_number_per_table", "enable_range_distribution"} & set(old.asked("fe0"))


@pytest.mark.parametrize("role", [SOURCE, TARGET])
def test_no_config_is_asked_for_twice(role: str) -> None:
    world = World()
    world.look(role)
    asked = [key for key in world.asked("fe0") if key != "run_mode"]
    assert sorted(asked) == sorted(set(asked))
    assert len(asked) <= 12


def test_without_the_inventory_configs_are_not_compared() -> None:
    world = World()
    assert world.look(SOURCE, inventory=False).compared is None
    assert "max_column_number_per_table" not in world.asked("fe0")
