# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which tables a migration is about, and what is to be done with what is left of them: options, checked as a whole."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.approval import OPTION as APPROVED
from ansible_collections.dbops.migration.plugins.module_utils._core.approval import read_approved
from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env_options import read_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.plan_approval import (
    Wishes,
    read_wishes,
    wishes_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_names import (
    ALLOWED,
    LETTERS,
    read_remote_names,
)

RENAMED = "renamed"
DROPPED = "dropped"
FOLLOWER_DROPPED = "follower_dropped"
STATES = (RENAMED, DROPPED, FOLLOWER_DROPPED)


@dataclasses.dataclass(frozen=True)
class MovedTable:
    """One table: its name on the source, and the one on the target."""

    name: str
    remote: str


@dataclasses.dataclass(frozen=True)
class TableOptions:
    """The options of the module that renames and drops. ``reserve_seconds`` None: the server's own. ``cluster_name``
    "": duplication knows the source by the name that it tells.
    """

    tables: t.Tuple[MovedTable, ...]
    state: str
    suffix: str
    reserve_seconds: t.Optional[int]
    cluster_name: str


@dataclasses.dataclass(frozen=True)
class StandingOptions:
    """The options of the module that tells where tables stand. ``remote`` "": as the target says. Seconds.

    ``approved``: the hash of the plan that was approved, "" if that is not asked.
    """

    tables: t.Tuple[MovedTable, ...]
    remote: str
    soak_time: float
    wishes: Wishes
    approved: str = ""


def table_argument_spec() -> ArgumentSpec:
    """The options of ``pegasus_table`` besides those of the journal."""
    return _common(
        {
            "state": {"type": "str", "required": True, "choices": list(STATES)},
            "suffix": {"type": "str", "default": "_moved"},
            "reserve_seconds": {"type": "int"},
            "cluster_name": {"type": "str"},
        }
    )


def standing_argument_spec() -> ArgumentSpec:
    """The options of ``pegasus_table_info`` besides those of the journal."""
    return _common(
        {
            "remote_cluster": {"type": "str"},
            "soak_time": {"type": "str", "default": "0s"},
            APPROVED: {"type": "str"},
        }
    ).merge(wishes_argument_spec())


def read_table_options(params: t.Mapping[str, t.Any]) -> TableOptions:
    """The options; InvalidOption, or InvalidInput with all problems at once."""
    problems: t.List[InvalidOption] = []
    if not params.get("journal"):
        problems.append(
            InvalidOption(
                "journal", "it is not given", "Give the journal of the migration, which tells what may be touched"
            )
        )
    tables = _moved_tables(params, problems)
    suffix = str(params["suffix"])
    if not LETTERS.fullmatch(suffix):
        problems.append(InvalidOption("suffix", f"{suffix!r} cannot end the name of a table", ALLOWED))
    reserve: t.Optional[int] = None
    if params.get("reserve_seconds") is not None:
        try:
            reserve = as_int(params["reserve_seconds"], "reserve_seconds", 1)
        except InvalidOption as problem:
            problems.append(problem)
        if params["state"] == RENAMED:
            problems.append(
                InvalidOption(
                    "reserve_seconds", "a table that is renamed stays, whatever is given here", "Leave it out"
                )
            )
    raise_problems(problems)
    return TableOptions(tables, str(params["state"]), suffix, reserve, str(params.get("cluster_name") or "").strip())


def read_standing_options(params: t.Mapping[str, t.Any]) -> StandingOptions:
    """The options; InvalidOption, or InvalidInput with all problems at once."""
    wrong: t.List[InvalidOption] = []
    tables = _moved_tables(params, wrong)
    problems = OptionProblems()
    problems.found += wrong
    soak = problems.attempt(lambda: parse_duration(params["soak_time"], "soak_time", minimum=0), 0.0)
    approved = problems.attempt(lambda: read_approved(params), "")
    wishes = read_wishes(params, len(tables), problems)
    problems.raise_all()
    return StandingOptions(tables, str(params.get("remote_cluster") or "").strip(), soak, wishes, approved)


def _common(own: t.Mapping[str, t.Mapping[str, t.Any]]) -> ArgumentSpec:
    spec = ArgumentSpec({"tables": {"type": "raw", "required": True}, "remote_tables": {"type": "raw"}, **own})
    return spec.merge(connection_argument_spec(target=True))


def _moved_tables(params: t.Mapping[str, t.Any], problems: t.List[InvalidOption]) -> t.Tuple[MovedTable, ...]:
    tables = read_tables(params["tables"], problems)
    names = read_remote_names(params.get("remote_tables"), tables, problems)
    return tuple(MovedTable(name, remote) for name, remote in names.items())
