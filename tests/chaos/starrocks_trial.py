# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case from the first run to the verdict: what was there before, run again until it ends, look at everything."""

from __future__ import annotations

import json
import random
import shutil
import time
import typing as t

from bench import guards, modules
from chaos import journal_check
from chaos import starrocks_labs as labs
from chaos import starrocks_scenes as scenes
from chaos.fence_judgement import BEYOND, Evidence, judge
from chaos.judgement import Verdict
from chaos.starrocks_labs import Servers
from chaos.starrocks_scenes import Scene
from chaos.starrocks_tool import Tool
from lab.client import LabClient
from tooling import paths

HOME = paths.BUILD / "chaos"
MOST_RUNS = 8
PAUSE = 0.5
"""Real seconds before a run that failed is repeated the first time."""
GUARD_ENDS = 5.0
"""Real seconds in which a guard that was let go has to be gone."""
_MODULES = {scenes.FREEZE: "write_freeze", scenes.THAW: "write_freeze"}
_STATES = {
    scenes.CUT_OVER: "cut_over",
    scenes.COMMIT: "committed",
    scenes.LIFT: "lifted",
    scenes.FREEZE: "present",
    scenes.THAW: "absent",
}
_ENDED_BY_GUARD = "starrocks.freeze_was_lifted"
_HANDED_OVER = "starrocks.handed_over"
_GATE = 40
"""So often the gate of a cutover is looked at, with a pause of PAUSE, before the case begins."""


