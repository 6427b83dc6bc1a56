# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
import pathlib
import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import preflight, preflight_cluster
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.known_bugs import KNOWN_BUGS
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    Leadership,
    Node,
    NodeConfig,
    Procedure,
    Region,
    Snapshot,
    Table,
    Versions,
    region_id_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Move
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.preflight import evaluate, table_findings

CPU = Table(1024, "public", "cpu", "mito")
PHYSICAL = Table(1030, "public", "phy", "metric", physical=True)
LOGICAL = Table(1031, "public", "requests", "metric", logical=True, physical_table="public.phy")
R0, R1, P0 = region_id_of(1024, 0), region_id_of(1024, 1), region_id_of(1030, 0)
L0 = region_id_of(1031, 0)
META = Address("meta", 3002)
MOVE = Move(R0, 0, 1)


def region(region_id: int, leader: t.Optional[int], table: Table = CPU, **more: t.Any) -> Region:
    status = more.pop("leader_status", "ALIVE" if leader is not None else "")
    return Region(
        region_id=region_id,
        table_id=table.table_id,
        number=region_id & 0xFFFFFFFF,
        catalog="greptime",
        schema=table.schema,
        table=table.name,
        partition=None,
        leader_peer=leader,
        leader_status=status,
        engine=table.engine,
        logical=table.logical,
        physical_table=table.physical_table,
        **more,
    )


def node(node_id: int, alive: str = "yes", active: t.Optional[float] = 1.0) -> Node:
    return Node(node_id, "datanode", f"dn-{node_id}:3001", Version.parse("1.1.4"), active, alive)


def config(datanode: int, **more: t.Any) -> NodeConfig:
    given: t.Dict[str, t.Any] = {
        "wal_provider": "kafka",
        "wal_brokers": ("k:9092",),
        "storage_type": "S3",
        "bucket": "b",
        "root": "r",
        "endpoint": "e",
        "data_home": "/data",
        "node_id": datanode,
    }
    given.update(more)
    return NodeConfig(datanode, **given)


def cluster(version: str = "1.1.4", **more: t.Any) -> Snapshot:
    """A healthy cluster of three datanodes in which nothing speaks against a move."""
    found = Version.parse(version)
    given: t.Dict[str, t.Any] = {
        "versions": Versions(found, found, {"frontend": (found,), "metasrv": (found,)}),
        "nodes": (node(0), node(1), node(2)),
        "regions": (region(R0, 0), region(R1, 1), region(P0, 2, PHYSICAL), region(L0, 2, LOGICAL)),
        "tables": (CPU, PHYSICAL, LOGICAL),
        "procedures": (),
        "active_procedures": 0,
        "maintenance": False,
        "manager": "running",
        "configs": (config(0), config(1), config(2)),
        "admin": "yes",
        "taken_at": datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc),
    }
    given.update(more)
    return Snapshot(**given)


def judged(snapshot: Snapshot, *moves: Move, own: t.Sequence[str] = ()) -> t.List[Finding]:
    dialect = Dialect.choose(snapshot.versions.frontend, snapshot.versions.metasrv)
    return evaluate(snapshot, moves, own, dialect)


def only(findings: t.Sequence[Finding], finding_id: str) -> Finding:
    same = [finding for finding in findings if finding.id == finding_id]
    assert len(same) == 1, [finding.id for finding in findings]
    return same[0]


def ids(findings: t.Sequence[Finding], severity: str = "blocker") -> t.List[str]:
    return [finding.id for finding in findings if finding.severity == severity]


@pytest.mark.parametrize("moves", [(), (MOVE,)], ids=["whole cluster", "one move"])
def test_a_healthy_cluster_has_no_blocker(moves: t.Sequence[Move]) -> None:
    findings = judged(cluster(), *moves)
    assert ids(findings) == []
    assert all(finding.id.startswith("greptimedb.bug.") for finding in findings)


def test_everything_that_is_wrong_is_found_at_once() -> None:
    broken = cluster(
        nodes=(node(0), node(1, "no", 77.0), node(2)),
        manager="paused",
        configs=(config(0), config(1, bucket="other"), config(2)),
        admin="no",
    )
    moves = (MOVE, Move(R1, 0, 2), Move(999 << 32, 0, 9), Move(R0 + 9, 2, 2))
    assert sorted(ids(judged(broken, *moves))) == [
        "greptimedb.admin.not_permitted",
        "greptimedb.datanode.dead",
        "greptimedb.datanode.unknown",
        "greptimedb.manager.paused",
        "greptimedb.move.same_datanode",
        "greptimedb.region.leader_elsewhere",
        "greptimedb.region.unknown",
        "greptimedb.region.unknown",
        "greptimedb.storage.differs",
    ]


