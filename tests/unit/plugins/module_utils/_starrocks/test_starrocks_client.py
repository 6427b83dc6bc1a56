# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frontend is asked, what is repeated, and what never is."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.tls import TlsSettings
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, Rows, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.address_map import parse_mapped_host
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import decode_frontends, decode_nodes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection

COLUMNS = ["Name", "IP", "HttpPort", "QueryPort", "RpcPort", "Role", "Alive", "ClusterId", "ErrMsg", "Version"]


class Clock:
    """Sleeping costs nothing, but time passes."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime.datetime:
        return datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class World:
    """Frontends fe0, fe1, fe2; ``down`` ones refuse connections."""

    def __init__(self) -> None:
        self.leader = 0
        self.down: t.Set[str] = set()
        self.sent: t.List[t.Tuple[str, str]] = []
        self.fail_once: t.List[Exception] = []
        self.fail_session: t.List[Exception] = []
        self.versions = ["3.3.14-abc"] * 3
        self.comment = "3.3.14-abc"
        self.foreign = False

    def connect(self, connection: Connection, server: Address) -> Stub:
        return Stub(self, server)

    def rows(self) -> Rows:
        listed = []
        for number, version in enumerate(self.versions):
            role = "LEADER" if number == self.leader else "FOLLOWER"
            alive = str(f"fe{number}" not in self.down).lower()
            listed.append((f"n{number}", f"fe{number}", "8030", "9030", "9020", role, alive, "77", "", version))
        return Rows(tuple(COLUMNS), tuple(listed))


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
        if self._host in world.down:
            raise ConnectionLost("refused", sent=False, address=self.address, kind="unreachable")
        world.sent.append((self._host, sql))
        if world.fail_once and (mutating or sql.startswith("SELECT 1")):
            raise world.fail_once.pop()
        if world.fail_session and sql == "SET ROLE ALL":
            raise world.fail_session.pop()
        if sql == "SELECT @@version_comment":
            return Rows(("v",), ((world.comment,),))
        if sql == "SHOW FRONTENDS":
            if world.foreign:
                raise ServerError("You have an error in your SQL syntax", errno=1064)
            return world.rows()
        if "run\\_mode" in sql:
            return Rows(("Key", "Value"), (("run_mode", "shared_data"),))
        return Rows(("a",), ((self._host,),))

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def world() -> World:
    return World()


def cluster(world: World, *hosts: str, assume: t.Optional[Version] = None, all_roles: bool = True) -> Cluster:
    connection = Connection(
        frontends=tuple(Address(host, 9030) for host in hosts or ("fe0", "fe1", "fe2")),
        username="root",
        password="",
        tls=TlsSettings(),
        address_map={},
        connect_timeout=1.0,
        read_timeout=1.0,
        assume_version=assume,
        all_roles=all_roles,
    )
    return Cluster(connection, Redactor([]), Clock(), connect=world.connect, patience=5.0)


def lost(sent: bool) -> ConnectionLost:
    return ConnectionLost("gone", sent=sent, address="fe0:9030", kind="lost")


def test_what_a_cluster_is(world: World) -> None:
    world.versions = ["3.4.0-a", "3.3.14-b", "3.4.0-a"]
    with cluster(world) as found:
        assert (found.cluster_id, str(found.version), found.run_mode) == ("77", "3.3.14", "shared_data")
        assert found.leader().host == "fe0" and not found.profile.with_persistent
        assert found.requests == len(world.sent)


def test_roles_are_activated_where_there_are_roles(world: World) -> None:
    cluster(world).query("SELECT 1", "look")
    assert world.sent[1] == ("fe0", "SET ROLE ALL")
    old = World()
    old.comment = "StarRocks version 2.5.3"
    cluster(old).query("SELECT 1", "look")
    assert not any("ROLE" in sql for _host, sql in old.sent)


def test_a_session_may_have_the_roles_of_its_login_alone(world: World) -> None:
    cluster(world, all_roles=False).query("SELECT 1", "look")
    assert not any("ROLE" in sql for _host, sql in world.sent)


def test_any_frontend_of_the_list_will_do(world: World) -> None:
    world.down, world.leader = {"fe0"}, 1
    assert cluster(world).query("SELECT 2", "look").single() == "fe1"


def test_the_leader_is_followed(world: World) -> None:
    found = cluster(world)
    assert found.query("SELECT 2", "look").single() == "fe0"
    world.down, world.leader = {"fe0"}, 2
    assert found.query("SELECT 2", "look").single() == "fe2"


def test_nobody_answers(world: World) -> None:
    world.down = {"fe0", "fe1", "fe2"}
    with pytest.raises(MigrationError) as caught:
        cluster(world).query("SELECT 1", "look")
    assert caught.value.code == "starrocks.unreachable" and "fe2:9030" in caught.value.message


def test_no_leader_is_waited_for_only_so_long(world: World) -> None:
    found = cluster(world)
    found.frontends()
    world.leader = 9
    found.frontends(refresh=True)
    with pytest.raises(MigrationError) as caught:
        found.query("SELECT 1", "look")
    assert caught.value.code == "starrocks.not_leader"


def test_a_read_is_repeated_when_the_connection_broke(world: World) -> None:
    found = cluster(world)
    world.fail_once = [lost(True)]
    assert found.query("SELECT 1", "look").single() == "fe0"


def test_a_change_is_sent_once_ever(world: World) -> None:
    found = cluster(world)
    found.frontends()
    world.fail_once = [lost(True)]
    with pytest.raises(MigrationError) as caught:
        found.execute("ADMIN SET x", "set it")
    assert caught.value.code == "starrocks.no_reply"
    assert [sql for _host, sql in world.sent].count("ADMIN SET x") == 1


def test_a_change_that_could_not_be_sent_goes_to_the_next_leader(world: World) -> None:
    found = cluster(world)
    found.frontends()
    world.down, world.leader = {"fe0"}, 1
    assert found.execute("ADMIN SET x", "set it").single() == "fe1"


def test_a_change_that_could_not_be_forwarded_may_have_arrived(world: World) -> None:
    found = cluster(world)
    found.frontends()
    world.fail_once = [ServerError("forward to leader failed: read timed out", errno=1064)]
    with pytest.raises(MigrationError) as caught:
        found.execute("ADMIN SET x", "set it")
    assert caught.value.code == "starrocks.no_reply"
    assert [sql for _host, sql in world.sent].count("ADMIN SET x") == 1


def test_what_became_of_a_forwarded_change_is_asked_of_who_leads_now(world: World) -> None:
    """Whoever forwarded it and did not see it arrive would show the old state."""
    found = cluster(world)
    found.frontends()
    world.leader = 1
    world.fail_once = [ServerError("Execute timeout, the command may be succeed, you'd better retry", errno=1064)]
    with pytest.raises(MigrationError) as caught:
        found.execute("CREATE x", "make it")
    assert caught.value.code == "starrocks.no_reply"
    assert found.query("SELECT 1", "look").single() == "fe1"


def test_a_change_before_which_the_session_could_not_be_prepared_was_not_sent(world: World) -> None:
    """So it goes to the leader that is there a moment later."""
    found = cluster(world)
    world.leader = 1
    found.frontends()
    world.leader = 2
    world.fail_session = [ServerError("Forward to leader failed: n1 knows no leader", errno=1064)]
    assert found.execute("ADMIN SET x", "set it").single() == "fe2"
    assert not world.fail_session and [sql for _host, sql in world.sent].count("ADMIN SET x") == 1


def test_a_silent_leader_is_not_asked_again(world: World) -> None:
    found = cluster(world)
    found.frontends()
    world.fail_once = [ConnectionLost("timed out", sent=True, address="fe0:9030", kind="timeout")]
    with pytest.raises(MigrationError) as caught:
        found.query("SELECT 1", "look")
    assert caught.value.code == "starrocks.unreachable" and len(world.fail_once) == 0


def test_a_refused_change_keeps_its_own_code(world: World) -> None:
    found = cluster(world)
    found.frontends()
    world.fail_once = [ServerError("Config 'x' does not exist or is not mutable", errno=1064)]
    with pytest.raises(MigrationError) as caught:
        found.execute("ADMIN SET x", "set it")
    assert (caught.value.code, caught.value.server_text) == (
        "starrocks.config_unknown",
        "Config 'x' does not exist or is not mutable",
    )


@pytest.mark.parametrize("comment", ["MySQL Community Server - GPL", "Doris version doris-2.0.3"])
def test_what_is_no_starrocks_is_told_before_it_is_asked_anything(world: World, comment: str) -> None:
    world.comment = comment
    with pytest.raises(MigrationError) as caught:
        cluster(world).frontends()
    assert caught.value.code == "starrocks.not_starrocks" and len(world.sent) == 1


def test_a_server_that_does_not_know_frontends(world: World) -> None:
    world.foreign = True
    with pytest.raises(MigrationError) as caught:
        cluster(world).frontends()
    assert caught.value.code == "starrocks.not_starrocks"


def test_a_build_without_a_version_needs_one(world: World) -> None:
    world.versions = ["UNKNOWN"] * 3
    with pytest.raises(MigrationError) as caught:
        assert cluster(world).profile
    assert caught.value.code == "starrocks.version_unknown" and "assume_version" in caught.value.message
    assert str(cluster(world, assume=Version(3, 5, 0)).profile.version) == "3.5.0"


def test_each_one_is_asked_by_itself(world: World) -> None:
    found = cluster(world)
    listed = found.frontends()
    world.down = {"fe1"}
    good, failed = found.on_each(listed, lambda one: found.query_on(one, "SELECT 2", "look").single())
    assert {one.host: value for one, value in good.items()} == {"fe0": "fe0", "fe2": "fe2"}
    assert {one.host: error.code for one, error in failed.items()} == {"fe1": "starrocks.unreachable"}


def test_columns_are_found_by_name() -> None:
    row = ("i", "n", "fe0", "9010", "8030", "9030", "9020", "follower", "77", "true", "false", "NULL", "NULL")
    names = ("Id", "Name", "IP", "EditLogPort", "HttpPort", "QueryPort", "RpcPort", "Role", "ClusterId", "Join")
    [found] = decode_frontends(Rows((*names, "Alive", "ErrMsg", "Version"), (row,)))
    assert (found.role, found.alive, found.version, found.error) == ("FOLLOWER", False, "", "")
    assert found.address == "fe0:9030"


def test_nodes() -> None:
    names = ("BackendId", "IP", "HeartbeatPort", "BePort", "HttpPort", "Alive", "SystemDecommissioned", "UsedPct")
    rows = Rows(
        (*names, "MaxDiskUsedPct", "Version"),
        (("1", "b", "9050", "9060", "8040", "true", "true", "1 %", "12.34 %", "v"),),
    )
    [backend] = decode_nodes(rows, "BE")
    assert (backend.disk_used_percent, backend.decommissioned, backend.warehouse) == (12.34, True, "")
    others = ("ComputeNodeId", "IP", "HeartbeatPort", "BePort", "HttpPort", "Alive", "WarehouseName")
    [node] = decode_nodes(Rows(others, (("2", "c", "9050", "9060", "8040", "false", "default_warehouse"),)), "CN")
    assert (node.kind, node.alive, node.disk_used_percent, node.warehouse) == ("CN", False, None, "default_warehouse")


def test_frontends_that_are_reached_at_one_place_are_not_asked_by_themselves(world: World) -> None:
    shared = {name: parse_mapped_host("fe0", name) for name in ("fe1", "fe2")}
    found = cluster(world)
    found.connection = dataclasses.replace(found.connection, address_map=shared)
    good, failed = found.on_each(found.frontends(), lambda one: one.host)
    assert good == {}
    assert {error.code for error in failed.values()} == {"starrocks.frontend_shared"}
    assert "fe0:9030 and fe1:9030 and fe2:9030 are all reached at fe0:9030" in next(iter(failed.values())).message


def test_a_dead_frontend_shares_nothing(world: World) -> None:
    world.down = {"fe2"}
    found = cluster(world)
    found.connection = dataclasses.replace(found.connection, address_map={"fe2": parse_mapped_host("fe0", "fe2")})
    good, failed = found.on_each([one for one in found.frontends() if one.alive], lambda one: one.host)
    assert (sorted(good.values()), failed) == (["fe0", "fe1"], {})
