# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Cutovers on the page: the steps of each, the backlog before them, and what each switch rested on."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.axis import TimeAxis, nice_ticks
from ansible_collections.dbops.migration.plugins.module_utils._core.report.svg import (
    GUTTER,
    RIGHT,
    WIDTH,
    Svg,
    figure,
    fit,
    num,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.report.table import Column, code, table, tag
from ansible_collections.dbops.migration.plugins.module_utils._core.report.timeline import draw_axis
from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import esc

_STATES = {
    r.COMMITTED: ("good", "committed"),
    r.HANDED_OVER: ("care", "handed over"),
    r.LIFTED: ("care", "fence lifted"),
    "": ("plain", "not begun"),
}
# The end of each step, in order: its mark in the window, its colour, and what went on until then.
_STEPS = (
    ("all_denied", "before", "the fence reaches every server"),
    ("drained", "refused", "drained"),
    ("switched", "open", "switched"),
    ("proved", "moved", "proved at every proxy"),
    ("lifted", "failed", "lifted"),
)
_MOST_LANES = 40


def cutovers(report: r.Report) -> str:
    """How each cutover went, in figures and as a picture; "" without one."""
    if not any(one.state or one.window for one in report.cutovers):
        return ""
    return _picture(report) + _table(report)


def _table(report: r.Report) -> str:
    columns = [
        Column(report.words.item.capitalize(), "m"),
        Column("Outcome"),
        Column("When (UTC)", "t"),
        Column("Writes refused", "n"),
        Column("Forecast (median)", "n"),
        Column("Forecast (95 %)", "n"),
        Column("Budget", "n"),
        Column("Fenced", "n"),
        Column("Drained", "n"),
        Column("Committed", "n"),
    ]

    def row(one: r.Cutover) -> t.List[str]:
        window, forecast = one.window, one.forecast
        figures = [window.get("refused"), forecast.get("window_p50"), forecast.get("window_p95")]
        figures += [forecast.get("budget"), window.get("all_denied"), window.get("drained"), window.get("committed")]
        return [esc(one.subject), tag(*_STATES[one.state]), w.instant(one.at), *map(w.seconds, figures)]

    caption = "Cutovers; seconds count from the request to fence, as the module saw it and not the clients"
    return table("cutovers-table", caption, columns, (row(one) for one in report.cutovers), fold="All cutovers")


def _picture(report: r.Report) -> str:
    shown = [one for one in report.cutovers if any(mark in one.window for mark, _css, _words in _STEPS)][:_MOST_LANES]
    if not shown:
        return ""
    ends = [one.window[mark] for one in shown for mark, _css, _words in _STEPS if mark in one.window]
    ticks = nice_ticks(max(*ends, *(one.forecast.get("window_p95", 0.0) for one in shown), 0.001), 8)
    pitch, thick, top = 30.0, 16.0, 6.0
    floor = top + pitch * len(shown)
    told = "; ".join(f"{one.subject}: {_told(one)}" for one in shown)
    svg = Svg("cutover", "Steps of each cutover", told + ".", floor + 24)
    room = WIDTH - RIGHT - GUTTER

    def x_of(value: float) -> float:
        return GUTTER + room * value / ticks[-1]

    for tick in ticks:
        svg.line(x_of(tick), top - 4, x_of(tick), floor, "grid")
        svg.text(x_of(tick), floor + 17, w.seconds(tick), "tick", "end" if tick == ticks[-1] else "middle")
    for number, one in enumerate(shown):
        y = top + number * pitch
        svg.text(0, y + thick - 3, fit(one.subject, 22), "lane")
        since = 0.0
        for mark, css, words in _STEPS:
            until = one.window.get(mark)
            if until is not None and until > since:
                tip = f"{words}: {w.seconds(since)} to {w.seconds(until)}"
                svg.rect(x_of(since), y, max(1.0, x_of(until) - x_of(since)), thick, css, tip, 1)
                since = until
        if "window_p95" in one.forecast:
            svg.line(x_of(one.forecast["window_p95"]), y - 3, x_of(one.forecast["window_p95"]), y + thick + 3, "median")
    used = {mark for one in shown for mark in one.window}
    legend = [(css, words) for mark, css, words in _STEPS if mark in used]
    if any("window_p95" in one.forecast for one in shown):
        legend.append(("median", "line: forecast of the time that writes are refused, 95 % within"))
    caption = "From the request to fence until the clients are on the target."
    return figure(svg, caption, legend, "Steps of each cutover")


def _told(one: r.Cutover) -> str:
    return ", ".join(
        f"{words} after {w.seconds(one.window[mark])}" for mark, _css, words in _STEPS if mark in one.window
    )


def backlog(report: r.Report) -> str:
    """What was still to be shipped, over time; "" when it was not seen twice."""
    points = [(one.at, sum(one.backlog.values())) for one in report.progress if one.backlog]
    if len(points) < 2:
        return ""
    ticks = nice_ticks(max(value for _at, value in points) or 1.0, 4, whole=True)
    top, floor = 24.0, 190.0
    last = points[-1]
    most = max(points, key=lambda point: point[1])
    svg = Svg(
        "backlog",
        "Backlog over time",
        f"At most {w.count(most[1])} at {w.instant(most[0])} UTC, {w.count(last[1])} at {w.instant(last[0])} UTC.",
        floor + 34,
    )
    axis = TimeAxis([(points[0][0], max(last[0], points[0][0] + 0.001))], GUTTER, WIDTH - RIGHT)
    draw_axis(svg, axis, top - 4, floor)

    def y_of(value: float) -> float:
        return floor - (floor - top) * value / ticks[-1]

    for tick in ticks:
        svg.line(GUTTER, y_of(tick), WIDTH - RIGHT, y_of(tick), "grid")
        svg.text(GUTTER - 8, y_of(tick) + 4, w.count(tick), "tick", "end")
    line = "L".join(f"{num(axis.x(at))} {num(y_of(value))}" for at, value in points)
    svg.path(f"M{line}", "curve")
    svg.text(WIDTH - RIGHT, max(12.0, y_of(last[1]) - 7), w.count(last[1]), "value", "end")
    caption = "Writes that were still to be shipped to the target, in all, at each look."
    return figure(svg, caption, (), "Backlog over time")


def evidence(report: r.Report) -> str:
    """What the newest proof of each kind rests on, item by item, folded away; "" without a cutover."""
    if not report.cutovers:
        return ""
    newest = {proof.kind: proof for proof in report.proofs}
    return "".join(_items(proof, number) for number, proof in enumerate(newest.values()))


def _items(proof: r.Proof, number: int) -> str:
    names = list(dict.fromkeys(str(name) for item in proof.items for name in item if name != "subject"))
    if not names:
        return ""
    rows = (
        [esc(v.word(item.get("subject"))), *(code(v.word(item[name])) if name in item else w.DASH for name in names)]
        for item in proof.items
    )
    columns = [Column("Item", "m"), *(Column(w.human(name)) for name in names)]
    caption = f"Proof: {proof.kind}, {w.instant(proof.at)} UTC"
    body = table(f"proof-{number}", caption, columns, rows, budget=60_000)
    return f"<details><summary>{esc(proof.kind)} ({w.counted(len(proof.items), 'item')})</summary>{body}</details>"
