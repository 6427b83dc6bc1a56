# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The FE's rpc port as the sync tool uses it: table metadata of the source, startTableReplication on the target.

The real port speaks thrift, whose IDL the facts do not have; the lab speaks JSON over HTTP with the same fields. Like
the real one it asks nobody for a password (facts 6).
"""

from __future__ import annotations

import typing as t

from lab.gate import Incoming, InjectedError
from lab.http_server import HttpRequest, HttpResponse, HttpServer
from lab.starrocks import table_text
from lab.starrocks.engine import Engine
from lab.starrocks.errors import SqlError
from lab.starrocks.replication_rules import Refused
from lab.starrocks.schema_tables import properties
from lab.starrocks.state import SYSTEM_DATABASES
from lab.starrocks.state_tables import NATIVE, Database, Table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.frontend import FrontendServer

START = "/startTableReplication"


class Rpc:
    """One cluster's rpc ports; ``source_shared_data`` tells of the other cluster."""

    def __init__(self, front: Front, engine: Engine, source_shared_data: bool) -> None:
        self._front = front
        self._engine = engine
        self._source_shared_data = source_shared_data
        self._calls: dict[str, t.Callable[[t.Mapping[str, t.Any]], t.Any]] = {
            "/getDatabases": self._databases,
            "/getTableMeta": self._table_meta,
        }
        if front.profile.replication_target:
            self._calls[START] = self._start

    def attach(self) -> None:
        """Let every frontend's rpc port answer; before they listen."""
        for server in self._front.frontends:
            server.rpc = HttpServer(self._handler(server))

    def _handler(self, server: FrontendServer) -> t.Callable[[HttpRequest], t.Awaitable[HttpResponse]]:
        async def handle(request: HttpRequest) -> HttpResponse:
            text = "%s %s" % (request.path.lstrip("/"), request.body.decode("utf-8", "replace")[:400])
            surface = "%s-rpc" % self._front.key
            incoming = Incoming(surface, text, request.path == START, request.gone, server.address, "tool")
            try:
                return await self._front.gate.run(incoming, lambda: self._answer(request))
            except InjectedError as injected:
                return HttpResponse(200, {"status": "ERROR", "error": str(injected)})

        return handle

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        call = self._calls.get(request.path)
        if call is None:
            return HttpResponse(404, {"status": "ERROR", "error": "Invalid method name: '%s'" % request.path[1:]})
        try:
            return HttpResponse(200, {"status": "OK", "result": call(request.json())})
        except (Refused, SqlError) as problem:
            return HttpResponse(200, {"status": "ERROR", "error": str(problem)})

    # --- calls ---

    def _databases(self, _request: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Databases with the names of their tables and views."""
        return {
            database.name: {
                "id": database.id,
                "tables": list(database.tables),
                "views": {view.name: view.definition for view in database.views.values()},
                "materialized_views": {
                    view.name: view.definition
                    for view in database.materialized_views.values()
                    if view.refresh_type != "ROLLUP"
                },
            }
            for database in self._front.cluster.databases.values()
            if database.name not in SYSTEM_DATABASES
        }

    def _table_meta(self, request: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
        """request: {"database": name, "tables": [names]}; tables that are gone are left out."""
        database = self._front.cluster.databases.get(str(request["database"]))
        if database is None:
            return []
        return [self._meta(database, database.tables[n]) for n in request["tables"] if n in database.tables]

    def _meta(self, database: Database, table: Table) -> dict[str, t.Any]:
        known = self._front.profile.data_versions
        return {
            "database_id": database.id,
            "table_id": table.id,
            "database": database.name,
            "table": table.name,
            "native": table.engine == NATIVE,
            "auto_increment": any(column.auto_increment for column in table.columns),
            "schema": [table_text.column_text(c) for c in table.columns] + [table.model, *table.keys],
            "partition_column": table.partition_column,
            "create": table_text.create_table(table, properties(self._front, table)),
            "indexes": {index.name: [index.kind, *index.columns] for index in table.indexes},
            "storage_volume": table.storage_volume,
            "properties": table.properties,
            "bytes": table.bytes,
            "partitions": [
                {
                    "id": p.id,
                    "name": p.name,
                    "lower": p.lower,
                    "upper": p.upper,
                    "version": p.visible_version,
                    "data_version": p.data_version if known else 0,
                    "version_epoch": p.version_epoch if known else 0,
                    "bytes": p.bytes,
                    "buckets": p.buckets,
                }
                for p in table.partitions.values()
                if not p.shadow
            ],
        }

    def _start(self, request: t.Mapping[str, t.Any]) -> str:
        profile = self._front.profile
        if self._front.leader is None:
            raise Refused("forward to leader failed: no leader")
        if self._source_shared_data and not (profile.lake_source and profile.shared_data):
            raise Refused("replication from a shared-data cluster is not supported")
        return self._engine.replications.start_job(request)
