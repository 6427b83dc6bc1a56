# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether one partition of the target is an untouched, complete copy of the source's. Pure; see facts 4.5."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_rules import DATA, NONE, Rules
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import (
    ABSENT,
    Partition,
    Physical,
)

EQUAL = "equal"
BEHIND = "behind"
TARGET_AHEAD = "target_ahead"
FOREIGN_WRITE = "foreign_write"
MISSING = "missing_on_target"
EXTRA = "extra_on_target"
UNKNOWN = "unknown"
VERDICTS = (EQUAL, BEHIND, TARGET_AHEAD, FOREIGN_WRITE, MISSING, EXTRA, UNKNOWN)

REPLICATION = "TXN_REPLICATION"
NORMAL = "TXN_NORMAL"
NOT_COPIED = "not_copied"
"""The reason of a partition that is behind because it never held anything on the target."""
MADE_ANEW = "made_anew"
"""The reason of a partition that is behind because the target holds a copy of its former life: since it was copied the
source's was truncated, overwritten, or dropped and added again. The sync tool drops such a copy, and makes it anew."""
HIGHER_VERSION = "higher_version"
"""The same where no epoch tells it from a write to the target: only the target's higher version speaks for it."""
RENEWED = (MADE_ANEW, HIGHER_VERSION)
NO_TABLE = "no_table"
"""The reason of a table without partitions that is missing as a whole."""
EMPTY_VERSION = 1
"""The version of a partition that nothing was ever written to."""


class Outcome(t.NamedTuple):
    """A verdict and a stable word for what decided it, "" where the verdict says it all."""

    verdict: str
    reason: str = ""


_EQUAL = Outcome(EQUAL)


def lagging(counts: t.Mapping[str, int]) -> int:
    """By the counts of all verdicts, partitions that the sync tool still has to bring or to take away."""
    return counts[BEHIND] + counts[MISSING] + counts[EXTRA]


def never_copied(counts: t.Mapping[str, int], not_copied: int) -> int:
    """Partitions whose first copy is still to come, which takes long: however few they are, nothing is near.

    ``not_copied``: those that the target has and that never held anything there. The others it does not have.
    """
    return counts[MISSING] + not_copied


def compared_version(one: Physical, field: str, fallback: bool) -> int:
    """The version that counts; ABSENT if it is not told. A data version of 0 is none: it was not set yet."""
    if field == NONE:
        return ABSENT
    if field != DATA:
        return one.visible if one.visible > 0 else ABSENT
    if one.data > 0:
        return one.data
    return one.visible if fallback and one.visible > 0 else ABSENT


def judge(source: t.Optional[Partition], target: t.Optional[Partition], rules: Rules) -> Outcome:
    """Compare one partition of both clusters; None is one that a cluster does not have.

    A trace of a foreign write comes before everything else, as such a partition may never converge. What cannot be
    read is ``unknown``, and unknown is never equal.
    """
    if target is None:
        return Outcome(MISSING)
    if source is None:
        return Outcome(EXTRA, "txn_type" if rules.marks and _written(target, rules) else "")
    have = [compared_version(one, rules.source, rules.fallback) for one in source.physical]
    copied = [compared_version(one, rules.target, False) for one in target.physical]
    if ABSENT in have or not have:
        return Outcome(UNKNOWN, "source_version")
    if ABSENT in copied or not copied:
        return Outcome(UNKNOWN, "target_version")
    lives = _lives(source) if rules.source_epoch else ()
    if rules.marks:
        anew = _made_anew(lives, target, copied)
        foreign = _foreign(source, have, target, copied, rules, anew)
        if foreign is not None:
            return foreign
        if anew:
            return Outcome(BEHIND, MADE_ANEW)
    # Where an epoch shows that both are of one life, only a write can have brought a higher version to the target.
    ahead = Outcome(TARGET_AHEAD) if lives else Outcome(BEHIND, HIGHER_VERSION)
    if len(have) != len(copied):
        # With random distribution the source adds physical partitions as it grows; only more of them on the target
        # than on the source cannot be a copy that is late.
        if len(copied) > len(have):
            return Outcome(TARGET_AHEAD, "physical_partitions") if lives else ahead
        return Outcome(BEHIND, "physical_partitions")
    ours, theirs = sorted(have), sorted(copied)
    if ours == theirs:
        paired = not rules.source_epoch or _by_epoch(source, have) == _by_epoch(target, copied)
        # The same versions, but of one physical partition those of another.
        return _EQUAL if paired else Outcome(TARGET_AHEAD, "physical_partitions")
    if any(copy > one for one, copy in zip(ours, theirs)):
        return ahead
    return Outcome(BEHIND, NOT_COPIED if theirs[-1] <= EMPTY_VERSION else "")


def _written(target: Partition, rules: Rules) -> bool:
    """Whether it holds data that a write brought which was no replication."""
    filled = (one for one in target.physical if compared_version(one, rules.target, False) > EMPTY_VERSION)
    return any(one.txn_type == NORMAL for one in filled)


def _by_epoch(partition: Partition, versions: t.Sequence[int]) -> t.List[t.Tuple[int, int]]:
    """Version and epoch of every physical partition that carries data, where the epoch is told."""
    pairs = zip(versions, (one.epoch for one in partition.physical))
    return sorted((version, epoch) for version, epoch in pairs if version > EMPTY_VERSION and epoch > 0)


def _lives(source: Partition) -> t.Sequence[int]:
    """The epochs of all its physical partitions; none where one is not told."""
    epochs = [one.epoch for one in source.physical]
    return epochs if all(epoch > 0 for epoch in epochs) else ()


def _made_anew(lives: t.Sequence[int], target: Partition, copied: t.Sequence[int]) -> bool:
    """Whether the target holds what was replicated, and all that the source has began after that (epochs grow).

    A partition that the source only added under the same name, as random distribution does, leaves the others old.
    """
    filled = [one for one, version in zip(target.physical, copied) if version > EMPTY_VERSION]
    if not lives or not filled or any(one.txn_type != REPLICATION or one.epoch <= 0 for one in filled):
        return False
    return min(lives) > max(one.epoch for one in filled)


def _foreign(
    source: Partition, have: t.Sequence[int], target: Partition, copied: t.Sequence[int], rules: Rules, anew: bool
) -> t.Optional[Outcome]:
    """The trace of a write that was no replication, if the target has one. Partitions without data have no trace."""
    epochs = {one.epoch for one, version in zip(source.physical, have) if version > EMPTY_VERSION}
    known = rules.source_epoch and bool(epochs) and not any(epoch <= 0 for epoch in epochs)
    unknown: t.Optional[Outcome] = None
    for one, version in zip(target.physical, copied):
        if version <= EMPTY_VERSION:
            continue
        if one.txn_type == NORMAL:
            return Outcome(FOREIGN_WRITE, "txn_type")
        if one.txn_type != REPLICATION:
            unknown = Outcome(UNKNOWN, "target_txn_type")
        elif known and not anew and one.epoch not in epochs:
            # Its copy is of no former life of this partition: it was replicated from elsewhere.
            return Outcome(FOREIGN_WRITE, "epoch")
    return unknown
