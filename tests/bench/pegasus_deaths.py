# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""W8: how long a fence is held beyond its budget when our processes are killed at random instants."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import random
import signal
import time
import typing as t

from bench import guards, modules
from bench import pegasus_labs as labs
from bench import pegasus_windows as windows
from bench.pegasus_labs import Shape
from bench.workshop import folder
from lab.client import LabClient, LabError

VICTIMS = ("module", "guard", "both", "stopped")
"""Who gets SIGKILL; `stopped` is a module that gets SIGSTOP, and so neither ends nor does anything."""
SPAN = 12.0
"""Lab seconds within which a process is killed, after the fence's request or, one time in five, after its start."""
GRACE = 60.0
"""Lab seconds after the budget in which a fence has to be gone, or the case counts as held for ever."""


@dataclasses.dataclass(frozen=True)
class Held:
    """One case, in lab seconds. `beyond`: how much longer than the budget a partition refused writes at a stretch."""

    seed: int
    victim: str
    stuck: bool
    interval: float
    beyond: float
    held: float
    fenced: bool
    freed: bool
    missing: int


def kill_some(shape: Shape, interval: float, budget: float) -> list[Held]:
    """One case for each table of a lab. `interval`: the config-sync interval of the source, which is kept."""
    home = folder(f"w8-{shape.profile}-{shape.seed}")
    found = []
    with labs.server(home / "server", shape.factor) as server, labs.laboratory(shape) as lab:
        if interval != 30:
            lab.foreign(config={"config_sync_interval_ms": str(round(interval * 1000))})
            time.sleep(30 / shape.factor)
        for number, table in enumerate(shape.names):
            rng = random.Random(f"{shape.seed} {number}")
            found.append(_case(lab, server, home, shape, table, rng, interval, budget))
    return found


def _case(
    lab: LabClient,
    server: modules.ModuleServer,
    home: pathlib.Path,
    shape: Shape,
    table: str,
    rng: random.Random,
    interval: float,
    budget: float,
) -> Held:
    victim = rng.choice(VICTIMS)
    stuck = rng.random() < 0.5
    if stuck:
        lab.fault("dup_stuck", table=table, times=0)
    since = float(lab.state()["time"])
    journal = home / f"{table}.jsonl"
    options = labs.cutover(lab, [table], journal, budget=f"{budget:g}s", config_sync_interval="keep", max_lag=100000)
    run = server.start(options, home / f"{table}.txt")
    if rng.random() < 0.8:
        _fence_set(lab, table)
    # When nothing is shipped, the fence is held until the deadline.
    time.sleep(rng.uniform(0, SPAN + (budget if stuck else interval)) / shape.factor)
    _strike(victim, run.pid, journal)
    if victim in ("module", "both"):
        run.wait()
    if victim == "both":
        lab.clear_faults()
        server.run(options, home / f"{table}-again.txt")
    freed = labs.freed(lab, table, (budget + GRACE) / shape.factor)
    if victim == "stopped":
        run.kill()
    if victim in ("guard", "stopped"):
        run.wait()
    lab.clear_faults()
    # What stays a while to look after late requests need not outlive the case.
    guards.kill(journal)
    ledger = labs.ledgers(lab, shape.names)[table]
    held = windows.longest(ledger, since)
    return Held(
        seed=shape.seed,
        victim=victim,
        stuck=stuck,
        interval=interval,
        beyond=max(0.0, held - budget),
        held=held,
        fenced=held > 0,
        freed=freed,
        missing=int(ledger["missing"]),
    )


def _fence_set(lab: LabClient, table: str) -> None:
    """Wait until the fence is at the meta server; not for ever, as the cutover may have been refused."""
    with contextlib.suppress(LabError):
        lab.wait_for(lambda state: labs.DENY in state["clusters"]["source"]["apps"][table]["envs"], 10.0)


def _strike(victim: str, pid: int, journal: pathlib.Path) -> None:
    if victim in ("guard", "both"):
        guards.kill(journal)
    if victim in ("module", "both"):
        _send(pid, signal.SIGKILL)
    if victim == "stopped":
        _send(pid, signal.SIGSTOP)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def by_victim(found: t.Sequence[Held]) -> str:
    """How often each was killed, and how often while a fence was held."""
    return ", ".join(
        f"{victim} {sum(one.victim == victim for one in found)} "
        f"({sum(one.victim == victim and one.fenced for one in found)} fenced)"
        for victim in VICTIMS
    )
