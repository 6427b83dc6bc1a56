# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A seeded simulation of a run that writes journal entries: no clock, no cluster."""

from __future__ import annotations

import datetime
import heapq
import random
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry, encode

START = datetime.datetime(2026, 11, 21, 3, 14, tzinfo=datetime.timezone.utc)

Data = t.Dict[str, t.Any]


class Writer:
    """Collects chained entries; ``now`` is seconds since the start."""

    def __init__(self, *, opened: bool = True) -> None:
        self.records: t.List[t.Tuple[float, str, Data]] = []
        self.now = 0.0
        if opened:
            self.add(
                "journal.opened",
                {
                    "migration_id": "drain-dn3-2026-11",
                    "engine": "greptimedb",
                    "format": 1,
                    "collection_version": "1.0.0",
                },
            )

    def add(self, kind: str, data: Data, at: t.Optional[float] = None) -> None:
        self.records.append((self.now if at is None else at, kind, data))

    def entries(self) -> t.List[Entry]:
        entries: t.List[Entry] = []
        for at, kind, data in sorted(self.records, key=lambda record: record[0]):
            moment = iso(START + datetime.timedelta(seconds=at))
            prev = entries[-1].hash if entries else ""
            entries.append(encode(len(entries), moment, kind, data, prev)[0])
        return entries


def region(number: int) -> t.Tuple[int, str, int]:
    """A region id with its table: 24 tables in turn."""
    table_id = 1024 + number % 24
    name = "public.sensor_readings" if table_id == 1024 else f"public.metrics_{table_id - 1024:02d}"
    return (table_id << 32) + number // 24, name, table_id


