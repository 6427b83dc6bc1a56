# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Talking to the leader, or through another frontend where the leader is silent to us alone."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend


class Voice:
    """What load jobs are read and told through. Every frontend forwards DDL to the leader, and SHOW PROC of
    transactions too (facts 4.3, 8); of jobs it knows what the leader has written down.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._through: t.Optional[Frontend] = None

    def choose(self, look: fs.SwitchLook) -> None:
        """The leader, unless it did not answer this look and another frontend did."""
        self._through = None if look.leader in look.values else look.speaker

    def query(self, sql: str, doing: str) -> Rows:
        """A read."""
        if self._through is None:
            return self._cluster.query(sql, doing)
        return self._cluster.query_on(self._through, sql, doing)

    def execute(self, sql: str, doing: str) -> Rows:
        """A change, sent once."""
        if self._through is None:
            return self._cluster.execute(sql, doing)
        return self._cluster.execute_on(self._through, sql, doing)
