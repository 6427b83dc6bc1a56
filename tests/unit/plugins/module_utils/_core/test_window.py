# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import sys
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core import time_zone
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.window import Windows, parse_windows


def _has_zones() -> bool:
    try:
        time_zone.zone_of("Europe/Berlin")
    except ValueError:
        return False
    return True


zones = pytest.mark.skipif(not _has_zones(), reason="There is no time zone database (or Python 3.8).")


def windows(*texts: str) -> Windows:
    return parse_windows(list(texts), "cutover_window")


def opening(found: Windows, after: str) -> t.Tuple[str, str]:
    """The next opening behind a moment, in minutes."""
    begin = found.opens(parse_iso(after))
    assert begin is not None
    end = found.closes(begin)
    assert end is not None
    return iso(begin)[:16], iso(end)[:16]


def test_a_time_of_the_day() -> None:
    found = windows("daily 22:00-04:00 UTC")
    assert opening(found, "2026-11-21T12:00Z") == ("2026-11-21T22:00", "2026-11-22T04:00")
    assert found.closes(parse_iso("2026-11-22T03:59:59Z")) == parse_iso("2026-11-22T04:00Z")
    assert found.closes(parse_iso("2026-11-22T04:00Z")) is None, "the end is no part of it"
    assert found.closes(parse_iso("2026-11-21T22:00Z")) is not None


def test_a_day_of_the_week_and_an_offset() -> None:
    found = windows("sat 01:00-05:00 +02:00")
    # 2026-11-21 is a Saturday.
    assert opening(found, "2026-11-20T00:00Z") == ("2026-11-20T23:00", "2026-11-21T03:00")
    assert opening(found, "2026-11-21T12:00Z") == ("2026-11-27T23:00", "2026-11-28T03:00")


def test_days_of_the_week_over_its_end() -> None:
    found = windows("Fri-Mon 22:00-23:00 UTC")
    begins = []
    moment = parse_iso("2026-11-18T00:00Z")
    for _number in range(5):
        begin = found.opens(moment)
        assert begin is not None
        begins.append(begin.strftime("%a"))
        moment = begin
    assert begins == ["Fri", "Sat", "Sun", "Mon", "Fri"]


def test_one_time() -> None:
    found = windows("2026-11-22T01:00:00Z/2026-11-22T05:00:00+01:00")
    assert opening(found, "2026-11-21T00:00Z") == ("2026-11-22T01:00", "2026-11-22T04:00")
    assert found.opens(parse_iso("2026-11-22T01:00Z")) is None
    assert found.closes(parse_iso("2026-11-23T01:00Z")) is None


def test_windows_without_a_gap_are_one() -> None:
    found = windows("daily 22:00-24:00 UTC", "daily 00:00-02:00 UTC", "daily 01:00-03:00 UTC")
    assert opening(found, "2026-11-21T12:00Z") == ("2026-11-21T22:00", "2026-11-22T03:00")
    always = windows("daily 00:00-24:00 UTC").closes(parse_iso("2026-11-21T12:00Z"))
    assert always is not None
    assert always > parse_iso("2027-06-01")


def test_without_a_window_nothing_is_refused() -> None:
    found = parse_windows("", "cutover_window")
    assert not found
    assert found.refusal(parse_iso("2026-11-21"), 1e9, "the cutover") is None


def test_texts_of_job_templates() -> None:
    for value in ('["Sat 01:00-05:00 UTC", "Sun 01:00-05:00 UTC"]', "Sat 01:00-05:00 UTC, Sun  01:00 - 05:00  UTC"):
        assert len(parse_windows(value, "cutover_window").texts) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("whenever", "it is no window"),
        ("Sat 01:00-05:00", "it is no window"),
        ("Sat 25:00-05:00 UTC", "25:00 is no time of day"),
        ("Sat 01:60-05:00 UTC", "01:60 is no time of day"),
        ("Sat 24:00-05:00 UTC", "begins at 24:00"),
        ("Sat 05:00-05:00 UTC", "a whole day is 00:00-24:00"),
        ("Satan 01:00-05:00 UTC", "'satan' is no day of the week"),
        ("Sa 01:00-05:00 UTC", "'sa' is no day of the week"),
        ("Sat 01:00-05:00 +99:99", "no offset from UTC"),
        ("Sat 01:00-05:00 Europe/Nowhere", "Europe/Nowhere"),
        ("Sat 01:00-05:00 ../../etc/passwd", "passwd"),
        ("2026-11-22T01:00/2026-11-22T05:00Z", "does not end with Z or an offset"),
        ("2026-11-22T05:00Z/2026-11-22T01:00Z", "ends before it begins"),
        ("2026-13-22T05:00Z/2026-11-22T01:00Z", "month"),
    ],
)
def test_what_is_no_window_is_told_with_the_fix(text: str, told: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        windows(text)
    assert told in caught.value.message
    assert caught.value.message.startswith("cutover_window[0]: ")
    assert "Mon-Fri 22:00-04:00 UTC" in caught.value.message


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidInput, match=r"cutover_window\[0\].*cutover_window\[2\]"):
        windows("a", "daily 01:00-02:00 UTC", "b")


def test_an_old_python_says_what_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zoneinfo", None)
    with pytest.raises(InvalidOption, match=r"needs Python 3\.9 .* write UTC or an offset such as \+01:00"):
        windows("Sat 01:00-05:00 Europe/Berlin")
    assert windows("Sat 01:00-05:00 UTC")


