# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidInput,
    InvalidOption,
    MigrationError,
    raise_problems,
)


def test_result_holds_code_sentence_and_server_text() -> None:
    error = MigrationError("greptimedb.same_peer", "Same.", server_text="from == to", details={"pid": "x"})
    assert error.as_result() == {
        "code": "greptimedb.same_peer",
        "msg": "Same.",
        "server_text": "from == to",
        "details": {"pid": "x"},
    }
    assert str(error) == "Same."


def test_absent_facts_are_left_out() -> None:
    assert MigrationError("a.b", "C.").as_result() == {"code": "a.b", "msg": "C."}


def test_invalid_option_names_option_problem_and_fix() -> None:
    error = InvalidOption("timeout", "0 is too short", "Give more than 0.")
    assert error.code == "option.invalid"
    assert error.message == "timeout: 0 is too short. Give more than 0."
    assert error.details == {"option": "timeout"}


def test_all_problems_at_once() -> None:
    error = InvalidInput([InvalidOption("a", "b", "C"), "Also this."])
    assert error.code == "input.invalid"
    assert error.as_result()["details"] == {"problems": ["a: b. C.", "Also this."]}
    assert error.message == "a: b. C. Also this."
    assert InvalidInput(["x"], "plan.invalid").code == "plan.invalid"


def test_raise_problems() -> None:
    raise_problems([])
    with pytest.raises(InvalidOption):
        raise_problems([InvalidOption("a", "b", "c")])
    with pytest.raises(InvalidInput) as caught:
        raise_problems([InvalidOption("a", "b", "c"), InvalidOption("d", "e", "f")])
    assert len(caught.value.problems) == 2
