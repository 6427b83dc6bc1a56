# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""W1 and W2: cutovers at an empty backlog, measured at the clients, with the reference tool's flow beside them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import typing as t

from bench import pegasus_labs as labs
from bench import pegasus_windows as windows
from bench.pegasus_labs import Shape
from bench.workshop import RunFailed, folder
from lab.client import LabClient
from lab.pegasus import reference

PATIENCE = 600.0
"""Lab seconds after which the reference is interrupted: it knows no limit of its own."""


@dataclasses.dataclass(frozen=True)
class Flow:
    """One run of the reference flow: its words, and what the lab says of its table when it ended.

    `switched`: MetaProxy's entry names the target. `blocked`: the source still refuses writes for ever, and no client
    is told to go elsewhere.
    """

    table: str
    success: bool
    error: str
    refused: float
    missing: int
    acknowledged: int
    switched: bool
    blocked: bool


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one lab gave."""

    ours: t.Sequence[windows.Moved]
    theirs: t.Sequence[Flow]


def fast(shape: Shape) -> Measured:
    """W1: all tables of a lab, one fence after another in one call, with the config-sync interval shortened."""
    home = folder(f"w1-{shape.profile}-{shape.seed}")
    with labs.server(home / "server", shape.factor) as server, labs.laboratory(shape) as lab:
        since = float(lab.state()["time"])
        ended = server.run(labs.cutover(lab, shape.names, home / "journal.jsonl"), home / "out.txt")
        if not ended.ok:
            raise RunFailed(f"{home}: {ended.output[-2000:]}")
        accounts = _settled(lab, shape)
        return Measured([windows.moved(told, accounts[told["name"]], since) for told in ended.result["tables"]], [])


def accepting(shape: Shape) -> Measured:
    """W2 with the held-back mutation accepted: one fence after another; losses are those of the module's end."""
    home = folder(f"w2-accept-{shape.profile}-{shape.seed}")
    with labs.server(home / "server", shape.factor) as server, labs.laboratory(shape) as lab:
        since = float(lab.state()["time"])
        options = labs.cutover(lab, shape.names, home / "journal.jsonl", last_mutation="accept")
        ended = server.run(options, home / "out.txt")
        if not ended.ok:
            raise RunFailed(f"{home}: {ended.output[-2000:]}")
        accounts = _settled(lab, shape)
        return Measured([windows.moved(told, accounts[told["name"]], since) for told in ended.result["tables"]], [])


def held_back(shape: Shape) -> Measured:
    """W2, strict: half of the tables under one fence of ours, half with the reference flow, at the same time."""
    home = folder(f"w2-strict-{shape.profile}-{shape.seed}")
    half = len(shape.names) // 2
    ours, theirs = shape.names[:half], shape.names[half:]
    with labs.server(home / "server", shape.factor) as server, labs.laboratory(shape) as lab:
        since = float(lab.state()["time"])
        options = {"budget": "5m", "group_size": half}
        run = server.start(labs.cutover(lab, ours, home / "journal.jsonl", **options), home / "out.txt")
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            waiting = other.submit(flows, lab, {name: {} for name in theirs}, since)
            ended = run.wait()
            accounts = labs.ledgers(lab, shape.names)
            found = waiting.result()
        if not ended.ok:
            raise RunFailed(f"{home}: {ended.output[-2000:]}")
        # The losses are those of the moment of the switch, the windows those of later, when every client is through.
        later = _settled(lab, shape)
        told = [
            dataclasses.replace(
                windows.moved(one, later[one["name"]], since), missing=int(accounts[one["name"]]["missing"])
            )
            for one in ended.result["tables"]
        ]
        return Measured(told, found)


def reference_windows(shape: Shape) -> list[Flow]:
    """W1's reference: the flow at an empty backlog, all tables of a lab of 2.5 at once (it cannot run on 2.6)."""
    with labs.laboratory(shape) as lab:
        return flows(lab, {name: {} for name in shape.names}, float(lab.state()["time"]))


def flows(lab: LabClient, tables: t.Mapping[str, t.Mapping[str, t.Any]], since: float) -> list[Flow]:
    """The reference flow for these tables at once, each with the flags given for it."""

    async def every() -> list[tuple[reference.Record, dict[str, t.Any]]]:
        return list(await asyncio.gather(*(one(table, flags) for table, flags in tables.items())))

    async def one(table: str, given: t.Mapping[str, t.Any]) -> tuple[reference.Record, dict[str, t.Any]]:
        flags = reference.flags_of(lab.describe, table=table, **given)
        now = float((await asyncio.to_thread(lab.state))["time"])
        record = await reference.migrate(lab.describe, flags, now, False, PATIENCE)
        # What is missing at the switch arrives minutes later where the log is only held back, so it is counted now.
        return record, (await asyncio.to_thread(labs.ledgers, lab, list(tables)))[table]

    done = asyncio.run(every())
    state = lab.state()
    later = labs.ledgers(lab, list(tables))
    found = []
    for table, (record, ledger) in zip(tables, done):
        envs = state["clusters"]["source"]["apps"][table]["envs"]
        switched = labs.znode(state, table) == labs.REMOTE
        found.append(
            Flow(
                table,
                record.reported_success,
                record.error,
                windows.refused(later[table], since),
                int(ledger["missing"]) if switched else 0,
                int(ledger["acknowledged"]),
                switched,
                bool(envs.get(labs.DENY)) and not switched,
            )
        )
    return found


def _settled(lab: LabClient, shape: Shape) -> dict[str, dict[str, t.Any]]:
    """The ledgers once every client has found the target, a few lab seconds after the switch."""
    for name in shape.names:
        labs.writable(lab, name, 30 / shape.factor + 2)
    return labs.ledgers(lab, shape.names)
