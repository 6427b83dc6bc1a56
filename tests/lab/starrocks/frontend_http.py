# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP of a frontend: /api/_set_config changes this one's memory only; /check tells frontends the token (facts 1.4)."""

from __future__ import annotations

import base64
import typing as t

from lab.gate import Incoming, InjectedError
from lab.http_server import HttpRequest, HttpResponse
from lab.starrocks.accounts import Rights
from lab.starrocks.errors import SqlError
from lab.starrocks.statements_config import change

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.frontend import FrontendServer

SET_CONFIG = "/api/_set_config"


class FrontendHttp:
    """Answers for every frontend of a cluster."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def answer(self, frontend: FrontendServer, request: HttpRequest) -> HttpResponse:
        """One HTTP request to one frontend, through the gate."""
        text = "%s %s" % (request.method, request.target)
        node = "%s:%d" % (frontend.host, frontend.record.http_port)
        user, _password = _credentials(request)
        mutating = request.path == SET_CONFIG
        incoming = Incoming("%s-http" % self._front.key, text, mutating, request.gone, node, user)

        async def apply() -> HttpResponse:
            if request.path == SET_CONFIG:
                return self._set_config(frontend, request)
            if request.path == "/check":
                return self._check(request)
            if request.path == "/api/health":
                nodes = self._front.nodes
                alive = sum(node.record.alive for node in nodes)
                return HttpResponse(200, {"online_backend_num": alive, "total_backend_num": len(nodes)})
            return HttpResponse(404, "")

        try:
            return await self._front.gate.run(incoming, apply)
        except InjectedError as error:
            return HttpResponse(error.status, str(error))

    def _set_config(self, frontend: FrontendServer, request: HttpRequest) -> HttpResponse:
        user, password = _credentials(request)
        account = self._front.accounts.users.get(user)
        if account is None or account.password != password:
            return HttpResponse(401, "Access denied for %s@127.0.0.1" % user, {"www-authenticate": 'Basic realm=""'})
        rights = Rights(self._front.accounts, user)
        if not (rights.all_powerful or "root" in account.roles or {"db_admin", "user_admin"} <= account.roles):
            return HttpResponse(401, "Access denied; you need root or db_admin and user_admin")
        done: dict[str, str] = {}
        failed: dict[str, str] = {}
        for key, value in request.query.items():
            try:
                change(frontend, key, value)
                done[key] = value
            except SqlError:
                failed[key] = "[%s]" % value
        return HttpResponse(200, {"set": done, "err": failed})

    def _check(self, request: HttpRequest) -> HttpResponse:
        # Clients come from 127.0.0.1, which is a frontend only where the addresses are not made up.
        if not any(frontend.host == "127.0.0.1" for frontend in self._front.frontends):
            return HttpResponse(400, "invalid client host.")
        headers = {"token": self._front.token, "cluster_id": str(self._front.cluster_id)}
        return HttpResponse(200, "", headers)


def _credentials(request: HttpRequest) -> tuple[str, str]:
    header = request.headers.get("authorization", "")
    if not header.lower().startswith("basic "):
        return "", ""
    try:
        user, _colon, password = base64.b64decode(header[6:]).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password
