# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Time zones by name, and which moment a wall clock means when it is set forward or back."""

from __future__ import annotations

import datetime
import re
import typing as t

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)
_UTC_NAMES = ("utc", "z", "gmt", "etc/utc")


def zone_of(name: str) -> datetime.tzinfo:
    """The zone of ``UTC``, ``+01:00`` or ``Europe/Berlin``; ValueError for another one.

    Names need Python 3.9 and the time zone database (of the system, or the Python package tzdata).
    """
    if name.lower() in _UTC_NAMES:
        return datetime.timezone.utc
    match = _OFFSET.fullmatch(name)
    if match is not None:
        minutes = int(match.group(2)) * 60 + int(match.group(3))
        if minutes >= 24 * 60 or int(match.group(3)) > 59:
            raise ValueError(f"{name!r} is no offset from UTC")
        return datetime.timezone(datetime.timedelta(minutes=minutes if match.group(1) == "+" else -minutes))
    try:
        import zoneinfo  # It came with Python 3.9; UTC and offsets need nothing.
    except ImportError:
        raise ValueError(
            f"the zone {name!r} needs Python 3.9 or newer on the host where the module runs; with an older one, write "
            "UTC or an offset such as +01:00"
        ) from None
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # ZoneInfoNotFoundError is a KeyError; a name with odd characters gives the others.
        raise ValueError(
            f"the zone {name!r} is not known on the host where the module runs (its name is as in Europe/Berlin; the "
            "database comes with the package tzdata)"
        ) from None


def local(moment: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """The wall clock of a zone at a moment."""
    return moment.astimezone(zone)


def instant(wall: datetime.datetime, zone: datetime.tzinfo, *, later: bool) -> datetime.datetime:
    """The moment, in UTC, that a wall clock without a zone means. A time that does not exist is the moment when clocks
    were set forward over it. ``later``: which one, of a time that comes twice."""
    first, second = (_utc(wall.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if _wall(first, zone) == wall or _wall(second, zone) == wall:
        return max(first, second) if later else min(first, second)
    return _change_between(min(first, second), max(first, second), zone)


def _utc(moment: datetime.datetime) -> datetime.datetime:
    return moment.astimezone(datetime.timezone.utc)


def _wall(moment: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _change_between(begin: datetime.datetime, end: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """The first second with another offset than at the begin; both lie around one change of the clocks."""
    before: t.Optional[datetime.timedelta] = begin.astimezone(zone).utcoffset()
    low, high = 0, int((end - begin).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (begin + datetime.timedelta(seconds=middle)).astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return begin + datetime.timedelta(seconds=high)
