# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding, following and changing through the primary meta server, over real sockets."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, schema
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import thrift_binary as tb
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import Gpid
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.fake_server import (
    CLOSE,
    HANG,
    QUICK,
    Received,
    Server,
    answer,
    closed_port,
    page,
)

INFO = {
    "keys": ["meta_servers", "primary_meta_server", "zookeeper_hosts", "zookeeper_root", "meta_function_level",
             "cluster_name"],
    "values": ["127.0.0.1:1,127.0.0.1:2", "127.0.0.1:1", "zk:2181", "/pegasus/onebox", "lively", "onebox"],
}  # fmt: skip
FORWARD = {"err": "ERR_FORWARD_TO_OTHERS"}


def partition(primary: str = "", **more: t.Any) -> t.Dict[str, t.Any]:
    return {
        "pid": Gpid(2, 0),
        "ballot": 3,
        "max_replica_count": 3,
        "primary": primary,
        "secondaries": [],
        "last_drops": [],
        "last_committed_decree": 0,
        "partition_flags": 0,
        **more,
    }


def good(received: Received) -> bytes:
    """The primary meta server of a cluster without anything in it."""
    if received.name == "RPC_CM_CLUSTER_INFO":
        return answer(received, INFO)
    if received.name == "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX":
        return answer(received, {"err": "ERR_OBJECT_NOT_FOUND"})
    if received.name == "RPC_CM_CONTROL_META":
        return answer(received, {"old_level": 500})
    if received.name in ("RPC_CM_LIST_APPS", "RPC_CM_LIST_NODES"):
        return answer(received, {"infos": []})
    if received.name == "/version":
        return page('{"Version":"2.5.0","GitCommit":"abc"}')
    return answer(received, {})


def not_primary(leader: t.Callable[[], str]) -> t.Callable[[Received], bytes]:
    def handle(received: Received) -> bytes:
        if received.name == "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX":
            return answer(received, {**FORWARD, "app_id": 0, "partition_count": 0, "is_stateful": False,
                                     "partitions": [partition(leader())] if leader() else []})  # fmt: skip
        return answer(received, FORWARD)

    return handle


def client(*servers: t.Union[Server, str], settings: ConnectionSettings = QUICK) -> MetaClient:
    return MetaClient([one if isinstance(one, str) else one.address for one in servers], settings)


def test_cluster_info_is_read() -> None:
    with Server(good) as server, client(server) as meta:
        info = meta.cluster_info()
        assert meta.primary == server.address
    assert (info.cluster_name, info.primary_meta, info.meta_level) == ("onebox", "127.0.0.1:1", "lively")
    assert info.meta_servers == ("127.0.0.1:1", "127.0.0.1:2")
    assert 1 <= server.requests[0].timeout_ms <= 2000


def test_the_rest_of_the_list_is_tried() -> None:
    with Server(good) as leader, Server(not_primary(lambda: "")) as other:
        with client(closed_port(), other, leader) as meta:
            assert meta.list_nodes() == ()
            assert meta.primary == leader.address


def test_a_leader_outside_the_list_is_found_by_the_query_that_names_it() -> None:
    with Server(good) as leader, Server(not_primary(lambda: leader.address)) as other, client(other) as meta:
        assert meta.list_apps() == ()
        assert meta.primary == leader.address
        assert [one.name for one in other.requests] == ["RPC_CM_LIST_APPS", "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"]


def test_a_moved_primary_is_followed() -> None:
    backup = not_primary(lambda: "")
    moved: t.List[bool] = []
    with Server(lambda one: backup(one) if moved else good(one)) as first:
        with Server(lambda one: good(one) if moved else backup(one)) as second:
            meta = client(first, second)
            meta.list_apps()
            assert meta.primary == first.address
            moved.append(True)
            assert meta.control_meta("steady") == "lively"
            assert meta.primary == second.address
            # The old one refused it without doing anything, so it was taken on.
            assert len(first.seen("RPC_CM_CONTROL_META")) == 1
            assert len(second.seen("RPC_CM_CONTROL_META")) == 1
            meta.close()


def test_a_read_waits_for_an_election() -> None:
    until = time.monotonic() + 0.5

    def handle(received: Received) -> bytes:
        return good(received) if time.monotonic() > until else not_primary(lambda: "")(received)

    with Server(handle) as server, client(server) as meta:
        assert meta.list_apps() == ()


