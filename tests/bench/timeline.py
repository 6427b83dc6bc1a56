# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab itself recorded of a run: when each procedure ran, and what that says of the whole. Lab seconds."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.schedule import Job
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_bound import (
    LONGEST_JOB,
    Bound,
    measured_lower_bound,
)
from bench.moves import Move

SUBMISSION = re.compile(r"migrate_region\s*\(\s*(\d+)|region-migration\?.*?region_id=(\d+)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Span:
    """One region migration on the server, from the moment it was registered to its end."""

    region_id: int
    started: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long the server was busy with it."""
        return self.ended - self.started


@dataclasses.dataclass(frozen=True)
class Makespan:
    """A whole run: first submission to last end, beside the bound from the durations that were really measured."""

    seconds: float
    bound: Bound
    mean_move: float
    peak: int

    @property
    def ratio(self) -> float:
        """1.0 is a run that no schedule could beat."""
        return self.seconds / self.bound.value

    @property
    def binding(self) -> str:
        """The limit that is the reason, in words."""
        return "the longest move" if self.bound.binding == LONGEST_JOB else self.bound.binding


def submitted_region(request: str) -> int | None:
    """The region that a recorded request submits a migration of; None for any other request."""
    found = SUBMISSION.search(request)
    return int(found.group(1) or found.group(2)) if found else None


def makespan(
    moves: t.Sequence[Move],
    limits: t.Mapping[str, int | None],
    requests: t.Iterable[t.Mapping[str, t.Any]],
    found: t.Sequence[Span],
) -> Makespan:
    """Judge one run: the time from the first submission to the last end, over the lower bound."""
    wanted = {move["region_id"] for move in moves}
    ran = [span for span in found if span.region_id in wanted]
    missing = wanted - {span.region_id for span in ran}
    if missing:
        raise ValueError(f"{len(missing)} regions were not migrated, among them {sorted(missing)[:3]}")
    first = min(float(one["at"]) for one in requests if submitted_region(one["request"]) in wanted)
    jobs = [
        Job(
            str(move["region_id"]),
            ("global", f"per_source:{move['from_peer']}", f"per_target:{move['to_peer']}"),
        )
        for move in moves
    ]
    bound = measured_lower_bound(jobs, limits, {str(span.region_id): span.seconds for span in ran})
    return Makespan(
        seconds=max(span.ended for span in ran) - first,
        bound=bound,
        mean_move=sum(span.seconds for span in ran) / len(ran),
        peak=peak(ran),
    )


def peak(found: t.Sequence[Span]) -> int:
    """The most migrations that ran at one time."""
    changes = sorted([(span.started, 1) for span in found] + [(span.ended, -1) for span in found])
    running = most = 0
    for _dummy, change in changes:
        running += change
        most = max(most, running)
    return most
