# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Every difference between Pegasus versions, in one object that is chosen once. Nothing else asks for a version.

"2.6" is the development line after 2.5 (its servers call themselves 2.6.0-SNAPSHOT). What was backported nowhere stays
with it. Meta and replica servers of one cluster can differ during a rolling upgrade; choose one profile for each.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version

OLDEST = (2, 4)
"""The first release whose duplication copies a checkpoint, and whose messages have the form spoken here."""

DENY_KEY = "replica.deny_client_request"
DENY_VALUES = ("timeout*all", "timeout*write", "timeout*read", "reconfig*all", "reconfig*write", "reconfig*read")
DENY_WRITE = "reconfig*write"
"""The fence: clients are told, and the effect can be proved by a probe, which a ``timeout`` form does not allow."""
DENY_ALL = "reconfig*all"
MASTER_CLUSTER = "duplication.master_cluster"
"""On a table that a duplication has made: the cluster that it comes from."""
MASTER_METAS = "duplication.master_metas"
"""The env by which a duplication tells its target where it comes from: addresses, with commas between them."""

CONFIG_SYNC_FLAG = "config_sync_interval_ms"


@dataclasses.dataclass(frozen=True)
class Profile:
    """What this cluster speaks and how it behaves. See each field; ``choose`` makes one."""

    version: Version
    generation: str
    """For people: ``2.4``, ``2.5`` or ``2.6``."""

    # What can be asked.
    has_rename_app: bool
    remote_app_name: bool
    """A duplication can have another table name on the remote, and tells it."""
    remote_replica_count: bool
    atomic_idempotent: bool
    """Tables can have atomic writes made idempotent; such a table accepts them while it duplicates."""
    metrics: str
    """``perf_counters`` (remote command and ``/perfCounter``) or ``metrics`` (``/metrics``) for duplication."""

    # How it behaves.
    config_sync_interval_mutable: bool
    """``config_sync_interval_ms`` can be read and changed over HTTP while the server runs."""
    holds_back_last_mutation: bool
    """The newest mutation of a partition is shipped only once another one, mostly an empty one, follows (#2050)."""
    resting_not_confirmed: int
    """``not_confirmed`` of an idle partition that is drained: the newest empty write itself is never shipped."""
    target_create_idempotent: bool
    """A creation of the remote table whose answer was lost is recognised; before, DS_PREPARE lasts for ever (#2146)."""
    single_replica_target_stuck: bool
    """With one replica on the target, DS_APP lasts for ever (#2092)."""
    slow_empty_checkpoint: bool
    """An empty table's checkpoint takes very long (#2069)."""
    master_metas_must_resolve: bool
    """Entries of ``duplication.master_metas`` are names that must resolve; before, they must be literal ip:port."""
    duplication_envs: tuple[str, ...]
    """App envs that a duplication leaves on the target. DEL is allowed everywhere."""

    # Defaults of the servers, in seconds.
    config_sync_seconds: float = 30.0
    duplication_sync_seconds: float = 10.0
    group_check_seconds: float = 100.0

    @classmethod
    def choose(cls, version: Version) -> Profile:
        """The profile of a server version.

        :raises MigrationError: ``pegasus.version_too_old`` before 2.4
        """
        line = (version.major, version.minor)
        if line < OLDEST:
            raise MigrationError(
                "pegasus.version_too_old",
                f"Pegasus {version} is too old: duplication that copies existing data came with 2.4; upgrade first.",
                details={"version": str(version)},
            )
        from_2_5, from_2_6 = line >= (2, 5), line >= (2, 6)
        envs: tuple[str, ...] = (MASTER_CLUSTER, MASTER_METAS)
        if from_2_6:
            envs += ("duplication.master_app_name", "duplication.follower_app_status")
        return cls(
            version=version,
            generation="2.6" if from_2_6 else "2.5" if from_2_5 else "2.4",
            has_rename_app=from_2_5,
            remote_app_name=from_2_6,
            remote_replica_count=from_2_6,
            atomic_idempotent=from_2_6,
            metrics="metrics" if from_2_6 else "perf_counters",
            config_sync_interval_mutable=from_2_5,
            holds_back_last_mutation=not from_2_6,
            resting_not_confirmed=0 if from_2_6 else 1,
            target_create_idempotent=from_2_6,
            single_replica_target_stuck=not from_2_6,
            slow_empty_checkpoint=not from_2_6,
            master_metas_must_resolve=from_2_6,
            duplication_envs=envs,
        )
