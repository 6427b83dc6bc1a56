# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short seeded parts of `make bench-starrocks`, and proof that its judges can say no."""

from __future__ import annotations

import typing as t

import pytest

from bench import starrocks_figures, starrocks_manual, starrocks_prediction, starrocks_sizes, starrocks_windows
from bench.playbooks import Played
from bench.prediction import Predicted
from bench.starrocks_again import Again
from bench.starrocks_labs import Fresh, Shape
from bench.starrocks_prediction import Kind
from bench.starrocks_sizes import Looked
from bench.starrocks_windows import Window

SEED = 11
KINDS = starrocks_prediction.kinds(SEED)


def wrong(found: t.Iterable[Predicted]) -> list[Predicted]:
    """The states that were not predicted in full, in order."""
    return [one for one in found if not one.same_order]


@pytest.mark.cost(8)
def test_check_mode_predicts_the_calls_of_a_real_run() -> None:
    newest = next(kind for kind in KINDS if kind.name == "4.1")
    found = list(starrocks_prediction.play(newest, 5))
    assert wrong(found) == []
    assert len({one.profile for one in found}) == 5
    assert any(one.sent for one in found)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", [pytest.param(one, id=one.name) for one in KINDS if "containers" not in one.name])
def test_check_mode_predicts_the_calls_on_every_kind_of_cluster(kind: Kind) -> None:
    assert wrong(starrocks_prediction.play(kind, 12)) == []


@pytest.mark.thorough
def test_check_mode_predicts_cutovers() -> None:
    found = list(starrocks_prediction.cutovers(SEED, 4))
    assert wrong(found) == []
    assert all(one.sent or "committed" in one.profile for one in found)


@pytest.mark.thorough
def test_a_window_is_measured_beside_the_manual_procedure() -> None:
    ours = starrocks_windows.ours(Shape(SEED, 20, 3, 4.0, rate=10))
    theirs = starrocks_manual.manual(Shape(SEED, 20, 3, 40.0, rate=10))
    assert ours.missing == theirs.missing == 0
    assert ours.partitions == theirs.partitions == 56
    assert 0 < ours.transfer < ours.seconds < theirs.seconds


@pytest.mark.thorough
def test_large_clusters_are_looked_at() -> None:
    looked = starrocks_sizes.preflight(starrocks_sizes.shape(SEED, 20, False))
    # With a view, and a partition of the server's own statistics.
    assert (looked.tables, looked.partitions) == (21, 201)
    equal, unequal = starrocks_sizes.compare(starrocks_sizes.shape(SEED, 20, True))
    assert equal.partitions == unequal.partitions == 200
    assert 10 < equal.run.megabytes < 300


LEFT = (
    "Sync job progress: 100.00%, total: 9, ddlPending: 0, jobPending: 0, sent: 0, running: 0, finished: 9, failed: 0, "
)
TABLES = "Sync table progress, finishedTableRatio: 100.00%, expiredTableRatio: 0.00%, total table: 2, expired table: 0."


@pytest.mark.parametrize(
    ("said", "nothing"),
    [
        (LEFT + "unknown: 0\n" + TABLES, True),
        (LEFT + "unknown: 1\n" + TABLES, False),
        (LEFT.replace("running: 0", "running: 1") + "unknown: 0\n" + TABLES, False),
        (LEFT + "unknown: 0\n" + TABLES.replace("expired table: 0", "expired table: 1"), False),
        (LEFT.replace("100.00%", "50.00%") + "unknown: 0\n" + TABLES, False),
        (LEFT.replace("total: 9", "total: 0") + "unknown: 0\n" + TABLES, False),
    ],
)
def test_when_the_log_says_that_nothing_is_left(said: str, nothing: bool) -> None:
    assert starrocks_manual.nothing_left(said) is nothing


def test_the_transfer_is_the_longest_replication_of_the_window() -> None:
    jobs = {
        "before": {"state": "COMMITTED", "created": 1.0, "finished": 9.0},
        "across": {"state": "COMMITTED", "created": 2.0, "finished": 13.0},
        "inside": {"state": "COMMITTED", "created": 12.0, "finished": 14.5},
        "failed": {"state": "ABORTED", "created": 11.0, "finished": 19.0},
        "later": {"state": "COMMITTED", "created": 15.0, "finished": 40.0},
        "open": {"state": "REPLICATING", "created": 15.0, "finished": None},
    }
    state = {"clusters": {"target": {"replications": jobs}}}
    assert starrocks_windows.longest(state, 10.0, 20.0) == 3.0
    assert starrocks_windows.longest(state, 50.0, 60.0) == 0.0


def test_bars_that_do_not_hold_are_seen() -> None:
    slow = [Window(60.0, 5.0, 10_000, missing=1, forecast=50.0)]
    theirs = [Window(300.0, 5.0, 10_000, missing=0, early=1)]
    found = list(starrocks_figures.windows(slow, theirs, 2.0, SEED))
    assert [figure.holds for figure in found] == [False, True, False, True]
    assert [figure.value for figure in found] == [55.0, 60.0, 1, 0]
    assert found[0].reference == 295.0
    looked = Looked(Fresh({}, seconds=31.0, megabytes=301.0), 10, 100, 20)
    assert [one.holds for one in starrocks_figures.preflights([("x", looked)], SEED)] == [False, False, True]
    assert [one.holds for one in starrocks_figures.comparisons([looked], SEED)] == [False, True, True]
    recap = "localhost : ok=4 changed=1 unreachable=0 failed=0"
    bad = Again(Played(0, recap, seconds=6.0, cpu_seconds=4.0), calls=1)
    assert [one.holds for one in starrocks_figures.again(10, bad, bad, SEED)] == [False] * 6
    missed = Predicted("frontend_config, 4.1", ("a",), ("a", "b"), "", "", 0)
    assert [one.holds for one in starrocks_figures.predictions([missed], SEED)] == [False] * 3


def test_only_our_requests_count_and_secrets_are_masked() -> None:
    requests: t.Any = [
        {"request": "CREATE USER 'a' IDENTIFIED BY \"hush\"", "user": "root"},
        {"request": "startTableReplication", "user": "tool"},
        {"request": "POST /api/update_config?a=b+c"},
    ]
    lab: t.Any = type("Lab", (), {"requests": lambda _self, mutating: requests})()
    assert starrocks_prediction.sent(lab, {"user_password": "hush"}) == [
        "CREATE USER 'a' IDENTIFIED BY \"********\"",
        "POST /api/update_config?a=b c",
    ]
