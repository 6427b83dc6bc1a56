# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""StarRocks labs as kill tests see them: passwords to be found again, jobs of others, what has to be as it was."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import random
import time
import typing as t

from bench import guards, modules
from chaos.canaries import Canaries
from lab import process
from lab.client import LabClient
from system.starrocks_forks import MODULES

ROOT = "root"
TOOL = "tool"
SWITCH = "disable_load_job"
SIDES = ("source", "target")
GOING = ("NEED_SCHEDULE", "UNSTABLE")
"""A routine load's states on its way to RUNNING, and beside it."""
THEIRS = "theirs"
"""The name of a routine load and of a pipe that somebody has paused before the migration."""
PRIVATE = ("conf/sync.properties",)
INPUTS = ("variables.json", "vars.json", "switch.yml", "lab.json")


@dataclasses.dataclass(frozen=True)
class Shape:
    """A lab: the same shape holds the same tables and jobs every time. ``container``: nothing can be persisted."""

    profile: str = "4.1"
    target_profile: str = ""
    mode: str = "shared_nothing"
    seed: int = 7
    factor: float = 20.0
    tables: int = 6
    container: bool = False

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"starrocks-{self.profile}{f'-{self.target_profile}' if self.target_profile else ''}-{self.mode}"


def passwords(seed: int) -> dict[str, str]:
    """User -> a password with signs that want care in every language."""
    dice = random.Random(f"canaries {seed}")
    return {user: f"canary:{user}=%{dice.randrange(16**10):010x}#!\\n" for user in (ROOT, TOOL)}


@contextlib.contextmanager
def laboratory(shape: Shape) -> t.Iterator[LabClient]:
    """A lab with clients that write, and passwords of its own for root and the tool's user on both clusters."""
    with process.start(
        "starrocks",
        shape.profile,
        target_profile=shape.target_profile or None,
        mode=shape.mode,
        databases=2,
        tables=shape.tables,
        partitions=2,
        clients=2,
        rate=1,
        factor=shape.factor,
        seed=shape.seed,
        container=shape.container,
    ) as lab:
        chosen = passwords(shape.seed)
        for side in SIDES:
            for user, password in chosen.items():
                text = password.replace("\\", "\\\\")
                must(lab.foreign(cluster=side, sql=f"ALTER USER '{user}' IDENTIFIED BY '{text}'"))
        lab.describe["users"].update(chosen)
        _jobs_of_others(lab)
        yield lab


def must(answer: t.Mapping[str, t.Any]) -> None:
    """RuntimeError when the lab refused what somebody else was to do."""
    if "error" in answer:
        raise RuntimeError(f"the lab refused it: {answer['error']}")


def _jobs_of_others(lab: LabClient) -> None:
    jobs = lab.call("GET", "/state?tables=0")["clusters"]["source"]["routine_loads"]
    database = next(iter(jobs)).partition(".")[0]
    tables = list(lab.state()["clusters"]["source"]["databases"][database])
    place = {"name": THEIRS, "database": database, "table": tables[-1]}
    must(lab.foreign(routine_load={**place, "state": "PAUSED", "rate": 1.0}))
    if lab.call("GET", "/state?tables=0")["clusters"]["source"]["pipes"]:
        must(lab.foreign(pipe={**place, "state": "SUSPEND"}))


def canaries(lab: LabClient) -> Canaries:
    """Every secret that a migration in this lab is given."""
    described = lab.describe
    secrets = {f"password of {user}": str(described["users"][user]) for user in (ROOT, TOOL)}
    for side in SIDES:
        secrets[f"token of the {side}"] = str(described["clusters"][side]["token"])
    for user, key in ((described["s3"] or {}).get("users") or {}).items():
        secrets[f"secret key of {user}"] = str(key["secret_key"])
    return Canaries(secrets, INPUTS, PRIVATE)


def looked_at(lab: LabClient) -> dict[str, t.Any]:
    """The state without tables."""
    return t.cast("dict[str, t.Any]", lab.call("GET", "/state?tables=0"))


def settings(state: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Everything on both clusters that a migration may change and has to put back: configs of every frontend and
    node, global variables, volumes, users, load jobs."""
    found: dict[str, t.Any] = {}
    for side, cluster in state["clusters"].items():
        for one in cluster["frontends"]:
            for key, value in one["config"].items():
                found[f"{side} {one['name']} {key}"] = value
        for one in cluster["nodes"]:
            found[f"{side} node {one['host']}"] = one["config"]
        found[f"{side} globals"] = cluster["globals"]
        for name, volume in cluster["storage_volumes"].items():
            found[f"{side} volume {name}"] = volume
        for name, user in cluster["users"].items():
            found[f"{side} user {name}"] = user
        for kind in ("routine_loads", "pipes"):
            for name, word in cluster[kind].items():
                found[f"{side} {kind} {name}"] = "RUNNING" if word in GOING else word
    return found


def frozen(state: t.Mapping[str, t.Any]) -> list[bool]:
    """Whether each frontend of the source refuses loads."""
    return [one["config"].get(SWITCH) == "true" for one in state["clusters"]["source"]["frontends"]]


def freed(lab: LabClient, before: t.Mapping[str, t.Any], seconds: float) -> bool:
    """Wait, at most so many real seconds, until the source takes loads again and its jobs are as before."""
    mine = {name: value for name, value in before.items() if name.startswith(("source routine_loads", "source pipes"))}
    end = time.monotonic() + seconds
    while True:
        state = looked_at(lab)
        now = settings(state)
        if not any(frozen(state)) and all(now.get(name) == value for name, value in mine.items()):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.1)


def sent(lab: LabClient, since: int = 0) -> list[dict[str, t.Any]]:
    """The requests from a number on that are to change something, without those of the sync tool's own user."""
    return [one for one in lab.requests(since=since, mutating=True) if one.get("user") != TOOL]


def plain(request: str) -> str:
    """A request without what differs from lab to lab: the definition of a volume, a password."""
    return request.partition(" TYPE = ")[0].partition(" IDENTIFIED BY ")[0]


def last_seq(lab: LabClient) -> int:
    """The newest request's number."""
    seen = lab.requests()
    return int(seen[-1]["seq"]) if seen else 0


def missing(lab: LabClient, side: str, seconds: float = 3.0) -> int:
    """Acknowledged rows that a cluster lacks; those that are still being published get so many real seconds."""
    end = time.monotonic() + seconds
    while True:
        found = int(lab.ledger()["missing_on"][side])
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.1)


def longest_refusal(ledger: t.Mapping[str, t.Any], since: float, factor: float) -> float:
    """Real seconds of the longest stretch since a lab time in which no client's row was taken."""
    windows = ((max(float(start), since), float(end)) for start, end in ledger["refused_windows"])
    return max((end - start for start, end in windows if end > start), default=0.0) / factor


class Servers:
    """Runs of StarRocks modules, a process for each; guards below the folder end with it. A context manager."""

    def __init__(self, home: pathlib.Path) -> None:
        self._home = home
        self._stack = contextlib.ExitStack()
        self._found: dict[str, modules.ModuleServer] = {}

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *unused: object) -> None:
        self._stack.close()
        guards.kill_below(self._home)

    def of(self, module: str) -> modules.ModuleServer:
        """The server of one module."""
        if module not in self._found:
            server = modules.ModuleServer(self._home / module, MODULES + module)
            self._found[module] = self._stack.enter_context(server)
        return self._found[module]
