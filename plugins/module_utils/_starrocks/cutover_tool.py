# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The sync tool as a cutover needs it: what it says of itself before the freeze, and its end after it."""

from __future__ import annotations

import dataclasses
import os
import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_cycle import Cycle, cycle_of
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import Home
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_file import read_log
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_options import LogPlace
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_look import (
    Look,
    look_at,
    properties_of,
    rules_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import Process, Processes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_properties import is_secret
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_session import (
    NO_SCRIPT,
    beyond_reach,
    end,
    run_stop_script,
)


class SyncTool:
    """The tool in one folder of this host. ``log``: where its log is."""

    def __init__(self, directory: str, log: LogPlace, clock: Clock) -> None:
        self.directory = directory
        self._log = log
        self._clock = clock
        self._home = Home(directory)
        self._processes = Processes()

    def require_there(self) -> None:
        """MigrationError ``starrocks.tool_missing`` when this host has no such tool."""
        if not os.path.isdir(self.directory):
            raise MigrationError(
                "starrocks.tool_missing",
                f"tool_directory: there is no folder {self.directory} on {socket.gethostname()}. Delegate the cutover "
                "to the host of the sync tool. Nothing was changed.",
                details={"directory": self.directory},
            )

    def look(self) -> Look:
        """What runs."""
        return look_at(self._home, self._processes)

    def verdict(self) -> tv.Verdict:
        """What its log says now."""
        look = self.look()
        log = read_log(self._log.path(self.directory))
        properties = properties_of(look.files)
        rules = dataclasses.replace(rules_of(properties, utc_offset=self._log.utc_offset), compared=True)
        found = tv.judge(log.memory, look.standing, rules, self._clock.now().timestamp())
        # It may write into its log what it was given.
        redactor = Redactor([value for name, value in properties.items() if is_secret(name)])
        return tv.Verdict(found.verdict, tuple(tv.Reason(one.code, redactor.mask(one.text)) for one in found.reasons))

    def cycle(self) -> Cycle:
        """How often it looks, and what it drops, by its configuration."""
        return cycle_of(properties_of(self.look().files))

    def change(self) -> Change:
        """The change that ending it is."""
        return Change(
            f"tool:{socket.gethostname()}{self.directory}",
            "stop",
            "running",
            "stopped",
            {"stop": self.directory, "signals": ["SIGTERM", "SIGKILL"]},
        )

    def state(self) -> str:
        """``running`` or ``stopped``, whoever started it."""
        return "running" if self.look().running else "stopped"

    def beyond_reach(self) -> t.Tuple[int, ...]:
        """The numbers of its processes that this user may not end."""
        return tuple(one.pid for one in beyond_reach(self._find()))

    def predict(self, restarted: bool) -> t.List[Change]:
        """What ending it changes. ``restarted``: whether a real run starts it first, so that it runs by then."""
        return [self.change()] if restarted or self.state() == "running" else []

    def stop(self, timeout: float) -> t.List[str]:
        """End all its processes; a running tool would go on to change tables of the target. Returns what it took.

        :raises MigrationError: ``starrocks.tool_not_stopped``
        """
        # Another user's process in the same folder is found by its program, and counts too.
        script = run_stop_script(self.directory, {}, self._find, timeout)
        signals = end(self._find, self._processes, timeout)
        self._home.remember_start(None)
        return [*([] if script == NO_SCRIPT else [f"stop script {script}"]), *signals]

    def _find(self) -> t.List[Process]:
        look = self.look()
        return [*look.ours, *look.strange]
