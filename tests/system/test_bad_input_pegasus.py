# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an input is said in one clear sentence, and nothing that changes anything is sent."""

from __future__ import annotations

import http.server
import json
import pathlib
import socketserver
import threading
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import pegasus_places, playbooks
from system.pegasus_places import Result, clusters, metaproxy

Options = t.Dict[str, t.Any]

TWO_CLUSTERS: dict[str, Options] = {
    "preflight": {"tables": "temp", "fail_on_blocker": True},
    "duplication": {"tables": "temp", "remote_cluster": "onebox-b", "wait": False},
}
ONE_CLUSTER: dict[str, Options] = {
    "app_env": {"tables": "temp", "envs": {"replica.write_throttling": "2000*delay*50"}},
    "meta_level": {"level": "steady"},
    "info": {},
}
EVERY = {**TWO_CLUSTERS, **ONE_CLUSTER}
WITH_METAPROXY: dict[str, Options] = {
    "cutover": {"tables": "temp"},
    "metaproxy_table": {"tables": "temp", "target_meta_servers": None},
}


@pytest.fixture(scope="module")
def lab() -> t.Iterator[LabClient]:
    with process.start("pegasus", "2.5", partitions=4, clients=0, factor=20) as running:
        yield running


def given(lab: LabClient, module: str, **more: t.Any) -> Options:
    way = metaproxy(lab) if module in WITH_METAPROXY else {}
    found = {**clusters(lab), **way, **{**EVERY, **WITH_METAPROXY}[module], **more}
    if module in ONE_CLUSTER:
        found.pop("target_meta_servers")
    return found


def refused(lab: LabClient, module: str, *words: str, contact: bool = True, **more: t.Any) -> Result:
    """Run, and return the failure; its message holds all the words. Without ``contact`` the lab saw nothing at all."""
    lab.clear_requests()
    result = pegasus_places.run(module, given(lab, module, **more))
    assert result.get("failed") is True, result
    said = result["msg"]
    assert [word for word in words if word not in said] == [], said
    assert "\n" not in said
    assert said.endswith((".", "]", ")")), said
    assert result.get("changed", False) is False
    seen = lab.requests(mutating=True) if contact else lab.requests()
    assert [one["request"] for one in seen] == []
    return result


@pytest.mark.parametrize(
    "module", [pytest.param(name, marks=[pytest.mark.thorough] if number else []) for number, name in enumerate(EVERY)]
)
@pytest.mark.parametrize(
    ("meta_servers", "words"),
    [
        ("", ["meta_servers", "no meta server is given", "PEGASUS_META_SERVERS"]),
        ("meta-0", ["meta_servers", "'meta-0'", "no port"]),
        ("http://meta-0:34601", ["meta_servers", "is a URL"]),
        ("[::1]:34601", ["meta_servers"]),
        ("a:1,b:2,a:1", ["meta_servers", "a:1 is given twice"]),
        ("a:99999", ["meta_servers", "99999"]),
        ("a:1,,b;2", ["meta_servers", "'b;2'"]),
    ],
    ids=["none", "no port", "URL", "IPv6", "twice", "port", "semicolon"],
)
def test_malformed_meta_lists(lab: LabClient, module: str, meta_servers: str, words: list[str]) -> None:
    refused(lab, module, *words, contact=False, meta_servers=meta_servers)


@pytest.mark.parametrize("module", list(TWO_CLUSTERS))
def test_the_same_cluster_twice(lab: LabClient, module: str) -> None:
    same = clusters(lab)["meta_servers"]
    refused(lab, module, "target_meta_servers", "the same cluster", contact=False, target_meta_servers=same)


def test_the_same_cluster_under_other_addresses(lab: LabClient) -> None:
    first, *others = json.loads(clusters(lab)["meta_servers"])
    options = {"meta_servers": first, "target_meta_servers": ",".join(others)}
    result = refused(lab, "preflight", "one and the same cluster", **options)
    assert result["code"] == "preflight.blocked"


