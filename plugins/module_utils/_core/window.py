# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Calendar windows: when something that hurts may be done, as people write it.

    Sat 01:00-05:00 Europe/Berlin              Mon-Fri 22:00-04:00 UTC              daily 22:00-04:00 +02:00
    2026-11-22T01:00:00Z/2026-11-22T05:00:00Z

A window that ends before it begins ends on the next day. Where clocks are changed, a time that does not exist that day
is the moment of the change, and of a time that comes twice the one that makes the window shorter counts.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import math
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import enough, format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidOption,
    MigrationError,
    raise_problems,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.time_zone import instant, local, zone_of

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAILY = "daily"
_WEEKLY = re.compile(
    r"(?P<days>daily|[A-Za-z]+(?:-[A-Za-z]+)?)\s+(?P<begin>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})\s+(?P<zone>\S+)",
    re.ASCII | re.IGNORECASE,
)
_ONCE = re.compile(r"(\S+)\s*/\s*(\S+)")
_ZONED = re.compile(r".*(?:[Zz]|[+-]\d{2}:?\d{2})", re.ASCII)
_FIX = (
    "Write it as 'Sat 01:00-05:00 Europe/Berlin', 'Mon-Fri 22:00-04:00 UTC', 'daily 22:00-04:00 +01:00' or "
    "'2026-11-22T01:00:00Z/2026-11-22T05:00:00Z'"
)
_DAY = datetime.timedelta(days=1)
_LOOK_AHEAD = 16
"""Days in which every weekly window opens, also when one of its days has none of its hours."""
_MOST_JOINED = 400
_LONGEST_WAIT = 90 * 86400.0


class Opening(t.NamedTuple):
    """One time in which a window is open, in UTC; the end is no part of it."""

    begin: datetime.datetime
    end: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Once:
    """A window that opens one time."""

    opening: Opening

    def around(self, _moment: datetime.datetime) -> t.Sequence[Opening]:
        """Every opening that may contain the moment, or be the next one behind it."""
        return [self.opening]


@dataclasses.dataclass(frozen=True)
class Weekly:
    """A window on days of the week. ``begin``, ``end``: minutes since midnight; 1440 is the midnight behind the day."""

    days: t.FrozenSet[int]
    begin: int
    end: int
    zone: datetime.tzinfo

    def around(self, moment: datetime.datetime) -> t.Sequence[Opening]:
        """See ``Once``."""
        return _around_day(self, local(moment, self.zone).date())

    def on(self, day: datetime.date) -> t.Optional[Opening]:
        """When it opens on a day; None when that day has none of its hours."""
        last = day if self.end > self.begin else day + _DAY
        begin, end = _at(day, self.begin), _at(last, self.end)
        opening = Opening(instant(begin, self.zone, later=True), instant(end, self.zone, later=False))
        if opening.begin >= opening.end:
            # Both ends lie in the hour that comes twice, or in one that does not come at all.
            opening = Opening(instant(begin, self.zone, later=False), opening.end)
        return opening if opening.begin < opening.end else None


@functools.lru_cache(maxsize=256)
def _around_day(window: Weekly, today: datetime.date) -> t.Sequence[Opening]:
    """Kept, because who waits asks once a second."""
    days = (today + number * _DAY for number in range(-2, _LOOK_AHEAD))
    found = (window.on(day) for day in days if day.weekday() in window.days)
    return tuple(opening for opening in found if opening is not None)


