# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What has to be sent so that every frontend holds what it held before us: from the journal, frontend by frontend."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import restore_record
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import Past, decide
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_plan import Target
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend

_RESOURCE = re.compile(r"(?P<cluster>starrocks:[^/]+)/fe/(?P<address>.+)/config/(?P<key>[^/]+)")


@dataclasses.dataclass(frozen=True)
class Restoring:
    """One config: what every living frontend should hold, what was decided, and whether fe.conf must be written."""

    key: str
    targets: t.Tuple[Target, ...]
    records: t.Tuple[t.Dict[str, t.Any], ...]
    persistent: bool

    @property
    def unknown(self) -> t.List[str]:
        """Resources that could not be read, so that they stay to be restored."""
        return [str(record["resource"]) for record in self.records if record["action"] == "unknown"]


def resource(cluster_id: str, frontend: Frontend, key: str) -> str:
    """The name of one frontend's config in changes and in the journal."""
    return f"{resource_prefix(cluster_id)}{frontend.address}/config/{key}"


def resource_prefix(cluster_id: str) -> str:
    """What the names of all configs of a cluster's frontends begin with."""
    return f"starrocks:{cluster_id}/fe/"


def recorded_keys(past: t.Mapping[str, Past], asked: t.Sequence[str]) -> t.List[str]:
    """The configs that the journal has changes of, the last one changed first: procedures are undone in reverse."""
    first: t.Dict[str, int] = {}
    for name, one in past.items():
        key = _split(name)[1]
        if not asked or key in asked:
            first[key] = min(one.order, first.get(key, one.order))
    return sorted(first, key=lambda key: -first[key])


def plan_restore(
    cluster_id: str, key: str, past: t.Mapping[str, Past], table: Table, members: t.Sequence[Frontend]
) -> Restoring:
    """One config, three-way on every frontend.

    :param table: what living frontends hold
    :param members: all frontends that the cluster has, the dead ones too
    """
    mine = {name: one for name, one in past.items() if _split(name)[1] == key}
    addresses = {frontend.address for frontend in members}
    targets: t.List[Target] = []
    records: t.List[t.Dict[str, t.Any]] = []
    for frontend, rows in table.items():
        row = rows.get(key)
        if row is None:
            continue
        name = resource(cluster_id, frontend, key)
        wanted = row.value
        one = mine.get(name)
        if one is not None:
            decision = decide(one, row.value)
            wanted = one.original if decision.action == "restore" else row.value
            records.append(restore_record(name, one, row.value, decision))
        targets.append(Target(frontend, name, row.value, wanted, row.kind))
    seen = {str(record["resource"]) for record in records}
    for name, one in mine.items():
        if name not in seen:
            record = restore_record(name, one, None, decide(one, None))
            if _split(name)[0] not in addresses:
                record.update(action="gone", reason="the cluster has no such frontend any more")
            records.append(record)
    theirs = any(record["action"] == "keep_theirs" for record in records)
    persistent = any(one.persistent for one in mine.values()) and not theirs and bool(targets)
    return Restoring(key, tuple(targets), tuple(records), persistent)


def _split(name: str) -> t.Tuple[str, str]:
    """(address, key) of a resource."""
    match = _RESOURCE.fullmatch(name)
    return (match.group("address"), match.group("key")) if match else ("", "")