def test_a_leader_elsewhere_says_where() -> None:
    found = only(judged(cluster(), Move(R0, 2, 1)), "greptimedb.region.leader_elsewhere")
    assert found.subject == f"region {R0}"
    assert "datanode 0" in found.remedy


def test_a_logical_region_names_the_one_to_move() -> None:
    found = only(judged(cluster(), Move(L0, 2, 1)), "greptimedb.region.logical")
    assert found.severity == "blocker"
    assert str(P0) in found.remedy
    assert "public.phy" in found.remedy


def test_already_there_is_no_obstacle_even_with_a_dead_old_source() -> None:
    findings = judged(cluster(), Move(R0, 2, 0), Move(R1, 0, 1))
    found = only(findings, "greptimedb.region.already_there")
    assert (found.severity, found.evidence["count"]) == ("info", 2)
    assert ids(findings) == []


def test_a_degraded_region_is_not_already_there() -> None:
    regions = (region(R0, 1, leader_status="DOWNGRADING"),)
    findings = judged(cluster(regions=regions), MOVE)
    assert "greptimedb.region.already_there" not in [finding.id for finding in findings]


def test_without_a_leader() -> None:
    found = only(judged(cluster(regions=(region(R0, None),)), MOVE), "greptimedb.region.no_leader")
    assert found.severity == "blocker"


def test_a_follower_on_the_target() -> None:
    regions = (region(R0, 0, followers=(1, 2)),)
    only(judged(cluster(regions=regions), MOVE), "greptimedb.region.follower_on_target")


@pytest.mark.parametrize(("own", "blocked"), [((), True), (("pid",), False)])
def test_only_somebody_elses_migration_is_in_the_way(own: t.Sequence[str], blocked: bool) -> None:
    running = Procedure("pid", "metasrv-procedure::RegionMigration", "Running", (R0,))
    findings = judged(cluster(procedures=(running,), active_procedures=1), MOVE, own=own)
    assert ("greptimedb.region.migration_running" in ids(findings)) is blocked


@pytest.mark.parametrize(
    ("alive", "name", "severity"),
    [
        ("no", "dead", "blocker"),
        ("suspect", "suspect", "warning"),
        ("unknown", "liveness_unknown", "blocker"),
    ],
)
@pytest.mark.parametrize("peer", [0, 1], ids=["source", "target"])
def test_source_and_target_must_be_alive(alive: str, name: str, severity: str, peer: int) -> None:
    nodes = tuple(node(one, alive if one == peer else "yes") for one in range(3))
    found = only(judged(cluster(nodes=nodes), MOVE), "greptimedb.datanode." + name)
    assert (found.severity, found.subject) == (severity, f"datanode {peer}")


def test_a_dead_datanode_that_nothing_needs_is_a_warning() -> None:
    nodes = (node(0), node(1), node(2, "no", 60.0))
    assert only(judged(cluster(nodes=nodes), MOVE), "greptimedb.datanode.dead").severity == "warning"


def test_a_datanode_that_is_only_in_the_routes_is_dead_and_not_misspelt() -> None:
    found = only(judged(cluster(nodes=(node(1), node(2)), configs=(config(1),)), MOVE), "greptimedb.datanode.dead")
    assert (found.severity, found.subject, found.evidence["regions"]) == ("blocker", "datanode 0", 1)


def test_two_datanodes_are_needed() -> None:
    only(judged(cluster(nodes=(node(0), node(1, "no")))), "greptimedb.datanode.too_few")


@pytest.mark.parametrize(("version", "severity"), [("0.9.3", "blocker"), ("0.9.4", "warning"), ("1.1.4", "warning")])
@pytest.mark.parametrize("provider", ["raft_engine", "noop"])
def test_a_local_wal_loses_rows_before_0_9_4(version: str, severity: str, provider: str) -> None:
    configs = tuple(config(one, wal_provider=provider, wal_brokers=()) for one in range(3))
    name = "greptimedb.wal." + ("local" if provider == "raft_engine" else "noop")
    assert only(judged(cluster(version, configs=configs), MOVE), name).severity == severity


def test_only_the_datanodes_of_the_moves_are_compared() -> None:
    configs = (config(0), config(1), config(2, bucket="other", wal_provider="raft_engine"))
    assert ids(judged(cluster(configs=configs), MOVE)) == []
    assert "greptimedb.storage.differs" in ids(judged(cluster(configs=configs)))
    assert "greptimedb.wal.mixed" in ids(judged(cluster(configs=configs)))


@pytest.mark.parametrize(("brokers", "severity"), [(("k:9092", "l:9092"), "warning"), (("other:9092",), "blocker")])
def test_brokers_that_differ(brokers: t.Tuple[str, ...], severity: str) -> None:
    configs = (config(0), config(1, wal_brokers=brokers))
    assert only(judged(cluster(configs=configs), MOVE), "greptimedb.wal.brokers_differ").severity == severity


