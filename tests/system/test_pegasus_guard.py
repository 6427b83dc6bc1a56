# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of the module, its guard, or both, before and after each step of a cutover; then the next run."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import random
import typing as t

import pytest

from lab import process
from lab.pegasus import zookeeper
from system.pegasus_cutover_driver import POINTS
from system.pegasus_cutover_lab import Cutovers, duplicate

pytestmark = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here")

BUDGET = 40.0
ALLOWED = 5.0
"""Lab seconds by which a fence may outlast its budget."""
SEED = 3
IN_ONE_LAB = 3
CASES = sorted(
    (f"{when}:{point}", who)
    for when, point, who in itertools.product(("before", "after"), POINTS, ("module", "guard", "both"))
    if point != "hand_over" and (point, when) != ("guard", "before")
)
CHOSEN = CASES if os.environ.get("DBOPS_TEST_ALL") else random.Random(SEED).sample(CASES, 2)


@pytest.fixture(name="labs", scope="module")
def _labs(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[[str], Cutovers]]:
    """The lab that holds a table; a lab has those of three cases, and only one lab runs at a time.

    With more, app ids of the source would meet those of other tables on the target, and retries of clients go astray.
    """
    folder = tmp_path_factory.mktemp("guards")
    running: dict[int, tuple[contextlib.AbstractContextManager[t.Any], Cutovers]] = {}

    def lab_of(table: str) -> Cutovers:
        tables = [_table(at, who) for at, who in CHOSEN]
        number = tables.index(table) // IN_ONE_LAB
        if number not in running:
            for manager, _old in running.values():
                manager.__exit__(None, None, None)
            running.clear()
            mine = tables[number * IN_ONE_LAB :][:IN_ONE_LAB]
            options = {"partitions": 4, "factor": 8, "rate": 30, "clients": len(mine), "table": ",".join(mine)}
            manager = process.start("pegasus", "2.6", **options)
            lab = manager.__enter__()
            duplicate(lab, mine, 120)
            running[number] = (manager, Cutovers(lab, folder, f"{BUDGET}s"))
        return running[number][1]

    yield lab_of
    for manager, _lab in running.values():
        manager.__exit__(None, None, None)


def _table(at: str, who: str) -> str:
    return f"{at}_{who}".replace(":", "_")


@pytest.mark.cost(15)
@pytest.mark.parametrize(("at", "who"), CHOSEN)
def test_killed_at(labs: t.Callable[[str], Cutovers], at: str, who: str) -> None:
    table = _table(at, who)
    cutovers = labs(table)
    result = cutovers.killed(table, at, who)
    assert (result is None) == (who != "guard"), result and result["msg"]
    if who == "both":
        # Nobody is left to lift: the next run does, whatever it finds.
        pass
    else:
        cutovers.until(lambda: cutovers.writable(table), BUDGET + ALLOWED)
    if who == "module":
        cutovers.until(lambda: cutovers.intervals() == {"30000"})
    again = cutovers.run(table)
    if again.get("code") == "pegasus.cutover_running":
        cutovers.until(lambda: "ended" in cutovers.guard_events(table)[-1:])
        again = cutovers.run(table)
    assert not again["failed"], (again["code"], again["msg"])
    assert again["state"] == "committed" and cutovers.points_at(table) == "onebox-b"
    assert cutovers.app(table)["envs"]["replica.deny_client_request"] == "reconfig*all"
    assert cutovers.intervals() == {"30000"}
    assert cutovers.run(table)["changed"] is False
    assert cutovers.lab.ledger()["missing"] == 0
    if who == "module" and cutovers.guard_events(table):
        assert '"kind":"cutover.guard"' in pathlib.Path(cutovers.journal(table)).read_text()
