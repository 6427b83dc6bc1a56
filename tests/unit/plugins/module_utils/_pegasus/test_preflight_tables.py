# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers, Node
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.preflight_cases import (
    PROXIED,
    SILENT,
    SOURCE_METAS,
    SOURCE_NODES,
    TARGET_METAS,
    TARGET_NODES,
    app,
    cluster,
    duplication,
    ids,
    judged,
    only,
    routing,
    table,
    znode,
)


def target(**more: t.Any) -> v.ClusterView:
    return cluster(v.TARGET, **more)


# ---- the table on the source


def test_a_table_that_does_not_exist() -> None:
    findings = judged(source=cluster(v.SOURCE, apps=(app("Temp"), app("other", app_id=3))), app=None, with_app={})
    assert ids(findings) == ["table.unknown"]
    found = only(findings, "table.unknown")
    assert "but Temp (upper and lower case differ)" in found.remedy
    assert found.evidence["number_of_tables"] == 2


@pytest.mark.parametrize("status", ["CREATING", "DROPPING", "DROPPED", "RECALLING"])
def test_a_table_that_cannot_be_used(status: str) -> None:
    findings = judged(with_app={"status": status}, config=None, duplications=None)
    assert ids(findings) == ["table.not_available"]
    assert ("recall 2" in only(findings, "table.not_available").remedy) is status.startswith("DROP")


@pytest.mark.parametrize(
    ("members", "finding"),
    [
        ((), ("table.no_primary", "blocker")),
        (SOURCE_NODES[:1], ("table.single_copy", "blocker")),
        (SOURCE_NODES[:2], ("table.copies_missing", "warning")),
        (SOURCE_NODES, None),
    ],
)
def test_health_of_partitions(members: t.Sequence[str], finding: t.Optional[t.Tuple[str, str]]) -> None:
    findings = judged(config=routing(p2=members))
    names = ("no_primary", "single_copy", "copies_missing")
    found = [(one.id.replace("pegasus.", ""), one.severity) for one in findings if one.id.rpartition(".")[2] in names]
    assert found == ([] if finding is None else [finding])
    if finding is not None:
        assert only(findings, finding[0]).evidence["count"] == 1


def test_one_copy_is_enough_where_one_is_wanted() -> None:
    single = routing(p0=SOURCE_NODES[:1], p1=SOURCE_NODES[:1], p2=SOURCE_NODES[:1], p3=SOURCE_NODES[:1])
    findings = judged(config=single, with_app={"max_replica_count": 1})
    assert ids(findings) == []
    assert "table.copies_missing" not in ids(findings, "warning")


def test_a_partition_that_the_answer_left_out_has_no_primary() -> None:
    short = routing(3)
    findings = judged(config=type(short)(2, 4, short.partitions))
    assert only(findings, "table.no_primary").evidence["partitions"] == [3]


@pytest.mark.parametrize(
    ("missing", "finding"),
    [
        ({"config": None}, "table.health_unknown"),
        ({"splitting": None}, "table.split_unknown"),
        ({"bulk_load": None}, "table.bulk_load_unknown"),
        ({"data_versions": None}, "table.data_version_unknown"),
        ({"duplications": None}, "duplication.unknown"),
    ],
)
def test_unknown_never_passes(missing: t.Dict[str, t.Any], finding: str) -> None:
    key = next(iter(missing))
    findings = judged(**missing, problems={key: "the words of the failure"})
    assert ids(findings) == [finding]
    assert only(findings, finding).evidence == "the words of the failure"


def test_a_split_and_a_bulk_load_that_are_running() -> None:
    findings = judged(splitting={1: "SPLITTING", 0: "PAUSING"}, bulk_load="BLS_INGESTING")
    assert ids(findings) == ["table.bulk_loading", "table.splitting"]
    assert only(findings, "table.splitting").evidence == {"partitions": {"0": "PAUSING", "1": "SPLITTING"}, "count": 2}


