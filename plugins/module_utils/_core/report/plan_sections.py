# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What was planned, and how to take it back."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.sections import bounds
from ansible_collections.dbops.migration.plugins.module_utils._core.report.table import Column, code, some, table
from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import esc

# A longer way back is told by its directions only: the journal holds every step, and rollback reads it there.
_MOST_STEPS = 500


def plan_facts(report: r.Report) -> str:
    """The newest plan in a few facts, and the plans before it."""
    plan = report.plan
    if plan is None:
        return ""
    limits = ", ".join(f"{esc(name)} {esc(v.word(value))}" for name, value in plan.limits.items() if value is not None)
    bound = plan.lower_bound
    facts = [
        ("Plan", code(plan.plan_id)),
        ("Made", f"{w.instant(plan.at)} UTC"),
        ("Strategy", esc(plan.strategy or w.DASH)),
        ("Moves", w.count(plan.moves)),
        ("Limits", limits or "none"),
        ("Submission", esc(plan.ordering or w.DASH)),
    ]
    deep = v.number(bound.get("moves_deep"))
    if deep is not None:
        text = f"{w.counted(int(deep), 'move')} one after another at least"
        explanation = v.word(bound.get("explanation")) or f"{v.word(bound.get('binding'))} binds."
        facts.append(("Lower bound", f"{text}. {esc(explanation)}"))
    for name, left in (("Excluded", plan.excluded), ("No place found for", plan.unplaceable)):
        if left:
            facts.append((name, some([v.word(one) for one in left], 8)))
    if len(report.plans) > 1:
        others = [
            f"{w.instant(one.at)}: {one.strategy or 'plan'} with {w.counted(one.moves, 'move')}"
            for one in report.plans
            if one is not plan
        ]
        facts.append(("Other plans", esc("; ".join(others[-8:]))))
    facts.extend(
        (
            f"Before each move: {esc(helper.action)}",
            f"{w.count(helper.done)} of {w.count(helper.total)} done"
            + (f", {w.count(helper.failed)} failed (harmless)" if helper.failed else ""),
        )
        for helper in report.helpers
    )
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    detail = bounds(report)
    return f'<dl class="facts">{listed}</dl>' + (f"<h3>What the limits allowed</h3>{detail}" if detail else "")


def reverse_plan(report: r.Report) -> str:
    """The moves that take back what was done, last moved first; "" when there is nothing to take back."""
    done = [item for item in report.items if item.state == r.DONE and item.last is not None]
    if not done or report.reversed:
        return ""
    done.sort(key=lambda item: (-(item.last.ended or 0.0) if item.last else 0.0, item.key))
    many = report.words.items
    moved = w.counted(len(done), report.words.item, many)
    lead = f"<p>Rollback moves these {moved} back, last moved first. It reads them from the journal.</p>"
    if len(done) <= _MOST_STEPS:
        columns = [
            Column(report.words.item.capitalize(), "m"),
            Column("Table"),
            Column("From", "n"),
            Column("Back to", "n"),
        ]
        rows: t.Iterable[t.List[str]] = (
            [esc(item.key), esc(item.group), esc(item.target), esc(item.source)] for item in done
        )
        return (
            f"<details>{_summary(len(done), many)}{lead}"
            + table("reverse-table", "The way back", columns, rows)
            + "</details>"
        )
    pairs: t.Dict[t.Tuple[str, str], int] = {}
    for item in done:
        pairs[item.target, item.source] = pairs.get((item.target, item.source), 0) + 1
    ordered = sorted(pairs, key=lambda pair: (-pairs[pair], v.natural(pair[0]), v.natural(pair[1])))
    place = report.words.place.capitalize()
    columns = [Column(f"From {place}", "n"), Column("Back to", "n"), Column("Moves", "n")]
    rows = ([esc(pair[0]), esc(pair[1]), w.count(pairs[pair])] for pair in ordered)
    return lead + table(
        "reverse-table", "The way back, by direction", columns, rows, budget=60_000, fold="All directions"
    )


def _summary(number: int, many: str) -> str:
    return f"<summary>{w.counted(number, 'move')} would bring the {esc(many)} back</summary>"