def test_no_primary_within_the_time() -> None:
    settings = ConnectionSettings(1.0, 0.6)
    with Server(not_primary(lambda: "")) as server, client(server, settings=settings) as meta:
        begin = time.monotonic()
        with pytest.raises(MigrationError) as caught:
            meta.list_apps()
    assert caught.value.code == "pegasus.no_primary_meta"
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("err", ["ERR_SERVICE_NOT_ACTIVE", "ERR_UNDER_RECOVERY"])
def test_a_starting_leader_is_waited_for_by_reads_only(err: str) -> None:
    until = time.monotonic() + 0.4

    def handle(received: Received) -> bytes:
        return good(received) if time.monotonic() > until else answer(received, {"err": err})

    with Server(handle) as server, client(server) as meta:
        with pytest.raises(MigrationError) as caught:
            meta.control_meta("steady")
        assert caught.value.code in ("pegasus.service_not_active", "pegasus.under_recovery")
        assert len(server.requests) == 1
        assert meta.list_apps() == ()


def test_disabled_duplication_is_told_from_a_starting_leader() -> None:
    def handle(received: Received) -> bytes:
        return answer(received, {"err": "ERR_SERVICE_NOT_ACTIVE"}) if "DUPLICATION" in received.name else good(received)

    with Server(handle) as server, client(server) as meta:
        with pytest.raises(MigrationError) as caught:
            meta.add_duplication("temp", "target")
    assert caught.value.code == "pegasus.duplication_disabled"
    assert "duplication_enabled" in caught.value.message


def test_nothing_listens() -> None:
    address = closed_port()
    with client(address) as meta, pytest.raises(MigrationError) as caught:
        meta.control_meta("steady")
    assert caught.value.code == "pegasus.unreachable"
    assert address in caught.value.message
    assert "meta_servers" in caught.value.message


def test_the_option_is_named_in_messages() -> None:
    with pytest.raises(MigrationError, match="check target_meta_servers"):
        MetaClient([closed_port()], QUICK, option="target_meta_servers").list_apps()


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    with pytest.raises(MigrationError) as caught:
        client("no-such-host.invalid:34601").list_apps()
    assert caught.value.code == "pegasus.unreachable"


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x4a\x00\x00\x00\x0a8.0.36\x00abcd", b"HTTP/1.1 400 Bad Request\r\n\r\n"]
)
@pytest.mark.parametrize("change", [False, True])
def test_another_protocol_is_named(greeting: bytes, change: bool) -> None:
    with Server(lambda _received: HANG, greeting=greeting) as server, client(server) as meta:
        with pytest.raises(MigrationError) as caught:
            meta.control_meta("steady" if change else None)
    # A change was sent all the same, and nobody can tell whose answer this is.
    assert caught.value.code == ("pegasus.ambiguous" if change else "pegasus.not_pegasus")
    assert server.address in caught.value.message


def test_a_wrong_entry_in_the_list_is_named_beside_the_others() -> None:
    gone = closed_port()
    with Server(lambda _received: HANG, greeting=b"SSH-2.0-OpenSSH_9.2\r\n") as ssh:
        with client(gone, ssh) as meta, pytest.raises(MigrationError) as caught:
            meta.list_apps()
    assert caught.value.code == "pegasus.not_pegasus"
    assert set(caught.value.details["servers"]) == {gone, ssh.address}


def test_authentication_is_named_as_unsupported() -> None:
    with Server(lambda one: answer(one, error="ERR_UNAUTHENTICATED")) as server, client(server) as meta:
        with pytest.raises(MigrationError) as caught:
            meta.list_apps()
    assert caught.value.code == "pegasus.auth_unsupported"
    assert "enable_auth" in caught.value.message


def test_a_replica_server_is_named_as_another_kind() -> None:
    with Server(lambda one: answer(one, error="ERR_HANDLER_NOT_FOUND")) as server, client(server) as meta:
        with pytest.raises(MigrationError, match="replica server instead of meta server") as caught:
            meta.list_apps()
    assert caught.value.code == "pegasus.handler_not_found"


@pytest.mark.parametrize("error", ["ERR_UNAUTHENTICATED", "ERR_HANDLER_NOT_FOUND", ""])
@pytest.mark.parametrize("option", ["meta_servers", "target_meta_servers"])
def test_what_may_be_a_wrong_address_names_its_option(error: str, option: str) -> None:
    settings = ConnectionSettings(1.0, 0.4)
    with Server(lambda one: answer(one, error=error) if error else HANG) as server:
        with MetaClient([server.address], settings, option=option) as meta, pytest.raises(MigrationError) as caught:
            meta.list_apps()
    assert f"check {option}" in caught.value.message


# Answers that are lost.


