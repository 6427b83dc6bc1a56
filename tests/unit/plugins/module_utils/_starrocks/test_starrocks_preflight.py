# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against a migration between two StarRocks clusters: the pair, its members, ports and settings."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import PRIMARY_KEY, Native
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_pair import may_accept
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    SOURCE,
    TARGET,
    Answer,
    ClusterView,
    Details,
    Health,
    Port,
)
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.starrocks_preflight_cases import (
    DATA,
    NO_DROPS,
    NOTHING,
    cluster,
    frontend,
    ids,
    judged,
    node,
    only,
)


def test_two_clusters_in_order() -> None:
    assert ids(judged()) == []
    assert ids(judged(), "info") == ["path.supported", "bug.big_partitions"]


def test_one_cluster_under_both_options_is_all_that_is_said() -> None:
    there = cluster(SOURCE)
    found = judged(there, dataclasses.replace(there, role=TARGET))
    assert ids(found) == ["cluster.same"]


def test_two_clusters_with_one_id_cannot_be_told_apart() -> None:
    assert ids(judged(target=cluster(TARGET, cluster_id="1")), "blocker") == ["cluster.same_id"]
    never = [may_accept(_accepted(f"starrocks.cluster.{name}")) for name in ("same", "same_id")]
    assert never == [False, False] and may_accept(_accepted("starrocks.config.encrypted"))


def _accepted(name: str) -> Acceptance:
    return Acceptance(name, "known", datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc))


@pytest.mark.parametrize(
    ("source", "target", "version", "blocker"),
    [
        (NOTHING, NOTHING, "3.1.8", "path.target_too_old"),
        (NOTHING, NOTHING, "3.1.9", ""),
        (NOTHING, NOTHING, "3.2.3", "path.target_too_old"),
        (NOTHING, NOTHING, "3.2.4", ""),
        (NOTHING, DATA, "3.2.3", "path.target_too_old"),
        (NOTHING, DATA, "3.3.0", ""),
        (NOTHING, DATA, "3.0.9", "path.target_too_old"),
        (DATA, DATA, "3.5.9", "path.target_too_old"),
        (DATA, DATA, "4.0.9", "path.target_too_old"),
        (DATA, DATA, "4.1.0", ""),
        (DATA, NOTHING, "4.1.0", "path.unsupported"),
    ],
)
def test_paths(source: str, target: str, version: str, blocker: str) -> None:
    found = judged(cluster(SOURCE, "3.3.2", source), cluster(TARGET, version, target))
    assert [one for one in ids(found, "blocker") if one.startswith("path.")] == ([blocker] if blocker else [])
    assert ("path.supported" in ids(found, "info")) is (blocker == "")


@pytest.mark.parametrize(("version", "blocks"), [("3.1.9", True), ("3.3.1", True), ("3.3.2", False), ("3.4.0", False)])
def test_a_copy_that_can_never_be_proved_is_told_ahead(version: str, blocks: bool) -> None:
    found = judged(cluster(SOURCE, version, DATA), cluster(TARGET, "4.1.0", DATA))
    assert ids(found, "blocker") == (["path.unprovable"] if blocks else [])
    # On a shared-nothing one the visible version says the same.
    assert ids(judged(cluster(SOURCE, version, NOTHING), cluster(TARGET, "4.1.0", DATA)), "blocker") == []


def test_versions() -> None:
    assert "version.older_target" in ids(judged(cluster(SOURCE, "3.5.0"), cluster(TARGET, "3.4.9")))
    assert "version.older_target" not in ids(judged(cluster(SOURCE, "3.5.9"), cluster(TARGET, "3.5.1")))
    members = tuple(frontend(number, TARGET, version=f"3.5.{number}-abc") for number in (1, 2, 3))
    mixed = only(judged(target=cluster(TARGET, frontends=members, nodes=())), "version.mixed")
    assert set(mixed.evidence) == {"3.5.1", "3.5.2", "3.5.3"}
    same = tuple(frontend(number, TARGET, version="3.5.9-abc") for number in (1, 2, 3))
    assert "version.mixed" not in ids(judged(target=cluster(TARGET, frontends=same)))