@pytest.mark.parametrize(
    ("answers", "finding"),
    [
        (Answers({SOURCE_NODES[0]: dict.fromkeys(range(4), 1)}), None),
        # A server of the table may well hold none of it by now.
        (Answers({SOURCE_NODES[0]: dict.fromkeys(range(4), 1), SOURCE_NODES[1]: {}}), None),
        (Answers({SOURCE_NODES[0]: {0: 1, 1: 0, 2: 1, 3: 1}}), "table.data_version"),
        (Answers({SOURCE_NODES[0]: {0: 1, 1: 1, 2: 1}}), "table.data_version_unknown"),
        (
            Answers({SOURCE_NODES[0]: dict.fromkeys(range(4), 1)}, {SOURCE_NODES[1]: SILENT}),
            "table.data_version_unknown",
        ),
    ],
    ids=["all", "empty server", "old", "partition missing", "server silent"],
)
def test_data_version_on_the_hosting_servers(answers: t.Any, finding: t.Optional[str]) -> None:
    findings = judged(data_versions=answers)
    assert ids(findings) == ([] if finding is None else [finding])


def test_a_table_that_is_a_copy_itself() -> None:
    envs = {"duplication.master_cluster": "south", "duplication.master_metas": "10.3.0.1:34601"}
    findings = judged(with_app={"envs": envs})
    assert ids(findings) == ["table.is_follower"]
    assert only(findings, "table.is_follower").evidence == envs


@pytest.mark.parametrize(
    "envs",
    [{"duplication.follower_app_status": "created"}, {"duplication.master_cluster": "west"}],
    ids=["without a master", "from the target"],
)
def test_envs_left_from_a_former_migration(envs: t.Dict[str, str]) -> None:
    findings = judged(with_app={"envs": envs})
    assert ids(findings) == []
    assert "table.leftover_envs" in ids(findings, "warning")
    assert ("round in a circle" in only(findings, "table.leftover_envs").remedy) is (
        "duplication.master_cluster" in envs
    )


@pytest.mark.parametrize(
    ("envs", "finding"),
    [
        ({"replica.deny_client_request": "timeout*write"}, ("table.requests_denied", "blocker")),
        ({"replica.deny_client_request": ""}, None),
        ({"replica.write_throttling": "100*delay*10"}, ("table.throttled", "warning")),
        ({"rocksdb.usage_scenario": "prefer_write"}, None),
    ],
)
def test_envs_that_would_be_copied(envs: t.Dict[str, str], finding: t.Optional[t.Tuple[str, str]]) -> None:
    findings = judged(with_app={"envs": envs})
    found = [(one.id.replace("pegasus.", ""), one.severity) for one in findings if one.evidence == envs]
    assert found == ([] if finding is None else [finding])


