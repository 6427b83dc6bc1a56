# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of the module that installs, starts, restarts, ends and removes the sync tool (S1).

Its effects are files and processes, each between two appends to the journal; and the moment in which the tool's process
appears or goes. Then the same again: one tool has to run and never two, or none, and nobody has to have forgotten one.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
import stat
import time
import typing as t

from bench import modules
from chaos import journal_check, starrocks_tool
from chaos import starrocks_labs as labs
from chaos import starrocks_scenes as scenes
from chaos.judgement import Verdict
from chaos.kills import JOURNAL_SIDES, Point
from chaos.starrocks_kills import Tried
from chaos.starrocks_labs import Servers, Shape
from chaos.starrocks_trial import HOME, MOST_RUNS, PAUSE
from lab.client import LabClient

TOOL = "tool"
START, RESTART, STOP, REMOVE = "start", "restart", "stop", "remove"
OPERATIONS = (START, RESTART, STOP, REMOVE)
_STATES = {START: "started", RESTART: "started", STOP: "stopped", REMOVE: "absent"}
SHAPE = Shape("4.1", tables=2)
PLACE = "StarRocks 4.1 lab, sync tool"
REACH = 20.0
"""Real seconds in which the tool's process has to appear or to go."""
_GLANCE = 0.002
PROPERTIES = "conf/sync.properties"


class ToolTrial:
    """One folder for a tool, and one journal."""

    def __init__(self, operation: str, name: str, lab: LabClient, servers: Servers) -> None:
        self.operation = operation
        self.name = name
        self.lab = lab
        self.home = HOME / name
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.directory = self.home / "sync"
        self.journal = self.home / "journal.jsonl"
        self.outputs: list[str] = []
        self._servers = servers

    def set_up(self) -> None:
        """What is there before the operation. RuntimeError when it does not come about."""
        if self.operation != START and not self.run(START).ok:
            raise RuntimeError(f"{self.name}: the tool does not start: {self.outputs[-1][-1500:]}")

    def start(self, operation: str = "", **more: t.Any) -> modules.ModuleRun:
        """Begin a run, of this case's operation unless told otherwise."""
        wanted = operation or self.operation
        options = scenes.tool_options(self.lab, self.directory, self.journal, _STATES[wanted])
        if wanted == RESTART:
            options["report_interval_seconds"] = 11
        return self._servers.of("sync_tool").start(options, self.home / "out.txt", **more)

    def run(self, operation: str = "", **more: t.Any) -> modules.Ended:
        """A run to its end."""
        ended = self.start(operation, **more).wait()
        self.outputs.append("(killed)" if ended.killed else ended.output)
        return ended

    def until_ended(self) -> bool:
        """Run again until a run ends well; False when none of them does."""
        for number in range(1, MOST_RUNS + 1):
            if self.run().ok:
                return True
            time.sleep(PAUSE * number)
        return False

    def verdict(self, ended: bool) -> Verdict:
        """Look at files, processes and journal, then run once more: that run must find nothing to do."""
        wrong = wrong_with(self.operation, self.directory, starrocks_tool.processes(self.directory))
        if not ended:
            wrong.append("it did not end well in any of the runs")
        extra = self.run()
        if ended and (not extra.ok or extra.result.get("changed")):
            wrong.append("the run after the end says that it changed something")
        wrong += wrong_with(self.operation, self.directory, starrocks_tool.processes(self.directory))
        wrong += [f"journal: {problem}" for problem in journal_check.problems(self.journal)]
        return Verdict(tuple(dict.fromkeys(wrong)), (), ())

    def close(self) -> tuple[str, ...]:
        """End what runs, and tell where secrets are."""
        starrocks_tool.kill(self.directory)
        (self.home / "outputs.txt").write_text("\n-----\n".join(self.outputs) + "\n", encoding="utf-8")
        return tuple(labs.canaries(self.lab).leaks(self.home))


