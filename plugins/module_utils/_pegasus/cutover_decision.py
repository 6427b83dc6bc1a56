# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Waiting for what a guard decides about a switch of which nobody else can say whether it was made."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace, last_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import living_guard

_POLL = 0.5


def await_decision(place: GuardPlace, clock: Clock, seconds: float) -> t.Optional[t.FrozenSet[str]]:
    """The tables that are switched; all others are lifted. None when it is not known in time: the next run finds out.

    A guard that has nothing left to do ends at once, so what it wrote down counts as much as what it answers.
    """
    deadline = Deadline(clock, seconds, "the guard's decision")
    while not deadline.expired:
        found = living_guard(place)
        if found is None:
            return _written(place)
        found.link.close()
        if found.answer.state in gs.ENDS:
            return frozenset(found.answer.more.get("kept", ()))
        deadline.sleep(_POLL)
    return None


def _written(place: GuardPlace) -> t.Optional[t.FrozenSet[str]]:
    ends = [line for line in last_guard(place.read()) if line["event"] in gs.ENDS]
    return frozenset(ends[-1].get("kept", ())) if ends else None
