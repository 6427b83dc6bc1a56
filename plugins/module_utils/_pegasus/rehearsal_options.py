# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of a rehearsal, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import OBEY_NOTHING
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_options as co
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env_options import read_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import (
    Connection,
    connection_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import zookeeper_argument_spec

PRESENT = "present"
ABSENT = "absent"
STATES = (PRESENT, co.CUT_OVER, ABSENT)
PREFIX = "dbops_rehearsal_"
"""What the name of every shadow table begins with, so that a person sees at once what it is."""
_ASKED = (
    "budget", "config_sync_interval", "last_mutation", "max_lag", "metaproxies", "remote_cluster", "switch",
    "target_meta_addrs",
)  # fmt: skip
"""The options of a cutover that its rehearsal has, too, besides where the clusters and ZooKeeper are."""
_MOST_PARTITIONS = 64


@dataclasses.dataclass(frozen=True)
class RehearsalOptions:
    """``table`` "": the journal's, or a new name. ``timeout``: seconds until the shadow table must be whole."""

    connection: Connection
    state: str
    table: str
    partition_count: int
    replica_count: int
    records: int
    timeout: float


def rehearsal_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal: those of a cutover, and those of the shadow table."""
    cutover = co.cutover_argument_spec().argument_spec
    spec = connection_argument_spec(target=True).merge(zookeeper_argument_spec())
    return spec.merge(
        ArgumentSpec(
            {
                **{name: cutover[name] for name in _ASKED},
                "cluster_name": {"type": "str"},
                "state": {"type": "str", "required": True, "choices": list(STATES)},
                "table": {"type": "str"},
                "partition_count": {"type": "int", "default": 8},
                "replica_count": {"type": "int", "default": 3},
                "records": {"type": "int", "default": 100},
                "timeout": {"type": "str", "default": "5m"},
            }
        )
    )


def read_rehearsal_options(params: t.Mapping[str, t.Any]) -> RehearsalOptions:
    """The options; InvalidOption, or InvalidInput with all problems at once."""
    problems: t.List[InvalidOption] = []
    if not params.get("journal"):
        problems.append(
            InvalidOption(
                "journal",
                "it is not given",
                "Give a journal for the rehearsal alone; it tells the shadow table from tables of others",
            )
        )
    table = str(params.get("table") or "").strip()
    if table:
        read_tables([table], problems, "table")
        if not table.startswith(PREFIX):
            problems.append(
                InvalidOption(
                    "table",
                    f"{table!r} does not begin with {PREFIX}",
                    f"Give such a name, or none: then it is {PREFIX} and some letters",
                )
            )
    numbers = {"partition_count": 0, "replica_count": 0, "records": 0}
    limits = {"partition_count": (1, _MOST_PARTITIONS), "replica_count": (1, 7), "records": (1, 10000)}
    for name, (least, most) in limits.items():
        try:
            numbers[name] = as_int(params[name], name, least, most)
        except InvalidOption as problem:
            problems.append(problem)
    count = numbers["partition_count"]
    if count & (count - 1):
        problems.append(InvalidOption("partition_count", f"{count} is no power of two", "Give 4, 8, 16, 32 or 64"))
    timeout = 1.0
    try:
        timeout = parse_duration(params["timeout"], "timeout", minimum=1, maximum=86400)
    except InvalidOption as problem:
        problems.append(problem)
    raise_problems(problems)
    return RehearsalOptions(Connection.from_params(params), str(params["state"]), table, timeout=timeout, **numbers)


def cutover_params(params: t.Mapping[str, t.Any], table: str, state: str = co.CUT_OVER) -> t.Dict[str, t.Any]:
    """The parameters of the cutover of the shadow table, as its own module would get them. No pause holds it."""
    defaults = {name: option.get("default") for name, option in co.cutover_argument_spec().argument_spec.items()}
    given = {name: params[name] for name in defaults if name in params}
    own = {name: value for name, value in params.items() if name not in defaults}
    fixed = {"tables": [table], "state": state, "group_size": 1, "control": OBEY_NOTHING}
    return {**defaults, **own, **given, **fixed}
