# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One shape for every figure: a record for machines, a table for people, and whether the bar holds."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import statistics
import typing as t


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measured figure. What was not measured is None and is left out of the record.

    `at_least` says that the bar is a floor (converged, predicted) and not a ceiling (seconds, ratios).
    """

    id: str
    case: str
    value: float
    unit: str
    must_be: float | None = None
    p95: float | None = None
    max: float | None = None
    reference: float | None = None
    runs: int = 1
    seed: int | None = None
    at_least: bool = False
    judged: str = "value"
    """Which number the bar is for: value, p95 or max."""

    @property
    def holds(self) -> bool:
        """True when the judged number meets the bar, or there is none."""
        number = getattr(self, self.judged)
        if self.must_be is None:
            return True
        if number is None or math.isnan(number):
            return False
        return bool(number >= self.must_be) if self.at_least else bool(number <= self.must_be)

    def as_record(self) -> dict[str, t.Any]:
        """The figure as it stands in the JSON file."""
        names = ("id", "case", "value", "unit", "p95", "max", "must_be", "reference", "runs", "seed")
        told = {name: _rounded(getattr(self, name)) for name in names if getattr(self, name) is not None}
        record = {"bar" if name == "must_be" else name: value for name, value in told.items()}
        record["holds"] = self.holds
        return record


def _rounded(value: t.Any) -> t.Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 4)
    return value


def percentile(values: t.Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: t.Sequence[float]) -> dict[str, float]:
    """Median, p95 and maximum under the names that Figure has for them."""
    return {"value": statistics.median(values), "p95": percentile(values, 0.95), "max": max(values)}


def write(figures: t.Sequence[Figure], path: pathlib.Path) -> None:
    """Write the records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([figure.as_record() for figure in figures], indent=1) + "\n", encoding="utf-8")


def table(figures: t.Sequence[Figure]) -> str:
    """The figures for people, one per line, the case beneath."""
    head = ("figure", "value", "p95", "max", "bar", "reference", "runs", "")
    rows = [head]
    for figure in figures:
        sign = ">=" if figure.at_least else "<="
        rows.append(
            (
                figure.id,
                f"{_number(figure.value)} {figure.unit}".strip(),
                _number(figure.p95),
                _number(figure.max),
                f"{sign} {_number(figure.must_be)}" if figure.must_be is not None else "",
                _number(figure.reference),
                str(figure.runs),
                ("holds" if figure.holds else "DOES NOT HOLD") if figure.must_be is not None else "",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for index, row in enumerate(rows):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if index:
            lines.append(f"    {figures[index - 1].case}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"