@pytest.mark.parametrize("lost", [CLOSE, HANG])
def test_a_lost_answer_to_a_change_is_ambiguous_and_nothing_is_repeated(lost: bytes) -> None:
    with Server(lambda _received: lost) as server, Server(good) as other:
        meta = client(server, other, settings=ConnectionSettings(1.0, 0.5))
        with meta, pytest.raises(MigrationError) as caught:
            meta.update_app_env("temp", "set", ["k"], ["v"])
    assert caught.value.code == "pegasus.ambiguous"
    assert len(server.requests) == 1
    assert other.requests == []


def test_a_lost_answer_to_a_read_is_asked_elsewhere() -> None:
    with Server(lambda _received: HANG) as hung, Server(good) as other, client(hung, other) as meta:
        assert meta.list_apps() == ()
        assert meta.primary == other.address
        asked = len(hung.requests)
        meta.list_apps()
        assert len(hung.requests) == asked, "the one that hung is not asked first again"


def test_a_server_that_only_closes_is_unreachable_for_a_read() -> None:
    with Server(lambda _received: CLOSE) as server, client(server) as meta:
        with pytest.raises(MigrationError, match="closed the connection without an answer") as caught:
            meta.list_apps()
    assert caught.value.code == "pegasus.unreachable"


def test_a_silent_server_times_out_within_one_deadline() -> None:
    with Server(lambda _received: HANG) as server, client(server, settings=ConnectionSettings(1.0, 0.4)) as meta:
        begin = time.monotonic()
        with pytest.raises(MigrationError) as caught:
            meta.list_apps()
    assert caught.value.code == "pegasus.timeout"
    assert time.monotonic() - begin < 5


def test_a_server_that_drips_does_not_stretch_the_deadline() -> None:
    def drip(received: Received) -> bytes:
        time.sleep(0.15)
        return answer(received, {"infos": []})[:5] if received.seqid == 1 else HANG

    with Server(drip) as server, client(server, settings=ConnectionSettings(1.0, 0.5)) as meta:
        begin = time.monotonic()
        with pytest.raises(MigrationError) as caught:
            meta.list_apps()
    assert caught.value.code == "pegasus.timeout"
    assert time.monotonic() - begin < 5


def test_an_idle_connection_that_was_closed_costs_nothing() -> None:
    with Server(good) as server, client(server) as meta:
        meta.list_apps()
        server.drop_connections()
        assert meta.list_apps() == ()
        server.drop_connections()
        assert meta.control_meta("steady") == "lively"
        assert len(server.seen("RPC_CM_CONTROL_META")) == 1


def test_a_change_gets_a_connection_of_its_own_and_a_read_does_not() -> None:
    with Server(good) as server, client(server) as meta:
        for _round in range(2):
            meta.list_apps()
        meta.control_meta("steady")
        assert [one.connection for one in server.requests] == [1, 1, 2]


def test_an_unreadable_answer_to_a_read_says_what() -> None:
    def handle(received: Received) -> bytes:
        out = tb.Writer()
        out.field(schema.ADDRESS.wire, 77)
        whole = answer(received, {})
        body = whole[4:-2] + out.joined() + bytes(10)
        return (len(body) + 4).to_bytes(4, "big") + body

    with Server(handle) as server, client(server) as meta:
        with pytest.raises(MigrationError, match="field 77 of list_apps_response is unknown") as caught:
            meta.list_apps()
        assert caught.value.code == "pegasus.decode"
        assert caught.value.details["address"] == server.address
        with pytest.raises(MigrationError) as changed:
            meta.control_meta("steady")
    assert changed.value.code == "pegasus.ambiguous", "it may have been carried out all the same"


def test_an_answer_to_something_else_is_passed_over() -> None:
    def handle(received: Received) -> bytes:
        stray = Received(received.name, received.seqid + 1000)
        return answer(stray, {"infos": []}) + answer(received, {"infos": []})

    with Server(handle) as server, client(server) as meta:
        assert meta.list_apps() == ()
        assert meta.list_apps() == ()


# What is refused.