@pytest.mark.parametrize("timeout", ["0", "-1s", "5 parsecs"])
@pytest.mark.parametrize("option", ["connect_timeout", "rpc_timeout"])
def test_timeouts_that_cannot_be(lab: LabClient, option: str, timeout: str) -> None:
    refused(lab, "preflight", option, contact=False, **{option: timeout})


@pytest.mark.thorough
@pytest.mark.cost(10)
def test_who_switches_the_clients_is_not_asked_what_a_credential_says_of_metaproxy(
    lab: LabClient, tmp_path: pathlib.Path
) -> None:
    """A credential of AWX is in the environment of every job, and options that are left out are looked for there."""
    given = {f"pegasus_{name}": value for name, value in clusters(lab).items()}
    given.update(pegasus_tables="temp", pegasus_switch="hand_over", pegasus_journal=str(tmp_path / "j.jsonl"))
    credential = {"PEGASUS_ZOOKEEPER_HOSTS": "no address:x", "PEGASUS_ZOOKEEPER_ROOT": "/metaproxy"}
    playbooks.play("pegasus_preflight", given, tmp_path, **credential).succeed()


# ---- what is not a Pegasus cluster, or not one that can be used


class _Silent(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(4096)


class _Banner(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.request.recv(4096)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture(params=["hangs up", "SSH", "HTTP", "ZooKeeper", "lab's control"])
def stranger(request: pytest.FixtureRequest, lab: LabClient) -> t.Iterator[str]:
    """The address of something else."""
    there = {
        "ZooKeeper": lab.describe["zookeeper"]["hosts"],
        "lab's control": lab.describe["control"][len("http://") :],
    }
    if request.param in there:
        yield there[request.param]
        return
    handlers: dict[str, t.Any] = {
        "hangs up": _Silent,
        "SSH": _Banner,
        "HTTP": http.server.SimpleHTTPRequestHandler,
    }
    with _Server(("127.0.0.1", 0), handlers[request.param]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("option", ["meta_servers", pytest.param("target_meta_servers", marks=pytest.mark.thorough)])
def test_a_host_that_speaks_no_pegasus(lab: LabClient, stranger: str, option: str) -> None:
    options: Options = {option: stranger, "connect_timeout": "1s", "rpc_timeout": "2s"}
    result = refused(lab, "preflight", stranger, **options)
    assert result["code"] in ("pegasus.not_pegasus", "pegasus.unreachable", "pegasus.timeout")


def test_a_replica_server_is_no_meta_server(lab: LabClient) -> None:
    address = lab.describe["clusters"]["source"]["replicas"][0]
    result = refused(lab, "preflight", address, meta_servers=address)
    assert result["code"] == "pegasus.handler_not_found"


def test_a_metaproxy_is_no_meta_server(lab: LabClient) -> None:
    address = lab.describe["metaproxies"][0]
    result = refused(lab, "preflight", address, meta_servers=address, rpc_timeout="1s")
    assert result["code"].startswith("pegasus.")


@pytest.mark.parametrize(
    ("access", "code", "word"),
    [("sasl", "pegasus.auth_unsupported", "enable_auth"), ("acl", "pegasus.acl_denied", "access control")],
)
@pytest.mark.parametrize("key", ["source", "target"])
def test_clusters_that_let_nobody_in(lab: LabClient, key: str, access: str, code: str, word: str) -> None:
    lab.config(cluster=key, access=access)
    try:
        for module in EVERY if key == "source" else ["preflight"]:
            assert refused(lab, module, word)["code"] == code, module
    finally:
        lab.config(cluster=key, access="")


def test_versions_before_2_4() -> None:
    with process.start("pegasus", "2.3.0", partitions=4, clients=0, factor=20, no_metaproxy=True) as old:
        for module in ("preflight", "duplication"):
            assert refused(old, module, "2.3.0", "2.4")["code"] == "pegasus.version_too_old"


# ---- tables and envs


def test_unknown_tables(lab: LabClient) -> None:
    result = refused(lab, "preflight", "table nowhere", "table Temp", "but temp (upper", tables="nowhere,Temp")
    assert result["code"] == "preflight.blocked"
    refused(lab, "duplication", "nowhere", tables="nowhere")
    refused(lab, "app_env", "nowhere", tables="nowhere")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"remote_tables": {"temp": "temp/2"}}, ["remote_tables", "'temp/2'", "letters, digits"]),
        ({"remote_tables": {"temp": "te mp"}}, ["remote_tables", "'te mp'"]),
        ({"remote_tables": {"other": "temp2"}}, ["remote_tables", "other is not in tables"]),
        ({"tables": "temp,stat", "remote_tables": {"temp": "stat"}}, ["remote_tables", "stat is given twice"]),
        ({"tables": "te/mp"}, ["tables", "'te/mp'"]),
        ({"tables": ""}, ["tables"]),
        ({"tables": "temp,temp"}, ["tables", "temp is given twice"]),
    ],
    ids=["slash", "space", "stranger", "two into one", "source name", "none", "twice"],
)
def test_names_that_cannot_be(lab: LabClient, more: Options, words: list[str]) -> None:
    refused(lab, "preflight", *words, contact=False, **more)


