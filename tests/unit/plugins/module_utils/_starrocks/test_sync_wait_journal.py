# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Lag
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_journal import WaitJournal
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

SINCE = "2026-11-21T03:00:00.000Z"
COPYING = [Wait("starrocks.wait.copying", "x", "y", SINCE).as_result()]
BEHIND = [Wait("starrocks.wait.behind", "x", "y", SINCE).as_result()]


class World:
    def __init__(self, folder: pathlib.Path) -> None:
        self.path = folder / "j.jsonl"
        self.clock = FakeClock()
        self.journal = WaitJournal({"journal": str(self.path)}, Redactor([]), self.clock, "r1")
        self.journal.begin()

    def told(self, kind: str = "progress") -> t.List[t.Dict[str, t.Any]]:
        entries = map(json.loads, self.path.read_text().splitlines())
        return [one["data"] for one in entries if one["kind"] == kind]


@pytest.fixture
def world(tmp_path: pathlib.Path) -> t.Iterator[World]:
    world = World(tmp_path)
    yield world
    world.journal.close()


def progress(done: int, behind: int = 3) -> t.Dict[str, t.Any]:
    return {"done": done, "total": 9, "failed": 0, "lag": Lag("partitions", behind).as_result()}


def test_progress_tells_why_it_waits_and_how_far_behind_the_target_is(world: World) -> None:
    world.journal.wait(COPYING, progress(2))
    assert world.told() == [{**progress(2), "waits": {"starrocks.wait.copying": SINCE}}]


def test_the_same_is_told_again_only_as_a_sign_of_life(world: World) -> None:
    world.journal.wait(COPYING, progress(2))
    world.clock.sleep(29.0)
    world.journal.wait(COPYING, progress(2, behind=5))
    assert len(world.told()) == 1
    world.clock.sleep(1.0)
    world.journal.wait(COPYING, progress(2, behind=7))
    assert [one["lag"]["total"] for one in world.told()] == [3, 7]
    assert len(world.told("wait")) == 1


def test_other_counts_and_other_reasons_are_told_at_once(world: World) -> None:
    world.journal.wait(COPYING, progress(2))
    world.journal.wait(COPYING, progress(3))
    world.journal.wait(BEHIND, progress(3))
    assert [list(one["waits"]) for one in world.told()] == [
        ["starrocks.wait.copying"], ["starrocks.wait.copying"], ["starrocks.wait.behind"],
    ]  # fmt: skip


def test_a_wait_without_numbers_gives_signs_of_life_too(world: World) -> None:
    for _number in range(2):
        world.journal.wait(BEHIND, {})
        world.clock.sleep(31.0)
    assert world.told() == [{"waits": {"starrocks.wait.behind": SINCE}}] * 2
