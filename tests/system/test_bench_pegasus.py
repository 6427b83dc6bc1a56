# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short seeded parts of `make bench-pegasus`, and proof that its judges can say no."""

from __future__ import annotations

import dataclasses

import pytest

from bench import pegasus_cutovers, pegasus_deaths, pegasus_figures, pegasus_liars, pegasus_windows
from bench.pegasus_deaths import Held
from bench.pegasus_labs import Shape
from bench.pegasus_liars import Asked
from lab.pegasus import zookeeper

SEED = 11
needs_zookeeper = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing())


@needs_zookeeper
@pytest.mark.cost(12)
def test_a_window_is_measured_at_the_clients() -> None:
    (found,) = pegasus_cutovers.fast(Shape("2.6", SEED, tables=1, factor=8, partitions=4, rate=20)).ours
    assert found.missing == 0
    assert 0 < found.drain < found.refused < 60


@needs_zookeeper
@pytest.mark.cost(20)
def test_a_strict_cutover_waits_for_what_the_reference_leaves_behind() -> None:
    found = pegasus_cutovers.held_back(Shape("2.5", SEED, tables=2, factor=20, partitions=4, rate=3))
    (ours,), (theirs,) = found.ours, found.theirs
    assert ours.missing == 0
    assert ours.refused > 0
    assert theirs.success
    assert theirs.missing > 0


@needs_zookeeper
@pytest.mark.cost(20)
def test_a_fence_goes_when_its_processes_are_killed() -> None:
    # This seed kills a module 4 s after its fence, and then a module and its guard 5 s after theirs.
    found = pegasus_deaths.kill_some(Shape("2.6", 100, tables=2, factor=10, partitions=4, rate=10), 1.0, 60.0)
    assert [(one.victim, one.fenced) for one in found] == [("module", True), ("both", True)]
    assert [one for one in found if not one.freed or one.missing] == []


@needs_zookeeper
@pytest.mark.cost(25)
def test_liars_are_seen_through() -> None:
    chosen = ("paused", "idle, never prepared", "stuck", "removed in the drain")
    liars = [one for one in pegasus_liars.LIARS if one.name in chosen]
    assert len(liars) == len(chosen)
    found = pegasus_liars.ask(Shape("2.6", SEED, tables=len(liars), factor=10, partitions=4, rate=5), liars)
    assert [one for one in found if one.false_ready or one.left_fenced] == []
    # On a busy machine a cutover may be through before it is lied to.
    assert [one for one in found if one.reached and not one.right] == []


LEDGER = {
    "missing": 3,
    "per_partition": {
        "0": {"refused_windows": [[1.0, 2.0], [10.0, 14.0], [15.0, 16.5]]},
        "1": {"refused_windows": [[11.0, 15.0]]},
        "2": {"refused_windows": []},
    },
}


def test_windows_are_those_since_the_cutover_began() -> None:
    assert pegasus_windows.refused(LEDGER, 5.0) == 6.5
    assert pegasus_windows.longest(LEDGER, 5.0) == 4.0
    assert pegasus_windows.refused({"per_partition": {}}) == 0.0
    window = {"all_denied": 1.0, "drained": 5.0}
    told = {"name": "t", "window": window, "forecast": {"window_p50": 5.2, "window_p95": 6.0}}
    found = pegasus_windows.moved(told, LEDGER, 5.0)
    assert (found.drain, found.overhead, found.missing, found.within_p95) == (4.0, 2.5, 3, False)
    assert found.error == pytest.approx(0.2)


def test_bars_that_do_not_hold_are_seen() -> None:
    window = {"all_denied": 1.0, "drained": 2.0}
    told = {"name": "t", "window": window, "forecast": {"window_p50": 6.0, "window_p95": 7.0}}
    slow = dataclasses.replace(pegasus_windows.moved(told, LEDGER, 5.0), refused=20.0)
    held = {figure.case.partition(": ")[2]: figure.holds for figure in pegasus_figures.fast([slow], [], 5, SEED)}
    assert [case for case, holds in held.items() if not holds] == [
        "refused window of the worst partition, first refusal to the last client's, without the drain",
        "acknowledged writes missing on the target after the switch, all cutovers",
    ]
    longer = Held(SEED, "both", True, 1.0, beyond=5.5, held=65.5, fenced=True, freed=False, missing=1)
    assert [figure.holds for figure in pegasus_figures.deaths([longer], 10, SEED)] == [False, False, False]
    lied = Asked("stuck", false_ready=True, reason="switched", right=False, left_fenced=True)
    assert [figure.holds for figure in pegasus_figures.lies([lied], {}, 10, SEED)] == [False, False, False]


FLOW = pegasus_cutovers.Flow("t", True, "", 50.0, missing=2, acknowledged=100, switched=True, blocked=False)


def test_w1_stands_beside_its_reference() -> None:
    window = {"all_denied": 1.0, "drained": 2.0}
    told = {"name": "t", "window": window, "forecast": {"window_p50": 6.0, "window_p95": 7.0}}
    ours = dataclasses.replace(pegasus_windows.moved(told, LEDGER, 5.0), refused=4.0)
    found = {one.case.partition(": ")[2]: one for one in pegasus_figures.fast([ours], [FLOW], 5, SEED)}
    assert found["refused window as clients saw it"].reference == 50.0
    (ratio,) = [one for one in found.values() if one.unit == "times"]
    assert ratio.value == 12.5


def test_a_reference_that_shows_its_defects_no_more_does_not_hold() -> None:
    fine = dataclasses.replace(FLOW, missing=0, refused=3.0)

    def held(flow: pegasus_cutovers.Flow) -> list[bool]:
        found = [*pegasus_figures.strict([], [flow], 5, SEED)]
        for case in ("never prepared", "stuck", "paused", "healthy"):
            found += pegasus_figures.lies([], {case: [flow]}, 5, SEED)
        return [one.holds for one in found]

    assert (set(held(FLOW)), set(held(fine))) == ({True}, {False})
    blocked = dataclasses.replace(FLOW, switched=False, blocked=True)
    for case, success in (("hosts", False), ("no root", True)):
        for flow, holds in ((dataclasses.replace(blocked, success=success), True), (FLOW, False)):
            (one,) = pegasus_figures.lies([], {case: [flow]}, 5, SEED)
            assert one.holds is holds
