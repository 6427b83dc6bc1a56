# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journals as a migration would leave them: a good one, failed, interrupted, rolled back and very large ones."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report.synthetic import (
    START,
    Data,
    Simulation,
    Writer,
    make_plan,
    region,
)

FINDINGS: t.List[Data] = [
    {
        "id": "greptimedb.storage.local_wal",
        "severity": "blocker",
        "subject": "datanode 3",
        "evidence": "wal.provider = raft_engine in its /config",
        "remedy": "Flush before each move (flush_before: always) and verify that both datanodes answer throughout.",
        "reference": "facts 6",
        "accepted": True,
        "accepted_reason": "CHG-4711: regions are flushed first, both datanodes are watched",
        "accepted_until": "2026-12-01T00:00:00.000Z",
    },
    {
        "id": "greptimedb.server.known_bug_9163",
        "severity": "warning",
        "subject": "metasrv 0.17.2",
        "evidence": "a procedure id may be handed out for a procedure that never starts",
        "remedy": "Nothing to do: a move whose procedure never shows is submitted again after the settle time.",
        "reference": "GreptimeTeam/greptimedb#9163",
        "accepted": False,
    },
    {
        "id": "greptimedb.region.large_memtable",
        "severity": "info",
        "subject": "region 4398046511112",
        "evidence": "memtable 61.2 MiB",
        "remedy": "It is flushed before its move.",
        "reference": "",
        "accepted": False,
    },
]


def preflight(writer: Writer, findings: t.Optional[t.List[Data]] = None) -> None:
    found = FINDINGS if findings is None else findings
    writer.add("run.started", {"run_id": "r-pre", "phase": "preflight", "options": {}})
    passed = not any(one["severity"] == "blocker" and not one["accepted"] for one in found)
    writer.add("findings", {"phase": "preflight", "findings": found, "passed": passed})
    status = "ok" if passed else "failed"
    writer.add("run.finished", {"run_id": "r-pre", "phase": "preflight", "status": status, "summary": "3 findings"})
    writer.now += 5


def start(writer: Writer, plan: Data, run_id: str = "r-1", phase: str = "migrate") -> Simulation:
    writer.add("plan", {"plan_id": f"4f2c9e{len(plan['moves']):x}{plan['strategy']}", "plan": plan})
    writer.add("run.started", {"run_id": run_id, "phase": phase, "options": {"password": "********"}})
    return Simulation(writer, plan)


def finish(writer: Writer, status: str = "ok", run_id: str = "r-1", phase: str = "migrate") -> None:
    writer.add("run.finished", {"run_id": run_id, "phase": phase, "status": status, "summary": f"ended: {status}"})
    writer.now += 2


def maintenance(writer: Writer, *, on: bool) -> None:
    """Switch the maintenance mode on, or put it back."""
    resource, states = "greptimedb.maintenance_mode", ({"enabled": False}, {"enabled": True})
    if not on:
        data = {"resource": resource, "original": states[0], "ours": states[1], "now": states[1], "action": "restore"}
        writer.add("restore", {**data, "reason": "it is still what the migration made it"})
    before, after = states if on else (states[1], states[0])
    change = "m-on" if on else "m-off"
    data = {"id": change, "resource": resource, "action": "set", "before": before, "after": after}
    writer.add("change.intent", {**data, "request": f"POST /admin/maintenance/{'enable' if on else 'disable'}"})
    writer.add("change.outcome", {"id": change, "status": "done"})


def waits(writer: Writer, reason: str, count: int) -> None:
    words = {
        "limit": ("a slot", "a running move on the same datanode or table ends"),
        "writes_refused": ("the route to change", "the target leads the region; until then its writes are refused"),
    }[reason]
    since = iso(START + datetime.timedelta(seconds=writer.now))
    worst = [f"region {region(number)[0]} ({region(number)[1]}) to datanode 1" for number in range(min(count, 5))]
    data = {"waiting_for": words[0], "ends_when": words[1], "since": since, "worst": worst, "count": count}
    writer.add("wait", {"reason": f"greptimedb.wait.{reason}", **data})


