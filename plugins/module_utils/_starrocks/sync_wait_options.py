# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the module that waits until the target is as far as it should be."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_bool, as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope, read_scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    Connection,
    connection_argument_spec,
    source_and_target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_progress_options import (
    progress_argument_spec,
    read_progress_request,
)

CAUGHT_UP, COMPACTION_DRAINED, REPLICATION_DRAINED = "caught_up", "compaction_drained", "replication_drained"
UNTIL = (CAUGHT_UP, COMPACTION_DRAINED, REPLICATION_DRAINED)


@dataclasses.dataclass(frozen=True)
class WaitRequest:
    """What is waited for; times in seconds. ``step_time`` None: to the end in this call."""

    source: Connection
    target: Connection
    scope: Scope
    until: str
    max_behind: int
    stable_samples: int
    poll_interval: float
    timeout: float
    wait: bool
    step_time: t.Optional[float]


def wait_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal and of accepted findings."""
    spec = ArgumentSpec(
        {
            "until": {"type": "str", "choices": list(UNTIL), "default": CAUGHT_UP},
            "include_data_list": {"type": "raw"},
            "exclude_data_list": {"type": "raw"},
            "max_behind": {"type": "int", "default": 1000},
            "stable_samples": {"type": "int", "default": 2},
            "poll_interval": {"type": "str", "default": "5s"},
            "timeout": {"type": "str", "default": "24h"},
            "wait": {"type": "bool", "default": True},
            "step_time": {"type": "str"},
            "follow": {"type": "raw"},
        }
    )
    spec.merge(progress_argument_spec()).merge(connection_argument_spec())
    # The tool is not there yet when compactions are drained, and not any more when replications are.
    spec.update(directory={"type": "path"})
    return spec


def read_wait_request(params: t.Mapping[str, t.Any]) -> WaitRequest:
    """The request of a module's parameters; everything that is wrong with them is told at once."""
    problems = OptionProblems()

    def seconds(name: str, minimum: float, maximum: float) -> float:
        return problems.attempt(lambda: parse_duration(params[name], name, minimum=minimum, maximum=maximum), 0.0)

    clusters = problems.attempt(lambda: source_and_target(params))
    scope = problems.attempt(lambda: read_scope(params))
    behind = problems.attempt(lambda: as_int(params["max_behind"], "max_behind", 0))
    samples = problems.attempt(lambda: as_int(params["stable_samples"], "stable_samples", 1, 100))
    poll = seconds("poll_interval", 0.1, 3600)
    timeout = seconds("timeout", 1, 90 * 86400)
    step = None if params.get("step_time") in (None, "") else seconds("step_time", 0, 3600)
    if params["until"] == CAUGHT_UP and not params.get("directory"):
        problems.add("directory", "it is not given", "Give the folder of the sync tool on this host")
    tool = params.get("directory") or "/"
    # What the look at the tool takes is told now, and not days later.
    problems.attempt(lambda: read_progress_request({**params, "directory": tool, "target_frontends": None}))
    wait = bool(problems.attempt(lambda: as_bool(params["wait"], "wait")))
    if problems.found or clusters is None or scope is None or behind is None or samples is None:
        raise problems.error()
    return WaitRequest(
        source=clusters[0],
        target=clusters[1],
        scope=scope,
        until=str(params["until"]),
        max_behind=behind,
        stable_samples=samples,
        poll_interval=poll,
        timeout=timeout,
        wait=wait,
        step_time=step if wait else 0.0,
    )
