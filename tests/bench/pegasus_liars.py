# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3: clusters that look ready and are not. A cutover must not begin, or not switch, and must say why."""

from __future__ import annotations

import dataclasses
import random
import time
import typing as t

from bench import modules
from bench import pegasus_cutovers as cutovers
from bench import pegasus_labs as labs
from bench.pegasus_labs import Shape
from bench.workshop import folder
from lab.client import LabClient

BUDGETS = {"2.6": 60, "2.5": 100}
"""Lab seconds that a fence may be held, with an empty write that comes after 10 to 20 s in 2.5."""
QUICK = {"config_sync_interval_ms": "1000", "group_check_interval_ms": "10000"}
"""Flags of the source that make waits short which are not what is lied about."""
Set = t.Callable[[LabClient, str, random.Random], None]


@dataclasses.dataclass(frozen=True)
class Liar:
    """One way to look ready. `reasons`: codes or finding ids, any of which is the right one.

    `gate`: it shows before the fence, so check mode has to see it too. `ready`: its duplication was ready before.
    """

    name: str
    tell: Set
    reasons: tuple[str, ...]
    gate: bool = True
    ready: bool = True


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a liar came to. `false_ready`: it was let through at the gate, or switched with writes missing.

    Not `reached`: the cutover was through before anybody could lie to it.
    """

    liar: str
    false_ready: bool
    reason: str
    right: bool
    left_fenced: bool
    reached: bool = True


def _fault(kind: str, **more: t.Any) -> Set:
    def tell(lab: LabClient, table: str, rng: random.Random) -> None:
        if more.get("region_id") == "any":
            lab.fault(kind, table=table, **{**more, "region_id": rng.randrange(4)}, times=0)
        else:
            lab.fault(kind, table=table, times=0, **more)

    return tell


def _foreign(**action: t.Any) -> Set:
    def tell(lab: LabClient, table: str, rng: random.Random) -> None:
        lab.foreign(table=table, **action)

    return tell


def _rename(lab: LabClient, table: str, rng: random.Random) -> None:
    lab.foreign(cluster="target", rename_table={"old": table, "new": f"{table}_{rng.randrange(100)}"})


def _drop_on_target(lab: LabClient, table: str, rng: random.Random) -> None:
    lab.foreign(cluster="target", drop_table=table)


def _never_prepared(lab: LabClient, table: str, rng: random.Random) -> None:
    """As the reference's defect 1: the duplication is there, and nothing is ever counted as pending."""
    lab.fault("dup_stuck", table=table, step="DS_PREPARE", times=0)
    labs.duplicate(lab, [table], ready=False)


def _frozen_and_stuck(lab: LabClient, table: str, rng: random.Random) -> None:
    lab.fault("frozen_counter", table=table, times=0)
    lab.fault("dup_stuck", table=table, times=0)


def _fence_seen(lab: LabClient, table: str) -> None:
    """Wait until a fence of the table is at the meta server."""
    lab.wait_for(lambda state: labs.DENY in state["clusters"]["source"]["apps"][table]["envs"], 60.0)


STALLED = ("pegasus.not_drained", "pegasus.budget_too_small")
"""Nothing is shipped: found out under the fence, or in the forecast already, which counts with what was shipped."""
REMOVED = ("pegasus.fence_broken", "pegasus.fence_unprovable")
STALE = ("pegasus.lag.repeated", "pegasus.not_drained")
LIARS = (
    Liar("paused", _foreign(duplication={"status": "pause"}), ("pegasus.duplication.not_in_log",)),
    Liar("fail-skip", _fault("dup_fail_skip"), ("pegasus.duplication.fail_mode",)),
    Liar(
        "partition missing",
        _fault("partition_missing_in_progress", region_id="any"),
        ("pegasus.lag.unknown",),
    ),
    Liar("renamed", _rename, ("pegasus.target.missing",)),
    Liar("dropped on the target", _drop_on_target, ("pegasus.target.missing",)),
    Liar("removed", _foreign(duplication={"status": "removed"}), ("pegasus.duplication.missing",)),
    Liar("idle, never prepared", _never_prepared, ("pegasus.duplication.not_in_log",), ready=False),
    Liar("stuck", _fault("dup_stuck"), STALLED, gate=False),
    Liar("frozen counter, stuck", _frozen_and_stuck, STALLED, gate=False),
    Liar("lost log", _fault("lost_log"), STALLED, gate=False),
    Liar("stale progress", _fault("stale_progress"), STALE, gate=False),
    Liar("paused in the drain", _foreign(duplication={"status": "pause"}), ("pegasus.fence_broken",), gate=False),
    Liar("fail-skip in the drain", _fault("dup_fail_skip"), ("pegasus.fence_broken",), gate=False),
    Liar("removed in the drain", _foreign(duplication={"status": "removed"}), REMOVED, gate=False),
)


