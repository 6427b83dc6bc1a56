# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The timeline: a bar per attempt while bars can be told apart, else shades of how much was under way."""

from __future__ import annotations

import heapq
import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import figures
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.axis import TimeAxis
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Attempt, Report
from ansible_collections.dbops.migration.plugins.module_utils._core.report.svg import (
    GUTTER,
    RIGHT,
    WIDTH,
    Svg,
    figure,
    fit,
    num,
)

_MOST_BARS = 600
_MOST_ROWS = 90
_MOST_PER_ROW = 110
_MOST_LANES = 48
_BINS = 170
_SHADES = 5
_TOP = 8.0
_AXIS_HEIGHT = 34.0

Lane = t.Tuple[str, t.List[t.List[Attempt]]]


def axis_of(report: Report) -> TimeAxis:
    """The time axis that the timeline and the progress curve share."""
    return TimeAxis(figures.busy_periods(report, report.attempts), GUTTER, WIDTH - RIGHT)


def timeline(report: Report) -> str:
    """The timeline as a figure, "" when nothing was ever submitted."""
    if not report.attempts:
        return ""
    lanes = _lanes(report)
    rows = sum(len(slots) for _name, slots in lanes)
    fullest = max(len(slot) for _name, slots in lanes for slot in slots)
    if len(report.attempts) <= _MOST_BARS and rows <= _MOST_ROWS and fullest <= _MOST_PER_ROW:
        return _bars(report, lanes)
    return _shades(report, lanes)


def _lanes(report: Report) -> t.List[Lane]:
    """Attempts by source; within one, packed into the fewest rows in which none overlap."""
    by_source: t.Dict[str, t.List[Attempt]] = {}
    for attempt in report.attempts:
        by_source.setdefault(attempt.source, []).append(attempt)
    lanes = []
    for source in sorted(by_source, key=v.natural):
        slots: t.List[t.List[Attempt]] = []
        free: t.List[int] = []
        busy: t.List[t.Tuple[float, int]] = []
        for attempt in sorted(by_source[source], key=lambda one: (one.started, one.key)):
            start, stop = figures.span_of(report, attempt)
            while busy and busy[0][0] <= start:
                heapq.heappush(free, heapq.heappop(busy)[1])
            if free:
                slot = heapq.heappop(free)
            else:
                slot = len(slots)
                slots.append([])
            slots[slot].append(attempt)
            heapq.heappush(busy, (stop, slot))
        lanes.append((source, slots))
    return lanes


def draw_axis(svg: Svg, axis: TimeAxis, top: float, bottom: float) -> None:
    """Grid lines, tick labels (time at work) and folded pauses."""
    last = -1e9
    for x, at in axis.ticks(9):
        svg.line(x, top, x, bottom, "grid")
        label = w.seconds(at)
        if x - last > 58 and x < WIDTH - RIGHT - 4:
            svg.text(x, bottom + 15, label, "tick", "middle" if x > GUTTER + 8 else "start")
            last = x
    for left, right, length in axis.pauses():
        svg.rect(left + 4, top, right - left - 8, bottom - top, "pause", f"pause of {w.seconds(length)}")
        svg.text((left + right) / 2, bottom + 29, f"pause {w.seconds(length)}", "tick", "middle")


def _describe(report: Report) -> str:
    number = len(report.attempts)
    first = min(attempt.started for attempt in report.attempts)
    sources = len({attempt.source for attempt in report.attempts})
    return (
        f"{w.counted(number, 'attempt')} from {w.counted(sources, report.words.place)}, from {w.instant(first)} UTC on."
        " The table Plan and outcome holds the same figures."
    )


