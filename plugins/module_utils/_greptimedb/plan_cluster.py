# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The cluster as a planner looks at it: live datanodes, physical regions by node and table, names to tables."""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    ALIVE,
    DEAD,
    SUSPECT,
    Node,
    Procedure,
    Region,
    Table,
)

_WILD = frozenset("*?[")


@dataclasses.dataclass(frozen=True)
class ClusterState:
    """What planning looks at.

    ``procedures``: active region migrations, None where the server has no such list (before 0.9.4). ``only_schema``:
    the schema whose tables are all that could be listed (before 0.8 without a frontend), else None.
    """

    nodes: t.Sequence[Node]
    regions: t.Sequence[Region]
    tables: t.Sequence[Table]
    procedures: t.Optional[t.Sequence[Procedure]]
    only_schema: t.Optional[str] = None


class ClusterView:
    """Look-ups over one state. Everything is in the order of ids, so that plans do not depend on chance."""

    def __init__(self, state: ClusterState) -> None:
        self.datanodes: t.Dict[int, Node] = {
            node.id: node for node in sorted(state.nodes, key=lambda node: node.id) if node.kind == "datanode"
        }
        ordered = sorted(state.regions, key=lambda region: region.region_id)
        self.regions: t.Dict[int, Region] = {region.region_id: region for region in ordered if not region.logical}
        # Up to 0.8.2 a logical table lists its physical table's regions: those ids can be migrated all the same.
        self.logical: t.Dict[int, Region] = {
            region.region_id: region for region in ordered if region.logical and region.region_id not in self.regions
        }
        self._logical_tables: t.Dict[str, str] = {}
        self._tables: t.Set[str] = {region.qualified for region in self.regions.values()}
        named: t.List[t.Union[Region, Table]] = [*state.tables, *ordered]
        for one in named:
            if one.logical and one.physical_table:
                self._logical_tables[one.qualified] = _qualify(one.physical_table, one.schema)
        self._tables -= set(self._logical_tables)
        self._migrating: t.Optional[t.Set[int]] = None
        if state.procedures is not None:
            self._migrating = {
                region
                for procedure in state.procedures
                if procedure.active and procedure.is_region_migration
                for region in procedure.region_ids
            }

    def is_alive(self, datanode: int) -> bool:
        """Only positive evidence counts: suspect and unknown are not alive."""
        node = self.datanodes.get(datanode)
        return node is not None and node.alive == ALIVE

    def why_not_alive(self, datanode: int) -> str:
        """A phrase that says what is known of a datanode that is not alive."""
        node = self.datanodes.get(datanode)
        if node is None:
            return f"datanode {datanode} is not in the cluster"
        silent = "" if node.active_seconds is None else f" (last heard of {node.active_seconds:.0f} s ago)"
        if node.alive == DEAD:
            return f"datanode {datanode} is not alive{silent}"
        if node.alive == SUSPECT:
            return f"datanode {datanode} has missed a heartbeat{silent}"
        return f"it is not known whether datanode {datanode} is alive"

    def busy(self, region: Region) -> t.Optional[str]:
        """Why a move of the region would collide with something that runs now, else None."""
        if self._migrating is not None:
            if region.region_id in self._migrating:
                return "another migration of it is running; plan again when that has ended"
            return None
        if region.degraded:
            return f"its leader is {region.leader_status}, so another migration of it may be running; plan again later"
        return None

    def stuck(self, region: Region) -> bool:
        """Its leader refuses writes and no migration of it is running: only a new migration clears that."""
        return region.degraded and self._migrating is not None and region.region_id not in self._migrating

    def load(self) -> t.Dict[str, t.Dict[str, t.Optional[int]]]:
        """Datanode id (as text) -> leaders of physical regions and their bytes, None where a size is not known."""
        load: t.Dict[str, t.Dict[str, t.Optional[int]]] = {
            str(datanode): {"regions": 0, "bytes": 0} for datanode in self.datanodes
        }
        for region in self.regions.values():
            if region.leader_peer is None:
                continue
            entry = load.setdefault(str(region.leader_peer), {"regions": 0, "bytes": 0})
            entry["regions"] = (entry["regions"] or 0) + 1
            held = entry["bytes"]
            entry["bytes"] = None if held is None or region.size_bytes is None else held + region.size_bytes
        return load

    def physical_of(self, region: Region) -> t.Optional[Region]:
        """The physical region that a logical table's region stands for: the same number in the physical table."""
        if not region.physical_table:
            return None
        table = _qualify(region.physical_table, region.schema)
        for one in self.regions.values():
            if one.qualified == table and one.number == region.number:
                return one
        return None

    def known_datanodes(self) -> str:
        """The ids to choose from, for messages."""
        return ", ".join(str(datanode) for datanode in self.datanodes) or "none, no datanode is known"

    def unknown_datanodes(self, datanodes: t.Iterable[int], option: str) -> t.List[InvalidOption]:
        """One problem per id that the cluster does not have."""
        return [
            InvalidOption(option, f"datanode {one} is not in the cluster", f"Choose among {self.known_datanodes()}")
            for one in datanodes
            if one not in self.datanodes
        ]

    def select_tables(
        self, names: t.Sequence[str], option: str, problems: t.List[InvalidOption]
    ) -> t.Tuple[t.Set[str], t.List[str]]:
        """The physical tables that the names mean, and a note per logical table that was replaced by its physical one.

        A name is ``schema.table`` or ``table`` (of the schema ``public``) and may hold ``*``, ``?`` and ``[]``.
        """
        selected: t.Set[str] = set()
        notes: t.List[str] = []
        for name in names:
            wanted = _qualify(name, "public")
            if _WILD & set(wanted):
                found = {one for one in self._tables if fnmatch.fnmatchcase(one, wanted)}
                logical = sorted(one for one in self._logical_tables if fnmatch.fnmatchcase(one, wanted))
            else:
                found = {wanted} & self._tables
                logical = [wanted] if wanted in self._logical_tables else []
            for one in logical:
                physical = self._logical_tables[one]
                found.add(physical)
                notes.append(f"Table {one} is logical: its rows are in {physical}, all of whose tables move together.")
            if not found:
                problems.append(self._no_table(name, wanted, option))
            selected |= found
        return selected, notes

    def _no_table(self, name: str, wanted: str, option: str) -> InvalidOption:
        close = difflib.get_close_matches(wanted, sorted(self._tables | set(self._logical_tables)), n=1)
        hint = f"Did you mean {close[0]}" if close else "Give existing tables as schema.table"
        return InvalidOption(option, f"there is no table {name!r} with regions", hint)


def _qualify(name: str, schema: str) -> str:
    return name if "." in name else f"{schema}.{name}"
