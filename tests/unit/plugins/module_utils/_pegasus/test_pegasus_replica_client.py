# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to replica servers: everybody at once, each with its own outcome, nothing made up."""

from __future__ import annotations

import contextlib
import json
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.key_hash import crc64
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.proxy_client import ask_proxies
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
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

SHORT = ConnectionSettings(1.0, 0.4)


def replica(index: int, *, app_id: int = 2, status: int = 3, ballot: int = 3, decree: int = 10) -> t.Dict[str, t.Any]:
    return {
        "pid": Gpid(app_id, index),
        "ballot": ballot,
        "status": status,
        "last_committed_decree": decree,
        "last_prepared_decree": decree + 1,
        "last_durable_decree": decree - 1,
        "app_type": "pegasus",
        "disk_tag": "ssd1",
    }


def table(primaries: t.Sequence[str]) -> model.TableConfig:
    parts = tuple(model.Partition(index, 3, 3, primary, (), 0) for index, primary in enumerate(primaries))
    return model.TableConfig(2, len(parts), parts)


def only(answers: model.Answers[t.Any], address: str) -> MigrationError:
    """The error of the one server that was asked."""
    assert not answers.good
    return answers.failed[address]


def test_replicas_of_each_server_and_the_error_of_the_one_that_is_gone() -> None:
    gone = closed_port()
    reply = {"replicas": [replica(0), replica(1, status=4), replica(0, app_id=9)]}
    with Server(lambda one: answer(one, reply)) as server, ReplicaClient(QUICK) as client:
        answers = client.replica_infos([server.address, gone, server.address], 2)
        everything = client.replica_infos([server.address])
    assert not answers.complete
    assert [(info.index, info.status, info.node) for info in answers.good[server.address]] == [
        (0, "PRIMARY", server.address),
        (1, "SECONDARY", server.address),
    ]
    assert answers.failed[gone].code == "pegasus.unreachable"
    assert answers.failures()[gone]["code"] == "pegasus.unreachable"
    # Whose replicas are meant: some servers look at it.
    assert {one.fields["node"] for one in server.requests} == {server.address}
    assert len(everything.good[server.address]) == 3
    assert (answers.good[server.address][0].last_committed_decree, answers.good[server.address][0].ballot) == (10, 3)


def test_one_silent_server_costs_the_others_nothing() -> None:
    """Nor do ten of them cost one another anything: one after the other, they would take ten seconds."""
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(Server(lambda _one: HANG)).address for _number in range(10)]
        server = stack.enter_context(Server(lambda one: answer(one, {"replicas": []})))
        client = stack.enter_context(ReplicaClient(ConnectionSettings(1.0, 1.0)))
        begin = time.monotonic()
        answers = client.replica_infos([*silent, server.address])
        took = time.monotonic() - begin
    assert took < 8
    assert {answers.failed[one].code for one in silent} == {"pegasus.timeout"}
    assert answers.good[server.address] == ()


def test_connections_are_kept_and_renewed() -> None:
    with Server(lambda one: answer(one, {"replicas": []})) as server, ReplicaClient(QUICK) as client:
        assert client.replica_infos([server.address]).complete
        assert client.replica_infos([server.address]).complete
        assert [one.connection for one in server.requests] == [1, 1]
        server.drop_connections()
        assert client.replica_infos([server.address]).complete
        assert server.requests[-1].connection == 2


def test_a_remote_command() -> None:
    with Server(lambda one: answer(one, "3 processed")) as server, ReplicaClient(QUICK) as client:
        assert client.command(server.address, "replica.query-progress", ["2"]) == "3 processed"
    assert server.requests[0].fields == {"cmd": "replica.query-progress", "arguments": ["2"]}


def test_a_refusal_is_told() -> None:
    with Server(lambda one: answer(one, {"err": "ERR_BUSY"})) as server, ReplicaClient(QUICK) as client:
        assert only(client.replica_infos([server.address]), server.address).code == "pegasus.busy"


# HTTP.


def served(text: str, status: int = 200) -> Server:
    return Server(lambda _one: page(text, status))


