# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The times of the sync tool's log in Unix seconds. The log tells local time without a zone.

When the clocks go back in autumn, one hour comes twice, so its times have two meanings. The order of the reports, the
start of the tool and the present tell which is meant.
"""

from __future__ import annotations

import datetime
import typing as t

FUTURE = 120.0
"""A time that is further ahead of the clock, in seconds, is of a clock or zone that differs from this host's."""

_Meanings = t.Tuple[float, float]


def moment(at: str, utc_offset: t.Optional[float], now: float) -> float:
    """A time of the log by itself: of two meanings the later one, unless that has not come yet.

    :raises ValueError: it is no time
    :raises OverflowError: it is none that this host can tell
    """
    return _latest(_meanings(at, utc_offset), now + FUTURE)


def moments(
    times: t.Sequence[str], utc_offset: t.Optional[float], since: t.Optional[float], now: float
) -> t.List[t.Optional[float]]:
    """Times of the log in the order in which they were written; None for what is no time.

    ``since``: when the tool was started, None if that is not known.
    """
    known = [_attempt(at, utc_offset) for at in times]
    found: t.List[t.Optional[float]] = []
    before: t.Optional[float] = None
    for both, latest in zip(known, _none_after_the_next(known, now)):
        if both is not None and latest is not None:
            before = _in_order(both[0], latest, since, before)
            found.append(before)
        else:
            found.append(None)
    return found


def _in_order(early: float, latest: float, since: t.Optional[float], before: t.Optional[float]) -> float:
    """Which of two times is meant behind ``before``.

    Not the late one where the early one fits: a tool that says nothing any more must not look fresh.
    """
    if since is not None and early < int(since) <= latest:
        return latest
    floor = since if before is None else before
    return early if floor is not None and early >= int(floor) else latest


def _none_after_the_next(known: t.Sequence[t.Optional[_Meanings]], now: float) -> t.List[t.Optional[float]]:
    """The latest meaning of each that is possible: no time is after the one that was written next, or to come."""
    bound = now + FUTURE
    found: t.List[t.Optional[float]] = []
    for both in reversed(known):
        if both is not None:
            bound = _latest(both, bound)
        found.append(None if both is None else bound)
    return found[::-1]


def _latest(both: _Meanings, bound: float) -> float:
    early, late = both
    return late if late <= bound else early


def _attempt(at: str, utc_offset: t.Optional[float]) -> t.Optional[_Meanings]:
    try:
        return _meanings(at, utc_offset)
    except (ValueError, OverflowError):
        return None


def _meanings(at: str, utc_offset: t.Optional[float]) -> _Meanings:
    naive = datetime.datetime.strptime(at, "%y/%m/%d %H:%M:%S")
    if utc_offset is not None:
        only = naive.replace(tzinfo=datetime.timezone(datetime.timedelta(seconds=utc_offset))).timestamp()
        return only, only
    early = naive.timestamp()
    # In spring it is the other way round, for times that are skipped: no clock shows them.
    return early, max(early, naive.replace(fold=1).timestamp())
