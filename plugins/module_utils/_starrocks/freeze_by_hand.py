# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How a freeze is ended without this collection, told before there is anything to end."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_jobs import LoadJob
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend


def lift_command(cluster: Cluster, jobs: t.Sequence[LoadJob]) -> str:
    """One line for a shell with MySQL's own client. It asks for the password; ``jobs`` are those that are paused."""
    username = cluster.connection.username
    frontends = [one for one in cluster.frontends() if one.alive]
    off = f'ADMIN SET FRONTEND CONFIG ("{fs.KEY}" = "{fs.OFF}");'
    resume = " ".join(f"{job.resume_sql()};" for job in jobs)
    leader = next((one for one in frontends if one.role == "LEADER"), frontends[0] if frontends else None)
    if leader is None:
        return ""
    return _client(cluster, leader, username, f"{off} {resume}".strip())


def same_host_note(cluster: Cluster) -> str:
    """Frontends on the leader's host, which the leader does not tell; "" when there are none."""
    frontends = [one for one in cluster.frontends() if one.alive]
    leaders = [one for one in frontends if one.role == "LEADER"]
    alone = [one for one in frontends for leader in leaders if one != leader and one.host == leader.host]
    if not alone:
        return ""
    paths = ", ".join(f"http://{one.host}:<http_port>/api/_set_config?{fs.KEY}={fs.OFF}" for one in alone)
    return f" The frontends {', '.join(one.address for one in alone)} must be told for themselves ({paths})."


def _client(cluster: Cluster, frontend: Frontend, username: str, sql: str) -> str:
    at = cluster.reach(frontend)
    return f"mysql -h {shlex.quote(at.host)} -P {at.port} -u {shlex.quote(username)} -p -e {shlex.quote(sql)}"