def ask(shape: Shape, liars: t.Sequence[Liar]) -> list[Asked]:
    """One liar for each table of a lab, one after another."""
    home = folder(f"s3-{shape.profile}-{shape.seed}")
    rng = random.Random(shape.seed)
    found = []
    with labs.server(home / "server", shape.factor) as server, labs.laboratory(shape, duplicated=False) as lab:
        lab.foreign(config=QUICK)
        labs.duplicate(lab, [name for name, liar in zip(shape.names, liars) if liar.ready])
        time.sleep(35 / shape.factor)
        for table, liar in zip(shape.names, liars):
            journal = home / f"{table}.jsonl"
            options = labs.cutover(lab, [table], journal, budget=f"{BUDGETS[shape.profile]}s", max_lag=100000)
            late = False
            if liar.gate:
                liar.tell(lab, table, rng)
                time.sleep(rng.uniform(0, 15) / shape.factor)
                ended = server.run(options, home / "out.txt", check=rng.random() < 0.7)
            elif "in the drain" in liar.name:
                run = server.start(options, home / "out.txt")
                _fence_seen(lab, table)
                liar.tell(lab, table, rng)
                late = labs.znode(lab.state(), table) == labs.REMOTE
                ended = run.wait()
            else:
                liar.tell(lab, table, rng)
                time.sleep(rng.uniform(0, 5) / shape.factor)
                ended = server.run(options, home / "out.txt")
            found.append(dataclasses.replace(judge(lab, table, liar, ended), reached=not late))
    return found


def idle_then_stale(shape: Shape) -> list[Asked]:
    """Progress that repeats "nothing is behind" from a time when nobody wrote, while nothing is shipped any more."""
    home = folder(f"s3-stale-{shape.profile}-{shape.seed}")
    liar = Liar("stale progress, stuck", _fault("stale_progress"), STALE)
    found = []
    with labs.server(home / "server", shape.factor) as server, labs.laboratory(shape) as lab:
        lab.foreign(config=QUICK)
        lab.writers(0, 0)
        time.sleep(45 / shape.factor)
        for table in shape.names:
            lab.fault("stale_progress", table=table, times=0)
            lab.fault("dup_stuck", table=table, times=0)
        # The first answer is the one that is repeated.
        for table in shape.names:
            server.run(labs.cutover(lab, [table], home / f"{table}.jsonl"), home / "out.txt", check=True)
        lab.writers(shape.clients * shape.tables, shape.rate * shape.tables)
        time.sleep(10 / shape.factor)
        for table in shape.names:
            options = labs.cutover(
                lab, [table], home / f"{table}.jsonl", budget=f"{BUDGETS[shape.profile]}s", max_lag=100000
            )
            found.append(judge(lab, table, liar, server.run(options, home / "out.txt")))
    return found


def judge(lab: LabClient, table: str, liar: Liar, ended: modules.Ended) -> Asked:
    """What became of one."""
    ledger = labs.ledgers(lab, [table])[table]
    state = lab.state()
    switched = labs.znode(state, table) == labs.REMOTE
    fenced = labs.DENY in state["clusters"]["source"]["apps"][table]["envs"] and not switched
    result = ended.result
    code = str(result.get("code", ""))
    listed = [one["id"] for one in result.get("details", {}).get("findings", [])]
    reasons = listed or ([code] if code else [])
    false_ready = ended.ok if liar.gate else switched and int(ledger["missing"]) > 0
    return Asked(
        liar=liar.name,
        false_ready=bool(false_ready),
        reason=",".join(reasons) or ("switched" if switched else "ready"),
        right=any(reason in liar.reasons for reason in reasons),
        left_fenced=fenced,
    )


DEFECTS: t.Mapping[str, tuple[str, t.Callable[[cutovers.Flow], bool]]] = {
    "never prepared": ("switched to a table without data", lambda one: one.success and one.missing > 0),
    "stuck": ("took a stalled duplication for a drained one", lambda one: one.success and one.missing > 0),
    "paused": ("took a paused duplication for a drained one", lambda one: one.success and one.missing > 0),
    "healthy": ("left the last mutation of partitions behind", lambda one: one.success and one.missing > 0),
    "hosts": ("ended with writes blocked", lambda one: not one.success and one.blocked),
    "no root": ("called blocked writes a success", lambda one: one.success and one.blocked),
}
"""What the reference is known to do wrong before each kind of cluster, and how that is seen in one run."""


def ask_reference(seed: int, factor: float) -> dict[str, cutovers.Flow]:
    """The reference flow before the same kind of clusters, all in one lab of 2.5: what it says, and what is lost."""
    cases: dict[str, dict[str, t.Any]] = {
        "never prepared": {},
        "stuck": {},
        "paused": {},
        "healthy": {},
        "hosts": {"zookeeper": "zk1:2181,zk2:2181"},
        "no root": {"root": ""},
    }
    shape = Shape("2.5", seed, tables=len(cases), factor=factor, rate=3)
    with labs.laboratory(shape, duplicated=False) as lab:
        tables = dict(zip(cases, shape.names))
        lab.config(durations={"copy": [3000, 3000]})
        labs.duplicate(lab, [table for case, table in tables.items() if case != "never prepared"])
        time.sleep(35 / factor)
        lab.fault("dup_stuck", table=tables["stuck"], times=0)
        lab.foreign(table=tables["paused"], duplication={"status": "pause"})
        since = float(lab.state()["time"])
        flows = cutovers.flows(lab, {tables[case]: flags for case, flags in cases.items()}, since)
    return dict(zip(cases, flows))
