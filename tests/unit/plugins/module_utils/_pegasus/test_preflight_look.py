# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import pathlib
import threading
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import (
    duplication_past,
    preflight_look,
    preflight_look_proxies,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    Answers,
    App,
    BulkLoadStatus,
    ClusterInfo,
    ConfigValue,
    Duplication,
    Node,
    ReplicaInfo,
    SplitStatus,
    TableConfig,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_request import PreflightRequest
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_task import PreflightTask
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.preflight_cases import (
    SILENT,
    SOURCE_METAS,
    SOURCE_NODES,
    TARGET_METAS,
    TARGET_NODES,
    app,
    duplication,
    routing,
)


class Cluster:
    """One cluster in memory, as its meta servers tell it. Every call is written down."""

    def __init__(self, name: str, metas: t.Sequence[str], nodes: t.Sequence[str], other: str) -> None:
        self.info = ClusterInfo(name, metas[0], tuple(metas), f"zk-{name}:2181", f"/pegasus/{name}", "steady")
        self.version = Version.parse("2.5.0")
        self.nodes = tuple(Node(address, True) for address in nodes)
        self.apps: t.Tuple[App, ...] = ()
        self.duplications: t.Dict[str, t.Union[t.Tuple[Duplication, ...], MigrationError]] = {}
        self.split: t.Union[SplitStatus, MigrationError, None] = None
        self.bulk_load: t.Union[BulkLoadStatus, MigrationError] = BulkLoadStatus("INVALID", False)
        self.config = routing()
        self.known = {other}
        self.broken: t.Optional[MigrationError] = None
        self.calls: t.List[str] = []
        self.slow: t.Dict[str, float] = {}


class Meta:
    """Stands in for MetaClient."""

    clusters: t.Dict[t.Tuple[str, ...], Cluster] = {}
    made: t.List[Meta] = []

    def __init__(self, addresses: t.Sequence[str], *_arguments: t.Any, option: str) -> None:
        self._cluster = self.clusters[tuple(addresses)]
        self.option = option
        self.closed = False
        self._busy = threading.Lock()
        self.made.append(self)

    def __enter__(self) -> Meta:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def primary(self) -> str:
        return self._cluster.info.primary_meta

    def close(self) -> None:
        self.closed = True

    def _say(self, call: str) -> None:
        assert not self.closed
        assert self._busy.acquire(blocking=False), "used by two threads at once"
        time.sleep(self._cluster.slow.get(call, 0.0))
        self._busy.release()
        self._cluster.calls.append(call)
        if self._cluster.broken is not None:
            raise self._cluster.broken

    @property
    def profile(self) -> Profile:
        return Profile.choose(self._cluster.version)

    def cluster_info(self) -> ClusterInfo:
        self._say("cluster_info")
        return self._cluster.info

    def list_nodes(self) -> t.Tuple[Node, ...]:
        self._say("list_nodes")
        return self._cluster.nodes

    def list_apps(self) -> t.Tuple[App, ...]:
        self._say("list_apps")
        return self._cluster.apps

    def query_config(self, name: str) -> TableConfig:
        self._say(f"query_config {name}")
        return self._cluster.config

    def query_duplications(self, name: str) -> t.Tuple[Duplication, ...]:
        self._say(f"query_duplications {name}")
        found = self._cluster.duplications.get(name, ())
        if isinstance(found, MigrationError):
            raise found
        return found

    def split_status(self, name: str) -> t.Optional[SplitStatus]:
        self._say(f"split_status {name}")
        if isinstance(self._cluster.split, MigrationError):
            raise self._cluster.split
        return self._cluster.split

    def bulk_load_status(self, name: str) -> BulkLoadStatus:
        self._say(f"bulk_load_status {name}")
        if isinstance(self._cluster.bulk_load, MigrationError):
            raise self._cluster.bulk_load
        return self._cluster.bulk_load

    def add_duplication(self, name: str, remote: str) -> t.NoReturn:
        self._say(f"add_duplication {remote}")
        assert "?" in name
        if remote == self._cluster.info.cluster_name:
            text = "ERR_INVALID_PARAMETERS: illegal operation: adding duplication to itself"
            raise MigrationError("pegasus.invalid_parameters", "no", server_text=text)
        if remote not in self._cluster.known:
            text = "ERR_INVALID_PARAMETERS: failed to find cluster[x] address in config [pegasus.clusters]"
            raise MigrationError("pegasus.invalid_parameters", "no", server_text=text)
        raise MigrationError("pegasus.app_not_found", "no", server_text="ERR_APP_NOT_EXIST")


class Replicas:
    """Stands in for ReplicaClient: every server says the same."""

    silent: t.FrozenSet[str] = frozenset()

    def __init__(self, *_arguments: t.Any) -> None:
        pass

    def __enter__(self) -> Replicas:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def _all(self, nodes: t.Iterable[str], value: t.Any) -> Answers[t.Any]:
        listed = list(nodes)
        return Answers(
            {node: value for node in listed if node not in self.silent},
            {node: SILENT for node in listed if node in self.silent},
        )

    def get_config(self, nodes: t.Iterable[str], name: str) -> Answers[ConfigValue]:
        return self._all(nodes, ConfigValue(name, "30000"))

    def versions(self, nodes: t.Iterable[str]) -> Answers[Version]:
        return self._all(nodes, Version.parse("2.5.0"))

    def data_versions(self, tables: t.Mapping[int, t.Iterable[str]]) -> t.Dict[int, Answers[t.Mapping[int, int]]]:
        return {app_id: self._all(nodes, dict.fromkeys(range(4), 1)) for app_id, nodes in tables.items()}

    def replica_infos(self, nodes: t.Iterable[str]) -> Answers[t.Tuple[ReplicaInfo, ...]]:
        return self._all(nodes, (ReplicaInfo(0, 2, 3, "PRIMARY", 900, 901, 800, "n:1"),))

    def command(self, node: str, command: str, arguments: t.Sequence[str] = ()) -> str:
        return json.dumps({"counters": []})


class Session:
    """Stands in for a session with ZooKeeper."""

    znodes: t.Dict[str, t.Union[Znode, MigrationError]] = {}
    read_only: t.FrozenSet[str] = frozenset()
    refusal: t.Optional[MigrationError] = None

    def __init__(self, place: t.Any) -> None:
        self._place = place

    def __enter__(self) -> Session:
        if self.refusal is not None:
            raise self.refusal
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def read(self, table: str) -> t.Optional[Znode]:
        found = self.znodes.get(table)
        if isinstance(found, MigrationError):
            raise found
        return found

    def writable(self, table: str) -> bool:
        return table not in self.read_only


Pair = t.Tuple[Cluster, Cluster]


@pytest.fixture(autouse=True)
def clusters(monkeypatch: pytest.MonkeyPatch) -> Pair:
    east = Cluster("east", SOURCE_METAS, SOURCE_NODES, "west")
    west = Cluster("west", TARGET_METAS, TARGET_NODES, "east")
    east.apps = (app(), app("stat", app_id=3))
    monkeypatch.setattr(Meta, "clusters", {SOURCE_METAS: east, TARGET_METAS: west})
    monkeypatch.setattr(Meta, "made", [])
    monkeypatch.setattr(Replicas, "silent", frozenset())
    monkeypatch.setattr(Session, "znodes", {})
    monkeypatch.setattr(Session, "read_only", frozenset())
    monkeypatch.setattr(Session, "refusal", None)
    monkeypatch.setattr(preflight_look, "MetaClient", Meta)
    monkeypatch.setattr(preflight_look, "ReplicaClient", Replicas)
    monkeypatch.setattr(preflight_look_proxies, "ZooKeeper", Session)
    monkeypatch.setattr(preflight_look_proxies, "ask_proxies_for", ask_proxies)
    return east, west


def ask_proxies(
    addresses: t.Sequence[str], names: t.Sequence[str], *_rest: t.Any
) -> t.Dict[str, Answers[t.Optional[TableConfig]]]:
    answers: t.Dict[str, t.Optional[TableConfig]] = {"good:1": routing(), "empty:1": None}
    told = Answers(
        {address: answers[address] for address in addresses if address in answers},
        {address: SILENT for address in addresses if address not in answers},
    )
    return dict.fromkeys(names, told)


def given(**options: t.Any) -> t.Dict[str, t.Any]:
    return {
        "meta_servers": list(SOURCE_METAS),
        "target_meta_servers": list(TARGET_METAS),
        "connect_timeout": "1s",
        "rpc_timeout": "1s",
        "zookeeper_timeout": "1s",
        "tables": "temp",
        **options,
    }


def task(check_mode: bool = False, **options: t.Any) -> PreflightTask:
    return PreflightTask(given(**options), check_mode, Redactor([]), SystemClock())


def looked(**options: t.Any) -> t.Dict[str, t.Any]:
    return task(fail_on_blocker=False, **options).body()


def blockers(result: t.Mapping[str, t.Any]) -> t.List[str]:
    return sorted(one["id"] for one in result["findings"] if one["severity"] == "blocker")


def evidence(result: t.Mapping[str, t.Any], name: str) -> t.Any:
    return next(one["evidence"] for one in result["findings"] if one["id"] == "pegasus." + name)


def test_healthy_clusters_pass(clusters: Pair) -> None:
    result = task().body()
    assert result["passed"], blockers(result)
    assert result["clusters"]["target"] == {
        "name": "west",
        "version": "2.5.0",
        "primary_meta": TARGET_METAS[0],
        "meta_servers": list(TARGET_METAS),
        "meta_level": "steady",
        "replica_servers": 3,
        "alive": 3,
    }
    assert {key: result["looked_at"][key] for key in ("tables", "partitions")} == {"tables": 1, "partitions": 4}


def test_each_cluster_is_asked_twice_whatever_the_number_of_tables(clusters: Pair) -> None:
    looked(tables="temp,stat")
    for cluster, names in zip(clusters, (["east", "west"], ["west", "east"])):
        asked = [call for call in cluster.calls if call.startswith("add_duplication")]
        assert asked == [f"add_duplication {name}" for name in names]
    east, west = clusters
    assert len(east.calls) == 3 + 2 + 2 * 3
    assert len(west.calls) == 3 + 2


def test_many_tables_are_looked_at_at_once_and_told_in_their_order(clusters: Pair) -> None:
    names = [f"t{number:02}" for number in range(30)]
    clusters[0].apps = tuple(app(name, app_id=number + 10) for number, name in enumerate(names))
    # The first ones are answered last.
    clusters[0].slow = {f"query_config {name}": 0.02 for name in names[:4]}
    started = time.monotonic()
    view = preflight_look.take_view(PreflightRequest.from_params(given(tables=names)), (), SystemClock())
    assert [table.request.name for table in view.tables] == names
    assert all(table.data_versions is not None and table.problems == {} for table in view.tables)
    asked = [call for call in clusters[0].calls if call.startswith("query_config")]
    assert sorted(asked) == [f"query_config {name}" for name in names]
    assert asked != sorted(asked), "one after another"
    # One connection to look at the cluster with, and a few for the tables; none is left open.
    assert len([meta for meta in Meta.made if meta.option == "meta_servers"]) <= 1 + preflight_look.TABLES_AT_ONCE
    assert all(meta.closed for meta in Meta.made)
    assert time.monotonic() - started < 5


def test_the_names_that_duplication_knows_come_from_the_options(clusters: Pair) -> None:
    result = looked(cluster_name="dup-east", remote_cluster="dup-west")
    assert "pegasus.cluster.other_name" in blockers(result)
    assert "add_duplication dup-west" in clusters[0].calls
    assert result["clusters"]["source"]["name"] == "dup-east"


def test_one_cluster_that_cannot_be_reached(clusters: Pair) -> None:
    clusters[1].broken = MigrationError("pegasus.unreachable", "West is gone.")
    with pytest.raises(MigrationError, match=r"^West is gone\.$"):
        looked()


def test_two_clusters_that_cannot_be_reached_are_told_at_once(clusters: Pair) -> None:
    clusters[0].broken = MigrationError("pegasus.unreachable", "East is gone.")
    clusters[1].broken = MigrationError("pegasus.not_pegasus", "West is no Pegasus.")
    with pytest.raises(MigrationError, match=r"^East is gone\. West is no Pegasus\.$") as caught:
        looked()
    assert caught.value.code == "pegasus.unreachable"


@pytest.mark.parametrize("which", [0, 1])
def test_a_version_that_is_too_old(clusters: Pair, which: int) -> None:
    clusters[which].version = Version.parse("2.3.0")
    with pytest.raises(MigrationError) as caught:
        looked()
    assert caught.value.code == "pegasus.version_too_old"


def test_a_table_that_is_not_there_costs_nothing(clusters: Pair) -> None:
    result = looked(tables=["temp", "nowhere"])
    assert blockers(result) == ["pegasus.table.unknown"]
    assert not any("nowhere" in call for call in clusters[0].calls)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (SplitStatus(4, {0: "SPLITTING"}), {"partitions": {"0": "SPLITTING"}, "count": 1}),
        (SplitStatus(4, {0: "PAUSED", 1: "NOT_SPLIT"}), {"partitions": {"0": "PAUSED"}, "count": 1}),
        (SplitStatus(4, {0: "UNKNOWN(9)"}), {"partitions": {"0": "UNKNOWN(9)"}, "count": 1}),
        (SplitStatus(2, {}), {"partitions": {"0": "UNKNOWN"}, "count": 1}),
        (SplitStatus(8, {}), {"partitions": dict.fromkeys("0123", "UNKNOWN"), "count": 4}),
    ],
)
def test_a_split(clusters: Pair, status: SplitStatus, found: t.Any) -> None:
    clusters[0].split = status
    assert evidence(looked(), "table.splitting") == found


