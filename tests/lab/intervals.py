# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of write sequences kept as intervals: a region holds many writes, with holes only where some were lost."""

from __future__ import annotations

import typing as t
from bisect import bisect_right


class IntervalSet:
    """A set of non-negative integers as sorted, disjoint, half-open intervals."""

    __slots__ = ("_parts",)

    def __init__(self, parts: t.Iterable[tuple[int, int]] = ()) -> None:
        self._parts: list[list[int]] = []
        for low, high in parts:
            if low < high:
                self._insert(low, high)

    def add(self, value: int) -> None:
        """Add one integer; appending the next one is the cheap case."""
        parts = self._parts
        if parts and parts[-1][1] == value:
            parts[-1][1] = value + 1
        else:
            self._insert(value, value + 1)

    def update(self, other: IntervalSet) -> None:
        """Add everything that ``other`` holds."""
        for low, high in other._parts:
            self._insert(low, high)

    def _insert(self, low: int, high: int) -> None:
        parts = self._parts
        if not parts or parts[-1][1] < low:
            parts.append([low, high])
            return
        merged: list[list[int]] = []
        for part in parts:
            if part[1] < low or part[0] > high:
                merged.append(part)
            else:
                low, high = min(low, part[0]), max(high, part[1])
        merged.append([low, high])
        merged.sort()
        self._parts = merged

    def minus(self, other: IntervalSet) -> IntervalSet:
        """What is in this set and not in ``other``."""
        result = IntervalSet()
        for low, high in self._parts:
            at = low
            for o_low, o_high in other._parts:
                if o_high <= at:
                    continue
                if o_low >= high:
                    break
                if o_low > at:
                    result._parts.append([at, o_low])
                at = o_high
                if at >= high:
                    break
            if at < high:
                result._parts.append([at, high])
        return result

    def copy(self) -> IntervalSet:
        """An independent copy."""
        result = IntervalSet()
        result._parts = [list(part) for part in self._parts]
        return result

    def clear(self) -> None:
        """Remove everything."""
        self._parts = []

    def values(self, limit: int) -> t.Iterator[int]:
        """The first ``limit`` members in order."""
        left = limit
        for low, high in self._parts:
            yield from range(low, min(high, low + left))
            left -= high - low
            if left <= 0:
                return

    def last(self) -> int | None:
        """The greatest member, or None."""
        return self._parts[-1][1] - 1 if self._parts else None

    def __len__(self) -> int:
        return sum(high - low for low, high in self._parts)

    def __bool__(self) -> bool:
        return bool(self._parts)

    def __contains__(self, value: int) -> bool:
        index = bisect_right(self._parts, [value, 1 << 63]) - 1
        return index >= 0 and self._parts[index][0] <= value < self._parts[index][1]

    def __repr__(self) -> str:
        return "IntervalSet(%r)" % [tuple(part) for part in self._parts]
