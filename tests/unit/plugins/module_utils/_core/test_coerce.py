# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import (
    as_bool,
    as_int,
    as_list,
    as_mapping,
    as_mapping_list,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(st.lists(JSON, max_size=4))
def test_a_list_and_its_json_text_are_the_same(value: t.List[t.Any]) -> None:
    assert as_list(json.dumps(value), "x") == as_list(value, "x") == value


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_a_mapping_and_its_json_text_are_the_same(value: t.Dict[str, t.Any]) -> None:
    assert as_mapping(json.dumps(value), "x") == as_mapping(value, "x") == value


@given(st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=3), max_size=3))
def test_a_list_of_mappings_and_its_json_text_are_the_same(value: t.List[t.Dict[str, t.Any]]) -> None:
    assert as_mapping_list(json.dumps(value), "x") == as_mapping_list(value, "x") == value


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, []),
        ("", []),
        ("a, b,,c ", ["a", "b", "c"]),
        ("a\r\nb,\n c\n", ["a", "b", "c"]),
        ("7", ["7"]),
        (7, [7]),
        ((1, 2), [1, 2]),
        ("['a', 'b']", ["a", "b"]),
        ('{"a": 1}', [{"a": 1}]),
        ({"a": 1}, [{"a": 1}]),
    ],
)
def test_as_list(value: t.Any, wanted: t.List[t.Any]) -> None:
    assert as_list(value, "x") == wanted


@pytest.mark.parametrize("value", ["[1, 2", "{", "[" * 5000])
def test_broken_json_is_told(value: str) -> None:
    with pytest.raises(InvalidOption, match=r"^moves: .*not JSON text"):
        as_list(value, "moves")


def test_single_mapping_is_a_list_of_one() -> None:
    assert as_mapping_list({"id": 1}, "x") == [{"id": 1}]
    assert as_mapping_list('{"id": 1}', "x") == [{"id": 1}]
    assert as_mapping_list(['{"id": 1}', {"id": 2}], "x") == [{"id": 1}, {"id": 2}]
    assert as_mapping_list(None, "x") == []


def test_every_bad_item_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        as_mapping_list([1, {"a": 1}, "b"], "moves")
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["moves[0]", "moves[2]"]


@pytest.mark.parametrize("value", ["[1]", "word", 5, ["a"]])
def test_no_mapping(value: t.Any) -> None:
    with pytest.raises(InvalidOption, match=r"^limits: "):
        as_mapping(value, "limits")


def test_keys_become_text() -> None:
    assert as_mapping({1: "a"}, "x") == {"1": "a"}
    assert as_mapping("", "x") == {}


@given(st.integers())
def test_integers_survive_as_text(value: int) -> None:
    if len(str(value)) < 64:
        assert as_int(str(value), "x") == as_int(value, "x") == value


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        "",
        "1_000",
        "1.5",
        1.5,
        "0x10",
        "\N{ARABIC-INDIC DIGIT THREE}",
        "abc",
        [],
        1e300,
        float("nan"),
        "9" * 100,
    ],
)
def test_no_integer(value: t.Any) -> None:
    with pytest.raises(InvalidOption, match=r"^region_id: .*whole number"):
        as_int(value, "region_id")


def test_integer_bounds() -> None:
    assert as_int(" 12 ", "x", 12, 12) == 12
    assert as_int(4.0, "x") == 4
    with pytest.raises(InvalidOption, match="from 1 to 9"):
        as_int(10, "x", 1, 9)
    with pytest.raises(InvalidOption, match="at least 1"):
        as_int(0, "x", 1)
    with pytest.raises(InvalidOption, match="at most 9"):
        as_int(10, "x", maximum=9)


@pytest.mark.parametrize("value", [True, "yes", "True", " on ", 1, "1", "y"])
def test_true(value: t.Any) -> None:
    assert as_bool(value, "x") is True


@pytest.mark.parametrize("value", [False, "no", "False", "off", 0, "0", "n"])
def test_false(value: t.Any) -> None:
    assert as_bool(value, "x") is False


@pytest.mark.parametrize("value", ["", "maybe", 2, None, [], 1.0])
def test_neither(value: t.Any) -> None:
    with pytest.raises(InvalidOption, match=r"^wait: "):
        as_bool(value, "wait")
