# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Partitions that the source has made anew: how long their old copies have been waiting for the sync tool. Pure.

The tool drops an old copy within two looks at the metadata, a few in each turn (ddl_job_batch_size), so as long as
copies go that were there as long as one, it is on its way to that one.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Renewed
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_cycle import RENEWED_SWITCH, Cycle

MOST = 1000
"""So many are watched at once, since what is known is handed from step to step; others when one of them is gone."""


@dataclasses.dataclass
class _Watched:
    """``first``: when it was seen first; ``since``: from when on its time counts, both in Unix seconds."""

    life: int
    first: float
    since: float


def why_stay(cycle: t.Optional[Cycle]) -> str:
    """Why nothing drops old copies, whatever time there is; "" where the tool may. ``cycle``: None where none runs."""
    if cycle is None:
        return "it does not run any more"
    return "" if cycle.drops_renewed else f"{RENEWED_SWITCH} is false"


class Renewal:
    """What is known over many looks. ``as_record``: for the next step of the same run."""

    def __init__(self, record: t.Optional[t.Mapping[str, t.Any]] = None) -> None:
        given = record or {}
        self._began: t.Optional[float] = given.get("began")
        self._watched = {
            (str(table), str(partition)): _Watched(int(life), float(first), float(since))
            for table, partition, life, first, since in given.get("watched") or ()
        }

    def as_record(self) -> t.Dict[str, t.Any]:
        """Plain data."""
        watched = [[*name, one.life, one.first, one.since] for name, one in self._watched.items()]
        return {"began": self._began, "watched": watched}

    def look(self, renewed: t.Iterable[Renewed], now: float) -> None:
        """Take in what one look has found."""
        self._began = now if self._began is None else self._began
        found = {(one.table, one.partition): one.life for one in renewed}
        # One that was made anew once more is another: its copy was dropped in between, or is to be dropped now.
        gone = [name for name, one in self._watched.items() if found.get(name) != one.life]
        oldest = min((self._watched.pop(name).first for name in gone), default=None)
        for one in self._watched.values():
            if oldest is not None and one.first >= oldest:
                one.since = now
        for name, life in found.items():
            if len(self._watched) >= MOST:
                break
            self._watched.setdefault(name, _Watched(life, now, now))

    def pardon(self, now: float) -> None:
        """Nothing could be seen, so the tool may have been unable to do anything either."""
        for one in self._watched.values():
            one.since = now

    @property
    def awaited(self) -> int:
        """How many there were from the first look on: before these are gone, nobody knows whether the tool sees to it.

        Of later ones there may be new ones all the time.
        """
        return sum(one.first == self._began for one in self._watched.values())

    def overdue(
        self, renewed: t.Iterable[Renewed], cycle: t.Optional[Cycle], now: float
    ) -> t.Tuple[t.List[Renewed], str]:
        """Those that the tool does not drop, and why not. ``cycle``: None where no tool runs."""
        listed = list(renewed)
        stay = why_stay(cycle)
        if cycle is None or stay:
            return listed, stay
        late = [
            one for one in listed if (one.table, one.partition) in self._watched
            and now - self._watched[(one.table, one.partition)].since > cycle.renewal
        ]  # fmt: skip
        return late, f"it has not dropped them in {format_duration(cycle.renewal)}, which is two of its looks"

    def require(self, renewed: t.Sequence[Renewed], cycle: t.Optional[Cycle], now: float) -> None:
        """Take in one look of a cutover: MigrationError ``starrocks.made_anew`` when waiting on is of no use."""
        self.look(renewed, now)
        late, why = self.overdue(renewed, cycle, now)
        if late:
            shown = ", ".join(f"{one.table}/{one.partition}" for one in late[:5])
            raise MigrationError(
                "starrocks.made_anew",
                f"The source has made partitions anew since they were copied, and the sync tool leaves the old copies "
                f"on the target ({why}): {shown}. Drop these tables on the target, let the tool copy them again, and "
                "repeat the cutover.",
                details={"count": len(late), "partitions": [one._asdict() for one in late[:20]]},
            )