def test_progress_of_the_partitions_that_a_server_is_primary_of() -> None:
    state = {"duplicating": True, "not_confirmed_mutations_num": 5, "not_duplicated_mutations_num": 2}
    states = {
        "2.1": {**state, "fail_mode": "FAIL_SLOW", "remote_app_name": "temp"},
        "2.0": {**state, "fail_mode": "FAIL_SKIP"},
    }
    with served(json.dumps({"1700000000": states})) as server, ReplicaClient(QUICK) as client:
        first, second = client.progress([server.address], 2).good[server.address]
    assert server.requests[0].name == "/replica/duplication?appid=2"
    assert first == model.PartitionProgress(0, server.address, True, 5, 2, "FAIL_SKIP", 1700000000)
    assert (second.index, second.fail_mode) == (1, "FAIL_SLOW")


def test_numbers_that_come_as_text() -> None:
    state = {"duplicating": "false", "not_confirmed_mutations_num": "5", "not_duplicated_mutations_num": "2",
             "fail_mode": "FAIL_SLOW"}  # fmt: skip
    with served(json.dumps({"7": {"2.0": state}})) as server, ReplicaClient(QUICK) as client:
        (found,) = client.progress([server.address], 2).good[server.address]
    assert (found.duplicating, found.not_confirmed, found.not_duplicated) == (False, 5, 2)


@pytest.mark.parametrize("text", ["no primary for app [appid=2]", "no duplication assigned for app [appid=2]"])
def test_a_server_without_primaries_has_no_progress(text: str) -> None:
    with served(text, 404) as server, ReplicaClient(QUICK) as client:
        assert client.progress([server.address], 2) == model.Answers({server.address: ()})


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("no such path", 404, "pegasus.refused"),
        ("oops", 500, "pegasus.refused"),
        ("not JSON", 200, "pegasus.decode"),
        ("[]", 200, "pegasus.decode"),
        ('{"1": 2}', 200, "pegasus.decode"),
        ('{"1": {"2.0": {"duplicating": true}}}', 200, "pegasus.decode"),
        ('{"1": {"3.0": {}}}', 200, "pegasus.decode"),
    ],
)
def test_other_answers_are_unknown_and_not_nothing(text: str, status: int, code: str) -> None:
    with served(text, status) as server, ReplicaClient(QUICK) as client:
        assert only(client.progress([server.address], 2), server.address).code == code


def test_data_versions_of_hosting_servers() -> None:
    with served('{"0":{"data_version":"1"},"3":{"data_version":"0"}}') as server, ReplicaClient(QUICK) as client:
        assert client.data_versions({2: [server.address]})[2].good[server.address] == {0: 1, 3: 0}
    with served("app_id=2 not found", 404) as server, ReplicaClient(QUICK) as client:
        assert client.data_versions({2: [server.address]})[2].good[server.address] == {}


def test_versions() -> None:
    with served('{"Version":"2.4.1","GitCommit":"x"}') as server, served("none") as other:
        with ReplicaClient(QUICK) as client:
            answers = client.versions([server.address, other.address])
    assert answers.good == {server.address: Version(2, 4, 1)}
    assert set(answers.failed) == {other.address}


def test_a_setting_is_read() -> None:
    text = json.dumps({"name": "config_sync_interval_ms", "section": "replication", "type": "FV_INT32",
                       "tags": "flag_tag::FT_MUTABLE", "description": "x", "value": "30000"})  # fmt: skip
    with served(text) as server, ReplicaClient(QUICK) as client:
        value = client.get_config([server.address], "config_sync_interval_ms").good[server.address]
    assert value == model.ConfigValue("config_sync_interval_ms", "30000", "replication", "FV_INT32", True)


@pytest.mark.parametrize(("text", "status"), [("ERR_OBJECT_NOT_FOUND - x is not found", 200), ("{}", 200), ("no", 404)])
def test_an_invisible_setting_is_unknown(text: str, status: int) -> None:
    with served(text, status) as server, ReplicaClient(QUICK) as client:
        assert only(client.get_config([server.address], "x"), server.address).code == "pegasus.config_unknown"


def test_a_setting_is_changed() -> None:
    with served('{"update_status":"ERR_OK"}') as server, ReplicaClient(QUICK) as client:
        client.update_config(server.address, "config_sync_interval_ms", "1000")
    assert [one.name for one in server.requests] == ["/updateConfig?config_sync_interval_ms=1000"]