@pytest.mark.parametrize(
    ("atomic", "finding"),
    [
        (None, ("table.atomic_writes_unknown", "warning")),
        (v.AtomicWrites({}, told=False), ("table.atomic_writes_unknown", "warning")),
        (v.AtomicWrites({"incr": 0.0}), ("table.atomic_writes_unknown", "warning")),
        (v.AtomicWrites({"incr": 0.0}, cumulative=True), ("table.atomic_writes_not_seen", "info")),
        (
            v.AtomicWrites({"incr": 0.0}, cumulative=True, failed={"x:1": "silent"}),
            ("table.atomic_writes_unknown", "warning"),
        ),
        (v.AtomicWrites({"incr": 0.5, "check_and_set": 0.0}), ("table.atomic_writes", "blocker")),
        (v.AtomicWrites({"check_and_mutate": 9.0}, cumulative=True), ("table.atomic_writes", "blocker")),
        (v.AtomicWrites({}, refused=3.0), ("table.atomic_writes", "blocker")),
        (
            v.AtomicWrites({"incr": 9.0}, cumulative=True, grown=v.Growth(10.0, {"incr": 1.0})),
            ("table.atomic_writes", "blocker"),
        ),
        (
            v.AtomicWrites({}, refused=9.0, cumulative=True, grown=v.Growth(10.0, {"incr": 0.0}, 2.0)),
            ("table.atomic_writes", "blocker"),
        ),
        (
            v.AtomicWrites({"incr": 9.0}, cumulative=True, grown=v.Growth(10.0, {"incr": 0.0})),
            ("table.atomic_writes_earlier", "warning"),
        ),
        (
            v.AtomicWrites({}, refused=9.0, cumulative=True, grown=v.Growth(10.0, {})),
            ("table.atomic_writes_earlier", "warning"),
        ),
        (
            v.AtomicWrites({"incr": 9.0}, cumulative=True, grown=v.Growth(10.0, {}), failed={"x:1": "silent"}),
            ("table.atomic_writes_unknown", "warning"),
        ),
        (
            v.AtomicWrites({"incr": 9.0}, cumulative=True, grown=v.Growth(10.0, {"incr": 1.0}), failed={"x:1": "-"}),
            ("table.atomic_writes", "blocker"),
        ),
    ],
    ids=[
        "unread",
        "untold",
        "no rate now",
        "none since start",
        "one silent",
        "a rate",
        "a number seen once",
        "refused already",
        "a number that grows",
        "refusals that grow",
        "a number that stands",
        "refusals that stand",
        "a number that stands where one is silent",
        "a number that grows where one is silent",
    ],
)
def test_atomic_writes(atomic: t.Optional[v.AtomicWrites], finding: t.Tuple[str, str]) -> None:
    findings = judged(atomic=atomic)
    found = [(one.id.replace("pegasus.", ""), one.severity) for one in findings if ".atomic" in one.id]
    assert found == [finding]
    assert "ERR_OPERATION_DISABLED" in only(findings, finding[0]).remedy


def test_refusals_that_stand_may_be_the_proof_of_a_fence() -> None:
    """A cutover that failed has proved its fence with such writes, and the servers count them until they restart."""
    standing = v.AtomicWrites({"incr": 0.0}, refused=12.0, cumulative=True, grown=v.Growth(10.4, {"incr": 0.0}))
    found = only(judged(atomic=standing), "table.atomic_writes_earlier")
    assert found.evidence == {"since_start": {}, "refused_while_duplicating": 12.0, "watched_seconds": 10}
    assert "proves its fence" in found.remedy
    executed = v.AtomicWrites({"incr": 3.0}, cumulative=True, grown=v.Growth(10.4, {"incr": 0.0}))
    assert "proves its fence" not in only(judged(atomic=executed), "table.atomic_writes_earlier").remedy


def test_a_number_that_grows_is_told_with_its_growth() -> None:
    growing = v.AtomicWrites({"incr": 50.0}, refused=12.0, cumulative=True, grown=v.Growth(10.0, {"incr": 5.0}, 2.0))
    assert only(judged(atomic=growing), "table.atomic_writes").evidence == {
        "since_start": {"incr": 50.0},
        "refused_while_duplicating": 12.0,
        "grown": {"incr": 5.0, "refused": 2.0},
        "watched_seconds": 10,
    }


def test_idempotent_atomic_writes_are_let_through() -> None:
    findings = judged(with_app={"atomic_idempotent": True}, atomic=v.AtomicWrites({"incr": 100.0}))
    assert [one.id for one in findings if ".atomic" in one.id] == []


@pytest.mark.parametrize(("version", "offered"), [("2.5.0", False), ("2.6.0", True)])
def test_only_2_6_can_make_atomic_writes_idempotent(version: str, offered: bool) -> None:
    found = only(judged(source=version, atomic=v.AtomicWrites({"incr": 1.0})), "table.atomic_writes")
    assert ("set_atomic_idempotent" in found.remedy) is offered


# ---- duplications and the target


