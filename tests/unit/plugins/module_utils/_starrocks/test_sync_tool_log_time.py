# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hour that comes twice in autumn: a tool that works does not look an hour old then, and a silent one not fresh."""

from __future__ import annotations

import datetime
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log import LogMemory
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_time import moment, moments

FIRST = datetime.datetime(2026, 10, 25, 0, 0, tzinfo=datetime.timezone.utc).timestamp()
"""Of the hour from 02:00 to 03:00 in Berlin, which begins anew 3600 s later."""
MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture(name="berlin")
def fixture_berlin(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(*ats: float) -> t.List[str]:
    """What a log has at these times."""
    return [time.strftime("%y/%m/%d %H:%M:%S", time.localtime(at)) for at in ats]


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("since", [None, FIRST - HOUR])
def test_reports_in_order_are_known_by_it(since: t.Optional[float]) -> None:
    every = [FIRST - HOUR / 2 + 5 * MINUTE * number for number in range(40)]
    for count in range(1, len(every)):
        assert moments(told(*every[:count]), None, since, every[count - 1] + MINUTE) == every[:count]


@pytest.mark.usefixtures("berlin")
def test_a_tool_that_is_started_in_the_second_hour() -> None:
    old = [FIRST - 20 * MINUTE, FIRST - 15 * MINUTE]
    new = [FIRST + HOUR + 15 * MINUTE, FIRST + HOUR + 20 * MINUTE]
    start = FIRST + HOUR + 10 * MINUTE
    assert moments(told(*old, *new), None, start, new[-1]) == [*old, *new]
    # Its start is not known: nothing says that the first hour is meant.
    assert moments(told(*new), None, None, new[-1]) == new
    # What another one has said in the hour before is not of this one.
    old = [FIRST + 5 * MINUTE * number for number in range(12)]
    assert moments(told(*old), None, start, start + 10 * MINUTE) == old


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("last", "verdict"),
    [(FIRST + HOUR + 30 * MINUTE, tv.CONVERGED), (FIRST + 30 * MINUTE, tv.STALE)],
    ids=["at work", "silent for an hour"],
)
def test_a_verdict_in_the_second_hour(last: float, verdict: str) -> None:
    memory = LogMemory()
    at, lines = last, []
    while at > FIRST - HOUR:
        lines.append(f"{told(at)[0]} INFO [r] report(S.java:1): Sync job progress: 100.00%, total: 4, finished: 4\n")
        at -= 5 * MINUTE
    memory.feed("".join(reversed(lines)).encode())
    standing = tv.Standing(True, True, FIRST - 2 * HOUR)
    assert tv.judge(memory, standing, tv.Rules(), FIRST + HOUR + 31 * MINUTE).verdict == verdict


@pytest.mark.usefixtures("berlin")
def test_one_time_by_itself_is_never_of_the_future() -> None:
    (at,) = told(FIRST + 30 * MINUTE)
    assert moment(at, None, FIRST + 31 * MINUTE) == FIRST + 30 * MINUTE
    assert moment(at, None, FIRST + HOUR + 31 * MINUTE) == FIRST + HOUR + 30 * MINUTE
    assert moment("26/03/29 02:30:00", None, FIRST) == moment("26/03/29 03:30:00", None, FIRST)


def test_zones() -> None:
    assert moment("26/10/25 00:00:00", 0, FIRST) == FIRST
    assert moment("26/10/25 08:00:00", 8 * HOUR, FIRST) == FIRST
    assert moments(["no time", "26/10/25 08:00:00"], 8 * HOUR, None, FIRST) == [None, FIRST]
