# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of a lab's control port, for tests and drivers."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
import urllib.error
import urllib.request


class LabError(Exception):
    """The control port refused a call."""


class LabClient:
    """Reads a describe file and speaks with the control port. All times are lab seconds unless said otherwise."""

    def __init__(self, describe_file: str) -> None:
        with open(describe_file, encoding="utf-8") as stream:
            self.describe: dict[str, t.Any] = json.load(stream)
        self.describe_file = describe_file
        self.process: subprocess.Popen[bytes] | None = None

    def call(self, method: str, path: str, data: t.Any = None, timeout: float = 90.0) -> t.Any:
        """One call of the control port; raises LabError with its sentence."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self.describe["control"] + path, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise LabError(error.read().decode()) from None

    def state(self) -> dict[str, t.Any]:
        """Regions, procedures, nodes, modes, lab time."""
        return t.cast("dict[str, t.Any]", self.call("GET", "/state"))

    def leader(self, region_id: int) -> int | None:
        """The leader of a region, from the route."""
        return t.cast("int | None", self.state()["regions"][str(region_id)]["leader"])

    def requests(self, since: int = 0, mutating: bool | None = None) -> list[dict[str, t.Any]]:
        """The request record."""
        query = "" if mutating is None else "&mutating=%d" % mutating
        return t.cast("list[dict[str, t.Any]]", self.call("GET", "/requests?since=%d%s" % (since, query)))

    def clear_requests(self) -> None:
        """Empty the request record."""
        self.call("POST", "/requests/clear", {})

    def ledger(self) -> dict[str, t.Any]:
        """Acknowledged, missing and refused writes."""
        return t.cast("dict[str, t.Any]", self.call("GET", "/ledger"))

    def fault(self, kind: str, **conditions: t.Any) -> dict[str, t.Any]:
        """Set one fault."""
        return t.cast("dict[str, t.Any]", self.call("POST", "/faults", [dict(conditions, kind=kind)])[0])

    def faults(self) -> list[dict[str, t.Any]]:
        """All faults with their hits."""
        return t.cast("list[dict[str, t.Any]]", self.call("GET", "/faults"))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.call("DELETE", "/faults")

    def breakpoint(self, match: str, when: str = "before", **conditions: t.Any) -> int:
        """Set a breakpoint; returns its id."""
        data = dict(conditions, match=match, when=when)
        return int(self.call("POST", "/breakpoints", data)["id"])

    def wait_breakpoint(self, seconds: float) -> list[dict[str, t.Any]]:
        """Breakpoints that hold a request, waiting for one for that many real seconds."""
        found = self.call("GET", "/breakpoints?wait=%g" % seconds, timeout=seconds + 30)
        return t.cast("list[dict[str, t.Any]]", found["reached"])

    def release(self, point_id: int | None = None) -> int:
        """Let held requests go on."""
        return int(self.call("POST", "/breakpoints/release", {"id": point_id})["released"])

    def clear_breakpoints(self) -> None:
        """Release all held requests and remove all breakpoints."""
        self.call("DELETE", "/breakpoints")

    def writers(self, count: int, rate: float) -> None:
        """Replace the writers."""
        self.call("POST", "/writers", {"count": count, "rate": rate})

    def node(self, node_id: int, alive: bool) -> None:
        """Kill or revive a datanode."""
        self.call("POST", "/nodes/%d" % node_id, {"alive": alive})

    def failover(self) -> None:
        """Let another metasrv become leader; returns when it leads."""
        self.call("POST", "/metasrv/failover", {})

    def restart_metasrv(self) -> None:
        """Restart the leading metasrv; returns when it leads again."""
        self.call("POST", "/metasrv/restart", {})

    def restart_frontend(self) -> None:
        """Begin a restart of the frontend."""
        self.call("POST", "/frontend/restart", {})

    def foreign(self, **action: t.Any) -> dict[str, t.Any]:
        """Another operator's action: migrate=, maintenance=, procedure_manager=, drop_table=, sql=, ..."""
        return t.cast("dict[str, t.Any]", self.call("POST", "/foreign", action))

    def config(self, **settings: t.Any) -> dict[str, t.Any]:
        """Change settings: durations=, datanodes={id: {...}}, all_datanodes=, ..."""
        return t.cast("dict[str, t.Any]", self.call("POST", "/config", settings))

    def wait_for(self, condition: t.Callable[[dict[str, t.Any]], bool], seconds: float = 20.0) -> dict[str, t.Any]:
        """Poll the state until a condition holds; LabError after that many real seconds."""
        end = time.monotonic() + seconds
        while True:
            state = self.state()
            if condition(state):
                return state
            if time.monotonic() > end:
                raise LabError("the condition did not come true within %g s" % seconds)
            time.sleep(0.03)