@pytest.mark.parametrize(("own", "severity"), [(True, "info"), (False, "warning")])
@pytest.mark.parametrize("status", ["DS_INIT", "DS_PREPARE", "DS_APP", "DS_LOG"])
def test_a_duplication_that_is_there(status: str, own: bool, severity: str) -> None:
    findings = judged(
        duplications=(duplication(status=status),), own_dupids=frozenset((1700000000,)) if own else frozenset()
    )
    assert ids(findings) == []
    assert only(findings, "duplication.exists").severity == severity


@pytest.mark.parametrize(("own", "blockers"), [(True, []), (False, ["duplication.not_ours"])])
def test_a_duplication_that_the_journal_does_not_know_stops_until_it_is_accepted(
    own: bool, blockers: t.List[str]
) -> None:
    dupids = frozenset((1700000000,)) if own else frozenset()
    findings = judged(duplications=(duplication(status="DS_LOG"),), own_dupids=dupids, journaled=True)
    assert ids(findings) == blockers


def test_a_removed_duplication_is_none() -> None:
    findings = judged(duplications=(duplication(status="DS_REMOVED", remote="south"),))
    assert [one.id for one in findings if ".duplication." in one.id] == []


@pytest.mark.parametrize(
    ("more", "blockers", "warnings"),
    [
        ({"status": "DS_PAUSE"}, [], ["duplication.paused"]),
        ({"fail_mode": "FAIL_SKIP"}, ["duplication.fail_mode"], ["duplication.exists"]),
        ({"fail_mode": "FAIL_FAST"}, ["duplication.fail_mode"], ["duplication.exists"]),
        ({"remote": "south"}, ["duplication.to_other_cluster"], []),
        ({"remote_app_name": "temp"}, [], ["duplication.exists"]),
        ({"remote_app_name": "tempo"}, ["duplication.to_other_table"], []),
    ],
)
def test_duplications_that_are_not_as_they_should_be(
    more: t.Dict[str, t.Any], blockers: t.List[str], warnings: t.List[str]
) -> None:
    findings = judged(duplications=(duplication(**more),))
    assert ids(findings) == blockers
    assert [one for one in ids(findings, "warning") if one.startswith("duplication.")] == warnings


def test_nobody_is_told_to_accept_what_the_cutover_refuses() -> None:
    findings = judged(duplications=(duplication(remote="south"),))
    remedy = only(findings, "duplication.to_other_cluster").remedy
    assert "Remove" in remedy and "accept" not in remedy


@pytest.mark.parametrize(
    ("pair", "blocks"),
    [
        (("2.6.0", "2.6.0-SNAPSHOT"), False),
        (("2.5.0", "2.6.0"), True),
        (("2.6.0", "2.5.0"), True),
    ],
)
def test_another_name_on_the_target_needs_2_6_on_both_sides(pair: t.Tuple[str, str], blocks: bool) -> None:
    findings = judged(source=pair[0], target=pair[1], remote="tempo")
    assert ids(findings) == (["table.rename_unsupported"] if blocks else [])


@pytest.mark.parametrize(("version", "blocks"), [("2.5.0", True), ("2.6.0", False)])
def test_another_replica_count_needs_2_6_on_the_source(version: str, blocks: bool) -> None:
    assert ids(judged(source=version, copies=2)) == (["table.replica_count_unsupported"] if blocks else [])


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        ("AVAILABLE", "target.name_taken"),
        ("CREATING", "target.name_changing"),
        ("DROPPING", "target.name_changing"),
        ("RECALLING", "target.name_changing"),
        ("DROPPED", None),
    ],
)
def test_the_name_on_the_target(status: str, finding: t.Optional[str]) -> None:
    findings = judged(target=target(apps=(app(app_id=7, status=status),)))
    assert ids(findings) == ([] if finding is None else [finding])


def test_a_dropped_table_hides_no_live_one() -> None:
    both = (app(app_id=7, status="DROPPED"), app(app_id=5), app(app_id=8, status="DROPPED"))
    found = only(judged(target=target(apps=both)), "target.name_taken")
    assert found.evidence["app_id"] == 5


