# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How near the target is to the source, judged from one look. Pure.

What counts is the comparison of the partitions: the tool's 100 % only speaks of its last look at the metadata, and
while loads go on it may never be said. The tool must be alive and well all the same, or nothing will come any nearer.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.control_waits import CANNOT_READ, PAUSED
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import ReasonRegistry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv

COPYING = "starrocks.wait.copying"
BEHIND = "starrocks.wait.behind"
SETTLING = "starrocks.wait.settling"
TOOL = "starrocks.wait.tool"
COMPACTIONS = "starrocks.wait.compactions"
REPLICATIONS = "starrocks.wait.replications"
UNREACHABLE = "starrocks.wait.unreachable"
REASONS = ReasonRegistry(
    frozenset((COPYING, BEHIND, SETTLING, TOOL, COMPACTIONS, REPLICATIONS, UNREACHABLE, PAUSED, CANNOT_READ))
)

_RUN_OVER = (tv.COMPLETED, tv.ENDED)
_AT_WORK = (tv.RUNNING, tv.CONVERGED, *_RUN_OVER)
"""A run that is over by its own mode was at work; what came since is for the cutover, whose tool goes on."""
_UNWELL = (tv.STALLED, tv.STALE, tv.IDLE, tv.FAILED, tv.STOPPED)
"""Of a tool that has something to do. One that was only just started has said nothing yet, and is none of these."""
_OVER = (tv.FAILED, tv.STOPPED)


@dataclasses.dataclass(frozen=True)
class Nearness:
    """``reason``: of the wait, "" when nothing is waited for any more. ``good``: looks in a row that were good."""

    reason: str
    waiting_for: str
    ends_when: str
    good: int
    worst: t.Tuple[str, ...] = ()
    count: int = 0


def nearness(
    counts: t.Mapping[str, int],
    not_copied: int,
    worst: t.Sequence[str],
    verdict: str,
    why: str,
    *,
    made_anew: int = 0,
    max_behind: int,
    samples: int,
    good: int,
) -> Nearness:
    """What is still waited for.

    :param counts: partitions by verdict of the comparison
    :param not_copied: how many of them are there, but have never held anything
    :param made_anew: how many hold an old copy, of which it is not known yet whether the tool takes it away
    :param verdict: the tool's, and ``why``
    :param good: how many looks before this one were good
    """
    late = cmp.lagging(counts)
    shown = tuple(worst[:5])
    if verdict == tv.ENDED:
        # Nobody says that the run had come to its end: that all is equal is the only sign of it.
        max_behind = 0
    left = _left(late, cmp.never_copied(counts, not_copied), made_anew, max_behind)
    if left is not None and verdict in _UNWELL:
        # The tool is the reason then: what is left does not come by waiting for it.
        text = f"the sync tool ({why}), for {left.waiting_for}"
        return dataclasses.replace(left, reason=TOOL, waiting_for=text, worst=shown)
    if left is not None:
        return dataclasses.replace(left, worst=shown)
    # Where all is equal, a tool that finds nothing to copy is right.
    if verdict not in _AT_WORK and not (verdict == tv.IDLE and not late):
        return Nearness(TOOL, f"the sync tool: {why}", "it reports good progress again", 0, (), 1)
    if good + 1 < samples:
        return Nearness(
            SETTLING, f"look {good + 2} of {samples}", f"{samples} looks in a row are good", good + 1, shown, late
        )
    return Nearness("", "", "", good + 1, shown, late)


def _left(late: int, never: int, made_anew: int, max_behind: int) -> t.Optional[Nearness]:
    """What the tool has yet to do; None where that is little enough."""
    if never:
        text = f"the first copy of {never} partition{_s(never)}"
        return Nearness(COPYING, text, "the sync tool has copied them", 0, (), never)
    if made_anew:
        text = f"{made_anew} partition{_s(made_anew)} that the source has made anew since the copy"
        return Nearness(BEHIND, text, "the sync tool has dropped and copied them again", 0, (), made_anew)
    if late > max_behind:
        text = f"{late} partitions that are behind (at most {max_behind} may be)"
        return Nearness(BEHIND, text, "the sync tool has caught up", 0, (), late)
    return None


def tool_is_over(verdict: str, near: Nearness, replicating: bool) -> bool:
    """Whether waiting is of no use, because the tool does not run or does not get better by itself.

    A one-time run that is over leaves behind what was loaded, or made, since: only what it had sent still comes.
    """
    if verdict in _RUN_OVER:
        return near.reason in (COPYING, BEHIND) and not replicating
    return bool(near.reason) and verdict in _OVER


def _s(count: int) -> str:
    return "" if count == 1 else "s"
