# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target FE refuses to replicate, and what breaks a job (facts 6, 2.2)."""

from __future__ import annotations

import typing as t

from lab.starrocks.profiles import Profile
from lab.starrocks.state import Cluster, StorageVolume
from lab.starrocks.state_jobs import ReplicatedPartition
from lab.starrocks.transactions import Transactions

MB = 1024 * 1024
Credentials = t.Callable[[StorageVolume], str]
"""Why the bucket of a volume cannot be read with the volume's credentials; empty when it can."""


class Refused(Exception):
    """A request that the replication manager rejects, or what aborts a job; the message is the server's text."""


def check_limits(transactions: Transactions, running: t.Sequence[tuple[int, int]], replicas: int, size: int) -> None:
    """Raise when one more job of that many replicas and bytes is too much; running: (replicas, bytes) of each job."""
    tables = transactions.number("replication_max_parallel_table_count", 100)
    if len(running) >= tables:
        raise Refused("The replication jobs exceeds the replication_max_parallel_table_count: %d" % tables)
    most = transactions.number("replication_max_parallel_replica_count", 1 << 31)
    total = sum(job[0] for job in running) + replicas
    if running and total > most:
        text = "The replicating replica count in all running replication jobs %d exceeds"
        raise Refused((text + " replication_max_parallel_replica_count: %d") % (total, most))
    most = transactions.number("replication_max_parallel_data_size_mb", 1048576)
    total = (sum(job[1] for job in running) + size) // MB
    if running and total > most:
        text = "The replicating data size in all running replication jobs %d(MB) exceeds"
        raise Refused((text + " replication_max_parallel_data_size_mb: %d") % (total, most))


def check_version(profile: Profile, part: ReplicatedPartition) -> bool:
    """True when the partition is to be copied; raises when the target's is newer, or not published yet."""
    target = part.target
    if target.publishing:
        raise Refused("Partition %d publish version not finished" % target.id)
    if profile.data_version_from_source:
        have, asked, name = target.data_version, part.data_version, "data version"
    else:
        have, asked, name = target.visible_version, part.version, "version"
    if have > asked:
        raise Refused("Target %s: %d is larger than source %s: %d" % (name, have, name, asked))
    return bool(have < asked)


def check_source_volume(target: Cluster, source_volume: StorageVolume, readable: Credentials) -> None:
    """The target's compute nodes read the source's files through src_<volume>, by their full paths."""
    name = "src_%s" % source_volume.name
    volume = target.storage_volumes.get(name)
    if volume is None:
        raise Refused('Unknown storage volume "%s"' % name)
    if not volume.enabled:
        raise Refused("Storage volume %s is disabled" % name)
    if volume.locations != source_volume.locations or volume.params.get("aws.s3.enable_partitioned_prefix") == "true":
        # The paths that it makes are not those of the source's files.
        raise Refused("Not found: no such file under %s of storage volume %s" % (volume.locations[0], name))
    problem = readable(volume)
    if problem:
        raise Refused("Fail to read from storage volume %s: %s" % (name, problem))


def compaction_breaks(profile: Profile, source_shared_data: bool) -> bool:
    """Whether a replication cannot be published when it met a compaction on the target.

    shared-data to shared-data: always. From shared-nothing: until 3.3.10 / 3.4.1 by issue #45276, then by issue #62741
    until its fix of September 2025; the facts name 3.3.13 as broken but no fixed release: 3.3.19, 3.4.8 and 3.5.6 here.
    """
    if source_shared_data:
        return True
    return not profile.since("3.3.19", "3.4.8", "3.5.6", "4.0")


def compaction_crashes(profile: Profile, source_shared_data: bool) -> bool:
    """Whether a node even crashes by it: issue #45276."""
    return not source_shared_data and not profile.since("3.3.10", "3.4.1", "3.5")
