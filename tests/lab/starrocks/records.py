# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frontends, backends and compute nodes as records; times are lab seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

LEADER, FOLLOWER, OBSERVER = "LEADER", "FOLLOWER", "OBSERVER"
BACKEND, COMPUTE_NODE = "BE", "CN"
GB = 10**9


@dataclass
class Frontend:
    """One FE. ``host`` is the made-up private address that SHOW FRONTENDS prints; the ports are the real ones.

    ``config`` is this FE's own memory: key -> text as ADMIN SHOW prints it, every item of its version. ``fe_conf`` is
    what its file set beside the defaults when it was read. ``started`` is when the process began. ``version``: empty
    for the cluster's. ``clock_skew``: by how many seconds its host's clock is ahead.
    """

    id: int
    name: str
    host: str
    role: str
    query_port: int = 0
    http_port: int = 0
    rpc_port: int = 0
    edit_log_port: int = 9010
    alive: bool = True
    config: dict[str, str] = field(default_factory=dict)
    fe_conf: dict[str, str] = field(default_factory=dict)
    started: float = 0.0
    error: str = ""
    version: str = ""
    clock_skew: float = 0.0


@dataclass
class Node:
    """One BE or CN; sizes in bytes. ``version``: empty for the cluster's."""

    id: int
    kind: str
    host: str
    heartbeat_port: int = 9050
    be_port: int = 9060
    http_port: int = 8040
    brpc_port: int = 8060
    alive: bool = True
    decommissioned: bool = False
    config: dict[str, str] = field(default_factory=dict)
    disk_total: int = 2000 * GB
    disk_used: int = 400 * GB
    started: float = 0.0
    error: str = ""
    version: str = ""
    warehouse: str = "default_warehouse"

    @property
    def disk_used_percent(self) -> float:
        """Of its disks, in percent."""
        return 100.0 * self.disk_used / self.disk_total
