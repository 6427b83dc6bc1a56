# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Axes: time with long pauses folded away, and ticks at round numbers."""

from __future__ import annotations

import dataclasses
import math
import typing as t

_TIME_STEPS: t.Tuple[float, ...] = (
    *(0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200),
    *(86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000),
)
_PAUSE_WIDTH = 26.0
_PAUSE_SHARE = 0.08


@dataclasses.dataclass(frozen=True)
class Stretch:
    """A stretch of time that is drawn to scale: from ``start`` to ``stop``, at ``left`` to ``right``."""

    start: float
    stop: float
    left: float
    right: float


class TimeAxis:
    """Seconds since the epoch -> x. Pauses that would take much of the width are drawn as a narrow gap.

    ``periods``: the times at work, ordered and not overlapping.
    """

    def __init__(self, periods: t.Sequence[t.Tuple[float, float]], left: float, right: float) -> None:
        merged: t.List[t.Tuple[float, float]] = []
        work = math.fsum(stop - start for start, stop in periods) or 1.0
        for start, stop in periods:
            if merged and start - merged[-1][1] < work * _PAUSE_SHARE:
                merged[-1] = (merged[-1][0], stop)
            else:
                merged.append((start, stop))
        # So many pauses that nothing would be left to draw in: to scale, all of it.
        if len(merged) > 9:
            merged = [(merged[0][0], merged[-1][1])]
        if not merged:
            merged = [(0.0, 1.0)]
        drawn = math.fsum(stop - start for start, stop in merged)
        if drawn <= 0:
            merged, drawn = [(merged[0][0], merged[-1][1] + 1.0)], merged[-1][1] + 1.0 - merged[0][0]
        per_second = (right - left - _PAUSE_WIDTH * (len(merged) - 1)) / drawn
        self.stretches: t.List[Stretch] = []
        x = left
        for start, stop in merged:
            self.stretches.append(Stretch(start, stop, x, x + (stop - start) * per_second))
            x = self.stretches[-1].right + _PAUSE_WIDTH
        self.drawn = drawn
        self._per_second = per_second

    def x(self, moment: float) -> float:
        """Where ``moment`` is drawn; within a pause, its end."""
        for stretch in self.stretches:
            if moment <= stretch.stop:
                return stretch.left + max(0.0, moment - stretch.start) * self._per_second
        return self.stretches[-1].right

    def pauses(self) -> t.List[t.Tuple[float, float, float]]:
        """The folded pauses as (left, right, seconds)."""
        return [
            (before.right, after.left, after.start - before.stop)
            for before, after in zip(self.stretches, self.stretches[1:])
        ]

    def ticks(self, most: int) -> t.List[t.Tuple[float, float]]:
        """About ``most`` ticks at round times since the start of their stretch: (x, seconds at work until then)."""
        step = next((step for step in _TIME_STEPS if self.drawn / step <= most), _TIME_STEPS[-1])
        ticks = []
        before = 0.0
        for stretch in self.stretches:
            length = stretch.stop - stretch.start
            first = math.ceil(before / step - 1e-9) * step
            number = 0
            while first + number * step <= before + length + 1e-9 and number <= most * 2:
                at = first + number * step
                ticks.append((stretch.left + (at - before) * self._per_second, at))
                number += 1
            before += length
        return ticks


def nice_ticks(largest: float, most: int = 5, whole: bool = False) -> t.List[float]:
    """Ticks from 0 to at least ``largest`` at 1, 2, 2.5 or 5 times a power of ten."""
    if largest <= 0:
        return [0.0, 1.0]
    rough = largest / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    if whole:
        step = float(max(1, math.ceil(step)))
    return [number * step for number in range(math.ceil(largest / step - 1e-9) + 1)]
