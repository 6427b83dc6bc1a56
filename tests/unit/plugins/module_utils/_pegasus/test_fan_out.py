# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many questions at once: who is asked in turn, who at the same time, and what becomes of those that are silent."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fan_out import ask_in_turn, each

QUESTIONS = {"t1": ("a:1", "b:1"), "t2": ("b:1",), "t3": ("b:1", "a:1", "b:1")}
FIVE = {f"t{number}": ("a:1", "b:1") for number in range(5)}


class Busy:
    """Counts how many calls are under way at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_exc: object) -> None:
        with self._lock:
            self.now -= 1


def test_every_address_gets_its_questions_in_turn_and_all_addresses_at_once() -> None:
    asked: t.Dict[str, t.List[str]] = {"a:1": [], "b:1": []}
    both = threading.Barrier(2, timeout=10)

    def ask(address: str, key: str) -> str:
        if not asked[address]:
            both.wait()
        asked[address].append(key)
        return f"{address} {key}"

    found = ask_in_turn(QUESTIONS, ask)
    assert asked == {"a:1": ["t1", "t3"], "b:1": ["t1", "t2", "t3"]}
    assert list(found) == ["t1", "t2", "t3"]
    assert list(found["t3"].good.items()) == [("b:1", "b:1 t3"), ("a:1", "a:1 t3")]
    assert all(answers.complete for answers in found.values())


@pytest.mark.parametrize("code", ["pegasus.unreachable", "pegasus.timeout"])
def test_an_address_that_was_silent_twice_in_a_row_is_not_asked_again(code: str) -> None:
    asked: t.List[str] = []

    def ask(address: str, key: str) -> int:
        if address == "b:1":
            asked.append(key)
            raise MigrationError(code, f"Could not ask for {key}.")
        return 1

    found = ask_in_turn(FIVE, ask)
    assert asked == ["t0", "t1"]
    assert [found[key].failed["b:1"].code for key in FIVE] == [code] * 5
    assert [found[key].failed["b:1"].message for key in FIVE] == [
        "Could not ask for t0.",
        "Could not ask for t1.",
        *(["It had not answered before, and was not asked: Could not ask for t1."] * 3),
    ]
    assert all(found[key].good == {"a:1": 1} for key in FIVE)


def test_silence_now_and_then_is_no_silence() -> None:
    def ask(_address: str, key: str) -> int:
        if key in ("t1", "t3"):
            raise MigrationError("pegasus.unreachable", "It closed the connection.")
        return 1

    found = ask_in_turn(FIVE, ask)
    assert [sorted(found[key].good) for key in FIVE] == [["a:1", "b:1"], [], ["a:1", "b:1"], [], ["a:1", "b:1"]]


def test_one_question_that_is_refused_says_nothing_of_the_next() -> None:
    def ask(_address: str, key: str) -> t.Optional[str]:
        if key == "t2":
            raise MigrationError("pegasus.decode", "Not understood.")
        return None

    found = ask_in_turn(QUESTIONS, ask)
    assert list(found["t2"].failed) == ["b:1"]
    assert found["t3"].good == {"b:1": None, "a:1": None}


def test_each_keeps_the_order_and_the_bound() -> None:
    busy = Busy()
    two = threading.Barrier(2, timeout=10)

    def call(number: int) -> int:
        with busy:
            if number < 2:
                two.wait()
            time.sleep(0.001 * (20 - number))
        return number

    assert each(range(20), call, 3) == list(range(20))
    assert 2 <= busy.most <= 3
    assert each([], call, 3) == []


def test_what_is_raised_for_one_is_raised() -> None:
    def call(number: int) -> int:
        raise MigrationError("pegasus.timeout", f"number {number}")

    with pytest.raises(MigrationError, match="number 0"):
        each(range(3), call, 3)
