# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether everything that was written before the fence is on the target: decided per partition, from decrees alone.

A position is the highest decree that the primary had prepared once its fence was proved. Prepared and not only
committed, because a mutation that passed the gate just before the fence may be committed, and acknowledged to its
client, after the position was taken.

The answer about progress holds only a difference (last committed minus confirmed). The decree it is subtracted from is
read *before* it, so that what is computed can only be less than what is true.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    Answers,
    PartitionProgress,
    ReplicaInfo,
    TableConfig,
)

PASSED = "passed"
BEHIND = "behind"
UNKNOWN = "unknown"
MOVED = "moved"
BROKEN = "broken"

Infos = Answers[t.Tuple[ReplicaInfo, ...]]
Progress = Answers[t.Tuple[PartitionProgress, ...]]


@dataclasses.dataclass(frozen=True)
class Position:
    """Where a partition stood under its fence: on this primary, in this ballot, up to this decree. ``at``: ISO time."""

    index: int
    node: str
    ballot: int
    decree: int
    at: str


@dataclasses.dataclass(frozen=True)
class Look:
    """What one look says of one partition. ``confirmed`` is the decree that is surely on the target, -1 for unknown."""

    index: int
    state: str
    confirmed: int
    why: str = ""


def take_positions(
    config: TableConfig, infos: Infos, at: str, indices: t.Optional[t.Collection[int]] = None
) -> t.Tuple[t.Dict[int, Position], t.Dict[int, str]]:
    """The positions of these partitions (default: all), and why each missing one is unknown.

    A position counts only where meta server and replica server agree on primary and ballot.
    """
    found: t.Dict[int, Position] = {}
    missing: t.Dict[int, str] = {}
    wanted = range(config.partition_count) if indices is None else indices
    for index in wanted:
        partition = config.partition(index)
        if partition is None or not partition.primary:
            missing[index] = "it has no primary"
            continue
        info, why = _info(config.app_id, index, partition.primary, infos)
        if info is None:
            missing[index] = why
        elif not info.primary or info.ballot != partition.ballot:
            missing[index] = f"{partition.primary} is not its primary in ballot {partition.ballot} (any more)"
        else:
            decree = max(info.last_committed_decree, info.last_prepared_decree)
            found[index] = Position(index, partition.primary, info.ballot, decree, at)
    return found, missing


def judge(
    position: Position, app_id: int, dupid: int, before: Infos, progress: Progress, after: Infos, allowance: int = 0
) -> Look:
    """One partition's look. ``before`` was read before ``progress``, ``after`` after it; the primary must be the same
    in both. ``allowance``: how many decrees may be missing (the held-back mutation, where that is accepted)."""
    index, node = position.index, position.node
    first, why = _info(app_id, index, node, before)
    last, why_last = _info(app_id, index, node, after)
    for info in (first, last):
        if info is not None and (not info.primary or info.ballot != position.ballot):
            return Look(index, MOVED, -1, f"{node} is not its primary in ballot {position.ballot} any more")
    if first is None or last is None:
        return Look(index, UNKNOWN, -1, why or why_last)
    found, why = _progress(index, node, dupid, progress)
    if found is None:
        return Look(index, UNKNOWN, -1, why)
    if found.fail_mode != "FAIL_SLOW":
        return Look(index, BROKEN, -1, f"its duplication has fail mode {found.fail_mode}, which loses mutations")
    if not found.duplicating:
        return Look(index, UNKNOWN, -1, "its duplication does not run")
    if found.not_confirmed < 0:
        return Look(index, UNKNOWN, -1, f"its progress makes no sense ({found.not_confirmed} not confirmed)")
    confirmed = first.last_committed_decree - found.not_confirmed
    if confirmed >= position.decree - allowance:
        return Look(index, PASSED, confirmed)
    return Look(index, BEHIND, confirmed, f"{position.decree - confirmed} mutations are not confirmed")


def lag(config: TableConfig, dupid: int, progress: Progress) -> t.Tuple[t.Dict[int, int], t.Dict[int, str]]:
    """Mutations not shipped yet per partition, and why each other partition's are unknown."""
    found: t.Dict[int, int] = {}
    missing: t.Dict[int, str] = {}
    for index in range(config.partition_count):
        partition = config.partition(index)
        if partition is None or not partition.primary:
            missing[index] = "it has no primary"
            continue
        item, why = _progress(index, partition.primary, dupid, progress)
        if item is None:
            missing[index] = why
        elif item.fail_mode != "FAIL_SLOW":
            missing[index] = f"its fail mode is {item.fail_mode}"
        elif not item.duplicating or item.not_duplicated < 0:
            missing[index] = "its duplication does not run"
        else:
            found[index] = item.not_duplicated
    return found, missing


def _info(app_id: int, index: int, node: str, infos: Infos) -> t.Tuple[t.Optional[ReplicaInfo], str]:
    if node in infos.failed:
        return None, f"{node} did not answer ({infos.failed[node].code})"
    for info in infos.good.get(node, ()):
        if info.app_id == app_id and info.index == index:
            return info, ""
    return None, f"{node} does not hold it"


def _progress(index: int, node: str, dupid: int, progress: Progress) -> t.Tuple[t.Optional[PartitionProgress], str]:
    if node in progress.failed:
        return None, f"{node} tells no progress ({progress.failed[node].code})"
    found = [item for item in progress.good.get(node, ()) if item.index == index and item.dupid == dupid]
    if len(found) != 1:
        return None, f"{node} tells {'no' if not found else 'more than one'} progress of it"
    return found[0], ""
