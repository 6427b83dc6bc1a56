# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample that is counted, and the probability that is stated with it."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sample_choice import (
    Sampler,
    detection,
    detection_result,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sample_counts import statement

KEYS = [("d", f"t{index // 7}", f"p{index % 7}") for index in range(70)]


@given(st.permutations(KEYS), st.integers(0, 80))
def test_the_same_partitions_whatever_the_order(keys: t.List[t.Tuple[str, str, str]], size: int) -> None:
    sampler, again = Sampler(size, "seed"), Sampler(size, "seed")
    for key in keys:
        sampler.offer(key)
    for key in KEYS:
        again.offer(key)
    assert sampler.chosen() == again.chosen()
    assert len(sampler.chosen()) == min(size, 70)
    assert sampler.offered == 70


def test_another_seed_takes_others() -> None:
    one, two = Sampler(10, "a"), Sampler(10, "b")
    for key in KEYS:
        one.offer(key)
        two.offer(key)
    assert one.chosen() != two.chosen()


@pytest.mark.parametrize("faulty", [1, 2, 3])
def test_detection_is_what_counting_all_samples_gives(faulty: int) -> None:
    partitions, sample = 8, 3
    all_samples = list(itertools.combinations(range(partitions), sample))
    found = sum(1 for chosen in all_samples if min(chosen) < faulty)
    assert detection(partitions, sample, faulty) == pytest.approx(found / len(all_samples))


def test_detection_at_its_ends() -> None:
    assert detection(10, 10, 1) == 1.0
    assert detection(10, 0, 1) == 0.0
    assert detection_result(0, 5) == {
        "partitions": 0,
        "sample": 0,
        "detects": {"one": 0.0, "one_percent": 0.0, "ten_percent": 0.0},
    }
    assert detection_result(10_000, 300)["detects"] == {"one": 0.03, "one_percent": 0.9532, "ten_percent": 1.0}


def test_statement_quotes_names() -> None:
    assert statement("d`x", "t", "p;1", ()) == "SELECT COUNT(*) FROM `d``x`.`t` PARTITION(`p;1`)"
    assert "IFNULL(CONCAT('v', CAST(`a` AS STRING)), 'n')" in statement("d", "t", "p", ("a",))
