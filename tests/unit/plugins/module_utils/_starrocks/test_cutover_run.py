# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a cutover waits for a target that is not equal."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_rules import DATA, Rules
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_run import CutoverRun
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import Partition, Physical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.quiescence import Condition
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_cycle import cycle_of
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

BUDGET, QUIET = 900.0, 10.0


class World:
    """A frozen source, a target that lacks a load, and what is left at work. ``lands``: when it arrives, in seconds."""

    def __init__(self, tool: t.Optional[str], replicating: float = 0.0, lands: float = BUDGET * 9) -> None:
        """``tool``: its state; None when the operator has ended it. ``replicating``: for how many seconds."""
        self.clock = FakeClock()
        self.began = self.clock.monotonic()
        self.lands = lands
        record = types.SimpleNamespace(waiting=self.quiet, proof=self.quiet, append=self.quiet)
        stub: t.Any = types.SimpleNamespace(state=lambda: tool, cycle=lambda: cycle_of({}))
        request: t.Any = types.SimpleNamespace(quiet_time=QUIET, poll_interval=2.0, scope=None)
        nothing: t.Any = None
        self.run = CutoverRun(
            request, nothing, nothing, (nothing, nothing), stub if tool is not None else None, Track(),
            t.cast(t.Any, record), nothing, nothing, frozenset(), nothing, self.clock,
        )  # fmt: skip
        self.run._held = lambda deadline: True  # type: ignore[method-assign]
        self.run._conditions = lambda: [Condition("no_transaction", True, ())]  # type: ignore[method-assign]
        self.run._compare = self.compare  # type: ignore[method-assign]
        self.run._theirs = t.cast(
            t.Any, types.SimpleNamespace(replicating=lambda: ["job 1"] if self.spent < replicating else [])
        )

    @property
    def spent(self) -> float:
        return self.clock.monotonic() - self.began

    def quiet(self, *_given: t.Any) -> None:
        pass

    def compare(self, proof: t.Any = None) -> Comparison:
        found = Comparison(Rules(DATA, DATA, True, True, False, ""))
        versions = (6, 6 if self.spent >= self.lands else 5)
        ours, theirs = (Partition((Physical(one, one, 7, cmp.REPLICATION),), 0) for one in versions)
        found.add({"d": {"t": {"p": ours}}}, {"d": {"t": {"p": theirs}}})
        return found

    def wait(self) -> None:
        self.run._await_equal(Deadline(self.clock, BUDGET, "budget"))


@pytest.mark.parametrize("tool", [None, "stopped"])
def test_nobody_is_made_to_wait_for_what_nobody_copies(tool: t.Optional[str]) -> None:
    """Writes are refused all the while, and the next try would end the same."""
    world = World(tool)
    with pytest.raises(MigrationError) as caught:
        world.wait()
    assert caught.value.code == "starrocks.not_converged"
    assert "1 partition is not equal (d.t/p" in caught.value.message
    assert "nobody copies any more" in caught.value.message
    assert world.spent < 3 * QUIET


def test_a_tool_that_runs_has_the_whole_budget() -> None:
    world = World("running")
    with pytest.raises(MigrationError, match="in time"):
        world.wait()
    assert world.spent >= BUDGET


def test_what_an_ended_tool_had_sent_is_waited_for() -> None:
    world = World("stopped", replicating=300.0, lands=299.0)
    world.wait()
    assert world.spent >= 299.0
