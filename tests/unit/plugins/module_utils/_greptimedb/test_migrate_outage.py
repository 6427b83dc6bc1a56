# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a step that cannot reach the cluster."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_outage import passes, wait_out
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

AWAY = MigrationError("greptimedb.unreachable", "127.0.0.1:4002 cannot be reached")


def follow(clock: FakeClock, seconds: float) -> t.Dict[str, t.Any]:
    return {"run_id": "r", "deadline": clock.now().timestamp() + seconds, "carry": {}, "progress": {"done": 3}}


def test_the_first_step_says_at_once_that_nobody_answers() -> None:
    assert not passes(AWAY, {}, FakeClock())


@pytest.mark.parametrize(
    "code", ["greptimedb.unreachable", "greptimedb.unavailable", "greptimedb.not_leader", "greptimedb.ambiguous"]
)
def test_a_later_step_goes_on(code: str) -> None:
    clock = FakeClock()
    assert passes(MigrationError(code, "x"), follow(clock, 60), clock)


def test_a_refusal_is_no_outage_and_the_deadline_ends_one() -> None:
    clock = FakeClock()
    assert not passes(MigrationError("greptimedb.auth_failed", "x"), follow(clock, 60), clock)
    assert not passes(AWAY, follow(clock, 0), clock)


def test_the_step_tells_why_it_waits_and_hands_on_what_it_was_given() -> None:
    clock = FakeClock()
    given = follow(clock, 1.0)
    before = clock.now().timestamp()
    told = wait_out(AWAY, given, 2.5, clock)
    assert clock.now().timestamp() - before == pytest.approx(1.0)
    assert (told["finished"], told["progress"]) == (False, {"done": 3})
    since = {wait["reason"]: wait["since"] for wait in told["waits"]}
    assert told["follow"] == {**given, "since": since}, "so that the next step counts on"
    assert [wait["reason"] for wait in told["waits"]] == ["greptimedb.wait.cluster_unreachable"]
    assert "cannot be reached" in told["line"]
