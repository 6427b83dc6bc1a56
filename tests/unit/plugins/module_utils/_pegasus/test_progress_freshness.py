# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress that is repeated from earlier is found out, and progress that is true never is."""

from __future__ import annotations

import random
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.progress_freshness import Freshness

NODE, APP, DUP, SYNC = "10.0.0.1:34801", 2, 77, 10.0


def infos(committed: t.Mapping[int, int], ballot: int = 5) -> t.Any:
    listed = tuple(
        model.ReplicaInfo(index, APP, ballot, "PRIMARY", decree, decree, 0, NODE) for index, decree in committed.items()
    )
    return model.Answers({NODE: listed})


def progress(behind: t.Mapping[int, int]) -> t.Any:
    items = tuple(
        model.PartitionProgress(index, NODE, True, count, 0, "FAIL_SLOW", DUP) for index, count in behind.items()
    )
    return model.Answers({NODE: items})


def look(
    seen: Freshness, at: float, committed: t.Mapping[int, int], behind: t.Mapping[int, int], quick: bool = False
) -> None:
    seen.looked(APP, DUP, infos(committed), progress(behind), infos(committed), at, at + 0.1, quick)


def quickly(seen: Freshness, at: float, committed: t.Mapping[int, int], behind: t.Mapping[int, int]) -> None:
    """Three more mutations of every partition, which the answers do not show."""
    for more in range(1, 4):
        look(seen, at + more / 10, {index: decree + more for index, decree in committed.items()}, behind, True)


def test_the_same_answer_over_two_rises_within_one_sync_is_repeated() -> None:
    seen = Freshness(SYNC)
    look(seen, 0, {0: 100}, {0: 1})
    look(seen, 1, {0: 102}, {0: 1})
    assert not seen.doubtful()
    look(seen, 2, {0: 105}, {0: 1})
    assert seen.doubtful() and seen.repeated() == set()
    quickly(seen, 2, {0: 105}, {0: 1})
    assert seen.repeated() == {0} and not seen.doubtful()


def test_servers_that_sync_more_often_than_is_known_clear_themselves() -> None:
    seen = Freshness(SYNC)
    for at in range(3):
        look(seen, at, {0: 100 + at}, {0: 1})
    assert seen.doubtful()
    look(seen, 2.1, {0: 103}, {0: 2}, True)
    assert not seen.doubtful() and seen.repeated() == set()


def test_it_is_repeated_until_something_else_is_told() -> None:
    seen = Freshness(SYNC)
    for at in range(3):
        look(seen, at, {0: 100 + at}, {0: 1})
    quickly(seen, 2, {0: 102}, {0: 1})
    look(seen, 3, {0: 105}, {0: 1})
    assert seen.repeated() == {0}
    look(seen, 4, {0: 105}, {0: 3})
    assert seen.repeated() == set()


def test_a_sync_may_make_up_for_what_was_committed_once() -> None:
    seen = Freshness(SYNC)
    look(seen, 0, {0: 100}, {0: 1})
    look(seen, 1, {0: 101}, {0: 1})
    look(seen, 10, {0: 102}, {0: 1})
    look(seen, 20, {0: 103}, {0: 1})
    assert not seen.doubtful()


def test_a_server_that_repeats_itself_for_all_its_partitions_is_found_out_by_any_of_them() -> None:
    seen = Freshness(SYNC)
    look(seen, 0, {0: 100, 1: 50, 2: 7}, {0: 1, 1: 1, 2: 1})
    look(seen, 1, {0: 101, 1: 50, 2: 7}, {0: 1, 1: 1, 2: 1})
    look(seen, 2, {0: 101, 1: 51, 2: 7}, {0: 1, 1: 1, 2: 1})
    assert seen.doubtful()
    for number in range(3):
        look(seen, 2.1, {0: 102 + number, 1: 51, 2: 7}, {0: 1, 1: 1, 2: 1}, True)
    assert seen.repeated() == {0, 1, 2}


def test_one_partition_that_tells_something_new_clears_its_server() -> None:
    seen = Freshness(SYNC)
    look(seen, 0, {0: 100, 1: 50}, {0: 1, 1: 1})
    look(seen, 1, {0: 101, 1: 50}, {0: 1, 1: 1})
    look(seen, 2, {0: 101, 1: 51}, {0: 1, 1: 2})
    assert not seen.doubtful()


def test_another_primary_begins_anew() -> None:
    seen = Freshness(SYNC)
    for at, ballot in enumerate((5, 5, 6, 6)):
        both = infos({0: 100 + at}, ballot)
        seen.looked(APP, DUP, both, progress({0: 1}), both, at, at + 0.1)
    assert not seen.doubtful()


@given(st.integers(0, 10_000), st.integers(1, 6), st.floats(0.05, 40), st.floats(0.1, 3))
def test_a_true_server_is_never_suspected(seed: int, partitions: int, rate: float, pause: float) -> None:
    """Whatever is written, and whenever the looks fall: confirmed decrees move at the syncs of the server alone."""
    dice = random.Random(seed)
    seen = Freshness(SYNC)
    committed = {index: dice.randrange(1000) for index in range(partitions)}
    confirmed = dict(committed)
    now, next_sync = 0.0, dice.random() * SYNC

    def passes(seconds: float) -> None:
        nonlocal now, next_sync
        end = now + seconds
        while True:
            write = now + dice.expovariate(rate)
            if min(write, next_sync) > end:
                break
            now = min(write, next_sync)
            if now == next_sync:
                for index in committed:
                    confirmed[index] = max(confirmed[index], committed[index] - dice.randrange(3))
                next_sync += SYNC * dice.uniform(0.9, 1.1)
            else:
                committed[dice.randrange(partitions)] += 1
        now = end

    for _number in range(40):
        began = now
        before = infos(committed)
        passes(dice.random() * 0.2)
        told = progress({index: committed[index] - confirmed[index] for index in committed})
        passes(dice.random() * 0.2)
        seen.looked(APP, DUP, before, told, infos(committed), began, now)
        assert not seen.doubtful()
        passes(dice.random() * pause)
