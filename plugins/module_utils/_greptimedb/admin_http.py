# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The HTTP sides of metasrv and datanodes: leader, routes, leases, maintenance mode, procedure manager, configuration.

None of them has a password or TLS. Reads go to the first metasrv that answers (all of them read the same store);
only a submission needs the leader.
"""

from __future__ import annotations

import json
import typing as t
from urllib.parse import urlencode

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address, parse_address
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.decode import bare_version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import Dialect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.http_wire import HttpEndpoint, Reply
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Leadership
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import METASRV_PORT, Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.statements import maintenance_request


class Lease(t.NamedTuple):
    """The last heartbeat of a datanode, by the metasrv's clock."""

    node_id: int
    addr: str
    timestamp_millis: int


class AdminHttp:
    """Admin requests to the metasrv of one cluster, and ``/config`` of its datanodes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._grpc = connection.metasrv
        self._http = connection.metasrv_http
        self._endpoints: dict[Address, HttpEndpoint] = {}

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The gRPC addresses of all metasrv that are known; empty if none is."""
        return self._grpc

    def discover(self, addresses: t.Iterable[str]) -> None:
        """Use the addresses that the cluster itself lists, unless some were given as options."""
        if self._grpc:
            return
        found = [parse_address(text, "metasrv_addrs", METASRV_PORT) for text in addresses if text]
        self._grpc = tuple(found)
        self._http = tuple(Address(address.host, self._connection.metasrv_http_port) for address in found)

    def close(self) -> None:
        for endpoint in self._endpoints.values():
            endpoint.close()
        self._endpoints.clear()

    def request(
        self,
        method: str,
        path: str,
        addresses: t.Sequence[Address],
        *,
        mutating: bool = False,
    ) -> Reply:
        """The answer of the first address that gives one. A mutating request that may have been seen is not repeated.

        :raises ServerError: an answer other than 200
        :raises ConnectionLost: no address answered
        """
        lost = ConnectionLost("no address of a metasrv is known", sent=False, address="metasrv", kind="unreachable")
        for address in addresses:
            try:
                reply = self._endpoint(address).request(method, path, mutating=mutating)
            except ConnectionLost as error:
                lost = error
                if mutating and error.sent:
                    break
                continue
            if reply.status != 200:
                raise ServerError(reply.text.strip() or f"HTTP status {reply.status}", http_status=reply.status)
            return reply
        raise lost

    def _endpoint(self, address: Address) -> HttpEndpoint:
        if address not in self._endpoints:
            self._endpoints[address] = HttpEndpoint(
                address,
                connect_timeout=self._connection.connect_timeout,
                read_timeout=self._connection.read_timeout,
            )
        return self._endpoints[address]

    def _ports(self, dialect: Dialect) -> tuple[Address, ...]:
        return self._http if dialect.admin_port == "http" else self._grpc

    def versions(self) -> list[Version]:
        """The version of every metasrv that answers ``/status`` on its HTTP port."""
        found: list[Version] = []
        lost: ConnectionLost | None = None
        for address in self._http:
            try:
                document = json.loads(self.request("GET", "/status", [address]).text)
            except ConnectionLost as error:
                lost = error
                continue
            except (ServerError, ValueError):
                continue
            version = bare_version(str(document.get("version", ""))) if isinstance(document, dict) else None
            if version is not None:
                found.append(version)
        if not found and lost is not None:
            raise lost
        return found

    def leadership(self) -> Leadership:
        """Whom the metasrv name as leader, and whether it can be asked from here. Only reads."""
        leader = self._named_leader(self._grpc)
        if leader is None:
            return Leadership(None, False, False)
        try:
            # Something else may listen there: behind port forwards a leader's own address may be anybody's here.
            reached = self._named_leader([leader]) == leader
        except ConnectionLost:
            reached = False
        return Leadership(leader, leader in self._grpc, reached)

    def submission_addresses(self) -> list[Address]:
        """Where a submission is tried in turn: one that does not lead refuses it before it starts anything.

        The leader under its own name is the last if it is none of ours: behind a port forward, or inside Kubernetes, it
        has another address for us than for itself.
        """
        leader = self._named_leader(self._grpc)
        if leader is None:
            return list(self._grpc)
        if leader in self._grpc:
            return [leader, *(address for address in self._grpc if address != leader)]
        return [*self._grpc, leader]

    def _named_leader(self, addresses: t.Sequence[Address]) -> Address | None:
        """The leader as the metasrv name it; None during an election, which is answered with an error.

        A metasrv with a memory store has no election: it is the only one, and leads.
        """
        try:
            text = self.request("GET", "/admin/leader", addresses).text.strip().strip('"')
        except ServerError:
            return None
        if "election info is None" in text:
            return self._grpc[0] if len(self._grpc) == 1 else None
        if ":" not in text:
            return None
        return parse_address(text, "metasrv_addrs", METASRV_PORT)

    def submit(self, path: str, address: Address) -> str | None:
        """The procedure id that a submission gives; None when the region is already there."""
        reply = self.request("POST", path, [address], mutating=True)
        try:
            document = json.loads(reply.text)
        except ValueError:
            document = None
        if not isinstance(document, dict) or "procedure_id" not in document:
            raise ServerError(reply.text.strip(), http_status=500)
        return None if document["procedure_id"] is None else str(document["procedure_id"])

    def route(self, dialect: Dialect, **query: t.Any) -> dict[str, t.Any] | None:
        """A table's route by ``table_id``, ``region_id`` or ``catalog, schema, table``; None if there is none."""
        try:
            text = self.request("GET", "/admin/route?" + urlencode(query), self._grpc).text
        except ServerError as error:
            if "not found" in error.text.lower() or "failed to find" in error.text.lower():
                return None
            raise
        document = json.loads(text)
        if isinstance(document, str):  # up to 0.6 the document is wrapped in a JSON string
            document = json.loads(document)
        return document if isinstance(document, dict) else None

    def table_names(self, catalog: str, schema: str) -> list[str]:
        """Names of the tables of a schema (up to 0.7.2), for clusters of which no frontend is given."""
        query = urlencode({"catalog": catalog, "schema": schema})
        text = self.request("GET", "/admin/tables?" + query, self._grpc).text
        try:
            document = json.loads(text)
        except ValueError:
            document = text.split()
        if isinstance(document, str):
            document = json.loads(document)
        return [str(name).rsplit(".", 1)[-1] for name in document] if isinstance(document, list) else []

    def leases(self, dialect: Dialect) -> list[Lease]:
        """The last heartbeat of every datanode."""
        path = "/admin/node-lease" + ("?cluster_id=0" if dialect.lease_needs_cluster_id else "")
        document = json.loads(self.request("GET", path, self._grpc).text)
        return [
            Lease(
                int(item["name"]["node_id"]),
                str(item["lease"].get("node_addr", "")),
                int(item["lease"]["timestamp_millis"]),
            )
            for item in document
        ]

    def maintenance(self, dialect: Dialect) -> bool | None:
        """Whether maintenance mode is on; None where it does not exist. Never a request that could change it."""
        if dialect.maintenance_form is None:
            return None
        path = "/admin/maintenance/status" if dialect.maintenance_form == "post_path" else "/admin/maintenance"
        return _maintenance_answer(self.request("GET", path, self._ports(dialect)).text)

    def set_maintenance(self, dialect: Dialect, enabled: bool) -> None:
        """Send the one request that sets it."""
        method, path = maintenance_request(dialect, enabled).split(" ", 1)
        self.request(method, path, self._ports(dialect), mutating=True)

    def manager_status(self, dialect: Dialect) -> str:
        """``running`` or ``paused``; ``unsupported`` before 0.15.5."""
        if not dialect.has_manager_api:
            return "unsupported"
        document = json.loads(self.request("GET", "/admin/procedure-manager/status", self._ports(dialect)).text)
        status = document.get("status") if isinstance(document, dict) else None
        return str(status) if status in ("running", "paused") else "unknown"

    def config(self, address: Address) -> str:
        """The configuration of one node as TOML. Uses a connection of its own, so threads may call it."""
        endpoint = HttpEndpoint(
            address,
            connect_timeout=self._connection.connect_timeout,
            read_timeout=self._connection.read_timeout,
        )
        try:
            reply = endpoint.request("GET", "/config")
        finally:
            endpoint.close()
        if reply.status != 200:
            raise ServerError(reply.text[:200], http_status=reply.status)
        return reply.text


def _maintenance_answer(text: str) -> bool | None:
    """``{"enabled":true}`` from 0.15.0 on, ``Maintenance mode is enabled`` before."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        value = document.get("enabled")
        return value if isinstance(value, bool) else None
    lower = text.lower()
    if "disabled" in lower:
        return False
    return True if "enabled" in lower else None
