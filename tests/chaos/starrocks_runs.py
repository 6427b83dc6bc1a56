# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole run as a case: `ansible-playbook dbops.migration.starrocks` from preflight to restore, and its verdict."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import shutil
import time
import typing as t

from bench import guards, playbooks, processes
from chaos import journal_check, starrocks_tool
from chaos import starrocks_labs as labs
from chaos.canaries import ProcessLists
from chaos.fence_judgement import BEYOND, Evidence, judge
from chaos.judgement import Verdict
from chaos.starrocks_kills import Tried
from chaos.starrocks_labs import Shape
from chaos.starrocks_trial import HOME
from lab.client import LabClient
from system.starrocks_playbooks import variables

MOST_RUNS = 4
PAUSE = 1.0
BUDGET = 60.0
GUARD_ENDS = 30.0
"""Real seconds in which a guard has to be gone: one that lifted by itself watches for a while for late requests."""
SHAPE = Shape("4.1", mode="shared_data", tables=5)
SWITCH_PAUSE = 2
"""Seconds that the operator's tasks take."""
ANSIBLES_OWN = ("home", "local", "remote")
"""Ansible's temporary files, which hold a module's arguments as long as it runs, in folders of its user's alone."""


@dataclasses.dataclass(frozen=True)
class Expected:
    """What is to differ from before when the run has ended, because somebody else wanted it, and what must be told.

    ``settings``: name -> value; None: it is gone. ``told``: texts that output or journal must hold. ``refuses``:
    somebody else stops writes too, so how long they are refused is not ours.
    """

    settings: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    told: tuple[str, ...] = ()
    refuses: bool = False


_ENDS = ("cutover.started", "cutover.handed_over", "cutover.committed")


