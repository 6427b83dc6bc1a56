# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import (
    enough,
    format_duration,
    parse_duration,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90", 90),
        (" 90s ", 90),
        ("5m", 300),
        ("1h30m10s", 5410),
        ("1h 30m", 5400),
        ("500ms", 0.5),
        ("2d", 172800),
        ("1.5H", 5400),
    ],
)
def test_forms(value: t.Any, seconds: float) -> None:
    assert parse_duration(value, "timeout") == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    [0, "0", "0s", "0.0", -1, "-5s", "5 parsecs", "", "  ", None, True, False, [], {}, "5m5m", "5s1m", "m5", "5m x",
     "1e3", "\N{ARABIC-INDIC DIGIT FIVE}s", float("nan"), float("inf"), "nan", 10**400],
)  # fmt: skip
def test_refused_with_option_value_and_fix(value: t.Any) -> None:
    with pytest.raises(InvalidOption) as caught:
        parse_duration(value, "server_timeout")
    assert caught.value.message.startswith("server_timeout: ")
    assert repr(value) in caught.value.message
    assert "Give " in caught.value.message


def test_unknown_unit_is_named() -> None:
    with pytest.raises(InvalidOption, match="unknown unit 'parsecs'"):
        parse_duration("5 parsecs", "timeout")


def test_bounds() -> None:
    assert parse_duration("0s", "wait", minimum=0) == 0
    assert parse_duration("2s", "wait", minimum=2, maximum=2) == 2
    with pytest.raises(InvalidOption, match="Give at least 2s"):
        parse_duration("1s", "wait", minimum=2)
    with pytest.raises(InvalidOption, match="Give at most 1h"):
        parse_duration("61m", "wait", maximum=3600)
    with pytest.raises(InvalidOption):
        parse_duration(-1, "wait", minimum=0)


@given(st.integers(0, 400), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(days: int, hours: int, minutes: int, seconds: int, millis: int) -> None:
    text = f"{days}d{hours}h{minutes}m{seconds}s{millis}ms"
    wanted = days * 86400 + hours * 3600 + minutes * 60 + seconds + millis / 1000
    assert parse_duration(text, "x", minimum=0) == pytest.approx(wanted)


@given(st.floats(0, 10**8))
def test_what_is_shown_parses_back_within_its_precision(seconds: float) -> None:
    shown = format_duration(seconds)
    precision = (
        0.0005 if seconds < 1 else 0.05 if seconds < 60 else 0.5 if seconds < 3600 else 30 if seconds < 86400 else 1800
    )
    assert abs(parse_duration(shown, "x", minimum=0) - seconds) <= precision * 1.001
    assert not shown.startswith(("60s", "60m", "24h", "1000ms")), shown
    # Shown once more it is the same text: no hidden rest.
    assert format_duration(parse_duration(shown, "x", minimum=0)) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (0.45, "450ms"),
        (0.9996, "1s"),
        (12.34, "12.3s"),
        (59.96, "1m"),
        (330, "5m 30s"),
        (3599.7, "1h"),
        (5410, "1h 30m"),
        (86399, "1d"),
        (187000, "2d 4h"),
        (-12.3, "-12.3s"),
        (math.inf, "unknown"),
    ],
)
def test_shown_for_people(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(1.0, "1m"), (3601.0, "1h 1m"), (86400.0, "1d"), (86401.0, "1d 1h"), (0.0, "0s")]
)
def test_what_would_be_enough_is_rounded_up(seconds: float, shown: str) -> None:
    assert enough(seconds) == shown
    assert parse_duration(shown, "x", minimum=0) >= seconds
