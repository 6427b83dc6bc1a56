# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated cluster: its tables, replica servers and meta server state, and what happens in the background."""

from __future__ import annotations

import asyncio
import heapq
import random
import typing as t

from lab.clock import LabClock
from lab.faults import Faults, Rule
from lab.pegasus import model, storage
from lab.pegasus.meta import Meta
from lab.pegasus.model import App, Duplication, Partition
from lab.pegasus.node import ReplicaServer
from lab.pegasus.profiles import Profile
from lab.pegasus.settings import Settings, Span

MIN_PAUSE = 0.005
"""Real seconds: background loops do not turn faster."""


class Cluster:
    """``key`` is "source" or "target"; ``peers`` are the clusters that duplications can go to, by name."""

    def __init__(self, key: str, profile: Profile, settings: Settings, clock: LabClock, faults: Faults) -> None:
        self.key = key
        self.profile = profile
        self.settings = settings
        self.clock = clock
        self.faults = faults
        self.rng = random.Random("%s %s" % (settings.name, key))
        self.apps: dict[int, App] = {}
        self.next_app_id = 1
        self.nodes: dict[str, ReplicaServer] = {}
        self.peers: dict[str, Cluster] = {}
        self.dirty: set[Partition] = set()
        self.background: set[asyncio.Task[t.Any]] = set()
        self.meta = Meta(self)
        self._checks: list[tuple[float, int, int]] = []
        self._checked: set[tuple[int, int]] = set()

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.settings.name

    @property
    def cluster_id(self) -> int:
        """Its id in [duplication-group]; 0 when it is not there."""
        return self.settings.group.get(self.name, 0)

    def span(self, value: Span) -> float:
        """A duration: drawn if it is a pair."""
        return self.rng.uniform(*value) if isinstance(value, tuple) else float(value)

    async def pause(self, name: str) -> None:
        """Wait for one of the settings' durations."""
        await self.clock.sleep(self.span(getattr(self.settings.durations, name)))

    def spawn(self, work: t.Coroutine[t.Any, t.Any, t.Any]) -> asyncio.Task[t.Any]:
        """Run something in the background until it ends or the lab does."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return task

    def app(self, name: str) -> App | None:
        """The table of that name that is not dropped."""
        for app in self.apps.values():
            if app.name == name and app.status != model.DROPPED:
                return app
        return None

    def partition(self, app_id: int, index: int) -> Partition | None:
        """A partition of a table, if there is one."""
        app = self.apps.get(app_id)
        if app is None or not 0 <= index < len(app.partitions):
            return None
        return app.partitions[index]

    def host_port(self, address: str) -> str:
        """An address as 2.6 gives it, with the host name of the settings."""
        return "%s:%s" % (self.settings.host, address.rsplit(":", 1)[1]) if address else ""

    def fault(self, kind: str, *, table: str = "", index: int | None = None, node: str = "") -> Rule | None:
        """The first lasting fault of a kind that is set and about this cluster, table, partition, node."""
        for rule in self.faults.rules:
            if rule.kind != kind or rule.cluster not in ("", self.key) or (rule.on_request and not rule.hits):
                continue
            if (table and rule.table not in ("", table)) or (node and rule.node not in ("", node)):
                continue
            if index is not None and rule.region_id not in (None, index):
                continue
            return rule
        return None

    def new_app(self, name: str, partition_count: int, replicas: int, envs: t.Mapping[str, str]) -> App:
        """Register a table whose partitions nobody serves yet."""
        app = App(self.next_app_id, name, partition_count, replicas, dict(envs), model.CREATING)
        app.created = int(self.clock.epoch())
        self.next_app_id += 1
        app.partitions = [Partition(app, index, ballot=0) for index in range(partition_count)]
        self.apps[app.id] = app
        return app

    def place(self, app: App) -> list[list[str]]:
        """Which nodes are to hold each partition, the primary first: round robin over the living."""
        nodes = [n.address for n in self.nodes.values() if n.alive]
        count = min(app.replicas, len(nodes))
        start = self.rng.randrange(len(nodes)) if nodes else 0
        return [[nodes[(start + i + k) % len(nodes)] for k in range(count)] for i in range(app.partition_count)]

    def serve(self, partition: Partition, members: t.Sequence[str]) -> None:
        """Make the first member the primary and the others secondaries."""
        partition.primary = members[0] if members else ""
        partition.secondaries = list(members[1:])
        partition.ballot += 1 + len(partition.secondaries)
        partition.duplicators.clear()
        partition.written_at = self.clock.now()
        self._schedule_check(partition)

    def add_table(self, name: str, partitions: int, replicas: int = 3, records: int = 0) -> App:
        """A table that is simply there, with some records in it."""
        app = self.new_app(name, partitions, replicas, {})
        app.status = model.AVAILABLE
        now, stamp = self.clock.now(), int(self.clock.epoch() * 1e6) - 10**9
        for partition, members in zip(app.partitions, self.place(app)):
            partition.ballot = self.rng.randint(3, 20)
            for number in range(records):
                key = b"\x00\x08r%07d" % number
                storage.write(partition, ((key, b"record %d" % number),), now, stamp + number, self.cluster_id)
            self.serve(partition, members)
        return app

    def write(self, partition: Partition, operations: tuple[model.Operation, ...]) -> int:
        """One mutation at the primary; returns its decree."""
        clock = self.clock
        now = clock.now()
        storage.write(partition, operations, now, int(clock.epoch(now) * 1e6), self.cluster_id)
        if partition.app.duplications:
            self.dirty.add(partition)
        return partition.decree

    def _schedule_check(self, partition: Partition) -> None:
        interval = self.group_check_seconds
        due = self.clock.now() + self.rng.uniform(0, interval)
        if partition.gpid not in self._checked:
            self._checked.add(partition.gpid)
            heapq.heappush(self._checks, (due, *partition.gpid))

    @property
    def group_check_seconds(self) -> float:
        """The interval of group check."""
        for node in self.nodes.values():
            return int(node.flags["group_check_interval_ms"]) / 1000
        return 100.0

    async def group_checks(self) -> None:
        """Per partition, every 100 s: if nothing was written for as long, the primary writes an empty mutation."""
        while True:
            now = self.clock.now()
            interval = self.group_check_seconds
            while self._checks and self._checks[0][0] <= now:
                due, app_id, index = heapq.heappop(self._checks)
                partition = self.partition(app_id, index)
                if partition is None or partition.app.status == model.DROPPED:
                    self._checked.discard((app_id, index))
                    continue
                heapq.heappush(self._checks, (due + interval, app_id, index))
                node = self.nodes.get(partition.primary)
                if node is not None and node.alive and now - partition.written_at >= interval:
                    self.write(partition, ())
            wake = min(self._checks[0][0], now + 5.0) if self._checks else now + 5.0
            await self.clock.sleep(max(wake - now, MIN_PAUSE * self.clock.factor))

    def move_primary(self, partition: Partition, target: str = "") -> str:
        """Make a living secondary the primary, the old primary a secondary (or a drop if it is dead)."""
        living = [a for a in partition.secondaries if self.nodes[a].alive]
        if target and target not in living:
            raise ValueError("%s: not a living secondary of %s" % (target, partition.gpid_text))
        if not living:
            if partition.primary:
                partition.last_drops.append(partition.primary)
            partition.primary = ""
            partition.ballot += 1
            return ""
        new, old = target or living[0], partition.primary
        partition.secondaries.remove(new)
        partition.primary = new
        if old and self.nodes[old].alive:
            partition.secondaries.append(old)
        elif old:
            partition.last_drops.append(old)
        partition.ballot += 1
        partition.duplicators.clear()
        return new

    def remove_duplication(self, app: App, duplication: Duplication) -> None:
        """The duplication is gone from the meta server; logs are kept only as far as others need them."""
        app.duplications.pop(duplication.id, None)
        for partition in app.partitions:
            partition.checkpoints.pop(duplication.id, None)
            storage.collect(partition)