def test_the_name_that_counts_is_the_one_on_the_target() -> None:
    assert ids(judged(target=target(apps=(app(app_id=7),)), remote="tempo")) == []
    assert ids(judged(target=target(apps=(app("tempo", app_id=7),)), remote="tempo")) == ["target.name_taken"]


MASTER = {"duplication.master_cluster": "east"}


@pytest.mark.parametrize(
    ("there", "duplicated", "blockers"),
    [
        ({"envs": MASTER}, True, []),
        ({"envs": {**MASTER, "duplication.master_app_name": "temp"}}, True, []),
        ({"envs": {**MASTER, "duplication.master_app_name": "other"}}, True, ["target.name_taken"]),
        ({"envs": {"duplication.master_cluster": "south"}}, True, ["target.name_taken"]),
        ({"envs": MASTER, "status": "CREATING"}, True, []),
        ({"envs": MASTER}, False, ["target.copy_left_over"]),
        ({"envs": {**MASTER, "replica.deny_client_request": "reconfig*write"}}, True, ["target.requests_denied"]),
        ({"envs": MASTER, "partition_count": 8}, True, ["target.partition_count"]),
    ],
    ids=[
        "ours",
        "ours by name",
        "of another table",
        "of another cluster",
        "being made",
        "left over",
        "denied",
        "count",
    ],
)
def test_the_copy_on_the_target(there: t.Dict[str, t.Any], duplicated: bool, blockers: t.List[str]) -> None:
    dups = (duplication(),) if duplicated else ()
    assert ids(judged(target=target(apps=(app(app_id=7, **there),)), duplications=dups)) == blockers


DENIED = {"replica.deny_client_request": "reconfig*write"}


@pytest.mark.parametrize("status", ["DS_APP", "DS_LOG", "DS_PAUSE"])
@pytest.mark.parametrize("envs", [MASTER, {}], ids=["with the envs of a copy", "without them"])
def test_a_copy_that_refuses_what_is_shipped_to_it(envs: t.Dict[str, str], status: str) -> None:
    """Behind DS_PREPARE the table of that name is what the duplication ships to, also when its envs were deleted."""
    there = target(apps=(app(app_id=7, envs={**envs, **DENIED}),))
    findings = judged(target=there, duplications=(duplication(status=status),))
    assert ids(findings) == ["target.requests_denied"]
    found = only(findings, "target.requests_denied")
    assert found.subject == "table temp on the target"
    assert found.evidence["replica.deny_client_request"] == "reconfig*write"
    assert found.evidence["duplication"] == status


@pytest.mark.parametrize(("denied", "word"), [("timeout*read", "read"), ("timeout*all", "write")])
def test_a_denied_copy_says_what_would_not_work(denied: str, word: str) -> None:
    there = target(apps=(app(app_id=7, envs={**MASTER, "replica.deny_client_request": denied}),))
    found = only(judged(target=there, duplications=(duplication(),)), "target.requests_denied")
    assert f"not {word} there" in found.remedy
    assert ("never catches up" in found.remedy) is (word == "write")


def test_a_copy_of_another_cluster_is_none_of_ours_whatever_its_duplication_says() -> None:
    there = target(apps=(app(app_id=7, envs={"duplication.master_cluster": "south", **DENIED}),))
    assert ids(judged(target=there, duplications=(duplication(),))) == ["target.name_taken"]


@pytest.mark.parametrize("status", ["DS_INIT", "DS_PREPARE"])
def test_a_table_that_is_in_the_way_of_its_copy(status: str) -> None:
    """The copy is not made yet, so a table without the envs of a copy is another one."""
    there = target(apps=(app(app_id=7, envs=DENIED),))
    assert ids(judged(target=there, duplications=(duplication(status=status),))) == ["target.name_taken"]


def test_a_copy_whose_duplication_was_removed_is_left_over() -> None:
    there = target(apps=(app(app_id=7, envs=MASTER),))
    removed = (duplication(status="DS_REMOVED"),)
    assert ids(judged(target=there, duplications=removed)) == ["target.copy_left_over"]
    another = (duplication(remote="south"),)
    assert "target.copy_left_over" in ids(judged(target=there, duplications=another))


