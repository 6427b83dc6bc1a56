# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""HTTP of frontends (http_port, basic auth) and of BEs and CNs (http_port, nobody is asked who he is)."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import http.client
import json
import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import (
    connection_error,
    unsettled,
)

_LARGEST = 16 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class HttpReply:
    """An answer of any status. StarRocks answers 200 to most failures too, so the body must be looked at.

    ``headers``: by name in small letters.
    """

    status: int
    text: str
    address: str
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)

    def document(self) -> t.Dict[str, t.Any]:
        """The body as a JSON object; ``starrocks.unexpected_answer`` if it is none."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise MigrationError(
                "starrocks.unexpected_answer",
                f"{self.address} answered with HTTP status {self.status} and no JSON object; check that http_port is "
                "the one of StarRocks.",
                server_text=self.text[:200],
                details={"address": self.address, "status": self.status},
            )
        return found

    def verdict(self, doing: str, wanted: t.Callable[[t.Dict[str, t.Any]], bool]) -> t.Dict[str, t.Any]:
        """The body of an answer to a change, if it is one: ``wanted`` says whether a document tells how it ended.

        A proxy may answer for a server that carries the change out all the same, and a server may fail after that. So
        of what is no document, only a status of 4xx is a refusal.

        :raises MigrationError: ``starrocks.no_reply`` when it may have been carried out; ``unexpected_answer``
        """
        if 400 <= self.status < 500:
            return self.document()
        found: t.Dict[str, t.Any] = {}
        if self.status < 400:
            with contextlib.suppress(MigrationError):
                found = self.document()
        if not wanted(found):
            why = f"answered with HTTP status {self.status} and nothing that tells how it ended"
            raise unsettled(why, doing, self.address, self.text[:200], {"status": self.status})
        return found


@dataclasses.dataclass(frozen=True)
class HttpLogin:
    """As whom, and how long to wait in seconds. ``username`` None: nobody."""

    username: t.Optional[str]
    password: str = dataclasses.field(repr=False)
    connect_timeout: float
    read_timeout: float
    prefix: str = ""


def send(
    server: Address, login: HttpLogin, method: str, path: str, doing: str, *, mutating: bool, body: str = ""
) -> HttpReply:
    """One request on a connection of its own, sent once.

    :raises MigrationError: ``starrocks.unreachable``, ``access_denied``; ``no_reply`` when it may have been carried out
    """
    connection = http.client.HTTPConnection(server.host, server.port, timeout=login.connect_timeout)
    sent = False
    try:
        connection.connect()
        connection.sock.settimeout(login.read_timeout)
        sent = True
        connection.request(method, path, body=body or None, headers=_headers(login))
        response = connection.getresponse()
        text = response.read(_LARGEST).decode("utf-8", "replace")
    except (http.client.HTTPException, OSError, UnicodeError) as error:
        kind = "unreachable" if not sent else "timeout" if isinstance(error, socket.timeout) else "lost"
        lost = ConnectionLost(str(error) or type(error).__name__, sent=sent, address=str(server), kind=kind)
        raise connection_error(lost, doing, mutating=mutating, prefix=login.prefix) from error
    finally:
        connection.close()
    if response.status in (401, 403):
        raise _refused(response.status, text, doing, server)
    headers = {name.lower(): value for name, value in response.getheaders()}
    return HttpReply(response.status, text, str(server), headers)


def _headers(login: HttpLogin) -> t.Dict[str, str]:
    if login.username is None:
        return {}
    pair = f"{login.username}:{login.password}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}


def _refused(status: int, text: str, doing: str, server: Address) -> MigrationError:
    """SQL has taken the same user and password already, so it is not they."""
    return MigrationError(
        "starrocks.access_denied",
        f"Could not {doing}: {server} does not take this from the user over HTTP; it takes it from root, from the role "
        "root, and from those who have both db_admin and user_admin.",
        server_text=text[:200],
        details={"doing": doing, "address": str(server), "status": status},
    )