@pytest.mark.parametrize(
    ("err", "code"),
    [
        ("ERR_DUP_EXIST", "pegasus.dup_exists"),
        ("ERR_BUSY", "pegasus.busy"),
        ("ERR_APP_NOT_EXIST", "pegasus.app_not_found"),
        ("ERR_ACL_DENY", "pegasus.acl_denied"),
        ("ERR_INVALID_PARAMETERS", "pegasus.invalid_parameters"),
        ("ERR_TIMEOUT", "pegasus.ambiguous"),
        ("ERR_ZOOKEEPER_OPERATION", "pegasus.ambiguous"),
        ("ERR_SOMETHING_NEW", "pegasus.refused"),
    ],
)
def test_refusals_keep_the_servers_words(err: str, code: str) -> None:
    reply = {"err": err, "appid": 0, "dupid": 0, "hint": "because"}
    with Server(lambda one: answer(one, reply)) as server, client(server) as meta:
        with pytest.raises(MigrationError) as caught:
            meta.add_duplication("temp", "target")
    assert caught.value.code == code
    assert caught.value.server_text == f"{err}: because"


@pytest.mark.parametrize(
    ("err", "hint", "code"),
    [
        ("ERR_INVALID_PARAMETERS", "invalid app name", "pegasus.app_not_found"),
        ("ERR_APP_NOT_EXIST", "app cannot be found", "pegasus.app_not_found"),
        ("ERR_INVALID_PARAMETERS", 'app_env "x" is not supported', "pegasus.invalid_parameters"),
    ],
)
def test_an_unknown_table_has_one_code_in_every_version(err: str, hint: str, code: str) -> None:
    with Server(lambda one: answer(one, {"err": err, "hint_message": hint})) as server, client(server) as meta:
        with pytest.raises(MigrationError) as caught:
            meta.update_app_env("temp", "del", ["x"])
    assert caught.value.code == code


# What is read, by version.

APP = {
    "status": 1, "app_type": "pegasus", "app_name": "temp", "app_id": 2, "partition_count": 8, "envs": {"k": "v"},
    "is_stateful": True, "max_replica_count": 3, "expire_second": 0, "create_second": 1700000000, "drop_second": 0,
}  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"duplicating": True, "init_partition_count": 4, "atomic_idempotent": False}])
def test_tables_of_old_and_new_servers(more: t.Dict[str, t.Any]) -> None:
    gone = {**APP, "status": 6, "app_id": 1}
    with Server(lambda one: answer(one, {"infos": [gone, {**APP, **more}]})) as server, client(server) as meta:
        found = meta.app("temp")
        assert meta.app("other") is None
        assert [app.status for app in meta.list_apps()] == ["DROPPED", "AVAILABLE"]
    assert found is not None
    assert (found.app_id, found.duplicating, found.atomic_idempotent) == (
        2,
        more.get("duplicating"),
        more.get("atomic_idempotent"),
    )


def test_a_table_without_its_id_is_unreadable() -> None:
    broken = {key: value for key, value in APP.items() if key != "app_id"}
    with Server(lambda one: answer(one, {"infos": [broken]})) as server, client(server) as meta:
        with pytest.raises(MigrationError, match="app_info has no field app_id") as caught:
            meta.list_apps()
    assert caught.value.code == "pegasus.decode"


@pytest.mark.parametrize("names", [False, True])
def test_routing_of_old_and_new_servers(names: bool) -> None:
    told = partition("10.0.0.1:34801", secondaries=["10.0.0.2:34801", "10.0.0.3:34801"])
    if names:
        told.update(hp_primary="r1:34801", hp_secondaries=["r2:34801", "r3:34801"], hp_last_drops=[])
    reply = {"app_id": 2, "partition_count": 2, "is_stateful": True, "partitions": [told]}
    with Server(lambda one: answer(one, reply)) as server, client(server) as meta:
        config = meta.query_config("temp")
    assert config is not None
    assert config.primaries == {"10.0.0.1:34801": [0]}
    assert config.members == ("10.0.0.1:34801", "10.0.0.2:34801", "10.0.0.3:34801")
    assert config.without_primary == (1,)
    assert config.unhealthy() == (1,)


def test_names_stand_in_for_missing_addresses() -> None:
    told = partition("", hp_primary="r1:34801", secondaries=[], hp_secondaries=["r2:34801"])
    reply = {"app_id": 2, "partition_count": 1, "is_stateful": True, "partitions": [told]}
    with Server(lambda one: answer(one, reply)) as server, client(server) as meta:
        config = meta.query_config("temp")
    assert config is not None
    assert config.partitions[0].members == ("r1:34801", "r2:34801")


def test_an_unknown_table_has_no_routing() -> None:
    with Server(good) as server, client(server) as meta:
        assert meta.query_config("temp") is None


