# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Time as a thing that is handed in, so that tests and the lab can own it."""

from __future__ import annotations

import datetime
import re
import time
import typing as t

_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*([Zz]|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)


class Clock(t.Protocol):
    """Two clocks and a pause: ``monotonic`` for spans (never set back), ``now`` for records (may be set back)."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""

    def now(self) -> datetime.datetime:
        """The wall clock, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Pause; a negative span is no pause."""


class SystemClock:
    """The clock of the machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.timezone.utc)

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


def iso(moment: datetime.datetime) -> str:
    """``2026-11-21T03:14:00.123Z``; an aware time in any zone, cut (not rounded) to milliseconds."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written down")
    utc = moment.astimezone(datetime.timezone.utc)
    return "{}.{:03d}Z".format(utc.strftime("%Y-%m-%dT%H:%M:%S").zfill(19), utc.microsecond // 1000)


def parse_iso(text: str) -> datetime.datetime:
    """An ISO 8601 date or time as an aware UTC time; ValueError if neither. No zone means UTC, a date its midnight.

    ``datetime.fromisoformat`` would do, but takes ``Z`` only from Python 3.11 on.
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an ISO 8601 date or time: {text!r}")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    moment = datetime.datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0").ljust(6, "0")[:6]),
        tzinfo=datetime.timezone.utc,
    )
    if zone and zone not in "Zz":
        offset = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        try:
            moment = moment - offset if zone[0] == "+" else moment + offset
        except OverflowError as exc:
            raise ValueError(f"out of range: {text!r}") from exc
    return moment
