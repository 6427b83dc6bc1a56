# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case from the first run to the verdict: what was there before, run again until it ends, look at everything.

What is handed over takes two calls with the operator's switch between them. A run of a whole case is then all of that.
"""

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
HANDED_OVER = "handed_over"
FENCE_WAS_LIFTED = "pegasus.fence_was_lifted"
PAUSE = 10.0
"""Lab seconds before a run that failed is repeated the first time."""
GUARD_ENDS = 5.0
"""Real seconds in which a guard that was let go has to be gone."""


class Trial:
    """Some tables of a lab. Files of the case are kept only when something is wrong with it.

    :raises RuntimeError: what comes before the call that is killed does not end well
    """

    def __init__(
        self, scene: Scene, name: str, lab: LabClient, server: modules.ModuleServer, tables: t.Sequence[str]
    ) -> None:
        self.scene = scene
        self.name = name
        self.lab = lab
        self.tables = list(tables)
        self.home = HOME / name
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.journal = self.home / "journal.jsonl"
        self.out = self.home / "out.txt"
        self._first = scenes.options(scene, lab, tables, self.journal)
        self.outputs: list[str] = []
        self.freed = True
        self._server = server
        state = lab.state()
        self._since = float(state["time"])
        self._before = scenes.settings(scene, state, tables)
        self._killed = self._prepared()
        self.first_seq = self._last_seq() + 1

    def _prepared(self) -> dict[str, t.Any]:
        """Do what comes before the call that is killed; the options of that."""
        if self.scene.operation not in (scenes.COMMITTING, scenes.LIFTING):
            return self._first
        ended = self.note(self._server.run(self._first, self.out))
        if ended.result.get("state") != HANDED_OVER:
            raise RuntimeError(f"{self.name}: {ended.output[-1500:]}")
        if self.scene.operation == scenes.LIFTING:
            return {**self._first, "state": "lifted"}
        self._switch()
        return {**self._first, "state": "committed"}

    def _switch(self) -> None:
        """What an operator does between hand-over and commit. Twice does no harm."""
        for table in self.tables:
            self.lab.foreign(table=table, switch="target")

    def _last_seq(self) -> int:
        seen = self.lab.requests()
        return int(seen[-1]["seq"]) if seen else 0

    def note(self, ended: modules.Ended) -> modules.Ended:
        """Keep the output of a run for the case's folder."""
        self.outputs.append("(killed)" if ended.killed else ended.output)
        return ended

    def start(self, **more: t.Any) -> modules.ModuleRun:
        """Begin the call that is killed."""
        return self._server.start(self._killed, self.out, **more)

    def run(self, **more: t.Any) -> modules.Ended:
        """That call to its end."""
        return self.note(self._server.run(self._killed, self.out, **more))

    def run_whole(self) -> modules.Ended:
        """Everything that a person gives again when a run has died, to its end."""
        return self.complete(self.run())

    def complete(self, ended: modules.Ended) -> modules.Ended:
        """What follows on the call that is killed, when it has ended like this."""
        if self.scene.operation == scenes.COMMITTING and ended.result.get("code") == FENCE_WAS_LIFTED:
            # The guard could not know of the switch, so there has to be another fence.
            ended = self.note(self._server.run(self._first, self.out))
        if self.scene.operation in scenes.HANDED_OVER and ended.result.get("state") == HANDED_OVER:
            self._switch()
            ended = self.note(self._server.run({**self._first, "state": "committed"}, self.out))
        return ended

    def kill_guards(self) -> int:
        """SIGKILL every guard of this case that is there; how many."""
        return guards.kill(self.journal)

    def wait_for_guard(self) -> None:
        """With nobody but the guard: clients have to be able to write again when the budget is over."""
        if self.scene.fenced:
            end = time.monotonic() + (self.scene.budget + BEYOND) / self.scene.factor + 2.0
            self.freed = all(labs.freed(self.lab, table, end - time.monotonic()) for table in self.tables)

    def until_ended(self, runs: int = MOST_RUNS) -> bool:
        """Run again until a run ends well, with pauses that grow; False when none of them does."""
        for number in range(1, runs + 1):
            if self.run_whole().ok:
                return True
            time.sleep(PAUSE * number / self.scene.factor)
        return False

    def verdict(self, ended: bool) -> Verdict:
        """Look at everything, then run once more: that run must find nothing to do."""
        writable = all(labs.writable(self.lab, table, 60 / self.scene.factor + 3.0) for table in self.tables)
        last = self._last_seq()
        extra = self.run() if ended else modules.Ended(False, {}, "")
        calls = [one["request"] for one in self.lab.requests(since=last + 1, mutating=True)] if ended else []
        state = self.lab.state()
        accounts = labs.ledgers(self.lab, self.scene.shape.names)
        ledgers = [accounts[table] for table in self.tables]
        found = Evidence(
            wrong=[
                f"{table}: {text}" for table in self.tables for text in scenes.wrong(self.scene, self.lab, state, table)
            ],
            held=max(pegasus_windows.longest(ledger, self._since) for ledger in ledgers),
            budget=self.scene.budget,
            freed=self.freed,
            writable=writable,
            guards=self._guards_left(),
            missing_writes=sum(int(ledger["missing"]) for ledger in ledgers),
            settings_before=self._before,
            settings_after=scenes.settings(self.scene, state, self.tables),
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
