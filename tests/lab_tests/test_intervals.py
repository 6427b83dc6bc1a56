# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sets of sequences in which losses are counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lab.intervals import IntervalSet

members = st.sets(st.integers(0, 60), max_size=40)


def _set(values: set[int]) -> IntervalSet:
    found = IntervalSet()
    for value in sorted(values, key=lambda v: (v * 7) % 61):
        found.add(value)
    return found


@given(members, members)
def test_like_ordinary_sets(left: set[int], right: set[int]) -> None:
    a, b = _set(left), _set(right)
    assert list(a.values(1000)) == sorted(left)
    assert list(a.minus(b).values(1000)) == sorted(left - right)
    assert len(a) == len(left)
    assert a.last() == (max(left) if left else None)
    assert all((v in a) == (v in left) for v in range(62))
    a.update(b)
    assert list(a.values(1000)) == sorted(left | right)
    assert list(b.values(1000)) == sorted(right)


def test_appending_stays_one_interval() -> None:
    found = IntervalSet([(0, 5)])
    for value in range(5, 1000):
        found.add(value)
    assert repr(found) == "IntervalSet([(0, 1000)])"
