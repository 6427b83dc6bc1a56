# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Region moves against the lab while somebody pauses, limits and aborts them: what the server gets is what counts."""

from __future__ import annotations

import json
import os
import pathlib
import random
import subprocess
import sys
import time
import typing as t

import pytest

from bench import labs
from chaos import journal_check, scenes
from chaos.scenes import Scene
from lab.client import LabClient
from tooling import linked

MODULE = "ansible_collections.dbops.migration.plugins.modules.greptimedb_region_migration"
SCENE = Scene("1.1", 5, count=9, factor=4.0, regions=18)
# Lab seconds; a move takes about a real second.
MOVE = 4.0


class Run:
    """A run of the module to its end, in one call, with its control file."""

    def __init__(self, lab: LabClient, folder: pathlib.Path, **more: t.Any) -> None:
        self.lab = lab
        self._started: list[subprocess.Popen[str]] = []
        self.journal = folder / "journal.jsonl"
        self.file = folder / "journal.jsonl.control"
        self.moves = scenes.choose(lab.state(), random.Random(SCENE.seed), SCENE.count)
        limits = {"global": 2, "per_source": 2, "per_target": 2}
        self._options = scenes.options(
            SCENE, lab, self.moves, self.journal, limits=limits, move_timeout="20s", timeout="120s", **more
        )

    def start(self, check: bool = False) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(linked.collections_root())},
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**self._options, "_ansible_check_mode": check}}))
        process.stdin.close()
        process.stdin = None
        self._started.append(process)
        return process

    def kill(self) -> None:
        """End what a test that failed has left."""
        for process in self._started:
            process.kill()
            process.wait()

    @staticmethod
    def finish(process: subprocess.Popen[str]) -> dict[str, t.Any]:
        out, err = process.communicate(timeout=180)
        assert "{" in out, out + err
        return dict(json.loads(out[out.index("{") :]))

    def submitted(self) -> int:
        """How many moves the server was asked for."""
        return sum(labs.submissions(self.lab.requests(mutating=True)).values())

    def until(self, condition: t.Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.05)

    def acknowledged(self) -> list[tuple[str, str]]:
        """What the journal has acknowledged, and how."""
        if not self.journal.exists():
            return []
        entries = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [(one["data"]["wish"], one["data"]["effect"]) for one in entries if one["kind"] == "control"]

    def arrived(self) -> bool:
        wanted = {int(move["region_id"]): move["to_peer"] for move in self.moves}
        return wanted.items() <= labs.leaders(self.lab.state()).items()


@pytest.fixture(name="lab")
def fixture_lab() -> t.Iterator[LabClient]:
    with scenes.laboratory(SCENE) as lab:
        lab.config(durations={"catch_up": MOVE})
        lab.clear_requests()
        yield lab


Begin = t.Callable[..., Run]


@pytest.fixture(name="begin")
def fixture_begin(lab: LabClient, tmp_path: pathlib.Path) -> t.Iterator[Begin]:
    begun: list[Run] = []

    def begin(**more: t.Any) -> Run:
        begun.append(Run(lab, tmp_path, **more))
        return begun[-1]

    yield begin
    for run in begun:
        run.kill()


@pytest.mark.cost(30)
def test_paused_limited_and_resumed_while_it_runs(lab: LabClient, begin: Begin) -> None:
    run = begin()
    process = run.start()
    run.until(lambda: run.submitted() >= 2)
    run.file.write_text("pause\n")
    run.until(lambda: ("pause", "taken") in run.acknowledged())
    before = run.submitted()
    # What runs goes on to its end, and nothing takes its place.
    run.until(lambda: labs.at_rest(lab.state()))
    time.sleep(1.5)
    assert run.submitted() == before < SCENE.count
    run.file.write_text("limits global=1\n")
    run.until(lambda: ("limits global=1", "taken") in run.acknowledged())
    result = run.finish(process)
    assert (result.get("msg"), result["finished"]) == (None, True), result
    assert run.arrived()
    assert run.submitted() == SCENE.count
    later = sorted(labs.spans(lab.state()), key=lambda span: span.started)[before:]
    assert len(later) == SCENE.count - before
    assert all(one.ended <= two.started for one, two in zip(later, later[1:], strict=False)), "one at a time"
    assert run.acknowledged() == [("pause", "taken"), ("none", "taken"), ("limits global=1", "taken")]
    assert "control: pause (nothing new is begun, what runs goes on)" in result["events"]
    assert journal_check.problems(run.journal) == []


@pytest.mark.thorough
@pytest.mark.cost(25)
def test_aborted_and_gone_on_with(lab: LabClient, begin: Begin) -> None:
    run = begin()
    process = run.start()
    run.until(lambda: run.submitted() >= 2)
    run.file.write_text("abort the backup is late\n")
    failed = run.finish(process)
    assert (failed["failed"], failed["code"]) == (True, "control.aborted"), failed
    assert "the backup is late" in failed["msg"]
    assert labs.at_rest(lab.state()), "what ran has ended"
    sent = run.submitted()
    assert sent < SCENE.count
    # It holds until it is withdrawn, in check mode too, and sends nothing meanwhile.
    for check in (True, False):
        assert run.finish(run.start(check))["code"] == "control.aborted"
    assert run.submitted() == sent
    run.file.unlink()
    result = run.finish(run.start())
    assert (result.get("msg"), result["finished"]) == (None, True), result
    assert run.arrived()
    assert run.submitted() == SCENE.count, "none twice"
    assert journal_check.problems(run.journal) == []


@pytest.mark.cost(8)
def test_outside_the_window_nothing_is_sent(begin: Begin) -> None:
    now = time.time()
    later = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds)) for seconds in (100, 900)]
    run = begin(cutover_window="/".join(later), wait=False, step_time="1s")
    result = run.finish(run.start())
    assert result["finished"] is False
    assert [(one["reason"], one["count"]) for one in result["waits"]] == [("window.closed", SCENE.count)]
    assert run.submitted() == 0


@pytest.mark.cost(8)
def test_a_window_behind_the_end_of_the_run_is_not_waited_for(begin: Begin) -> None:
    run = begin(cutover_window="2090-01-01T00:00:00Z/2090-01-01T01:00:00Z")
    for check in (True, False):
        failed = run.finish(run.start(check))
        assert (failed["failed"], failed["code"]) == (True, "cutover.no_window"), failed
        assert "timeout (greptimedb_timeout of the role) ends the wait in 2m" in failed["msg"]
    assert run.submitted() == 0
