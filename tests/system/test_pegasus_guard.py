# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of the module, its guard, or both, before and after each step of a cutover; then the next run."""

from __future__ import annotations

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
CASES = sorted(
    (f"{when}:{point}", who)
    for when, point, who in itertools.product(("before", "after"), POINTS, ("module", "guard", "both"))
    if point != "hand_over" and (point, when) != ("guard", "before")
)
CHOSEN = CASES if os.environ.get("DBOPS_TEST_ALL") else random.Random(SEED).sample(CASES, 9)


@pytest.fixture(name="cutovers", scope="module")
def _cutovers(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Cutovers]:
    folder = tmp_path_factory.mktemp("guards")
    tables = [_table(at, who) for at, who in CHOSEN]
    options = {"partitions": 4, "factor": 10, "rate": 80, "clients": len(tables), "table": ",".join(tables)}
    with process.start("pegasus", "2.6", **options) as lab:
        duplicate(lab, tables, 120)
        yield Cutovers(lab, folder, f"{BUDGET}s")


def _table(at: str, who: str) -> str:
    return f"{at}-{who}".replace(":", "_").replace("-", "_")


@pytest.mark.cost(15)
@pytest.mark.parametrize(("at", "who"), CHOSEN)
def test_killed_at(cutovers: Cutovers, at: str, who: str) -> None:
    table = _table(at, who)
    result = cutovers.killed(table, at, who)
    assert (result is None) == (who != "guard"), result
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
    assert not again["failed"], again
    assert again["state"] == "committed" and cutovers.points_at(table) == "onebox-b"
    assert cutovers.app(table)["envs"]["replica.deny_client_request"] == "reconfig*all"
    assert cutovers.intervals() == {"30000"}
    assert cutovers.run(table)["changed"] is False
    assert cutovers.lab.ledger()["missing"] == 0


def test_the_record_of_a_guard_is_copied_into_the_journal(cutovers: Cutovers) -> None:
    found = [pathlib.Path(cutovers.journal(_table(at, who))) for at, who in CHOSEN if who == "module"]
    told = [path.read_text() for path in found if path.exists()]
    assert told and any('"kind":"cutover.guard"' in text for text in told)
