# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Bugs of Apache Pegasus that matter to duplication, as data: those of the source, of the target, and of a table.

All fixes named here went into 2.6 only; there is none on the 2.5 branch.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.known_bugs import KnownBug
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import VersionRange

_ISSUES = "https://github.com/apache/incubator-pegasus/issues/"

BEFORE_2_6 = "<2.6.0-0"
"""2.6.0-SNAPSHOT has the fixes too, and sorts before 2.6.0."""
BUILDS_OF_2_6 = ">=2.6.0-0,<2.6.0"
"""Builds from before the release of 2.6.0, whose version does not tell which fixes they have."""
EVERY = ">=2.4.0"

SINGLE_REPLICA = "single_replica"
"""The table has one copy of each partition on the target."""
RENAMED = "renamed"
"""The table gets another name on the target, which needs 2.6."""
NEARLY_EMPTY = "nearly_empty"
"""Some partition has seen no more than one write."""
NFS_RATE_PER_DISK = "nfs_rate_per_disk"
"""The target limits the rate at which it copies files, for each disk."""


def _bug(name: str, feature: str, versions: str, severity: str, title: str, remedy: str, issue: int) -> KnownBug:
    reference = f"{_ISSUES}{issue}"
    return KnownBug("pegasus.bug." + name, feature, VersionRange(versions), severity, title, remedy, reference)


SOURCE_BUGS: t.Sequence[KnownBug] = (
    _bug(
        "last_mutation_held_back",
        "",
        BEFORE_2_6,
        "warning",
        "The last write of each partition is shipped only when another write follows, at the latest an empty one of "
        "the group check (every 100 s as shipped), so draining takes up to about 200 s.",
        "Plan a budget for refused writes of at least 4 minutes with a strict drain, or accept by name that a fast "
        "drain may leave the last write of each partition behind.",
        2048,
    ),
    _bug(
        "prepare_for_ever",
        "",
        BEFORE_2_6,
        "warning",
        "When the creation of the table on the target fails or times out once, the duplication stays in DS_PREPARE for "
        "ever.",
        "Keep both clusters quiet while the duplication is created. If it stays in DS_PREPARE, remove it, drop the "
        "half-made table on the target, and begin again.",
        2144,
    ),
    _bug(
        "restart_while_preparing",
        "",
        BEFORE_2_6,
        "warning",
        "A replica server of the source that is restarted while a duplication is in DS_PREPARE can crash.",
        "Restart no replica server of the source until the duplication is in DS_LOG.",
        2098,
    ),
    _bug(
        "batch_too_large",
        "",
        BEFORE_2_6,
        "warning",
        "Writes are shipped in batches, and a batch above max_allowed_write_size of the target is refused again and "
        "again, so that the partition never catches up.",
        "If a partition stops catching up, raise [replication] max_allowed_write_size on the target's replica servers "
        "(needs their restart).",
        1840,
    ),
    _bug(
        "log_removed_while_read",
        "",
        BEFORE_2_6,
        "warning",
        "Log files can be removed while duplication still reads them, which aborts replica servers of the source.",
        "Keep the time in duplication short, do not pause it for long, and watch the replica servers of the source.",
        1596,
    ),
    _bug(
        "start_lost_on_exit",
        "",
        BEFORE_2_6,
        "warning",
        "A replica server of the source that ends while it is duplicating may forget that it was, and its log is then "
        "removed too early.",
        "Restart no replica server of the source during the migration. If one ends, look at the progress of every "
        "partition before going on.",
        1595,
    ),
    _bug(
        "bulk_load_crash",
        "",
        BEFORE_2_6,
        "warning",
        "A bulk load into a table that is being duplicated crashes replica servers of the source, and what it loads is "
        "not shipped.",
        "Let nobody start a bulk load of the tables until the migration is over.",
        2100,
    ),
    _bug(
        "silent_re_add",
        "",
        BEFORE_2_6,
        "info",
        "Adding a duplication that exists is answered with success and duplication id 0, and resumes a paused one when "
        "it is added without a checkpoint.",
        "Nothing to do: this collection looks first, and takes 0 for what it is. Mind it when working by hand.",
        2039,
    ),
    _bug(
        "log_reopened_after_removal",
        "",
        "<2.6.0",
        "warning",
        "A log file that was removed can be opened again by duplication, which aborts replica servers of the source; "
        "fixed in March 2026, so a build of 2.6 from before has it too.",
        "Keep the time in duplication short, and watch the replica servers of the source.",
        2372,
    ),
    _bug(
        "core_after_days",
        "",
        EVERY,
        "info",
        "Replica servers of the source have been seen to end with a core after days of duplication; not solved.",
        "Do not leave the duplication running for longer than is needed.",
        2014,
    ),
    _bug(
        "core_on_remove",
        "",
        EVERY,
        "warning",
        "Removing a duplication has been seen to end replica servers of the source with a core; not solved.",
        "Remove it in a quiet hour, in the restore phase, when the clients have long been on the target.",
        2211,
    ),
)

TARGET_BUGS: t.Sequence[KnownBug] = (
    _bug(
        "nfs_rate_per_disk",
        NFS_RATE_PER_DISK,
        EVERY,
        "warning",
        "Replica servers that limit the copy rate for each disk (max_copy_rate_megabytes_per_disk) can crash while "
        "they pull the checkpoint.",
        "Limit the rate on the sending side instead (nfs.max_send_rate_megabytes_per_disk on the source), and set "
        "nfs.max_copy_rate_megabytes_per_disk to 0 on the target for the time of the copy.",
        1969,
    ),
)

TABLE_BUGS: t.Sequence[KnownBug] = (
    _bug(
        "single_replica_stuck",
        SINGLE_REPLICA,
        BEFORE_2_6,
        "blocker",
        "The duplication of a table with a replica count of 1 stays in DS_APP for ever, because the source waits for a "
        "secondary on the target.",
        "Raise the replica count of the table to at least 2 before the migration, or upgrade the source to 2.6.",
        2092,
    ),
    _bug(
        "renamed_stuck",
        RENAMED,
        BUILDS_OF_2_6,
        "warning",
        "The duplication of a table with another name on the target stays in DS_APP for ever, because the source asks "
        "the target for the table by its old name; fixed in 2024, so only a build of 2.6 from before has it.",
        "Leave the table its name on the target, or make sure that the source's build has the fix. If the duplication "
        "stays in DS_APP, roll back, and begin again without another name.",
        2025,
    ),
    _bug(
        "empty_replica_checkpoint",
        NEARLY_EMPTY,
        BEFORE_2_6,
        "warning",
        "The checkpoint of a partition with no or one record takes very long to be made, and the duplication stays in "
        "DS_PREPARE meanwhile.",
        "Write a few records to every partition first, or give the migration much time.",
        2069,
    ),
)
