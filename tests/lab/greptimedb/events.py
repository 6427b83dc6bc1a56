# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""greptime_private.events: the history that metasrv writes through a frontend, late and best effort (facts 3.4)."""

from __future__ import annotations

import json
import typing as t

from lab.greptimedb.cluster import Cluster


class Events:
    """Rows of the events table; the table exists from the first event on."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.rows: list[dict[str, t.Any]] = []

    @property
    def exists(self) -> bool:
        """True when the table has been created."""
        return bool(self.rows)

    def migration(self, pid: str, status: str, error: str, facts: t.Mapping[str, t.Any]) -> None:
        """Write the row of a migration's new status, after a moment."""
        if self._cluster.meta.events:
            row = dict(
                facts,
                type="region_migration",
                procedure_id=pid,
                procedure_state=status,
                procedure_error=error,
                timestamp=self._cluster.clock.timestamp(self._cluster.clock.now()),
                payload=json.dumps({"timeout": "%ds" % facts["timeout"]}),
            )
            del row["timeout"]
            self._cluster.spawn(self._append(row))

    async def _append(self, row: dict[str, t.Any]) -> None:
        await self._cluster.pause("event_delay")
        if self._cluster.frontend_up:
            self.rows.append(row)
