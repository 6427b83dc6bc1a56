# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is told who got several options wrong."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_mapping_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidInput,
    InvalidOption,
    MigrationError,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems

LAG = "max_lag: 'much' is not a whole number. Give a whole number of at least 0."
TWO = [
    f"settings[{index}]: {value!r} is not a mapping. Give a list of mappings, as YAML or as JSON text."
    for index, value in enumerate(("key", "value"))
]


def read(problems: OptionProblems, **params: t.Any) -> t.Tuple[t.Optional[int], t.List[t.Dict[str, t.Any]], int]:
    """Options as the engines read them: one that is needed, one that tells several problems, one with a default."""
    return (
        problems.attempt(lambda: as_int(params["max_lag"], "max_lag", 0)),
        problems.attempt(lambda: as_mapping_list(params["settings"], "settings"), []),
        problems.attempt(lambda: as_int(params["port"], "port", 1, 65535), 9030),
    )


def test_right_options_are_read_and_nothing_is_raised() -> None:
    problems = OptionProblems()
    assert read(problems, max_lag="0", settings=[{"key": "a"}], port=8030) == (0, [{"key": "a"}], 8030)
    assert problems.found == []
    problems.raise_all()


def test_everything_that_is_wrong_is_told_at_once_and_in_order() -> None:
    problems = OptionProblems()
    problems.add("journal", "it is not given", "Give the path of the migration's journal.")
    assert read(problems, max_lag="much", settings=["key", "value"], port=0) == (None, [], 9030)
    with pytest.raises(InvalidInput) as caught:
        problems.raise_all()
    told = [
        "journal: it is not given. Give the path of the migration's journal.",
        LAG,
        *TWO,
        "port: 0 is out of range. Give a whole number from 1 to 65535.",
    ]
    assert caught.value.as_result() == {"code": "input.invalid", "msg": " ".join(told), "details": {"problems": told}}


def test_the_only_problem_names_its_option_to_a_playbook() -> None:
    problems = OptionProblems()
    read(problems, max_lag="much", settings=[], port=1)
    with pytest.raises(InvalidOption) as caught:
        problems.raise_all()
    assert caught.value.as_result() == {"code": "option.invalid", "msg": LAG, "details": {"option": "max_lag"}}
    assert problems.error() is caught.value


def test_several_of_one_option_are_told_together() -> None:
    problems = OptionProblems()
    read(problems, max_lag=1, settings=["key", "value"], port=1)
    assert problems.error().as_result()["details"] == {"problems": TWO}


def test_what_is_no_matter_of_options_is_raised_at_once() -> None:
    def unreachable() -> None:
        raise MigrationError("starrocks.unreachable", "No frontend answers.")

    problems = OptionProblems()
    with pytest.raises(MigrationError, match="No frontend answers"):
        problems.attempt(unreachable)
    assert problems.found == []
