# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the app env module, checked before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.envs import read_envs
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY, DENY_VALUES

STATES = ("present", "absent", "exact", "restored")


@dataclasses.dataclass(frozen=True)
class Options:
    """``envs``: values by key (empty for ``absent``). ``prefix`` ends with a dot, or is empty. Times in seconds."""

    tables: t.Tuple[str, ...]
    state: str
    envs: t.Mapping[str, str]
    prefix: str
    wait_propagated: bool
    propagation_timeout: float
    ignore_missing: bool = False


def read_options(params: t.Mapping[str, t.Any]) -> Options:
    """The options; InvalidOption, or InvalidInput with all problems at once."""
    state = str(params["state"])
    prefix = str(params.get("prefix") or "").strip()
    prefix = prefix if not prefix or prefix.endswith(".") else f"{prefix}."
    problems: t.List[InvalidOption] = []
    tables = read_tables(params["tables"], problems)
    given = read_envs(params.get("envs"), state)
    if state == "exact" and not prefix:
        problems.append(
            InvalidOption(
                "prefix", "it is not given", "state=exact deletes what is not listed, so say below which prefix"
            )
        )
    if state != "exact" and prefix:
        problems.append(InvalidOption("prefix", f"it has no meaning with state={state}", "Leave it out"))
    outside = [key for key in given if state == "exact" and prefix and not key.startswith(prefix)]
    if outside:
        problems.append(
            InvalidOption("envs", f"{', '.join(outside)} is not below the prefix {prefix}", "Set it with state=present")
        )
    if state in ("present", "absent") and not given:
        problems.append(InvalidOption("envs", "there is none", f"state={state} needs at least one"))
    value = given.get(DENY_KEY)
    if state in ("present", "exact") and value is not None and value not in DENY_VALUES:
        problems.append(
            InvalidOption("envs", f"{DENY_KEY} cannot be {value!r}", f"Give one of {', '.join(DENY_VALUES)}")
        )
    ignore = bool(params.get("ignore_missing"))
    if ignore and state not in ("absent", "restored"):
        problems.append(
            InvalidOption("ignore_missing", f"with state={state} a table is needed to set something", "Leave it out")
        )
    timeout = parse_duration(params["propagation_timeout"], "propagation_timeout", minimum=1, maximum=3600)
    raise_problems(problems)
    return Options(tables, state, given, prefix, bool(params["wait_propagated"]), timeout, ignore)


def read_tables(value: t.Any, problems: t.List[InvalidOption], option: str = "tables") -> t.Tuple[str, ...]:
    """Names of tables, each once; what is wrong is added to ``problems``."""
    tables = []
    for item in as_list(value, option):
        name = item.strip() if isinstance(item, str) else ""
        if not name or any(letter.isspace() or letter in "/\\" for letter in name):
            problems.append(
                InvalidOption(option, f"{item!r} is no name of a table", "Give names as the cluster lists them")
            )
        elif name in tables:
            problems.append(InvalidOption(option, f"{name} is given twice", "Name every table once"))
        else:
            tables.append(name)
    if not tables and not problems:
        problems.append(InvalidOption(option, "there is none", "Name at least one table"))
    return tuple(tables)
