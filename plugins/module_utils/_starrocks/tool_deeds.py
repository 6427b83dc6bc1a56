# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Carrying out one step of a plan about the sync tool."""

from __future__ import annotations

import os
import pwd
import subprocess
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_options as to
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_plan as tpl
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.properties import ENCODING
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_beside import Beside
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import (
    Home,
    not_accessible,
    read_text,
    write_text,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_look import (
    ended_run,
    is_one_time,
    look_at,
    ran,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import (
    MARK,
    Process,
    Processes,
    Start,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_session import (
    end,
    run_stop_script,
    start_in_session,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_systemd import Systemd, environment_text

_OUTPUT = "output.log"
_POLL = 0.1

Evidence = t.Dict[str, t.Any]


class Deeds:
    """What ``tool_plan`` decides, done."""

    def __init__(
        self,
        request: to.ToolRequest,
        home: Home,
        processes: Processes,
        systemd: Systemd,
        supervisor: str,
        unit: t.Callable[[], str],
        clock: Clock,
    ) -> None:
        self._request = request
        self._home = home
        self._processes = processes
        self._systemd = systemd
        self._supervisor = supervisor
        self._unit = unit
        self._clock = clock

    def do(self, action: str, name: str, plan: tpl.Plan, fresh: t.Optional[str]) -> Evidence:
        """One step, and what is to be remembered of it."""
        try:
            return self._do(action, name, plan, fresh)
        except OSError as error:
            raise not_accessible(error.filename or self._home.directory, error) from error

    def _do(self, action: str, name: str, plan: tpl.Plan, fresh: t.Optional[str]) -> Evidence:
        if action == tpl.INSTALL:
            self._install(t.cast(str, fresh))
        elif action == tpl.CONFIGURE:
            self._configure(name, plan)
        elif action == tpl.UNIT:
            self._systemd.write(name, self._unit())
        elif action == tpl.UNIT_AWAY:
            self._systemd.remove(name)
        elif action == tpl.START_TOOL:
            return self._start(plan)
        elif action == tpl.STOP_TOOL:
            return self._stop()
        elif action == tpl.REMOVE:
            Beside(self._home).remove()
        else:
            self._home.give_back()
        return {}

    def _install(self, fresh: str) -> None:
        unpacked = Home(fresh)
        unpacked.keep_shipped()
        unpacked.remember_installed(self._request.sha256)
        if self._request.user:
            owner = _owner(self._request.user)
            for folder, _folders, files in os.walk(fresh):
                for path in (folder, *(os.path.join(folder, name) for name in files)):
                    os.lchown(path, *owner)
        Beside(self._home).replace()

    def _configure(self, name: str, plan: tpl.Plan) -> None:
        self._home.keep_shipped()
        if plan.configuration is None:
            raise ValueError("no configuration was planned")
        status = os.stat(self._home.directory)
        owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
        write_text(self._home.path(name), plan.configuration.files[name], owner)

    def _start(self, plan: tpl.Plan) -> Evidence:
        mark = uuid.uuid4().hex
        self._await_new_second()
        self._home.prepare()
        # Known before there is a process: one that was started by a call that was killed then is found by its mark.
        start = Start(0, 0, self._processes.boot(), mark, iso(self._clock.now()), plan.digest, self._supervisor)
        self._home.remember_start(start)
        child: t.Optional[subprocess.Popen[bytes]] = None
        try:
            if self._supervisor == to.SYSTEMD:
                text = environment_text({**self._request.variables, MARK: mark})
                # systemd reads UTF-8, and the file is written byte by byte.
                write_text(self._home.state(tpl.ENVIRONMENT_FILE), text.encode("utf-8").decode(ENCODING))
                # Not "start": a unit whose processes have ended is still active, as it is told to remain.
                self._systemd.call("restart", self._request.unit)
                leader = next(iter(self._find()), None)
            else:
                child = start_in_session(self._home.directory, self._home.state(_OUTPUT), mark, self._request.variables)
                leader = self._processes.get(child.pid)
        except MigrationError:
            self._home.remember_start(None)
            raise
        if leader is not None:
            start = Start(leader.pid, leader.started, start.boot, mark, start.at, plan.digest, self._supervisor)
            self._home.remember_start(start)
        self._await_alive(plan, child)
        return {"pid": start.pid, "started": start.started, "boot": start.boot}

    def _await_new_second(self) -> None:
        """So that no report of a former run can be taken for one of this: the log tells whole seconds only."""
        log = self._request.log.path_if_there(self._home.directory)
        now = self._clock.now().timestamp()
        if log and int(os.stat(log).st_mtime) >= int(now):
            self._clock.sleep(int(now) + 1 - now)

    def _await_alive(self, plan: tpl.Plan, child: t.Optional[subprocess.Popen[bytes]]) -> None:
        """Wait for as long as was asked; a tool that ends meanwhile has failed, unless that was its one run."""
        ends = self._clock.monotonic() + self._request.start_wait
        code: t.Optional[int] = None
        while True:
            alive = bool(self._find())
            # Not before: one that ends in between would be over with a code that nobody has asked for.
            if child is not None:
                code = child.poll()
            if alive and self._clock.monotonic() >= ends:
                break
            if not alive:
                self._judge_ended(plan, code)
                break
            self._clock.sleep(_POLL)
        if child is not None and child.returncode is None:
            # It goes on after this process; nobody here will ask for its exit code.
            child.returncode = 0

    def _judge_ended(self, plan: tpl.Plan, code: t.Optional[int]) -> None:
        one_time = plan.configuration is not None and is_one_time(plan.configuration.properties)
        look = look_at(self._home, self._processes)
        now = self._clock.now().timestamp()
        if one_time and ran(*ended_run(self._home, look, self._request.log, now), code):
            return
        output = (read_text(self._home.state(_OUTPUT)) or "").encode(ENCODING).decode("utf-8", "replace")
        # Java tells of JAVA_TOOL_OPTIONS with their whole text.
        output = Redactor(self._request.variables.values()).mask(output)
        told = " ".join(output.split("\n")[-6:]).strip()
        ended = "ended at once" if code is None else f"ended at once with {code}"
        raise MigrationError(
            "starrocks.tool_died",
            f"The sync tool {ended}{f', saying: {told[-500:]}' if told else ', saying nothing'}. Its log is below "
            f"{self._home.directory}.",
            details={"exit_code": code, "output": told[-2000:]},
        )

    def _stop(self) -> Evidence:
        request = self._request
        look = look_at(self._home, self._processes)
        script = run_stop_script(self._home.directory, request.variables, self._find, request.stop_timeout)
        if look.start is not None and look.start.supervisor == to.SYSTEMD and self._systemd.usable():
            self._systemd.call("stop", request.unit, timeout=request.stop_timeout + 60)
        signals = end(self._find, self._processes, request.stop_timeout)
        self._home.remember_start(None)
        return {"pids": look.pids, "stop_script": script, "signals": signals}

    def _find(self) -> t.List[Process]:
        look = look_at(self._home, self._processes)
        return [*look.ours, *(look.strange if self._request.adopt else ())]


def _owner(user: str) -> t.Tuple[int, int]:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise InvalidOption("user", f"there is no user {user}", "Make the user first") from None
    return entry.pw_uid, entry.pw_gid
