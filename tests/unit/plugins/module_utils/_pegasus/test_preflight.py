# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import known_bugs, preflight
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers, Node
from ansible_collections.dbops.migration.plugins.modules import pegasus_preflight
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.preflight_cases import (
    ITSELF,
    PROXIED,
    SILENT,
    SOURCE_METAS,
    SOURCE_NODES,
    TARGET_METAS,
    TARGET_NODES,
    app,
    cluster,
    configs,
    duplication,
    ids,
    judged,
    only,
    routing,
    table,
    view,
)

VERSIONS = ("2.4.0", "2.5.0", "2.6.0-SNAPSHOT", "2.6.0")


def source(**more: t.Any) -> v.ClusterView:
    return cluster(v.SOURCE, **more)


def target(**more: t.Any) -> v.ClusterView:
    return cluster(v.TARGET, **more)


@pytest.mark.parametrize("metaproxy", [v.MetaProxyView(), PROXIED], ids=["by hand", "MetaProxy"])
@pytest.mark.parametrize("version", VERSIONS)
def test_two_healthy_clusters_have_no_blocker(version: str, metaproxy: v.MetaProxyView) -> None:
    findings = judged(source=version, target=version, metaproxy=metaproxy)
    assert ids(findings) == []
    before = version < "2.6"
    assert ("bug.last_mutation_held_back" in ids(findings, "warning")) is before


def test_everything_that_is_wrong_is_found_at_once() -> None:
    findings = judged(
        source=source(
            apps=(app(),), info={"meta_level": "freezed"}, other=v.ProbeAnswer(v.NO_ADDRESS, "failed to find cluster")
        ),
        target=target(
            apps=(app(app_id=9),),
            flags={v.WRITE_SIZE: 1024},
            other=v.ProbeAnswer(v.NO_ID, "get_duplication_cluster_id"),
        ),
        metaproxy=PROXIED,
        config=routing(p1=(), p2=SOURCE_NODES[:1]),
        splitting={0: "SPLITTING"},
        bulk_load="BLS_DOWNLOADING",
        with_app={"envs": {"duplication.master_cluster": "south", "replica.deny_client_request": "reconfig*write"}},
        data_versions=Answers({SOURCE_NODES[0]: {0: 0, 1: 1, 2: 1, 3: 1}}),
        atomic=v.AtomicWrites({"incr": 7.0}),
        duplications=(duplication(remote="north"),),
        znode=v.ZnodeView("/metaproxy/temp", None),
        proxies={"10.0.2.1:34601": v.ProxyAnswer(None, "silence")},
    )
    assert ids(findings) == [
        "cluster.address_missing",
        "cluster.ids_missing",
        "config.write_size_smaller_on_target",
        "duplication.to_other_cluster",
        "meta.level_too_low",
        "metaproxy.no_answer",
        "table.atomic_writes",
        "table.bulk_loading",
        "table.data_version",
        "table.is_follower",
        "table.no_primary",
        "table.requests_denied",
        "table.single_copy",
        "table.splitting",
        "target.name_taken",
        "znode.missing",
    ]


# ---- the clusters


@pytest.mark.parametrize(
    "info",
    [
        {"meta_servers": ("10.0.0.2:34601", "10.9.9.9:34601")},
        {"zookeeper_hosts": "zk-east:2181", "zookeeper_root": "/pegasus/east/"},
    ],
    ids=["meta server", "ZooKeeper"],
)
def test_one_cluster_twice_is_the_only_finding(info: t.Dict[str, t.Any]) -> None:
    findings = judged(target=target(info=info))
    assert [(one.id, one.severity) for one in findings] == [("pegasus.cluster.same", "blocker")]


def test_clusters_may_share_a_zookeeper() -> None:
    assert ids(judged(target=target(info={"zookeeper_hosts": "zk-east:2181"}))) == []


@pytest.mark.parametrize("hosts", ["127.0.0.1:2181", "localhost:2181", ""])
def test_a_zookeeper_on_the_same_host_may_be_any(hosts: str) -> None:
    place = {"zookeeper_hosts": hosts, "zookeeper_root": "/pegasus/onebox"}
    assert ids(judged(source=source(info=place), target=target(info=place))) == []


def test_two_clusters_of_one_name() -> None:
    findings = judged(target=target(name="east"))
    assert only(findings, "cluster.same_name").evidence["target_meta_servers"] == list(TARGET_METAS)
    assert ids(findings) == ["cluster.same_name"]


