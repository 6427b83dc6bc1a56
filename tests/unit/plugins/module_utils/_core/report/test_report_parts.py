# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.axis import TimeAxis, nice_ticks
from ansible_collections.dbops.migration.plugins.module_utils._core.report.svg import fit
from ansible_collections.dbops.migration.plugins.module_utils._core.report.table import Column, table

spans = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=12)


@given(spans)
def test_time_never_runs_backwards_nor_out_of_the_picture(lengths: t.List[t.Tuple[float, float]]) -> None:
    periods, now = [], 1.7e9
    for pause, work in lengths:
        now += pause + 0.001
        periods.append((now, now + work))
        now += work
    axis = TimeAxis(periods, 150, 986)
    drawn = [axis.x(moment) for period in periods for moment in period]
    assert drawn == sorted(drawn)
    assert drawn[0] >= 150 - 1e-6
    assert drawn[-1] <= 986 + 1e-6
    assert all(150 - 1e-6 <= x <= 986 + 1e-6 for x, _at in axis.ticks(9))
    assert len(axis.ticks(9)) <= 60


def test_a_long_pause_is_folded() -> None:
    axis = TimeAxis([(0, 10), (100_000, 100_010)], 0, 1000)
    assert axis.x(10) == pytest.approx(487, abs=1)
    ((left, right, length),) = axis.pauses()
    assert (round(right - left), length) == (26, 99_990)


@pytest.mark.parametrize(
    ("largest", "whole", "ticks"),
    [(0, False, [0, 1]), (1.3, False, [0, 0.5, 1, 1.5]), (2, True, [0, 1, 2]), (60, True, [0, 20, 40, 60])],
)
def test_ticks_are_round(largest: float, whole: bool, ticks: t.List[float]) -> None:
    assert nice_ticks(largest, 4, whole) == ticks


@given(st.floats(1e-9, 1e15), st.integers(2, 9))
def test_ticks_reach_the_largest(largest: float, most: int) -> None:
    ticks = nice_ticks(largest, most)
    assert ticks[-1] >= largest * (1 - 1e-6)
    assert len(ticks) <= most + 2


@given(st.text())
def test_escaped_text_is_only_text(text: str) -> None:
    assert not set("<>\"'") & set(w.esc(text))
    w.esc(text).encode("utf-8")


def test_what_cannot_be_seen_is_shown() -> None:
    assert w.esc("a\x00b\u202ec\ud800") == "a\\u0000b\\u202ec\\ud800"
    assert w.esc("one\ntwo\tthree") == "one\ntwo\tthree"


def test_sizes_and_numbers() -> None:
    assert [w.size(value) for value in (None, 0, 1023, 1024, 3 << 30)] == [
        w.DASH,
        "0 B",
        "1023 B",
        "1.0 KiB",
        "3.0 GiB",
    ]
    assert w.counted(1, "region") == "1 region"
    assert w.counted(12_000, "entry", "entries") == "12,000 entries"
    assert w.instant(1e300) == w.DASH
    assert fit("a" * 30, 9) == "aaaa…aaaa"


def test_a_table_keeps_its_budget_and_counts_the_rest() -> None:
    rows = [[str(number), "x" * 50] for number in range(100)]
    markup = table("t", "Things", [Column("Number", "n"), Column("What")], rows, budget=1000)
    assert len(markup) < 1600
    shown = markup.count("<tr><th scope=row>")
    assert f"{100 - shown} more rows are only in the journal." in markup


def test_a_long_table_is_folded_away_and_an_empty_one_left_out() -> None:
    rows = [[str(number)] for number in range(100)]
    assert table("t", "Things", [Column("Number")], rows, fold="All things").startswith("<details>")
    assert table("t", "Things", [Column("Number")], []) == ""
