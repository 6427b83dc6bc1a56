# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journals of very large migrations, as far as a report and a judgement read them: they are not chained."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso

START = datetime.datetime(2026, 11, 21, 3, 14, tzinfo=datetime.timezone.utc)
Data = t.Dict[str, t.Any]


class Line(t.NamedTuple):
    """What is read of an entry."""

    at: str
    kind: str
    data: Data


class Large:
    """Collects lines; ``now`` is seconds since the start."""

    def __init__(self, engine: str) -> None:
        self.lines: t.List[Line] = []
        self.now = 0.0
        opened = {"migration_id": "move-everything", "engine": engine, "format": 1, "collection_version": "1.0.0"}
        self.add("journal.opened", opened)

    def at(self, later: float = 0.0) -> str:
        return iso(START + datetime.timedelta(seconds=self.now + later))

    def add(self, kind: str, data: Data, seconds: float = 0.01) -> None:
        self.lines.append(Line(self.at(), kind, data))
        self.now += seconds

    def change(self, action: str, resource: str, before: t.Any, after: t.Any) -> None:
        change_id = f"c{len(self.lines)}"
        data = {"id": change_id, "action": action, "resource": resource, "before": before, "after": after}
        self.add("change.intent", {**data, "request": {}})
        self.add("change.outcome", {"id": change_id, "status": "done", "evidence": {"read_back": [after]}})

    def prove(self, kind: str, items: t.List[Data]) -> None:
        self.add("proof", {"kind": kind, "passed": True, "items": items})

    def guard(self, subject: str) -> None:
        item = {"subject": subject, "pid": 7, "state": "armed", "at": self.at(), "lifts_at": self.at(60)}
        self.prove("guard", [item])


def pegasus(tables: int, partitions: int = 4) -> t.List[Line]:
    """So many tables, each copied, cut over under a fence of its own, and cleared away."""
    large = Large("pegasus")
    names = [f"user_profile_{number:05d}" for number in range(tables)]
    large.add("run.started", {"run_id": "r1", "phase": "migrate", "options": {"tables": names}})
    for look in range(40):
        backlog = dict.fromkeys(names, 4000 - 100 * look)
        progress = {"done": look * tables // 39, "total": tables, "rate_per_minute": tables / 20, "eta_seconds": 60.0}
        large.add("progress", {**progress, "backlog": backlog}, 30.0)
    large.add("run.finished", {"run_id": "r1", "phase": "migrate", "status": "ok", "summary": "caught up"})
    large.add("run.started", {"run_id": "r2", "phase": "cutover", "options": {"tables": names}})
    summary = {name: _pegasus_cutover(large, name, partitions) for name in names}
    large.add("run.finished", {"run_id": "r2", "phase": "cutover", "status": "ok", "summary": summary})
    return large.lines


def _pegasus_cutover(large: Large, name: str, partitions: int) -> Data:
    deny = f"pegasus:onebox-a/table/{name}/env/replica.deny_client_request"
    large.add("note", {"text": f"To lift the fence of {name} by hand: printf 'use {name}' | ./run.sh shell"})
    large.guard(name)
    large.change("fence", deny, None, "reconfig*write")
    where = [{"subject": f"{name}/{index}", "primary": "10.0.0.1:34801", "ballot": 5} for index in range(partitions)]
    large.prove("fence", [{**one, "writes": "denied", "at": large.at()} for one in where])
    times = {"fenced_at": large.at(), "drained_at": large.at(0.005)}
    large.prove("drain", [{**one, "position": 400, "confirmed": 401, **times} for one in where])
    large.change("switch", f"zookeeper:/metaproxy/{name}", "onebox-a", '{"cluster_name": "onebox-b"}')
    large.prove("switch", [{"subject": "10.0.0.9:34601", "table": name, "cluster": "onebox-b", "at": large.at()}])
    large.change("close", deny, "reconfig*write", "reconfig*all")
    large.prove("target", [{**one, "table": name} for one in where])
    window = {"first_denied": 0.2, "all_denied": 0.9, "drained": 4.2, "switched": 4.3, "proved": 4.4, "refused": 4.2}
    large.add("cutover.committed", {"table": name, "at": large.at(), "guarded": True, "window": window})
    forecast = {"window_p50": 4.5, "window_p95": 6.5, "budget": 60.0}
    return {"state": "committed", "window": window, "forecast": forecast}


def starrocks(tables: int, partitions: int = 3) -> t.List[Line]:
    """So many tables, copied by the sync tool and cut over at once."""
    large = Large("starrocks")
    names = [f"sales.orders_{number:05d}" for number in range(tables)]
    total = tables * partitions
    large.add("run.started", {"run_id": "r1", "phase": "migrate", "options": {}})
    for look in range(400):
        progress = {"done": look * total // 399, "total": total, "rate_per_minute": total / 200, "eta_seconds": 60.0}
        lag = {"unit": "partitions", "total": total - look * total // 399}
        large.add("progress", {**progress, "failed": 0, "lag": lag}, 30.0)
    large.add("run.finished", {"run_id": "r1", "phase": "migrate", "status": "ok", "summary": "on the target"})
    large.add("run.started", {"run_id": "r2", "phase": "cutover", "options": {"budget": 900.0}})
    both = {"source": "77", "target": "78"}
    large.add("cutover.started", both)
    large.guard("77")
    frontends = [f"10.1.0.{number}:9030" for number in (11, 12, 13)]
    large.add("freeze.found", {"cluster_id": "77", "frontends": dict.fromkeys(frontends, "false"), "jobs": {}})
    for frontend in frontends:
        large.change("freeze", f"starrocks:77/freeze/{frontend}", "false", "true")
    large.prove("freeze", [{"subject": one, "disable_load_job": "true", "at": large.at()} for one in frontends])
    conditions = ("loads_refused", "no_transaction", "no_job", "partitions_unchanged")
    large.prove("quiescence", [{"subject": one, "met": True, "evidence": ["0 running"]} for one in conditions])
    large.prove("tool_ended", [{"subject": "/opt/sync", "state": "stopped", "at": large.at()}])
    large.prove("replications_drained", [{"subject": "target", "running": 0, "at": large.at()}])
    versions = {f"p2026{month + 1:02d}": [28 + month] for month in range(partitions)}
    for start in range(0, tables, 1000):
        some = names[start : start + 1000]
        large.prove("partitions_equal", [{"subject": name, "versions": versions} for name in some])
    digest = {"source_digest": "8" * 64}
    compared = {"subject": "comparison", "looks": 2, "partitions": total, "tables": tables, **digest}
    large.prove("cutover", [compared])
    window = {"frozen": 0.3, "quiescent": 6.0, "converged": 6.1, "tool_stopped": 7.0, "drained": 7.5, "proved": 9.0}
    large.add("cutover.handed_over", {**both, **digest, "partitions": total, "seconds_left": 50.0, "window": window})
    large.add("cutover.committed", {**both, **digest, "at": large.at(), "guarded": True, "window": window})
    summary = {
        "state": "handed_over",
        "window": window,
        "forecast": {"held_p50": 9.5, "held_p95": 14.0, "budget": 900.0},
    }
    large.add("run.finished", {"run_id": "r2", "phase": "cutover", "status": "ok", "summary": summary})
    return large.lines
