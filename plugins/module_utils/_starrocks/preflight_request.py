# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What preflight is asked to look at, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import preflight_view as views
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope, read_scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    TARGET,
    Connection,
    connection_argument_spec,
    source_and_target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_login import ToolLogin
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_properties import (
    KINDS,
    LOGINS,
    SECRETS,
    TOKEN,
    as_property,
    is_secret,
    lonely_keys,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_use import Destinations

PROPERTIES = "sync_properties"
_LISTS = ("include_data_list", "exclude_data_list")
_ELSEWHERE = ("source_fe_host", "source_fe_query_port", "target_fe_host", "target_fe_query_port")


@dataclasses.dataclass(frozen=True)
class PreflightRequest:
    """The options. ``properties`` as the sync tool's file would have them; times in seconds.

    ``logins``: of the sync tool, as far as they were given.
    """

    source: Connection
    target: Connection
    scope: Scope
    properties: t.Mapping[str, str]
    token: str = dataclasses.field(repr=False)
    logins: t.Tuple[ToolLogin, ...]
    create_sync_users: bool
    duration: float
    probe_ports: bool
    port_timeout: float
    inventory: bool
    deep: bool
    switch_tasks_found: t.Optional[bool] = None

    @property
    def destinations(self) -> Destinations:
        """Where the tables go, between shared-data clusters."""
        builtin_only = self.properties.get("target_cluster_use_builtin_storage_volume_only") == "true"
        return Destinations(builtin_only, self.properties.get("target_cluster_storage_volume", ""))


def preflight_argument_spec() -> ArgumentSpec:
    """The options besides journal and acceptances."""
    spec = ArgumentSpec(
        {
            "include_data_list": {"type": "raw"},
            "exclude_data_list": {"type": "raw"},
            PROPERTIES: {"type": "raw"},
            **{
                name: {"type": "str", "no_log": name in SECRETS, "fallback": (env_fallback, [variable])}
                for name, variable in LOGINS.items()
            },
            "create_sync_users": {"type": "bool", "default": False},
            "expected_duration": {"type": "str", "default": "24h"},
            "probe_ports": {"type": "bool", "default": True},
            "port_timeout": {"type": "str", "default": "3s"},
            "inventory": {"type": "bool", "default": True},
            "deep": {"type": "bool", "default": False},
            "switch_tasks_found": {"type": "bool"},
            "fail_on_blocker": {"type": "bool", "default": True},
        }
    )
    return spec.merge(connection_argument_spec()).merge(connection_argument_spec(TARGET))


def read_request(params: t.Mapping[str, t.Any]) -> PreflightRequest:
    """The request of a module's parameters.

    :raises InvalidOption: one option is wrong
    :raises InvalidInput: several are; all are told at once
    """
    problems = OptionProblems()
    connections = problems.attempt(lambda: source_and_target(params))
    properties = _properties(params, problems)
    lists = {name: params.get(name) or properties.get(name) for name in _LISTS}
    for name in _LISTS:
        if params.get(name) and properties.get(name):
            fix = "Give the list once, best as the option"
            problems.add(name, f"it is in {PROPERTIES} too", fix)
    scope = problems.attempt(lambda: read_scope(lists))
    token = problems.attempt(lambda: as_property(TOKEN, params.get(TOKEN) or ""), "")
    problems.found += lonely_keys(params)
    duration = problems.attempt(lambda: parse_duration(params.get("expected_duration"), "expected_duration"))
    timeout = problems.attempt(lambda: parse_duration(params.get("port_timeout"), "port_timeout", maximum=60))
    if problems.found or connections is None or scope is None or duration is None or timeout is None:
        raise problems.error()
    return PreflightRequest(
        source=connections[0],
        target=connections[1],
        scope=scope,
        properties=properties,
        token=token,
        logins=tuple(_logins(params)),
        create_sync_users=bool(params.get("create_sync_users", False)),
        duration=duration,
        probe_ports=bool(params.get("probe_ports", True)),
        port_timeout=timeout,
        inventory=bool(params.get("inventory", True)),
        deep=bool(params.get("deep", False)),
        switch_tasks_found=params.get("switch_tasks_found"),
    )


def _logins(params: t.Mapping[str, t.Any]) -> t.Iterator[ToolLogin]:
    for role in (views.SOURCE, views.TARGET):
        user = str(params.get(f"{role}_cluster_user") or "").strip()
        if user:
            key = params.get(f"{role}_cluster_password_secret_key")
            yield ToolLogin(role, user, str(params.get(f"{role}_cluster_password") or ""), bool(key))


def _properties(params: t.Mapping[str, t.Any], problems: OptionProblems) -> t.Dict[str, str]:
    found: t.Dict[str, str] = {}
    given = problems.attempt(lambda: as_mapping(params.get(PROPERTIES), PROPERTIES)) or {}
    for name, value in given.items():
        if is_secret(name):
            fix = f"Leave it out; only the token matters here, and it goes into {TOKEN}"
            problems.add(f"{PROPERTIES}.{name}", "it is a secret", fix)
        elif name in _ELSEWHERE:
            fix = "Leave it out; the clusters are those of frontends and target_frontends"
            problems.add(f"{PROPERTIES}.{name}", "it is not looked at", fix)
        elif name not in KINDS:
            fix = "Correct the name; it is not in the vendor's manual"
            problems.add(f"{PROPERTIES}.{name}", "no release of the sync tool has it", fix)
        else:
            converted = problems.attempt(functools.partial(as_property, name, value))
            if converted is not None:
                found[name] = converted
    return found
