# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case from the first run to the verdict: what was there before, run again until it ends, look at everything."""

from __future__ import annotations

import json
import shutil
import time
import typing as t

from bench import guards, modules, pegasus_windows
from bench import pegasus_labs as labs
from chaos import journal_check
from chaos import pegasus_scenes as scenes
from chaos.fence_judgement import BEYOND, Evidence, judge
from chaos.judgement import Verdict
from chaos.pegasus_scenes import Scene
from lab.client import LabClient
from tooling import paths

HOME = paths.BUILD / "chaos"
MOST_RUNS = 6
PAUSE = 10.0
"""Lab seconds before a run that failed is repeated the first time."""
GUARD_ENDS = 5.0
"""Real seconds in which a guard that was let go has to be gone."""


class Trial:
    """One table of a lab. Files of the case are kept only when something is wrong with it."""

    def __init__(self, scene: Scene, name: str, lab: LabClient, server: modules.ModuleServer, table: str) -> None:
        self.scene = scene
        self.name = name
        self.lab = lab
        self.table = table
        self.home = HOME / name
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.journal = self.home / "journal.jsonl"
        self.out = self.home / "out.txt"
        self.options = scenes.options(scene, lab, table, self.journal)
        self.outputs: list[str] = []
        self.freed = True
        self._server = server
        state = lab.state()
        self._since = float(state["time"])
        self._before = scenes.settings(scene, state, table)
        self.first_seq = self._last_seq() + 1

    def _last_seq(self) -> int:
        seen = self.lab.requests()
        return int(seen[-1]["seq"]) if seen else 0

    def note(self, ended: modules.Ended) -> modules.Ended:
        """Keep the output of a run for the case's folder."""
        self.outputs.append("(killed)" if ended.killed else ended.output)
        return ended

    def start(self, **more: t.Any) -> modules.ModuleRun:
        """Begin a run."""
        return self._server.start(self.options, self.out, **more)

    def run(self, **more: t.Any) -> modules.Ended:
        """A run to its end."""
        return self.note(self._server.run(self.options, self.out, **more))

    def kill_guards(self) -> int:
        """SIGKILL every guard of this case that is there; how many."""
        return guards.kill(self.journal)

    def wait_for_guard(self) -> None:
        """With nobody but the guard: clients have to be able to write again when the budget is over."""
        if self.scene.operation == scenes.CUTOVER:
            seconds = (self.scene.budget + BEYOND) / self.scene.factor
            self.freed = labs.freed(self.lab, self.table, seconds + 2.0)

    def until_ended(self, runs: int = MOST_RUNS) -> bool:
        """Run again until a run ends well, with pauses that grow; False when none of them does."""
        for number in range(1, runs + 1):
            if self.run().ok:
                return True
            time.sleep(PAUSE * number / self.scene.factor)
        return False

    def verdict(self, ended: bool) -> Verdict:
        """Look at everything, then run once more: that run must find nothing to do."""
        writable = labs.writable(self.lab, self.table, 60 / self.scene.factor + 3.0)
        last = self._last_seq()
        extra = self.run() if ended else modules.Ended(False, {}, "")
        calls = [one["request"] for one in self.lab.requests(since=last + 1, mutating=True)] if ended else []
        state = self.lab.state()
        ledger = labs.ledgers(self.lab, self.scene.shape.names)[self.table]
        found = Evidence(
            wrong=scenes.wrong(self.scene, self.lab, state, self.table),
            held=pegasus_windows.longest(ledger, self._since),
            budget=self.scene.budget,
            freed=self.freed,
            writable=writable,
            guards=self._guards_left(),
            missing_writes=int(ledger["missing"]),
            settings_before=self._before,
            settings_after=scenes.settings(self.scene, state, self.table),
            extra_calls=calls,
            extra_changed=ended and (not extra.ok or bool(extra.result.get("changed"))),
            ended=ended,
            journal=self._journal(),
        )
        result = judge(found)
        if result.problems:
            self._keep(result, state)
        else:
            shutil.rmtree(self.home, ignore_errors=True)
        return result

    def _journal(self) -> list[str]:
        """What is wrong with the journal. A line torn at its end is mended by the next run that has to write."""
        if self.journal.exists() and not self.journal.read_bytes().endswith(b"\n"):
            whole, newline, _torn = self.journal.read_bytes().rpartition(b"\n")
            mended = self.home / "mended.jsonl"
            mended.write_bytes(whole + newline)
            return journal_check.problems(mended)
        return journal_check.problems(self.journal)

    def _guards_left(self) -> int:
        end = time.monotonic() + GUARD_ENDS
        while guards.running(self.journal) and time.monotonic() < end:
            time.sleep(0.1)
        return self.kill_guards()

    def _keep(self, result: Verdict, state: t.Mapping[str, t.Any]) -> None:
        record = [json.dumps(one) for one in self.lab.requests(since=self.first_seq)]
        (self.home / "requests.jsonl").write_text("\n".join(record) + "\n", encoding="utf-8")
        (self.home / "outputs.txt").write_text("\n-----\n".join(self.outputs) + "\n", encoding="utf-8")
        (self.home / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
        (self.home / "problems.txt").write_text("\n".join([self.name, *result.problems]) + "\n", encoding="utf-8")
