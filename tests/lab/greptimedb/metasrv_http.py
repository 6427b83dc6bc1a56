# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metasrv's HTTP: the gRPC port's lenient /admin, and the HTTP port's strict one, by version (facts 1.1, 5)."""

from __future__ import annotations

import re
import typing as t

from lab.gate import Gate, Incoming, InjectedError
from lab.greptimedb.errors import ServerError
from lab.greptimedb.metasrv import NOT_LEADER, Metasrv
from lab.greptimedb.metasrv_listings import Listings
from lab.http_server import HttpRequest, HttpResponse

UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
NOT_FOUND = HttpResponse(404, "")
NOT_ALLOWED = HttpResponse(405, "")
_MUTATING_PATHS = re.compile(
    r"^/admin/(region-migration|maintenance/(set|enable|disable)|procedure-manager/(pause|resume)"
    r"|recovery/(enable|disable)|sequence/table/set-next-id)$"
)


def humantime(text: str) -> float:
    """Seconds of "5m", "1h30m10s", "1000ms"; ValueError for anything else, a bare number included."""
    if not re.fullmatch(r"(\d+\s*[a-z]+\s*)+", text):
        raise ValueError(text)
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)\s*([a-z]+)", text))


class MetasrvHttp:
    """Handlers of one metasrv (``number``) of the group."""

    def __init__(self, metasrv: Metasrv, gate: Gate, number: int) -> None:
        self._metasrv = metasrv
        self._gate = gate
        self._number = number
        self._profile = metasrv.cluster.meta
        self._listings = Listings(metasrv)

    def _mutates(self, request: HttpRequest, grpc: bool) -> bool:
        if request.path == "/admin/maintenance":
            asks = "enable" in request.query
            return asks and (grpc or request.method != "GET")
        return _MUTATING_PATHS.match(request.path) is not None

    async def grpc_port(self, request: HttpRequest) -> HttpResponse:
        """The gRPC port: /admin/* by path, mostly whatever the method."""
        return await self._through_gate(request, True)

    async def http_port(self, request: HttpRequest) -> HttpResponse:
        """The HTTP port: /health, /status, /config, /metrics, and from 0.15.5/0.16 /admin/* with strict methods."""
        return await self._through_gate(request, False)

    async def _through_gate(self, request: HttpRequest, grpc: bool) -> HttpResponse:
        text = "%s %s" % (request.method, request.target)
        if request.body:
            text += " " + request.body.decode("utf-8", "replace")
        incoming = Incoming("metasrv-http", text, self._mutates(request, grpc), request.gone)
        try:
            return await self._gate.run(incoming, lambda: self._answer(request, grpc))
        except InjectedError as injected:
            return HttpResponse(injected.status, str(injected))
        except ServerError as error:
            return HttpResponse(500, str(error))

    async def _answer(self, request: HttpRequest, grpc: bool) -> HttpResponse:
        path = request.path.rstrip("/")
        if not grpc:
            if path in ("/health", "/status", "/config", "/metrics"):
                return self._server_page(path)
            if not self._profile.admin_on_http_port:
                return NOT_FOUND
        if not path.startswith("/admin/"):
            return NOT_FOUND
        path = path[len("/admin") :]
        for handler in (self._maintenance, self._procedure_manager, self._recovery):
            response = handler(path, request, grpc)
            if response is not None:
                return response
        if path == "/region-migration":
            return await self._region_migration(request)
        if not grpc and request.method != "GET":
            return NOT_ALLOWED
        return self._listings.answer(path, request.query) or NOT_FOUND

    def _server_page(self, path: str) -> HttpResponse:
        if path == "/status":
            return HttpResponse(200, {"version": str(self._profile.version), "start_time": 0})
        if path == "/config":
            wal = self._metasrv.cluster.settings.wal
            return HttpResponse(200, '[wal]\nprovider = "%s"\n\n[procedure]\nmax_retry_times = 12\n' % wal)
        return HttpResponse(200, "" if path == "/metrics" else {})

    # --- switches ---

    def _maintenance(self, path: str, request: HttpRequest, grpc: bool) -> HttpResponse | None:
        api = self._profile.maintenance_api
        if not api or not path.startswith("/maintenance"):
            return None
        enable = request.query.get("enable")
        if api == "paths":
            return self._maintenance_paths(path, request.method, enable, grpc)
        if api == "set":
            if path == "/maintenance/set" and enable is not None:
                self._metasrv.maintenance = enable == "true"
                return HttpResponse(200, "Maintenance mode %s" % self._word("enabled", "disabled"))
            return HttpResponse(200, "Maintenance mode is %s" % self._word("enabled", "disabled"))
        if path != "/maintenance":
            return NOT_FOUND
        if api == "json":
            if request.method not in ("GET", "PUT", "POST"):
                return HttpResponse(500, "Unsupported http method: %s" % request.method)
            if enable is not None:
                self._metasrv.maintenance = enable == "true"
            return HttpResponse(200, {"enabled": self._metasrv.maintenance})
        if request.method == "GET":
            return HttpResponse(200, "Maintenance mode is %s" % self._word("enabled", "disabled"))
        if request.method != "PUT":
            return HttpResponse(500, "Unsupported http method: %s" % request.method)
        if enable is None:
            return HttpResponse(500, 'Missing required parameter, param: "enable"')
        self._metasrv.maintenance = enable == "true"
        return HttpResponse(200, "Maintenance mode %s" % self._word("enabled", "disabled"))

    def _word(self, on: str, off: str) -> str:
        return on if self._metasrv.maintenance else off

    def _maintenance_paths(self, path: str, method: str, enable: str | None, grpc: bool) -> HttpResponse:
        if path in ("/maintenance", "/maintenance/status"):
            if grpc and path == "/maintenance" and enable is not None and method in ("GET", "PUT", "POST"):
                self._metasrv.maintenance = enable == "true"
            elif method != "GET":
                return self._wrong_method(method, grpc)
        elif path in ("/maintenance/enable", "/maintenance/disable"):
            if method != "POST":
                return self._wrong_method(method, grpc)
            self._metasrv.maintenance = path.endswith("enable")
        else:
            return NOT_FOUND
        return HttpResponse(200, {"enabled": self._metasrv.maintenance})

    @staticmethod
    def _wrong_method(method: str, grpc: bool) -> HttpResponse:
        return HttpResponse(500, "Unsupported http method: %s" % method) if grpc else NOT_ALLOWED

    def _procedure_manager(self, path: str, request: HttpRequest, grpc: bool) -> HttpResponse | None:
        if not self._profile.admin_on_http_port or not path.startswith("/procedure-manager/"):
            return None
        action = path.rsplit("/", 1)[1]
        if action not in ("status", "pause", "resume"):
            return NOT_FOUND
        if request.method != ("GET" if action == "status" else "POST"):
            return self._wrong_method(request.method, grpc)
        if action != "status":
            self._metasrv.manager.paused = action == "pause"
        return HttpResponse(200, {"status": "paused" if self._metasrv.manager.paused else "running"})

    def _recovery(self, path: str, request: HttpRequest, grpc: bool) -> HttpResponse | None:
        if grpc or not path.startswith("/recovery/"):
            return None
        action = path.rsplit("/", 1)[1]
        if action not in ("status", "enable", "disable"):
            return NOT_FOUND
        if request.method != ("GET" if action == "status" else "POST"):
            return NOT_ALLOWED
        if action != "status":
            self._metasrv.recovery = action == "enable"
        return HttpResponse(200, {"enabled": self._metasrv.recovery})

    # --- the HTTP era's submission ---

    async def _region_migration(self, request: HttpRequest) -> HttpResponse:
        if not self._profile.http_submission:
            return NOT_FOUND
        if self._metasrv.leader != self._number:
            raise ServerError("Unexpected", NOT_LEADER)
        numbers: list[int] = []
        for name in ("region_id", "from_peer_id", "to_peer_id"):
            text = request.query.get(name)
            if text is None:
                raise ServerError("InvalidArguments", 'Missing required parameter, param: "%s"' % name)
            if not re.fullmatch(r"\d+", text):
                raise ServerError("InvalidArguments", "Failed to parse number: invalid %s: %s" % (name, text))
            numbers.append(int(text))
        timeout = 1.0
        given = request.query.get("replay_timeout")
        if given is not None and self._profile.version >= "0.6.0":
            try:
                timeout = humantime(given)
            except (ValueError, KeyError):
                raise ServerError("InvalidArguments", "Failed to parse duration %s" % given) from None
        pid: t.Any = await self._metasrv.submit(numbers[0], numbers[1], numbers[2], timeout)
        return HttpResponse(200, {"procedure_id": pid})