def test_another_name_for_duplication_alone_does_not_tell_two_clusters_apart() -> None:
    """From 2.6 on dup_cluster_name may differ; the journal and the znodes go by cluster_name all the same."""
    lacking = v.ProbeAnswer(v.NO_ID, "get_duplication_cluster_id")
    findings = judged(target=target(info={"cluster_name": "east"}, other=lacking))
    assert ids(findings) == ["cluster.ids_missing", "cluster.same_name"]
    told = only(findings, "cluster.same_name")
    assert told.evidence["name"] == "east" and told.evidence["duplication_names"] == ["east", "west"]
    assert "dup_cluster_name (2.6) is not enough" in told.remedy


@pytest.mark.parametrize(
    ("own", "finding"),
    [
        (v.KNOWN, "cluster.other_name"),
        (v.NO_ID, "cluster.other_name"),
        (v.NO_ADDRESS, "cluster.other_name"),
        (v.DISABLED, "cluster.duplication_disabled"),
        (v.UNCLEAR, "cluster.ids_unknown"),
    ],
)
@pytest.mark.parametrize("role", [v.SOURCE, v.TARGET])
def test_a_cluster_must_know_its_own_name(role: str, own: str, finding: str) -> None:
    changed = {role: cluster(role, own=v.ProbeAnswer(own, "words"))}
    findings = judged(**changed)
    assert ids(findings) == [finding]
    assert only(findings, finding).subject.startswith(f"{role} cluster")


@pytest.mark.parametrize(
    ("role", "other", "finding"),
    [
        (v.SOURCE, v.NO_ID, "cluster.ids_missing"),
        (v.SOURCE, v.NO_ADDRESS, "cluster.address_missing"),
        (v.SOURCE, v.ITSELF, "cluster.same_name"),
        (v.SOURCE, v.UNCLEAR, "cluster.ids_unknown"),
        (v.TARGET, v.NO_ID, "cluster.ids_missing"),
        (v.TARGET, v.NO_ADDRESS, None),
        (v.TARGET, v.ITSELF, "cluster.same_name"),
        (v.TARGET, v.UNCLEAR, "cluster.ids_unknown"),
    ],
)
def test_each_must_know_the_other(role: str, other: str, finding: t.Optional[str]) -> None:
    findings = judged(**{role: cluster(role, other=v.ProbeAnswer(other, "words"))})
    assert ids(findings) == ([] if finding is None else [finding])
    if finding is None:
        # The way there needs no addresses on the target; the way back would.
        assert "east = 10.0.0.1:34601," in only(findings, "cluster.no_way_back").remedy


def test_a_target_without_the_sources_id_says_what_it_does_to_the_source() -> None:
    findings = judged(target=target(other=v.ProbeAnswer(v.NO_ID, "words")))
    assert "SOURCE abort" in only(findings, "cluster.ids_missing").remedy


def test_a_cluster_without_a_name() -> None:
    findings = judged(source=source(name="", info={"cluster_name": ""}))
    assert ids(findings) == ["cluster.name_unknown"]


@pytest.mark.parametrize(
    ("pair", "finding"),
    [
        (("2.4.0", "2.4.2"), None),
        (("2.4.0", "2.5.0"), ("version.pair", "info")),
        (("2.5.0", "2.6.0-SNAPSHOT"), ("version.pair", "info")),
        (("2.6.0-SNAPSHOT", "2.5.0"), ("version.older_target", "warning")),
        (("2.5.0", "2.4.0"), ("version.older_target", "warning")),
    ],
)
def test_version_pairs(pair: t.Tuple[str, str], finding: t.Optional[t.Tuple[str, str]]) -> None:
    findings = judged(source=pair[0], target=pair[1])
    assert ids(findings) == []
    found = [(one.id.replace("pegasus.", ""), one.severity) for one in findings if "pegasus.version." in one.id]
    assert found == ([] if finding is None else [finding])


@pytest.mark.parametrize(("version", "blocks"), [("2.4.0", True), ("2.5.0", True), ("2.6.0-SNAPSHOT", False)])
def test_host_names_abort_targets_before_2_6(version: str, blocks: bool) -> None:
    named = source(info={"meta_servers": ("meta-0.example.com:34601", "10.0.0.2:34601")})
    findings = judged(source=named, target=version)
    assert ids(findings) == (["cluster.host_names"] if blocks else [])
    found = only(findings, "cluster.host_names" if blocks else "cluster.names_must_resolve")
    assert found.evidence["names"] == ["meta-0.example.com:34601"]
    assert found.severity == ("blocker" if blocks else "warning")


