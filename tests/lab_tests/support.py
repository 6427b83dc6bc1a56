# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real clients for the lab's tests: PyMySQL, urllib."""

from __future__ import annotations

import json
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing

import pymysql

from lab.client import LabClient

FIRST = 1024 << 32
"""Region 0 of the first table; datanode 0 leads it, 1 the next, and so on."""

Rows = t.List[t.Tuple[t.Any, ...]]


def connect(lab: LabClient, **options: t.Any) -> pymysql.connections.Connection[pymysql.cursors.Cursor]:
    """A PyMySQL connection to the lab's frontend."""
    port = lab.describe["frontend"]["mysql_port"]
    values: dict[str, t.Any] = {"user": "someone", "password": "", "database": "public", "read_timeout": 20}
    return pymysql.connect(host="127.0.0.1", port=port, **{**values, **options})


def ask(lab: LabClient, sql: str, **options: t.Any) -> Rows:
    """The rows of one statement, over a connection of its own."""
    with closing(connect(lab, **options)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def columns(lab: LabClient, sql: str) -> list[str]:
    """The column names of one statement's result."""
    with closing(connect(lab)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return [column[0] for column in cursor.description or ()]


def refused(lab: LabClient, sql: str, **options: t.Any) -> tuple[int, str]:
    """(errno, message) of a statement that the server answers with an error."""
    try:
        rows = ask(lab, sql, **options)
    except pymysql.MySQLError as error:
        return int(error.args[0]), str(error.args[1])
    raise AssertionError("expected an error, got %r" % rows)


def http(url: str, method: str = "GET", data: bytes | None = None, headers: t.Any = None) -> tuple[int, str]:
    """(status, body) of one HTTP request."""
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def http_sql(lab: LabClient, sql: str, headers: t.Any = None) -> tuple[int, t.Any]:
    """(status, JSON) of one statement over the HTTP SQL API."""
    url = "http://127.0.0.1:%d/v1/sql?db=public" % lab.describe["frontend"]["http_port"]
    status, body = http(url, "POST", urllib.parse.urlencode({"sql": sql}).encode(), headers)
    return status, json.loads(body)


def meta(lab: LabClient, path: str, method: str = "GET", port: str = "grpc", number: int = 0) -> tuple[int, str]:
    """(status, body) of a request to a metasrv's gRPC or HTTP port."""
    return http("http://%s%s" % (lab.describe["metasrv"][number][port], path), method)


def migrate(lab: LabClient, region: int, source: int, target: int, timeout: int | None = 60) -> t.Any:
    """Submit a migration in the form that the lab's version has; returns the pid or None."""
    args = "%d, %d, %d%s" % (region, source, target, "" if timeout is None else ", %d" % timeout)
    version = [int(x) for x in lab.describe["version"].split("-")[0].split(".")]
    return ask(lab, "%s migrate_region(%s)" % ("ADMIN" if version >= [0, 9, 3] else "SELECT", args))[0][0]


def state(lab: LabClient, pid: str) -> dict[str, t.Any]:
    """procedure_state of a pid, in the form that the lab's version has; waits until the pid exists."""
    version = [int(x) for x in lab.describe["version"].split("-")[0].split(".")]
    statement = "%s procedure_state('%s')" % ("ADMIN" if version >= [0, 9, 3] else "SELECT", pid)
    end = time.monotonic() + 5
    while True:
        try:
            return t.cast("dict[str, t.Any]", json.loads(ask(lab, statement)[0][0]))
        except pymysql.MySQLError as error:
            if "Procedure not found" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.005)


def wait_end(lab: LabClient, pid: str, seconds: float = 20.0) -> dict[str, t.Any]:
    """The state of a procedure once it has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = state(lab, pid)
        if found["status"] in ("Done", "Failed"):
            return found
        time.sleep(0.03)
    raise AssertionError("%s has not ended: %r" % (pid, found))
