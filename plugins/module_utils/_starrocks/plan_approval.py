# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a person approves before databases move: which ones, between which clusters, with which settings, how long."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping, as_mapping_list
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration, parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope, read_scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import cutover_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import Settings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_properties import as_property, is_secret

FORMAT = 1
_TIMES = ("budget", "quiet_time", "switch_reserve")
_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Approvable:
    """The part of the plan that the options say; the rest is what the clusters need.

    ``times``: seconds by option. ``properties``: those of the sync tool that are given, without secrets.
    ``nodes``: settings of nodes by option, each ``(key, value)``. ``archive``: checksum of the tool's archive.
    """

    scope: Scope
    times: t.Mapping[str, float]
    properties: t.Mapping[str, str]
    nodes: t.Mapping[str, t.Sequence[t.Tuple[str, str]]]
    switch_tasks: str
    archive: str


def approvable_argument_spec() -> ArgumentSpec:
    """Those options of later steps that say what they will do, with their own defaults."""
    theirs = cutover_argument_spec().argument_spec
    return ArgumentSpec(
        {
            **{name: theirs[name] for name in (*_TIMES, "include_data_list", "exclude_data_list")},
            "sync_properties": {"type": "raw"},
            "source_node_settings": {"type": "raw"},
            "target_node_settings": {"type": "raw"},
            "switch_tasks": {"type": "path"},
            "archive_sha256": {"type": "str"},
        }
    )


def read_approvable(params: t.Mapping[str, t.Any], problems: OptionProblems) -> Approvable:
    """The options; everything that is wrong with them is added to the problems."""
    nothing: t.Dict[str, t.Any] = {}
    given = problems.attempt(lambda: as_mapping(params.get("sync_properties"), "sync_properties"), nothing)
    properties: t.Dict[str, str] = {}
    for name, value in given.items():
        if is_secret(name):
            fix = "Leave it out, it is no part of the plan"
            problems.add(f"sync_properties.{name}", "it is a secret", fix)
        else:
            properties[name] = problems.attempt(functools.partial(as_property, name, value), "")
    return Approvable(
        scope=problems.attempt(lambda: read_scope(params), Scope()),
        times={
            name: problems.attempt(functools.partial(parse_duration, params[name], name, minimum=0), 0.0)
            for name in _TIMES
        },
        properties=properties,
        nodes={
            name: problems.attempt(functools.partial(_node_settings, params.get(name), name), [])
            for name in ("source_node_settings", "target_node_settings")
        },
        switch_tasks=str(params.get("switch_tasks") or ""),
        archive=str(params.get("archive_sha256") or "").strip().lower(),
    )


def _node_settings(value: t.Any, option: str) -> t.List[t.Tuple[str, str]]:
    return sorted((str(one.get("key")), _text(one.get("value"))) for one in as_mapping_list(value, option))


def _text(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def plan_of(source: str, target: str, path: str, settings: Settings, options: Approvable) -> t.Dict[str, t.Any]:
    """The plan as plain data, the same for the same wishes however they were written down.

    :param source: the source's ClusterId
    :param target: the target's
    :param path: the run modes of both
    """

    def configs(rows: t.Sequence[t.Mapping[str, t.Any]]) -> t.List[t.List[t.Any]]:
        return [[str(one.get("key")), _text(one.get("value"))] for one in rows]

    return {
        "format": FORMAT,
        "engine": "starrocks",
        "source": source,
        "target": target,
        "path": path,
        "scope": options.scope.as_result(),
        "source_settings": configs(settings.source),
        "target_settings": configs(settings.target),
        "target_variables": dict(settings.target_variables),
        "compaction_off": settings.compaction_off,
        **{name: [list(one) for one in rows] for name, rows in options.nodes.items()},
        "sync_properties": dict(options.properties),
        "tool_archive_sha256": options.archive,
        "switch_tasks": options.switch_tasks,
        **options.times,
    }


def describe(plan: t.Mapping[str, t.Any]) -> str:
    """The plan in a few words."""
    included = plan["scope"]["include"]
    what = ", ".join(included[:_SHOWN]) + (f" and {len(included) - _SHOWN} more" if len(included) > _SHOWN else "")
    left_out = f" without {len(plan['scope']['exclude'])} names" if plan["scope"]["exclude"] else ""
    settings = len(plan["source_settings"]) + len(plan["target_settings"])
    return (
        f"{what or 'all databases'}{left_out} from {plan['source']} to {plan['target']} ({plan['path']}), {settings}"
        f" settings of frontends, writes refused for at most {format_duration(plan['budget'])}"
    )
