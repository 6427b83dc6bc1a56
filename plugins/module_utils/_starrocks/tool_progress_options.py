# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the module that tells how far the sync tool is."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    TARGET,
    Connection,
    connection_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_options import (
    LogPlace,
    log_argument_spec,
    read_log_place,
)


@dataclasses.dataclass(frozen=True)
class ProgressRequest:
    """What was asked for. Times in seconds; ``since`` in Unix seconds. None: not given."""

    directory: str
    log: LogPlace
    cursor: t.Mapping[str, t.Any]
    report_interval: t.Optional[float]
    meta_interval: t.Optional[float]
    stall_after: float
    since: t.Optional[float]
    target: t.Optional[Connection]


def progress_argument_spec() -> ArgumentSpec:
    """All options."""
    spec = ArgumentSpec(
        {
            "directory": {"type": "path", "required": True},
            "cursor": {"type": "raw"},
            "report_interval": {"type": "str"},
            "meta_interval": {"type": "str"},
            "stall_after": {"type": "str", "default": "30m"},
            "converged_since": {"type": "str"},
        }
    )
    return spec.merge(log_argument_spec()).merge(connection_argument_spec(TARGET))


def read_progress_request(params: t.Mapping[str, t.Any]) -> ProgressRequest:
    """The request of a module's parameters; everything that is wrong with them is told at once."""
    problems = OptionProblems()

    def seconds(name: str) -> t.Optional[float]:
        if params.get(name) in (None, ""):
            return None
        return parse_duration(params[name], name, maximum=7 * 86400)

    directory = str(params["directory"])
    if not os.path.isabs(directory):
        problems.add("directory", f"{directory!r} is no absolute path", "Give the tool's folder")
    nothing: t.Dict[str, t.Any] = {}
    request = ProgressRequest(
        directory=os.path.realpath(directory),
        log=read_log_place(params, problems),
        cursor=problems.attempt(lambda: as_mapping(params.get("cursor"), "cursor"), nothing),
        report_interval=problems.attempt(lambda: seconds("report_interval")),
        meta_interval=problems.attempt(lambda: seconds("meta_interval")),
        stall_after=problems.attempt(lambda: seconds("stall_after"), None) or 1800.0,
        since=problems.attempt(lambda: _moment(params.get("converged_since"))),
        target=None,
    )
    problems.raise_all()
    if as_list(params.get("target_frontends"), "target_frontends"):
        request = dataclasses.replace(request, target=Connection.from_params(params, TARGET))
    return request


def _moment(value: t.Any) -> t.Optional[float]:
    if value in (None, ""):
        return None
    try:
        return parse_iso(str(value)).timestamp()
    except ValueError:
        fix = "Give one such as 2026-11-21T03:14:00Z"
        raise InvalidOption("converged_since", f"{value!r} is no ISO 8601 time", fix) from None