def test_a_cutover_must_fit() -> None:
    found = windows("daily 01:00-05:00 UTC")
    assert found.refusal(parse_iso("2026-11-21T04:50Z"), 600, "the cutover") is None
    late = found.refusal(parse_iso("2026-11-21T04:50:01Z"), 600, "the cutover")
    assert late is not None
    assert late.code == "cutover.outside_window"
    assert "closes at 2026-11-21T05:00:00.000Z, in 9m 59s, and the cutover may take 10m" in late.message
    assert late.details["opens"] == "2026-11-22T01:00:00.000Z"
    closed = found.refusal(parse_iso("2026-11-21T05:00Z"), 1, "the cutover")
    assert closed is not None
    assert "closed now" in closed.message
    assert "opens next at 2026-11-22T01:00:00.000Z" in closed.message
    over = windows("2026-11-22T01:00:00Z/2026-11-22T05:00:00Z").refusal(parse_iso("2027-01-01"), 1, "the cutover")
    assert over is not None
    assert "It does not open again." in over.message


@zones
@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        # Clocks go from 02:00 to 03:00 (01:00 UTC) on 2026-03-29 in Berlin: 02:30 does not exist.
        ("Sun 01:00-05:00 Europe/Berlin", "2026-03-28", ("2026-03-29T00:00", "2026-03-29T03:00")),
        ("Sun 02:30-05:00 Europe/Berlin", "2026-03-28", ("2026-03-29T01:00", "2026-03-29T03:00")),
        ("Sun 01:00-02:30 Europe/Berlin", "2026-03-28", ("2026-03-29T00:00", "2026-03-29T01:00")),
        # A window within the hour that is left out does not open that day, but a week later.
        ("Sun 02:10-02:50 Europe/Berlin", "2026-03-28", ("2026-04-05T00:10", "2026-04-05T00:50")),
        # Clocks go from 03:00 back to 02:00 (01:00 UTC) on 2026-10-25: 02:30 comes twice, at 00:30 and 01:30 UTC.
        ("Sun 01:00-05:00 Europe/Berlin", "2026-10-24", ("2026-10-24T23:00", "2026-10-25T04:00")),
        ("Sun 02:30-05:00 Europe/Berlin", "2026-10-24", ("2026-10-25T01:30", "2026-10-25T04:00")),
        ("Sun 01:00-02:30 Europe/Berlin", "2026-10-24", ("2026-10-24T23:00", "2026-10-25T00:30")),
        ("Sun 02:10-02:50 Europe/Berlin", "2026-10-24", ("2026-10-25T00:10", "2026-10-25T00:50")),
        # Over the night of the change.
        ("Sat 22:00-04:00 Europe/Berlin", "2026-10-24", ("2026-10-24T20:00", "2026-10-25T03:00")),
        ("Sat 22:00-04:00 Europe/Berlin", "2026-03-28", ("2026-03-28T21:00", "2026-03-29T02:00")),
        # Half an hour, and in the south: 2026-04-05 from 02:00 back to 01:30.
        ("Sun 01:45-03:00 Australia/Lord_Howe", "2026-04-04", ("2026-04-04T15:15", "2026-04-04T16:30")),
        # A whole day was left out: Samoa had no 2011-12-30.
        ("Fri 01:00-02:00 Pacific/Apia", "2011-12-29T12:00Z", ("2012-01-05T11:00", "2012-01-05T12:00")),
    ],
)
def test_when_clocks_are_changed(text: str, day: str, expected: t.Tuple[str, str]) -> None:
    assert opening(windows(text), day) == expected


TIMES = st.integers(0, 1439)
MOMENTS = st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2035, 1, 1)).map(
    lambda when: when.replace(tzinfo=datetime.timezone.utc)
)
NAMES = st.sampled_from(
    ["UTC", "+05:45", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tehran"]
)


@zones
@given(TIMES, TIMES, NAMES, MOMENTS)
def test_an_opening_is_never_longer_than_it_says(begin: int, end: int, zone: str, moment: datetime.datetime) -> None:
    if begin == end:
        return
    found = windows(f"daily {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02} {zone}")
    opens = found.opens(moment)
    assert opens is not None
    closes = found.closes(opens)
    assert closes is not None
    assert opens > moment
    said = (end - begin) % 1440
    # Where the night is longer by an hour, so may be a window around the change; never by more.
    assert 0 < (closes - opens).total_seconds() <= said * 60 + 3600
    assert found.closes(closes) is None
    assert found.closes(opens - datetime.timedelta(seconds=1)) is None


@zones
@given(TIMES, TIMES, NAMES, MOMENTS)
def test_whether_it_is_open_is_what_the_clock_on_the_wall_says(
    begin: int, end: int, zone: str, moment: datetime.datetime
) -> None:
    """On days on which no clock is changed."""
    if begin == end:
        return
    name = time_zone.zone_of(zone)
    offsets = {(moment + datetime.timedelta(days=days)).astimezone(name).utcoffset() for days in (-2, -1, 0, 1, 2)}
    if len(offsets) > 1:
        return
    wall = moment.astimezone(name)
    minute = wall.hour * 60 + wall.minute
    inside = begin <= minute < end if begin < end else minute >= begin or minute < end
    found = windows(f"daily {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02} {zone}")
    assert (found.closes(moment) is not None) is inside
