# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the cutover, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_bool, as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope, read_scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    TARGET,
    Connection,
    connection_argument_spec,
    source_and_target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_options import (
    LogPlace,
    log_argument_spec,
    read_log_place,
)

CUT_OVER = "cut_over"
COMMITTED = "committed"
LIFTED = "lifted"


@dataclasses.dataclass(frozen=True)
class CutoverRequest:
    """What is asked for; times in seconds.

    ``tool_directory``: "" when the operator has stopped the tool himself, and says so. ``meta_interval``,
    ``replication_interval``: None to take those of the tool's own configuration. ``tool_is_restarted``: in check mode,
    that a real run comes after a start of the tool. ``settings_are_set``: in check mode, that it comes after something
    that sets the migration's settings again. ``kept``: tables whose partitions that only the target has were accepted
    by name. ``log``: where the tool's log is.
    """

    source: Connection
    target: Connection
    scope: Scope
    state: str
    budget: float
    quiet_time: float
    poll_interval: float
    switch_reserve: float
    transaction_time: float
    copy_time: float
    meta_interval: t.Optional[float]
    replication_interval: t.Optional[float]
    max_behind: int
    tool_directory: str
    tool_stop_timeout: float
    log: LogPlace
    tool_is_restarted: bool = False
    settings_are_set: bool = False
    kept: t.FrozenSet[str] = frozenset()

    def as_record(self) -> t.Dict[str, t.Any]:
        """For the journal."""
        return {
            "scope": self.scope.as_result(),
            "state": self.state,
            "budget": self.budget,
            "quiet_time": self.quiet_time,
            "switch_reserve": self.switch_reserve,
            "max_behind": self.max_behind,
            "tool_directory": self.tool_directory,
            "kept": sorted(self.kept),
        }


def cutover_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal and of accepted findings."""
    spec = ArgumentSpec(
        {
            "state": {"type": "str", "default": CUT_OVER, "choices": [CUT_OVER, COMMITTED, LIFTED]},
            "include_data_list": {"type": "raw"},
            "exclude_data_list": {"type": "raw"},
            "budget": {"type": "str", "default": "15m"},
            "quiet_time": {"type": "str", "default": "10s"},
            "poll_interval": {"type": "str", "default": "2s"},
            "switch_reserve": {"type": "str", "default": "1m"},
            "transaction_time": {"type": "str", "default": "10s"},
            "copy_time": {"type": "str", "default": "10s"},
            "meta_job_interval": {"type": "str"},
            "replication_job_interval": {"type": "str"},
            "max_behind": {"type": "int", "default": 1000},
            "tool_directory": {"type": "path"},
            "tool_is_stopped": {"type": "bool", "default": False},
            "tool_is_restarted": {"type": "bool", "default": False},
            "settings_are_set": {"type": "bool", "default": False},
            "tool_stop_timeout": {"type": "str", "default": "20s"},
        }
    )
    return spec.merge(log_argument_spec()).merge(connection_argument_spec()).merge(connection_argument_spec(TARGET))


def read_request(params: t.Mapping[str, t.Any]) -> CutoverRequest:
    """The request of a module's parameters.

    :raises InvalidOption: one option is wrong
    :raises InvalidInput: several are; all are told at once
    """
    return _Reader(params).request()


class _Reader:
    """Reads every option and remembers every problem."""

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self._params = params
        self._problems = OptionProblems()

    def _seconds(self, name: str, minimum: float = 0, maximum: float = 86400) -> float:
        return self._problems.attempt(
            lambda: parse_duration(self._params[name], name, minimum=minimum, maximum=maximum), 0.0
        )

    def _optional_seconds(self, name: str) -> t.Optional[float]:
        return None if self._params.get(name) in (None, "") else self._seconds(name)

    def request(self) -> CutoverRequest:
        params = self._params
        connections = self._problems.attempt(lambda: source_and_target(params))
        scope = self._problems.attempt(lambda: read_scope(params))
        max_behind = self._problems.attempt(lambda: as_int(params["max_behind"], "max_behind", 0))
        directory = self._tool()
        restarted = self._problems.attempt(lambda: as_bool(self._params["tool_is_restarted"], "tool_is_restarted"))
        settings = self._problems.attempt(lambda: as_bool(self._params["settings_are_set"], "settings_are_set"))
        seconds = {
            "budget": self._seconds("budget", 1),
            "quiet_time": self._seconds("quiet_time", 0.1, 3600),
            "poll_interval": self._seconds("poll_interval", 0.1, 300),
            "switch_reserve": self._seconds("switch_reserve"),
            "transaction_time": self._seconds("transaction_time"),
            "copy_time": self._seconds("copy_time"),
            "tool_stop_timeout": self._seconds("tool_stop_timeout", 0.1, 600),
        }
        log = read_log_place(params, self._problems)
        meta = self._optional_seconds("meta_job_interval")
        replication = self._optional_seconds("replication_job_interval")
        if self._problems.found or connections is None or scope is None or max_behind is None:
            raise self._problems.error()
        return CutoverRequest(
            source=connections[0],
            target=connections[1],
            scope=scope,
            state=str(params["state"]),
            meta_interval=meta,
            replication_interval=replication,
            max_behind=max_behind,
            tool_directory=directory,
            tool_is_restarted=bool(restarted),
            settings_are_set=bool(settings),
            kept=frozenset(),
            log=log,
            **seconds,
        )

    def _tool(self) -> str:
        directory = str(self._params.get("tool_directory") or "")
        stopped = bool(self._problems.attempt(lambda: as_bool(self._params["tool_is_stopped"], "tool_is_stopped")))
        if self._params["state"] != CUT_OVER:
            return directory
        if directory and stopped:
            self._problems.add("tool_is_stopped", "tool_directory is given too", "Give one of both")
        elif not directory and not stopped:
            self._problems.add(
                "tool_directory",
                "it is not given",
                "Give the folder of the sync tool, and delegate this task to its host; or stop the tool yourself "
                "and say so with tool_is_stopped=true",
            )
        elif directory and not os.path.isabs(directory):
            self._problems.add("tool_directory", f"{directory!r} is no absolute path", "Give one")
        return directory