def _bars(report: Report, lanes: t.Sequence[Lane]) -> str:
    rows = sum(len(slots) for _name, slots in lanes)
    pitch = 22.0 if rows <= 8 else 16.0 if rows <= 24 else 11.0
    height = pitch - (4.0 if pitch > 12 else 3.0)
    gap = 14.0
    floor = _TOP + rows * pitch + (len(lanes) - 1) * gap + _low_lanes(lanes, pitch)
    svg = Svg("timeline", f"Timeline of all {report.words.item} moves", _describe(report), floor + _AXIS_HEIGHT)
    axis = axis_of(report)
    draw_axis(svg, axis, _TOP - 4, floor + 2)
    y = _TOP
    for number, (source, slots) in enumerate(lanes):
        own = max(len(slots) * pitch, _LANE_LEAST)
        if number:
            svg.line(0, y - gap / 2, WIDTH, y - gap / 2, "rule")
        _lane_label(svg, report, source, sum(len(slot) for slot in slots), y)
        for row, slot in enumerate(slots):
            for attempt in slot:
                _bar(svg, axis, report, attempt, y + row * pitch, height)
        y += own + gap
    legend = [("moved", f"under way, then {report.words.item} on its target")]
    if any(attempt.refused_most for attempt in report.attempts):
        legend.append(("refused", "writes refused, at most (ends with the move)"))
    if any(attempt.status == "failed" for attempt in report.attempts):
        legend.append(("failed", "failed (crossed out)"))
    if any(attempt.status not in ("done", "failed") for attempt in report.attempts):
        legend.append(("open", "outcome not recorded (dashed)"))
    return figure(
        svg, _caption(report, "Each bar is one attempt; a number in a bar is its target."), legend, "Timeline"
    )


_LANE_LEAST = 32.0


def _low_lanes(lanes: t.Sequence[Lane], pitch: float) -> float:
    """Extra height for lanes that are lower than their label."""
    return math.fsum(max(0.0, _LANE_LEAST - len(slots) * pitch) for _name, slots in lanes)


def _lane_label(svg: Svg, report: Report, source: str, number: int, y: float) -> None:
    svg.text(0, y + 12, fit(f"{report.words.place} {source}", 22), "lane")
    svg.text(0, y + 27, f"{w.counted(number, 'move')} away", "tick")


def _bar(svg: Svg, axis: TimeAxis, report: Report, attempt: Attempt, y: float, height: float) -> None:
    start, stop = figures.span_of(report, attempt)
    left, right = axis.x(start), axis.x(stop)
    wide = max(right - left - 1.0, 1.5)
    kind = {"done": "moved", "failed": "failed"}.get(attempt.status, "open")
    tip = f"{report.words.item} {attempt.key}"
    if attempt.group:
        tip += f" ({attempt.group})"
    tip += f": {attempt.source} → {attempt.target}, {attempt.status or 'no outcome'}, {w.seconds(stop - start)}"
    if attempt.refused_most is not None:
        tip += f", writes refused at most {w.seconds(attempt.refused_most)}"
    svg.rect(left, y, wide, height, kind, tip, 2)
    if attempt.status == "failed":
        svg.line(left, y, left + wide, y + height, "cross")
        svg.line(left, y + height, left + wide, y, "cross")
    if attempt.refused_most and attempt.status == "done":
        from_x = max(left, axis.x(stop - attempt.refused_most))
        refused = max(left + wide - from_x, min(2.0, wide))
        svg.rect(left + wide - refused, y, refused, height, "refused", tip, 2)
        wide -= refused
    label = str(attempt.target)
    if height >= 11 and kind == "moved" and wide > 12 + 6.2 * len(label) + 8:
        svg.text(left + 5, y + height - (height - 8) / 2, f"→ {label}", "inbar")


def _caption(report: Report, lead: str) -> str:
    first = min(attempt.started for attempt in report.attempts)
    last = max(figures.span_of(report, attempt)[1] for attempt in report.attempts)
    return (
        f"{lead} The axis counts time at work from {w.instant(first)} UTC; the last bar ends at {w.instant(last)} UTC."
    )