class Trial:
    """One migration of a lab with a journal of its own. Files of it are kept only when something is wrong with it.

    A case ends where it began: with the source's writes let go, so that the next one can use the same lab.
    """

    def __init__(self, scene: Scene, name: str, lab: LabClient, servers: Servers, tool: Tool) -> None:
        self.scene = scene
        self.name = name
        self.lab = lab
        self.home = HOME / name
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        self.journal = self.home / "journal.jsonl"
        self.outputs: list[str] = []
        self.freed = True
        self.tool = tool
        self.wrong: list[str] = []
        self.beyond = 0.0
        self.budget = scenes.BUDGET
        self._servers = servers
        self._chance = random.Random(f"end {name}")
        self._factor = float(lab.describe["factor"])
        self._missing = 0
        self._committed = False
        state = labs.looked_at(lab)
        self._since = float(state["time"])
        self.before = labs.settings(state)
        self.first_seq = labs.last_seq(lab) + 1
        self._operation = scene.operation

    # Runs.

    def note(self, ended: modules.Ended) -> modules.Ended:
        """Keep the output of a run for the case's folder."""
        self.outputs.append("(killed)" if ended.killed else ended.output)
        return ended

    def start(self, **more: t.Any) -> modules.ModuleRun:
        """Begin a run of the operation."""
        return self._begin(self._operation, **more)

    def run(self, **more: t.Any) -> modules.Ended:
        """A run of the operation to its end."""
        return self.note(self.start(**more).wait())

    def _begin(self, operation: str, **more: t.Any) -> modules.ModuleRun:
        module, state = _MODULES.get(operation, "cutover"), _STATES[operation]
        if module == "cutover":
            options = scenes.cutover_options(self.lab, self.tool.directory, self.journal, state, self.budget)
        else:
            options = scenes.freeze_options(self.lab, self.journal, state, self._committed)
        return self._servers.of(module).start(options, self.home / "out.txt", **more)

    def _do(self, operation: str) -> modules.Ended:
        return self.note(self._begin(operation).wait())

    def kill_guards(self) -> int:
        """SIGKILL every guard of this case that is there; how many."""
        return guards.kill(self.journal)

    @property
    def handed_over(self) -> bool:
        """Whether a guard holds the freeze for the operator's switch."""
        events = self._events()
        return bool(events) and events[-1] in ("handed_over", "committed") and bool(guards.running(self.journal))

    def _events(self) -> list[str]:
        """What the guards of this case have written that they did."""
        path = self.journal.with_name(f"{self.journal.name}{guards.SUFFIX}")
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [str(json.loads(line)["event"]) for line in lines if line.endswith("}")]

    # What goes before the operation, and after it.

    def set_up(self) -> None:
        """Bring the lab to where the operation begins. RuntimeError when that fails."""
        if self.scene.with_tool and not self.tool.runs:
            self.note(self.tool.start())
        wanted = scenes.FREEZE if self._operation == scenes.THAW else scenes.CUT_OVER
        if self._operation in (scenes.COMMIT, scenes.LIFT) and not self._until_handed_over():
            raise RuntimeError(f"{self.name} is not handed over: {self.outputs[-1][-1500:]}")
        if self._operation == scenes.THAW and not self._do(wanted).ok:
            raise RuntimeError(f"{self.name} is not frozen: {self.outputs[-1][-1500:]}")
        if self._operation == scenes.CUT_OVER:
            self._await_gate()

    def _await_gate(self) -> None:
        """A tool that was just started has nothing to say yet, and a closed gate is no place to kill anything at."""
        for _look in range(_GATE):
            looked = self._begin(scenes.CUT_OVER, check=True).wait()
            if looked.ok:
                return
            time.sleep(PAUSE)
        raise RuntimeError(f"{self.name}: the gate stays closed: {looked.output[-1500:]}")

    def wait_for_guard(self) -> None:
        """With nobody but the guard: the source has to take loads again when the budget is over."""
        if self._operation not in scenes.WITH_GUARD or "committed" in self._events():
            return
        if self.handed_over and self._chance.random() < 0.7:
            return  # It holds the freeze for the operator until its deadline, and the next run finds it so.
        self.freed = labs.freed(self.lab, self.before, self.budget + BEYOND + 2.0)

    def converge(self) -> bool:
        """Run again until the operation has come to its end, and then bring the lab back; False when it does not."""
        if self._operation in (scenes.FREEZE, scenes.THAW):
            return self._until(self._operation) and self._frozen_as_told() and self._until(scenes.THAW)
        if self._operation == scenes.LIFT:
            return self._until(scenes.LIFT)
        if self._operation == scenes.CUT_OVER and self._chance.random() < 0.5:
            return self._until_handed_over() and self._until(scenes.LIFT)
        for _again in range(3):
            if not self._committed and not self._until_handed_over():
                return False
            ended = self._do(scenes.COMMIT)
            if ended.ok:
                self._committed = True
                self._expect_nothing(scenes.CUT_OVER)
                return self._until(scenes.THAW)
            if ended.result.get("code") == _ENDED_BY_GUARD and not self._until(scenes.LIFT):
                return False
        return False

    def _expect_nothing(self, operation: str) -> None:
        """What is done already is not done again."""
        last = labs.last_seq(self.lab)
        again = self._do(operation)
        if not again.ok or again.result.get("changed") or labs.sent(self.lab, last + 1):
            self.wrong.append(f"{operation} after the commit changes something, or fails")

    def _frozen_as_told(self) -> bool:
        if self._operation == scenes.FREEZE and not all(labs.frozen(labs.looked_at(self.lab))):
            self.wrong.append("the freeze is told to be there, and a frontend takes loads")
        return True

    def _until(self, operation: str) -> bool:
        for number in range(1, MOST_RUNS + 1):
            if self._do(operation).ok:
                return True
            time.sleep(PAUSE * number)
        return False

    def _until_handed_over(self) -> bool:
        """As the role does it: the tool is started if it does not run, then the cutover is asked for again."""
        for number in range(1, MOST_RUNS + 1):
            if self.handed_over and self._take_stock():
                return True
            if not self.tool.runs:
                self._expect_told()
                self.note(self.tool.start())
            ended = self._do(scenes.CUT_OVER)
            if ended.ok and ended.result.get("state") == "committed":
                self._committed = True
                return True
            if ended.result.get("code") == _HANDED_OVER and self._take_stock():
                return True  # Its guard is gone, so the freeze holds until somebody ends it.
            if not ended.ok and not self.handed_over:
                time.sleep(PAUSE * number)
        return self.handed_over and self._take_stock()

    def _take_stock(self) -> bool:
        """Count what the target lacks while the freeze is held for the operator; False when it is not held."""
        ledger = self.lab.ledger()
        if not all(labs.frozen(labs.looked_at(self.lab))):
            return False
        self._missing = int(ledger["missing_on"]["target"])
        return True

    def _expect_told(self) -> None:
        """A cutover without its tool has to say so, and to stop nothing."""
        last = labs.last_seq(self.lab)
        ended = self._do(scenes.CUT_OVER)
        if ended.ok or self.tool.runs:
            return
        if ended.result.get("code") == "starrocks.cutover_blocked":
            found = [one["id"] for one in ended.result["details"]["findings"]]
            if "starrocks.tool.not_ready" not in found:
                self.wrong.append(f"the tool does not run, and the cutover tells {found}")
            if [one for one in labs.sent(self.lab, last + 1) if SWITCH_ON in one["request"]]:
                self.wrong.append("the tool does not run, and writes were stopped")

    # The end.

    def verdict(self, ended: bool) -> Verdict:
        """Look at everything, then run once more: that run must find nothing to do."""
        writable = labs.freed(self.lab, self.before, 10.0)
        last = labs.last_seq(self.lab)
        extra = self._do(self._last_operation) if ended else modules.Ended(False, {}, "")
        calls = [one["request"] for one in labs.sent(self.lab, last + 1)] if ended else []
        ledger = self.lab.ledger()
        budget = self.budget if self._operation in scenes.WITH_GUARD else float("inf")
        held = labs.longest_refusal(ledger, self._since, self._factor)
        self.beyond = max(0.0, held - budget)
        found = Evidence(
            wrong=self.wrong,
            held=held,
            budget=budget,
            freed=self.freed,
            writable=writable,
            guards=self._guards_left(),
            missing_writes=self._missing + labs.missing(self.lab, "source"),
            settings_before=self.before,
            settings_after=labs.settings(labs.looked_at(self.lab)),
            extra_calls=calls,
            extra_changed=ended and (not extra.ok or bool(extra.result.get("changed"))),
            ended=ended,
            journal=self._journal(),
        )
        return judge(found)

    @property
    def _last_operation(self) -> str:
        freeze_alone = self._operation in (scenes.FREEZE, scenes.THAW)
        return scenes.THAW if freeze_alone or self._committed else scenes.LIFT

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

    def leaks(self) -> list[str]:
        """Where a secret is in anything that the case has left: outputs, journal, guard's record, the tool's files."""
        self._write_outputs()
        found = labs.canaries(self.lab)
        return found.leaks(self.home) + found.leaks(self.tool.directory.parent)

    def _write_outputs(self) -> None:
        (self.home / "outputs.txt").write_text("\n-----\n".join(self.outputs) + "\n", encoding="utf-8")

    def close(self, problems: t.Sequence[str]) -> None:
        """Keep everything that helps to understand the case, if there are problems; else nothing."""
        if not problems:
            shutil.rmtree(self.home, ignore_errors=True)
            return
        record = [json.dumps(one) for one in self.lab.requests(since=self.first_seq)]
        (self.home / "requests.jsonl").write_text("\n".join(record) + "\n", encoding="utf-8")
        self._write_outputs()
        (self.home / "state.json").write_text(json.dumps(self.lab.state(), indent=1), encoding="utf-8")
        (self.home / "problems.txt").write_text("\n".join([self.name, *problems]) + "\n", encoding="utf-8")


SWITCH_ON = f'"{labs.SWITCH}" = "true"'