def test_an_env_with_an_unknown_value(lab: LabClient) -> None:
    envs = {"replica.deny_client_request": "perhaps*write"}
    refused(lab, "app_env", "perhaps*write", envs=envs)


# ---- ZooKeeper


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"zookeeper_hosts": "zk-0"}, ["zookeeper_hosts", "no port"]),
        ({"zookeeper_hosts": "zk-0:2181;zk-1:2181"}, ["zookeeper_hosts"]),
        ({"zookeeper_hosts": "zk-0:2181,zk-0:2181"}, ["zookeeper_hosts", "twice"]),
        ({"zookeeper_hosts": "zk-0:2181/a//b"}, ["zookeeper_hosts", "chroot"]),
        ({"zookeeper_root": ""}, ["zookeeper_root", "not given"]),
        ({"zookeeper_root": "metaproxy"}, ["zookeeper_root", "'metaproxy'"]),
        ({"zookeeper_timeout": "soon"}, ["zookeeper_timeout", "'soon'"]),
        ({"metaproxies": "proxy-0"}, ["metaproxies", "no port"]),
        ({"zookeeper_hosts": "", "zookeeper_root": ""}, ["zookeeper_hosts", "not given"]),
    ],
)
def test_the_way_to_metaproxy_must_make_sense(lab: LabClient, more: Options, words: list[str]) -> None:
    refused(lab, "preflight", *words, contact=False, **{**metaproxy(lab), **more})


@pytest.mark.parametrize("chroot", ["/nowhere", "/metaproxy/temp"])
def test_a_wrong_chroot(lab: LabClient, chroot: str) -> None:
    way = metaproxy(lab)
    way["zookeeper_hosts"] += chroot
    refused(lab, "preflight", "chroot", "zookeeper_hosts", **way)


@pytest.mark.parametrize(
    ("module", "more", "words"),
    [
        ("cutover", {"budget": "0"}, ["budget", "'0' is too short"]),
        ("cutover", {"budget": "5 parsecs"}, ["budget", "'parsecs'"]),
        ("cutover", {"config_sync_interval": "soon"}, ["config_sync_interval", "'soon'"]),
        ("cutover", {"journal": None}, ["journal", "not given"]),
        ("cutover", {"metaproxies": ""}, ["metaproxies", "no MetaProxy is given"]),
        ("cutover", {"tables": "te/mp"}, ["tables[0]", "'te/mp'"]),
        ("cutover", {"target_meta_servers": "a:1"}, ["target_meta_servers", "only one address (a:1)"]),
        ("metaproxy_table", {"meta_addrs": "a:1"}, ["meta_addrs", "only one address (a:1)"]),
        ("metaproxy_table", {"zookeeper_root": "metaproxy"}, ["zookeeper_root", "'metaproxy'"]),
    ],
)
def test_the_switch_is_not_begun_with_options_that_cannot_be(
    lab: LabClient, tmp_path: pathlib.Path, module: str, more: Options, words: list[str]
) -> None:
    journal = {"journal": str(tmp_path / "journal.jsonl"), "migration_id": "temp"}
    refused(lab, module, *words, contact=False, **{**journal, **more})


