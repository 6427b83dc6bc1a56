# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at the target's transactions is told once: not by a wait that does not look, nor while nobody answers."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_reach import SEEN, LastLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_journal import WaitJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import wait_argument_spec
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


class Idle:
    """A cluster in which nothing goes on."""

    profile = types.SimpleNamespace(shared_data=True, replications_proc=False)

    def __init__(self, *_options: t.Any) -> None:
        pass

    def __enter__(self) -> Idle:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def query(self, sql: str, doing: str) -> Rows:
        return Rows(("DbId", "DbName", "TableNum", "Partition", "FinishTime"), ())


class World:
    """A journal in which a wait has told of a look, and a clock that has gone on since."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.path = str(folder / "j.jsonl")
        self.clock = FakeClock()
        journal = self.journal()
        journal.begin()
        self.look = LastLook(iso(self.clock.now()), {"d": 1})
        journal.looked(self.look, ())
        journal.close()
        self.clock.sleep(4000.0)

    def journal(self) -> WaitJournal:
        return WaitJournal({"journal": self.path}, Redactor([]), self.clock, "r1")

    def told(self) -> int:
        view = read_journal({"journal": self.path})
        return sum(one.kind == SEEN for one in view.entries) if view is not None else 0


@pytest.mark.parametrize("until", ["compaction_drained", "replication_drained"])
def test_a_drain_looks_at_no_transactions(until: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_wait, "Cluster", Idle)
    world = World(tmp_path)
    given = {name: option.get("default") for name, option in wait_argument_spec().argument_spec.items()}
    given.update(until=until, frontends=["a"], target_frontends=["b"], username="root", target_username="root")
    found = sync_wait.SyncWaitTask({**given, "journal": world.path}, False, Redactor([]), world.clock).body()
    assert found["finished"]
    assert world.told() == 1


def test_while_nobody_answers_the_last_look_is_no_news(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    journal = world.journal()
    journal.begin()
    for _poll in range(3):
        world.clock.sleep(700.0)
        journal.looked(world.look, ())
    journal.looked(world.look, (), over=True)
    journal.close()
    assert world.told() == 1
