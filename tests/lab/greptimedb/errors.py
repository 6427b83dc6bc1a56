# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GreptimeDB's status codes and how an error reaches a client (facts 1.8, 2.2, 10)."""

from __future__ import annotations

from lab.gate import AnswerError
from lab.greptimedb.versions import Version

STATUS: dict[str, tuple[int, int, int]] = {
    # name: (status code, MySQL errno, HTTP status of the SQL API)
    "Unknown": (1000, 1105, 500),
    "Unsupported": (1001, 1235, 400),
    "Unexpected": (1002, 1815, 500),
    "Internal": (1003, 1815, 500),
    "InvalidArguments": (1004, 1210, 400),
    "Cancelled": (1005, 1317, 504),
    "IllegalState": (1006, 1815, 500),
    "External": (1007, 1105, 500),
    "DeadlineExceeded": (1008, 1317, 504),
    "InvalidSyntax": (2000, 1149, 400),
    "PlanQuery": (3000, 1815, 400),
    "EngineExecuteQuery": (3001, 1815, 500),
    "TableAlreadyExists": (4000, 1050, 400),
    "TableNotFound": (4001, 1146, 400),
    "TableColumnNotFound": (4002, 1054, 400),
    "DatabaseNotFound": (4004, 1102, 400),
    "RegionNotFound": (4005, 1146, 400),
    "RegionReadonly": (4007, 1836, 503),
    "RegionNotReady": (4008, 1815, 503),
    "RegionBusy": (4009, 1815, 503),
    "StorageUnavailable": (5000, 1815, 503),
    "UserNotFound": (7000, 1045, 401),
    "UserPasswordMismatch": (7002, 1044, 401),
    "AuthHeaderNotFound": (7003, 1045, 401),
    "AccessDenied": (7005, 1045, 403),
    "PermissionDenied": (7006, 1045, 403),
}
SQLSTATES = {
    1815: "HY000",
    1105: "HY000",
    1210: "HY000",
    1836: "HY000",
    1235: "42000",
    1149: "42000",
    1044: "42000",
    1102: "42000",
    1045: "28000",
    1698: "28000",
    1317: "70100",
    1146: "42S02",
    1054: "42S22",
    1050: "42S01",
}
MASKED = frozenset(("Internal", "Unknown"))


class ServerError(AnswerError):
    """An error of the simulated server: a status code's name and the text that belongs to it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def masked(self) -> ServerError:
        """The error as it leaves a server: Internal and Unknown lose their text."""
        if self.code in MASKED:
            return ServerError(self.code, "Internal error: %d" % STATUS[self.code][0])
        return self


def wrap_admin(error: ServerError, function: str, version: Version) -> ServerError:
    """The error of an admin function as the frontend of this version wraps it (ADMIN form)."""
    inner = error.masked()
    if version < "0.17.0":
        return inner
    if version < "1.0.1":
        once = "Execution error: Function execution error: %s" % inner.text
        text = "Failed to execute admin function: Failed to execute admin function %s, error: %s: %s"
        return ServerError("Unexpected", text % (function, once, once))
    text = inner.text
    if version >= "1.1.4":
        text += ", code: %s, tonic code: %s" % (inner.code, _tonic(inner.code))
    return ServerError("Unexpected", "Failed to execute admin function %s: Execution error: %s" % (function, text))


def wrap_select(error: ServerError, version: Version) -> ServerError:
    """The error of an admin function used in SELECT: inside the query engine's execution error (facts 2.2)."""
    inner = error if version < "0.9.0" else error.masked()
    return ServerError(inner.code, "Execution error: %s" % inner.text)


def _tonic(code: str) -> str:
    return {"InvalidArguments": "InvalidArgument", "Unsupported": "Unimplemented"}.get(code, "Internal")


def mysql_form(error: ServerError, version: Version) -> tuple[int, str, str]:
    """(errno, SQLSTATE, message) for a MySQL client of this server version."""
    if version < "0.9.0":
        return 1815, "HY000", error.text
    errno = STATUS[error.code][1]
    return errno, SQLSTATES.get(errno, "HY000"), "(%s): %s" % (error.code, error.text)
