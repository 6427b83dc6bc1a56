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
    with_reason,
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


def test_two_failures_are_told_in_their_order() -> None:
    lift = MigrationError("not_lifted", "It stays.", server_text="no", details={"tables": ["t"]})
    told = with_reason(lift, MigrationError("late", "Too late."), "The guard goes on trying.")
    assert told.as_result() == {
        "code": "not_lifted",
        "msg": "Too late. It stays. The guard goes on trying.",
        "server_text": "no",
        "details": {"tables": ["t"], "reason": "late"},
    }
    assert with_reason(lift, KeyboardInterrupt()).details["reason"] == "internal.error"
    assert with_reason(lift, ValueError("x")).message == "ValueError: x It stays."