@pytest.mark.parametrize(
    ("text", "status"), [('{"update_status":"ERR_INVALID_PARAMETERS: not mutable"}', 200), ("no such path", 404)]
)
def test_a_setting_that_may_not_be_changed(text: str, status: int) -> None:
    with served(text, status) as server, ReplicaClient(QUICK) as client:
        with pytest.raises(MigrationError) as caught:
            client.update_config(server.address, "x", "1")
    assert (caught.value.code, caught.value.server_text) == ("pegasus.config_refused", text)


@pytest.mark.parametrize(("text", "status"), [("Internal error: 1003", 500), ("", 503), ("welcome", 200), ("{}", 200)])
def test_an_answer_that_does_not_say_whether_a_setting_was_changed_is_ambiguous(text: str, status: int) -> None:
    with served(text, status) as server, ReplicaClient(QUICK) as client:
        with pytest.raises(MigrationError) as caught:
            client.update_config(server.address, "x", "1")
    assert (caught.value.code, caught.value.server_text) == ("pegasus.ambiguous", text)


@pytest.mark.parametrize("lost", [HANG, CLOSE])
def test_a_change_of_a_setting_whose_answer_is_lost_is_ambiguous(lost: bytes) -> None:
    with Server(lambda _one: lost) as server, ReplicaClient(SHORT) as client:
        with pytest.raises(MigrationError) as caught:
            client.update_config(server.address, "x", "1")
        assert only(client.get_config([server.address], "x"), server.address).code in (
            "pegasus.timeout",
            "pegasus.unreachable",
        )
    assert caught.value.code == "pegasus.ambiguous"
    assert len(server.requests) == 2


def test_what_speaks_no_http_is_named() -> None:
    with Server(lambda _one: HANG, greeting=b"SSH-2.0-OpenSSH_9.2\r\n") as server, ReplicaClient(SHORT) as client:
        assert only(client.versions([server.address]), server.address).code == "pegasus.not_pegasus"