NO_HANDLER = MigrationError("pegasus.handler_not_found", "It does not know the request.")
NOT_SPLITTING = [
    None,
    SplitStatus(0, {}),
    SplitStatus(4, {}),
    SplitStatus(4, {0: "NOT_SPLIT", 1: "NOT_SPLIT"}),
    NO_HANDLER,
]


@pytest.mark.parametrize("status", NOT_SPLITTING)
def test_no_split_however_it_is_said(clusters: Pair, status: t.Any) -> None:
    clusters[0].split = status
    assert blockers(looked()) == []


@pytest.mark.parametrize("status", NOT_SPLITTING[1:])
def test_no_split_is_not_believed_of_a_table_that_looks_like_one(clusters: Pair, status: t.Any) -> None:
    clusters[0].split, clusters[0].config = status, routing(p3=())
    result = looked()
    assert "pegasus.table.split_unknown" in blockers(result)
    assert "primary" in evidence(result, "table.split_unknown")


def test_a_split_that_cannot_be_asked_for_is_unknown(clusters: Pair) -> None:
    clusters[0].split = MigrationError("pegasus.acl_denied", "No.")
    assert blockers(looked()) == ["pegasus.table.split_unknown"]


@pytest.mark.parametrize(
    ("flag", "status", "loading"),
    [
        (False, BulkLoadStatus("INGESTING", True), None),
        (True, BulkLoadStatus("INGESTING", True), "INGESTING"),
        (None, BulkLoadStatus("DOWNLOADING", True), "DOWNLOADING"),
        (None, BulkLoadStatus("DOWNLOADING", None), "DOWNLOADING"),
        (None, BulkLoadStatus("PAUSED", None), "PAUSED"),
        (None, BulkLoadStatus("SUCCEED", None), None),
        (None, BulkLoadStatus("INVALID", False), None),
        (None, BulkLoadStatus("", None), None),
        (None, BulkLoadStatus("", True), "UNKNOWN"),
        (None, BulkLoadStatus("", None, ("SUCCEED", "DOWNLOADING")), "DOWNLOADING"),
        (None, BulkLoadStatus("", None, ("SUCCEED", "SUCCEED")), None),
        (None, MigrationError("pegasus.invalid_state", "No."), None),
        (None, NO_HANDLER, None),
        (True, MigrationError("pegasus.invalid_state", "No."), "UNKNOWN"),
        (True, NO_HANDLER, "UNKNOWN"),
    ],
)
def test_a_bulk_load(clusters: Pair, flag: t.Optional[bool], status: t.Any, loading: t.Optional[str]) -> None:
    clusters[0].apps = (app(bulk_loading=flag),)
    clusters[0].bulk_load = status
    result = looked()
    assert blockers(result) == ([] if loading is None else ["pegasus.table.bulk_loading"])
    if loading is not None:
        assert evidence(result, "table.bulk_loading") == {"status": loading}