@pytest.mark.parametrize("difference", [{"bucket": "x"}, {"root": "x"}, {"endpoint": "x"}, {"storage_type": "Oss"}])
def test_storage_that_differs(difference: t.Dict[str, t.Any]) -> None:
    configs = (config(0), config(1, **difference))
    assert ids(judged(cluster(configs=configs), MOVE)) == ["greptimedb.storage.differs"]


def test_a_slash_is_no_difference() -> None:
    assert ids(judged(cluster(configs=(config(0), config(1, root="/r/"))), MOVE)) == []


@pytest.mark.parametrize(("version", "word"), [("1.0.2", "retries for minutes"), ("1.1.0", "refuses")])
def test_local_storage(version: str, word: str) -> None:
    configs = tuple(config(one, storage_type="File", bucket=None) for one in range(3))
    found = only(judged(cluster(version, configs=configs), MOVE), "greptimedb.storage.local")
    assert found.severity == "blocker"
    assert word in found.remedy


def test_a_leader_that_cannot_be_reached_is_told_with_what_to_do() -> None:
    assert ids(judged(cluster(leadership=Leadership(META, False, True)), MOVE)) == []
    for listed, severity, word in (
        (True, "blocker", "reachable from here at the address"),
        (False, "warning", "List all metasrv in metasrv_addrs"),
    ):
        snapshot = cluster(leadership=Leadership(META, listed, False))
        found = only(judged(snapshot, MOVE), "greptimedb.metasrv.leader_unreachable")
        assert word in found.remedy and found.severity == severity
        assert found.evidence == {"leader": "meta:3002", "in metasrv_addrs": listed}


@pytest.mark.parametrize(
    "change",
    [
        ({"configs": (config(0), NodeConfig(1, problem="silent"))}, "greptimedb.config.unknown"),
        ({"configs": (config(0),)}, "greptimedb.config.unknown"),
        ({"configs": (config(0), config(1, node_id=7))}, "greptimedb.config.wrong_datanode"),
        ({"configs": (config(0), config(1, wal_provider=None))}, "greptimedb.wal.unknown"),
        ({"configs": (config(0), config(1, storage_type=None))}, "greptimedb.storage.unknown"),
        ({"manager": "unknown", "problems": {"manager": "silent"}}, "greptimedb.manager.unknown"),
        ({"admin": "unknown"}, "greptimedb.admin.unknown"),
        ({"problems": {"leader": "silent"}}, "greptimedb.metasrv.leader_unknown"),
        ({"leadership": Leadership(None, False, False)}, "greptimedb.metasrv.leader_unknown"),
        ({"leadership": Leadership(META, True, False)}, "greptimedb.metasrv.leader_unreachable"),
        ({"procedures": None, "active_procedures": None}, "greptimedb.procedures.unknown"),
        (
            {"versions": Versions(Version.parse("1.1.4"), None, {})},
            "greptimedb.versions.metasrv_unknown",
        ),
    ],
    ids=lambda change: change[1] if isinstance(change, tuple) else None,
)
def test_unknown_never_passes(change: t.Tuple[t.Dict[str, t.Any], str]) -> None:
    assert ids(judged(cluster(**change[0]), MOVE)) == [change[1]]


@pytest.mark.parametrize(
    ("version", "severity"), [("0.6.0", "blocker"), ("0.8.2", "blocker"), ("0.9.0", "warning"), ("0.9.3", "warning")]
)
def test_not_knowing_the_running_migrations_matters_where_the_server_would_not_notice(
    version: str, severity: str
) -> None:
    snapshot = cluster(version, procedures=None, active_procedures=None, manager="unsupported", admin="unsupported")
    assert only(judged(snapshot, MOVE), "greptimedb.procedures.unknown").severity == severity


@pytest.mark.parametrize(("active", "severity"), [(63, None), (64, "warning"), (119, "warning"), (120, "blocker")])
def test_near_the_limit_of_procedures(active: int, severity: t.Optional[str]) -> None:
    found = [
        finding.severity
        for finding in judged(cluster(active_procedures=active), MOVE)
        if finding.id == "greptimedb.procedures.near_limit"
    ]
    assert found == ([] if severity is None else [severity])


def test_a_stuck_route_is_told_with_its_remedy() -> None:
    regions = (region(R0, 0), region(R1, 1, leader_status="DOWNGRADED", down_seconds=900.0))
    found = only(judged(cluster(regions=regions)), "greptimedb.region.degraded")
    assert found.subject == f"region {R1}"
    assert "once more" in found.remedy
    running = Procedure("pid", "x::RegionMigration", "Running", (R1,))
    busy = cluster(regions=regions, procedures=(running,))
    assert "greptimedb.region.degraded" not in [finding.id for finding in judged(busy)]


