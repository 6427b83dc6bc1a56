# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Spans of time as GreptimeDB writes them (``2m 3s``, ``1s 20ms``), the form of Rust's humantime."""

from __future__ import annotations

import re

_SECONDS = {
    "year": 31557600.0,
    "month": 2630016.0,
    "week": 604800.0,
    "day": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "ns": 1e-9,
}
_ALIASES = {"µs": "us", "μs": "us", "y": "year", "M": "month", "w": "week", "d": "day", "hr": "h", "hour": "h",
            "min": "m", "minute": "m", "sec": "s", "second": "s"}  # fmt: skip
_PART = re.compile(r"(\d+)\s*([^\W\d_]+)\s*")


def parse_humantime(text: str) -> float | None:
    """``text`` in seconds; None if it is not such a span (never an error: it is only ever a hint to people)."""
    rest = text.strip()
    if not rest:
        return None
    total, position = 0.0, 0
    while position < len(rest):
        match = _PART.match(rest, position)
        if match is None:
            return None
        unit = _ALIASES.get(match.group(2), match.group(2))
        if unit not in _SECONDS and unit.endswith("s"):
            unit = _ALIASES.get(unit[:-1], unit[:-1])
        if unit not in _SECONDS:
            return None
        total += int(match.group(1)) * _SECONDS[unit]
        position = match.end()
    return round(total, 9)
