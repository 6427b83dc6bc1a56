# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task with no_log said goes nowhere: not where it is said plainly, by a template, or by an item of a loop."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.filter.failure_reason import FilterModule, failure_reason

SAID: t.Dict[str, t.Any] = {"msg": "the token canary-1 is wrong", "failed": True}


@pytest.mark.parametrize("no_log", [False, "no", "False", "", 0])
def test_what_may_be_logged_is_told(no_log: t.Any) -> None:
    assert failure_reason(SAID, no_log, "Ask") == "the token canary-1 is wrong"


@pytest.mark.parametrize("no_log", [True, "yes", "true", 1, "{{ hide }}", None, ["x"]])
def test_nothing_is_told_of_what_must_not_be_logged(no_log: t.Any) -> None:
    assert failure_reason(SAID, no_log, "Ask") == "A task with no_log failed: Ask"


def test_a_result_that_is_marked_is_not_told_whatever_the_task_says() -> None:
    assert failure_reason({**SAID, "_ansible_no_log": True}, False, "") == "A task with no_log failed: it has no name"


@pytest.mark.parametrize("result", [{}, {"msg": None}, {"msg": ""}, "no mapping", None])
def test_what_said_nothing_has_no_reason(result: t.Any) -> None:
    assert failure_reason(result, False) == ""


def test_ansible_finds_it_by_its_name() -> None:
    assert FilterModule().filters()["failure_reason"]({"msg": "x"}, False) == "x"
