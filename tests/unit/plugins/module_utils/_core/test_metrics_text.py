# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.metrics_text import Metric, exposition


def one(value: float, **labels: str) -> str:
    return exposition([Metric("a_b", "Told.", [(labels, value)])]).splitlines()[-1]


def test_help_and_type_come_once_before_the_samples() -> None:
    text = exposition([Metric("a", 'In "two"\nlines \\ more.', [({"x": "1"}, 1), ({"x": "2"}, 2)])])
    assert text == '# HELP a In "two"\\nlines \\\\ more.\n# TYPE a gauge\na{x="1"} 1\na{x="2"} 2\n'


def test_what_is_not_known_is_left_out() -> None:
    assert exposition([Metric("a", "Told.", [])]) == ""


def test_numbers_are_written_so_that_no_digit_of_a_moment_is_lost() -> None:
    assert one(1795230840.123) == "a_b 1795230840.123"
    assert one(1795230840.0) == "a_b 1795230840"
    assert one(0.0) == "a_b 0"
    assert one(-2.5) == "a_b -2.5"
    assert one(1e22) == "a_b 10000000000000000000000"
    assert [one(float(word)) for word in ("nan", "inf", "-inf")] == ["a_b NaN", "a_b +Inf", "a_b -Inf"]


def test_labels_are_escaped() -> None:
    assert one(1, x='a"b\\c\nd') == 'a_b{x="a\\"b\\\\c\\nd"} 1'


@given(st.text(st.characters(exclude_categories=[])))
def test_any_label_stays_on_its_line_and_can_be_read_back(value: str) -> None:
    lines = exposition([Metric("a_b", "Told.", [({"x": value}, 1)])]).encode("utf-8").decode("utf-8").split("\n")
    assert len(lines) == 4
    found = re.fullmatch(r'a_b\{x="((?:[^"\\\n]|\\[\\n"])*)"\} 1', lines[2])
    assert found is not None

    def plain(match: t.Match[str]) -> str:
        return "\n" if match.group(1) == "n" else match.group(1)

    assert re.sub(r"\\(.)", plain, found.group(1)) == value.encode("utf-8", "replace").decode("utf-8")
