# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is killed of a fence: its module, its guard, both, or the run that is to put it right, too; any engine's."""

from __future__ import annotations

import pathlib
import typing as t

from bench import guards, modules
from chaos.kills import Point

MODULE, GUARD, BOTH, PAIR = "module", "guard", "both", "pair"
SERIES = (MODULE, GUARD, BOTH, PAIR)
"""Who is killed; `pair`: the module, and then the run that is to put it right, too."""


class Fenced(t.Protocol):
    """A case of a module that sets a fence."""

    @property
    def journal(self) -> pathlib.Path:
        """Its journal."""

    def run(self, **more: t.Any) -> modules.Ended:
        """A run of the module to its end."""

    def kill_guards(self) -> int:
        """SIGKILL every guard of this case that is there; how many."""


def fits(series: str, point: Point) -> bool:
    """Whether a series has a case at this point: the guard's own lines are not for a module alone."""
    if point.effect == "guard":
        return series in (GUARD, BOTH)
    if series in (GUARD, PAIR):
        return point.effect == "request"
    return series == MODULE or point.effect == "request" or point.side in ("before", "after")


def guard_lines(journal: pathlib.Path) -> int:
    """How many lines the record of a journal's guards has."""
    path = pathlib.Path(f"{journal}{guards.SUFFIX}")
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def from_within(trial: Fenced, series: str, point: Point) -> bool:
    """Kill at an append to the journal, by the module itself; or at a line of its record, by the guard."""
    death = {"write" if point.effect == "journal" else "record": point.index, "how": point.side}
    ended = trial.run(death=death)
    if point.effect == "journal":
        if series == BOTH:
            trial.kill_guards()
        return ended.killed
    reached = guard_lines(trial.journal) == point.index + (point.side == "after")
    if series == BOTH and not ended.killed:
        # What the module did without its guard is done; the run after that has nobody at all.
        trial.run(death={"write": 2, "how": "after"})
        trial.kill_guards()
    return reached