def test_a_bulk_load_that_cannot_be_asked_for_is_unknown(clusters: Pair) -> None:
    clusters[0].apps = (app(bulk_loading=None),)
    clusters[0].bulk_load = MigrationError("pegasus.acl_denied", "No.")
    assert blockers(looked()) == ["pegasus.table.bulk_load_unknown"]


def test_what_cannot_be_read_is_told_with_its_reason(clusters: Pair) -> None:
    clusters[0].duplications["temp"] = MigrationError("pegasus.timeout", "It took too long.")
    result = looked()
    assert evidence(result, "duplication.unknown") == "It took too long."


def test_where_duplication_is_disabled_there_is_none(clusters: Pair) -> None:
    clusters[0].duplications["temp"] = MigrationError("pegasus.duplication_disabled", "It is off.")
    assert blockers(looked()) == []


def test_servers_that_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Replicas, "silent", frozenset((SOURCE_NODES[1],)))
    result = looked()
    assert blockers(result) == ["pegasus.table.data_version_unknown"]
    assert evidence(result, "table.data_version_unknown") == {SOURCE_NODES[1]: SILENT.message}


# ---- ZooKeeper and MetaProxy

PROXIED = {"zookeeper_hosts": "zk:2181/ch", "zookeeper_root": "/mp", "metaproxies": "good:1,empty:1,gone:1"}
POINTS = json.dumps({"cluster_name": "east", "meta_addrs": ",".join(SOURCE_METAS)}).encode()