def small() -> t.List[Entry]:
    """60 regions drained off one datanode, well; one move needed a second attempt."""
    writer = Writer()
    preflight(writer)
    maintenance(writer, on=True)
    simulation = start(writer, make_plan(60, [3], [0, 1, 2]))
    waits(writer, "limit", 56)
    writer.add("wait", writer.records[-1][2], 8.0)
    twice = simulation.plan["moves"][17]["region_id"]
    simulation.run(retry=lambda move: move["region_id"] == twice)
    waits(writer, "writes_refused", 4)
    finish(writer)
    items = [{"subject": f"datanode {node}", "empty": True, "holding": 0} for node in (3,)]
    writer.add("run.started", {"run_id": "r-2", "phase": "cutover", "options": {}})
    served = [
        {"subject": f"region {move['region_id']}", "region_id": move["region_id"], "table": move["table"],
         "to_peer": move["to_peer"], "leader_peer": move["to_peer"], "state": "proven", "reason": "it leads it"}
        for move in simulation.plan["moves"]
    ]  # fmt: skip
    writer.add("proof", {"kind": "greptimedb.regions_served", "passed": True, "items": served})
    writer.add("proof", {"kind": "greptimedb.datanode_empty", "passed": True, "items": items})
    finish(writer, run_id="r-2", phase="cutover")
    writer.add("run.started", {"run_id": "r-3", "phase": "restore", "options": {}})
    maintenance(writer, on=False)
    finish(writer, run_id="r-3", phase="restore")
    writer.add("note", {"text": "Datanode 3 holds nothing: it can be taken away."})
    return writer.entries()


def failed() -> t.List[Entry]:
    """Moves from two datanodes, of which those to one target fail; the maintenance mode is still on."""
    writer = Writer()
    preflight(writer)
    maintenance(writer, on=True)
    simulation = start(writer, make_plan(40, [1, 3], [0, 2, 4]))
    simulation.run(fail=lambda move: move["to_peer"] == 4 and move["region_id"] % 2 == 0)
    finish(writer, "failed")
    return writer.entries()


def interrupted(*, resumed: bool = False) -> t.List[Entry]:
    """The runner was killed in the middle; ``resumed``: another took over after an hour and was killed as well."""
    writer = Writer()
    simulation = start(writer, make_plan(60, [3], [0, 1, 2]))
    left = simulation.run(stop_at=20.0)
    if resumed:
        writer.now += 3600
        writer.add("run.started", {"run_id": "r-2", "phase": "migrate", "options": {}})
        simulation.run(left, stop_at=writer.now + 12)
    return writer.entries()


def rolled_back() -> t.List[Entry]:
    """20 moves there, and the same 20 back."""
    writer = Writer()
    plan = make_plan(20, [3], [0, 1, 2])
    start(writer, plan).run()
    finish(writer)
    writer.now += 600
    back = {**plan, "strategy": "reverse", "before": plan["after"], "after": plan["before"]}
    back["moves"] = [
        {**move, "from_peer": move["to_peer"], "to_peer": move["from_peer"]} for move in reversed(plan["moves"])
    ]
    back["limits"] = {"global": 32, "per_source": 2}
    simulation = start(writer, back, "r-2", "rollback")
    simulation.next_change = 500
    simulation.run()
    finish(writer, run_id="r-2", phase="rollback")
    return writer.entries()


def many(moves: int = 10_000) -> t.List[Entry]:
    """Many moves from eight datanodes to eight, with some failures that were overcome."""
    writer = Writer()
    preflight(writer)
    simulation = start(writer, make_plan(moves, list(range(8)), list(range(8, 16))))
    waits(writer, "limit", moves - 32)
    simulation.run(retry=lambda move: move["region_id"] % 211 == 0)
    finish(writer)
    return writer.entries()
