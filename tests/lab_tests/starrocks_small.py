# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two small engines on a clock that is set by hand, so that hours of a migration are tested in no time."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from lab.clock import LabClock
from lab.intervals import IntervalSet
from lab.starrocks.configs import Catalogue
from lab.starrocks.engine import Engine
from lab.starrocks.profiles import Profile
from lab.starrocks.records import LEADER, Frontend
from lab.starrocks.state import Cluster, StorageVolume
from lab.starrocks.state_tables import Column, Database, Table

BUCKET = {"aws.s3.access_key": "key", "aws.s3.secret_key": "secret"}


class HandClock(LabClock):
    """Stands still until it is set."""

    def __init__(self) -> None:
        super().__init__(1.0)
        self.at = 0.0

    def now(self) -> float:
        """As it was set."""
        return self.at


@dataclass
class Leader:
    """A leading frontend."""

    record: Frontend


class SmallFront:
    """One frontend, without sockets."""

    def __init__(self, profile: Profile, host: str) -> None:
        self.leader: Leader | None = Leader(Frontend(1, host, host, LEADER))
        self.token = "token of %s" % host
        self.items = Catalogue(profile).defaults()

    def config(self, key: str) -> str:
        """A config value; KeyError for what the version does not have."""
        return self.items[key]


class SmallPair:
    """A source and a target, each with its engine and its front."""

    def __init__(
        self, source: str = "4.1", source_mode: str = "shared_data", target: str = "4.1", mode: str = "shared_data"
    ) -> None:
        self.clock = HandClock()
        self.refused_credentials = ""
        self.clusters = {
            "source": Cluster("source", Profile.choose(source, source_mode)),
            "target": Cluster("target", Profile.choose(target, mode)),
        }
        self.clusters["target"].next_id = 20001
        self.clusters["target"].gtid = 5000
        self.fronts = {key: SmallFront(c.profile, "10.%d.0.11" % n) for n, (key, c) in enumerate(self.pairs(), 1)}
        self.source = self._engine("source", "target")
        self.target = self._engine("target", "source")
        for engine in (self.source, self.target):
            if engine.cluster.profile.shared_data:
                volume = StorageVolume(1, "lake_a", "S3", ["s3://%s-a" % engine.cluster.key], dict(BUCKET))
                engine.cluster.storage_volumes["lake_a"] = volume
                engine.cluster.default_volume = "lake_a"
            engine.start()

    def pairs(self) -> list[tuple[str, Cluster]]:
        """(key, cluster)"""
        return list(self.clusters.items())

    def _engine(self, key: str, other: str) -> Engine:
        return Engine(
            self.clusters[key],
            self.fronts[key],
            self.clock,
            self.clusters[other],
            lambda: self.fronts[other].token,
            lambda volume: self.refused_credentials,
        )

    def mirror_volume(self, **params: str) -> None:
        """src_lake_a on the target."""
        location = self.clusters["source"].storage_volumes["lake_a"].locations
        volume = StorageVolume(2, "src_lake_a", "S3", list(location), {**BUCKET, **params})
        self.clusters["target"].storage_volumes["src_lake_a"] = volume

    def advance(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass and everything happen in it."""
        end = self.clock.at + seconds
        while self.clock.at < end:
            self.clock.at = min(end, self.clock.at + step)
            self.source.schedule.run_due()
            self.target.schedule.run_due()

    def table(self, engine: Engine, name: str = "orders") -> tuple[Database, Table]:
        """A table of two partitions in database sales."""
        database = engine.cluster.databases.get("sales") or engine.ddl.create_database("sales")
        columns = [Column("k", "bigint(20)", key=True), Column("day", "date"), Column("v", "int(11)")]
        table = Table(engine.cluster.new_id(), name, columns, ["k"], partition_column="day")
        bounds = [("p1", "2026-01-01", "2026-02-01"), ("p2", "2026-02-01", "2026-03-01")]
        return database, engine.ddl.create_table(database, table, bounds)

    def load(self, engine: Engine, name: str, partition: str, low: int, high: int) -> None:
        """Load the keys of a range into a partition, and let it become visible."""
        database = engine.cluster.databases["sales"]
        label = "load_%d_%d" % (low, int(self.clock.at * 1000))
        keys = {partition: IntervalSet([(low, high)])}
        engine.loads.load(database, database.tables[name], label, "INSERT_STREAMING", keys, lambda: None)
        self.advance(1)

    def request(self, name: str = "orders", **changes: t.Any) -> dict[str, t.Any]:
        """What the tool sends for a table, as of now."""
        source, target = (c.databases["sales"] for c in self.clusters.values())
        theirs, mine = source.tables[name], target.tables[name]
        request = {
            "database_id": target.id,
            "table_id": mine.id,
            "src_database_id": source.id,
            "src_table_id": theirs.id,
            "src_token": self.fronts["source"].token,
            "src_storage_volume_name": theirs.storage_volume,
            "src_backends": [],
            "job_id": "job-%d" % int(self.clock.at * 1000),
            "partition_replication_infos": [
                {
                    "partition_id": mine.partitions[p.name].id,
                    "src_partition_id": p.id,
                    "src_version": p.visible_version,
                    "src_data_version": p.data_version,
                    "src_version_epoch": p.version_epoch,
                }
                for p in theirs.partitions.values()
                if p.data_version > 1
            ],
        }
        return {**request, **changes}

    def missing(self, name: str = "orders") -> int:
        """Rows of the source that the target does not hold."""
        source, target = (c.databases["sales"].tables[name] for c in self.clusters.values())
        return sum(len(p.content.minus(target.partitions[p.name].content)) for p in source.partitions.values())
