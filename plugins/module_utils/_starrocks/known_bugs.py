# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Bugs of StarRocks that matter to a migration, as data: version range of the target x what is in use.

Where it is not on record which patch release brought a fix, the range is the whole branch and the title says when the
fix was merged: look it up in the release notes, and accept the finding by its id.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.known_bugs import KnownBug
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import VersionRange

_ISSUES = "https://github.com/StarRocks/starrocks/issues/"
_MANUAL = "https://docs.starrocks.io/docs/administration/data_migration_tool/"

NOTHING_TO_DATA = "nothing_to_data"
"""A shared-nothing source and a shared-data target."""
DATA_TO_DATA = "data_to_data"
PRIMARY_KEY_LAKE = "primary_key_lake"
"""A primary key table that comes to a shared-data target."""
GENERATED_LAKE = "generated_lake"
"""A generated column in a table that goes from shared-nothing to shared-data."""
CONTROL_CHARACTERS = "control_characters"
"""A control character in the default value of a column."""


def _bug(
    name: str, feature: str, versions: t.Sequence[str], severity: str, title: str, remedy: str, issue: int = 0
) -> KnownBug:
    reference = f"{_ISSUES}{issue}" if issue else _MANUAL
    return KnownBug("starrocks.bug." + name, feature, VersionRange(*versions), severity, title, remedy, reference)


BUGS: t.Sequence[KnownBug] = (
    _bug(
        "compaction_crash",
        NOTHING_TO_DATA,
        ("<3.3.10", ">=3.4.0-0,<3.4.1"),
        "warning",
        "BEs and CNs of the target can crash when compaction runs while data is replicated.",
        "Set lake_compaction_max_tasks to 0 on every frontend of the target before the sync tool is started, and let "
        "running compactions end.",
        45276,
    ),
    _bug(
        "publish_mismatched_version",
        NOTHING_TO_DATA,
        (">=3.3.8,<3.3.19", ">=3.4.0-0,<3.4.8", ">=3.5.0-0,<3.5.7"),
        "warning",
        "A replication transaction that is published together with a compaction fails for ever with 'mismatched "
        "version' (fix merged into 3.3, 3.4 and 3.5 on 2025-09-17).",
        "Set lake_compaction_max_tasks to 0 on the target although the manual does not ask for it, or upgrade.",
        62741,
    ),
    _bug(
        "unused_column_filter",
        "",
        ("<3.1.17", ">=3.2.0-0,<3.2.15", ">=3.3.0-0,<3.3.10"),
        "warning",
        "Queries on migrated data can crash BEs while enable_filter_unused_columns_in_scan_stage is on.",
        "SET GLOBAL enable_filter_unused_columns_in_scan_stage = false on the target, and put it back after an "
        "upgrade.",
    ),
    _bug(
        "stale_primary_index",
        PRIMARY_KEY_LAKE,
        ("<4.2.0-0",),
        "warning",
        "A primary key table with a cloud-native index can fail with 'unexpected segment id' when it is written "
        "after a "
        "full replication (fix merged in January 2026).",
        "Use a release of the target from February 2026 or later, or write to such tables in a test before the "
        "cutover.",
        67954,
    ),
    _bug(
        "generated_columns",
        GENERATED_LAKE,
        (">=3.0.0-0",),
        "warning",
        "A generated column that was added after the table was created loses its older values (open, seen on 3.5.8).",
        "Compare such columns on both sides after the sync, and rebuild those tables on the target if they differ.",
        66349,
    ),
    _bug(
        "bundled_metadata",
        DATA_TO_DATA,
        (">=4.1.0-0,<4.2.0-0",),
        "warning",
        "Tables arrive empty, and replication fails with 'shard does not exist', where the source bundles the metadata "
        "of its tablets, as it does by default for tables made from 4.0 on (fix merged in August 2026).",
        "Use a 4.1 release of the target from September 2026 or later, and watch that the first tables really arrive. "
        "Tables that were made with the property file_bundling = false are not affected.",
        77362,
    ),
    _bug(
        "reused_files",
        DATA_TO_DATA,
        (">=4.1.0-0,<4.2.0-0",),
        "warning",
        "Files that replication uses again can be removed by vacuum on the target (September 2026).",
        "Keep the target current, and do not lower lake_autovacuum_grace_period_minutes on either side before the end.",
        79359,
    ),
    _bug(
        "control_characters",
        CONTROL_CHARACTERS,
        ("<3.3.1",),
        "warning",
        "The sync tool cannot create a table with a control character in the default value of a column.",
        "Create these tables on the target by hand, or change the defaults first.",
        47861,
    ),
    _bug(
        "big_partitions",
        "",
        (">=3.1.0",),
        "info",
        "Replication of very big partitions has been seen to fail again and again (open).",
        "Watch failed jobs. Lower max_replication_data_size_per_job_in_gb, and limit the speed on the nodes "
        "(replication_max_speed_limit_kbps).",
        54897,
    ),
)
