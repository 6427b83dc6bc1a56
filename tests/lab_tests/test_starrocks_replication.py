# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's replication: a prepared migration arrives whole, and each step that is forgotten makes it fail."""

from __future__ import annotations

import pytest

from lab.starrocks.errors import SqlError
from lab.starrocks.replication_rules import Refused
from lab.starrocks.state_jobs import ReplicationJob
from lab_tests.starrocks_small import SmallPair


@pytest.fixture
def pair() -> SmallPair:
    """Shared-data 4.1 on both sides, prepared as the manual says, with a table of two partitions."""
    found = SmallPair()
    found.fronts["source"].items["lake_autovacuum_grace_period_minutes"] = "10000000"
    found.fronts["target"].items["lake_compaction_max_tasks"] = "0"
    found.fronts["target"].items["enable_legacy_compatibility_for_replication"] = "true"
    found.mirror_volume()
    _fill(found)
    return found


def _fill(pair: SmallPair) -> None:
    pair.table(pair.source)
    pair.table(pair.target)
    pair.load(pair.source, "orders", "p1", 0, 1000)
    pair.load(pair.source, "orders", "p2", 0, 500)


def _job(pair: SmallPair, number: str) -> ReplicationJob:
    return pair.clusters["target"].replications[number]


def test_a_prepared_table_arrives_with_versions_and_epochs(pair: SmallPair) -> None:
    number = pair.target.replications.start_job(pair.request())
    pair.advance(20)
    assert _job(pair, number).state == "COMMITTED"
    source, target = (c.databases["sales"].tables["orders"].partitions for c in pair.clusters.values())
    for name in ("p1", "p2"):
        assert target[name].data_version == source[name].data_version
        assert target[name].version_epoch == source[name].version_epoch
        assert target[name].version_txn_type == "TXN_REPLICATION"
    assert pair.missing() == 0
    with pytest.raises(Refused, match="No data need to replicate"):
        pair.target.replications.start_job(pair.request())


def test_one_job_a_table_and_the_limits(pair: SmallPair) -> None:
    pair.fronts["target"].items["replication_max_parallel_table_count"] = "1"
    pair.table(pair.source, "more")
    pair.table(pair.target, "more")
    pair.load(pair.source, "more", "p1", 0, 10)
    pair.target.replications.start_job(pair.request())
    with pytest.raises(Refused, match="is already running"):
        pair.target.replications.start_job(pair.request())
    with pytest.raises(Refused, match="exceeds the replication_max_parallel_table_count: 1"):
        pair.target.replications.start_job(pair.request("more"))


def test_a_write_on_the_target_is_refused_and_shows(pair: SmallPair) -> None:
    pair.target.replications.start_job(pair.request())
    pair.advance(20)
    partition = pair.clusters["target"].databases["sales"].tables["orders"].partitions["p1"]
    epoch = partition.version_epoch
    pair.load(pair.target, "orders", "p1", 5000, 5010)
    assert partition.version_txn_type == "TXN_NORMAL"
    assert partition.version_epoch > epoch
    with pytest.raises(Refused, match=r"Target data version: 3 is larger than source data version: 2"):
        pair.target.replications.start_job(pair.request())


def test_loads_disabled_on_the_target_block_begin_and_commit(pair: SmallPair) -> None:
    items = pair.fronts["target"].items
    number = pair.target.replications.start_job(pair.request())
    items["disable_load_job"] = "true"
    pair.advance(20)
    assert _job(pair, number).state == "ABORTED"
    assert "prevented" in _job(pair, number).error
    with pytest.raises(SqlError, match="rejected") as refused:
        pair.target.replications.start_job(pair.request())
    assert refused.value.errno == 5301


def test_without_vacuum_held_off_the_version_is_gone_before_it_is_copied(pair: SmallPair) -> None:
    """What the tool read three minutes ago is destroyed once it is older than the grace period."""
    for grace, state in (("10000000", "COMMITTED"), ("1", "ABORTED")):
        pair.fronts["source"].items["lake_autovacuum_grace_period_minutes"] = grace
        request = pair.request()
        pair.load(pair.source, "orders", "p1", 1000, 1001)
        pair.load(pair.source, "orders", "p2", 500, 501)
        pair.advance(400)
        number = pair.target.replications.start_job(request)
        pair.advance(20)
        assert _job(pair, number).state == state
    assert "does not exist any more" in _job(pair, number).error


@pytest.mark.parametrize(("grace", "state"), [("30", "ABORTED"), ("10000000", "COMMITTED")])
def test_a_copy_of_an_hour_needs_vacuum_held_off(pair: SmallPair, grace: str, state: str) -> None:
    pair.fronts["source"].items["lake_autovacuum_grace_period_minutes"] = grace
    pair.target.settings.copy = (3600, 3600)
    number = pair.target.replications.start_job(pair.request())
    pair.load(pair.source, "orders", "p1", 1000, 1001)
    pair.advance(4000, step=2)
    assert _job(pair, number).state == state


def test_without_a_living_node_a_copy_breaks(pair: SmallPair) -> None:
    number = pair.target.replications.start_job(pair.request())
    pair.target.replications.nodes_alive = lambda: False
    pair.advance(20)
    assert "no alive node" in _job(pair, number).error


