# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight of Pegasus tables against the lab: two clusters of every generation, a real ZooKeeper, MetaProxies."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import pathlib
import re
import socket
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from lab import embedded, process
from lab.client import LabClient
from system import pegasus_places
from system.pegasus_modules import PROFILES
from system.pegasus_places import Result, clusters, metaproxy

# The integration targets try the module each time; this is every corner of it.
pytestmark = pytest.mark.thorough

SMALL: dict[str, t.Any] = {"engine": "pegasus", "partitions": 8, "clients": 0, "factor": 20}
PROBE = re.compile(r"RPC_CM_ADD_DUPLICATION preflight\?[0-9a-f]{32} to (onebox-[ab])")


def run(lab: LabClient, through_metaproxy: bool = True, **options: t.Any) -> Result:
    """One run of the module, that does not fail when it finds a blocker."""
    given: dict[str, t.Any] = {**clusters(lab), "tables": "temp", "fail_on_blocker": "false"}
    if through_metaproxy:
        given.update(metaproxy(lab))
    return pegasus_places.run("preflight", {**given, **options})


def found(result: Result, severity: str = "blocker") -> list[tuple[str, str]]:
    assert "findings" in result, result
    return sorted(
        (one["id"].replace("pegasus.", "", 1), one["subject"])
        for one in result["findings"]
        if one["severity"] == severity and not one["accepted"]
    )


def blockers(result: Result) -> list[str]:
    return [name for name, _subject in found(result)]


def warnings(result: Result) -> list[str]:
    return [name for name, _subject in found(result, "warning")]


def evidence(result: Result, name: str) -> t.Any:
    return next(one["evidence"] for one in result["findings"] if one["id"] == "pegasus." + name)


@pytest.fixture(scope="module", params=PROFILES)
def generation(request: pytest.FixtureRequest) -> t.Iterator[tuple[str, LabClient]]:
    with process.start(profile=request.param, table="temp,events", **SMALL) as lab:
        yield request.param, lab


def test_healthy_clusters_pass_and_nothing_is_changed(
    generation: tuple[str, LabClient], tmp_path: pathlib.Path
) -> None:
    profile, lab = generation
    before = lab.state()["clusters"]
    lab.clear_requests()
    result = run(lab, tables="temp,events", fail_on_blocker="true", journal=str(tmp_path / "journal.jsonl"))
    assert blockers(result) == [], result["msg"]
    assert result["passed"], result
    assert result["changed"] is False
    assert result["looked_at"]["partitions"] == 16
    assert [one["version"] for one in result["clusters"].values()] == [lab.state()["version"]] * 2
    assert lab.requests(mutating=True) == []
    # The question that is always refused: about itself and about the other, once to each cluster, never by one name.
    sent = [(one["request"], one["outcome"]) for one in lab.requests() if "ADD_DUPLICATION" in one["request"]]
    probes = [PROBE.fullmatch(request) for request, _outcome in sent]
    assert sorted(probe.group(1) for probe in probes if probe) == ["onebox-a", "onebox-a", "onebox-b", "onebox-b"]
    outcomes = [outcome for _request, outcome in sent]
    assert sorted(outcomes) == ["error: ERR_APP_NOT_EXIST"] * 2 + ["error: ERR_INVALID_PARAMETERS"] * 2
    assert len({request for request, _outcome in sent}) == 4
    after = lab.state()["clusters"]
    for key in ("source", "target"):
        assert list(after[key]["apps"]) == list(before[key]["apps"])
        for name, app in after[key]["apps"].items():
            assert (app["envs"], app["duplications"]) == (before[key]["apps"][name]["envs"], {}), name
    assert ("bug.last_mutation_held_back" in warnings(result)) is (profile != "2.6"), profile
    infos = [name for name, _subject in found(result, "info")]
    assert "config.send_rate_unlimited" in infos and "config.copy_rate_unknown" not in infos


def test_a_second_table_adds_a_handful_of_requests(generation: tuple[str, LabClient]) -> None:
    _profile, lab = generation
    counts = []
    for tables in ("temp", "temp,events"):
        lab.clear_requests()
        run(lab, tables=tables)
        counts.append(len(lab.requests()))
    servers = 5
    assert counts[0] <= 20 + 2 * 6 * servers
    assert counts[1] - counts[0] <= 5 + servers