def wrong_with(operation: str, directory: pathlib.Path, pids: t.Sequence[int]) -> list[str]:
    """What is not as it has to be when an operation has ended well."""
    found: list[str] = []
    wanted = 1 if operation in (START, RESTART) else 0
    if len(pids) != wanted:
        found.append(f"{len(pids)} processes of the tool run, and not {wanted}")
    if operation == REMOVE and directory.exists():
        found.append("its folder is still there")
    if operation != REMOVE:
        path = directory / PROPERTIES
        if not path.is_file():
            found.append("it has no configuration")
        elif stat.S_IMODE(path.stat().st_mode) != 0o600:
            found.append(f"the mode of its configuration is {stat.S_IMODE(path.stat().st_mode):o}")
    return found


def record(operation: str, lab: LabClient, servers: Servers) -> list[Point]:
    """Run an operation without a kill and return all points that it has."""
    trial = ToolTrial(operation, f"starrocks-tool-{operation}-record", lab, servers)
    trial.set_up()
    ended = trial.run(count=trial.home / "appends")
    appends = len((trial.home / "appends").read_bytes()) if (trial.home / "appends").exists() else 0
    problems = [*trial.verdict(ended.ok).problems, *trial.close()]
    if problems:
        raise RuntimeError(f"the {operation} of the tool without a kill: {problems}; see {trial.home}")
    shutil.rmtree(trial.home, ignore_errors=True)
    moments = {START: ("appears",), RESTART: ("goes", "appears"), STOP: ("goes",), REMOVE: ("goes",)}[operation]
    return [
        *(Point("journal", index, side) for index in range(appends) for side in JOURNAL_SIDES),
        *(Point("process", 0, moment) for moment in moments),
    ]


def kill(operation: str, point: Point, lab: LabClient, servers: Servers) -> Tried:
    """Kill at one point, then run again until it ends."""
    trial = ToolTrial(operation, f"starrocks-tool-{operation}-{point.name}", lab, servers)
    trial.set_up()
    if point.effect == "journal":
        reached = trial.run(death={"write": point.index, "how": point.side}).killed
    else:
        before = set(starrocks_tool.processes(trial.directory))
        run = trial.start()
        reached = _await_process(trial.directory, before, point.side)
        run.kill()
        reached = run.wait().killed and reached
    verdict = trial.verdict(trial.until_ended())
    leaks = trial.close()
    tried = Tried(trial.name, f"{TOOL} {operation}", PLACE, reached, verdict, leaks)
    if tried.problems:
        (trial.home / "problems.txt").write_text("\n".join([trial.name, *tried.problems]) + "\n", encoding="utf-8")
        state = json.dumps(lab.requests()[-200:], indent=1)
        (trial.home / "requests.json").write_text(state, encoding="utf-8")
    else:
        shutil.rmtree(trial.home, ignore_errors=True)
    return tried


def _await_process(directory: pathlib.Path, before: set[int], moment: str) -> bool:
    """Until another process of the tool is there, or none of those that were."""
    end = time.monotonic() + REACH
    while time.monotonic() < end:
        now = set(starrocks_tool.processes(directory))
        if (now - before) if moment == "appears" else not (now & before):
            return True
        time.sleep(_GLANCE)
    return False


@dataclasses.dataclass(frozen=True)
class Some:
    """Which of an operation's points are tried: ``choose`` of all that were recorded."""

    operation: str
    choose: t.Callable[[t.Sequence[Point]], t.Sequence[Point]]


def kill_all(some: Some) -> list[Tried]:
    """All of one operation, in one lab: each case has a folder and a tool of its own."""
    name = f"starrocks-tool-{some.operation}"
    with Servers(HOME / "servers" / name) as servers, labs.laboratory(SHAPE) as lab:
        points = some.choose(record(some.operation, lab, servers))
        return [kill(some.operation, point, lab, servers) for point in points]
