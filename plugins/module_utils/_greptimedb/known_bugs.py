# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Bugs of GreptimeDB that matter to region migration, as data. The version is the metasrv's."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.known_bugs import KnownBug
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import VersionRange

_ISSUES = "https://github.com/GreptimeTeam/greptimedb/issues/"
_PULLS = "https://github.com/GreptimeTeam/greptimedb/pull/"

LOCAL_WAL = "local_wal"
METRIC_ENGINE = "metric_engine"
SHARED_TABLE = "shared_table"
"""More than one region of a table is to be moved."""
EMPTIED_NODE = "emptied_node"
"""A datanode has no region left after the moves."""


def _bug(name: str, feature: str, versions: str, severity: str, title: str, remedy: str, reference: str) -> KnownBug:
    return KnownBug("greptimedb.bug." + name, feature, VersionRange(versions), severity, title, remedy, reference)


KNOWN_BUGS: t.Sequence[KnownBug] = (
    _bug(
        "discontinuous_log",
        LOCAL_WAL,
        ">=0.9.4,<0.10.0",
        "warning",
        "After a migration with a local WAL the target may refuse writes (Attempt to append discontinuous log entry).",
        "Upgrade to 0.10 or newer first, or keep the write rate low, and check after each move that the region takes "
        "writes.",
        _ISSUES + "4990",
    ),
    _bug(
        "metric_stale_manifest",
        METRIC_ENGINE,
        ">=0.7.0",
        "warning",
        "A metric-engine region can fail to migrate because its metadata region was opened with a stale manifest.",
        "The source goes on serving. Try the move again; if it keeps failing, use or restart another target.",
        _ISSUES + "6273",
    ),
    _bug(
        "duplicate_rows",
        METRIC_ENGINE,
        ">=0.7.0,<0.9.0",
        "info",
        "The table of region peers lists a physical region once for each logical table.",
        "Nothing to do: this collection counts each region once. Mind it in queries of your own.",
        _ISSUES + "4157",
    ),
    _bug(
        "duplicate_guard",
        "",
        "<0.9.0",
        "warning",
        "The server does not notice that a region is being migrated already, and would queue a second migration of it.",
        "Let nobody else migrate regions during the run, and keep the journal, so that no move is sent twice.",
        "src/meta-srv/src/procedure/region_migration/manager.rs",
    ),
    _bug(
        "predicate_loses_rows",
        "",
        ">=0.7.0,<1.0.0",
        "info",
        "Queries of region_peers with a condition on region_id, peer_id or is_leader silently lose rows.",
        "Nothing to do: this collection sends no such condition. Never trust such a query of your own.",
        "src/catalog/src/system_schema/information_schema/region_peers.rs",
    ),
    _bug(
        "route_race",
        SHARED_TABLE,
        "<0.11.1",
        "warning",
        "Migrations of one table that run at the same time can overwrite each other's change of the table's route.",
        "Keep the limit per_table at 1, which is the default for this version.",
        "src/meta-srv/src/procedure/region_migration.rs",
    ),
    _bug(
        "no_rollback",
        "",
        "<0.11.1",
        "warning",
        "A migration whose retries are exhausted can leave the region degraded: its writes are refused.",
        "Watch the run to its end. A region that is left degraded serves again after it is migrated once more.",
        "src/meta-srv/src/procedure/region_migration.rs",
    ),
    _bug(
        "id_without_procedure",
        "",
        ">=0.5.1",
        "info",
        "The server hands out procedure ids before it starts the procedures, and keeps silent if it never does.",
        "Nothing to do: this collection believes the placement only, and asks again for what never started.",
        _PULLS + "9163",
    ),
    _bug(
        "leader_state",
        "",
        "<1.0.0",
        "info",
        "Faults in locking and in the leader state of the metasrv can disturb migrations during a metasrv failover.",
        "Keep the metasrv running during the migration; a run that was disturbed is continued by running it again.",
        _PULLS + "7199",
    ),
    _bug(
        "routes_to_removed_node",
        EMPTIED_NODE,
        ">=0.5.1",
        "info",
        "Removing a datanode that still holds regions leaves routes that point to nowhere; nothing moves them.",
        "Remove the datanode only after the proof that it holds nothing (greptimedb_region_proof).",
        _ISSUES + "6053",
    ),
)
