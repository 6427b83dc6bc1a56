# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""W5: from writes stopped to every partition proved equal, with the sync tool at work. Lab seconds."""

from __future__ import annotations

import dataclasses
import random
import time
import typing as t

from bench import starrocks_labs as labs
from bench.starrocks_labs import Runs, Shape, SyncTool
from bench.workshop import RunFailed, folder
from lab.client import LabClient

INTERVALS = {"meta_job_interval_seconds": 10, "report_interval_seconds": 10}
"""What the role gives the tool for the time of the cutover; its other intervals are as shipped."""
SHIPPED = 10.0
"""Seconds between two rounds of replications, and between two of DDL, as the tool is shipped."""
BLOCKED = "starrocks.cutover_blocked"
PATIENCE = 300.0
"""Real seconds that a tool gets to catch up."""
SECONDS = {
    "budget": 900,
    "switch_reserve": 60,
    "quiet_time": 10,
    "poll_interval": 2,
    "transaction_time": 10,
    "copy_time": 10,
}
"""The cutover's own defaults."""


@dataclasses.dataclass(frozen=True)
class Window:
    """One stop of writes. `transfer`: the longest replication that ended in it, which nobody can do without.

    `early`: how often the tool said that nothing was left, and the comparison said otherwise. `missing`: acknowledged
    rows that the target lacked in the end.
    """

    seconds: float
    transfer: float
    partitions: int
    missing: int
    early: int = 0
    forecast: float = 0.0

    @property
    def beside(self) -> float:
        """What is left without the transfer."""
        return self.seconds - self.transfer


def ours(shape: Shape) -> Window:
    """The cutover module. Its times are given as many times shorter as the lab's clock is faster, as it lives in ours.

    So what it needs for its own work, and every pause that is no option, counts that many times.
    """
    home = folder(f"w5-{shape.seed}-{shape.factor:g}")
    with Runs(home) as runs, labs.laboratory(shape) as lab, SyncTool(lab, runs, **INTERVALS) as tool:
        options = cutover(lab, tool, shape.factor, str(home / "journal.jsonl"))
        rng = random.Random(shape.seed)
        told: dict[str, t.Any] = {}
        while told.get("state") != "handed_over":
            until_ready(runs, options)
            time.sleep(rng.uniform(0, INTERVALS["meta_job_interval_seconds"] + SHIPPED) / shape.factor)
            lab.clear_requests()
            ended = runs.run("cutover", options)
            told = ended.result
            # A client may just have written to a partition that was empty until then: nothing is stopped before its
            # first copy.
            if not ended.ok and told.get("code") != BLOCKED:
                raise RunFailed(f"{home}: {told.get('code')}: {told.get('msg', ended.output[-2000:])}")
        missing = int(lab.ledger()["missing_on"]["target"])
        first = next(one for one in lab.requests(mutating=True) if one["surface"] == "source-mysql")
        seconds = float(told["window"]["proved"]) * shape.factor
        stopped = float(first["at"])
        transfer = longest(labs.clusters(lab), stopped, stopped + seconds)
        runs.good("cutover", {**options, "state": "lifted"})
        forecast = float(told["forecast"]["held_p95"]) * shape.factor
        return Window(seconds, transfer, int(told["partitions"]), missing, forecast=forecast)


def cutover(lab: LabClient, tool: SyncTool, factor: float, journal: str) -> dict[str, t.Any]:
    """Options of the cutover."""
    spans = {
        **SECONDS,
        "meta_job_interval": INTERVALS["meta_job_interval_seconds"],
        "replication_job_interval": 2 * SHIPPED,
    }
    return {
        **labs.both(lab),
        **{name: f"{seconds / factor:g}s" for name, seconds in spans.items()},
        "tool_directory": str(tool.directory),
        "journal": journal,
    }


def until_ready(runs: Runs, options: t.Mapping[str, t.Any]) -> None:
    """Until a cutover would begin."""
    end = time.monotonic() + PATIENCE
    while True:
        ended = runs.run("cutover", options, check=True)
        if ended.ok:
            return
        if ended.result.get("code") != BLOCKED or time.monotonic() > end:
            raise RunFailed(f"{runs.home}: never ready: {ended.result.get('msg', ended.output[-2000:])}")
        time.sleep(0.5)


def longest(state: t.Mapping[str, t.Any], since: float, until: float) -> float:
    """Seconds of the longest replication that ended in a window, of what lies in it."""
    found = [
        float(one["finished"]) - max(since, float(one["created"]))
        for one in state["clusters"]["target"]["replications"].values()
        if one["state"] == "COMMITTED" and one["finished"] is not None and since < float(one["finished"]) <= until
    ]
    return max(found, default=0.0)
