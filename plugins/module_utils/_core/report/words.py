# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Values as people read them, and as HTML may hold them. Everything that comes from a journal passes ``esc``."""

from __future__ import annotations

import datetime
import html
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration

# Control characters, lone surrogates and everything that turns the direction of writing around: shown, never obeyed.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
DASH = "\u2013"
"""Stands for what is not known."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def esc(text: t.Any) -> str:
    """``text`` for HTML, in text and in quoted attributes; dangerous characters become visible ``\\uXXXX``."""
    return html.escape(plain(text), quote=True)


def plain(text: t.Any) -> str:
    """``text`` as one that can be printed: control and direction characters become visible ``\\uXXXX``."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", str(text))


def count(value: float) -> str:
    """A whole number with commas."""
    return f"{round(value):,}"


def counted(value: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 region``, ``2 regions``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def seconds(value: t.Optional[float]) -> str:
    """A span for a table or a tile; a dash when it is not known."""
    return DASH if value is None else format_duration(value)


def size(value: t.Optional[float]) -> str:
    """Bytes in the largest binary unit that leaves at least 1; a dash when not known."""
    if value is None:
        return DASH
    unit = 0
    while abs(value) >= 1024 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:.0f} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def instant(value: t.Optional[float]) -> str:
    """A time in UTC: ``2026-11-21 03:14:00``; a dash when not known."""
    if value is None:
        return DASH
    try:
        moment = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    except (OverflowError, ValueError, OSError):
        return DASH
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def human(name: str) -> str:
    """A key as words: ``acknowledged_writes_lost`` becomes ``Acknowledged writes lost``."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
