# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clusters hold when a lab starts: volumes, databases, tables with data, a routine load, a pipe."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass

from lab.intervals import IntervalSet
from lab.starrocks.background_loads import STATISTICS
from lab.starrocks.engine import Engine
from lab.starrocks.state import StorageVolume
from lab.starrocks.state_jobs import Pipe, RoutineLoad
from lab.starrocks.state_tables import AGGREGATE, DUPLICATE, PRIMARY, UNIQUE, Column, Database, Index, Partition, Table

DATABASES = ("sales", "logistics", "billing", "web")
TOPICS = ("orders", "events", "invoices", "parcels", "visits", "payments", "returns", "stock")
VOLUMES = ("lake_a", "lake_b")
FIRST_TARGET_ID = 50001
FIRST_TARGET_EPOCH = 900_000
FIRST_SOURCE_EPOCH = 1000
UNPARTITIONED_EACH = 10
"""One table in as many has no partitions."""
MODELS = (DUPLICATE, DUPLICATE, PRIMARY, AGGREGATE, UNIQUE)


@dataclass
class Amount:
    """How much there is."""

    databases: int = 4
    tables: int = 200
    partitions: int = 4
    routine_loads: int = 1
    pipes: int = 1
    rate: float = 20.0


def volumes(engine: Engine, params: t.Mapping[str, str], buckets: t.Sequence[str]) -> None:
    """The volumes lake_a (the default) and lake_b of a shared-data cluster."""
    cluster = engine.cluster
    for number, name in enumerate(VOLUMES):
        bucket = buckets[min(number, len(buckets) - 1)]
        location = "s3://%s" % bucket if len(buckets) > number else "s3://%s/%s" % (bucket, name)
        cluster.storage_volumes[name] = StorageVolume(cluster.new_id(), name, "S3", [location], dict(params))
    cluster.default_volume = VOLUMES[0]


def source(engine: Engine, amount: Amount, seed: int) -> None:
    """Everything on the source."""
    cluster = engine.cluster
    cluster.gtid = FIRST_SOURCE_EPOCH
    rng = random.Random("furnish %d" % seed)
    statistics(engine)
    for number in range(amount.databases):
        name = DATABASES[number] if number < len(DATABASES) else "db_%02d" % number
        engine.ddl.create_database(name)
    databases = cluster.user_databases()
    for number in range(amount.tables):
        _table(engine, databases[number % len(databases)], number, amount.partitions, rng)
    if not databases or not amount.tables:
        return
    first = next(iter(databases[0].tables))
    engine.ddl.create_view(databases[0], "recent_%s" % first, "SELECT * FROM `%s`.`%s`" % (databases[0].name, first))
    _jobs(engine, databases[0], amount)


def target(engine: Engine) -> None:
    """Nothing but what every cluster has; ids and epochs are others than the source's."""
    engine.cluster.next_id += FIRST_TARGET_ID - 10001
    engine.cluster.gtid = FIRST_TARGET_EPOCH
    statistics(engine)


def statistics(engine: Engine) -> None:
    """The database into which the server itself loads."""
    database = engine.ddl.create_database(STATISTICS)
    table = Table(
        engine.cluster.new_id(), "column_statistics", [Column("table_id", "bigint(20)")], ["table_id"], PRIMARY
    )
    engine.ddl.create_table(database, table)


def columns(model: str) -> list[Column]:
    """id, day, amount, note."""
    return [
        Column("id", "bigint(20)", nullable=False, key=True),
        Column("day", "date", nullable=model == DUPLICATE, key=model != DUPLICATE),
        Column("amount", "decimal(10, 2)", aggregation="SUM" if model == AGGREGATE else ""),
        Column("note", "varchar(200)", aggregation="REPLACE" if model == AGGREGATE else "", comment="as typed"),
    ]


def months(count: int) -> list[tuple[str, str, str]]:
    """(name, lower, upper) of that many months until the end of 2026."""
    found = []
    for back in range(count - 1, -1, -1):
        number = 2026 * 12 + 11 - back
        lower, upper = ("%04d-%02d-01" % divmod_month(n) for n in (number, number + 1))
        found.append(("p%s" % lower[:7].replace("-", ""), lower, upper))
    return found


def divmod_month(number: int) -> tuple[int, int]:
    """(year, month) of a number of months since the year 0."""
    return number // 12, number % 12 + 1


def _table(engine: Engine, database: Database, number: int, partitions: int, rng: random.Random) -> None:
    topic = TOPICS[number // max(1, len(engine.cluster.user_databases())) % len(TOPICS)]
    model = MODELS[number % len(MODELS)]
    name = "%s_%05d" % (topic, number)
    keys = ["id"] if model == DUPLICATE else ["id", "day"]
    table = Table(engine.cluster.new_id(), name, columns(model), keys, model, distribution=["id"])
    table.buckets = rng.choice((1, 3, 8))
    table.properties = {"compression": "LZ4", "enable_persistent_index": "true"} if model == PRIMARY else {}
    shared_data = engine.cluster.profile.shared_data
    if shared_data:
        table.storage_volume = VOLUMES[number % len(VOLUMES)]
        table.properties["datacache.enable"] = "true"
    if number % 50 == 7:
        table.indexes.append(Index("by_note", ["note"]))
    if number % UNPARTITIONED_EACH != UNPARTITIONED_EACH - 1:
        table.partition_column = "day"
    # The oldest clusters and the source's own CREATE TABLEs kept the decimals that users declared.
    kept = list(table.columns)
    engine.ddl.create_table(database, table, months(partitions) if table.partition_column else [])
    table.columns = kept
    for partition in table.partitions.values():
        _fill(engine, partition, rng)


def _fill(engine: Engine, partition: Partition, rng: random.Random) -> None:
    loads = rng.randint(0, 60)
    if not loads:
        return
    partition.content = IntervalSet([(0, loads * rng.randint(50, 2000))])
    partition.counted_rows = partition.rows
    partition.data_version = 1 + loads
    compactions = loads // 10 if engine.cluster.profile.shared_data else 0
    partition.visible_version = partition.data_version + compactions
    partition.next_version = partition.visible_version + 1
    partition.compact_version = partition.visible_version - loads % 10
    partition.row_bytes = rng.choice((100, 400, 900))
    # Written at some time in the last two days.
    partition.visible_at = partition.written = -rng.uniform(0, 2 * 86400)


def _jobs(engine: Engine, database: Database, amount: Amount) -> None:
    cluster = engine.cluster
    tables = list(database.tables.values())
    for number in range(amount.routine_loads):
        table = tables[number % len(tables)]
        job = RoutineLoad(cluster.new_id(), "from_kafka_%d" % number, database.name, table.name, table.name, "RUNNING")
        job.progress = dict.fromkeys(range(3), 1000)
        job.produced, job.rate = dict(job.progress), amount.rate / 4
        job.properties = {"desired_concurrent_number": "3", "max_batch_interval": "10"}
        cluster.routine_loads.append(job)
    for number in range(amount.pipes if cluster.profile.pipes else 0):
        table = tables[(amount.routine_loads + number) % len(tables)]
        cluster.pipes.append(Pipe(cluster.new_id(), "from_files_%d" % number, database.name, table.name))