def test_znodes_and_metaproxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "znodes", {"temp": Znode(POINTS, 3)})
    result = looked(tables="temp,stat", **PROXIED)
    assert blockers(result) == ["pegasus.metaproxy.no_answer", "pegasus.metaproxy.no_answer", "pegasus.znode.missing"]
    silent = evidence(result, "metaproxy.no_answer")
    assert "ERR_OBJECT_NOT_FOUND" in silent["empty:1"]
    assert silent["gone:1"] == SILENT.message
    assert [one["subject"] for one in result["findings"] if one["id"] == "pegasus.znode.missing"] == [
        "znode /ch/mp/stat"
    ]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("pegasus.zookeeper_unreachable", "pegasus.zookeeper.unreachable"),
        ("pegasus.zookeeper_chroot", "pegasus.zookeeper.root_missing"),
    ],
)
def test_zookeeper_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, code: str, found: str) -> None:
    monkeypatch.setattr(Session, "refusal", MigrationError(code, "No."))
    assert blockers(looked(**{**PROXIED, "metaproxies": "good:1"})) == [found]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("pegasus.znode_missing", ["pegasus.zookeeper.root_missing"]),
        ("pegasus.zookeeper_denied", ["pegasus.znode.unknown"]),
        ("pegasus.zookeeper_unreachable", ["pegasus.zookeeper.unreachable"]),
    ],
)
def test_a_znode_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, code: str, found: t.List[str]) -> None:
    monkeypatch.setattr(Session, "znodes", {"temp": MigrationError(code, "No."), "stat": Znode(POINTS, 1)})
    assert blockers(looked(tables="temp,stat", **{**PROXIED, "metaproxies": "good:1"})) == found


