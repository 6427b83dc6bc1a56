# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.restore import UNKNOWN, three_way

STATES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "1", "true"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=3,
)


def text(state: t.Any) -> str:
    return json.dumps(state, sort_keys=True)


@given(STATES, STATES, STATES)
def test_only_our_own_value_is_ever_replaced(original: t.Any, ours: t.Any, now: t.Any) -> None:
    action = three_way(original, ours, now).action
    if text(now) == text(original):
        assert action == "already_original"
    elif text(now) == text(ours):
        assert action == "restore"
    else:
        assert action == "keep_theirs"


@given(STATES, STATES)
def test_any_edit_by_a_third_party_survives(original: t.Any, ours: t.Any) -> None:
    for theirs in (["theirs"], {"a": ours, "theirs": 1}, {"theirs": ours}, 99):
        assert three_way(original, ours, theirs).action == "keep_theirs"


@given(STATES, STATES)
def test_twice_is_once(original: t.Any, ours: t.Any) -> None:
    state = ours
    if three_way(original, ours, state).action == "restore":
        state = original
    assert three_way(original, ours, state).action == "already_original"


@given(STATES, STATES)
def test_the_journal_in_between_changes_nothing(original: t.Any, ours: t.Any) -> None:
    kept = json.loads(json.dumps([original, ours]))
    for now in (original, ours):
        assert three_way(kept[0], kept[1], now) == three_way(original, ours, now)


@given(STATES, STATES)
def test_unknown_passes_no_gate(one: t.Any, two: t.Any) -> None:
    for states in ((one, two, UNKNOWN), (UNKNOWN, one, two), (one, UNKNOWN, two), (one, one, UNKNOWN)):
        assert three_way(*states).action == "unknown"


@pytest.mark.parametrize(("original", "now"), [(1, True), (0, False), ("1", 1), (None, False), ("", None)])
def test_look_alikes_are_not_the_same(original: t.Any, now: t.Any) -> None:
    assert three_way(original, "ours", now).action == "keep_theirs"


def test_order_of_keys_and_tuples_do_not_matter() -> None:
    assert three_way({"a": 1, "b": (1, 2)}, 0, {"b": [1, 2], "a": 1}).action == "already_original"


def test_unknown_stays_itself() -> None:
    assert copy.deepcopy(UNKNOWN) is UNKNOWN


def test_a_person_is_told_why() -> None:
    for now in (1, 2, 3, UNKNOWN):
        assert three_way(1, 2, now).reason