def test_duplications_of_old_and_new_servers() -> None:
    old = {"dupid": 7, "status": 3, "remote": "target", "create_ts": 1700000000000, "fail_mode": 0}
    new = {**old, "remote_app_name": "temp2", "remote_replica_count": 3, "mode": 0,
           "partition_states": {0: {"confirmed_decree": 5, "last_committed_decree": 9}}}  # fmt: skip
    reply = {"appid": 2, "entry_list": [old, new]}
    with Server(lambda one: answer(one, reply)) as server, client(server) as meta:
        first, second = meta.query_duplications("temp")
    assert (first.status, first.fail_mode, first.remote_app_name) == ("DS_LOG", "FAIL_SLOW", None)
    assert (second.remote_app_name, second.remote_replica_count) == ("temp2", 3)
    assert second.partition_states[0].confirmed_decree == 5


def test_the_meta_level_is_asked_for_without_changing_it() -> None:
    with Server(good) as server, client(server) as meta:
        assert meta.control_meta() == "lively"
        assert meta.control_meta("steady") == "lively"
    assert [one.fields["level"] for one in server.requests] == [10000, 400]


def test_split_and_bulk_load() -> None:
    def handle(received: Received) -> bytes:
        if received.name == "RPC_CM_QUERY_PARTITION_SPLIT":
            if received.fields["app_name"] == "still":
                return answer(received, {"err": "ERR_INVALID_STATE"})
            return answer(received, {"new_partition_count": 16, "status": {0: 1}})
        return answer(received, {"app_status": 3, "is_bulk_loading": True})

    with Server(handle) as server, client(server) as meta:
        assert meta.split_status("still") is None
        split = meta.split_status("temp")
        load = meta.bulk_load_status("temp")
    assert split is not None
    assert (split.new_partition_count, split.partitions) == (16, {0: "SPLITTING"})
    assert (load.status, load.running) == ("INGESTING", True)


def test_a_split_and_a_bulk_load_of_which_little_is_told() -> None:
    def handle(received: Received) -> bytes:
        if received.name == "RPC_CM_QUERY_PARTITION_SPLIT":
            return answer(received, {})
        return answer(received, {"partitions_status": [1, 4]})

    with Server(handle) as server, client(server) as meta:
        assert meta.split_status("temp") == model.SplitStatus(0, {})
        assert meta.bulk_load_status("temp") == model.BulkLoadStatus("", None, ("DOWNLOADING", "SUCCEED"))


# Versions.


def test_version_by_http() -> None:
    with Server(good) as server, client(server) as meta:
        assert meta.version() == Version(2, 5)
        assert meta.profile.generation == "2.5"
        meta.version()
        assert len(server.seen("/version")) == 1


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Pegasus Server 2.4.0 (0123abc) Release, Started at 2022-11-11 11:11:11", Version(2, 4)),
        ('{"version":"2.6.0-SNAPSHOT","build_type":"Release"}', Version(2, 6, 0, "SNAPSHOT")),
    ],
)
def test_version_by_remote_command(text: str, version: Version) -> None:
    def handle(received: Received) -> bytes:
        if received.name == "/version":
            return page("no such path", 404)
        return answer(received, text) if received.name == "RPC_CLI_CLI_CALL" else good(received)

    with Server(handle) as server, client(server) as meta:
        assert meta.version() == version


@pytest.mark.parametrize(
    ("unknown", "version"),
    [([], Version(2, 6)), (["RPC_CM_LIST_DUPLICATION"], Version(2, 4))],
)
def test_version_by_the_requests_that_are_known(unknown: t.List[str], version: Version) -> None:
    def handle(received: Received) -> bytes:
        if received.name == "/version":
            return CLOSE
        if received.name in (*unknown, "RPC_CLI_CLI_CALL"):
            return answer(received, error="ERR_HANDLER_NOT_FOUND")
        return good(received)

    with Server(handle) as server, client(server) as meta:
        assert meta.version() == version


def test_a_server_that_tells_nothing_of_its_version() -> None:
    def handle(received: Received) -> bytes:
        if received.name == "RPC_CM_CLUSTER_INFO":
            return good(received)
        return CLOSE if received.name == "/version" else answer(received, error="ERR_HANDLER_NOT_FOUND")

    with Server(handle) as server, client(server) as meta:
        with pytest.raises(MigrationError) as caught:
            meta.version()
    assert caught.value.code == "pegasus.version_unknown"


def test_an_old_server_is_refused_by_its_version() -> None:
    def handle(received: Received) -> bytes:
        return page('{"Version":"2.3.0"}') if received.name == "/version" else good(received)

    with Server(handle) as server, client(server) as meta:
        with pytest.raises(MigrationError) as caught:
            meta.profile.generation.strip()
    assert caught.value.code == "pegasus.version_too_old"