def test_a_znode_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "znodes", {"temp": Znode(POINTS, 1), "stat": Znode(POINTS, 1)})
    monkeypatch.setattr(Session, "read_only", frozenset({"stat"}))
    result = looked(tables="temp,stat", **{**PROXIED, "metaproxies": "good:1"})
    assert [one["subject"] for one in result["findings"] if one["severity"] == "blocker"] == ["znode /ch/mp/stat"]
    assert blockers(result) == ["pegasus.znode.read_only"]


def test_without_kazoo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "refusal", MigrationError("library.missing", "kazoo is missing."))
    with pytest.raises(MigrationError, match="kazoo"):
        looked(**PROXIED)


# ---- the journal


def findings_in(path: pathlib.Path) -> t.List[t.Any]:
    return [entry.data for entry in Journal.read(str(path)).entries if entry.kind == "findings"]


def test_findings_go_into_the_journal_once(tmp_path: pathlib.Path, clusters: Pair) -> None:
    path = tmp_path / "journal.jsonl"
    options: t.Dict[str, t.Any] = {"journal": str(path), "migration_id": "m"}
    task(check_mode=True, **options).body()
    assert not path.exists()
    task(**options).body()
    task(**options).body()
    first = findings_in(path)
    assert [(one["phase"], one["passed"]) for one in first] == [("preflight", True)]
    clusters[0].split = SplitStatus(4, {0: "SPLITTING"})
    with pytest.raises(MigrationError) as caught:
        task(**options).body()
    assert caught.value.code == "preflight.blocked"
    assert [one["passed"] for one in findings_in(path)] == [True, False]