class Windows:
    """Some windows, open when one of them is. Without any it is always open."""

    def __init__(self, windows: t.Sequence[t.Union[Once, Weekly]], texts: t.Sequence[str] = ()) -> None:
        self.texts = tuple(texts)
        self._windows = tuple(windows)

    def __bool__(self) -> bool:
        return bool(self._windows)

    def closes(self, now: datetime.datetime) -> t.Optional[datetime.datetime]:
        """When what is open now closes, windows that follow without a gap counted together; None when it is closed."""
        end: t.Optional[datetime.datetime] = None
        moment = now
        for _joined in range(_MOST_JOINED):
            ends = [one.end for one in self._around(moment) if one.begin <= moment < one.end]
            if not ends:
                break
            end = moment = max(ends)
        return end

    def left(self, now: datetime.datetime) -> float:
        """For how many seconds it stays open: 0 when it is closed, endless without any window."""
        closes = self.closes(now)
        if not self._windows:
            return math.inf
        return 0.0 if closes is None else (closes - now).total_seconds()

    def opens(self, now: datetime.datetime) -> t.Optional[datetime.datetime]:
        """When it opens next, after now; None when it never does."""
        return min((one.begin for one in self._around(now) if one.begin > now), default=None)

    def opens_for(self, now: datetime.datetime, seconds: float) -> t.Optional[datetime.datetime]:
        """When it opens next, after now, for at least so long; None when it never does."""
        begins = sorted(one.begin for one in self._around(now) if one.begin > now)
        return next((begin for begin in begins if self.left(begin) >= seconds), None)

    def _around(self, moment: datetime.datetime) -> t.List[Opening]:
        return [opening for window in self._windows for opening in window.around(moment)]

    def refusal(
        self, now: datetime.datetime, seconds: float, what: str, done: str = "nothing was begun"
    ) -> t.Optional[MigrationError]:
        """``cutover.outside_window`` when it is closed, or closes before ``what`` ends that may take ``seconds``.

        ``done``: what was begun so far.
        """
        if not self._windows:
            return None
        closes, opens = self.closes(now), self.opens(now)
        next_time = f"It opens next at {iso(opens)}." if opens is not None else "It does not open again."
        if closes is None:
            problem = f"cutover_window: it is closed now ({iso(now)}), so {done}. {next_time}"
        elif now + datetime.timedelta(seconds=seconds) > closes:
            problem = (
                f"cutover_window: it closes at {iso(closes)}, in {_span(closes - now)}, and {what} may take "
                f"{format_duration(seconds)}, so {done}. {next_time}"
            )
        else:
            return None
        return MigrationError(
            "cutover.outside_window",
            problem + " Windows: " + "; ".join(self.texts) + ".",
            details={
                "now": iso(now),
                "closes": None if closes is None else iso(closes),
                "opens": None if opens is None else iso(opens),
                "needed_seconds": round(seconds, 1),
            },
        )

    def never(
        self,
        now: datetime.datetime,
        seconds: float,
        what: str,
        fix: str = "Give a longer window",
        done: str = "Nothing was begun",
    ) -> t.Optional[MigrationError]:
        """``cutover.no_window`` when no opening from now on is as long as ``what`` may take: waiting is in vain."""
        longest = -1.0
        for begin in [max(one.begin, now) for one in self._around(now) if one.end > now]:
            longest = max(longest, ((self.closes(begin) or begin) - begin).total_seconds())
            if longest >= seconds:
                return None
        if not self._windows:
            return None
        why = "it does not open any more. Give a window that does"
        if longest >= 0:
            why = (
                f"{what} may take {format_duration(seconds)}, and from now on it is open for "
                f"{format_duration(longest)} at the longest, so there is nothing to wait for. {fix}"
            )
        return MigrationError(
            "cutover.no_window", f"cutover_window: {why}. {done}. Windows: " + "; ".join(self.texts) + "."
        )

    def too_late(
        self, now: datetime.datetime, seconds: float, what: str, patience: float, option: str
    ) -> t.Optional[MigrationError]:
        """``cutover.no_window`` when it is closed for ``what``, and opens for it later than in ``patience`` seconds.

        ``seconds``: how long ``what`` may take. ``option``: what ends the wait, as people set it.
        """
        opens = None if self.refusal(now, seconds, what) is None else self.opens_for(now, seconds)
        wait = 0.0 if opens is None else (opens - now).total_seconds()
        if opens is None or wait <= patience:
            return None
        # No wait may be given that is longer than that.
        give = f"Give at least {enough(wait)} for it, or run" if wait < _LONGEST_WAIT else "Run"
        return MigrationError(
            "cutover.no_window",
            f"cutover_window: it opens next for {what} at {iso(opens)}, in {format_duration(wait)}, and {option} ends "
            f"the wait in {format_duration(patience)}, so there is nothing to wait for. {give} "
            "this again later. Windows: " + "; ".join(self.texts) + ".",
            details={"now": iso(now), "opens": iso(opens), "needed_seconds": round(seconds, 1)},
        )


def parse_windows(value: t.Any, option: str) -> Windows:
    """The windows of an option: a list, JSON text of one, or text with commas. All that is wrong is told at once."""
    windows: t.List[t.Union[Once, Weekly]] = []
    texts: t.List[str] = []
    problems: t.List[InvalidOption] = []
    for number, item in enumerate(as_list(value, option)):
        text = " ".join(str(item).split())
        try:
            windows.append(_parse(text))
            texts.append(text)
        except ValueError as error:
            problems.append(InvalidOption(f"{option}[{number}]", f"{text!r}: {error}", _FIX))
    raise_problems(problems)
    return Windows(windows, texts)


def _parse(text: str) -> t.Union[Once, Weekly]:
    once = _ONCE.fullmatch(text)
    weekly = _WEEKLY.fullmatch(text)
    if weekly is not None:
        begin, end = _minutes(weekly.group("begin")), _minutes(weekly.group("end"))
        if begin == 1440:
            raise ValueError("it begins at 24:00, which is 00:00 of the next day")
        if begin == end:
            raise ValueError("it ends when it begins; a whole day is 00:00-24:00")
        return Weekly(_days(weekly.group("days").lower()), begin, end, zone_of(weekly.group("zone")))
    if once is None:
        raise ValueError("it is no window")
    for part in once.groups():
        if not _ZONED.fullmatch(part):
            raise ValueError(f"{part!r} does not end with Z or an offset such as +01:00")
    begin_at, end_at = parse_iso(once.group(1)), parse_iso(once.group(2))
    if begin_at >= end_at:
        raise ValueError("it ends before it begins")
    return Once(Opening(begin_at, end_at))


def _days(text: str) -> t.FrozenSet[int]:
    if text == _DAILY:
        return frozenset(range(7))
    first, _dash, last = text.partition("-")
    begin, end = _day(first), _day(last or first)
    return frozenset((begin + number) % 7 for number in range((end - begin) % 7 + 1))


def _day(text: str) -> int:
    found = [number for number, name in enumerate(DAYS) if len(text) > 2 and name.startswith(text)]
    if not found:
        raise ValueError(f"{text!r} is no day of the week")
    return found[0]


def _minutes(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise ValueError(f"{text} is no time of day")
    return hour * 60 + minute


def _at(day: datetime.date, minutes: int) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(minutes=minutes)


def _span(span: datetime.timedelta) -> str:
    return format_duration(span.total_seconds())
