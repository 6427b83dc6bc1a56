# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the guard of a fence does about everything that can happen: a state machine without any input or output.

The guard alone owns the one deadline. The module has to ask before it switches; once the guard has begun to lift, it
never allows a switch any more, and once a switch was allowed, it never lifts before it has made a late switch
impossible (what that takes is the engine's to know: see the deeds of :mod:`guard`).
"""

from __future__ import annotations

import typing as t

READY = "ready"
"""Nothing is fenced yet; only settings that make the fence short may have been changed."""
ARMED = "armed"
"""The fence is set, or about to be."""
HANDED_OVER = "handed_over"
"""Drained; the operator switches. The module has ended, which is as it should be."""
SWITCHING = "switching"
"""The module was allowed to switch. Whether it did can only be told from where the switch is made."""
DECIDING = "deciding"
"""The module is gone or late in the middle of the switch: whether it was made is being found out."""
LIFTING = "lifting"
COMMITTED = "committed"
LIFTED = "lifted"
KEPT = "kept"
"""The switch was made, nobody committed: clients go to the target, so the fence on the source stays."""
DONE = "done"
"""Nothing was fenced, and nothing is to be watched any more."""

ENDS = frozenset((COMMITTED, LIFTED, KEPT, DONE))

# Requests of the module.
FENCE = "fence"
HAND_OVER = "hand_over"
SWITCH = "switch"
NOT_SWITCHED = "not_switched"
COMMIT = "commit"
LIFT = "lift"
LIFTED_BY_MODULE = "lifted"
STATUS = "status"
BYE = "bye"
# What happens to the guard.
GONE = "gone"
DEADLINE = "deadline"
# How its own doing ended.
IMPOSSIBLE = "switch_impossible"
SWITCHED = "switched"
LIFT_PROVED = "lift_proved"

REQUESTS = frozenset((FENCE, HAND_OVER, SWITCH, NOT_SWITCHED, COMMIT, LIFT, LIFTED_BY_MODULE, STATUS, BYE))

_MOVES: t.Mapping[t.Tuple[str, str], str] = {
    (READY, FENCE): ARMED,
    (READY, GONE): DONE,
    (READY, BYE): DONE,
    (ARMED, HAND_OVER): HANDED_OVER,
    (ARMED, SWITCH): SWITCHING,
    (ARMED, LIFTED_BY_MODULE): LIFTED,
    (ARMED, LIFT): LIFTING,
    (ARMED, GONE): LIFTING,
    (ARMED, DEADLINE): LIFTING,
    (HANDED_OVER, COMMIT): COMMITTED,
    (HANDED_OVER, LIFT): LIFTING,
    (HANDED_OVER, LIFTED_BY_MODULE): LIFTED,
    (HANDED_OVER, DEADLINE): LIFTING,
    (SWITCHING, COMMIT): COMMITTED,
    (SWITCHING, NOT_SWITCHED): ARMED,
    (SWITCHING, GONE): DECIDING,
    (SWITCHING, DEADLINE): DECIDING,
    (DECIDING, IMPOSSIBLE): LIFTING,
    (DECIDING, SWITCHED): KEPT,
    (KEPT, COMMIT): COMMITTED,
    (LIFTING, LIFT_PROVED): LIFTED,
}


class Step(t.NamedTuple):
    """The state after an event, and whether a request was granted (always true for what is no request)."""

    state: str
    granted: bool


def step(state: str, event: str) -> Step:
    """What ``event`` does to ``state``. An event that a state does not know changes nothing; as a request, it is
    refused. A request for what is already so is granted."""
    after = _MOVES.get((state, event))
    if after is not None:
        return Step(after, True)
    if event not in REQUESTS or event == STATUS:
        return Step(state, True)
    if event == BYE:
        return Step(state, state in ENDS)
    already = {COMMIT: COMMITTED, LIFT: LIFTED, LIFTED_BY_MODULE: LIFTED, HAND_OVER: HANDED_OVER, SWITCH: SWITCHING}
    return Step(state, already.get(event) == state)


def may_be_left(state: str) -> bool:
    """Whether a module that goes away in this state leaves no fence half done (other settings are apart)."""
    return state in ENDS or state == HANDED_OVER