def test_many_tables_cost_no_more_each_and_are_told_in_their_order(generation: tuple[str, LabClient]) -> None:
    _profile, lab = generation
    names = [f"many{number:02}" for number in range(20)]
    try:
        for name in names:
            lab.foreign(create_table={"name": name, "partitions": 1})
        lab.wait_for(lambda _state: found(run(lab, through_metaproxy=False, tables=names)) == [], 30)
        lab.clear_requests()
        result = run(lab, through_metaproxy=False, tables=names)
        servers = 5
        assert len(lab.requests()) <= 20 + 2 * 6 * servers + len(names) * (5 + servers)
        repeated = run(lab, through_metaproxy=False, tables=names)
    finally:
        for name in names:
            lab.foreign(drop_table=name)
    assert result["looked_at"]["tables"] == len(names)
    assert [(one["id"], one["subject"]) for one in result["findings"]] == [
        (one["id"], one["subject"]) for one in repeated["findings"]
    ]
    subjects = [one["subject"] for one in result["findings"] if ".atomic_writes" in one["id"]]
    assert subjects == [f"table {name}" for name in names]


def test_check_mode_finds_the_same_and_writes_nothing(
    generation: tuple[str, LabClient], tmp_path: pathlib.Path
) -> None:
    _profile, lab = generation
    journal = tmp_path / "journal.jsonl"
    checked = run(lab, journal=str(journal), _ansible_check_mode=True)
    assert not journal.exists()
    real = run(lab, journal=str(journal))
    assert journal.exists()
    assert [one["id"] for one in checked["findings"]] == [one["id"] for one in real["findings"]]
    size = journal.stat().st_size
    run(lab, journal=str(journal))
    assert journal.stat().st_size == size


def test_it_follows_the_primary_meta_server(generation: tuple[str, LabClient]) -> None:
    _profile, lab = generation
    first = run(lab)["clusters"]["source"]["primary_meta"]
    lab.call("POST", "/meta/source/failover", {})
    result = run(lab)
    assert result["clusters"]["source"]["primary_meta"] != first
    assert blockers(result) == []


def test_atomic_writes_and_room_are_counted(generation: tuple[str, LabClient]) -> None:
    profile, lab = generation
    quiet = run(lab, tables="temp,events")
    name, severity = ("atomic_writes_not_seen", "info") if profile == "2.6" else ("atomic_writes_unknown", "warning")
    assert found(quiet, severity).count(("table." + name, "table temp")) == 1
    assert [one["id"] for one in quiet["findings"] if ".disk." in one["id"]] == []
    try:
        lab.foreign(table_fields={"atomic_rates": {"check_and_set": 2.0}, "sst_mb": 100_000})
        lab.config(cluster="target", disk_available_mb=100_000)
        # Servers count anew every 10 s of the lab. 8 partitions of 100 GB in three copies are more than 5 such disks.
        lab.wait_for(lambda _state: blockers(run(lab)) == ["disk.short", "table.atomic_writes"], 30)
        result = run(lab, tables="temp,events")
    finally:
        lab.foreign(table_fields={"atomic_rates": {}, "sst_mb": 1})
        lab.config(cluster="target", disk_available_mb=600_000)
    assert found(result) == [("disk.short", "target cluster onebox-b"), ("table.atomic_writes", "table temp")]
    numbers = evidence(result, "table.atomic_writes")["since_start" if profile == "2.6" else "per_second"]
    assert list(numbers) == ["check_and_set"]
    assert evidence(result, "disk.short")["needed_mb"] == 8 * 3 * 100_000 + 8 * 3
    lab.wait_for(lambda _state: blockers(run(lab)) == [], 30)


# ---- one thing wrong at a time


@pytest.fixture(scope="module")
def lab() -> t.Iterator[LabClient]:
    with process.start(profile="2.5", table="temp,events", **SMALL) as running:
        yield running


@contextlib.contextmanager
def foreign(lab: LabClient, wrong: t.Mapping[str, t.Any], right: t.Mapping[str, t.Any]) -> t.Iterator[None]:
    """What another operator did, and how it is put right again."""
    assert "error" not in lab.foreign(**wrong)
    try:
        yield
    finally:
        assert "error" not in lab.foreign(**right)


DENY = "replica.deny_client_request"
MASTER = "duplication.master_cluster"
TABLE, EVENTS = "table temp", "table events"
SOURCE, TARGET = "source cluster onebox-a", "target cluster onebox-b"
ZNODE = "znode /metaproxy/temp"