@pytest.mark.parametrize(
    ("module", "more", "words"),
    [
        ("cutover", {"tables": "nowhere"}, ["nowhere", "nothing was fenced"]),
        ("cutover", {"tables": "temp"}, ["there is no duplication to onebox-b"]),
        ("metaproxy_table", {"tables": "nowhere"}, ["no znode /metaproxy/nowhere"]),
    ],
)
def test_the_switch_is_not_begun_for_tables_that_are_not_ready(
    lab: LabClient, tmp_path: pathlib.Path, module: str, more: Options, words: list[str]
) -> None:
    journal: Options = {"journal": str(tmp_path / "journal.jsonl"), "migration_id": "temp"}
    refused(lab, module, *words, **journal, **more)


@pytest.mark.parametrize("module", list(WITH_METAPROXY))
def test_a_wrong_chroot_stops_the_switch(lab: LabClient, tmp_path: pathlib.Path, module: str) -> None:
    hosts = lab.describe["zookeeper"]["hosts"] + "/nowhere"
    journal: Options = {"journal": str(tmp_path / "journal.jsonl"), "migration_id": "temp"}
    result = refused(lab, module, "zookeeper_hosts", "chroot /nowhere", zookeeper_hosts=hosts, **journal)
    assert result["code"] == "pegasus.zookeeper_chroot"


def test_a_budget_below_what_the_forecast_needs(lab: LabClient, tmp_path: pathlib.Path) -> None:
    lab.foreign(add_duplication={"remote": "onebox-b"})
    try:
        journal: Options = {"journal": str(tmp_path / "journal.jsonl"), "migration_id": "temp"}
        options = given(lab, "cutover", budget="2s", **journal)
        # Before it has caught up, that is the reason to refuse.
        lab.wait_for(lambda _state: "budget" in pegasus_places.run("cutover", options)["msg"], 60)
        result = refused(lab, "cutover", "budget: 2s is too short", "at least", budget="2s", **journal)
        assert result["code"] == "pegasus.budget_too_small"
        # Who watches the metrics sees that it does not fit, too.
        entries = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
        told = [entry["data"] for entry in entries if entry["kind"] == "cutover.forecast"][-1]
        assert told["windows"][0]["p95"] > told["budget"] == 2.0
    finally:
        lab.foreign(duplication={"status": "removed"})
        lab.foreign(cluster="target", drop_table="temp")


# ---- journals


def test_journals_that_cannot_be_gone_on_with(lab: LabClient, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = pegasus_places.run("preflight", given(lab, "preflight", journal=str(path), migration_id="temp"))
    assert first["passed"], first
    other = refused(lab, "preflight", str(path), "'temp'", contact=False, journal=str(path), migration_id="stat")
    assert other["code"] == "journal.other_migration"
    lines = path.read_bytes().splitlines(keepends=True)

    changed = tmp_path / "changed.jsonl"
    changed.write_bytes(b"".join(lines).replace(b'"passed":true', b'"passed":null', 1))
    assert changed.read_bytes() != path.read_bytes()
    broken = refused(lab, "preflight", str(changed), contact=False, journal=str(changed), migration_id="temp")
    assert broken["code"] == "journal.chain_broken"

    letter = tmp_path / "letter.txt"
    letter.write_text("Dear diary,\n")
    no = refused(lab, "preflight", str(letter), "not a journal", contact=False, journal=str(letter))
    assert no["code"] == "journal.not_a_journal"
    assert letter.read_text() == "Dear diary,\n"


@pytest.mark.parametrize(
    ("accept", "words"),
    [
        ([{"id": "pegasus.table.unknown"}], ["accept[0].reason", "accept[0].expires"]),
        ([{"id": "x", "reason": "y", "expires": "soon"}], ["accept[0].expires", "'soon'"]),
        ("everything", ["accept[0]", "not a mapping"]),
    ],
)
def test_acceptances_need_reason_and_expiry(lab: LabClient, accept: t.Any, words: list[str]) -> None:
    refused(lab, "preflight", *words, contact=False, accept=accept)
