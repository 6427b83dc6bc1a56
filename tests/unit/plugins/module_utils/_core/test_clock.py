# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, SystemClock, iso, parse_iso

UTC = datetime.timezone.utc
ZONES = st.builds(datetime.timezone, st.timedeltas(datetime.timedelta(hours=-23), datetime.timedelta(hours=23)))


def test_iso_is_utc_with_milliseconds() -> None:
    east = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    assert iso(datetime.datetime(2026, 11, 21, 8, 44, 0, 123999, tzinfo=east)) == "2026-11-21T03:14:00.123Z"


def test_iso_refuses_a_time_without_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        iso(datetime.datetime(2026, 1, 1))


@given(st.datetimes(timezones=ZONES, min_value=datetime.datetime(1, 1, 3), max_value=datetime.datetime(9999, 12, 29)))
def test_round_trip_to_the_millisecond(moment: datetime.datetime) -> None:
    utc = moment.astimezone(UTC)
    assert parse_iso(iso(moment)) == utc.replace(microsecond=utc.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T03:14:00Z",
        "2026-11-21 03:14",
        "2026-11-21T03:14:00.000000Z",
        "2026-11-21T04:14:00+01:00",
        "2026-11-20T22:14-0500",
        " 2026-11-21t03:14:00z ",
    ],
)
def test_forms_of_one_moment(text: str) -> None:
    assert parse_iso(text) == datetime.datetime(2026, 11, 21, 3, 14, tzinfo=UTC)


def test_a_date_is_its_midnight() -> None:
    assert parse_iso("2026-11-21") == datetime.datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-13-01", "2026-02-30", "21.11.2026", "2026-11-21T25:00", "1763695", "0001-01-01T00:00+01:00"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_iso(text)


def test_system_clock_moves_and_sleeps() -> None:
    clock: Clock = SystemClock()
    started = time.monotonic()
    clock.sleep(-1)
    clock.sleep(0.01)
    assert 0.01 <= clock.monotonic() - started < 5
    assert clock.now().utcoffset() == datetime.timedelta(0)
