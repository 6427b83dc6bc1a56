# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Journal data as plain values. What does not have the expected shape becomes "not known", never an error:
a journal may be years old, or written by a later release."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso

_MOST = 1e21
"""More than any journal tells of, in bytes and nanoseconds too, and little enough to be reckoned with."""


def mapping(value: t.Any) -> t.Mapping[str, t.Any]:
    """``value`` if it is a mapping, else an empty one."""
    return value if isinstance(value, (dict, Mapping)) else {}


def sequence(value: t.Any) -> t.Sequence[t.Any]:
    """``value`` if it is a list, else an empty one."""
    return value if isinstance(value, (list, tuple)) else ()


def mappings(value: t.Any) -> t.List[t.Mapping[str, t.Any]]:
    """The mappings among a list's items."""
    return [item for item in sequence(value) if isinstance(item, (dict, Mapping))]


def number(value: t.Any) -> t.Optional[float]:
    """A number that something may be counted or measured in, else None. A bool is no number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and -_MOST <= value <= _MOST:
        return float(value)
    return None


def index(text: str) -> t.Optional[int]:
    """The number of a partition as text, else None. Unlike ``str.isdigit`` alone, never what ``int`` refuses."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def word(value: t.Any) -> str:
    """A value in words: "" for None, text as it is, lists of such with commas, anything else as compact JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, (dict, Mapping)):
        return ", ".join(f"{key}: {word(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)) and value and not any(isinstance(item, (dict, list, tuple)) for item in value):
        return ", ".join(word(item) for item in value)
    return json.dumps(value, ensure_ascii=False, default=str)


def moment(value: t.Any) -> t.Optional[float]:
    """An ISO time (or a number of seconds) as seconds since the epoch, None if it is neither."""
    if isinstance(value, str):
        try:
            return parse_iso(value).timestamp()
        except (ValueError, OverflowError):
            return None
    return number(value)


def place(data: t.Mapping[str, t.Any], side: str) -> str:
    """Where a move comes from (``side`` "from") or goes to ("to"): the value of ``from`` or the first ``from_...``."""
    if side in data:
        return word(data[side])
    return next((word(data[key]) for key in sorted(data, key=str) if str(key).startswith(side + "_")), "")


def tail(resource: str) -> str:
    """The name of a resource without its kind: "4398046511104" of "greptimedb.region/4398046511104"."""
    return resource.partition("/")[2] or resource


def natural(text: str) -> t.Tuple[int, int, str]:
    """A sort key that puts 9 before 10, and numbers before words."""
    number_of = index(text)
    return (1, 0, text) if number_of is None else (0, number_of, "")