def test_a_journal_of_another_migration_is_refused_before_anything_is_asked(
    tmp_path: pathlib.Path, clusters: Pair
) -> None:
    path = tmp_path / "journal.jsonl"
    task(journal=str(path), migration_id="m").body()
    clusters[0].calls.clear()
    with pytest.raises(MigrationError) as caught:
        task(journal=str(path), migration_id="other").body()
    assert caught.value.code == "journal.other_migration"
    assert clusters[0].calls == []


@pytest.mark.parametrize(("dupid", "severity"), [(1700000000, "info"), (1700000001, "warning")])
def test_the_journal_tells_which_duplication_is_ours(
    tmp_path: pathlib.Path, clusters: Pair, dupid: int, severity: str
) -> None:
    path = tmp_path / "journal.jsonl"
    resource = duplication_past.resource("east", "temp", "west")
    journal = Journal.open(str(path), migration_id="m", engine="pegasus", clock=SystemClock(), redactor=Redactor([]))
    with journal:
        [change_id] = journal.intents([Change(resource, duplication_past.ADD, None, {"status": "DS_PREPARE"}, {})])
        journal.outcomes([(change_id, "done", {"evidence": {"dupid": 1700000000}})])
    clusters[0].duplications["temp"] = (duplication(dupid=dupid),)
    clusters[1].apps = (app(app_id=7, envs={"duplication.master_cluster": "east"}),)
    result = looked(journal=str(path), migration_id="m")
    assert [one["severity"] for one in result["findings"] if one["id"] == "pegasus.duplication.exists"] == [severity]


def test_the_summary_names_the_first_blockers(clusters: Pair) -> None:
    with pytest.raises(MigrationError) as caught:
        task(tables="a,b,c,d,e,f,g").body()
    assert caught.value.message.startswith("7 blockers are open. pegasus.table.unknown (table a): ")
    assert caught.value.message.endswith("And 2 more, see findings.")
    clusters[0].apps = (dataclasses.replace(app(), status="CREATING"),)
    with pytest.raises(MigrationError, match=r"^1 blocker is open\. "):
        task().body()
