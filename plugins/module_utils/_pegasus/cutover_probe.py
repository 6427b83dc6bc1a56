# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the probe that proves a fence, and later its end, tells anything: seen while nothing is fenced yet.

Where a primary does not answer it in time, or refuses it for another reason than a fence, writes would be refused until
the budget is over, and nobody could prove that they are let through again.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import PASSING, Fence

PROBE_FAILS = "pegasus.fence.probe_fails"
_POLL = 0.5
_PATIENCE = 5.0
"""Seconds for what passes by itself: a primary that moves, an answer that is late once."""
_MARGIN = 2.0
"""Seconds above one config-sync interval, in which a primary that still refuses hears that an earlier fence is off."""
_SHOWN = 5

_MEANINGS = {
    model.WRITES_SILENT: "the server did not answer in time; see why it is so slow",
    model.WRITES_UNKNOWN: "the server gave an answer that tells nothing of a fence; let this host write to the table, "
    "if an access control list keeps it from that (ERR_ACL_DENY), and see the log of the server",
    model.WRITES_UNREACHABLE: "no connection, or one that broke; see the network and the server",
    model.WRITES_MOVED: "the server is not the primary; wait until the primaries stay where they are",
    model.WRITES_NO_PRIMARY: "nobody serves the partition; wait until somebody does",
    model.WRITES_DENIED: "the server refuses writes although no deny env is set; see why it does not pull the app "
    "envs, or who has told it so (remote command replica.deny-client)",
}


@dataclasses.dataclass(frozen=True)
class _Look:
    """``words``: of the partitions that are not open. ``problem``: why nobody could be asked, "" if they were."""

    words: t.Mapping[int, str]
    problem: str = ""

    @property
    def open(self) -> bool:
        return not self.words and not self.problem

    def told(self, table: str) -> t.List[str]:
        """Each partition and its word, or the problem."""
        words = [f"{table}/{index}: {word}" for index, word in sorted(self.words.items())]
        return [f"{table}: {self.problem}"] if self.problem else words


def probe_findings(
    fences: t.Iterable[Fence], clock: Clock, config_sync: float, waiting: t.Callable[[Wait], None]
) -> t.List[Finding]:
    """A blocker for each table of which not every primary is ``open``. To be called only where the gate is passed.

    :raises MigrationError: what asking raises, but for what may have an answer a moment later
    """
    begun, since = clock.monotonic(), iso(clock.now())
    left = list(fences)
    while True:
        looks = {fence: _look(fence) for fence in left}
        left = [fence for fence, look in looks.items() if not look.open]
        if not left:
            return []
        lifting = any(model.WRITES_DENIED in looks[fence].words.values() for fence in left)
        if clock.monotonic() - begun >= (max(_PATIENCE, config_sync + _MARGIN) if lifting else _PATIENCE):
            return [_finding(fence.table, looks[fence]) for fence in left]
        waiting(_wait([text for fence in left for text in looks[fence].told(fence.table)], since))
        clock.sleep(_POLL)


def _look(fence: Fence) -> _Look:
    try:
        config, words = fence.look()
    except MigrationError as error:
        if error.code not in PASSING:
            raise
        return _Look({}, error.message)
    every = {index: words.get(index, model.WRITES_UNKNOWN) for index in range(config.partition_count)}
    return _Look({index: word for index, word in every.items() if word != model.WRITES_OPEN})


def _wait(worst: t.Sequence[str], since: str) -> Wait:
    return Wait(
        "pegasus.wait.probe",
        "every primary to answer the probe by which the fence is going to be proved",
        "each says that it takes writes; nothing is fenced yet",
        since,
        worst,
        len(worst),
    )


def _finding(table: str, look: _Look) -> Finding:
    told = look.told(table)
    meanings = [f"{word}: {_MEANINGS[word]}." for word in sorted(set(look.words.values())) if word in _MEANINGS]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return Finding(
        PROBE_FAILS,
        "blocker",
        table,
        {"partitions": len(told), "worst": told[:_SHOWN]},
        f"By the probe that proves a fence, its primaries are not open ({', '.join(told[:_SHOWN])}{more}), so neither "
        f"a fence nor its end could be proved. {' '.join([*meanings, 'Then run again.'])}",
    )
