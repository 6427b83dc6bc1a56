# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Looking at one cluster for preflight: a fixed number of questions, whatever the number of its tables."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import inventory_tables as tables
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import compared_keys
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import read_config
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_read import Asker
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    SOURCE,
    TARGET,
    Answer,
    ClusterView,
    Health,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import like_literal

MASTER_KEY = "default_master_key"
_CONFIG = {
    SOURCE: ("catalog_trash_expire_second", MASTER_KEY),
    TARGET: ("max_running_txn_num_per_db", "replication_max_parallel_table_count", MASTER_KEY),
}
_ENCRYPTION = "enable_transparent_data_encryption"
_ENCRYPTED_NODES = f"SELECT BE_ID, VALUE FROM information_schema.be_configs WHERE NAME = '{_ENCRYPTION}'"  # noqa: S608
_CLOCK = "SELECT UNIX_TIMESTAMP()"
DATABASES = "SHOW PROC '/dbs'"


def look_at(cluster: Cluster, role: str, asker: Asker, clock: Clock, variables: bool) -> ClusterView:
    """One cluster. ``variables``: read the global variables too, and the configs that should be alike on both."""
    frontends = cluster.frontends()
    alive = [frontend for frontend in frontends if frontend.alive]
    good, failed = cluster.on_each(alive, lambda frontend: _ask_itself(cluster, frontend, clock))
    databases = asker.ask("databases", DATABASES)
    listed = asker.ask("tables", tables.TABLES)
    known = cluster.profile.tables_config and role == SOURCE
    natives = asker.ask("natives", tables.NATIVE) if known else None
    statistic = asker.ask("health", "SHOW PROC '/statistic'")
    shown = asker.ask("variables", "SHOW GLOBAL VARIABLES") if variables else None
    comparable = compared_keys(cluster.version) if variables else ()
    config = _config(asker, dict.fromkeys((*_CONFIG[role], *comparable)))
    counted = None if databases is None else tables.decode_databases(databases)
    seen = None if listed is None else tables.decode_tables(listed)
    return ClusterView(
        role=role,
        cluster_id=cluster.cluster_id,
        version=cluster.version,
        profile=cluster.profile,
        frontends=frontends,
        nodes=cluster.nodes(),
        given=tuple(str(address) for address in cluster.connection.frontends),
        reached_at={frontend.address: str(cluster.reach(frontend)) for frontend in alive},
        answers={frontend.address: answer for frontend, answer in good.items()},
        silent={frontend.address: error.message for frontend, error in failed.items()},
        config={**config, **_encryption(asker, cluster.profile)},
        databases=counted,
        tables=seen,
        natives=None if natives is None else tables.decode_natives(natives),
        # Only needed to explain why not all tables are seen.
        temporary=_temporary(asker) if tables.hidden(counted or {}, seen or (), {}) else {},
        health=None if statistic is None else health_of(statistic),
        variables=None if shown is None else {str(row[0]): text(row[1]) for row in shown.rows},
        compared={key: config[key] for key in comparable if key in config} if variables else None,
        problems=asker.problems,
    )


def _ask_itself(cluster: Cluster, frontend: Frontend, clock: Clock) -> Answer:
    # The row must be its own, whatever stands between.
    port = _own(cluster, frontend, "query_port")
    loads = _own(cluster, frontend, "disable_load_job")
    seconds: t.Optional[float] = None
    begun = time.monotonic()
    try:
        told = cluster.query_on(frontend, _CLOCK, f"ask frontend {frontend.address} itself").single()
        # Halfway between question and answer is as near as one can say.
        seconds = float(str(told)) - clock.now().timestamp() + (time.monotonic() - begun) / 2
    except (MigrationError, ValueError):
        pass
    return Answer(
        query_port=int(port) if port is not None and port.isdigit() else None,
        seconds=seconds,
        loads_disabled=None if loads is None else loads.strip().lower() == "true",
    )


def _own(cluster: Cluster, frontend: Frontend, key: str) -> t.Optional[str]:
    """A config of this frontend. Each one tells its own memory only, and the user may not be allowed to ask."""
    try:
        row = read_config(cluster, frontend, key)
    except MigrationError as error:
        if error.code != "starrocks.access_denied":
            raise
        return None
    return None if row is None else row.value


def _config(asker: Asker, keys: t.Iterable[str]) -> t.Dict[str, str]:
    found: t.Dict[str, str] = {}
    for key in keys:
        rows = asker.ask("config", f"ADMIN SHOW FRONTEND CONFIG LIKE {like_literal(key)}")
        for row in rows.records() if rows is not None else ():
            if row.get("key") == key:
                # Whether there is a master key is all that anybody needs to know of it.
                found[key] = ("set" if text(row.get("value")) else "") if key == MASTER_KEY else text(row.get("value"))
    return found


def _encryption(asker: Asker, profile: Profile) -> t.Dict[str, str]:
    rows = asker.once(_ENCRYPTED_NODES, "the nodes")[0] if profile.update_be_configs else None
    on = any(str(row[1]).lower() == "true" for row in rows.rows) if rows is not None else False
    return {_ENCRYPTION: "true"} if on else {}


def _temporary(asker: Asker) -> t.Dict[str, int]:
    rows, _problem = asker.ask_kind(tables.TEMPORARY, "temporary tables")
    return {} if rows is None else tables.decode_temporary(rows)


def health_of(rows: Rows) -> Health:
    """Sums over the databases; the server adds a line of totals of its own, which has no number as its id."""

    def total(column: str) -> int:
        return sum(
            int(str(row.get(column) or 0))
            for row in rows.records()
            if str(row.get("dbid")).isdigit() and str(row.get(column) or 0).isdigit()
        )

    broken = total("errorstatetabletnum") + total("unrecoverabletabletnum")
    return Health(total("unhealthytabletnum"), total("inconsistenttabletnum"), broken)
