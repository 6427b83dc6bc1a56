# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""SQL over the frontend's HTTP API (``POST /v1/sql``); needs no driver."""

from __future__ import annotations

import base64
import json
import typing as t
from urllib.parse import quote, urlencode

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.http_wire import HttpEndpoint, Reply
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection

# src/common/error/src/status_code.rs
STATUS_NAMES: t.Mapping[int, str] = {
    1000: "Unknown",
    1001: "Unsupported",
    1002: "Unexpected",
    1003: "Internal",
    1004: "InvalidArguments",
    1005: "Cancelled",
    1006: "IllegalState",
    1007: "External",
    1008: "DeadlineExceeded",
    1009: "Suspended",
    2000: "InvalidSyntax",
    3000: "PlanQuery",
    3001: "EngineExecuteQuery",
    4000: "TableAlreadyExists",
    4001: "TableNotFound",
    4002: "TableColumnNotFound",
    4004: "DatabaseNotFound",
    4005: "RegionNotFound",
    4007: "RegionReadonly",
    4008: "RegionNotReady",
    4009: "RegionBusy",
    5000: "StorageUnavailable",
    6000: "RuntimeResourcesExhausted",
    6001: "RateLimited",
    7000: "UserNotFound",
    7002: "UserPasswordMismatch",
    7003: "AuthHeaderNotFound",
    7005: "AccessDenied",
    7006: "PermissionDenied",
}


class HttpSqlTransport:
    """One frontend over HTTP or HTTPS."""

    def __init__(self, connection: Connection) -> None:
        if connection.frontend is None:
            raise ValueError("no frontend")
        self._path = "/v1/sql?db=" + quote(connection.database, safe="")
        self._headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if connection.username is not None:
            pair = f"{connection.username}:{connection.password or ''}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        self._endpoint = HttpEndpoint(
            connection.frontend,
            connect_timeout=connection.connect_timeout,
            read_timeout=connection.read_timeout,
            context=connection.tls.context(),
        )

    @property
    def address(self) -> str:
        return str(self._endpoint.address)

    def query(self, sql: str, *, mutating: bool = False) -> Rows:
        body = urlencode({"sql": sql})
        reply = self._endpoint.request("POST", self._path, body=body, headers=self._headers, mutating=mutating)
        return decode_reply(reply)

    def close(self) -> None:
        self._endpoint.close()


def decode_reply(reply: Reply) -> Rows:
    """The result set of a ``/v1/sql`` answer; ServerError for an error, and for what GreptimeDB never says."""
    document = _json_object(reply.text)
    number = _code(reply, document)
    if number:
        text = str(document.get("error") or reply.text)
        raise ServerError(text, status=STATUS_NAMES.get(number, str(number)), http_status=reply.status)
    if reply.status != 200 or "output" not in document:
        text = str(document.get("error") or reply.text)[:500]
        raise ServerError(text, http_status=reply.status)
    for output in document["output"]:
        records = output.get("records") if isinstance(output, dict) else None
        if records is not None:
            columns = tuple(str(column["name"]) for column in records["schema"]["column_schemas"])
            return Rows(columns, tuple(tuple(row) for row in records["rows"]))
    return Rows((), ())


def _json_object(text: str) -> dict[str, t.Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _code(reply: Reply, document: t.Mapping[str, t.Any]) -> int:
    """The status code; 0 is success (0.6 and older say so in the body) or not told."""
    value = reply.headers.get("x-greptime-err-code") or document.get("code") or 0
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