@pytest.mark.parametrize(("alive", "wanted", "blocks"), [(3, 3, False), (2, 3, True), (2, 2, False), (3, 4, True)])
def test_copies_need_live_servers(alive: int, wanted: int, blocks: bool) -> None:
    nodes = tuple(Node(address, index < alive) for index, address in enumerate(TARGET_NODES))
    findings = judged(target=target(nodes=nodes), copies=wanted)
    assert ids(findings) == (["target.too_few_servers"] if blocks else [])


# ---- the way of the clients


def test_without_metaproxy() -> None:
    findings = judged(znode=None, proxies={})
    assert only(findings, "metaproxy.none").severity == "info"


@pytest.mark.parametrize(
    ("way", "blockers"),
    [
        (v.MetaProxyView("zk:2181", "/x", (), TARGET_METAS, problem="no server answered"), ["zookeeper.unreachable"]),
        (v.MetaProxyView("zk:2181", "/x", (), TARGET_METAS, root_exists=False), ["zookeeper.root_missing"]),
    ],
)
def test_zookeeper(way: v.MetaProxyView, blockers: t.List[str]) -> None:
    assert ids(judged(metaproxy=way, znode=None, proxies={})) == blockers


EAST = ",".join(SOURCE_METAS)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ({"cluster_name": "east", "meta_addrs": EAST, "weight": 3}, None),
        (b"{", "znode.malformed"),
        (b"\xff", "znode.malformed"),
        (b"", "znode.malformed"),
        ({"cluster": "east", "meta-addrs": []}, "znode.malformed"),
        ({"cluster_name": "east", "meta_addrs": EAST.replace(",", ", ")}, "znode.malformed"),
        ({"cluster_name": "east", "meta_addrs": SOURCE_METAS[0]}, "znode.few_addresses"),
        ({"cluster_name": "west", "meta_addrs": ",".join(TARGET_METAS)}, "znode.points_at_target"),
        ({"cluster_name": "east", "meta_addrs": ",".join(TARGET_METAS)}, "znode.points_at_target"),
        ({"cluster_name": "south", "meta_addrs": "10.3.0.1:1,10.3.0.2:1"}, "znode.points_elsewhere"),
    ],
)
def test_the_znode(text: t.Any, finding: t.Optional[str]) -> None:
    findings = judged(metaproxy=PROXIED, znode=znode(text))
    assert ids(findings) == ([] if finding is None else [finding])


def test_a_znode_with_other_addresses_may_be_other_names() -> None:
    other = {"cluster_name": "east", "meta_addrs": "meta-0:34601,meta-1:34601"}
    findings = judged(metaproxy=PROXIED, znode=znode(other))
    assert only(findings, "znode.other_addresses").severity == "warning"


def test_a_znode_that_cannot_be_read() -> None:
    findings = judged(metaproxy=PROXIED, znode=v.ZnodeView("/metaproxy/temp", None, "its ACL forbids it"))
    assert ids(findings) == ["znode.unknown"]


def test_a_znode_that_cannot_be_written() -> None:
    assert ids(judged(metaproxy=PROXIED, znode=dataclasses.replace(znode(), writable=False))) == ["znode.read_only"]
    findings = judged(metaproxy=PROXIED, znode=dataclasses.replace(znode(), writable=None))
    assert ids(findings) == [] and only(findings, "znode.acl_unknown").severity == "warning"


def test_metaproxies_must_answer_with_the_source() -> None:
    proxies = {
        "10.0.2.1:34601": v.ProxyAnswer(routing()),
        "10.0.2.2:34601": v.ProxyAnswer(routing(app_id=9)),
        "10.0.2.3:34601": v.ProxyAnswer(None, "connection refused"),
        "10.0.2.4:34601": v.ProxyAnswer(None, "no answer within 10 s"),
    }
    findings = judged(metaproxy=PROXIED, proxies=proxies)
    assert ids(findings) == ["metaproxy.no_answer", "metaproxy.other_answer"]
    assert sorted(only(findings, "metaproxy.no_answer").evidence) == ["10.0.2.3:34601", "10.0.2.4:34601"]
    assert only(findings, "metaproxy.other_answer").subject == "MetaProxy 10.0.2.2:34601"