class WholeRun:
    """One lab, one journal. Files of it are kept only when something is wrong with it."""

    playbook = "dbops.migration.starrocks"
    writes_to = "target"
    """The clients' cluster in the end."""

    def __init__(self, name: str, lab: LabClient, **more: t.Any) -> None:
        self.name = name
        self.lab = lab
        self.home = HOME / name
        shutil.rmtree(self.home, ignore_errors=True)
        self.folder = self.home / "work"
        self.folder.mkdir(parents=True)
        self.journal = self.folder / "journal.jsonl"
        self.directory = self.folder / "sync"
        self.outputs: list[str] = []
        self.freed = True
        self.beyond = 0.0
        self._factor = float(lab.describe["factor"])
        self.variables = self._variables(more)
        state = labs.looked_at(lab)
        self._since = float(state["time"])
        self.before = labs.settings(state)
        self.first_seq = labs.last_seq(lab) + 1
        self._lists = ProcessLists(labs.canaries(lab))

    def __enter__(self) -> t.Self:
        self._lists.__enter__()
        return self

    def __exit__(self, *unused: object) -> None:
        self._lists.__exit__()
        guards.kill(self.journal)
        starrocks_tool.kill(self.directory)

    def _variables(self, more: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        described = self.lab.describe
        found = variables(
            self.lab,
            self.folder,
            starrocks_password=described["users"][labs.ROOT],
            starrocks_target_password=described["users"][labs.ROOT],
            starrocks_source_writes="allowed",
            starrocks_budget=f"{BUDGET:g}s",
            starrocks_switch_reserve="10s",
            starrocks_timeout="120s",
            **more,
        )
        # A switch that takes a moment, so that something can happen meanwhile.
        path = self.folder / "switch.yml"
        pause = {"name": "Take a moment", "ansible.builtin.pause": {"seconds": SWITCH_PAUSE}}
        path.write_text(json.dumps([pause, *json.loads(path.read_text(encoding="utf-8"))]), encoding="utf-8")
        return found

    # Runs.

    def start(self, playbook: str = "") -> playbooks.Play:
        """Begin a run."""
        return playbooks.start(playbook or self.playbook, self.variables, self.home / "play")

    @staticmethod
    def over(play: playbooks.Play) -> bool:
        """Whether ansible-playbook has ended, and only waits to be asked how."""
        return not processes.runs(play.pid)

    def note(self, played: playbooks.Played) -> playbooks.Played:
        """Keep the output of a run for the case's folder."""
        self.outputs.append(played.output)
        return played

    def run(self) -> playbooks.Played:
        """A run to its end."""
        return self.note(self.start().wait())

    def vanish(self) -> None:
        """With ansible-playbook, the guard and the sync tool are gone too: their container has ended."""
        guards.kill(self.journal)
        starrocks_tool.kill(self.directory)

    @property
    def handed_over(self) -> bool:
        """Whether the journal's last word of the cutover is that the operator switches."""
        return self._last_end() == "cutover.handed_over"

    def _last_end(self) -> str:
        kinds = [entry["kind"] for entry in journal_check.read(self.journal)] if self.journal.exists() else []
        return next((kind for kind in reversed(kinds) if kind in _ENDS), "")

    def wait_for_guard(self) -> None:
        """With nobody but the guard: the source has to take loads again when the budget is over.

        Not behind the commit: clients are on the target then, and the source refuses loads until somebody ends that.
        """
        if self._last_end() == "cutover.committed":
            return
        self.freed = labs.freed(self.lab, self.before, BUDGET + BEYOND + 2.0)

    def until_ended(self, runs: int = MOST_RUNS) -> bool:
        """Give the same command until it ends well; False when it never does."""
        for number in range(1, runs + 1):
            if self.run().code == 0:
                return True
            time.sleep(PAUSE * number)
        return False

    # The end.

    def finish(self, series: str, place: str, reached: bool, ended: bool, expected: Expected | None = None) -> Tried:
        """Look at everything, and run once more; keep the folder when something is wrong."""
        verdict = self._verdict(ended, expected or Expected())
        leaks = tuple(self._leaks())
        tried = Tried(self.name, series, place, reached, verdict, leaks, self.beyond)
        if tried.problems:
            self._keep(tried.problems)
        else:
            guards.kill(self.journal)
            starrocks_tool.kill(self.directory)
            shutil.rmtree(self.home, ignore_errors=True)
        return tried

    def _verdict(self, ended: bool, expected: Expected) -> Verdict:
        missing = labs.missing(self.lab, self.writes_to)
        last = labs.last_seq(self.lab)
        extra = self.run() if ended else None
        calls = [one["request"] for one in labs.sent(self.lab, last + 1)] if ended else []
        state, ledger = labs.looked_at(self.lab), self.lab.ledger()
        held = 0.0 if expected.refuses else labs.longest_refusal(ledger, self._since, self._factor)
        self.beyond = max(0.0, held - BUDGET)
        before = {**self.before, **expected.settings}
        evidence = Evidence(
            wrong=[*self._wrong(state, ended), *self._untold(expected)],
            held=held,
            budget=BUDGET,
            freed=self.freed,
            writable=self._written() or not ended,
            guards=self._guards_left(),
            missing_writes=missing if ended else 0,
            settings_before={name: value for name, value in before.items() if value is not None},
            settings_after=labs.settings(state),
            extra_calls=calls,
            extra_changed=extra is not None and (extra.code != 0 or extra.changed != 0),
            ended=ended,
            journal=journal_check.problems(self.journal),
        )
        return judge(evidence)

    def _wrong(self, state: t.Mapping[str, t.Any], ended: bool) -> t.Iterator[str]:
        if not ended:
            return
        if state["writes_to"] != self.writes_to:
            yield f"the clients are not on the {self.writes_to}"
        if starrocks_tool.processes(self.directory):
            yield "the sync tool still runs"
        if self.directory.exists():
            yield "the sync tool's folder is still there"
        if any(labs.frozen(state)):
            yield "the source still refuses loads"

    def _untold(self, expected: Expected) -> t.Iterator[str]:
        texts = [*self.outputs, self.journal.read_text(encoding="utf-8") if self.journal.exists() else ""]
        for wanted in expected.told:
            if not any(wanted in text for text in texts):
                yield f"neither output nor journal tells {wanted!r}"

    def _written(self) -> bool:
        """Whether a client's row is taken within some seconds."""
        before, end = int(self.lab.ledger()["acknowledged"]), time.monotonic() + 15.0
        while time.monotonic() < end:
            if int(self.lab.ledger()["acknowledged"]) > before:
                return True
            time.sleep(0.1)
        return False

    def _guards_left(self) -> int:
        end = time.monotonic() + GUARD_ENDS
        while guards.running(self.journal) and time.monotonic() < end:
            time.sleep(0.2)
        return guards.kill(self.journal)

    def _leaks(self) -> list[str]:
        self._write_outputs()
        for name in ANSIBLES_OWN:
            shutil.rmtree(self.home / "play" / name, ignore_errors=True)
        return [*labs.canaries(self.lab).leaks(self.home), *dict.fromkeys(self._lists.seen)]

    def _write_outputs(self) -> None:
        (self.home / "outputs.txt").write_text("\n-----\n".join(self.outputs) + "\n", encoding="utf-8")

    def _keep(self, problems: t.Sequence[str]) -> None:
        record = [json.dumps(one) for one in self.lab.requests(since=self.first_seq) if one["mutating"]]
        (self.home / "requests.jsonl").write_text("\n".join(record) + "\n", encoding="utf-8")
        with contextlib.suppress(OSError):
            (self.home / "state.json").write_text(json.dumps(self.lab.state(), indent=1), encoding="utf-8")
        (self.home / "problems.txt").write_text("\n".join([self.name, *problems]) + "\n", encoding="utf-8")


def lines(journal: pathlib.Path) -> int:
    """How many entries a journal has."""
    return journal.read_bytes().count(b"\n") if journal.exists() else 0
