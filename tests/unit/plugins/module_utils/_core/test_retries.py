# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.retries import retry
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


class Flaky:
    def __init__(self, failures: int, error: Exception) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return "rows"


def read(call: Flaky, clock: FakeClock, **kwargs: t.Any) -> str:
    settings: t.Dict[str, t.Any] = {"attempts": 4, "base": 1, "cap": 3, "jitter": lambda: 1.0, **kwargs}
    return retry(call, is_transient=lambda error: isinstance(error, OSError), clock=clock, **settings)


def test_a_passing_failure_is_repeated() -> None:
    clock = FakeClock()
    call = Flaky(3, OSError("reset"))
    assert read(call, clock) == "rows"
    assert (call.calls, clock.slept) == (4, [1, 2, 3])


def test_the_last_error_comes_out() -> None:
    call = Flaky(9, OSError("reset"))
    with pytest.raises(OSError, match="reset"):
        read(call, FakeClock())
    assert call.calls == 4


def test_a_lasting_failure_is_not_repeated() -> None:
    call = Flaky(1, ValueError("wrong password"))
    with pytest.raises(ValueError, match="wrong password"):
        read(call, FakeClock())
    assert call.calls == 1


def test_no_call_after_the_deadline() -> None:
    clock = FakeClock()
    call = Flaky(9, OSError("reset"))
    with pytest.raises(OSError, match="reset"):
        read(call, clock, deadline=Deadline(clock, 2.5, "x"))
    assert (call.calls, clock.slept) == (2, [1])


@given(st.floats(0, 1), st.integers(1, 6))
def test_jitter_stays_in_the_second_half(jitter: float, attempts: int) -> None:
    clock = FakeClock()
    with pytest.raises(OSError, match="x"):
        read(Flaky(9, OSError("x")), clock, jitter=lambda: jitter, attempts=attempts)
    pauses = [min(2**n, 3) for n in range(attempts - 1)]
    assert len(clock.slept) == len(pauses)
    assert all(pause / 2 <= slept <= pause for slept, pause in zip(clock.slept, pauses))


def test_no_attempt_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="attempt"):
        read(Flaky(0, OSError("x")), FakeClock(), attempts=0)
