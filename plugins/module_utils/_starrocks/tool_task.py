# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Installing, configuring, starting, stopping and removing the sync tool."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Outcome
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_options as to
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_properties as tp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_alone import alone
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_archive import verified_archive
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_beside import Beside
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_deeds import Deeds
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import (
    CONFIGURATION,
    Home,
    not_accessible,
    read_text,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_look import (
    Look,
    ended_run,
    is_one_time,
    look_at,
    properties_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_plan import (
    REMOVE,
    START_TOOL,
    STOP_TOOL,
    Plan,
    Planner,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import Processes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_systemd import Systemd
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_unpack import unpack

ENGINE = "starrocks"
REMAINS = (
    "Replication jobs that the tool had already sent go on in the target's frontend, and nothing cancels them. Wait "
    "until SHOW PROC '/replications' on the target shows none in a state before COMMITTED or ABORTED."
)
"""What a stop does not end. Source: replication/ReplicationMgr.java, whose jobs are in the edit log."""


class ToolTask:
    """One call of the module."""

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        check_mode: bool,
        redactor: Redactor,
        clock: Clock,
        *,
        processes: t.Optional[Processes] = None,
        systemd: t.Optional[Systemd] = None,
    ) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._processes = processes or Processes()
        self._systemd = systemd or Systemd()
        self._made = ChangeList()
        self._result: t.Dict[str, t.Any] = {}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        request = to.read_tool_request(self._params)
        supervisor = self._supervisor(request)
        home = Home(request.directory)
        beside = Beside(home)
        with contextlib.ExitStack() as stack:
            if not self._check_mode:
                stack.enter_context(alone(home))
                beside.put_right()
            there = beside.standing()
            fresh = stack.enter_context(self._unpacked(request, there.installed(), beside))
            look = look_at(there, self._processes)
            shipped = (
                None if fresh is None else {name: read_text(os.path.join(fresh, name)) or "" for name in CONFIGURATION}
            )
            planner = Planner(request, there, supervisor, self._systemd, self._now())
            plan = planner.plan(look, shipped)
            if self._check_mode and plan.steps:
                removing = any(action == REMOVE for action, _name, _change in plan.steps)
                home.require_writable(beside=fresh is not None or removing)
            left = self._left_open(planner.resource, plan, look)
            deeds = Deeds(request, home, self._processes, self._systemd, supervisor, planner.unit, self._clock)
            self._carry_out(plan, deeds, fresh, left)
            if request.state == to.STOPPED and not self._check_mode:
                home.remember_start(None)
        return self._told(request, beside.standing(), plan, supervisor)

    def partial(self) -> t.Dict[str, t.Any]:
        """What was done before a failure."""
        done = self._made
        return {**self._result, "changed": done.changed, "changes": done.as_result(), "diff": done.diff()}

    def _supervisor(self, request: to.ToolRequest) -> str:
        usable = self._systemd.usable()
        if request.supervisor == to.SYSTEMD and not usable:
            fix = "Become root where systemd runs, or use supervisor=session"
            raise InvalidOption("supervisor", "systemd does not run here, or this user may not make units", fix)
        if request.user and not usable:
            raise InvalidOption("user", "without systemd there is no unit to carry it", "Become that user for the task")
        return to.SYSTEMD if usable and request.supervisor != to.SESSION else to.SESSION

    @contextlib.contextmanager
    def _unpacked(self, request: to.ToolRequest, installed: str, beside: Beside) -> t.Iterator[t.Optional[str]]:
        """The archive, unpacked beside its folder (in check mode elsewhere); None if it is not needed."""
        if not request.archive or request.state not in (to.PRESENT, to.STARTED) or installed == request.sha256:
            yield None
            return
        with _elsewhere() if self._check_mode else beside.opened() as fresh:
            folder = os.path.dirname(fresh)
            try:
                with verified_archive(request.archive, request.sha256, folder, request.download_timeout) as archive:
                    unpack(archive, fresh)
            except OSError as error:
                raise not_accessible(error.filename or folder, error) from error
            yield fresh

    def _left_open(self, resource: str, plan: Plan, look: Look) -> t.List[Outcome]:
        """How the changes ended that a killed run left open: what still has to be done was not done."""
        view = read_journal(self._params)
        again = {change.resource for _action, _name, change in plan.steps}
        ours = {resource, *(f"{resource}/{one}" for one in CONFIGURATION)}
        found: t.List[Outcome] = []
        for entry in view.pending() if view is not None else ():
            name, action = str(entry.data.get("resource")), entry.data.get("action")
            if name not in ours and not name.startswith(f"{resource}:"):
                continue
            if action in (START_TOOL, STOP_TOOL):
                done = look.running == (action == START_TOOL)
            else:
                done = name not in again
            evidence = {"evidence": {"running": look.running, "installed": look.installed}}
            found.append((str(entry.data["id"]), "done" if done else "abandoned", evidence))
        return found

    def _carry_out(self, plan: Plan, deeds: Deeds, fresh: t.Optional[str], left: t.Sequence[Outcome]) -> None:
        if self._check_mode or not (plan.steps or left):
            return
        journal = open_journal(self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor)
        try:
            if journal is not None and left:
                journal.outcomes(left)
            for action, name, change in plan.steps:
                ids = journal.intents([change]) if journal is not None else []
                try:
                    evidence = deeds.do(action, name, plan, fresh)
                except BaseException as error:
                    code = error.code if isinstance(error, MigrationError) else type(error).__name__
                    if journal is not None:
                        journal.outcomes([(ids[0], "failed", {"code": code})])
                    raise
                self._made.add(change)
                if action == STOP_TOOL:
                    self._result["remains"] = REMAINS
                if journal is not None:
                    journal.outcomes([(ids[0], "done", {"evidence": evidence} if evidence else {})])
        finally:
            if journal is not None:
                journal.close()

    def _told(self, request: to.ToolRequest, there: Home, plan: Plan, supervisor: str) -> t.Dict[str, t.Any]:
        """``there``: where the tool's files are now."""
        changes = ChangeList(change for _action, _name, change in plan.steps)
        look = look_at(there, self._processes)
        properties = plan.configuration.properties if plan.configuration is not None else properties_of(look.files)
        result: t.Dict[str, t.Any] = {
            **self._result,
            "changed": changes.changed,
            "changes": changes.as_result(),
            "diff": changes.diff(),
            "directory": Home(request.directory).directory,
            "installed_sha256": look.installed or None,
            "supervisor": look.start.supervisor if look.start is not None else supervisor,
            "running": look.running,
            "pids": look.pids,
            "started_at": look.start.at if look.start is not None else None,
            "restart_needed": plan.restart_needed,
            "properties": tp.shown(properties, MASK),
            "run": None,
            "run_reasons": [],
        }
        if look.start is not None and not look.running and is_one_time(properties):
            outcome, reasons = ended_run(there, look, request.log, self._now())
            result.update(run=outcome, run_reasons=[reason.as_result() for reason in reasons])
        if plan.configuration is not None and plan.configuration.warnings:
            result["warnings"] = list(plan.configuration.warnings)
        return result

    def _now(self) -> float:
        return self._clock.now().timestamp()


@contextlib.contextmanager
def _elsewhere() -> t.Iterator[str]:
    """A folder to unpack into for a look. MigrationError ``starrocks.tool_not_accessible``."""
    try:
        folder = tempfile.mkdtemp(prefix="dbops-migration-")
        fresh = os.path.join(folder, "tool")
        os.mkdir(fresh, 0o700)
    except OSError as error:
        raise not_accessible(tempfile.gettempdir(), error) from error
    try:
        yield fresh
    finally:
        shutil.rmtree(folder, ignore_errors=True)
