# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory with configs, and a journal in which a migration has set some."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_settings import (
    Forgotten,
    find_forgotten,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import COMPACTION, LEGACY
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks import freeze_world

THREADS = "replication_threads"
CONFIG = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")
KINDS = {COMPACTION: "int", LEGACY: "boolean"}


class World(freeze_world.World):
    """Each frontend and node with configs of its own; ``read`` is who was asked for what, in order."""

    def __init__(self, version: str = "3.5.1") -> None:
        super().__init__(version)
        self.configs = {name: {COMPACTION: "0", LEGACY: "true"} for name in self.values}
        self.node_values = {"1": "7", "2": "7"}
        self.dead_nodes: t.Set[str] = set()
        self.read: t.List[str] = []
        self._known: t.Tuple[Frontend, ...] = ()

    def frontends(self, refresh: bool = False) -> t.Tuple[Frontend, ...]:
        """As they were when somebody last wanted to know anew."""
        if refresh or not self._known:
            self._known = super().frontends()
        return self._known

    def query_on(self, frontend: Frontend, sql: str, doing: str) -> Rows:
        self._reach(frontend)
        found = re.search('CONFIG LIKE "(.*)"', sql)
        assert found, sql
        key = found.group(1).replace("\\", "")
        self.read.append(f"{frontend.name} {key}")
        value = self.configs[frontend.name].get(key)
        return Rows(CONFIG, () if value is None else ((key, "[]", value, KINDS.get(key, "String"), "true", ""),))

    def query(self, sql: str, doing: str) -> Rows:
        assert "information_schema.be_configs" in sql
        self.read.append("nodes")
        rows = [(one, THREADS, value, "int", "1") for one, value in self.node_values.items()]
        return Rows(("BE_ID", "NAME", "VALUE", "TYPE", "MUTABLE"), tuple(rows))

    def nodes(self, refresh: bool = False) -> t.Tuple[Node, ...]:
        self.read.append("list of nodes")
        return tuple(
            Node("BE", one, f"n{one}", 9050, 9060, 8040, one not in self.dead_nodes, False, "", None, "")
            for one in self.node_values
        )


class Story:
    """A journal in which this migration has set configs of cluster 77."""

    def __init__(self) -> None:
        self.entries: t.List[Entry] = []

    def add(self, kind: str, **data: t.Any) -> None:
        seq = len(self.entries)
        self.entries.append(Entry(seq=seq, at="2026-11-21T03:14:00.000Z", kind=kind, data=data, prev="", hash=str(seq)))

    def change(self, place: str, key: str, before: str, after: str, status: str = "done") -> None:
        change_id = f"c{len(self.entries)}"
        data = {"id": change_id, "resource": f"starrocks:77/{place}/config/{key}", "before": before, "after": after}
        context = {"type": KINDS.get(key, "int")}
        self.add("change.intent", action="set", request={}, context=context, **data)
        if status:
            self.add("change.outcome", id=change_id, status=status)

    def on_frontends(self, key: str, before: str, after: str) -> None:
        for number in range(3):
            self.change(f"fe/h{number}:{9030 + number}", key, before, after)

    def find(self, world: World) -> t.Tuple[Forgotten, ...]:
        return find_forgotten("target", t.cast(Cluster, world), self.entries)


def settings() -> Story:
    """Compactions off and the legacy way on, everywhere, and more threads on both nodes."""
    story = Story()
    story.on_frontends(COMPACTION, "-1", "0")
    story.on_frontends(LEGACY, "false", "true")
    for node in ("1", "2"):
        story.change(f"node/{node}", THREADS, "4", "7")
    return story
