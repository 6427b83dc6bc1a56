# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a person approves before tables move: which ones, between which clusters, how clients are switched, how long.

The options are those of the cutover. They are read here too, so that every phase can tell the same plan.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration, parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import (
    HAND_OVER,
    KEEP,
    METAPROXY,
    cutover_argument_spec,
    read_group_size,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import parse_addresses
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import (
    HOSTS,
    ROOT,
    TIMEOUT,
    read_place,
)

FORMAT = 1
_CUTOVER = (
    "budget", "config_sync_interval", "group_size", "last_mutation", "max_lag", "metaproxies", "switch",
    "target_meta_addrs", HOSTS, ROOT, TIMEOUT,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Wishes:
    """How the cutover is to be. ``budget`` in seconds; ``interval`` in seconds, None: left alone. ``switch_tasks``: the
    path of the operator's tasks, "" where MetaProxy is switched.
    """

    switch: str
    switch_tasks: str
    proxies: t.Tuple[str, ...]
    zookeeper: str
    addresses: t.Tuple[str, ...]
    budget: float
    max_lag: int
    last_mutation: str
    interval: t.Optional[float]
    group_size: int


@dataclasses.dataclass(frozen=True)
class Table:
    """One table: its name on the source and the target, and its app id on the source, None if it is not there.

    A table that was dropped and made again under the same name is another table.
    """

    name: str
    remote: str
    app_id: t.Optional[int]


def wishes_argument_spec() -> ArgumentSpec:
    """Those options of the cutover that say what it will do, with its own defaults."""
    theirs = cutover_argument_spec().argument_spec
    return ArgumentSpec(
        {
            **{name: theirs[name] for name in _CUTOVER},
            "switch_tasks": {"type": "path"},
        }
    )


def read_wishes(params: t.Mapping[str, t.Any], tables: int, problems: OptionProblems) -> Wishes:
    """The wishes for so many tables; everything that is wrong with them is added to the problems.

    What only the cutover needs may be missing, because the phases before it do not need it.
    """
    by_proxy = params["switch"] == METAPROXY
    interval: t.Optional[float] = None
    if str(params["config_sync_interval"]).strip() != KEEP:
        interval = problems.attempt(lambda: parse_duration(params["config_sync_interval"], "config_sync_interval"), 0.0)
    zookeeper = ""
    if by_proxy and params.get(HOSTS) and params.get(ROOT):
        place = problems.attempt(lambda: read_place(params))
        zookeeper = "" if place is None else f"{place.connect_string}{place.root}"
    proxies: t.Tuple[str, ...] = ()
    if by_proxy:
        proxies = problems.attempt(lambda: parse_addresses(params.get("metaproxies"), "metaproxies"), ())
    return Wishes(
        switch=str(params["switch"]),
        switch_tasks=str(params.get("switch_tasks") or "") if params["switch"] == HAND_OVER else "",
        proxies=proxies,
        zookeeper=zookeeper,
        addresses=problems.attempt(lambda: parse_addresses(params.get("target_meta_addrs"), "target_meta_addrs"), ()),
        budget=problems.attempt(lambda: parse_duration(params["budget"], "budget", minimum=1, maximum=86400), 0.0),
        max_lag=problems.attempt(lambda: as_int(params["max_lag"], "max_lag", 0), 0),
        last_mutation=str(params["last_mutation"]),
        interval=interval,
        group_size=read_group_size(params, tables, problems),
    )


def plan_of(tables: t.Sequence[Table], source: str, target: str, wishes: Wishes) -> t.Dict[str, t.Any]:
    """The plan as plain data, the same for the same wishes however they were written down.

    :param source: the source's name, as it tells it
    :param target: the target's, as duplication knows it
    """
    return {
        "format": FORMAT,
        "engine": "pegasus",
        "source": source,
        "target": target,
        "tables": sorted([one.name, one.remote, one.app_id] for one in tables),
        "switch": wishes.switch,
        "switch_tasks": wishes.switch_tasks,
        "metaproxies": sorted(wishes.proxies),
        "zookeeper": wishes.zookeeper,
        "target_meta_addrs": sorted(wishes.addresses),
        "budget": wishes.budget,
        "max_lag": wishes.max_lag,
        "last_mutation": wishes.last_mutation,
        "config_sync_interval": wishes.interval,
        "group_size": wishes.group_size,
    }


def describe(plan: t.Mapping[str, t.Any]) -> str:
    """The plan in a few words."""
    names = [row[0] for row in plan["tables"]]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    way = f"by {len(plan['metaproxies'])} MetaProxies" if plan["switch"] == METAPROXY else "by your own tasks"
    return (
        f"{shown} from {plan['source']} to {plan['target'] or 'a target of unknown name'}, switched {way},"
        f" writes refused for at most {format_duration(plan['budget'])}"
    )
