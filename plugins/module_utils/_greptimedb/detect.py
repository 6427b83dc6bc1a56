# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Finding out, once, which versions run and that they are what we can work with."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import decode
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.admin_http import AdminHttp
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import HTTP, OLDEST, Dialect
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import PASSING, connection_error
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Node, Versions
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.statements import select

_CLUSTER_INFO_SINCE = Version(0, 8, 0)
_BUILD_INFO = select(("pkg_version",), "information_schema.build_info")
_CLUSTER_INFO = select(
    ("peer_id", "peer_type", "peer_addr", "version", "active_time"), "information_schema.cluster_info"
)

Read = t.Callable[[str, str], Rows]
"""Sends a read-only statement; the second argument says what for."""


@dataclasses.dataclass(frozen=True)
class Detected:
    """What the first look gave."""

    dialect: Dialect
    versions: Versions


def detect(connection: Connection, read: Read | None, admin: AdminHttp) -> Detected:
    """Look at the frontend, then at the metasrv.

    :param read: None when no frontend is given
    :raises MigrationError: ``greptimedb.not_greptimedb``, ``.version_too_old``, ``.standalone``, ...
    """
    frontend: Version | None = None
    others: dict[str, set[Version]] = {}
    metasrv: Version | None = None
    if read is not None:
        frontend = frontend_version(read, connection)
        others.setdefault("frontend", set()).add(frontend)
        if frontend < OLDEST:
            Dialect.choose(frontend, None)  # says so
        if frontend >= _CLUSTER_INFO_SINCE:
            metasrv = _from_cluster_info(read, admin, others)
    if metasrv is None and admin.addresses:
        found = _metasrv_versions(admin)
        others.setdefault("metasrv", set()).update(found)
        metasrv = min(found, default=None)
    if frontend is None and metasrv is None:
        raise MigrationError(
            "greptimedb.not_greptimedb",
            f"No metasrv at {', '.join(str(address) for address in admin.addresses)} tells its version on its HTTP "
            "port; check metasrv_addrs and metasrv_http_addrs.",
        )
    dialect = Dialect.choose(frontend, metasrv, min(others.get("datanode", ()), default=None))
    if frontend is None and dialect.submit_form != HTTP:
        raise InvalidOption(
            "frontend_host",
            f"the cluster runs GreptimeDB {metasrv}, whose regions are moved by SQL",
            "Set frontend_host (or GREPTIMEDB_HOST) to one of its frontends",
        )
    if dialect.submit_form == HTTP and not admin.addresses:
        raise InvalidOption(
            "metasrv_addrs",
            f"the frontend runs GreptimeDB {frontend}, whose migrations are asked of the metasrv",
            "Set metasrv_addrs (or GREPTIMEDB_METASRV) to all metasrv, such as metasrv-0.example.com:3002",
        )
    return Detected(
        dialect,
        Versions(frontend, metasrv, {kind: tuple(sorted(seen)) for kind, seen in sorted(others.items()) if seen}),
    )


def frontend_version(read: Read, connection: Connection) -> Version:
    """The version of the server that answers SQL.

    ``version()`` begins with a MySQL version and then names GreptimeDB; over HTTP it is bare from 0.9.4 on. Both the
    prefix and the name can be configured away, and then ``build_info`` still tells.
    """
    try:
        text = str(read("SELECT version()", "read the version of the server").single() or "")
    except MigrationError as error:
        # GreptimeDB has a status code for everything, so an answer without one is somebody else's.
        if error.code == "greptimedb.other" and connection.transport == "http" and "status" not in error.details:
            raise _not_greptimedb(connection, error.server_text or "") from error
        raise
    version = decode.product_version(text)
    if version is None and connection.transport == "http":
        version = decode.bare_version(text)
    if version is not None:
        return version
    try:
        version = decode.bare_version(str(read(_BUILD_INFO, "read the version of the server").single() or ""))
    except MigrationError as error:
        if error.code in PASSING:
            raise
    if version is None:
        raise _not_greptimedb(connection, text)
    return version


def _not_greptimedb(connection: Connection, text: str) -> MigrationError:
    return MigrationError(
        "greptimedb.not_greptimedb",
        f"The server at {connection.frontend} is not GreptimeDB (it answers {text[:60]!r}); check frontend_host, "
        "frontend_port and transport.",
        server_text=text,
    )


def _from_cluster_info(read: Read, admin: AdminHttp, others: dict[str, set[Version]]) -> Version | None:
    try:
        nodes = decode.nodes(read(_CLUSTER_INFO, "list the nodes of the cluster"))
    except MigrationError as error:
        if error.code in ("greptimedb.unreachable", "greptimedb.permission"):
            raise
        return None  # a metasrv older than the frontend cannot answer it
    except (KeyError, TypeError, ValueError):
        return None
    refuse_standalone(nodes)
    for node in nodes:
        if node.version is not None:
            others.setdefault(node.kind, set()).add(node.version)
    admin.discover(node.addr for node in nodes if node.kind == "metasrv")
    return min(others.get("metasrv", ()), default=None)


def refuse_standalone(nodes: t.Iterable[Node]) -> None:
    """A standalone server has no regions that could be moved."""
    if any(node.kind == "standalone" for node in nodes):
        raise MigrationError(
            "greptimedb.standalone",
            "This is a standalone GreptimeDB, which has no datanodes to move regions between; set frontend_host to a "
            "frontend of a cluster.",
        )


def _metasrv_versions(admin: AdminHttp) -> list[Version]:
    try:
        return admin.versions()
    except ConnectionLost as error:
        raise connection_error(
            error, "read the version of the metasrv", mutating=False, option="metasrv_http_addrs"
        ) from error
