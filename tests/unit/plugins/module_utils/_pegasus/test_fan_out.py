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
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers

QUESTIONS = {"t1": ("a:1", "b:1"), "t2": ("b:1",), "t3": ("b:1", "a:1", "b:1")}
MANY = {f"t{number:02}": ("a:1", "b:1") for number in range(20)}


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


def test_every_address_is_asked_what_is_for_it_and_told_in_the_order_of_the_questions() -> None:
    found = ask_in_turn(QUESTIONS, lambda address, key: f"{address} {key}")
    assert list(found) == ["t1", "t2", "t3"]
    assert list(found["t3"].good.items()) == [("b:1", "b:1 t3"), ("a:1", "a:1 t3")]
    assert [sorted(answers.good) for answers in found.values()] == [["a:1", "b:1"], ["b:1"], ["a:1", "b:1"]]
    assert all(answers.complete for answers in found.values())
    assert ask_in_turn({}, lambda address, key: 1) == {}
    assert ask_in_turn({"t1": ()}, lambda address, key: 1) == {"t1": Answers({})}


def test_all_addresses_are_asked_at_once_and_each_a_few_things_at_once() -> None:
    busy = {"a:1": Busy(), "b:1": Busy()}
    both = threading.Barrier(2, timeout=10)

    def ask(address: str, key: str) -> int:
        with busy[address]:
            if key == "t00":
                both.wait()
            time.sleep(0.002)
        return 1

    found = ask_in_turn(MANY, ask)
    assert list(found) == list(MANY)
    assert [2 <= one.most <= 4 for one in busy.values()] == [True, True]


@pytest.mark.parametrize("code", ["pegasus.unreachable", "pegasus.timeout"])
def test_an_address_that_is_silent_again_and_again_is_not_asked_for_ever(code: str) -> None:
    asked: t.List[str] = []

    def ask(address: str, key: str) -> int:
        if address == "b:1":
            asked.append(key)
            raise MigrationError(code, f"Could not ask for {key}.")
        return 1

    found = ask_in_turn(MANY, ask)
    # Each of the four that ask it has tried twice.
    assert sorted(asked) == sorted(MANY)[:8]
    assert [found[key].failed["b:1"].code for key in MANY] == [code] * 20
    assert [found[key].failed["b:1"].message for key in ("t00", "t04", "t08", "t19")] == [
        "Could not ask for t00.",
        "Could not ask for t04.",
        "It had not answered before, and was not asked: Could not ask for t04.",
        "It had not answered before, and was not asked: Could not ask for t07.",
    ]
    assert all(found[key].good == {"a:1": 1} for key in MANY)


def test_silence_now_and_then_is_no_silence() -> None:
    silent = list(MANY)[4:8] + list(MANY)[12:16]

    def ask(_address: str, key: str) -> int:
        if key in silent:
            raise MigrationError("pegasus.unreachable", "It closed the connection.")
        return 1

    found = ask_in_turn(MANY, ask)
    assert [key for key in MANY if found[key].failed] == silent
    assert all(sorted(found[key].good) == ["a:1", "b:1"] for key in MANY if key not in silent)


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
