# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The key figures of a report, and its summary as lines of text."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import legality as le
from ansible_collections.dbops.migration.plugins.module_utils._core.report import figures
from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.verdict import (
    BACK,
    BAD,
    CARE,
    GOOD,
    PLAIN,
    about_cutovers,
    is_copied,
    lost_writes,
    verdict,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_bound import LONGEST_JOB


@dataclasses.dataclass(frozen=True)
class Tile:
    """A key figure with its label and a note that says what it rests on."""

    label: str
    value: str
    note: str
    tone: str = PLAIN


def tiles(report: r.Report) -> t.List[Tile]:
    """The key figures."""
    cut_over = not report.items and about_cutovers(report)
    if cut_over:
        found = _cutover_tiles(report)
    else:
        found = [_moved_tile(report), *_time_tiles(report), *_switch_tile(report)]
    refused = figures.spread(attempt.refused_most for attempt in report.current if attempt.status == "done")
    if refused is not None:
        found.append(
            Tile(
                f"Writes refused per {report.words.item}",
                w.seconds(refused.median),
                f"median; 95 % within {w.seconds(refused.p95)}, longest {w.seconds(refused.largest)} (upper bounds)",
            )
        )
    lost = lost_writes(report)
    if lost is None:
        found.append(Tile("Acknowledged writes lost", "not measured", "needs a client that keeps a ledger"))
    else:
        found.append(
            Tile("Acknowledged writes lost", w.count(lost), "as measured by the caller", BAD if lost else GOOD)
        )
    if not cut_over:
        found.append(_attempts_tile(report))
    if any(setting.state != "kept" for setting in report.settings):
        kept = sum(1 for setting in report.settings if setting.state == "kept")
        back = sum(1 for setting in report.settings if setting.state in BACK)
        total = len(report.settings) - kept
        note = "as they were before" if back == total else "see Settings"
        note += f"; {kept:,} more are meant to stay" if kept else ""
        found.append(Tile("Settings put back", f"{back} of {total}", note, PLAIN if back == total else CARE))
    whole = report.verification.valid
    found.append(
        Tile(
            "Journal",
            "whole" if whole else "damaged",
            f"{w.counted(report.verification.entries, 'entry', 'entries')}, each chained to the one before"
            if whole
            else report.verification.problem,
            GOOD if whole else BAD,
        )
    )
    return found


def _attempts_tile(report: r.Report) -> Tile:
    failed = sum(1 for attempt in report.attempts if attempt.status == "failed")
    attached = sum(1 for attempt in report.attempts if attempt.attached)
    return Tile(
        "Failed attempts",
        w.count(failed),
        f"in {w.counted(len(report.attempts), 'attempt')}"
        + (f"; {attached:,} taken over while running" if attached else ""),
        BAD if report.count(r.FAILED) else CARE if failed else PLAIN,
    )


def _cutover_tiles(report: r.Report) -> t.List[Tile]:
    total = len(report.cutovers)
    committed = [one for one in report.cutovers if one.state == r.COMMITTED]
    found = [*_copied_tiles(report)]
    if total:
        tone = GOOD if len(committed) == total else PLAIN
        # One cutover of a whole cluster comprises many tables.
        of_all, done = (sum(one.tables or 1 for one in some) for some in (report.cutovers, committed))
        parts = sum(one.parts for one in committed)
        note = f"{w.counted(parts, report.words.part)}, each proved equal" if parts else report.words.items
        found.append(Tile("Cut over", f"{done:,} of {of_all:,}", note, tone))
    measured = [one for one in committed if one.refused is not None]
    if measured:
        longest = max(measured, key=lambda one: one.refused or 0.0)
        p95 = longest.forecast.get("window_p95")
        note = f"{longest.subject}, as the module saw it" if total > 1 else "as the module saw it"
        note += f"; forecast: 95 % within {w.seconds(p95)}" if p95 is not None else ""
        found.append(Tile("Writes refused", w.seconds(longest.refused), note))
    return [*found, *_switch_tile(report)]


def _copied_tiles(report: r.Report) -> t.Iterator[Tile]:
    """How far the copy is, while nothing is switched."""
    last = report.progress[-1] if report.progress else None
    if last is None or any(one.state for one in report.cutovers):
        return
    if is_copied(report) and last.done < last.total:
        yield Tile("Copied", "all", f"{report.words.items} on the target", GOOD)
        return
    note = f"{report.words.part}s on the target"
    if last.eta and last.done < last.total:
        note += f"; about {w.seconds(last.eta)} left at {w.instant(last.at)[11:]} UTC"
    tone = GOOD if last.done >= last.total else PLAIN
    yield Tile("Copied", f"{last.done:,} of {last.total:,}", note, tone)
    if last.lag is not None:
        yield Tile("Lag", w.count(last.lag), f"{report.words.still} at {w.instant(last.at)[11:]} UTC")


_LEGAL_TILES = {
    le.YES: (GOOD, "legal", "every step before it is proved in this journal"),
    le.NO: (BAD, "not legal", ""),
    le.UNKNOWN: (CARE, "not proved", ""),
}


def _switch_tile(report: r.Report) -> t.Iterator[Tile]:
    switch = report.switch
    committed = bool(report.items) or any(one.state == r.COMMITTED for one in report.cutovers)
    if switch is not None and switch.legal in _LEGAL_TILES and (committed or switch.legal == le.NO):
        tone, value, note = _LEGAL_TILES[switch.legal]
        yield Tile("Switch", value, note or (switch.reasons[0] if switch.reasons else ""), tone)


def _moved_tile(report: r.Report) -> Tile:
    total = len(report.items) - report.count(r.DROPPED)
    there = report.count(r.DONE, r.ALREADY)
    parts = [
        f"{report.count(state):,} {label}"
        for state, label in (
            (r.ALREADY, "already there"),
            (r.FAILED, "failed"),
            (r.UNKNOWN, "not known"),
            (r.RUNNING, "running"),
            (r.WAITING, "not started"),
            (r.DROPPED, "no longer planned"),
        )
        if report.count(state)
    ]
    note = ", ".join(parts) or f"{report.words.items} of the plan"
    tone = BAD if report.count(r.FAILED) else GOOD if total and there == total else PLAIN
    return Tile("Moved back" if report.reversed else "Moved", f"{there:,} of {total:,}", note, tone)


def _time_tiles(report: r.Report) -> t.List[Tile]:
    if not report.current:
        return []
    took = figures.time_at_work(report)
    forecast = figures.first_forecast(report)
    note = "first submission to last outcome"
    if forecast is not None:
        note = f"forecast at {forecast[0]} % done: {w.seconds(forecast[1])} more"
    periods = len(figures.busy_periods(report, report.current))
    if periods > 1:
        note += f"; pauses between {periods} runs left out"
    found = [Tile("Time at work", w.seconds(took), note)]
    best = figures.best_of(report)
    if best is not None and best.seconds > 0:
        found.append(
            Tile(
                "Shortest possible",
                w.seconds(best.seconds),
                f"under the plan's limits; {_binding(best.binding)},"
                f" {took / best.seconds:.2f} times as long was needed",
            )
        )
    return found


def _binding(key: str) -> str:
    return "the longest move binds" if key == LONGEST_JOB else f"{key} binds"


def summary_lines(report: r.Report) -> t.List[str]:
    """The summary as lines of text."""
    judged = verdict(report)
    lines = [judged.sentence]
    if report.first is None:
        return lines
    lines.extend(f"{tile.label}: {tile.value} ({tile.note})" for tile in tiles(report))
    lines.extend(f"Left to do: {task}" for task in judged.todo)
    if not judged.todo and judged.tone != PLAIN:
        lines.append("Left to do: nothing.")
    return [w.plain(line) for line in lines]
