# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The connection options, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address, parse_address
from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int, as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._core.tls import TLS_LEVELS, TlsSettings, read_tls

TRANSPORTS = ("mysql", "http")
DEFAULT_PORTS = {"mysql": 4002, "http": 4000}
METASRV_PORT = 3002


@dataclasses.dataclass(frozen=True)
class Connection:
    """How to reach one cluster. ``frontend`` None: only the metasrv is used (servers up to 0.7).

    ``metasrv`` empty: the addresses are taken from the cluster itself. ``metasrv_http[i]`` is the HTTP address of
    ``metasrv[i]``. Timeouts in seconds.
    """

    frontend: Address | None
    transport: str
    database: str
    username: str | None
    password: str | None = dataclasses.field(repr=False)
    tls: TlsSettings
    metasrv: tuple[Address, ...]
    metasrv_http: tuple[Address, ...]
    metasrv_http_port: int
    datanode_http_port: int
    datanode_http: t.Mapping[int, Address]
    connect_timeout: float
    read_timeout: float

    @property
    def schema(self) -> str:
        """The schema of ``database``, which may be written ``catalog-schema``."""
        return self.database.split("-", 1)[1] if "-" in self.database else self.database

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Connection:
        """The connection of a module's parameters.

        :raises InvalidOption: one option is wrong
        :raises InvalidInput: several are; all are told at once
        """
        return _Reader(params).connection()


def connection_argument_spec() -> ArgumentSpec:
    """The options that every module of this engine takes; ``doc_fragments/_greptimedb.py`` documents them."""

    def option(kind: str, env: str | None = None, **more: t.Any) -> dict[str, t.Any]:
        spec: dict[str, t.Any] = {"type": kind, **more}
        if env is not None:
            spec["fallback"] = (env_fallback, [env])
        return spec

    return ArgumentSpec(
        {
            "frontend_host": option("str", "GREPTIMEDB_HOST"),
            "frontend_port": option("int", "GREPTIMEDB_PORT"),
            "transport": option("str", "GREPTIMEDB_TRANSPORT", choices=list(TRANSPORTS), default="mysql"),
            "database": option("str", "GREPTIMEDB_DATABASE", default="public"),
            "username": option("str", "GREPTIMEDB_USER"),
            "password": option("str", "GREPTIMEDB_PASSWORD", no_log=True),
            "tls": option("str", "GREPTIMEDB_TLS", choices=list(TLS_LEVELS), default="disable"),
            "ca_cert": option("path", "GREPTIMEDB_CA_CERT"),
            "client_cert": option("path", "GREPTIMEDB_CLIENT_CERT"),
            "client_key": option("path", "GREPTIMEDB_CLIENT_KEY", no_log=False),
            "metasrv_addrs": option("raw", "GREPTIMEDB_METASRV"),
            "metasrv_http_addrs": option("raw", "GREPTIMEDB_METASRV_HTTP"),
            "metasrv_http_port": option("int", default=4000),
            "datanode_http_port": option("int", default=4000),
            "datanode_http_addrs": option("raw"),
            "connect_timeout": option("str", default="5s"),
            "read_timeout": option("str", default="30s"),
        }
    )


class _Reader:
    """Reads every option and remembers every problem."""

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self._params = params
        self._problems = OptionProblems()

    def _text(self, name: str) -> str | None:
        value = self._params.get(name)
        return None if value is None or str(value) == "" else str(value)

    def _port(self, name: str, default: int) -> int:
        value = self._params.get(name)
        return default if value is None else self._problems.attempt(lambda: as_int(value, name, 1, 65535), default)

    def _addresses(self, name: str, default_port: int | None) -> tuple[Address, ...]:
        none: list[t.Any] = []
        items = self._problems.attempt(lambda: as_list(self._params.get(name), name), none)
        return tuple(self._address(item, name, default_port) for item in items)

    def _address(self, value: t.Any, option: str, default_port: int | None) -> Address:
        return self._problems.attempt(lambda: parse_address(value, option, default_port), Address("", 0))

    def _seconds(self, name: str) -> float:
        value = self._params[name]
        return self._problems.attempt(lambda: parse_duration(value, name, maximum=3600), 1.0)

    def connection(self) -> Connection:
        transport = str(self._params["transport"])
        host = self._text("frontend_host")
        frontend = None
        if host is not None:
            port = self._port("frontend_port", DEFAULT_PORTS[transport])
            if ":" in host and not host.startswith("[") and host.count(":") == 1:
                self._problems.add("frontend_host", f"{host!r} holds a port", "Give the port in frontend_port")
            frontend = self._problems.attempt(lambda: parse_address(host, "frontend_host", port))
        metasrv = self._addresses("metasrv_addrs", METASRV_PORT)
        http_port = self._port("metasrv_http_port", 4000)
        metasrv_http = self._metasrv_http(metasrv, http_port)
        if host is None and not metasrv:
            self._problems.add(
                "frontend_host",
                "neither a frontend nor a metasrv is given",
                "Set frontend_host (or GREPTIMEDB_HOST), or metasrv_addrs for a cluster older than 0.8",
            )
        tls, wrong = read_tls(self._params)
        self._problems.found += wrong
        if transport == "http" and tls.level == "prefer":
            self._problems.add(
                "tls",
                "'prefer' does not exist for the http transport, which cannot ask a server whether it offers TLS",
                "Set tls to disable for http or to require, verify-ca or verify-full for https",
            )
        username, password = self._text("username"), self._text("password")
        if password is not None and username is None:
            self._problems.add("username", "a password is given without a user", "Set username (or GREPTIMEDB_USER)")
        result = Connection(
            frontend=frontend,
            transport=transport,
            database=self._text("database") or "public",
            username=username,
            password=password,
            tls=tls,
            metasrv=metasrv,
            metasrv_http=metasrv_http,
            metasrv_http_port=http_port,
            datanode_http_port=self._port("datanode_http_port", 4000),
            datanode_http=self._datanode_http(),
            connect_timeout=self._seconds("connect_timeout"),
            read_timeout=self._seconds("read_timeout"),
        )
        self._problems.raise_all()
        return result

    def _metasrv_http(self, metasrv: tuple[Address, ...], port: int) -> tuple[Address, ...]:
        given = self._addresses("metasrv_http_addrs", port)
        if not given:
            return tuple(Address(address.host, port) for address in metasrv)
        if len(given) != len(metasrv):
            self._problems.add(
                "metasrv_http_addrs",
                f"it holds {len(given)} addresses and metasrv_addrs {len(metasrv)}",
                "Give one HTTP address for each entry of metasrv_addrs, in the same order",
            )
        return given

    def _datanode_http(self) -> dict[int, Address]:
        name = "datanode_http_addrs"
        none: dict[str, t.Any] = {}
        found: dict[int, Address] = {}
        for key, value in self._problems.attempt(lambda: as_mapping(self._params.get(name), name), none).items():
            found[self._datanode_id(key, name)] = self._address(value, name, 4000)
        return found

    def _datanode_id(self, value: str, option: str) -> int:
        return self._problems.attempt(lambda: as_int(value, f"{option} (datanode id)", 0), -1)
