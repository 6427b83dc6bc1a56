# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The other pictures: progress over time, the spread of refused writes, the load of every place."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import figures
from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.axis import nice_ticks
from ansible_collections.dbops.migration.plugins.module_utils._core.report.svg import (
    GUTTER,
    RIGHT,
    WIDTH,
    Svg,
    figure,
    fit,
    num,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.report.timeline import axis_of, draw_axis

_MOST_LOADS = 40


def progress(report: r.Report) -> str:
    """Moves done over time, beside the number planned; "" before anything was done."""
    done = sorted(attempt.ended or 0.0 for attempt in report.current if attempt.status == "done")
    if not done:
        return ""
    total = max(len(done), len(report.items) - report.count(r.ALREADY, r.DROPPED))
    ticks = nice_ticks(total, 4, whole=True)
    top, floor = 24.0, 214.0
    svg = Svg(
        "progress",
        "Moves done over time",
        f"{w.count(len(done))} moves done of {w.count(total)}; half of them by {w.instant(done[len(done) // 2])} UTC.",
        floor + 34,
    )

    def y_of(value: float) -> float:
        return floor - (floor - top) * value / ticks[-1]

    axis = axis_of(report)
    draw_axis(svg, axis, top - 4, floor)
    for tick in ticks:
        svg.line(GUTTER, y_of(tick), WIDTH - RIGHT, y_of(tick), "grid")
        svg.text(GUTTER - 8, y_of(tick) + 4, w.count(tick), "tick", "end")
    points: t.Dict[float, int] = {}
    for number, at in enumerate(done, 1):
        points[round(axis.x(at), 1)] = number
    curve = f"M{num(GUTTER)} {num(floor)}" + "".join(f"H{num(x)}V{num(y_of(y))}" for x, y in points.items())
    end = max(points)
    svg.path(f"{curve}V{num(floor)}z", "area")
    svg.path(curve, "curve")
    if total > len(done):
        svg.line(GUTTER, y_of(total), WIDTH - RIGHT, y_of(total), "goal")
        svg.text(GUTTER + 6, y_of(total) - 6, f"{w.count(total)} planned", "tick")
    svg.text(max(end, GUTTER + 60), y_of(len(done)) - 7, f"{w.count(len(done))} done", "value", "end")
    failed = sorted({round(axis.x(one.ended or 0.0)) for one in report.attempts if one.status == "failed"})
    for x in failed:
        svg.path(f"M{x - 3} {num(floor - 8)}l6 6m-6 0l6 -6", "mark")
    legend = [("moved", "moves done")] + ([("failed", "cross: a failed attempt")] if failed else [])
    return figure(svg, "Moves done, counted when their outcome was recorded.", legend, "Progress over time")


def refused(report: r.Report) -> str:
    """How long writes were refused, as a histogram; "" when fewer than two moves were measured."""
    values = sorted(
        attempt.refused_most
        for attempt in report.attempts
        if attempt.status == "done" and attempt.refused_most is not None
    )
    spread = figures.spread(values)
    if spread is None or spread.count < 2:
        return ""
    ticks = nice_ticks(spread.largest or 1.0, 8)
    per_tick = 4 if len(ticks) <= 8 else 2
    number = (len(ticks) - 1) * per_tick
    bins = [0] * number
    for value in values:
        bins[min(number - 1, int(value / ticks[-1] * number))] += 1
    counts = nice_ticks(max(bins), 3, whole=True)
    top, floor = 30.0, 180.0
    svg = Svg(
        "refused",
        f"How long writes were refused per {report.words.item}",
        f"{w.count(spread.count)} {report.words.items}: median {w.seconds(spread.median)}, 95 % within"
        f" {w.seconds(spread.p95)}, longest {w.seconds(spread.largest)}.",
        floor + 24,
    )
    room = WIDTH - RIGHT - GUTTER
    for tick in counts:
        y = floor - (floor - top) * tick / counts[-1]
        svg.line(GUTTER, y, WIDTH - RIGHT, y, "grid")
        svg.text(GUTTER - 8, y + 4, w.count(tick), "tick", "end")
    for place, many in enumerate(bins):
        if many:
            tall = max(1.5, (floor - top) * many / counts[-1])
            span = f"{w.seconds(ticks[-1] * place / number)} to {w.seconds(ticks[-1] * (place + 1) / number)}"
            tip = f"{span}: {w.counted(many, report.words.item, report.words.items)}"
            svg.rect(GUTTER + room * place / number + 1, floor - tall, room / number - 2, tall, "refused", tip, 1)
    for tick in ticks:
        x = GUTTER + room * tick / ticks[-1]
        svg.text(x, floor + 17, w.seconds(tick), "tick", "end" if tick == ticks[-1] else "middle")
    for value, words, y in ((spread.median, "median", 12.0), (spread.p95, "95 % within", 25.0)):
        x = GUTTER + room * value / ticks[-1]
        svg.line(x, y - 6, x, floor, "median")
        near_edge = x > WIDTH - 150
        text = f"{words} {w.seconds(value)}"
        svg.text(x - 5 if near_edge else x + 5, y, text, "value", "end" if near_edge else "start")
    caption = (
        f"Seconds in which writes to one {report.words.item} were refused, as upper bounds: seen from outside, the span"
        " lies between two looks at the server."
    )
    return figure(svg, caption, (), "Refused writes")


def loads(report: r.Report) -> str:
    """The load of every place before the plan and now; "" when the plan does not tell it."""
    plan = report.plan
    if plan is None or not plan.loads:
        return ""
    moved: t.Dict[str, float] = {}
    bytes_moved: t.Dict[str, float] = {}
    for item in report.items:
        if item.state == r.DONE and item.last is not None and item.last.started >= plan.at:
            for place, sign in ((item.source, -1), (item.target, 1)):
                moved[place] = moved.get(place, 0) + sign
                bytes_moved[place] = bytes_moved.get(place, 0) + sign * (item.size_bytes or 0)
    key = _count_key(plan, report.words.items)
    pictures = [_load_picture(report, plan, key, moved, "loads", report.words.items.capitalize(), w.count)]
    sizes_known = all(item.size_bytes is not None for item in report.items)
    if sizes_known and any(v.number(before.get("bytes")) for _place, before, _after in plan.loads):
        pictures.append(_load_picture(report, plan, "bytes", bytes_moved, "bytes", "Bytes", w.size))
    return "".join(pictures)


def _count_key(plan: r.Plan, items: str) -> str:
    known = [str(key) for _place, before, after in plan.loads for side in (before, after) for key in side]
    return items if items in known else next((key for key in known if key != "bytes"), "")


def _load_picture(
    report: r.Report,
    plan: r.Plan,
    key: str,
    moved: t.Mapping[str, float],
    ident: str,
    title: str,
    show: t.Callable[[float], str],
) -> str:
    rows = []
    for place, before, after in plan.loads:
        was, planned = v.number(before.get(key)), v.number(after.get(key))
        if was is not None or planned is not None:
            rows.append((place, was or 0.0, (was or 0.0) + moved.get(place, 0.0), planned))
    # More moved away than was there: the plan was made without knowing the loads.
    if not rows or any(is_now < -1e-6 for _place, _was, is_now, _planned in rows):
        return ""
    left_out = ""
    if len(rows) > _MOST_LOADS:
        left_out = f" The {_MOST_LOADS} with the largest change of {len(rows)} are shown."
        rows = sorted(rows, key=lambda row: (-abs(row[2] - row[1]), v.natural(row[0])))[:_MOST_LOADS]
        rows.sort(key=lambda row: v.natural(row[0]))
    most = max(max(was, is_now, planned or 0.0) for _place, was, is_now, planned in rows) or 1.0
    pitch, thick = (40.0, 13.0) if len(rows) <= 10 else (29.0, 10.0)
    told = "; ".join(f"{report.words.place} {row[0]}: {show(row[1])} to {show(row[2])}" for row in rows)
    heading = f"{title} per {report.words.place}"
    svg = Svg(ident, f"{heading}, before and now", told + ".", len(rows) * pitch + 4)
    room = WIDTH - RIGHT - GUTTER - 90
    for number, (place, was, is_now, planned) in enumerate(rows):
        y = number * pitch + 4
        svg.text(0, y + thick + 5, fit(f"{report.words.place} {place}", 22), "lane")
        for offset, value, css in ((0.0, was, "before"), (thick + 1, is_now, "moved")):
            wide = max(room * value / most, 1.5 if value else 0.0)
            svg.rect(GUTTER, y + offset, wide, thick, css, "", 2)
            svg.text(GUTTER + wide + 6, y + offset + thick - 1.5, show(value), "value" if css == "moved" else "tick")
        if planned is not None and abs(planned - is_now) > 1e-9 * most:
            x = GUTTER + room * planned / most
            svg.line(x, y + thick, x, y + 2 * thick + 3, "median")
        svg.line(GUTTER, y - 2, GUTTER, y + 2 * thick + 3, "rule")
    legend = [("before", "before, as the plan found it"), ("moved", "now: before, with every recorded move applied")]
    if any(planned is not None and planned != is_now for _place, _was, is_now, planned in rows):
        legend.append(("median", "line: as planned"))
    return figure(svg, heading + "." + left_out, legend, heading)