@pytest.mark.parametrize(
    ("wrong", "right", "expected"),
    [
        ({"env": {DENY: "reconfig*write"}}, {"env": {DENY: None}}, [("table.requests_denied", TABLE)]),
        ({"env": {MASTER: "south"}}, {"env": {MASTER: None}}, [("table.is_follower", TABLE)]),
        (
            {"table_fields": {"splitting": True}},
            {"table_fields": {"splitting": False}},
            [("table.splitting", TABLE)],
        ),
        (
            {"table_fields": {"bulk_loading": True}},
            {"table_fields": {"bulk_loading": False}},
            [("table.bulk_loading", TABLE)],
        ),
        (
            {"table_fields": {"data_version": 0}},
            {"table_fields": {"data_version": 1}},
            [("table.data_version", TABLE)],
        ),
        ({"meta_level": "freezed"}, {"meta_level": "steady"}, [("meta.level_too_low", SOURCE)]),
        (
            {"cluster": "target", "meta_level": "blind"},
            {"cluster": "target", "meta_level": "steady"},
            [("meta.level_too_low", TARGET)],
        ),
        (
            {"cluster": "target", "create_table": {"name": "temp", "partitions": 4}},
            {"cluster": "target", "drop_table": "temp"},
            [("target.name_taken", "table temp on the target")],
        ),
        (
            {"cluster": "target", "config": {"max_allowed_write_size": 4096}},
            {"cluster": "target", "config": {"max_allowed_write_size": 1048576}},
            [("config.write_size_smaller_on_target", TARGET)],
        ),
        ({"znode": {"data": None}}, {"znode": {"cluster": "source"}}, [("znode.missing", ZNODE)]),
        (
            {"znode": {"data": '{"cluster_name": "onebox-a", "meta_addrs": "127.0.0.1:1"}'}},
            {"znode": {"cluster": "source"}},
            [("znode.few_addresses", ZNODE)],
        ),
        (
            {"znode": {"data": '{"cluster_name": "south", "meta_addrs": "127.0.0.1:1,127.0.0.1:2"}'}},
            {"znode": {"cluster": "source"}},
            [("znode.points_elsewhere", ZNODE)],
        ),
    ],
    ids=[
        "fence left",
        "follower",
        "split",
        "bulk load",
        "data version",
        "freezed",
        "target blind",
        "name taken",
        "write size",
        "no znode",
        "one address",
        "elsewhere",
    ],
)
def test_one_thing_that_is_wrong(lab: LabClient, wrong: t.Any, right: t.Any, expected: list[tuple[str, str]]) -> None:
    with foreign(lab, wrong, right):
        result = run(lab, tables="temp,events")
    # A MetaProxy that was told of a bad znode may not answer either; that is another finding of the same thing.
    assert [one for one in found(result) if not one[0].startswith("metaproxy.")] == expected
    lab.wait_for(lambda _state: blockers(run(lab, tables="temp,events")) == [], 30)


@pytest.mark.parametrize(
    ("wrong", "right", "name"),
    [
        ({"env": {"replica.write_throttling": "100*delay*10"}}, {"env": {"replica.write_throttling": None}},
         "table.throttled"),
        ({"env": {MASTER: "onebox-b"}}, {"env": {MASTER: None}}, "table.leftover_envs"),
        ({"meta_level": "lively"}, {"meta_level": "steady"}, "meta.lively"),
        ({"config": {"config_sync_interval_ms": 60000}}, {"config": {"config_sync_interval_ms": 30000}},
         "config.sync_interval"),
    ],
    ids=["throttled", "left over", "lively", "slow config sync"],
)  # fmt: skip
def test_what_only_warns(lab: LabClient, wrong: t.Any, right: t.Any, name: str) -> None:
    assert name not in warnings(run(lab))
    with foreign(lab, wrong, right):
        result = run(lab)
    assert name in warnings(result)
    assert blockers(result) == []


SETTINGS = {"group": {"onebox-a": 1, "onebox-b": 2}, "duplication_enabled": True}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"cluster": "target", "group": {"onebox-b": 2}}, [("cluster.ids_missing", TARGET)]),
        ({"cluster": "source", "group": {"onebox-a": 1}}, [("cluster.ids_missing", SOURCE)]),
        ({"cluster": "source", "clusters": {}}, [("cluster.address_missing", SOURCE)]),
        ({"cluster": "target", "clusters": {}}, []),
        ({"cluster": "source", "duplication_enabled": False}, [("cluster.duplication_disabled", SOURCE)]),
        ({"cluster": "target", "duplication_enabled": False}, [("cluster.duplication_disabled", TARGET)]),
    ],
    ids=["target lacks id", "source lacks id", "source lacks addresses", "target lacks addresses", "off", "target off"],
)
def test_what_the_clusters_know_of_each_other(
    lab: LabClient, wrong: dict[str, t.Any], expected: list[tuple[str, str]]
) -> None:
    addresses = {key: ",".join(one["metas"]) for key, one in lab.describe["clusters"].items()}
    clusters = {"source": {"onebox-b": addresses["target"]}, "target": {"onebox-a": addresses["source"]}}
    key = wrong["cluster"]
    lab.config(**wrong)
    try:
        result = run(lab)
    finally:
        lab.config(cluster=key, clusters=clusters[key], **SETTINGS)
    assert found(result) == expected
    assert ("cluster.no_way_back" in [name for name, _subject in found(result, "info")]) is (
        wrong == {"cluster": "target", "clusters": {}}
    )