@pytest.mark.parametrize(
    ("version", "source", "target", "bug", "there"),
    [
        ("3.3.9", NOTHING, DATA, "compaction_crash", True),
        ("3.3.10", NOTHING, DATA, "compaction_crash", False),
        ("3.4.0", NOTHING, DATA, "compaction_crash", True),
        ("3.4.1", NOTHING, DATA, "compaction_crash", False),
        ("3.3.9", NOTHING, NOTHING, "compaction_crash", False),
        ("3.3.7", NOTHING, DATA, "publish_mismatched_version", False),
        ("3.3.13", NOTHING, DATA, "publish_mismatched_version", True),
        ("3.3.19", NOTHING, DATA, "publish_mismatched_version", False),
        ("3.5.1", NOTHING, DATA, "publish_mismatched_version", True),
        ("3.1.16", NOTHING, NOTHING, "unused_column_filter", True),
        ("3.1.17", NOTHING, NOTHING, "unused_column_filter", False),
        ("3.2.14", NOTHING, NOTHING, "unused_column_filter", True),
        ("3.2.15", NOTHING, NOTHING, "unused_column_filter", False),
        ("4.1.0", DATA, DATA, "bundled_metadata", True),
        ("4.2.0", DATA, DATA, "bundled_metadata", False),
        ("4.1.0", NOTHING, DATA, "bundled_metadata", False),
    ],
)
def test_known_bugs_by_version_and_use(version: str, source: str, target: str, bug: str, there: bool) -> None:
    found = judged(cluster(SOURCE, "3.1.9", source), cluster(TARGET, version, target))
    assert (f"bug.{bug}" in ids(found)) is there


def test_known_bugs_of_tables_need_such_a_table() -> None:
    lake = cluster(TARGET, "3.5.9", DATA)
    assert "bug.stale_primary_index" not in ids(judged(target=lake))
    keyed = cluster(SOURCE, natives=(Native("d", "a", "OLAP", "HASH", "", (PRIMARY_KEY,)),))
    assert "bug.stale_primary_index" in ids(judged(keyed, lake))
    generated = Details(generated=("d.a.c",))
    assert "bug.generated_columns" in ids(judged(target=lake, details=generated))
    assert "bug.generated_columns" not in ids(judged(details=generated))
    controls = Details(control_characters=("d.a",))
    assert "bug.control_characters" in ids(judged(cluster(SOURCE, "3.1.9"), cluster(TARGET, "3.2.9"), details=controls))
    assert "bug.control_characters" not in ids(judged(details=controls))


def test_dead_and_silent_frontends() -> None:
    members = (frontend(1, TARGET), frontend(2, TARGET, alive=False, error="refused"))
    there = cluster(TARGET, frontends=members, silent={"10.2.0.1:9030": "timed out"}, answers={})
    found = judged(target=there)
    assert only(found, "frontend.dead").evidence == {"10.2.0.2:9030": "refused"}
    assert only(found, "frontend.unreachable").severity == "blocker"


def test_frontends_on_one_host() -> None:
    members = (frontend(1, SOURCE), frontend(2, SOURCE, host="10.1.0.1", query_port=9031))
    answers = {one.address: Answer(one.query_port, 0.0) for one in members}
    found = judged(cluster(SOURCE, frontends=members, answers=answers))
    assert only(found, "frontend.same_host").evidence == {"10.1.0.1": ["10.1.0.1:9030", "10.1.0.1:9031"]}
    assert ids(found, "blocker") == []


