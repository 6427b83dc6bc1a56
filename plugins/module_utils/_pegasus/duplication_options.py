# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the duplication module, checked before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env_options import read_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_names import read_remote_names

STATES = ("present", "paused", "absent")
DISCARD = "discard"
UNCONFIRMED = ("wait", DISCARD)
FAIL_MODES = {"slow": "FAIL_SLOW", "skip": "FAIL_SKIP", "fast": "FAIL_FAST"}


@dataclasses.dataclass(frozen=True)
class Options:
    """Times in seconds. ``step_time`` None: to the end in one call; 0: a single look."""

    wanted: t.Tuple[Wanted, ...]
    state: str
    remote: str
    wait: bool
    max_backlog: int
    stable_samples: int
    stuck_after: float
    timeout: float
    poll_interval: float
    settle_time: float
    discard: bool
    step_time: t.Optional[float]

    @property
    def tables(self) -> t.Tuple[str, ...]:
        """The names of the source's tables."""
        return tuple(one.table for one in self.wanted)


def read_options(params: t.Mapping[str, t.Any]) -> Options:
    """The options; InvalidOption, or InvalidInput with all problems at once."""
    problems: t.List[InvalidOption] = []
    tables = read_tables(params["tables"], problems)
    remote = str(params["remote_cluster"] or "").strip()
    if not remote or any(letter.isspace() or letter in ":,/" for letter in remote):
        problems.append(
            InvalidOption(
                "remote_cluster",
                f"{params['remote_cluster']!r} is no name of a cluster",
                "Give the name that section [pegasus.clusters] of the source's configuration has for the target",
            )
        )
    names = read_remote_names(params.get("remote_tables"), tables, problems)
    state = str(params["state"])
    wait = bool(params["wait"])
    fail_mode = params.get("fail_mode")
    if state == "present" and wait and fail_mode not in (None, "slow"):
        problems.append(
            InvalidOption(
                "fail_mode",
                f"with {fail_mode} a partition looks caught up while writes are lost, so there is nothing to wait for",
                "Use slow, or wait=false",
            )
        )
    count = params.get("remote_replica_count")
    if fail_mode is None and state == "present":
        fail_mode = "slow"
    options = Options(
        wanted=tuple(
            Wanted(
                table=table,
                remote=remote,
                state=state,
                fail_mode=FAIL_MODES[fail_mode] if fail_mode and state != "absent" else None,
                remote_table=names[table] if names[table] != table else None,
                replica_count=None if count is None else as_int(count, "remote_replica_count", 1, 15),
                checkpoint=bool(params["checkpoint"]),
                force=bool(params["force"]),
                discard=params["unconfirmed"] == DISCARD,
                adopt=bool(params["adopt"]),
            )
            for table in tables
        ),
        state=state,
        remote=remote,
        wait=wait,
        max_backlog=as_int(params["max_backlog"], "max_backlog", 1),
        stable_samples=as_int(params["stable_samples"], "stable_samples", 2, 1000),
        stuck_after=parse_duration(params["stuck_after"], "stuck_after", minimum=1),
        timeout=parse_duration(params["timeout"], "timeout", minimum=1),
        poll_interval=parse_duration(params["poll_interval"], "poll_interval", minimum=0.1, maximum=600),
        settle_time=parse_duration(params["settle_time"], "settle_time", minimum=1, maximum=600),
        discard=params["unconfirmed"] == DISCARD,
        step_time=_step_time(params, wait),
    )
    if params["adopt"] and not params.get("journal"):
        problems.append(InvalidOption("adopt", "there is no journal to write it into", "Give journal, or leave it out"))
    if state == "absent" and not (wait or options.discard or params.get("journal")):
        problems.append(
            InvalidOption(
                "wait",
                "with state=absent and unconfirmed=wait, a call that does not wait writes down for the next one what "
                "must have arrived, and there is no journal to write it into",
                "Give journal and migration_id, or use wait=true, or unconfirmed=discard",
            )
        )
    raise_problems(problems)
    return options


def _step_time(params: t.Mapping[str, t.Any], wait: bool) -> t.Optional[float]:
    if params.get("step_time") not in (None, ""):
        return parse_duration(params["step_time"], "step_time", minimum=0)
    return None if wait else 0.0