def make_plan(moves: int, sources: t.Sequence[int], targets: t.Sequence[int], seed: int = 7) -> Data:
    rng = random.Random(seed)
    listed: t.List[Data] = []
    for number in range(moves):
        region_id, table, table_id = region(number)
        listed.append(
            {
                "region_id": region_id,
                "table": table,
                "table_id": table_id,
                "from_peer": sources[number % len(sources)],
                "to_peer": targets[number % len(targets)],
                "size_bytes": rng.randrange(1 << 20, 1 << 31),
                "memtable_bytes": rng.randrange(1 << 10, 1 << 24),
            }
        )
    before: t.Dict[str, t.Dict[str, int]] = {
        str(node): {"regions": moves // 8 + 4, "bytes": moves << 27} for node in targets
    }
    for node in sources:
        before[str(node)] = {"regions": 0, "bytes": 0}
    for move in listed:
        load = before[str(move["from_peer"])]
        load["regions"] += 1
        load["bytes"] += move["size_bytes"]
    after = {node: dict(load) for node, load in before.items()}
    for move in listed:
        for side, sign in (("from_peer", -1), ("to_peer", 1)):
            after[str(move[side])]["regions"] += sign
            after[str(move[side])]["bytes"] += sign * move["size_bytes"]
    return {
        "format": 1,
        "engine": "greptimedb",
        "strategy": "drain",
        "ordering": "planned",
        "limits": {"global": 32, "per_source": 4, "per_target": 4, "per_table": None},
        "moves": listed,
        "lower_bound": {
            "moves_deep": -(-moves // (4 * len(sources))),
            "binding": f"per_source:{sources[0]}",
            "explanation": f"{moves} moves leave datanode {sources[0]}, of which 4 may run at once.",
        },
        "before": before,
        "after": after,
        "excluded": [],
        "unplaceable": [],
    }


class Simulation:
    """Carries a plan out under its limit per source, and writes what a run writes."""

    def __init__(self, writer: Writer, plan: Data, seed: int = 7) -> None:
        self.writer = writer
        self.plan = plan
        self.rng = random.Random(seed)
        self.next_change = 100

    def run(
        self,
        moves: t.Optional[t.Sequence[Data]] = None,
        *,
        stop_at: float = 1e12,
        fail: t.Callable[[Data], bool] = lambda move: False,
        retry: t.Callable[[Data], bool] = lambda move: False,
        mean: float = 3.0,
    ) -> t.List[Data]:
        """Run ``moves`` (all by default), return those not done; nothing is written after ``stop_at``."""
        writer, per_source = self.writer, self.plan["limits"]["per_source"]
        waiting = list(self.plan["moves"] if moves is None else moves)
        total, done, failed = len(waiting), 0, 0
        flying: t.Dict[int, int] = {}
        ends: t.List[t.Tuple[float, int, Data, str]] = []
        left = []
        now = started = writer.now
        number = 0
        again: t.Set[int] = set()
        while waiting or ends:
            for move in list(waiting[:256]):
                if flying.get(move["from_peer"], 0) < per_source and now < stop_at:
                    flying[move["from_peer"]] = flying.get(move["from_peer"], 0) + 1
                    waiting.remove(move)
                    number += 1
                    change = self._submit(move, now)
                    heapq.heappush(ends, (now + max(0.8, self.rng.gauss(mean, mean / 3)), number, move, change))
            if not ends:
                left.extend(waiting)
                break
            now, _number, move, change = heapq.heappop(ends)
            flying[move["from_peer"]] -= 1
            if now >= stop_at:
                left.append(move)
                continue
            writer.now = now
            if fail(move):
                self._fail(move, change, "greptimedb.peer_down", "the target datanode does not answer")
                failed += 1
                left.append(move)
                continue
            if retry(move) and move["region_id"] not in again:
                again.add(move["region_id"])
                self._fail(move, change, "greptimedb.procedure_failed", "the server rolled the move back")
                waiting.insert(0, move)
                continue
            self._done(move, change, now)
            done += 1
            if done % max(1, total // 60) == 0:
                rate = done / max(now - started, 0.1)
                writer.add(
                    "progress",
                    {
                        "done": done,
                        "total": total,
                        "running": len(ends),
                        "failed": failed,
                        "rate_per_minute": rate * 60,
                        "eta_seconds": (total - done) / rate,
                    },
                )
        return left

    def _submit(self, move: Data, now: float) -> str:
        self.next_change += 1
        change = f"c{self.next_change}"
        context = {key: move[key] for key in ("from_peer", "to_peer", "table", "table_id")}
        resource = f"greptimedb.region/{move['region_id']}"
        request = f"ADMIN migrate_region({move['region_id']}, {move['from_peer']}, {move['to_peer']}, 300)"
        self.writer.add(
            "change.intent",
            {
                "id": change,
                "resource": resource,
                "action": "migrate",
                "before": {"leader_peer": move["from_peer"]},
                "after": {"leader_peer": move["to_peer"]},
                "request": request,
                "context": {"purpose": "move", **context},
            },
            now,
        )
        pid = f"{self.rng.randrange(1 << 32):08x}-5f0a-4c1e-9d0e-{self.next_change:012d}"
        attached = self.next_change % 41 == 0
        self.writer.add("change.accepted", {"id": change, "procedure_id": pid, "attached": attached}, now + 0.02)
        return change

    def _fail(self, move: Data, change: str, code: str, reason: str) -> None:
        text = (
            f"(TxnConflict): Failed to execute admin function: region {move['region_id']} on peer {move['to_peer']}:"
            " Timeout: deadline has elapsed, status: Unavailable"
        )
        data = {"id": change, "status": "failed", "code": code, "server_text": text, "evidence": {"reason": reason}}
        self.writer.add("change.outcome", data)

    def _done(self, move: Data, change: str, now: float) -> None:
        least = max(0.05, self.rng.gauss(0.5, 0.2))
        self.writer.add(
            "change.outcome",
            {
                "id": change,
                "status": "done",
                "evidence": {"leader_peer": move["to_peer"], "leader_status": "ALIVE", "writable": True},
                "measured": {
                    "refused_seconds_at_least": round(least, 3),
                    "refused_seconds_at_most": round(least + self.rng.uniform(0.1, 0.5), 3),
                },
            },
        )
