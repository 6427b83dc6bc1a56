# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One case from the first run to the verdict: what was there before, run again until it ends, look at everything."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import time
import typing as t

from bench import labs, modules
from bench.moves import Move
from chaos import journal_check
from chaos.judgement import Evidence, Verdict, judge
from lab.client import LabClient
from tooling import paths

HOME = paths.BUILD / "chaos"
MOST_RUNS = 6
PAUSE = 5.0
"""Lab seconds before a run that failed is repeated the first time: nobody repeats a run within milliseconds."""
QUIET = 3.0
"""Real seconds for which the cluster may still be at work when the last run has ended."""


class Trial:
    """One case against one lab. Files of it are kept only when something is wrong with it."""

    def __init__(self, name: str, lab: LabClient, moves: t.Sequence[Move], home: pathlib.Path) -> None:
        self.name = name
        self.lab = lab
        self.moves = list(moves)
        self.home = home
        self.journal = home / "journal.jsonl"
        self.outputs: list[str] = []
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        self._before = lab.state()
        self._factor = float(self._before["factor"])
        self.first_seq = self.last_seq() + 1

    def last_seq(self) -> int:
        """The newest request's number."""
        seen = self.lab.requests()
        return int(seen[-1]["seq"]) if seen else 0

    def note(self, ended: modules.Ended) -> modules.Ended:
        """Keep the output of a run for the case's folder."""
        self.outputs.append("(killed)" if ended.killed else ended.output)
        return ended

    def until_ended(self, again: t.Callable[[], modules.Ended], runs: int = MOST_RUNS) -> bool:
        """Run again until a run ends well, with pauses that grow; False when none of them does."""
        for number in range(1, runs + 1):
            if self.note(again()).ok:
                return True
            time.sleep(PAUSE * number / self._factor)
        return False

    def verdict(self, ended: bool, again: t.Callable[[], modules.Ended]) -> Verdict:
        """Look at everything, then run once more: that run must find nothing to do."""
        state = labs.rest(self.lab, QUIET)
        last = self.last_seq()
        extra = self.note(again()) if ended else modules.Ended(False, {}, "")
        calls = [one["request"] for one in self.lab.requests(since=last + 1, mutating=True)] if ended else []
        after = self.lab.state()
        regions = after["regions"]
        found = Evidence(
            leaders=labs.leaders(after),
            states={int(key): one["status"] for key, one in state["regions"].items() if one["status"] != "ALIVE"},
            switches={
                int(key): one["switches"] - self._before["regions"][key]["switches"] for key, one in regions.items()
            },
            missing_writes=int(self.lab.ledger()["missing"]),
            settings_before=labs.settings(self._before),
            settings_after=labs.settings(after),
            extra_calls=calls,
            extra_changed=ended and (not extra.ok or bool(extra.result.get("changed"))),
            ended=ended,
            journal=journal_check.problems(self.journal),
        )
        result = judge(self.moves, found)
        if result.problems:
            self.keep(result)
        else:
            shutil.rmtree(self.home, ignore_errors=True)
        return result

    def keep(self, result: Verdict) -> None:
        """Put everything that helps to understand the case into its folder."""
        record = [json.dumps(one) for one in self.lab.requests(since=self.first_seq)]
        (self.home / "requests.jsonl").write_text("\n".join(record) + "\n", encoding="utf-8")
        (self.home / "outputs.txt").write_text("\n-----\n".join(self.outputs) + "\n", encoding="utf-8")
        with contextlib.suppress(OSError):
            (self.home / "state.json").write_text(json.dumps(self.lab.state(), indent=1), encoding="utf-8")
        wrong = [self.name, *result.problems, "moves: " + json.dumps(self.moves)]
        (self.home / "problems.txt").write_text("\n".join(wrong) + "\n", encoding="utf-8")
