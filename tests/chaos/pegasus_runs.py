# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook runs of Pegasus as a case, `dbops.migration.pegasus` or its rollback, and the verdict on them."""

from __future__ import annotations

import json
import pathlib
import shutil
import time
import typing as t

from bench import guards, pegasus_windows, playbooks
from bench import pegasus_labs as labs
from chaos import journal_check
from chaos import pegasus_scenes as scenes
from chaos.fence_judgement import BEYOND, Evidence, judge
from chaos.judgement import Verdict
from chaos.pegasus_scenes import CLOSED, Scene
from chaos.pegasus_trial import HOME
from lab.client import LabClient
from system.pegasus_playbooks import variables

COLLECTION = "dbops.migration."
RUN = "pegasus"
MIGRATE = "pegasus_migrate"
CUTOVER = "pegasus_cutover"
ROLLBACK = "pegasus_rollback"
MOST_RUNS = 4
PAUSE = 1.0
REACH = 90.0
"""Real seconds in which a playbook must come to its point."""
GUARD_ENDS = 30.0
"""Real seconds in which a guard has to be gone: one that lifted by itself watches for a while for late requests."""
SUFFIX = "_old"


class PlaybookRun:
    """Some tables of a lab, with a journal of their own. Files are kept only when something is wrong with the case."""

    def __init__(self, scene: Scene, name: str, lab: LabClient, tables: t.Sequence[str]) -> None:
        self.scene = scene
        self.name = name
        self.lab = lab
        self.tables = list(tables)
        self.home = HOME / name
        shutil.rmtree(self.home, ignore_errors=True)
        self.folder = self.home / "work"
        self.folder.mkdir(parents=True)
        self.journal = self.folder / "journal.jsonl"
        self.outputs: list[str] = []
        self.freed = True
        self.playbook = ROLLBACK if scene.operation == scenes.ROLLBACK else RUN
        self._variables = variables(
            lab,
            self.folder,
            pegasus_tables=self.tables,
            pegasus_group_size=len(self.tables),
            pegasus_budget=f"{scene.budget:g}s",
            pegasus_migration_id=name,
            pegasus_source_tables="renamed",
            pegasus_source_suffix=SUFFIX,
        )
        state = lab.state()
        self._since = float(state["time"])
        self._before = self._settings(state)
        self._prepare()
        self.first_seq = self._last_seq() + 1

    def _prepare(self) -> None:
        """What is given up has been copied, and has a fence whose module and guard are dead."""
        if self.playbook != ROLLBACK:
            return
        migrated = self.note(self.start(MIGRATE).wait())
        self.lab.breakpoint("UPDATE_APP_ENV", "after")
        play = self.start(CUTOVER)
        fenced = self.lab.wait_breakpoint(REACH)
        play.kill()
        guards.kill(self.journal)
        self.lab.clear_breakpoints()
        self.note(play.wait())
        if migrated.code or not fenced:
            raise RuntimeError(f"{self.name}: there is nothing to give up: {self.outputs[-1][-1500:]}")

    # Runs.

    def start(self, playbook: str = "") -> playbooks.Play:
        """Begin a run, of the playbook that is killed unless another one is named."""
        return playbooks.start(COLLECTION + (playbook or self.playbook), self._variables, self.home / "play")

    def note(self, played: playbooks.Played) -> playbooks.Played:
        """Keep the output of a run for the case's folder."""
        self.outputs.append(played.output)
        return played

    def run(self) -> playbooks.Played:
        """A run to its end."""
        return self.note(self.start().wait())

    def until_ended(self, runs: int = MOST_RUNS) -> bool:
        """Give the same command until it ends well; False when it never does."""
        for number in range(1, runs + 1):
            if self.run().code == 0:
                return True
            time.sleep(PAUSE * number)
        return False

    def wait_for_guard(self) -> None:
        """With nobody but the guard: clients have to be able to write again when the budget is over."""
        end = time.monotonic() + self.scene.budget + BEYOND / self.scene.factor + 2.0
        self.freed = all(labs.freed(self.lab, table, end - time.monotonic()) for table in self.tables)

    def lines(self) -> int:
        """How many entries the journal has."""
        return self.journal.read_bytes().count(b"\n") if self.journal.exists() else 0

    def calls(self, since: int = 0) -> list[str]:
        """The mutating requests that the lab has received since a place in its record; since the beginning for 0."""
        return [one["request"] for one in self.lab.requests(since=since or self.first_seq, mutating=True)]

    # The end.

    def verdict(self, ended: bool) -> Verdict:
        """Look at everything, then run once more: that run must find nothing to do."""
        last = self._last_seq()
        extra = self.run() if ended else None
        calls = self.calls(last + 1) if ended else []
        state = self.lab.state()
        accounts = labs.ledgers(self.lab, self.scene.shape.names)
        ledgers = [accounts[table] for table in self.tables]
        found = Evidence(
            wrong=[text for table in self.tables for text in wrong(self.scene.operation, state, table)],
            held=max(pegasus_windows.longest(ledger, self._since) for ledger in ledgers),
            # Playbooks have no faster clock, and the lab tells of windows in its own.
            budget=self.scene.budget * self.scene.factor,
            freed=self.freed,
            writable=all(self._written(table) for table in self.tables),
            guards=self._guards_left(),
            missing_writes=sum(int(ledger["missing"]) for ledger in ledgers),
            settings_before=self._before,
            settings_after=self._settings(state),
            extra_calls=calls,
            extra_changed=extra is not None and (extra.code != 0 or extra.changed != 0),
            ended=ended,
            journal=journal_check.problems(self.journal),
        )
        result = judge(found)
        if result.problems:
            self._keep(result, state)
        else:
            shutil.rmtree(self.home, ignore_errors=True)
        return result

    def _settings(self, state: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Levels and configurations of both clusters, and the envs of every table but those of the case."""
        others = [name for name in self.scene.shape.names if name not in self.tables]
        return labs.settings(state, others)

    def _written(self, table: str) -> bool:
        """Whether a write of a table's clients is taken within some seconds, and none is refused at last."""
        before, end = self._acknowledged(table), time.monotonic() + 15.0
        while time.monotonic() < end:
            if self._acknowledged(table) > before:
                return labs.writable(self.lab, table, 10.0)
            time.sleep(0.1)
        return False

    def _acknowledged(self, table: str) -> int:
        return int(labs.ledgers(self.lab, self.scene.shape.names)[table]["acknowledged"])

    def _guards_left(self) -> int:
        end = time.monotonic() + GUARD_ENDS
        while guards.running(self.journal) and time.monotonic() < end:
            time.sleep(0.2)
        return guards.kill(self.journal)

    def _last_seq(self) -> int:
        seen = self.lab.requests()
        return int(seen[-1]["seq"]) if seen else 0

    def _keep(self, verdict: Verdict, state: t.Mapping[str, t.Any]) -> None:
        texts = {
            "outputs.txt": "\n-----\n".join(self.outputs),
            "requests.jsonl": "\n".join(json.dumps(one) for one in self.lab.requests(since=self.first_seq)),
            "state.json": json.dumps(state, indent=1),
            "problems.txt": "\n".join([self.name, *verdict.problems]),
        }
        for name, text in texts.items():
            pathlib.Path(self.home / name).write_text(text + "\n", encoding="utf-8")


def wrong(operation: str, state: t.Mapping[str, t.Any], table: str) -> t.Iterator[str]:
    """What is not as it has to be for a table when the last run has ended well."""
    source, target = (state["clusters"][side]["apps"] for side in ("source", "target"))
    gone: dict[str, t.Any] = {"envs": None, "duplications": None}
    if operation == scenes.ROLLBACK:
        app = source.get(table, gone)
        if app["envs"] != {} or app["duplications"]:
            yield f"{table} has {app['envs']} and {app['duplications']} on the source"
        if table in target:
            yield f"{table} is still on the target"
        if labs.znode(state, table) == labs.REMOTE:
            yield f"the clients of {table} are sent to the target"
        return
    old = source.get(table + SUFFIX, gone)
    if table in source:
        yield f"{table} was not renamed"
    if old["envs"] != {labs.DENY: CLOSED} or old["duplications"]:
        yield f"{table}{SUFFIX} has {old['envs']} and {old['duplications']}"
    if target.get(table, gone)["envs"] != {}:
        yield f"{table} has {target.get(table, gone)['envs']} on the target"
    if labs.znode(state, table) != labs.REMOTE:
        yield f"the clients of {table} are not sent to the target"
