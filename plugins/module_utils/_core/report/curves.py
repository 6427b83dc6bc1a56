# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Curves of what was seen at each look while a copy was made: how much is there, and how much is behind."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.axis import TimeAxis, nice_ticks
from ansible_collections.dbops.migration.plugins.module_utils._core.report.svg import (
    GUTTER,
    RIGHT,
    WIDTH,
    Svg,
    figure,
    num,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.report.timeline import draw_axis

_MOST_POINTS = 600
_TOP, _FLOOR = 24.0, 196.0
Point = t.Tuple[float, float]


def copied(report: r.Report) -> str:
    """What is on the target over time, beside all there is; "" where items move one by one, or nothing was told."""
    seen = [] if report.items else looks(report)
    if len(seen) < 2 or not seen[-1].total:
        return ""
    parts = report.words.part + "s"
    last, total = seen[-1], max(one.total for one in seen)
    points = _thin([(one.at, float(one.done)) for one in seen])
    rates = [one.rate for one in seen if one.rate]
    told = f"{w.count(last.done)} of {w.count(last.total)} {parts} by {w.instant(last.at)} UTC."
    svg = Svg("copied", f"{w.human(parts)} on the target over time", told, _FLOOR + 34)
    axis = _axis(points)
    y_of = _scale(svg, axis, float(total))
    line = "L".join(f"{num(axis.x(at))} {num(y_of(value))}" for at, value in points)
    svg.path(f"M{num(axis.x(points[0][0]))} {num(_FLOOR)}L{line}V{num(_FLOOR)}z", "area")
    svg.path(f"M{line}", "curve")
    if last.done < total:
        svg.line(GUTTER, y_of(total), WIDTH - RIGHT, y_of(total), "goal")
        svg.text(GUTTER + 6, y_of(total) - 6, f"{w.count(total)} in all", "tick")
    svg.text(WIDTH - RIGHT, max(12.0, y_of(last.done) - 7), f"{w.count(last.done)} of {w.count(total)}", "value", "end")
    caption = f"{w.human(parts)} that have their first copy on the target, at each look."
    if rates:
        caption += f" At most {w.count(max(rates))} in a minute; {w.count(sum(rates) / len(rates))} on average."
    return figure(svg, caption, (), f"{w.human(parts)} copied")


def behind(report: r.Report) -> str:
    """How far the target was behind, over time; "" when it was not seen twice."""
    points = _thin([(one.at, one.lag) for one in looks(report) if one.lag is not None])
    if len(points) < 2:
        return ""
    most, last = max(points, key=lambda point: point[1]), points[-1]
    svg = Svg(
        "backlog",
        "Lag over time",
        f"At most {w.count(most[1])} at {w.instant(most[0])} UTC, {w.count(last[1])} at {w.instant(last[0])} UTC.",
        _FLOOR + 34,
    )
    axis = _axis(points)
    y_of = _scale(svg, axis, most[1])
    line = "L".join(f"{num(axis.x(at))} {num(y_of(value))}" for at, value in points)
    svg.path(f"M{line}", "curve")
    svg.text(WIDTH - RIGHT, max(12.0, y_of(last[1]) - 7), w.count(last[1]), "value", "end")
    return figure(svg, report.words.behind, (), "Lag over time")


def looks(report: r.Report) -> t.List[r.Progress]:
    """What was seen while the copy was made: behind the switch, progress is about clearing away."""
    until = report.first_commit
    return [one for one in report.progress if until is None or one.at <= until]


def _thin(points: t.Sequence[Point]) -> t.List[Point]:
    """At most so many points as can be told apart: of each stretch the first and the largest."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    step = 2 * len(points) / _MOST_POINTS
    kept: t.Dict[Point, None] = {}
    for number in range(_MOST_POINTS // 2):
        some = points[int(number * step) : int((number + 1) * step)]
        kept[some[0]] = None
        kept[max(some, key=lambda point: point[1])] = None
    kept[points[-1]] = None
    return sorted(kept)


def _axis(points: t.Sequence[Point]) -> TimeAxis:
    return TimeAxis([(points[0][0], max(points[-1][0], points[0][0] + 0.001))], GUTTER, WIDTH - RIGHT)


def _scale(svg: Svg, axis: TimeAxis, largest: float) -> t.Callable[[float], float]:
    """Draw both axes; returns where a value is drawn."""
    ticks = nice_ticks(largest or 1.0, 4, whole=True)

    def y_of(value: float) -> float:
        return _FLOOR - (_FLOOR - _TOP) * value / ticks[-1]

    draw_axis(svg, axis, _TOP - 4, _FLOOR)
    for tick in ticks:
        svg.line(GUTTER, y_of(tick), WIDTH - RIGHT, y_of(tick), "grid")
        svg.text(GUTTER - 8, y_of(tick) + 4, w.count(tick), "tick", "end")
    return y_of
