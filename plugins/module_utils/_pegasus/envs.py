# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which calls turn the app envs that were read into those that are wanted. Nothing here talks to anybody."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import requests
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import MASTER_METAS


@dataclasses.dataclass(frozen=True)
class EnvCall:
    """One request: ``op`` is ``set`` or ``del``; ``values`` belong to ``keys`` (empty for ``del``)."""

    table: str
    op: str
    keys: t.Tuple[str, ...]
    values: t.Tuple[str, ...]
    changes: t.Tuple[Change, ...]

    @property
    def request(self) -> t.Any:
        """The call as results and the journal show it."""
        return self.changes[0].request


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is wanted of one table: values by key; None: the key must be absent."""

    table: str
    envs: t.Mapping[str, t.Optional[str]]
    action: str = "set"


def resource(cluster: str, table: str, key: str) -> str:
    """The name of an env in changes and in the journal."""
    return f"pegasus:{cluster}/table/{table}/env/{key}"


def resource_prefix(cluster: str, table: str) -> str:
    """What the names of all envs of a table begin with."""
    return resource(cluster, table, "")


def read_envs(value: t.Any, state: str) -> t.Dict[str, str]:
    """The option ``envs``: a mapping, for ``absent`` also a list of keys; every problem is told at once.

    Booleans and numbers become the text that the server expects (``true``, ``10``).
    """
    problems: t.List[InvalidOption] = []
    given: t.Dict[str, t.Any] = {}
    is_list = isinstance(value, (list, tuple)) or (isinstance(value, str) and value.strip()[:1] not in ("{", ""))
    if state in ("absent", "restored") and is_list:
        given = {str(key): "" for key in as_list(value, "envs")}
    else:
        given = as_mapping(value, "envs")
    for key, item in given.items():
        if not key.strip() or key != key.strip() or "=" in key or "," in key:
            problems.append(
                InvalidOption("envs", f"{key!r} is no name of an env", "Give names such as rocksdb.usage_scenario")
            )
        elif item is None or isinstance(item, (list, tuple, t.Mapping)):
            problems.append(
                InvalidOption("envs", f"{key} has the value {item!r}", "Give text; to remove an env, use state=absent")
            )
        elif state in ("present", "exact") and not str(item).strip():
            problems.append(
                InvalidOption("envs", f"{key} has no value", "Give text; to remove an env, use state=absent")
            )
    raise_problems(problems)
    return {key: _text(item) for key, item in given.items()}


def _text(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def wanted_envs(table: str, state: str, envs: t.Mapping[str, str], prefix: str, now: t.Mapping[str, str]) -> Wanted:
    """What ``present``, ``absent`` or ``exact`` ask of a table that has the envs ``now``.

    ``exact`` speaks of the keys below ``prefix`` only, which ends with a dot as the server's own prefixes do.
    """
    if state == "absent":
        return Wanted(table, dict.fromkeys(envs))
    wanted: t.Dict[str, t.Optional[str]] = dict(envs)
    if state == "exact":
        wanted.update({key: None for key in sorted(now) if key.startswith(prefix) and key not in envs})
    return Wanted(table, wanted)


def plan_calls(cluster: str, wanted: Wanted, now: t.Mapping[str, str]) -> t.List[EnvCall]:
    """The calls that make ``now`` what is wanted: at most one that sets, then at most one that deletes.

    Deleting names each key. Clearing a prefix would also take keys that somebody adds in the meantime.
    """
    to_set = {key: value for key, value in wanted.envs.items() if value is not None and now.get(key) != value}
    to_delete = [key for key, value in wanted.envs.items() if value is None and key in now]
    calls = []
    if to_set:
        keys, values = tuple(to_set), tuple(to_set.values())
        calls.append(_call(cluster, wanted, "set", keys, values, now))
    if to_delete:
        calls.append(_call(cluster, wanted, "del", tuple(to_delete), (), now))
    return calls


def _call(
    cluster: str,
    wanted: Wanted,
    op: str,
    keys: t.Tuple[str, ...],
    values: t.Tuple[str, ...],
    now: t.Mapping[str, str],
) -> EnvCall:
    request = requests.update_app_env(wanted.table, op, keys, values).describe()
    changes = tuple(
        Change(resource(cluster, wanted.table, key), wanted.action, now.get(key), wanted.envs[key], request)
        for key in keys
    )
    return EnvCall(wanted.table, op, keys, values, changes)


def others_changed(
    before: t.Mapping[str, str], after: t.Mapping[str, str], ours: t.Container[str]
) -> t.Dict[str, t.Dict[str, t.Optional[str]]]:
    """Envs that we did not touch and that are not as before: a change of the whole map took them along, or brought."""
    return {
        key: {"before": before.get(key), "after": after.get(key)}
        for key in sorted(set(before) | set(after))
        if key not in ours and before.get(key) != after.get(key)
    }


def left_in_replicas(cluster: str, wanted: t.Sequence[Wanted], now: t.Mapping[str, t.Mapping[str, str]]) -> t.List[str]:
    """What deleting the marks of a duplication does not change, as warnings. ``now``: envs by table.

    A replica keeps the envs that it was made with in its own ``.app-info``, which only building it anew rewrites. It
    parses this one when it starts, and from 2.6 on aborts where a name does not resolve.
    """
    tables: t.Dict[str, t.List[str]] = {}
    for one in wanted:
        metas = now[one.table].get(MASTER_METAS)
        # What is put back to nothing was set by us, after the replicas were made.
        deleted = one.action != RESTORE and one.envs.get(MASTER_METAS, "") is None
        if metas and deleted:
            tables.setdefault(metas, []).append(one.table)
    return [
        f"The replicas of {', '.join(names)} on {cluster} keep the addresses of the old meta servers ({metas}) in "
        "their own files until they are rebuilt. From 2.6 on, host names among these must resolve until then, or those "
        "replica servers will not start."
        for metas, names in tables.items()
    ]
