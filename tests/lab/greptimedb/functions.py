# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Admin functions: migrate_region, procedure_state, flush and their like, for ADMIN and SELECT (facts 1, 3)."""

from __future__ import annotations

import asyncio
import json
import re
import typing as t
import uuid

from lab.greptimedb.datanode import NodeDown
from lab.greptimedb.errors import ServerError
from lab.greptimedb.metasrv import Metasrv
from lab.greptimedb.model import Region, Table

Arg = t.Union[int, float, str, None]
READING = frozenset(("procedure_state",))
UUID = re.compile(r"^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$")
_SINCE = {
    "migrate_region": "0.7.0",
    "procedure_state": "0.7.0",
    "flush_region": "0.7.0",
    "flush_table": "0.7.0",
    "compact_region": "0.7.0",
    "compact_table": "0.7.0",
    "reconcile_table": "0.15.5",
    "reconcile_database": "0.15.5",
    "reconcile_catalog": "0.15.5",
    "gc_regions": "1.0.0",
    "gc_table": "1.0.0",
    "build_index": "1.0.0",
}


class AdminFunctions:
    """The admin functions of the frontend's version. Each returns (column kind, value)."""

    def __init__(self, metasrv: Metasrv, standalone: bool) -> None:
        self.metasrv = metasrv
        self.cluster = metasrv.cluster
        self.standalone = standalone

    def known(self, name: str) -> bool:
        """True when this version has the function."""
        return name in _SINCE and self.cluster.profile.version >= _SINCE[name]

    def kind(self, name: str) -> str:
        """Column kind of a function's result."""
        return "u64" if name.startswith(("flush_", "compact_", "gc_", "build_")) else "string"

    async def call(self, name: str, args: t.Sequence[Arg], schema: str) -> t.Any:
        """Run a function; raises ServerError."""
        self._check_arguments(name, args)
        if None in args:
            return None
        if name == "migrate_region":
            return await self._migrate(args)
        if name == "procedure_state":
            return await self._state(str(args[0]))
        if name in ("flush_region", "compact_region"):
            return await self._on_regions([self._region(int(t.cast(int, args[0])))], name)
        if name in ("flush_table", "compact_table"):
            return await self._on_regions(self._table(str(args[0]), schema).regions, name)
        return str(uuid.uuid4()) if name.startswith("reconcile_") else 0

    def _check_arguments(self, name: str, args: t.Sequence[Arg]) -> None:
        numbers = name in ("migrate_region", "flush_region", "compact_region", "gc_regions")
        counts = {"migrate_region": (3, 4), "reconcile_catalog": (0, 3)}.get(name, (1, 4))
        right_type = all(a is None or isinstance(a, str) != numbers for a in args)
        if not counts[0] <= len(args) <= counts[1] or not right_type:
            raise ArgumentError("function signature not match")

    async def _migrate(self, args: t.Sequence[Arg]) -> str | None:
        if self.standalone:
            raise ServerError("Unsupported", "Unsupported operation migrate_region")
        await self.metasrv.with_leader()
        numbers = [int(t.cast(int, a)) for a in args]
        timeout = float(numbers[3]) if len(numbers) > 3 else self.cluster.profile.default_timeout_sql
        return await self.metasrv.submit(numbers[0], numbers[1], numbers[2], timeout)

    async def _state(self, pid: str) -> str:
        if not UUID.match(pid):
            raise ServerError("InvalidArguments", "Failed to parse procedure id: %s" % pid)
        await self.metasrv.with_leader()
        status, error = self.metasrv.state(str(uuid.UUID(pid)))
        state = {"status": status}
        if error:
            state["error"] = error
        return json.dumps(state, separators=(",", ":"))

    def _region(self, region_id: int) -> Region:
        region = self.cluster.regions.get(region_id)
        if region is None:
            table = self.cluster.tables.get(region_id >> 32)
            if table is not None and table.physical is not None:
                for candidate in table.physical.regions:
                    if candidate.number == region_id & 0xFFFFFFFF:
                        return candidate
            raise ServerError("RegionNotFound", "Failed to find table route for %d" % (region_id >> 32))
        return region

    def _table(self, name: str, schema: str) -> Table:
        parts = name.split(".")
        table = self.cluster.table_by_name(parts[-2] if len(parts) > 1 else schema, parts[-1])
        if table is None:
            raise ServerError("TableNotFound", "Table not found: %s" % name)
        return table.physical or table

    async def _on_regions(self, regions: t.Sequence[Region], name: str) -> int:
        async def one(region: Region) -> None:
            node = self.cluster.nodes.get(-1 if region.cached_leader is None else region.cached_leader)
            if node is None or not node.alive:
                raise ServerError("Internal", "transport error: tcp connect error")
            if node.id not in region.replicas:
                region.cached_leader = region.leader
                raise ServerError("RegionNotFound", "Region not found, region id: %s" % region.text)
            if not region.replicas[node.id].writable:
                raise ServerError(*self.cluster.profile.write_refused(region.text))
            if name.startswith("flush"):
                try:
                    await node.flush(region)
                except NodeDown:
                    raise ServerError("Internal", "transport error: connection reset") from None

        await asyncio.gather(*(one(region) for region in regions))
        return 0


class ArgumentError(ServerError):
    """Arguments that do not fit: never wrapped as an execution error."""

    def __init__(self, problem: str) -> None:
        super().__init__("InvalidArguments", "Failed to build admin function args: %s" % problem)