@pytest.mark.parametrize("role", [v.SOURCE, v.TARGET])
@pytest.mark.parametrize(
    ("level", "finding"),
    [
        ("lively", ("meta.lively", "warning")),
        ("steady", None),
        ("freezed", ("meta.level_too_low", "blocker")),
        ("blind", ("meta.level_too_low", "blocker")),
        ("stopped", ("meta.level_too_low", "blocker")),
        ("", ("meta.level_too_low", "blocker")),
    ],
)
def test_meta_level(role: str, level: str, finding: t.Optional[t.Tuple[str, str]]) -> None:
    findings = judged(**{role: cluster(role, info={"meta_level": level})})
    found = [(one.id.replace("pegasus.", ""), one.severity) for one in findings if ".meta." in one.id]
    assert found == ([] if finding is None else [finding])


@pytest.mark.parametrize("role", [v.SOURCE, v.TARGET])
def test_a_single_meta_address_is_a_risk(role: str) -> None:
    one = cluster(role, given=(SOURCE_METAS if role == v.SOURCE else TARGET_METAS)[:1])
    findings = judged(**{role: one})
    assert only(findings, "meta.single_address").severity == "warning"
    assert ids(findings) == []
    two = cluster(role, given=(SOURCE_METAS if role == v.SOURCE else TARGET_METAS)[:2])
    assert "meta.single_address" not in ids(judged(**{role: two}), "warning")


@pytest.mark.parametrize(("addresses", "blocks"), [(TARGET_METAS[:1], True), (TARGET_METAS[:2], False)])
def test_a_znode_needs_two_addresses_of_the_target(addresses: t.Tuple[str, ...], blocks: bool) -> None:
    findings = judged(metaproxy=dataclasses.replace(PROXIED, meta_addrs=addresses))
    assert ids(findings) == (["metaproxy.too_few_addresses"] if blocks else [])
    assert ids(judged(metaproxy=v.MetaProxyView(meta_addrs=addresses))) == []


@pytest.mark.parametrize(
    ("given", "strange"),
    [
        (TARGET_METAS, False),
        ((*TARGET_METAS, "10.7.7.7:34601"), True),
        (("meta-0.example.com:34601", "meta-1.example.com:34601"), False),
    ],
    ids=["its own", "one of another", "names cannot be compared"],
)
def test_a_meta_server_that_the_cluster_does_not_know(given: t.Tuple[str, ...], strange: bool) -> None:
    findings = judged(target=target(given=given))
    assert ("meta.strange_address" in ids(findings, "warning")) is strange


@pytest.mark.parametrize(("role", "word"), [(v.SOURCE, "lost primary"), (v.TARGET, "copy of a table")])
def test_a_low_level_says_what_it_keeps_from_happening(role: str, word: str) -> None:
    found = only(judged(**{role: cluster(role, info={"meta_level": "freezed"})}), "meta.level_too_low")
    assert word in found.remedy


@pytest.mark.parametrize(
    ("others", "warns"),
    [(("2.6.0", "2.6.0"), False), (("2.6.0", "2.5.0"), True), (("2.5.0", "2.5.0"), True)],
)
def test_servers_of_several_versions(others: t.Tuple[str, ...], warns: bool) -> None:
    versions = {address: Version.parse(version) for address, version in zip(SOURCE_NODES, others)}
    findings = judged(source=source(server_versions=Answers(versions, {SOURCE_NODES[2]: SILENT})))
    assert ("version.mixed" in ids(findings, "warning")) is warns
    if warns:
        assert only(findings, "version.mixed").evidence["replica_servers"]["2.5.0"][-1] == SOURCE_NODES[1]


def test_dead_nodes_are_named() -> None:
    nodes = tuple(Node(address, address != SOURCE_NODES[1]) for address in SOURCE_NODES)
    found = only(judged(source=source(nodes=nodes)), "node.dead")
    assert (found.severity, found.evidence) == ("warning", {"dead": [SOURCE_NODES[1]], "alive": 2})


# ---- the servers


@pytest.mark.parametrize(
    ("ours", "theirs", "blocks"),
    [
        (1048576, 1048576, False),
        (1048576, 1048575, True),
        (1048576, 2097152, False),
        (0, 1048576, True),
        (1048576, 0, False),
        (1048576, {TARGET_NODES[0]: 1048576, TARGET_NODES[1]: 4096, TARGET_NODES[2]: 0}, True),
    ],
    ids=["equal", "a byte less", "more", "no limit on the source", "no limit on the target", "one server less"],
)
def test_a_target_that_takes_smaller_writes(ours: int, theirs: t.Any, blocks: bool) -> None:
    findings = judged(source=source(flags={v.WRITE_SIZE: ours}), target=target(flags={v.WRITE_SIZE: theirs}))
    assert ids(findings) == (["config.write_size_smaller_on_target"] if blocks else [])


