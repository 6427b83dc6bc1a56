# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which versions of a partition are compared, by the versions and modes of both clusters (facts 4.5).

A replication into a target from 3.3.10, 3.4.1 or 3.5 on writes the source's data version, and marks the partition with
the source's epoch and TXN_REPLICATION. Older targets can only be compared by the visible version. On a shared-nothing
cluster data version and visible version are the same; on a shared-data one compaction raises the visible version.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile

DATA = "data"
VISIBLE = "visible"
NONE = "none"

_MARK_COLUMNS = ("VERSION_EPOCH", "VERSION_TXN_TYPE")


@dataclasses.dataclass(frozen=True)
class Side:
    """What one cluster can tell. ``columns``: upper-case names of the columns that its partitions come with."""

    profile: Profile
    columns: t.FrozenSet[str]

    @property
    def shared_data(self) -> bool:
        """Whether its tables are in object storage."""
        return self.profile.shared_data


@dataclasses.dataclass(frozen=True)
class Rules:
    """``source``, ``target``: DATA, VISIBLE, or NONE where nothing that it tells can be compared.

    ``marks``: whether epoch and transaction type of the target prove where its data came from; ``source_epoch``:
    whether the source tells an epoch to compare with. ``fallback``: on a shared-nothing source, the visible version
    counts for a partition that has no data version yet.
    """

    source: str
    target: str
    marks: bool
    source_epoch: bool
    fallback: bool
    reason: str

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results and the journal."""
        return {"source": self.source, "target": self.target, "marks": self.marks, "reason": self.reason}


def choose_rules(source: Side, target: Side) -> Rules:
    """The rules for one pair of clusters; see the module's docstring."""
    told_by_target = "DATA_VERSION" in target.columns and target.profile.commits_write_data_version
    marks = told_by_target and all(name in target.columns for name in _MARK_COLUMNS)
    source_epoch = marks and "VERSION_EPOCH" in source.columns
    fallback = not source.shared_data
    if told_by_target:
        if "DATA_VERSION" in source.columns:
            return Rules(DATA, DATA, marks, source_epoch, fallback, "both tell data versions")
        if fallback:
            return Rules(
                VISIBLE, DATA, marks, source_epoch, fallback,
                "on a shared-nothing source the visible version is the data version",
            )  # fmt: skip
        return Rules(
            NONE, DATA, marks, source_epoch, False,
            "the shared-data source tells no data version, and compaction raises its visible version",
        )  # fmt: skip
    if source.shared_data:
        return Rules(
            NONE, VISIBLE, False, False, False,
            f"a target of version {target.profile.version} does not take over the data version of a shared-data source",
        )  # fmt: skip
    return Rules(
        VISIBLE, VISIBLE, False, False, fallback,
        f"a target of version {target.profile.version} takes over the visible version",
    )  # fmt: skip