def test_http_that_drips_does_not_stretch_the_deadline() -> None:
    with Server(lambda _one: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{") as server:
        with ReplicaClient(SHORT) as client:
            begin = time.monotonic()
            answers = client.versions([server.address])
    assert only(answers, server.address).code == "pegasus.timeout"
    assert time.monotonic() - begin < 5


# The probe.


def gate(
    errors: t.Mapping[int, str], replicas: t.Sequence[t.Mapping[str, t.Any]] = ()
) -> t.Callable[[Received], bytes]:
    def handle(received: Received) -> bytes:
        if received.name == "RPC_QUERY_REPLICA_INFO":
            return answer(received, {"replicas": list(replicas)})
        error = errors[received.partition]
        if error == "silent":
            return HANG
        return answer(received, {"error": 0}) if error == "ERR_OK" else answer(received, error=error)

    return handle


def test_every_word_of_the_probe() -> None:
    errors = {
        0: "ERR_OPERATION_DISABLED",
        1: "ERR_INVALID_STATE",
        2: "ERR_INVALID_STATE",
        3: "ERR_INVALID_STATE",
        4: "ERR_OBJECT_NOT_FOUND",
        5: "silent",
        6: "ERR_OK",
        7: "ERR_BUSY",
    }
    replicas = [replica(1), replica(2, status=4), replica(3, ballot=4)]
    gone = closed_port()
    with Server(gate(errors, replicas)) as server, ReplicaClient(SHORT) as client:
        words = client.probe_writes(table([server.address] * 8 + [gone, ""]))
    assert words == {
        0: "open",
        1: "denied",
        2: "moved",  # no primary any more
        3: "moved",  # primary again, of a later ballot
        4: "moved",
        5: "silent",
        6: "applied",
        7: "unknown",
        8: "unreachable",
        9: "no_primary",
    }
    probes = server.seen("RPC_RRDB_RRDB_INCR")
    assert {(one.app_id, one.partition) for one in probes} == {(2, index) for index in range(8)}
    assert {(one.fields["increment"], one.fields["expire_ts_seconds"]) for one in probes} == {(0, 1)}


def _belongs(received: Received, partitions: int) -> bool:
    """Whether key and header say the partition that the request goes to."""
    fields = received.fields
    if received.name == "RPC_RRDB_RRDB_INCR":
        length = int.from_bytes(fields["key"][:2], "big")
        hash_key = fields["key"][2 : 2 + length]
    else:
        hash_key = fields["hash_key"]
    checksum = crc64(hash_key)
    return received.partition_hash == checksum and checksum % partitions == received.partition


@pytest.mark.parametrize("kind", ["writes", "reads"])
def test_servers_that_look_at_the_key_s_hash_take_the_probe(kind: str) -> None:
    """After a split they refuse what does not belong to the partition, before they look whether there is a fence."""

    def handle(received: Received) -> bytes:
        if received.name == "RPC_QUERY_REPLICA_INFO":
            return answer(received, {"replicas": [replica(index) for index in range(8)]})
        mine = _belongs(received, 8)
        return answer(received, error="ERR_INVALID_STATE" if mine else "ERR_PARENT_PARTITION_MISUSED")

    with Server(handle) as server, ReplicaClient(SHORT) as client:
        probe = client.probe_writes if kind == "writes" else client.probe_reads
        words = probe(table([server.address] * 8))
    assert words == dict.fromkeys(range(8), "denied")


def test_reads_are_asked_for_with_a_record_that_nobody_has() -> None:
    errors = {0: "ERR_OK", 1: "ERR_INVALID_STATE", 2: "ERR_INVALID_STATE", 3: "ERR_OBJECT_NOT_FOUND", 4: "silent",
              5: "ERR_BUSY", 6: "ERR_OPERATION_DISABLED"}  # fmt: skip
    with Server(gate(errors, [replica(1), replica(2, status=4)])) as server, ReplicaClient(SHORT) as client:
        words = client.probe_reads(table([server.address] * 7 + [""]))
    assert words == {0: "open", 1: "denied", 2: "moved", 3: "moved", 4: "silent", 5: "unknown", 6: "unknown",
                     7: "no_primary"}  # fmt: skip
    assert server.seen("RPC_RRDB_RRDB_INCR") == []
    probes = server.seen("RPC_RRDB_RRDB_MULTI_GET")
    assert {(one.app_id, one.partition) for one in probes} == {(2, index) for index in range(7)}
    assert all(len(one.fields["sort_keys"]) == 1 and one.fields["no_value"] for one in probes)


def test_a_denial_that_cannot_be_told_from_a_move_is_unknown() -> None:
    def handle(received: Received) -> bytes:
        return CLOSE if received.name == "RPC_QUERY_REPLICA_INFO" else answer(received, error="ERR_INVALID_STATE")

    with Server(handle) as server, ReplicaClient(SHORT) as client:
        assert client.probe_writes(table([server.address])) == {0: "unknown"}


def test_a_server_that_speaks_no_pegasus_leaves_no_word_out() -> None:
    with Server(lambda _one: HANG, greeting=b"SSH-2.0-OpenSSH_9.2\r\n") as server, ReplicaClient(SHORT) as client:
        assert client.probe_writes(table([server.address, server.address])) == {0: "unreachable", 1: "unreachable"}


def test_an_unreadable_answer_to_the_probe_is_unknown() -> None:
    def handle(received: Received) -> bytes:
        return answer(Received("RPC_CM_LIST_NODES", received.seqid), {})

    with Server(handle) as server, ReplicaClient(SHORT) as client:
        assert client.probe_writes(table([server.address])) == {0: "unknown"}


# MetaProxies.


def test_each_proxy_is_asked() -> None:
    def handle(received: Received) -> bytes:
        return answer(received, {"app_id": 5, "partition_count": 0, "is_stateful": True, "partitions": []})

    with Server(handle) as new, Server(lambda one: answer(one, {"err": "ERR_OBJECT_NOT_FOUND"})) as none:
        with Server(lambda one: answer(one, {"err": "ERR_INVALID_DATA"})) as broken:
            answers = ask_proxies([new.address, none.address, broken.address], "temp", QUICK)
    assert answers.good[none.address] is None
    found = answers.good[new.address]
    assert found is not None
    assert found.app_id == 5
    assert answers.failed[broken.address].server_text == "ERR_INVALID_DATA"
