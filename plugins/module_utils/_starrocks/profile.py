# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Every difference between server versions, chosen once. The bounds were read at the release tags of each branch."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import (
    Setting,
    frontend_settings,
    variable_defaults,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import since

SHARED_NOTHING = "shared_nothing"
SHARED_DATA = "shared_data"
OLDEST = Version(2, 5, 0)
REPLICATION_TARGET = ("3.1.9", "3.2.4", "3.3.0")
"""The first patch releases that can be the target of the sync tool (5.6 of the facts)."""
LAKE_REPLICATION_TARGET = "4.1.0"
"""The same for a source with shared data."""
DATA_VERSIONS = ("3.3.2", "3.4.0")
"""The first releases that tell the data versions of partitions (4.4 of the facts)."""

OBJECTS_SINCE: t.Mapping[str, t.Tuple[str, ...]] = {
    "global_function": ("3.0.0",),
    "pipe": ("3.2.0",),
    "warehouse": ("3.3.0",),
    "dictionary": ("3.3.0",),
    "temporary_table": ("3.3.1", "3.4.0"),
    "baseline": ("3.5.0",),
    "security_integration": ("3.5.0",),
    "group_provider": ("3.5.0",),
}
"""The first releases with a kind of object; what is not here is as old as the oldest version (9 of the facts)."""


def require_supported(version: Version) -> None:
    """:raises MigrationError: ``starrocks.version_too_old``"""
    if not since(version, f"{OLDEST.major}.{OLDEST.minor}.{OLDEST.patch}"):
        raise MigrationError(
            "starrocks.version_too_old",
            f"StarRocks {version} is too old; this collection works with {OLDEST.major}.{OLDEST.minor} and newer. "
            "Upgrade the cluster first.",
            details={"version": str(version)},
        )


def has_objects(version: Version, kind: str) -> bool:
    """The same as ``Profile.has_objects``, for a version that may be too old for a profile."""
    return since(version, *OBJECTS_SINCE.get(kind, (str(OLDEST),)))


@dataclasses.dataclass(frozen=True)
class Profile:
    """How a cluster of this version and run mode behaves, in what matters to a migration.

    ``set_runs_on``: which FE carries a setting out, ``connected`` (up to 3.4, then pushed by it to the others) or
    ``leader`` (from 3.5, forwarded to it; qe/RedirectStatus of AdminSetConfigStmt).
    ``routine_load_jobs``: information_schema.routine_load_jobs; before, SHOW ROUTINE LOAD tells, database by database.
    ``show_users``: SHOW USERS; before, SHOW ALL AUTHENTICATION. ``optimize_jobs``: ALTER TABLE can change buckets, and
    SHOW ALTER TABLE OPTIMIZE tells.
    ``partitions_meta*``: information_schema.partitions_meta and its columns (4.4 of the facts).
    ``policies``: rows can be filtered and columns masked, by policies of Apache Ranger, which no statement lists.
    ``commits_write_data_version``: a replication commit gives the target partition the source's data version.
    """

    version: Version
    run_mode: str
    set_runs_on: str
    with_persistent: bool
    be_configs: bool
    update_be_configs: bool
    partitions_meta: bool
    partitions_meta_data_version: bool
    storage_volumes: bool
    volume_types: t.Tuple[str, ...]
    partitioned_prefix: bool
    tables_config: bool
    generation_expression: bool
    pipes: bool
    routine_load_jobs: bool
    show_users: bool
    optimize_jobs: bool
    policies: bool
    replications_proc: bool
    replication_target: bool
    lake_replication_target: bool
    commits_write_data_version: bool
    compaction_safe_in_docs: bool
    unused_column_filter_crashes: bool
    settings: t.Mapping[str, Setting] = dataclasses.field(repr=False)
    """The FE configs of this collection that this version knows, by key, with their defaults."""
    variables: t.Mapping[str, str] = dataclasses.field(repr=False)
    """The global variables of this collection by name, with their defaults where these are on record."""

    @property
    def shared_data(self) -> bool:
        """Whether the data is in object storage."""
        return self.run_mode == SHARED_DATA

    def has_objects(self, kind: str) -> bool:
        """Whether this version has objects of that kind (``inventory_objects``)."""
        return has_objects(self.version, kind)

    @classmethod
    def choose(cls, version: Version, run_mode: str) -> Profile:
        """The profile of a version and a run mode (``shared_nothing`` or ``shared_data``).

        :raises MigrationError: ``starrocks.version_too_old``
        """

        def has(*firsts: str) -> bool:
            return since(version, *firsts)

        require_supported(version)
        volumes = tuple(
            kind
            for kind, first in (("S3", "3.1.0"), ("HDFS", "3.1.0"), ("AZBLOB", "3.1.1"), ("ADLS2", "3.4.0"))
            if has(first)
        )
        return cls(
            version=version,
            run_mode=run_mode,
            set_runs_on="leader" if has("3.5.0") else "connected",
            with_persistent=has("3.5.0"),
            be_configs=has("3.0.0"),
            update_be_configs=has("3.1.0"),
            partitions_meta=has("3.1.9", "3.2.4", "3.3.0"),
            partitions_meta_data_version=has(*DATA_VERSIONS),
            storage_volumes=has("3.1.0"),
            volume_types=volumes + (("GS",) if has("4.0.0") else ()),
            partitioned_prefix=has("3.2.4", "3.3.0"),
            tables_config=has("3.0.0"),
            generation_expression=has("3.2.10", "3.3.3", "3.4.0"),
            pipes=has("3.2.0"),
            routine_load_jobs=has("3.1.0"),
            show_users=has("3.0.0"),
            optimize_jobs=has("3.2.0"),
            policies=has("3.1.9", "3.2.0"),
            replications_proc=has("3.1.16", "3.2.11", "3.3.4", "3.4.0"),
            replication_target=has(*REPLICATION_TARGET),
            lake_replication_target=has(LAKE_REPLICATION_TARGET),
            commits_write_data_version=has("3.3.10", "3.4.1", "3.5.0"),
            compaction_safe_in_docs=has("3.3.10", "3.4.1", "3.5.0"),
            unused_column_filter_crashes=not has("3.1.17", "3.2.15", "3.3.10", "3.4.0"),
            settings=frontend_settings(version),
            variables=variable_defaults(version),
        )
