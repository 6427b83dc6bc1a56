# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What following costs and how soon it sees: queries per look (P3) and the lag of our knowledge (W6). Pure."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from bench.timeline import Span

# Every look begins with the list of procedures; where there is none, with the placements.
_LOOK = {True: re.compile(r"procedure_info", re.IGNORECASE), False: re.compile(r"region_peers|/admin/route")}


@dataclasses.dataclass(frozen=True)
class Polling:
    """Reading queries of a run as the lab recorded them."""

    looks: int
    per_look: list[int]
    per_second: float

    @property
    def mean(self) -> float:
        """Queries per look, with those of the module starts spread over all looks."""
        return sum(self.per_look) / self.looks


def polling(requests: t.Sequence[t.Mapping[str, t.Any]]) -> Polling:
    """Count the reads of one run; per real second, from its first request to its last."""
    reads = [one for one in requests if not one["mutating"]]
    pattern = _LOOK[any(_LOOK[True].search(one["request"]) for one in reads)]
    per_look: list[int] = []
    for one in reads:
        if pattern.search(one["request"]) or not per_look:
            per_look.append(0)
        per_look[-1] += 1
    seconds = requests[-1]["wall"] - requests[0]["wall"]
    return Polling(len(per_look), per_look, len(reads) / seconds)


def lags(
    found: t.Sequence[Span], entries: t.Iterable[t.Mapping[str, t.Any]], wall_of: t.Callable[[float], float]
) -> list[float]:
    """Real seconds from each procedure's end to the outcome in our journal.

    `wall_of` turns lab seconds into seconds since 1970.
    """
    regions: dict[str, int] = {}
    known: dict[int, float] = {}
    for entry in entries:
        data = entry["data"]
        if entry["kind"] == "change.intent" and data["action"] == "migrate":
            regions[data["id"]] = int(data["resource"].rpartition("/")[2])
        elif entry["kind"] == "change.outcome" and data["id"] in regions:
            known[regions[data["id"]]] = _seconds(entry["at"])
    return [known[span.region_id] - wall_of(span.ended) for span in found if span.region_id in known]


def _seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