def test_an_untold_write_size_is_no_equal_one() -> None:
    flags = configs(TARGET_NODES)
    flags[v.WRITE_SIZE] = Answers({}, {TARGET_NODES[0]: SILENT})
    found = only(judged(target=target(configs=flags)), "config.write_size_unknown")
    assert (found.severity, len(found.evidence)) == ("warning", 1)
    without = {name: one for name, one in configs(SOURCE_NODES).items() if name != v.WRITE_SIZE}
    only(judged(source=source(version="2.4.0", configs=without)), "config.write_size_unknown")


@pytest.mark.parametrize(
    ("value", "severity", "word"), [(30000, "info", "30s"), (30001, "warning", "30s"), (60000, "warning", "1m")]
)
def test_the_fence_takes_a_config_sync(value: int, severity: str, word: str) -> None:
    found = only(judged(source=source(flags={v.CONFIG_SYNC: value})), "config.sync_interval")
    assert found.severity == severity
    assert word in found.remedy


def test_2_4_does_not_tell_its_config_sync() -> None:
    without = {name: one for name, one in configs(SOURCE_NODES).items() if name != v.CONFIG_SYNC}
    found = only(judged(source=source(version="2.4.0", configs=without)), "config.sync_interval")
    assert found.severity == "info"
    assert "neither tell nor change" in found.remedy


def test_an_unlimited_copy_is_told_with_its_servers() -> None:
    rates = {SOURCE_NODES[0]: 0, SOURCE_NODES[1]: 100, SOURCE_NODES[2]: 0}
    found = only(judged(source=source(flags={v.NFS_SEND_RATE: rates})), "config.send_rate_unlimited")
    assert (found.severity, found.evidence["servers"]) == ("info", [SOURCE_NODES[0], SOURCE_NODES[2]])
    assert "config.send_rate_unlimited" not in ids(judged(), "info")


@pytest.mark.parametrize(
    ("size", "finding"),
    [(79000.0, None), (80001.0, ("disk.short", "warning")), (100001.0, ("disk.short", "blocker"))],
)
def test_room_for_all_copies(size: float, finding: t.Optional[t.Tuple[str, str]]) -> None:
    findings = judged(size_mb=size)
    found = [(one.id.replace("pegasus.", ""), one.severity) for one in findings if ".disk." in one.id]
    assert found == ([] if finding is None else [finding])


def test_room_that_is_not_known() -> None:
    unknown = only(judged(size_mb=None), "disk.unknown")
    assert (unknown.severity, unknown.evidence["tables_of_unknown_size"]) == ("warning", ["temp"])
    for available in (None, Answers[float]({}), Answers(dict.fromkeys(TARGET_NODES, 9e9), {"x:1": SILENT})):
        only(judged(target=target(disk_available_mb=available)), "disk.unknown")


# ---- known bugs


@pytest.mark.parametrize("version", VERSIONS)
def test_bugs_follow_the_version(version: str) -> None:
    found = {one.id.replace("pegasus.bug.", "") for one in judged(source=version) if ".bug." in one.id}
    every = {"core_after_days", "core_on_remove"}
    fixed = {
        "last_mutation_held_back",
        "prepare_for_ever",
        "restart_while_preparing",
        "batch_too_large",
        "log_removed_while_read",
        "start_lost_on_exit",
        "bulk_load_crash",
        "silent_re_add",
    }
    expected = {"2.6.0": every, "2.6.0-SNAPSHOT": every | {"log_reopened_after_removal"}}
    assert found == expected.get(version, every | fixed | {"log_reopened_after_removal"})


def test_bugs_of_the_source_do_not_come_from_the_target() -> None:
    assert "bug.last_mutation_held_back" not in ids(judged(source="2.6.0", target="2.5.0"), "warning")
    assert "bug.last_mutation_held_back" in ids(judged(source="2.5.0", target="2.6.0"), "warning")


@pytest.mark.parametrize(("version", "blocks"), [("2.4.0", True), ("2.5.0", True), ("2.6.0-SNAPSHOT", False)])
def test_single_replica_tables_are_stuck_before_2_6(version: str, blocks: bool) -> None:
    alone = table(with_app={"max_replica_count": 1}, config=routing(p0=SOURCE_NODES[:1]))
    findings = judged(source=version, target=version, tables=(alone,))
    assert ids(findings) == (["bug.single_replica_stuck"] if blocks else [])