def test_a_dead_server_on_each_side(lab: LabClient) -> None:
    victims = {key: one["replicas"][0] for key, one in lab.describe["clusters"].items()}
    for key, address in victims.items():
        lab.call("POST", f"/nodes/{key}/{address}", {"alive": False})
    try:
        lab.wait_for(lambda _state: warnings(run(lab)).count("node.dead") == 2, 30)
        result = run(lab)
        assert [one["evidence"]["dead"] for one in result["findings"] if one["id"] == "pegasus.node.dead"] == [
            [victims["source"]],
            [victims["target"]],
        ]
    finally:
        for key, address in victims.items():
            lab.call("POST", f"/nodes/{key}/{address}", {"alive": True})
    lab.wait_for(lambda _state: "table.copies_missing" not in warnings(run(lab)), 60)


def test_a_metaproxy_that_lost_its_watch(lab: LabClient) -> None:
    with foreign(
        lab,
        {"cluster": "target", "create_table": {"name": "temp", "partitions": 8}},
        {"cluster": "target", "drop_table": "temp"},
    ):
        with foreign(lab, {"znode": {"cluster": "target"}}, {"znode": {"cluster": "source"}}):
            result = run(lab)
            assert ("znode.points_at_target", ZNODE) in found(result)
            # Both have noticed by now, and one of them will notice nothing more.
            lab.wait_for(lambda _state: blockers(run(lab)).count("metaproxy.other_answer") == 2, 30)
            lab.call("POST", "/metaproxy/0/lose_watches", {})
        stale = lab.describe["metaproxies"][0]
        lab.wait_for(lambda _state: blockers(run(lab)).count("metaproxy.other_answer") == 1, 30)
        assert ("metaproxy.other_answer", f"MetaProxy {stale}") in found(run(lab))
        lab.call("POST", "/metaproxy/0/kill", {})
        result = run(lab)
        assert list(evidence(result, "metaproxy.no_answer")) == [stale]
        lab.call("POST", "/metaproxy/0/start", {})
    lab.wait_for(lambda _state: blockers(run(lab)) == [], 30)


def test_a_duplication_through_its_life(lab: LabClient, tmp_path: pathlib.Path) -> None:
    lab.foreign(table="events", add_duplication={"remote": "onebox-b"})
    try:
        preparing = run(lab, tables="events")
        assert blockers(preparing) == []
        assert "duplication.exists" in warnings(preparing)
        lab.wait_for(lambda _state: evidence(run(lab, tables="events"), "duplication.exists")["status"] == "DS_LOG", 60)
        # The copy that is there now is no obstacle, because it is the copy.
        assert blockers(run(lab, tables="events")) == []
        there: dict[str, t.Any] = {"cluster": "target", "table": "events"}
        with foreign(lab, {**there, "env": {DENY: "reconfig*write"}}, {**there, "env": {DENY: None}}):
            denied = run(lab, tables="events")
        assert found(denied) == [("target.requests_denied", "table events on the target")]
        assert evidence(denied, "target.requests_denied")["duplication"] == "DS_LOG"
        lab.foreign(table="events", duplication={"fail_mode": "skip"})
        assert found(run(lab, tables="events")) == [("duplication.fail_mode", EVENTS)]
        lab.foreign(table="events", duplication={"fail_mode": "slow", "status": "pause"})
        paused = run(lab, tables="events")
        assert (blockers(paused), "duplication.paused" in warnings(paused)) == ([], True)
    finally:
        lab.foreign(table="events", duplication={"status": "removed"})
    assert found(run(lab, tables="events")) == [("target.copy_left_over", "table events on the target")]
    lab.foreign(cluster="target", drop_table="events")
    assert blockers(run(lab, tables="events")) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"zookeeper_hosts": "127.0.0.1:1", "zookeeper_timeout": "1s"}, ["zookeeper.unreachable"]),
        ({"zookeeper_root": "/nowhere"}, ["zookeeper.root_missing"]),
        ({"metaproxies": "127.0.0.1:1"}, ["metaproxy.no_answer"]),
        ({"tables": "temp,nowhere"}, ["table.unknown"]),
        ({"remote_tables": '{"temp": "temp2"}'},
         ["metaproxy.renamed_table", "table.rename_unsupported"]),
        ({"remote_replica_count": "7"},
         ["table.replica_count_unsupported", "target.too_few_servers"]),
        ({"remote_cluster": "onebox-c"}, ["cluster.ids_missing", "cluster.other_name"]),
    ],
    ids=["ZooKeeper", "root", "MetaProxy", "table", "name", "count", "cluster name"],
)  # fmt: skip
def test_options_that_do_not_fit(lab: LabClient, options: dict[str, t.Any], expected: list[str]) -> None:
    assert sorted(set(blockers(run(lab, **options)))) == expected