def test_metaproxies_that_are_not_named() -> None:
    findings = judged(metaproxy=v.MetaProxyView("zk:2181", "/metaproxy", (), TARGET_METAS), proxies={})
    assert only(findings, "metaproxy.not_listed").severity == "warning"


@pytest.mark.parametrize(
    ("pair", "warns"),
    [
        (("2.5.0", "2.5.0"), False),
        (("2.5.0", "2.6.0-SNAPSHOT"), True),
        # It reads a cluster of 2.6 now, so it can read another one.
        (("2.6.0-SNAPSHOT", "2.6.0"), False),
        (("2.6.0", "2.5.0"), False),
    ],
)
def test_an_old_metaproxy_cannot_read_2_6(pair: t.Tuple[str, str], warns: bool) -> None:
    findings = judged(source=pair[0], target=pair[1], metaproxy=PROXIED)
    assert ("metaproxy.cannot_read_target" in ids(findings, "warning")) is warns


@pytest.mark.parametrize(
    "proxies",
    [
        {},
        {"10.0.2.1:34601": v.ProxyAnswer(None, "ERR_OBJECT_NOT_FOUND")},
        {"10.0.2.1:34601": v.ProxyAnswer(routing()), "10.0.2.2:34601": v.ProxyAnswer(None, "no answer in time")},
        {"10.0.2.1:34601": v.ProxyAnswer(routing(app_id=9))},
    ],
    ids=["none named", "no routing", "one of two", "of another cluster"],
)
def test_only_routing_from_every_metaproxy_proves_that_2_6_is_read(proxies: t.Dict[str, v.ProxyAnswer]) -> None:
    way = dataclasses.replace(PROXIED, proxies=tuple(proxies))
    findings = judged(metaproxy=way, proxies=proxies)
    assert "metaproxy.cannot_read_target" in ids(findings, "warning")


def test_one_table_is_enough_to_prove_that_a_metaproxy_reads_2_6() -> None:
    silent = table(proxies={"10.0.2.1:34601": v.ProxyAnswer(None, "ERR_OBJECT_NOT_FOUND")})
    findings = judged(metaproxy=PROXIED, tables=(silent, table()))
    assert "metaproxy.cannot_read_target" not in ids(findings, "warning")


@pytest.mark.parametrize(
    ("pair", "warns"),
    [(("2.5.0", "2.5.0"), False), (("2.4.0", "2.6.0-SNAPSHOT"), True), (("2.6.0", "2.6.0"), False)],
)
def test_old_go_clients_cannot_read_2_6(pair: t.Tuple[str, str], warns: bool) -> None:
    by_hand = judged(source=pair[0], target=pair[1])
    assert ("clients.cannot_read_target" in ids(by_hand, "warning")) is warns
    # Behind a MetaProxy they do not ask the meta servers.
    assert "clients.cannot_read_target" not in ids(judged(source=pair[0], target=pair[1], metaproxy=PROXIED), "warning")


def test_clients_that_cannot_follow_are_always_named() -> None:
    found = only(judged(metaproxy=PROXIED), "metaproxy.clients_that_cannot_follow")
    assert (found.severity, "C++" in found.evidence) == ("info", True)


def test_a_renamed_table_cannot_be_switched_by_metaproxy() -> None:
    assert ids(judged(metaproxy=PROXIED, remote="tempo")) == ["metaproxy.renamed_table"]


def test_many_tables_are_judged_each_by_itself() -> None:
    tables = (table(), table(splitting={0: "SPLITTING"}), table(bulk_load="BLS_DOWNLOADING"))
    assert ids(judged(tables=tables)) == ["table.bulk_loading", "table.splitting"]
