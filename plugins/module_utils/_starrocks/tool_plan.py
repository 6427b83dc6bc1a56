# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What has to be done about the sync tool, as changes in their order, decided from one look and touching nothing."""

from __future__ import annotations

import hashlib
import os
import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_options as to
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_config import (
    Configuration,
    configure,
    property_changes,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import STATE, Home, mode_of
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_look import (
    Look,
    ended_run,
    is_one_time,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_systemd import (
    Systemd,
    shown_unit,
    unit_text,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_unpack import (
    START,
    STOP,
    SYNC_PROPERTIES,
    missing_parts,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_verdict import COMPLETED

INSTALL, CONFIGURE, UNIT, UNIT_AWAY, START_TOOL, STOP_TOOL, REMOVE, GIVE_BACK = (
    "install", "configure", "unit", "remove_unit", "start", "stop", "remove", "give_back",
)  # fmt: skip

ENVIRONMENT_FILE = "start.env"
PRIVATE = 0o600


class Plan(t.NamedTuple):
    """``steps``: (action, name of a file or "", change). ``run``: how a one-time run ended that is over, "" if none is.

    ``digest``: names all that a start reads, to tell later whether something else must be read.
    """

    steps: t.List[t.Tuple[str, str, Change]]
    configuration: t.Optional[Configuration]
    digest: str
    restart_needed: bool
    run: str


class Planner:
    """Decides for one request. ``there``: where the files are that are to be in the folder of the request, which is
    told. ``supervisor``: systemd or session, decided already.
    """

    def __init__(self, request: to.ToolRequest, there: Home, supervisor: str, systemd: Systemd, now: float) -> None:
        self._request = request
        self._supervisor = supervisor
        self._systemd = systemd
        self._now = now
        self._home = Home(request.directory)
        self._there = there
        self._resource = f"tool:{socket.gethostname()}{request.directory}"

    @property
    def resource(self) -> str:
        """The tool's name in the journal; files have theirs behind a slash, unit and process behind a colon."""
        return self._resource

    def plan(self, look: Look, fresh: t.Optional[t.Mapping[str, str]]) -> Plan:
        """The plan. ``fresh``: the shipped configuration when the archive is to be unpacked, by path in the folder."""
        if self._request.state in (to.STOPPED, to.ABSENT):
            self._check_strange(look)
            steps = [self._stop(look)] if look.running else []
            if self._request.state == to.ABSENT:
                steps += self._away(look)
            return Plan(steps, None, "", False, "")
        return self._present(look, fresh)

    def _present(self, look: Look, fresh: t.Optional[t.Mapping[str, str]]) -> Plan:
        request = self._request
        self._check_folder(look, fresh is not None)
        shipped = fresh if fresh is not None else {name: self._there.shipped(name) for name in look.files}
        wanted = configure(request.wanted, shipped)
        digest = self._digest(wanted, look.installed if fresh is None else request.sha256)
        started = request.state == to.STARTED
        if started:
            self._check_strange(look)
        other = bool(look.strange) or (look.start is not None and look.start.config != digest)
        run = ""
        if look.start is not None and not look.running and not other and is_one_time(wanted.properties):
            run = ended_run(self._there, look, request.log, self._now)[0]
        steps: t.List[t.Tuple[str, str, Change]] = []
        stopping = started and look.running and (other or fresh is not None)
        if fresh is not None:
            steps += [self._stop(look)] if stopping else []
            steps.append(self._install(look))
        steps += self._configure(wanted, look.files if fresh is None else fresh, fresh is not None)
        if started and self._supervisor == to.SYSTEMD:
            steps += self._unit()
        if stopping and fresh is None:
            steps.append(self._stop(look))
        if started and (stopping or not look.running) and run != COMPLETED:
            steps.append(self._start())
        return Plan(steps, wanted, digest, look.running and other and not started, run)

    def _check_folder(self, look: Look, unpacking: bool) -> None:
        directory = self._home.directory
        if unpacking:
            if look.exists and not look.installed:
                raise MigrationError(
                    "starrocks.tool_directory_taken",
                    f"{directory} holds something that this collection did not put there. Give another directory, or "
                    "leave archive out to use what is there.",
                )
            if look.running and self._request.state == to.PRESENT:
                raise MigrationError(
                    "starrocks.tool_runs",
                    f"The sync tool in {directory} runs, and another archive cannot take its place; use state=started "
                    "to restart it, or stop it first.",
                )
        elif not look.exists:
            fix = "Give the path or URL of the sync tool's archive, and archive_sha256"
            raise InvalidOption("archive", f"it is not given, and there is no tool in {directory}", fix)
        else:
            missing = missing_parts(self._there.directory)
            if missing:
                raise MigrationError(
                    "starrocks.tool_layout",
                    f"{directory} is not the folder of the sync tool: it has no {' and no '.join(missing)}.",
                    details={"missing": missing},
                )

    def _check_strange(self, look: Look) -> None:
        if look.strange and not self._request.adopt:
            pids = ", ".join(str(one.pid) for one in look.strange)
            raise MigrationError(
                "starrocks.tool_started_elsewhere",
                f"Somebody else has started the sync tool in {self._home.directory} (process {pids}). End it, or set "
                "adopt=true to treat it as started by this collection.",
                details={"pids": [one.pid for one in look.strange]},
            )

    def _digest(self, wanted: Configuration, installed: str) -> str:
        request = self._request
        # The supervisor is no part: it may change without the tool noticing.
        parts = (wanted.digest, installed, sorted(request.variables.items()), request.user)
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def _install(self, look: Look) -> t.Tuple[str, str, Change]:
        request = self._request
        call = {"unpack": request.archive, "sha256": request.sha256, "to": request.directory}
        before = {"sha256": look.installed} if look.installed else None
        return INSTALL, "", Change(self._resource, INSTALL, before, {"sha256": request.sha256}, call)

    def _configure(
        self, wanted: Configuration, present: t.Mapping[str, t.Optional[str]], fresh: bool
    ) -> t.Iterator[t.Tuple[str, str, Change]]:
        for name, text in wanted.files.items():
            path = self._home.path(name)
            mode = None if fresh else mode_of(self._there.path(name))
            # The passwords are in the one file; the other may stay as readable as it was shipped.
            private = mode == PRIVATE or name != SYNC_PROPERTIES
            if (present.get(name) or "") == text and private:
                continue
            before, after = property_changes(present.get(name), text)
            call = {"write": path, "mode": f"{PRIVATE:04o}", "properties": after}
            was = None if mode is None else f"{mode:04o}"
            yield (
                CONFIGURE,
                name,
                Change(
                    f"{self._resource}/{name}",
                    CONFIGURE,
                    {"mode": was, "properties": before},
                    {"mode": f"{PRIVATE:04o}", "properties": after},
                    call,
                ),
            )

    def unit(self) -> str:
        """The wanted text of the unit's file."""
        request = self._request
        environment = self._home.state(ENVIRONMENT_FILE)
        return unit_text(request.directory, environment, request.user, request.stop_timeout)

    def _unit(self) -> t.Iterator[t.Tuple[str, str, Change]]:
        name = self._request.unit
        self._systemd.check_ours(name, self._request.directory)
        before, after = self._systemd.read(name), self.unit()
        if before != after:
            call = {"write": self._systemd.path(name)}
            yield UNIT, name, Change(f"{self._resource}:unit", UNIT, shown_unit(before), after, call)

    def _start(self) -> t.Tuple[str, str, Change]:
        if self._supervisor == to.SYSTEMD:
            call = f"systemctl restart {self._request.unit}"
        else:
            call = self._home.path(START)
        after = {"running": True, "supervisor": self._supervisor}
        request: t.Dict[str, t.Any] = {"run": call}
        if self._request.variables:
            # Their values may be secret.
            request["environment"] = sorted(self._request.variables)
        return START_TOOL, "", Change(f"{self._resource}:process", START_TOOL, {"running": False}, after, request)

    def _stop(self, look: Look) -> t.Tuple[str, str, Change]:
        calls: t.List[str] = []
        if os.path.isfile(self._there.path(STOP)):
            calls.append(self._home.path(STOP))
        if look.start is not None and look.start.supervisor == to.SYSTEMD:
            calls.append(f"systemctl stop {self._request.unit}")
        before = {"running": True, "pids": look.pids}
        call = {"run": calls, "signals": ["SIGTERM", "SIGKILL"], "pids": look.pids}
        return STOP_TOOL, "", Change(f"{self._resource}:process", STOP_TOOL, before, {"running": False}, call)

    def _away(self, look: Look) -> t.Iterator[t.Tuple[str, str, Change]]:
        request = self._request
        unit = self._systemd.read(request.unit) if self._systemd.usable() else None
        if unit is not None:
            self._systemd.check_ours(request.unit, request.directory)
            gone = {"remove": self._systemd.path(request.unit)}
            yield UNIT_AWAY, request.unit, Change(f"{self._resource}:unit", UNIT_AWAY, shown_unit(unit), None, gone)
        if look.installed:
            before = {"sha256": look.installed}
            yield REMOVE, "", Change(self._resource, REMOVE, before, None, {"remove": request.directory})
        elif os.path.isdir(self._there.path(STATE)):
            call: t.Dict[str, t.Any] = {"put_back": sorted(look.files), "remove": self._home.path(STATE)}
            yield GIVE_BACK, "", Change(self._resource, GIVE_BACK, {"configured": True}, {"configured": False}, call)
