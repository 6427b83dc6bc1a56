# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The whole migration on one time axis: its phases, what it waited for, when writes were refused, who stepped in."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.axis import TimeAxis
from ansible_collections.dbops.migration.plugins.module_utils._core.report.svg import (
    GUTTER,
    RIGHT,
    WIDTH,
    Svg,
    figure,
    fit,
    num,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.report.timeline import draw_axis

_PITCH = 28.0
_THICK = 15.0
_TOP = 6.0
_LEAST = 2.0
_MOST_BARS = 40
_MOST_LANES = 16
_MOST_MARKS = 600
_CHARACTER = 6.4
_RUN_COLOURS = {"ok": "moved", "failed": "failed"}
_WAITS = "waits: "
_MARKS = {r.CONTROL: "wishes", r.HOOK: "hooks", r.NOTIFICATION: "notifications"}


class Bar(t.NamedTuple):
    """A span on a lane, with its colour, the words in it and under the pointer."""

    start: float
    stop: float
    css: str
    label: str
    tip: str


Lane = t.Tuple[str, t.List[Bar]]


def axis_of(report: r.Report) -> TimeAxis:
    """When anything was going on: runs, and entries outside of runs; long pauses are folded."""
    spans = [*report.active, *((run.started, max(run.started, run.ended or run.last_seen)) for run in report.runs)]
    merged: t.List[t.Tuple[float, float]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return TimeAxis(merged, GUTTER, WIDTH - RIGHT)


def story(report: r.Report) -> str:
    """The figure; "" before any run was recorded."""
    lanes = _lanes(report)
    if not lanes:
        return ""
    axis = axis_of(report)
    marks = _marks(report)
    floor = _TOP + _PITCH * (len(lanes) + len(marks))
    svg = Svg("story", "The migration over time", _describe(report, lanes), floor + 34)
    draw_axis(svg, axis, _TOP - 4, floor)
    for number, (name, bars) in enumerate(lanes):
        y = _TOP + number * _PITCH
        if name.startswith(_WAITS):
            svg.text(0, y + _THICK - 3, fit(name[len(_WAITS) :], 25), "tick")
        else:
            svg.text(0, y + _THICK - 3, fit(name, 20), "lane")
        for piece in _told_apart(axis, bars):
            _draw(svg, axis, piece, y)
    for number, (name, moments) in enumerate(marks, len(lanes)):
        y = _TOP + number * _PITCH
        svg.text(0, y + _THICK - 3, name, "lane")
        places = sorted({round(axis.x(at)) for at in moments})
        svg.path("".join(f"M{x} {num(y + 1)}v{num(_THICK - 2)}" for x in places[:_MOST_MARKS]), "tickmark")
    return figure(svg, _caption(report), _legend(lanes), "The migration over time")


def _told_apart(axis: TimeAxis, bars: t.Sequence[Bar]) -> t.List[Bar]:
    """Of many bars of one colour that touch one another, one: thousands of tables are cut over in a row."""
    if len(bars) <= _MOST_BARS:
        return list(bars)
    kept: t.List[Bar] = []
    for piece in sorted(bars):
        last = kept[-1] if kept else None
        if last is not None and last.css == piece.css and axis.x(piece.start) <= axis.x(last.stop) + _LEAST:
            stop = max(last.stop, piece.stop)
            kept[-1] = Bar(last.start, stop, piece.css, "", f"several in {w.seconds(stop - last.start)}")
        else:
            kept.append(piece)
    return kept


def _draw(svg: Svg, axis: TimeAxis, piece: Bar, y: float) -> None:
    left, right = axis.x(piece.start), axis.x(piece.stop)
    # Against the right edge a piece of no length would stand outside.
    wide = max(right - left, _LEAST)
    left = min(left, WIDTH - RIGHT - wide)
    svg.rect(left, y, wide, _THICK, piece.css, piece.tip, 2)
    if piece.css == "moved" and piece.label and wide > _CHARACTER * len(piece.label) + 12:
        svg.text(left + 6, y + _THICK - 4, piece.label, "inbar")


def _lanes(report: r.Report) -> t.List[Lane]:
    lanes: t.Dict[str, t.List[Bar]] = {}
    for run in report.runs:
        stop = run.ended or run.last_seen
        css = _RUN_COLOURS.get(run.status, "open")
        took = w.seconds(stop - run.started)
        tip = f"{run.phase}: {run.status or 'no end recorded'} after {took}"
        lanes.setdefault(run.phase or "run", []).append(Bar(run.started, stop, css, took, tip))
    if report.fenced:
        name = "writes refused"
        lanes[name] = [
            Bar(start, stop, "refused", "", f"{name} for {w.seconds(stop - start)}") for start, stop in report.fenced
        ]
    waited = sorted((one for one in report.waits if one.spans), key=lambda one: one.spans[0])
    for wait in waited[:_MOST_LANES]:
        lanes[_WAITS + w.human(wait.reason.rpartition(".")[2]).lower()] = [
            Bar(start, stop, "before", "", f"waited {w.seconds(stop - start)} for {wait.waiting_for}")
            for start, stop in wait.spans
        ]
    return list(lanes.items())


def _marks(report: r.Report) -> t.List[t.Tuple[str, t.List[float]]]:
    found = [("settings changed", [at for at, _action in report.changed])]
    for kind, name in _MARKS.items():
        found.append((name, [one.at for one in report.happenings if one.kind == kind]))
    return [(name, moments) for name, moments in found if moments]


def _legend(lanes: t.Sequence[Lane]) -> t.List[t.Tuple[str, str]]:
    used = {piece.css for _name, bars in lanes for piece in bars}
    named = (
        ("moved", "a run that ended well"),
        ("failed", "a run that failed"),
        ("open", "a run that was interrupted, or whose end is not recorded"),
        ("refused", "writes refused"),
        ("before", "waiting for what the row is named after"),
    )
    return [(css, words) for css, words in named if css in used]


def _describe(report: r.Report, lanes: t.Sequence[Lane]) -> str:
    told = "; ".join(
        f"{name}: {w.counted(len(bars), 'span')}, {w.seconds(sum(piece.stop - piece.start for piece in bars))} in all"
        for name, bars in lanes
    )
    return f"From {w.instant(report.first)} to {w.instant(report.last)} UTC. {told}."


def _caption(report: r.Report) -> str:
    return f"The axis counts time at work from {w.instant(report.first)} UTC; long pauses are folded."