@pytest.mark.parametrize(("version", "severity"), [("0.14.4", "warning"), ("0.15.0", "info")])
def test_large_memtables_matter_less_where_the_server_flushes_first(version: str, severity: str) -> None:
    regions = (region(R0, 0, memtable_bytes=1 << 30), region(R1, 1, memtable_bytes=1 << 30))
    found = only(
        judged(cluster(version, regions=regions, manager="unsupported"), MOVE), "greptimedb.region.large_memtable"
    )
    assert found.severity == severity
    assert found.evidence["count"] == 1


def test_mixed_versions_and_maintenance_mode_are_told() -> None:
    versions = Versions(Version.parse("1.1.4"), Version.parse("1.0.2"), {})
    findings = judged(cluster(versions=versions, maintenance=True), MOVE)
    assert ids(findings, "warning")[0] == "greptimedb.versions.mixed"
    assert "greptimedb.maintenance.enabled" in ids(findings, "info")
    assert ids(findings) == []


def test_an_unreadable_maintenance_mode_is_a_warning_because_migrations_run_all_the_same() -> None:
    findings = judged(cluster(maintenance=None, problems={"maintenance": "silent"}), MOVE)
    assert only(findings, "greptimedb.maintenance.unknown").severity == "warning"


LOCAL_WAL = {"configs": tuple(config(one, wal_provider="raft_engine") for one in range(3))}


@pytest.mark.parametrize(
    ("name", "inside", "outside", "change"),
    [
        ("discontinuous_log", "0.9.5", "0.10.0", LOCAL_WAL),
        ("metric_stale_manifest", "1.1.4", "0.6.0", {}),
        ("duplicate_rows", "0.8.2", "0.9.0", {}),
        ("duplicate_guard", "0.8.2", "0.9.0", {}),
        ("predicate_loses_rows", "1.0.0-rc.2", "1.0.0", {}),
        ("route_race", "0.11.0", "0.11.1", {}),
        ("no_rollback", "0.11.0", "0.11.1", {}),
        ("leader_state", "0.17.2", "1.0.0", {}),
    ],
)  # fmt: skip
def test_known_bugs_by_version(name: str, inside: str, outside: str, change: t.Dict[str, t.Any]) -> None:
    for version, expected in ((inside, True), (outside, False)):
        found = [finding.id for finding in judged(cluster(version, **change))]
        assert ("greptimedb.bug." + name in found) is expected, version


def test_known_bugs_by_what_is_in_use() -> None:
    def found(version: str, *moves: Move) -> t.List[str]:
        return [finding.id for finding in judged(cluster(version), *moves)]

    assert "greptimedb.bug.route_race" not in found("0.11.0", MOVE)
    assert "greptimedb.bug.route_race" in found("0.11.0", MOVE, Move(R1, 1, 0))
    assert "greptimedb.bug.metric_stale_manifest" not in found("1.1.4", MOVE)
    assert "greptimedb.bug.metric_stale_manifest" in found("1.1.4", Move(P0, 2, 1))
    assert "greptimedb.bug.routes_to_removed_node" in found("1.1.4", MOVE)
    assert "greptimedb.bug.routes_to_removed_node" not in found(
        "1.1.4", dataclasses.replace(MOVE, from_peer=2, region_id=R1)
    )


def test_names_of_tables() -> None:
    found = {finding.id: finding for finding in table_findings(cluster(), ["cpu", "public.requests", "nope"], "public")}
    assert set(found) == {"greptimedb.table.logical", "greptimedb.table.unknown"}
    assert found["greptimedb.table.unknown"].subject == "table public.nope"


def test_every_id_is_documented() -> None:
    """Ids are a promise to playbooks: each must stand in the module's documentation."""
    sources = [pathlib.Path(str(module.__file__)).read_text("utf-8") for module in (preflight, preflight_cluster)]
    used = {one for text in sources for one in re.findall(r'"(greptimedb\.[a-z]+\.[a-z_]+)"', text)}
    used |= {bug.id for bug in KNOWN_BUGS}
    plugins = pathlib.Path(str(preflight.__file__)).resolve().parents[2]
    documented = (plugins / "modules" / "greptimedb_preflight.py").read_text("utf-8").split("EXAMPLES = ")[0]
    assert len(used) > 40
    assert sorted(one for one in used if one not in documented) == []


def test_ten_thousand_moves_do_not_make_ten_thousand_findings() -> None:
    regions = tuple(region(region_id_of(1024, one), one % 3) for one in range(10000))
    moves = [Move(one.region_id, (int(one.leader_peer or 0) + 1) % 3, int(one.leader_peer or 0)) for one in regions]
    assert len(judged(cluster(regions=regions), *moves)) < 10
