# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of a rehearsal, and those of its moves, checked before anything is contacted."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import OBEY_NOTHING
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import rehearsal_past as rp

PRESENT, MOVED, ABSENT = "present", "moved", "absent"
STATES = (PRESENT, MOVED, ABSENT)
_NAME = re.compile(r"dbops_rehearsal_[a-z0-9_]+", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Options:
    """``table`` "": a new name. ``target`` None: the datanode that leads the fewest regions. Seconds."""

    state: str
    table: str
    target: t.Optional[int]
    timeout: float


def rehearsal_spec() -> ArgumentSpec:
    """The options besides those of the connection and of the journal."""
    return ArgumentSpec(
        {
            "state": {"type": "str", "required": True, "choices": list(STATES)},
            "table": {"type": "str"},
            "target": {"type": "raw"},
            "timeout": {"type": "str", "default": "60s"},
            "server_timeout": {"type": "str", "default": "5m"},
            "move_timeout": {"type": "str", "default": "20m"},
            "settle_time": {"type": "str", "default": "10s"},
            "flush_before": {"type": "str", "default": "auto", "choices": ["auto", "always", "never"]},
        }
    )


def read_options(params: t.Mapping[str, t.Any]) -> Options:
    """The options; InvalidOption, or InvalidInput with all problems at once."""
    problems: t.List[InvalidOption] = []
    table = str(params.get("table") or "").strip()
    if table and not _NAME.fullmatch(table):
        problems.append(
            InvalidOption(
                "table",
                f"{table!r} is no name for a shadow table",
                f"Give {rp.PREFIX} and small letters, digits or underscores, or nothing",
            )
        )
    target: t.Optional[int] = None
    timeout = 1.0
    try:
        if params.get("target") not in (None, ""):
            target = as_int(params["target"], "target", 0)
    except InvalidOption as problem:
        problems.append(problem)
    try:
        timeout = parse_duration(params["timeout"], "timeout", minimum=1, maximum=3600)
    except InvalidOption as problem:
        problems.append(problem)
    raise_problems(problems)
    return Options(str(params["state"]), table, target, timeout)


def moving_params(params: t.Mapping[str, t.Any], **more: t.Any) -> t.Dict[str, t.Any]:
    """The parameters of a migration, as its own module would get them. No pause holds it."""
    own: t.Dict[str, t.Any] = {
        "plan": None,
        "plan_file": None,
        "moves": None,
        "limits": None,
        "timeout": "1h",
        "poll_interval": "100ms",
        "max_failures": 0,
        "attempts": 2,
        "follow_only": False,
        "wait": True,
        "step_time": None,
        "follow": None,
        "control": OBEY_NOTHING,
    }
    return {**params, **own, **more}
