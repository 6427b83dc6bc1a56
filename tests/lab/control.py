# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port: JSON over HTTP with which tests and people steer a lab. Nothing here is in the request record."""

from __future__ import annotations

import json
import typing as t

from lab.breakpoints import Breakpoints
from lab.clock import LabClock
from lab.faults import Faults
from lab.http_server import HttpRequest, HttpResponse
from lab.record import RequestRecord

MAX_WAIT = 60.0
Route = t.Callable[[HttpRequest], t.Awaitable[t.Any]]


class Books(t.Protocol):
    """An account of what writers were told, and of what is missing."""

    def as_dict(self) -> dict[str, t.Any]:
        """The account as the control port gives it."""


class Parts(t.Protocol):
    """The parts that every lab has."""

    clock: LabClock
    faults: Faults
    record: RequestRecord
    breakpoints: Breakpoints

    @property
    def ledger(self) -> Books:
        """The writers' ledger."""

    def stop(self) -> None:
        """End the lab."""


class EngineRoutes(t.Protocol):
    """What the engine adds: its own paths, and what it does when faults are set or removed."""

    def routes(self) -> dict[tuple[str, str], Route]:
        """(method, first path segment) -> handler."""

    async def faults_changed(self) -> None:
        """Faults were added or removed."""


class Control:
    """Dispatches by method and first path segment; ValueError and KeyError become 400 with one sentence."""

    def __init__(self, parts: Parts, engine: EngineRoutes) -> None:
        self._parts = parts
        self._engine = engine
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", "requests"): self._requests,
            ("POST", "requests"): self._clear_requests,
            ("GET", "ledger"): self._ledger,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_faults,
            ("DELETE", "faults"): self._remove_faults,
            ("GET", "breakpoints"): self._breakpoints,
            ("POST", "breakpoints"): self._change_breakpoints,
            ("DELETE", "breakpoints"): self._remove_breakpoints,
            ("POST", "stop"): self._stop,
            **engine.routes(),
        }

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """One control request."""
        segment = request.path.strip("/").split("/")[0]
        route = self._routes.get((request.method, segment))
        if route is None:
            known = sorted("%s /%s" % key for key in self._routes)
            return HttpResponse(404, {"error": "no such path", "known": known})
        try:
            return HttpResponse(200, await route(request))
        except (ValueError, KeyError, TypeError, json.JSONDecodeError) as problem:
            return HttpResponse(400, {"error": str(problem)})

    async def _requests(self, request: HttpRequest) -> t.Any:
        asked = request.query.get("mutating")
        mutating = None if asked is None else asked in ("1", "true")
        return [e.as_dict() for e in self._parts.record.since(int(request.query.get("since", 0)), mutating)]

    async def _clear_requests(self, request: HttpRequest) -> t.Any:
        self._parts.record.clear()
        return {}

    async def _ledger(self, request: HttpRequest) -> t.Any:
        return self._parts.ledger.as_dict()

    async def _faults(self, request: HttpRequest) -> t.Any:
        return [rule.as_dict() for rule in self._parts.faults.rules]

    async def _add_faults(self, request: HttpRequest) -> t.Any:
        data = request.json()
        added = [self._parts.faults.add(item).as_dict() for item in (data if isinstance(data, list) else [data])]
        await self._engine.faults_changed()
        return added

    async def _remove_faults(self, request: HttpRequest) -> t.Any:
        self._parts.faults.clear()
        await self._engine.faults_changed()
        return {}

    async def _breakpoints(self, request: HttpRequest) -> t.Any:
        wait = min(MAX_WAIT, float(request.query.get("wait", 0)))
        if wait:
            await self._parts.breakpoints.wait_reached(wait)
        points = [point.as_dict() for point in self._parts.breakpoints.points]
        return {"breakpoints": points, "reached": [p for p in points if p["held"]]}

    async def _change_breakpoints(self, request: HttpRequest) -> t.Any:
        data = request.json()
        if request.path.rstrip("/").endswith("/release"):
            return {"released": self._parts.breakpoints.release(data.get("id"))}
        return self._parts.breakpoints.add(data).as_dict()

    async def _remove_breakpoints(self, request: HttpRequest) -> t.Any:
        self._parts.breakpoints.clear()
        return {}

    async def _stop(self, request: HttpRequest) -> t.Any:
        self._parts.stop()
        return {}