def test_a_chroot_that_is_not_there(lab: LabClient) -> None:
    hosts = lab.describe["zookeeper"]["hosts"] + "/nowhere"
    assert blockers(run(lab, zookeeper_hosts=hosts)) == ["zookeeper.root_missing"]


def test_one_cluster_under_two_of_its_addresses(lab: LabClient) -> None:
    first, *others = lab.describe["clusters"]["source"]["metas"]
    result = run(lab, meta_servers=first, target_meta_servers=",".join(others))
    assert [one["id"] for one in result["findings"]] == ["pegasus.cluster.same"]


def test_a_single_meta_server_is_not_enough_for_metaproxy(lab: LabClient) -> None:
    one = lab.describe["clusters"]["target"]["metas"][0]
    assert blockers(run(lab, target_meta_servers=one)) == ["metaproxy.too_few_addresses"]
    every = clusters(lab)["target_meta_servers"]
    assert blockers(run(lab, target_meta_servers=one, target_meta_addrs=every)) == []
    by_hand = run(lab, through_metaproxy=False, target_meta_servers=one)
    assert (blockers(by_hand), "meta.single_address" in warnings(by_hand)) == ([], True)
    assert "metaproxy.none" in [name for name, _subject in found(by_hand, "info")]


def test_an_acceptance_lets_a_blocker_pass(lab: LabClient) -> None:
    accept = [{"id": "pegasus.table.requests_denied", "subject": TABLE, "reason": "known", "expires": "2999-01-01"}]
    with foreign(lab, {"env": {DENY: "timeout*write"}}, {"env": {DENY: None}}):
        refused = run(lab, fail_on_blocker="true")
        assert (refused["code"], refused["failed"]) == ("preflight.blocked", True)
        passed = run(lab, fail_on_blocker="true", accept=json.dumps(accept))
    assert (passed["passed"], passed.get("failed")) == (True, None)
    assert run(lab, accept=json.dumps(accept))["unused_acceptances"][0]["id"] == accept[0]["id"]


# ---- inside the cluster


class Inside(embedded.EmbeddedLabs):
    """A lab whose tables can be changed in ways that no request can."""

    def table(self) -> t.Any:
        clusters: t.Any = self._labs[-1]
        return clusters.clusters["source"].app("temp")


@pytest.fixture(scope="module")
def inside() -> t.Iterator[tuple[Inside, LabClient]]:
    labs = Inside()
    try:
        yield labs, labs.start("pegasus", "2.6", partitions=8, clients=0, factor=20, no_metaproxy=True)
    finally:
        labs.close()


def test_partitions_without_their_copies(inside: tuple[Inside, LabClient]) -> None:
    labs, lab = inside
    none, alone, fewer = labs.table().partitions[:3]
    kept = [(one, one.primary, list(one.secondaries)) for one in (none, alone, fewer)]
    none.primary, none.secondaries, alone.secondaries = "", [], []
    fewer.secondaries = fewer.secondaries[:1]
    try:
        result = run(lab)
    finally:
        for one, primary, secondaries in kept:
            one.primary, one.secondaries = primary, secondaries
    assert blockers(result)[:2] == ["table.data_version_unknown", "table.no_primary"]
    assert evidence(result, "table.no_primary")["partitions"] == [0]
    assert evidence(result, "table.single_copy")["partitions"] == [1]
    assert evidence(result, "table.copies_missing")["copies_by_partition"] == {"2": 2}