def test_an_idle_partition_is_never_vacuumed(pair: SmallPair) -> None:
    pair.load(pair.source, "orders", "p1", 1000, 1001)
    pair.advance(13 * 3600, step=30)
    pair.fronts["source"].items["lake_autovacuum_grace_period_minutes"] = "5"
    pair.advance(600, step=10)
    assert pair.source.vacuum.debt() > 0
    pair.fronts["source"].items["lake_autovacuum_stale_partition_threshold"] = "100000"
    pair.advance(600, step=10)
    assert pair.source.vacuum.debt() == 0


def test_compaction_on_the_target_breaks_a_publish(pair: SmallPair) -> None:
    pair.target.settings.compaction = (5, 30)
    pair.target.replications.start_job(pair.request())
    pair.advance(20)
    pair.fronts["target"].items["lake_compaction_max_tasks"] = "-1"
    for number in range(12):
        pair.load(pair.source, "orders", "p1", 1000 + number, 1001 + number)
    pair.target.replications.start_job(pair.request())
    pair.advance(11)
    for number in range(12):
        pair.load(pair.source, "orders", "p1", 2000 + number, 2001 + number)
    pair.target.replications.start_job(pair.request())
    pair.advance(60)
    assert [txn.error for txn in pair.clusters["target"].databases["sales"].running.values() if txn.error]
    assert pair.missing() > 0
    with pytest.raises(Refused, match="publish version not finished"):
        pair.target.replications.start_job(pair.request())


@pytest.mark.parametrize(
    ("params", "credentials", "text"),
    [
        ({}, "InvalidAccessKeyId", "InvalidAccessKeyId"),
        ({"aws.s3.enable_partitioned_prefix": "true"}, "", "no such file"),
    ],
)
def test_the_mirrored_volume_must_be_right(
    pair: SmallPair, params: dict[str, str], credentials: str, text: str
) -> None:
    pair.mirror_volume(**params)
    pair.refused_credentials = credentials
    try:
        number = pair.target.replications.start_job(pair.request())
        pair.advance(20)
        problem = _job(pair, number).error
    except Refused as refused:
        problem = str(refused)
    assert text in problem


def test_without_the_mirrored_volume_nothing_starts(pair: SmallPair) -> None:
    del pair.clusters["target"].storage_volumes["src_lake_a"]
    with pytest.raises(Refused, match='Unknown storage volume "src_lake_a"'):
        pair.target.replications.start_job(pair.request())


def test_what_is_dropped_on_the_source_is_there_until_the_trash_is_emptied(pair: SmallPair) -> None:
    request = pair.request()
    table = pair.clusters["source"].databases["sales"].tables["orders"]
    pair.source.ddl.drop_partition(pair.clusters["source"].databases["sales"], table, "p1")
    pair.advance(3600, step=5)
    pair.target.replications.start_job(request)
    pair.advance(20)
    target = pair.clusters["target"].databases["sales"].tables["orders"]
    assert target.partitions["p1"].rows == 1000
    pair.fronts["source"].items["catalog_trash_expire_second"] = "60"
    pair.advance(60)
    assert not pair.clusters["source"].recycled_partitions


def test_a_copy_that_outlasts_the_trash_breaks(pair: SmallPair) -> None:
    """catalog_trash_expire_second counts whatever the grace period is."""
    pair.target.replications.slow_down = 10_000
    number = pair.target.replications.start_job(pair.request())
    source = pair.clusters["source"].databases["sales"]
    pair.source.ddl.drop_partition(source, source.tables["orders"], "p1")
    pair.advance(600)
    assert _job(pair, number).state == "REPLICATING"
    pair.fronts["source"].items["catalog_trash_expire_second"] = "300"
    pair.advance(60)
    assert _job(pair, number).state == "ABORTED"
    assert "does not exist any more" in _job(pair, number).error


def test_a_copy_ends_at_its_transactions_timeout(pair: SmallPair) -> None:
    pair.fronts["target"].items["replication_transaction_timeout_sec"] = "60"
    pair.target.replications.slow_down = 10_000
    number = pair.target.replications.start_job(pair.request())
    pair.advance(90)
    assert (_job(pair, number).state, _job(pair, number).error) == ("ABORTED", "timeout by txn manager")
    assert not pair.clusters["target"].databases["sales"].running


def test_shared_nothing_needs_the_token_and_reachable_backends() -> None:
    pair = SmallPair("3.3", "shared_nothing", "3.5", "shared_nothing")
    _fill(pair)
    for changes, text in (
        ({"src_token": "x"}, "invalid cluster token"),
        ({"src_backends": ["10.1.1.21"]}, "timed out"),
    ):
        number = pair.target.replications.start_job(pair.request(**changes))
        pair.advance(90)
        assert text in _job(pair, number).error
    number = pair.target.replications.start_job(pair.request(src_backends=["127.0.0.1"]))
    pair.advance(1)
    assert _job(pair, number).state == "SNAPSHOTING"
    pair.advance(20)
    assert _job(pair, number).state == "COMMITTED"
    assert pair.missing() == 0


def test_legacy_compatibility_keeps_decimals(pair: SmallPair) -> None:
    from lab.starrocks.state_tables import AGGREGATE, Column, Table

    database = pair.clusters["target"].databases["sales"]
    for name, flag, kind in (("kept", "true", "decimal(10, 2)"), ("widened", "false", "decimal(38, 2)")):
        pair.fronts["target"].items["enable_legacy_compatibility_for_replication"] = flag
        columns = [Column("k", key=True), Column("v", "decimal(10, 2)", aggregation="SUM")]
        table = Table(pair.clusters["target"].new_id(), name, columns, ["k"], AGGREGATE)
        assert pair.target.ddl.create_table(database, table).columns[1].type == kind
