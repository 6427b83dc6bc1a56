# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module_util is private: it may change in any release.

"""A later step of a run that finds the cluster out of reach: a frontend restarts, a metasrv leader is elected.

Within a step an outage is waited out; at the beginning of one it must not end the run either. Only a run that has not
reached the cluster once says so at once, because there the options are wrong more often than the cluster is away.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import migrate_result as mr
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import PASSING

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
    from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError


def passes(error: MigrationError, follow: t.Mapping[str, t.Any], clock: Clock) -> bool:
    """Tell whether the run goes on after ``error``: it is a later step, it may pass, and there is time left."""
    if not follow or error.code not in PASSING:
        return False
    return clock.now().timestamp() < float(follow["deadline"])


def wait_out(error: MigrationError, follow: t.Mapping[str, t.Any], pause: float, clock: Clock) -> t.Dict[str, t.Any]:
    """Pause (seconds), and return what a step tells that saw nothing: the next one is told the same by ``follow``."""
    clock.sleep(max(0.0, min(pause, float(follow["deadline"]) - clock.now().timestamp())))
    return {
        "finished": False,
        "changed": False,
        "progress": dict(follow.get("progress") or {}),
        "waits": mr.waits([], "greptimedb.wait.cluster_unreachable", clock.now().timestamp()),
        "summary": error.message,
        "line": f"waiting: {error.message}",
        "events": [],
        "follow": dict(follow),
    }