def test_a_load_balancer_is_noticed_by_where_it_leads() -> None:
    place = {f"10.1.0.{number}:9030": "vip:9030" for number in (1, 2, 3)}
    found = only(judged(cluster(SOURCE, reached_at=place, given=("vip:9030",))), "frontend.load_balancer")
    assert len(found.evidence["one_address_for_several"]["vip:9030"]) == 3


def test_a_load_balancer_is_noticed_by_who_answers() -> None:
    answers = {"10.1.0.1:9030": Answer(9030), "10.1.0.2:9030": Answer(9031), "10.1.0.3:9030": Answer(None)}
    found = only(judged(cluster(SOURCE, answers=answers)), "frontend.load_balancer")
    assert found.evidence["another_answers"] == {"10.1.0.2:9030": {"told": 9031, "expected": 9030}}


def test_an_address_that_is_no_frontends() -> None:
    found = judged(cluster(SOURCE, given=("db.example.com:9030", "10.1.0.1:9030")))
    assert only(found, "frontend.not_listed").evidence["given"] == ["db.example.com:9030"]
    assert ids(found, "blocker") == []


def clocks(role: str, *seconds: t.Optional[float]) -> ClusterView:
    number = 1 if role == SOURCE else 2
    answers = {f"10.{number}.0.{one}:9030": Answer(9030, told) for one, told in enumerate(seconds, 1)}
    return cluster(role, answers=answers)


@pytest.mark.parametrize(("seconds", "warns"), [(30.0, False), (31.0, True), (-31.0, True)])
def test_clocks_of_a_cluster(seconds: float, warns: bool) -> None:
    found = judged(clocks(SOURCE, 0.0, seconds, None))
    assert ("frontend.clock_skew" in ids(found)) is warns


def test_clocks_of_source_target_and_this_host_are_compared() -> None:
    """Each cluster alone goes well, and none is far from this host."""
    (found,) = [
        one
        for one in judged(clocks(SOURCE, -20.0, -19.0), clocks(TARGET, 18.0, 19.4))
        if one.id == "starrocks.frontend.clock_skew"
    ]
    assert found.subject == "source 10.1.0.1:9030 and target 10.2.0.2:9030"
    assert found.evidence["apart"] == 39.4
    assert found.evidence["ahead_of_this_host"] == {
        "this host": 0.0,
        "source 10.1.0.1:9030": -20.0,
        "source 10.1.0.2:9030": -19.0,
        "target 10.2.0.1:9030": 18.0,
        "target 10.2.0.2:9030": 19.4,
    }
    assert "39 s ahead" in found.remedy and "dynamic_partition" in found.remedy
    assert "comes to lead" not in found.remedy and "journal" not in found.remedy


def test_a_host_whose_clock_is_wrong_is_told_and_both_clusters_are_not() -> None:
    found = only(judged(clocks(SOURCE, 600.0, 600.0), clocks(TARGET, 601.0)), "frontend.clock_skew")
    assert found.subject == "this host and target 10.2.0.1:9030"
    assert "journal" in found.remedy and "dynamic_partition" not in found.remedy
    assert "comes to lead" not in found.remedy


def test_a_frontend_alone_is_behind() -> None:
    found = only(judged(clocks(SOURCE, 0.0, -40.0), clocks(TARGET, 0.0)), "frontend.clock_skew")
    assert found.subject == "source 10.1.0.2:9030 and this host"
    assert "frontend of the source comes to lead" in found.remedy


def test_nodes() -> None:
    nodes = (node(1, TARGET, alive=False), node(2, TARGET, decommissioned=True), node(3, TARGET))
    found = judged(target=cluster(TARGET, nodes=nodes))
    assert only(found, "node.dead").evidence == {"dead": ["10.2.1.1:9050"], "count": 1, "of": 3}
    assert only(found, "node.decommissioned").evidence == ["10.2.1.2:9050"]


