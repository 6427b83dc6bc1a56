# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Cutovers on the page: the steps of each, in figures and as a picture."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.axis import nice_ticks
from ansible_collections.dbops.migration.plugins.module_utils._core.report.sections import clock_of
from ansible_collections.dbops.migration.plugins.module_utils._core.report.svg import (
    GUTTER,
    RIGHT,
    WIDTH,
    Svg,
    figure,
    fit,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.report.table import Column, table, tag
from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import esc

_STATES = {
    r.COMMITTED: ("good", "committed"),
    r.HANDED_OVER: ("care", "handed over"),
    r.LIFTED: ("care", "fence lifted"),
    "": ("plain", "not begun"),
}
_HEADINGS = {"all_denied": "Fenced", "frozen": "Frozen"}
_MOST_LANES = 40
_MOST_MARKED = 200


def cutovers(report: r.Report) -> str:
    """How each cutover went, in figures and as a picture; "" without one."""
    if not any(one.state or one.window for one in report.cutovers):
        return ""
    return _picture(report) + _table(report)


def _table(report: r.Report) -> str:
    # The first step is the fence itself; of those behind it, what has been reached everywhere is told as numbers.
    marks = [*dict.fromkeys([mark for mark, _css, _words in report.words.steps][:1] + ["drained", "committed"])]
    columns = [
        Column("Cutover" if any(one.tables for one in report.cutovers) else report.words.item.capitalize(), "m"),
        Column("Outcome"),
        Column("When (UTC)", "t"),
        Column("Writes refused", "n"),
        Column("Forecast (median)", "n"),
        Column("Forecast (95 %)", "n"),
        Column("Budget", "n"),
        *(Column(_HEADINGS.get(mark, w.human(mark)), "n") for mark in marks),
    ]

    clock = clock_of(report)

    def row(one: r.Cutover) -> t.List[str]:
        window, forecast = one.window, one.forecast
        figures = [one.refused, forecast.get("window_p50"), forecast.get("window_p95")]
        figures += [forecast.get("budget"), *(window.get(mark) for mark in marks)]
        tone, words = _STATES[one.state]
        # Of thousands that went well, a mark on each would only cost room.
        state = words if len(report.cutovers) > _MOST_MARKED and tone == "good" else tag(tone, words)
        return [esc(one.subject), state, clock(one.at), *map(w.seconds, figures)]

    caption = f"Cutovers; seconds count from the request to {report.words.fence}, as the module saw it, not the clients"
    rows = (row(one) for one in sorted(report.cutovers, key=lambda one: one.state == r.COMMITTED))
    return table("cutovers-table", caption, columns, rows, budget=_budget(report), fold="All cutovers")


def _budget(report: r.Report) -> int:
    """A page of cutovers has no table of moves, and its room; see ``sections.outcomes``."""
    return 200_000 if report.items else 1_200_000


def _picture(report: r.Report) -> str:
    steps = report.words.steps
    able = [one for one in report.cutovers if any(mark in one.window for mark, _css, _words in steps)]
    # Of very many, those that took longest.
    shown = able if len(able) <= _MOST_LANES else sorted(able, key=lambda one: -(one.refused or 0.0))[:_MOST_LANES]
    if not shown:
        return ""
    ends = [one.window[mark] for one in shown for mark, _css, _words in steps if mark in one.window]
    ticks = nice_ticks(max(*ends, *(one.forecast.get("window_p95", 0.0) for one in shown), 0.001), 8)
    pitch, thick, top = 30.0, 16.0, 6.0
    floor = top + pitch * len(shown)
    told = "; ".join(f"{one.subject}: {_told(report, one)}" for one in shown)
    svg = Svg("cutover", "Steps of each cutover", told + ".", floor + 24)
    room = WIDTH - RIGHT - GUTTER

    def x_of(value: float) -> float:
        return GUTTER + room * value / ticks[-1]

    for tick in ticks:
        svg.line(x_of(tick), top - 4, x_of(tick), floor, "grid")
        svg.text(x_of(tick), floor + 17, w.seconds(tick), "tick", "end" if tick == ticks[-1] else "middle")
    for number, one in enumerate(shown):
        y = top + number * pitch
        svg.text(0, y + thick - 3, fit("the whole source" if one.tables else one.subject, 20), "lane")
        since = 0.0
        for mark, css, words in steps:
            until = one.window.get(mark)
            if until is not None and until > since:
                tip = f"{words}: {w.seconds(since)} to {w.seconds(until)}"
                svg.rect(x_of(since), y, max(1.0, x_of(until) - x_of(since)), thick, css, tip, 1)
                since = until
        if "window_p95" in one.forecast:
            svg.line(x_of(one.forecast["window_p95"]), y - 3, x_of(one.forecast["window_p95"]), y + thick + 3, "median")
    used = {mark for one in shown for mark in one.window}
    legend = [(css, words) for mark, css, words in steps if mark in used]
    if any("window_p95" in one.forecast for one in shown):
        legend.append(("median", "line: forecast of the time that writes are refused, 95 % within"))
    caption = f"From the request to {report.words.fence} until the clients are on the target."
    if len(able) > len(shown):
        caption += f" The {len(shown)} that took longest, of {w.count(len(able))}."
    return figure(svg, caption, legend, "Steps of each cutover")


def _told(report: r.Report, one: r.Cutover) -> str:
    return ", ".join(
        f"{words} after {w.seconds(one.window[mark])}" for mark, _css, words in report.words.steps if mark in one.window
    )