def test_proofs_of_a_fence_are_no_atomic_writes_of_applications(inside: tuple[Inside, LabClient]) -> None:
    """Servers of 2.6 count them until they are restarted; a cutover that failed must not block the next preflight."""
    _labs, lab = inside
    lab.foreign(add_duplication={"remote": "onebox-b", "ready": True})
    try:
        lab.wait_for(lambda _state: set(_probe(lab).values()) == {"open"}, 30)
        lab.wait_for(lambda _state: "table.atomic_writes_earlier" in warnings(run(lab)), 60)
        result = run(lab)
        assert blockers(result) == []
        assert evidence(result, "table.atomic_writes_earlier")["refused_while_duplicating"] >= 8
        # An application that goes on trying is another thing.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            running = pool.submit(run, lab)
            while not running.done():
                _probe(lab)
        assert found(running.result()) == [("table.atomic_writes", TABLE)]
        assert "refused" in evidence(running.result(), "table.atomic_writes")["grown"]
    finally:
        lab.foreign(duplication={"status": "removed"})
        lab.foreign(cluster="target", drop_table="temp")


def _probe(lab: LabClient) -> dict[int, str]:
    with MetaClient(lab.describe["clusters"]["source"]["metas"]) as meta, ReplicaClient() as replicas:
        config = meta.query_config("temp")
        assert config is not None
        return replicas.probe_writes(config)


def test_an_app_id_that_another_table_of_the_target_has(inside: tuple[Inside, LabClient]) -> None:
    _labs, lab = inside
    taken = lab.foreign(cluster="target", create_table={"name": "other", "partitions": 4})["create_table"]
    names: list[str] = []
    made = 0
    try:
        while made < taken:
            names.append(f"more{len(names)}")
            made = lab.foreign(create_table={"name": names[-1], "partitions": 4})["create_table"]
        assert made == taken
        lab.wait_for(lambda _state: blockers(run(lab, tables=["temp", names[-1]])) == [], 30)
        result = run(lab, tables=["temp", names[-1]])
    finally:
        lab.foreign(cluster="target", drop_table="other")
        for name in names:
            lab.foreign(drop_table=name)
    assert ("target.app_id_taken", f"table {names[-1]}") in found(result, "warning")
    assert evidence(result, "target.app_id_taken") == {
        "app_id": taken,
        "table_on_source": names[-1],
        "table_on_target": "other",
        "partition_count": 4,
    }


# ---- pairs of versions, and what is no Pegasus


@pytest.mark.parametrize(
    ("pair", "finding"),
    [
        (("2.4", "2.6"), ("version.pair", "info")),
        (("2.6", "2.5"), ("version.older_target", "warning")),
    ],
)
def test_pairs_of_versions(pair: tuple[str, str], finding: tuple[str, str]) -> None:
    with process.start(profile=pair[0], target_profile=pair[1], no_metaproxy=True, **SMALL) as mixed:
        result = run(mixed)
        assert blockers(result) == [], result["msg"]
        assert finding in [(one["id"].replace("pegasus.", ""), one["severity"]) for one in result["findings"]]
        held_back = "bug.last_mutation_held_back" in warnings(result)
        assert held_back is (pair[0] != "2.6")
        # Servers of 2.6 call themselves by names, if they are configured so; a target before 2.6 dies of that.
        mixed.config(cluster="source", host="localhost")
        assert blockers(run(mixed)) == (["cluster.host_names"] if pair[0] == "2.6" else [])


def test_a_table_with_a_single_copy() -> None:
    for profile, expected in (("2.5", ["bug.single_replica_stuck"]), ("2.6", [])):
        with process.start(profile=profile, replicas=1, no_metaproxy=True, **SMALL) as alone:
            assert blockers(run(alone)) == expected


def test_nobody_there_is_told_for_both_clusters_at_once() -> None:
    with contextlib.ExitStack() as stack:
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _number in range(2)]
    options: dict[str, t.Any] = {
        "meta_servers": f"127.0.0.1:{free[0]}",
        "target_meta_servers": f"127.0.0.1:{free[1]}",
        "connect_timeout": "500ms",
        "rpc_timeout": "1s",
    }
    nobody = LabClient.__new__(LabClient)
    nobody.describe = {"clusters": {"source": {"metas": []}, "target": {"metas": []}}, "zookeeper": None}
    result = run(nobody, **options)
    assert result["code"] == "pegasus.unreachable"
    assert all(f"127.0.0.1:{port}" in result["msg"] for port in free)
