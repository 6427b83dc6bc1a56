# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import (
    MovedTable,
    read_standing_options,
    read_table_options,
    standing_argument_spec,
)


def params(**more: t.Any) -> t.Dict[str, t.Any]:
    return {"tables": ["temp"], "journal": "/j", "state": "dropped", "suffix": "_old", "soak_time": "0s", **more}


def standing_params(**more: t.Any) -> t.Dict[str, t.Any]:
    spec = standing_argument_spec().argument_spec
    return {**{name: option.get("default") for name, option in spec.items()}, "tables": ["temp"], **more}


def test_texts_of_a_survey_mean_the_same() -> None:
    given = params(tables="temp, stat", remote_tables='{"stat": "stat_v2"}', reserve_seconds="3600")
    options = read_table_options(given)
    assert options.tables == (MovedTable("temp", "temp"), MovedTable("stat", "stat_v2"))
    assert options.reserve_seconds == 3600
    assert read_standing_options(standing_params(soak_time="10m")).soak_time == 600


@pytest.mark.parametrize(
    ("more", "option"),
    [
        ({"tables": ""}, "tables"),
        ({"tables": ["temp", "temp"]}, "tables"),
        ({"remote_tables": {"stat": "x"}}, "remote_tables"),
        ({"remote_tables": {"temp": "a b"}}, "remote_tables"),
        ({"remote_tables": "temp=x"}, "remote_tables"),
        ({"suffix": "/old"}, "suffix"),
        ({"suffix": ""}, "suffix"),
        ({"reserve_seconds": 0}, "reserve_seconds"),
        ({"reserve_seconds": 60, "state": "renamed"}, "reserve_seconds"),
        ({"journal": None}, "journal"),
    ],
)
def test_one_clear_sentence(more: t.Dict[str, t.Any], option: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        read_table_options(params(**more))
    assert caught.value.option == option


def test_two_tables_cannot_go_into_one_and_everything_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_table_options(params(tables=["temp", "stat"], remote_tables={"temp": "stat"}, suffix="/"))
    assert sorted(text.split(":")[0] for text in caught.value.problems) == ["remote_tables", "suffix"]
    assert "two tables would go into stat" in caught.value.message


@pytest.mark.parametrize("value", ["-1s", "soon", "5 parsecs"])
def test_a_soak_time_that_is_none(value: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        read_standing_options(standing_params(soak_time=value))
    assert caught.value.option == "soak_time"


def test_what_an_approval_is_bound_to_is_checked_with_the_rest() -> None:
    wrong = standing_params(soak_time="soon", approved_plan_hash="yes", budget="0", metaproxies="a,b")
    with pytest.raises(InvalidInput) as caught:
        read_standing_options(wrong)
    assert [text.split(":")[0] for text in caught.value.problems] == [
        *("soak_time", "approved_plan_hash", "metaproxies", "metaproxies", "budget"),
    ]


def test_one_wrong_wish_is_one_clear_sentence() -> None:
    with pytest.raises(InvalidOption) as caught:
        read_standing_options(standing_params(budget="5 parsecs"))
    assert caught.value.option == "budget"