@pytest.mark.parametrize(
    ("health", "found"),
    [
        (Health(), []),
        (Health(unhealthy=1), ["tablet.unhealthy"]),
        (Health(unhealthy=1, inconsistent=1), ["tablet.broken"]),
        (Health(broken=1), ["tablet.broken"]),
    ],
)
def test_tablets(health: Health, found: t.List[str]) -> None:
    assert ids(judged(cluster(SOURCE, health=health))) == found


@pytest.mark.parametrize(
    ("used", "properties", "mode", "found"),
    [
        (69.9, {}, NOTHING, []),
        (70.0, {}, NOTHING, ["disk.nearly_full"]),
        (80.0, {}, NOTHING, ["disk.full"]),
        (80.0, {"target_cluster_max_disk_used_percent": "95"}, NOTHING, []),
        (99.0, {}, DATA, []),
        (None, {}, NOTHING, []),
    ],
)
def test_disks(used: t.Optional[float], properties: t.Dict[str, str], mode: str, found: t.List[str]) -> None:
    there = cluster(TARGET, "3.5.9", mode, nodes=(node(1, TARGET, disk_used_percent=used),))
    seen = ids(judged(target=there, properties={**NO_DROPS, **properties}))
    assert [one for one in seen if one.startswith("disk.")] == found


def test_loads_that_are_disabled() -> None:
    # Any frontend may come to lead, and then its own value counts.
    for role, severity in ((SOURCE, "warning"), (TARGET, "blocker")):
        there = cluster(role)
        first, last = min(there.answers), max(there.answers)
        answers = {**there.answers, first: Answer(9030, 0.0, False), last: Answer(9030, 0.0, True)}
        sides = {role: dataclasses.replace(there, answers=answers)}
        found = only(judged(sides.get(SOURCE), sides.get(TARGET)), "config.loads_disabled")
        assert found.severity == severity
        assert found.evidence == {"disable_load_job": "true", "frontends": [last], "of": 3}


def test_encryption_is_told_without_its_key() -> None:
    found = only(judged(cluster(SOURCE, config={"default_master_key": "set"})), "config.encrypted")
    assert found.severity == "blocker" and "not shown" in str(found.evidence)


@pytest.mark.parametrize(
    ("tables", "limit", "warns"), [("100", "1000", False), ("1000", "1000", True), ("", "1", False)]
)
def test_transactions(tables: str, limit: str, warns: bool) -> None:
    config = {"replication_max_parallel_table_count": tables, "max_running_txn_num_per_db": limit}
    assert ("config.transactions" in ids(judged(target=cluster(TARGET, config=config)))) is warns


@pytest.mark.parametrize(
    ("mode", "duration", "warns"), [(DATA, 86401.0, True), (DATA, 86400.0, False), (NOTHING, 1e6, False)]
)
def test_the_recycle_bin(mode: str, duration: float, warns: bool) -> None:
    found = judged(cluster(SOURCE, "4.1.0", mode), cluster(TARGET, "4.1.0", mode), duration=duration)
    assert ("config.trash_expires" in ids(found)) is warns


def test_ports_are_told_by_cluster_and_kind() -> None:
    ports = (
        Port(SOURCE, "FE 10.1.0.1 rpc_port", "10.1.0.1:9020", "refused"),
        Port(SOURCE, "FE 10.1.0.1 query_port", "10.1.0.1:9030"),
        Port(SOURCE, "BE 10.1.1.1 be_port", "10.1.1.1:9060", "timed out"),
    )
    found = judged(ports=ports)
    assert list(only(found, "port.frontend_unreachable").evidence) == ["FE 10.1.0.1 rpc_port 10.1.0.1:9020"]
    assert only(found, "port.node_unreachable").severity == "warning"


def test_a_cutover_without_tasks_that_switch_is_told_in_good_time() -> None:
    assert ids(judged(switch_tasks_found=False)) == ["cutover.no_switch_tasks"]
    assert ids(judged(switch_tasks_found=False), "blocker") == []
    for told in (True, None):
        assert ids(judged(switch_tasks_found=told)) == []
