# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the journal says of our duplications, and whether one that is there is ours."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Duplication
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import CONTESTED

ADD = "add"
ADOPT = "adopt"
"""What somebody else had added is ours from now on. Nothing is sent."""
MADE = (ADD, ADOPT)
REMOVE = "remove"
PAUSE = "pause"
RESUME = "resume"
FAIL_MODE = "set_fail_mode"

FAIL_SKIP = "FAIL_SKIP"
SKIPPED_KIND = "duplication.fail_skip"
"""The journal entry that keeps in mind that a duplication was seen in FAIL_SKIP: {resource, dupid}."""

GOAL_KIND = "duplication.removal_goal"
"""The journal entry with what must have arrived before a removal, of calls that do not wait: {resource, dupid, goal}.
"""
GOAL_HOLDS = 86400.0
"""For how many seconds it does. Of an older one nobody would expect that what was written since is discarded."""

CLOCK_SKEW = 60.0
"""By how many seconds the cluster's clock may be behind ours. Farther behind, a duplication is not taken for ours."""

OURS = "ours"
FOUND = "found"
OTHER = "other"


@dataclasses.dataclass(frozen=True)
class OpenChange:
    """An intent of which the end is not known: nobody wrote an outcome, or it was ``unknown``. ``at``: Unix seconds."""

    change_id: str
    action: str
    at: float
    before: t.Any
    after: t.Any
    written_off: bool
    """Whether there is an outcome, ``unknown``, so that none is missing."""

    @property
    def dupid(self) -> int:
        """The duplication that it changes, 0 for an addition."""
        return int((self.before or {}).get("dupid") or 0)


@dataclasses.dataclass(frozen=True)
class Goal:
    """By partition the decree that must have arrived before this duplication is removed. ``at``: Unix seconds."""

    dupid: int
    decrees: t.Mapping[int, int]
    at: float


@dataclasses.dataclass(frozen=True)
class Past:
    """Of one table and one remote. ``dupids``: duplications that are ours. ``open``: changes whose end is not known."""

    dupids: t.FrozenSet[int] = frozenset()
    open: t.Tuple[OpenChange, ...] = ()
    removals: t.Tuple[int, ...] = ()
    """Duplications whose removal we have sent, the last one at the end: those that are gone, and those of which nobody
    knows how it ended. Replica servers may still have to hear of it."""
    skipped: t.FrozenSet[int] = frozenset()
    """Duplications that are known to have been in FAIL_SKIP: what they have left out never comes."""
    goal: t.Optional[Goal] = None

    def goal_of(self, dupid: int, now: float) -> t.Mapping[int, int]:
        """What the calls before have waited for to arrive; empty if it is of another duplication, or too old."""
        goal = self.goal
        return goal.decrees if goal is not None and goal.dupid == dupid and now - goal.at <= GOAL_HOLDS else {}

    def owner(self, duplication: Duplication) -> str:
        """``ours``: the journal has its dupid. ``found``: an addition whose reply was lost, or whose run was killed,
        fits it by time. ``other``: neither.
        """
        if duplication.dupid in self.dupids:
            return OURS
        created = duplication.create_ts_ms / 1000.0
        fits = any(one.action == ADD and created >= one.at - CLOCK_SKEW for one in self.open)
        return FOUND if fits else OTHER

    @property
    def unsettled(self) -> t.Tuple[OpenChange, ...]:
        """Intents that have no outcome at all."""
        return tuple(one for one in self.open if not one.written_off)


NO_PAST = Past()


def resource(cluster: str, table: str, remote: str) -> str:
    """The name of a duplication in changes and in the journal."""
    return f"pegasus:{cluster}/table/{table}/duplication/{remote}"


class _Fold:
    def __init__(self) -> None:
        self.dupids: t.Set[int] = set()
        self.open: t.Dict[str, OpenChange] = {}
        self.removals: t.List[int] = []
        self.skipped: t.Set[int] = set()
        self.goal: t.Optional[Goal] = None

    def intent(self, entry: Entry) -> None:
        data = entry.data
        change_id = str(data["id"])
        self.skipped |= _skipping(data.get("before"))
        change = OpenChange(
            change_id,
            str(data.get("action", "")),
            parse_iso(entry.at).timestamp(),
            data.get("before"),
            data.get("after"),
            written_off=False,
        )
        self.open[change_id] = change
        if change.action == REMOVE:
            self.removals.append(change.dupid)
        else:
            # It is used on, so what is written from now on counts as well.
            self.goal = None

    def seen(self, entry: Entry) -> None:
        """An entry that keeps in mind what was seen of a duplication."""
        dupid = int(entry.data["dupid"])
        if entry.kind == SKIPPED_KIND:
            self.skipped.add(dupid)
        else:
            decrees = {int(index): int(decree) for index, decree in entry.data["goal"].items()}
            self.goal = Goal(dupid, decrees, parse_iso(entry.at).timestamp())

    def outcome(self, data: t.Mapping[str, t.Any]) -> None:
        change = self.open.pop(str(data["id"]), None)
        if change is None:
            return
        if not _refused(data):
            self.skipped |= _skipping(change.after)
        status = data.get("status")
        if status == "unknown":
            self.open[change.change_id] = dataclasses.replace(change, written_off=True)
            return
        if status != "done":
            if change.action == REMOVE:
                self.removals.remove(change.dupid)
            return
        if change.action in MADE:
            self.dupids.add(int((data.get("evidence") or {}).get("dupid") or 0))
            # What was tried before it led to this one, or to none.
            self.open = {key: one for key, one in self.open.items() if one.action != ADD or not one.written_off}
        elif change.action == REMOVE:
            self.dupids.discard(change.dupid)


def _skipping(state: t.Any) -> t.Set[int]:
    """The duplication of a state, if it is in FAIL_SKIP there."""
    if isinstance(state, t.Mapping) and state.get("fail_mode") == FAIL_SKIP:
        return {int(state.get("dupid") or 0)}
    return set()


def _refused(outcome: t.Mapping[str, t.Any]) -> bool:
    """Whether the server surely never took the change."""
    return outcome.get("status") == "failed" and outcome.get("code") not in (None, CONTESTED)


def read_past(entries: t.Iterable[Entry], resources: t.Iterable[str]) -> t.Dict[str, Past]:
    """Fold journal entries into what they say of each of ``resources``."""
    folds = {name: _Fold() for name in resources}
    owners: t.Dict[str, _Fold] = {}
    for entry in entries:
        if entry.kind == INTENT:
            fold = folds.get(str(entry.data.get("resource")))
            if fold is not None:
                owners[str(entry.data["id"])] = fold
                fold.intent(entry)
        elif entry.kind in (SKIPPED_KIND, GOAL_KIND) and str(entry.data.get("resource")) in folds:
            folds[str(entry.data["resource"])].seen(entry)
        elif entry.kind == OUTCOME and str(entry.data.get("id")) in owners:
            owners[str(entry.data["id"])].outcome(entry.data)
    return {
        name: Past(
            frozenset(fold.dupids - {0}),
            tuple(fold.open.values()),
            tuple(fold.removals),
            frozenset(fold.skipped.union(*(_skipping(change.after) for change in fold.open.values())) - {0}),
            fold.goal,
        )
        for name, fold in folds.items()
    }
