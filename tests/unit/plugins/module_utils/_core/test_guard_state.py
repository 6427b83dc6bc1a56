# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's state machine, over all orders of events."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs

EVENTS = sorted(gs.REQUESTS) + [gs.GONE, gs.DEADLINE, gs.IMPOSSIBLE, gs.SWITCHED, gs.LIFT_PROVED]


def _walk(events: t.Sequence[str]) -> t.Iterator[t.Tuple[str, str, gs.Step]]:
    state = gs.READY
    for event in events:
        # What the guard reports of its own doing happens only where it does it.
        if event in (gs.IMPOSSIBLE, gs.SWITCHED) and state != gs.DECIDING:
            continue
        if event == gs.LIFT_PROVED and state != gs.LIFTING:
            continue
        step = gs.step(state, event)
        yield state, event, step
        state = step.state


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_no_switch_is_allowed_once_lifting_has_begun(events: t.List[str]) -> None:
    lifting = False
    for _before, event, step in _walk(events):
        lifting = lifting or step.state in (gs.LIFTING, gs.LIFTED)
        if lifting:
            assert step.state in (gs.LIFTING, gs.LIFTED)
            assert not (event in (gs.SWITCH, gs.COMMIT, gs.FENCE, gs.HAND_OVER) and step.granted)


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_after_a_granted_switch_nothing_lifts_before_the_version_is_spent(events: t.List[str]) -> None:
    may_have_switched = False
    for _before, event, step in _walk(events):
        if event == gs.SWITCH and step.granted:
            may_have_switched = True
        if event == gs.IMPOSSIBLE or (event == gs.NOT_SWITCHED and step.granted):
            may_have_switched = False
        if may_have_switched:
            assert step.state not in (gs.LIFTING, gs.LIFTED)


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_ends_stay_ends_and_a_commit_is_never_undone(events: t.List[str]) -> None:
    for before, event, step in _walk(events):
        if before in gs.ENDS:
            assert step.state in gs.ENDS
            assert step.state == before or (before, event, step.state) == (gs.KEPT, gs.COMMIT, gs.COMMITTED)


@given(st.lists(st.sampled_from(EVENTS), max_size=40), st.booleans())
def test_the_module_gone_and_the_time_up_always_lead_to_an_end(events: t.List[str], switched: bool) -> None:
    state = gs.READY
    for _before, _event, step in _walk(events):
        state = step.state
    for event in (gs.GONE, gs.DEADLINE, gs.SWITCHED if switched else gs.IMPOSSIBLE, gs.LIFT_PROVED):
        if event in (gs.IMPOSSIBLE, gs.SWITCHED) and state != gs.DECIDING:
            continue
        if event == gs.LIFT_PROVED and state != gs.LIFTING:
            continue
        state = gs.step(state, event).state
    assert state in gs.ENDS


def test_a_module_that_ends_while_armed_means_lift_at_once() -> None:
    assert gs.step(gs.ARMED, gs.GONE) == gs.Step(gs.LIFTING, True)


def test_handed_over_outlives_the_module_but_not_the_deadline() -> None:
    assert gs.step(gs.HANDED_OVER, gs.GONE).state == gs.HANDED_OVER
    assert gs.step(gs.HANDED_OVER, gs.DEADLINE).state == gs.LIFTING
    assert gs.step(gs.HANDED_OVER, gs.COMMIT) == gs.Step(gs.COMMITTED, True)


def test_bye_is_refused_while_something_is_fenced() -> None:
    assert not gs.step(gs.ARMED, gs.BYE).granted
    assert not gs.step(gs.SWITCHING, gs.BYE).granted
    assert gs.step(gs.COMMITTED, gs.BYE).granted
    assert gs.step(gs.READY, gs.BYE) == gs.Step(gs.DONE, True)


def test_a_late_commit_of_what_points_at_the_target_counts() -> None:
    assert gs.step(gs.KEPT, gs.COMMIT) == gs.Step(gs.COMMITTED, True)
    assert not gs.step(gs.LIFTED, gs.COMMIT).granted
