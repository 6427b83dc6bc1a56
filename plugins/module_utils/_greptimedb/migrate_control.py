# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What people and the calendar say to a run of region moves while it runs."""

from __future__ import annotations

import bisect
import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.control import (
    NOT_APPLICABLE,
    TAKEN,
    Acknowledgement,
    Answer,
    Control,
    usual_answer,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import open_control
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import LIMITS, Wish
from ansible_collections.dbops.migration.plugins.module_utils._core.control_waits import WINDOW_CLOSED, stopped_by
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import Limits
from ansible_collections.dbops.migration.plugins.module_utils._core.window import Windows
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import parse_limits

_SURE = 0.95
_PATIENCE = "timeout (greptimedb_timeout of the role)"


class RunControl:
    """Whether moves may begin, how many at a time, and whether the run shall end.

    ``limits`` and ``forecast`` (by region id, how many seconds its move may take) are the plan's.
    """

    def __init__(
        self,
        control: Control,
        windows: Windows,
        limits: Limits,
        clock: Clock,
        forecast: t.Optional[t.Mapping[int, float]] = None,
    ) -> None:
        self._forecast = dict(forecast or {})
        self._shortest = min(self._forecast.values(), default=0.0)
        self._took: t.List[float] = []
        self._control = control
        self._windows = windows
        self._plan = dict(limits)
        self._clock = clock
        self.limits = self._in_force()
        """The limits in force: those that are wished for, and the plan's for the rest."""

    @classmethod
    def of(
        cls,
        params: t.Mapping[str, t.Any],
        windows: Windows,
        limits: Limits,
        entries: t.Iterable[t.Any],
        clock: Clock,
        forecast: t.Optional[t.Mapping[int, float]] = None,
    ) -> RunControl:
        """The one of a module's parameters. ``entries``: the journal's."""

        def answers(kind: str, wish: Wish) -> Answer:
            return answer(kind, wish, limits)

        return cls(open_control(params, clock, entries=entries, answers=answers), windows, limits, clock, forecast)

    def look(self) -> t.List[Acknowledgement]:
        """Read the wish if it is time; returns what is to be acknowledged."""
        news = self._control.poll()
        if news:
            self.limits = self._in_force()
        return news

    @property
    def aborted(self) -> bool:
        """Whether nothing new may begin and the run ends when what runs has ended."""
        return self._control.wish.aborted

    @property
    def hold(self) -> t.Optional[str]:
        """The reason for which no move may begin now."""
        stopped = stopped_by(self._control)
        if stopped is not None:
            return stopped.reason
        if self._windows.refusal(self._clock.now(), max(self._shortest, self._seen), "a move") is not None:
            return WINDOW_CLOSED
        return None

    @property
    def left(self) -> float:
        """For how many seconds the window stays open; endless without one."""
        return self._windows.left(self._clock.now())

    def needed(self, region_id: int) -> float:
        """How many seconds of the window a move needs: what the plan says, or what 19 of 20 moves of this run took at
        the most, whichever is longer."""
        return max(self._forecast.get(region_id, 0.0), self._seen)

    @property
    def _seen(self) -> float:
        return self._took[math.ceil(_SURE * len(self._took)) - 1] if self._took else 0.0

    def moved(self, seconds: float) -> None:
        """A move of this run took so long."""
        bisect.insort(self._took, max(0.0, seconds))

    def require_window(self, region_ids: t.Sequence[int], patience: float = math.inf) -> None:
        """MigrationError ``cutover.no_window`` when one of the moves could never begin, or none within ``patience``."""
        longest = max(region_ids, key=self.needed)
        what = f"the move of region {longest}"
        never = self._windows.never(self._clock.now(), self.needed(longest), what, "Give a longer window")
        refused = never or self.too_late(region_ids, patience)
        if refused is not None:
            raise refused

    def too_late(self, region_ids: t.Iterable[int], patience: float) -> t.Optional[MigrationError]:
        """``cutover.no_window`` when none of the moves can begin within so many seconds, as no window opens by then."""
        now, least = self._clock.now(), min((self.needed(region_id) for region_id in region_ids), default=0.0)
        never = self._windows.never(now, least, "a move", done="No further move is begun")
        return never or self._windows.too_late(now, least, "a move", patience, _PATIENCE)

    def _in_force(self) -> t.Dict[str, t.Optional[int]]:
        return {**self._plan, **_wished(self._control.wish)[0]}

    def failure(self, done: str) -> MigrationError:
        """The failure of the run that was aborted; ``done``: what became of it."""
        return self._control.aborted(done)


def answer(kind: str, wish: Wish, limits: Limits) -> Answer:
    """What becomes of a wish. Limits that GreptimeDB's moves do not have change nothing at all."""
    if kind != LIMITS:
        return usual_answer(kind, wish)
    wished, problems = _wished(wish)
    if problems:
        return Answer(NOT_APPLICABLE, " ".join(problems))
    now = {**limits, **wished}
    shown = ", ".join(f"{key}={'none' if now[key] is None else now[key]}" for key in sorted(now))
    return Answer(TAKEN, f"from now on {shown or 'no limit'}")


def _wished(wish: Wish) -> t.Tuple[t.Dict[str, t.Optional[int]], t.List[str]]:
    problems: t.List[str] = []
    found = parse_limits(dict(wish.limits or {}), "limits", problems)
    return ({} if problems else found), problems