@pytest.mark.parametrize(("version", "warns"), [("2.5.0", False), ("2.6.0-SNAPSHOT", True), ("2.6.0", False)])
def test_renamed_tables_are_stuck_in_early_builds_of_2_6(version: str, warns: bool) -> None:
    assert ("bug.renamed_stuck" in ids(judged(source=version, remote="other"), "warning")) is warns
    assert "bug.renamed_stuck" not in ids(judged(source=version), "warning")


@pytest.mark.parametrize(("version", "warns"), [("2.5.0", True), ("2.6.0", False)])
@pytest.mark.parametrize("decree", [0, 1])
def test_nearly_empty_partitions(version: str, warns: bool, decree: int) -> None:
    findings = judged(source=version, decrees={0: 1000, 1: decree})
    assert ("bug.empty_replica_checkpoint" in ids(findings, "warning")) is warns
    assert "bug.empty_replica_checkpoint" not in ids(judged(source=version, decrees={0: 2}), "warning")


@pytest.mark.parametrize(("version", "warns"), [("2.5.0", True), ("2.6.0", False)])
def test_partitions_whose_primary_does_not_tell_its_decree_before_2_6(version: str, warns: bool) -> None:
    """One without a primary has a blocker of its own, and the decree of a full answer is known."""
    without = table(decrees={0: 5, 1: 5}, config=routing(p3=()))
    findings = judged(source=version, tables=(without,))
    assert ("table.decrees_unknown" in ids(findings, "warning")) is warns
    if warns:
        found = only(findings, "table.decrees_unknown")
        assert found.evidence == {"partitions": [2], "count": 1, "servers": [SOURCE_NODES[2]]}
    assert "table.decrees_unknown" not in ids(judged(source=version), "warning")


@pytest.mark.parametrize("role", ["source", "target"])
def test_a_server_that_does_not_tell_its_rate(role: str) -> None:
    flag_of = {"source": v.NFS_SEND_RATE, "target": v.NFS_COPY_RATE}[role]
    nodes = {"source": SOURCE_NODES, "target": TARGET_NODES}[role]
    told = configs(nodes)
    there = {node: one for node, one in told[flag_of].good.items() if node != nodes[0]}
    told[flag_of] = Answers(there, {nodes[0]: MigrationError("pegasus.unreachable", "away")})
    changed = {"source": source, "target": target}[role](configs=told)
    found = only(judged(**{role: changed}), "config.copy_rate_unknown")
    assert (found.severity, found.evidence) == ("info", {flag_of: {nodes[0]: "away"}})
    assert found.subject.startswith(role) and f"nfs.{flag_of} " in found.remedy
    assert "config.copy_rate_unknown" not in ids(judged(), "info")


def test_a_copy_rate_per_disk_on_the_target() -> None:
    found = only(judged(target=target(flags={v.NFS_COPY_RATE: 50})), "bug.nfs_rate_per_disk")
    assert found.subject.startswith("target cluster west")


# ---- the contract


def test_every_id_is_documented_and_every_documented_id_exists() -> None:
    folder = pathlib.Path(preflight.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("preflight*.py")))
    found = set(re.findall(r'"(pegasus\.(?:cluster|version|meta|node|config|disk|table|target|duplication|metaproxy|'
                           r'zookeeper|znode|clients)\.[a-z0-9_]+)"', code))  # fmt: skip
    bugs = (*known_bugs.SOURCE_BUGS, *known_bugs.TARGET_BUGS, *known_bugs.TABLE_BUGS)
    found |= {bug.id for bug in bugs}
    documented = set(re.findall(r"C\((pegasus\.[a-z_]+\.[a-z0-9_]+)\)", pegasus_preflight.DOCUMENTATION))
    assert documented == found


def test_findings_say_what_to_do() -> None:
    bad = view(source=source(version="2.4.0", given=SOURCE_METAS[:1], info={"meta_level": "lively"}))
    findings = preflight.evaluate(dataclasses.replace(bad, metaproxy=PROXIED))
    assert len(findings) > 12
    for finding in findings:
        assert finding.evidence
        assert finding.remedy.endswith((".", ").")), finding
        assert finding.subject
        assert "{" not in finding.remedy


def test_versions_of_bugs_are_versions() -> None:
    for bug in (*known_bugs.SOURCE_BUGS, *known_bugs.TARGET_BUGS, *known_bugs.TABLE_BUGS):
        # Up to 2.5 no table gets another name.
        assert Version.parse("2.6.0-SNAPSHOT" if bug.feature == known_bugs.RENAMED else "2.4.0") in bug.versions
        assert re.fullmatch(r"https://github\.com/apache/incubator-pegasus/issues/\d+", bug.reference)


def test_the_own_probe_of_a_healthy_cluster_is_itself() -> None:
    assert source().own == target().own == ITSELF
