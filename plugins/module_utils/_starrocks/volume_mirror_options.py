# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the mirror module, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope, read_scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    TARGET,
    Connection,
    connection_argument_spec,
    source_and_target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_credentials import (
    CREDENTIALS,
    ByVolume,
    read_credentials,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_options import read_properties
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_plan import ALWAYS, ON_CREATE
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_use import Destinations

PRESENT, ABSENT = "present", "absent"
PROPERTIES = "properties"


@dataclasses.dataclass(frozen=True)
class Options:
    """``source`` is None for ``absent``, which contacts the target only. ``bucket_timeout`` in seconds."""

    state: str
    source: t.Optional[Connection]
    target: Connection
    scope: Scope
    destinations: Destinations
    credentials: ByVolume = dataclasses.field(repr=False)
    properties: t.Mapping[str, t.Mapping[str, str]]
    update_credentials: str
    check_buckets: bool
    bucket_timeout: float
    warnings: t.Tuple[str, ...]


def mirror_argument_spec() -> ArgumentSpec:
    """The options besides the journal's."""
    spec = ArgumentSpec(
        {
            "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
            "include_data_list": {"type": "raw"},
            "exclude_data_list": {"type": "raw"},
            "target_cluster_storage_volume": {"type": "str"},
            "target_cluster_use_builtin_storage_volume_only": {"type": "bool", "default": False},
            CREDENTIALS: {"type": "raw", "no_log": True, "fallback": (env_fallback, ["STARROCKS_VOLUME_CREDENTIALS"])},
            PROPERTIES: {"type": "raw"},
            "update_credentials": {
                "type": "str",
                "choices": [ON_CREATE, ALWAYS],
                "default": ON_CREATE,
                "no_log": False,
            },
            "check_buckets": {"type": "bool", "default": True},
            "bucket_timeout": {"type": "str", "default": "20s"},
        }
    )
    return spec.merge(connection_argument_spec()).merge(connection_argument_spec(TARGET))


def read_options(params: t.Mapping[str, t.Any]) -> Options:
    """The options; InvalidOption, or InvalidInput with all problems at once."""
    problems = OptionProblems()
    state = str(params.get("state") or PRESENT)
    source: t.Optional[Connection] = None
    target: t.Optional[Connection] = None
    if state == ABSENT:
        target = problems.attempt(lambda: Connection.from_params(params, TARGET))
    else:
        source, target = problems.attempt(lambda: source_and_target(params)) or (None, None)
    scope = problems.attempt(lambda: read_scope(params))
    timeout = problems.attempt(
        lambda: parse_duration(params.get("bucket_timeout"), "bucket_timeout", minimum=1, maximum=600)
    )
    wrong: t.List[InvalidOption] = []
    warnings: t.List[str] = []
    credentials = read_credentials(params, wrong)
    properties: t.Dict[str, t.Dict[str, str]] = {}
    for name, raw in (problems.attempt(lambda: as_mapping(params.get(PROPERTIES), PROPERTIES)) or {}).items():
        properties[name] = read_properties(raw, f"{PROPERTIES}[{name}]", wrong, warnings)
    problems.found += wrong
    volume = str(params.get("target_cluster_storage_volume") or "").strip()
    builtin_only = bool(params.get("target_cluster_use_builtin_storage_volume_only"))
    if problems.found or target is None or scope is None or timeout is None:
        raise problems.error()
    return Options(
        state=state,
        source=source,
        target=target,
        scope=scope,
        destinations=Destinations(builtin_only, volume),
        credentials=credentials,
        properties=properties,
        update_credentials=str(params.get("update_credentials") or ON_CREATE),
        check_buckets=bool(params.get("check_buckets", True)),
        bucket_timeout=timeout,
        warnings=tuple(warnings),
    )
