# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Spans of time as people write them (``90``, ``5m``, ``1h30m10s``, ``500ms``)."""

from __future__ import annotations

import math
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

_SECONDS: dict[str, float] = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_ORDER = list(_SECONDS)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([^\W\d_]+)\s*", re.ASCII)
_FIX = "Give a number of seconds or units d, h, m, s, ms from large to small, such as 90, 5m, 1h30m10s or 500ms"


def parse_duration(value: t.Any, option: str, *, minimum: float | None = None, maximum: float | None = None) -> float:
    """``value`` in seconds. Zero is refused unless ``minimum`` is 0; InvalidOption names option, value and fix."""
    seconds = _seconds(value, option)
    if not math.isfinite(seconds) or seconds < 0:
        raise InvalidOption(option, f"{value!r} is not a length of time", _FIX)
    floor = 0.0 if minimum is None else minimum
    if seconds < floor or (seconds == 0 and minimum != 0):
        least = "more than 0" if minimum is None else f"at least {format_duration(minimum)}"
        raise InvalidOption(option, f"{value!r} is too short", f"Give {least}, such as 30s or 5m")
    if maximum is not None and seconds > maximum:
        raise InvalidOption(option, f"{value!r} is too long", f"Give at most {format_duration(maximum)}")
    return seconds


def _seconds(value: t.Any, option: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    text = value.strip().lower() if isinstance(value, str) else ""
    if not text:
        raise InvalidOption(option, f"{value!r} is not a length of time", _FIX)
    if _NUMBER.fullmatch(text):
        return float(text)
    total, position, last = 0.0, 0, -1
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise InvalidOption(option, f"{value!r} is not a length of time", _FIX)
        unit = part.group(2)
        if unit not in _SECONDS:
            raise InvalidOption(option, f"{value!r} has the unknown unit {unit!r}", _FIX)
        if _ORDER.index(unit) <= last:
            raise InvalidOption(option, f"{value!r} has its units out of order or twice", _FIX)
        total += float(part.group(1)) * _SECONDS[unit]
        last = _ORDER.index(unit)
        position = part.end()
    return total


def format_duration(seconds: float) -> str:
    """The two largest units that matter: ``450ms``, ``12.3s``, ``5m 30s``, ``1h 30m``, ``2d 4h``. Parses back."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 0:
        return "-" + format_duration(-seconds)
    millis = round(seconds * 1000)
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    tenths = round(seconds * 10)
    if tenths < 600:
        return f"{tenths // 10 if tenths % 10 == 0 else tenths / 10}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _pair(minutes, "m", rest, "s")
    hours, rest = divmod(round(seconds / 60), 60)
    if hours < 24:
        return _pair(hours, "h", rest, "m")
    days, rest = divmod(round(seconds / 3600), 24)
    return _pair(days, "d", rest, "h")


def enough(seconds: float) -> str:
    """The least that a person may give for a wait of so long: whole minutes, from a day on whole hours, rounded up."""
    unit = 60 if seconds <= 86400 else 3600
    return format_duration(math.ceil(seconds / unit) * unit)


def _pair(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit} {small}{small_unit}" if small else f"{large}{unit}"
