# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Questions to one cluster, the same over all generations. Nothing here changes anything."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address, parse_address
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import (
    ConnectionLost,
    Rows,
    ServerError,
    SqlTransport,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import decode, statements
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import http_generation as http_gen
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.admin_http import AdminHttp
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.channel import Channel
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import HTTP
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    Event,
    Leadership,
    Node,
    NodeConfig,
    Placement,
    Procedure,
    Region,
    RegionInfo,
    RegionStatistics,
    Table,
    table_id_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.node_config import node_config
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import METASRV_PORT, Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.placing import build_regions, matches

_CONFIG_THREADS = 16


class ClusterReader(Channel):
    """Reads a cluster; every method is safe to repeat."""

    def __init__(
        self,
        connection: Connection,
        redactor: Redactor,
        clock: Clock,
        *,
        transport: SqlTransport | None = None,
        admin: AdminHttp | None = None,
    ) -> None:
        super().__init__(connection, redactor, clock, transport=transport, admin=admin)
        self._table_names: dict[int, str] = {}
        self._tables_have_options = True

    def nodes(self) -> list[Node]:
        """All nodes with their liveness. Before 0.8.0 only datanodes, and it takes up to 5 s of watching heartbeats."""
        if self.dialect.has_cluster_info:
            return self._fetch(statements.cluster_query(self.dialect), "list the nodes of the cluster", decode.nodes)
        return http_gen.watched_nodes(
            lambda: self._ask("read the leases of the datanodes", lambda: self._admin.leases(self.dialect)), self._clock
        )

    def query(self, sql: str) -> Rows:
        """The answer to a statement that only reads, as given."""
        return self._read(sql, "run the given query")

    def tables(self) -> list[Table]:
        """All tables with their ids, logical ones resolved to their physical table."""
        dialect = self.dialect
        if self._transport is None:
            return self._ask(
                "list the tables",
                lambda: http_gen.tables_of_schema(self._admin, dialect, self.connection.schema),
            )
        with_regions: t.Collection[int] = ()
        try:
            rows = self._read(statements.tables_query(self._tables_have_options), "list the tables")
        except MigrationError as error:
            if not self._tables_have_options or error.code not in ("greptimedb.other", "greptimedb.bad_args"):
                raise
            self._tables_have_options = False  # an old server without that column
            rows = self._read(statements.tables_query(False), "list the tables")
        if not self._tables_have_options:
            with_regions = {table_id_of(region_id) for region_id in self._metric_placements(rows)}
        found = decode.tables(rows, with_regions)
        self._table_names.update({table.table_id: table.name for table in found})
        return found

    def _metric_placements(self, rows: Rows) -> dict[int, Placement]:
        """Placement of metric-engine tables: the logical ones have none of their own."""
        if self.dialect.region_peers_table is not None:
            return self._all_placements((), ())
        return self._routes({int(row["table_id"]) for row in rows.records() if row["engine"] == "metric"})

    def regions(
        self,
        tables: t.Sequence[str] | None = None,
        region_ids: t.Collection[int] | None = None,
        catalog: t.Sequence[Table] | None = None,
    ) -> list[Region]:
        """Regions with table, placement and size, ordered by id; a fixed number of queries however many there are.

        :param tables: only these (``table`` or ``schema.table``); a logical one brings its physical table along
        :param region_ids: only these
        :param catalog: what ``tables`` gave, if it was asked just now
        """
        dialect = self.dialect
        if catalog is None:
            catalog = self.tables()
        chosen = [table for table in catalog if matches(table, tables, self.connection.schema)]
        hosts = {table.physical_table for table in chosen if table.logical}
        chosen.extend(table for table in catalog if table.qualified in hosts and table not in chosen)
        if dialect.region_peers_table is None:
            ids = {table.table_id for table in chosen if table.schema != "information_schema"}
            if tables is None:
                ids |= {table_id_of(region_id) for region_id in region_ids or ()}
            places = self._routes(ids)
        else:
            names = {table.name for table in chosen} if tables is not None else set()
            places = self._all_placements(names, region_ids or ())
        statistics = self.statistics() if dialect.has_region_statistics else {}
        partitions: dict[int, str] = {}
        if dialect.region_peers_table is not None:
            partitions = self._fetch(statements.partitions_query(), "list the partitions", decode.partitions)
        wanted = None if tables is None else {table.table_id for table in chosen}
        found = build_regions(places, catalog, statistics, partitions)
        return [
            region
            for region in found
            if (wanted is None or region.table_id in wanted) and (region_ids is None or region.region_id in region_ids)
        ]

    def placements(self, region_ids: t.Collection[int]) -> dict[int, Placement]:
        """Where the given regions are; those that do not exist are absent. One query, for the poll loop."""
        if not region_ids:
            return {}
        wanted = set(region_ids)
        table_ids = {table_id_of(region_id) for region_id in wanted}
        if self.dialect.region_peers_table is None:
            found = self._routes(table_ids)
        else:
            known = all(table_id in self._table_names for table_id in table_ids)
            names = {self._table_names[table_id] for table_id in table_ids} if known else set()
            found = self._all_placements(names, wanted)
            if names and not wanted <= set(found):
                # A table may have been renamed since its name was read: absence is only believed without a condition.
                self._table_names.clear()
                found = self._all_placements((), wanted)
        return {region_id: found[region_id] for region_id in sorted(wanted) if region_id in found}

    def _all_placements(self, table_names: t.Collection[str], region_ids: t.Collection[int]) -> dict[int, Placement]:
        query = statements.peers_query(self.dialect, table_names=table_names, region_ids=region_ids)
        return self._fetch(query, "read where the regions are", decode.placements)

    def _routes(self, table_ids: t.Collection[int]) -> dict[int, Placement]:
        return self._ask(
            "read the routes of the tables",
            lambda: http_gen.placements_of_tables(self._admin, self.dialect, table_ids),
        )

    def statistics(self) -> dict[int, RegionStatistics]:
        """Sizes by region (0.9.4 and newer, else empty); a few seconds old."""
        if not self.dialect.has_region_statistics:
            return {}
        return self._fetch(
            statements.statistics_query(self.dialect), "read the sizes of the regions", decode.statistics
        )

    def procedures(self, active_only: bool = False, all_types: bool = False) -> list[Procedure] | None:
        """Region migrations (or procedures of all types); None before 0.9.4, where the server cannot tell."""
        if not self.dialect.has_procedure_info:
            return None
        found = self._fetch(statements.procedures_query(active_only), "list the running procedures", decode.procedures)
        return [
            procedure
            for procedure in found
            if (all_types or procedure.is_region_migration) and (procedure.active or not active_only)
        ]

    def region_info(self, region_ids: t.Collection[int] | None = None) -> list[RegionInfo]:
        """What the datanodes say of their copies of regions (1.1.0 and newer, else empty); None asks for all."""
        if not self.dialect.has_region_info or (region_ids is not None and not region_ids):
            return []
        wanted = None if region_ids is None else set(region_ids)
        query = statements.region_info_query(wanted or ())
        found = self._fetch(query, "ask the datanodes for their regions", decode.region_infos)
        return [info for info in found if wanted is None or info.region_id in wanted]

    def events(self, region_id: int | None = None) -> list[Event]:
        """Recorded region migrations, oldest first. Best effort: empty before 0.16.0 and until the first one."""
        if not self.dialect.has_events:
            return []
        try:
            found = self._fetch(statements.events_query(region_id), "read the recorded migrations", decode.events)
        except MigrationError as error:
            if error.code == "greptimedb.unknown_database" or "not found" in (error.server_text or "").lower():
                return []  # the table comes into being with the first event
            raise
        return [event for event in found if region_id is None or event.region_id == region_id]

    def state(self, procedure_id: str) -> tuple[str, str]:
        """Status word and error of a procedure.

        :raises MigrationError: ``greptimedb.pid_unknown``: too early, never started, expired or forgotten
        """
        if self.dialect.state_form is None:
            raise MigrationError(
                "greptimedb.wrong_dialect", "This version has no procedure state; look at the placement instead."
            )
        request = statements.state_request(self.dialect, procedure_id)
        return decode.procedure_state(self._read(request, f"read the state of procedure {procedure_id}").single())

    def admin_right(self) -> str:
        """May the user run ADMIN: ``yes``, ``no``, ``unsupported`` or ``unknown``.

        Found out by asking for the state of a procedure that cannot exist, which changes nothing.
        """
        if self.dialect.state_form != "admin":
            return "unsupported"
        try:
            self.state(statements.NIL_PROCEDURE)
        except MigrationError as error:
            if error.code == "greptimedb.permission":
                return "no"
            return "yes" if error.code == "greptimedb.pid_unknown" else "unknown"
        return "yes"

    def leadership(self) -> Leadership | None:
        """Who leads the metasrv; None from 0.7 with a frontend on, where the frontend finds it."""
        if self.dialect.submit_form != HTTP:
            return None
        return self._ask("find the leader of the metasrv", self._admin.leadership)

    def maintenance(self) -> bool | None:
        """Whether maintenance mode is on; None before 0.7.2, where there is none, or for an answer without it."""
        return self._ask("read the maintenance mode", lambda: self._admin.maintenance(self.dialect))

    def manager_status(self) -> str:
        """``running``, ``paused``, ``unknown``, or ``unsupported`` before 0.15.5."""
        return self._ask("read the state of the procedure manager", lambda: self._admin.manager_status(self.dialect))

    def node_config(self, datanode_id: int) -> NodeConfig:
        """WAL and storage of one datanode; ``problem`` says why they are not known."""
        return self.node_configs([node for node in self.nodes() if node.id == datanode_id])[0]

    def node_configs(self, datanodes: t.Iterable[Node]) -> list[NodeConfig]:
        """WAL and storage of the given datanodes, asked at the same time."""
        nodes = [node for node in datanodes if node.kind == "datanode"]
        if not self.dialect.has_config_api:
            return [NodeConfig(node.id, problem="datanodes do not tell it before 0.7.0") for node in nodes]
        if not nodes:
            return []
        with concurrent.futures.ThreadPoolExecutor(max_workers=min(_CONFIG_THREADS, len(nodes))) as pool:
            return list(pool.map(self._config, nodes))

    def _config(self, node: Node) -> NodeConfig:
        self.queries += 1
        try:
            address = self.connection.datanode_http.get(node.id)
            if address is None:
                host = parse_address(node.addr, "datanode_http_addrs", METASRV_PORT).host
                address = Address(host, self.connection.datanode_http_port)
            return node_config(node.id, self._admin.config(address))
        except InvalidOption:
            return NodeConfig(node.id, problem=f"its address {node.addr!r} is not usable; set datanode_http_addrs")
        except (ConnectionLost, ServerError) as error:
            return NodeConfig(
                node.id, problem=f"/config at {address} did not answer ({error.text}); check datanode_http_addrs"
            )