def _shades(report: Report, lanes: t.Sequence[Lane]) -> str:
    axis = axis_of(report)
    groups = [(source, [attempt for slot in slots for attempt in slot]) for source, slots in lanes]
    if len(groups) > _MOST_LANES:
        groups.sort(key=lambda group: -len(group[1]))
        rest = [attempt for _source, some in groups[_MOST_LANES - 1 :] for attempt in some]
        number = len(groups) - _MOST_LANES + 1
        groups = [*sorted(groups[: _MOST_LANES - 1], key=lambda group: v.natural(group[0])), (f"({number} more)", rest)]
    pitch = 40.0 if len(groups) <= 16 else 30.0
    floor = _TOP + len(groups) * pitch
    svg = Svg("timeline", f"Timeline of all {report.words.item} moves", _describe(report), floor + _AXIS_HEIGHT)
    moving = [_coverage(report, axis, some, refused=False) for _source, some in groups]
    refusing = [_coverage(report, axis, some, refused=True) for _source, some in groups]
    most = max(max(lane) for lane in moving)
    most_refused = max(max(lane) for lane in refusing)
    draw_axis(svg, axis, _TOP - 4, floor + 2)
    shades: t.Dict[str, t.List[str]] = {}
    for number, (source, some) in enumerate(groups):
        y = _TOP + number * pitch
        svg.text(0, y + 12, fit(f"{report.words.place} {source}", 22), "lane")
        if pitch > 30:
            svg.text(0, y + 26, f"{w.counted(len(some), 'move')} away", "tick")
        _strip(shades, "s", moving[number], most, y, pitch - 16)
        _strip(shades, "r", refusing[number], most_refused, y + pitch - 15, 5)
        for x in sorted({round(axis.x(attempt.ended or 0.0)) for attempt in some if attempt.status == "failed"}):
            svg.path(f"M{x - 3} {num(y - 2)}l6 6m-6 0l6 -6", "mark")
    for css in sorted(shades):
        svg.path("".join(shades[css]), css)
    legend = [
        ("s3", f"under way, stronger is more at once (up to {w.count(math.ceil(most))} from one {report.words.place})")
    ]
    if most_refused:
        legend.append(
            (
                "r3",
                f"thin strip: writes refused (up to about {w.count(math.ceil(most_refused))} at once)",
            )
        )
    if any(attempt.status == "failed" for attempt in report.attempts):
        legend.append(("failed", "cross: a failed attempt"))
    lead = f"{w.counted(len(report.attempts), 'attempt')}, too many for a bar each."
    return figure(svg, _caption(report, lead).replace("bar ends", "attempt ends"), legend, "Timeline")


def _coverage(report: Report, axis: TimeAxis, attempts: t.Sequence[Attempt], *, refused: bool) -> t.List[float]:
    """How many attempts were under way (or refused writes) in each of the bins of the axis, on average."""
    bins = [0.0] * _BINS
    scale = _BINS / (WIDTH - RIGHT - GUTTER)
    for attempt in attempts:
        start, stop = figures.span_of(report, attempt)
        if refused:
            start = max(start, stop - (attempt.refused_most or 0.0))
        left, right = (axis.x(start) - GUTTER) * scale, (axis.x(stop) - GUTTER) * scale
        for number in range(max(0, int(left)), min(_BINS, math.ceil(right))):
            bins[number] += min(right, number + 1) - max(left, number)
    return bins


def _strip(
    shades: t.Dict[str, t.List[str]], css: str, lane: t.Sequence[float], most: float, y: float, height: float
) -> None:
    """Add one lane's bins to the path of their shade; neighbours of one shade become one box."""
    wide = (WIDTH - RIGHT - GUTTER) / _BINS
    level_of = [min(_SHADES, math.ceil(value / most * _SHADES - 1e-9)) if most and value > 0 else 0 for value in lane]
    start = 0
    for number in range(1, _BINS + 1):
        if number < _BINS and level_of[number] == level_of[start]:
            continue
        if level_of[start]:
            long = num((number - start) * wide)
            box = f"M{num(GUTTER + start * wide)} {num(y)}h{long}v{num(height)}h-{long}z"
            shades.setdefault(f"{css}{level_of[start]}", []).append(box)
        start = number
