# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P9: does check mode predict the calls that a real run then sends? Random states; the lab's record is the witness."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import random
import shutil
import typing as t
import urllib.parse

from bench import labs, modules, moves, workshop
from lab import process
from lab.client import LabClient

PROFILES = ("0.6", "0.7", "0.8", "0.9.2", "0.9.5", "0.12", "0.15", "0.17", "1.0", "1.1")
FACTOR = 20.0
NODES = 4
REGIONS = 40


@dataclasses.dataclass(frozen=True)
class Predicted:
    """One state: the calls that check mode told and those that the real run sent, in order."""

    profile: str
    told: tuple[str, ...]
    sent: tuple[str, ...]
    told_code: str
    sent_code: str
    attached: int

    @property
    def right(self) -> int:
        """How many calls were predicted with the same arguments, whatever their order."""
        both = collections.Counter(self.told) & collections.Counter(self.sent)
        return sum(both.values()) if self.told_code == self.sent_code else 0

    @property
    def same(self) -> bool:
        """The same calls with the same arguments, and the same end."""
        return sorted(self.told) == sorted(self.sent) and self.told_code == self.sent_code

    @property
    def same_order(self) -> bool:
        """The same calls in the same order."""
        return self.same and self.told == self.sent


def states(profile: str, seeds: t.Sequence[int], server: modules.ModuleServer) -> t.Iterator[Predicted]:
    """Play the states of one profile one after another; each leaves the placement in which the next one begins."""
    with process.start(
        profile=profile, datanodes=NODES, regions=REGIONS, factor=FACTOR, writers=2, rate=20, seed=seeds[0]
    ) as lab:
        # Long enough that what one step has started is still at work when the next one looks.
        lab.config(durations={"catch_up": [0.5, 14.0]})
        for seed in seeds:
            home = workshop.HOME / f"prediction-{profile}-{seed}"
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            found = _play(lab, random.Random(seed), home, server)
            if found.same:
                shutil.rmtree(home)
            yield found


def _play(lab: LabClient, rng: random.Random, home: pathlib.Path, server: modules.ModuleServer) -> Predicted:
    """One random state: some moves to make, some made already, some in flight, now and then an impossible one."""
    leaders = labs.leaders(labs.rest(lab))
    regions = rng.sample(sorted(leaders), rng.randrange(1, 11))
    kinds = [rng.choice(("move", "move", "move", "there", "flying")) for _dummy in regions]
    if rng.random() < 0.06:
        kinds[rng.randrange(len(kinds))] = "impossible"
    wanted = [_wanted(region, leaders[region], kind, rng) for region, kind in zip(regions, kinds)]
    limits: dict[str, int | None] = {
        "global": rng.randrange(1, 9),
        "per_source": rng.choice((None, 1, 2, 4)),
        "per_target": rng.choice((None, 1, 2, 4)),
    }
    given = {
        **labs.connection(lab, rng.choice(("mysql", "http"))),
        "journal": str(home / "journal.jsonl"),
        "migration_id": home.name,
        "settle_time": f"{10 / FACTOR}s",
        "poll_interval": "50ms",
        "server_timeout": rng.choice(("20s", "90s", "2m")),
        "flush_before": rng.choice(("auto", "auto", "always", "never")),
    }
    flying = [move for move, kind in zip(wanted, kinds) if kind == "flying"]
    if flying:
        # One short step of the same migration leaves moves at work on the server, and their submissions in the journal.
        server.run({**given, "moves": flying, "limits": {"global": 8}, "step_time": "100ms"}, home / "before.txt")
    if rng.random() < 0.5:
        ordering = rng.choice(("planned", "eager", ""))
        moves.write_plan(home / "plan.yml", leaders, wanted, limits, ordering)
        given["plan_file"] = str(home / "plan.yml")
    else:
        given.update(moves=wanted, limits=limits)
    told = server.run(given, home / "told.txt", check=True)
    since = lab.requests()[-1]["seq"] + 1
    real = server.run(given, home / "real.txt")
    sent = [statement(one["request"]) for one in lab.requests(since=since, mutating=True)]
    return Predicted(
        profile=str(lab.describe["profile"]),
        told=tuple(statement(one["request"]) for one in told.result.get("changes", [])),
        sent=tuple(sent),
        told_code=str(told.result.get("code", "")),
        sent_code=str(real.result.get("code", "")),
        attached=sum(1 for one in told.result.get("moves", []) if one["state"] == "submitted"),
    )


def _wanted(region: int, leader: int, kind: str, rng: random.Random) -> moves.Move:
    others = [node for node in range(NODES) if node != leader]
    if kind == "there":
        return {"region_id": region, "from_peer": rng.choice(others), "to_peer": leader}
    if kind == "impossible":
        source, target = rng.sample(others, 2)
        return {"region_id": region, "from_peer": source, "to_peer": target}
    return {"region_id": region, "from_peer": leader, "to_peer": rng.choice(others)}


def statement(request: str) -> str:
    """What a recorded or predicted request asks for: the SQL of an HTTP SQL call, else method, path and arguments."""
    if "/v1/sql" in request:
        query = request.partition("sql=")[2] or request
        return urllib.parse.unquote_plus(query.partition("&")[0])
    return request
