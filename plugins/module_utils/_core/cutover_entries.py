# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a journal tells of a refused-write window before it begins, the same from every engine.

A watcher must know what a cutover expects while it lasts, and also when the run was killed within it.
"""

from __future__ import annotations

import dataclasses
import typing as t

FORECAST_KIND = "cutover.forecast"

Record = t.Tuple[str, t.Dict[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class WindowForecast:
    """How long writes to ``subjects`` will be refused, in seconds: median and 95th percentile."""

    subjects: t.Sequence[str]
    p50: float
    p95: float


def forecast_entry(windows: t.Sequence[WindowForecast], budget: float) -> Record:
    """The entry ``cutover.forecast``: {budget, windows: [{subjects, p50, p95}]}; one window for each fence."""
    told = [{"subjects": list(one.subjects), "p50": round(one.p50, 1), "p95": round(one.p95, 1)} for one in windows]
    return FORECAST_KIND, {"budget": budget, "windows": told}
