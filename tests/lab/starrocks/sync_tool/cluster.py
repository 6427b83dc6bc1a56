# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster as the tool reaches it: SQL through JDBC's counterpart, metadata and replication through the rpc port."""

from __future__ import annotations

import http.client
import json
import threading
import typing as t

import pymysql
import pymysql.cursors

from .settings import Hosts, Settings

CONNECT_TIMEOUT = 3.0
RPC_TIMEOUT = 60.0
"""Real seconds."""


class ClusterError(Exception):
    """A cluster refused or did not answer; the message is its text."""


class Cluster:
    """``side`` is "source" or "target". Everything goes to the configured FE first, then to those it lists."""

    def __init__(self, side: str, settings: Settings, hosts: Hosts) -> None:
        self.side = side
        self._settings = settings
        self._hosts = hosts
        self._host = settings.text("%s_fe_host" % side)
        self._port = settings.number("%s_fe_query_port" % side, 9030)
        self._password = settings.password(side)
        self._lock = threading.Lock()
        self._connection: t.Any = None
        self.frontends: list[dict[str, str]] = []

    def open(self) -> None:
        """Log in and learn the frontends; ClusterError when that fails."""
        self.frontends = self.query("SHOW FRONTENDS")

    def _addresses(self) -> list[tuple[str, int]]:
        found = [self._hosts.address(self.side, self._host, self._port)]
        for row in self.frontends:
            address = self._hosts.address(self.side, row["IP"], int(row["QueryPort"]))
            if row["Alive"] == "true" and address not in found:
                found.append(address)
        return found

    def _connect(self) -> t.Any:
        problem: Exception = ClusterError("no frontend")
        for host, port in self._addresses():
            try:
                return pymysql.connect(
                    host=host,
                    port=port,
                    user=self._settings.text("%s_cluster_user" % self.side, "root"),
                    password=self._password,
                    connect_timeout=max(1, self._settings.number("jdbc_connect_timeout_ms", 30000) // 1000),
                    read_timeout=self._settings.number("jdbc_socket_timeout_ms", 60000) / 1000,
                    cursorclass=pymysql.cursors.DictCursor,
                    autocommit=None,
                )
            except (pymysql.Error, OSError) as error:
                problem = error
                if isinstance(error, pymysql.OperationalError) and error.args and error.args[0] == 1045:
                    break
        raise ClusterError(str(problem.args[-1] if problem.args else problem))

    def query(self, sql: str) -> list[dict[str, str]]:
        """Rows by column name; ClusterError with the server's text. A broken connection is opened anew once."""
        with self._lock:
            for attempt in (1, 2):
                try:
                    if self._connection is None:
                        self._connection = self._connect()
                    with self._connection.cursor() as cursor:
                        cursor.execute(sql)
                        return list(cursor.fetchall())
                except (pymysql.Error, OSError) as error:
                    lost = not isinstance(error, pymysql.Error) or not error.args or error.args[0] in (0, 2006, 2013)
                    if lost:
                        self._connection = None
                    if not lost or attempt == 2:
                        raise ClusterError(str(error.args[-1] if error.args else error)) from None
        raise ClusterError("unreachable")

    def rpc(self, method: str, request: t.Mapping[str, t.Any]) -> t.Any:
        """A call of the leader's rpc port, or of another frontend's; ClusterError with the server's text."""
        rows = sorted(self.frontends, key=lambda row: row["Role"] != "LEADER")
        problem = "no frontend"
        for row in rows:
            if row["Alive"] != "true":
                continue
            host, port = self._hosts.address(self.side, row["IP"], int(row["RpcPort"]))
            try:
                return self._post(host, port, method, request)
            except OSError as error:
                problem = "%s:%d: %s" % (host, port, error)
        raise ClusterError(problem)

    def _post(self, host: str, port: int, method: str, request: t.Mapping[str, t.Any]) -> t.Any:
        connection = http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT)
        try:
            connection.connect()
            connection.sock.settimeout(RPC_TIMEOUT)
            connection.request("POST", "/" + method, json.dumps(request), {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(str(error)) from None
        finally:
            connection.close()
        if answer.get("status") != "OK":
            raise ClusterError(str(answer.get("error", "no answer")))
        return answer["result"]

    def backends(self) -> list[str]:
        """The mapped hosts of all backends and compute nodes."""
        rows = self.query("SHOW BACKENDS") + self.query("SHOW COMPUTE NODES")
        return [self._hosts.address(self.side, row["IP"], int(row["BePort"]))[0] for row in rows]
