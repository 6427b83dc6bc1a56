# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether counters that stood still over some looks while writes went in are true: looks in quick succession tell.

A primary hears of confirmed decrees at its duplication sync. Where syncs come as often as the looks, each look can fall
right behind one, and then the counters are the same although they are true. In looks that follow at once upon each
other, a true answer is another one right after a mutation. One answer tells of all partitions of a table that a server
is primary of, so a server that tells something new of one of them does not repeat itself.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_arrival import Said
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.progress_freshness import Freshness

SECONDS = 3.0
"""For one table: a look at all of them must not take long, and a step is to be over after some seconds."""
PAUSE = 0.02


class Settled(t.NamedTuple):
    """``live``: partitions of servers that told something new; ``repeated``: of those that repeat themselves."""

    live: t.FrozenSet[int]
    repeated: t.FrozenSet[int]


def settle(
    doubted: t.Collection[int], dupid: int, look: t.Callable[[], Said], sync_seconds: float, clock: Clock
) -> Settled:
    """Look until something is known of every doubted partition, or the time is over."""
    freshness = Freshness(sync_seconds)
    first: t.Dict[str, t.Any] = {}
    live: t.Set[int] = set()
    end = clock.monotonic() + SECONDS
    while True:
        began = clock.monotonic()
        said = look()
        ended = clock.monotonic()
        freshness.looked(
            said.config.app_id, dupid, said.before, said.progress, said.after, began, ended, quick=bool(first)
        )
        for node, told in said.progress.good.items():
            if first.setdefault(node, told) != told:
                live.update(said.config.primaries.get(node, ()))
        repeated = freshness.repeated() - live
        if ended >= end or not set(doubted) - live - repeated:
            return Settled(frozenset(live), frozenset(repeated))
        clock.sleep(PAUSE)
