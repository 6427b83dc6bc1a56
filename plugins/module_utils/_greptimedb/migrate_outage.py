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

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import silent
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import present
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import migrate_result as mr
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import PASSING

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
    from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
    from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal


UNREACHABLE = "greptimedb.wait.cluster_unreachable"


def passes(error: MigrationError, follow: t.Mapping[str, t.Any], clock: Clock) -> bool:
    """Tell whether the run goes on after ``error``: it is a later step, it may pass, and there is time left."""
    if not follow or error.code not in PASSING:
        return False
    return clock.now().timestamp() < float(follow["deadline"])


def wait_out(error: MigrationError, follow: t.Mapping[str, t.Any], pause: float, clock: Clock) -> t.Dict[str, t.Any]:
    """Pause (seconds), and return what a step tells that saw nothing: the next one is told the same by ``follow``."""
    waits = mr.waits([], UNREACHABLE, clock.now().timestamp(), follow.get("since"))
    clock.sleep(max(0.0, min(pause, float(follow["deadline"]) - clock.now().timestamp())))
    return {
        "finished": False,
        "changed": False,
        "progress": dict(follow.get("progress") or {}),
        "waits": waits,
        "summary": error.message,
        "line": f"waiting: {error.message}",
        "events": [],
        "follow": {**follow, "since": {**(follow.get("since") or {}), **present(waits)}},
    }


def write(journal: Journal, told: t.Mapping[str, t.Any], clock: Clock) -> None:
    """Write that the run lives and what it waits for: when it begins to wait for that, and again after a while."""
    waits = present(told["waits"])
    told_before = [entry.data.get("waits") or {} for entry in journal.entries if entry.kind == "progress"]
    begins = not told_before or told_before[-1].get(UNREACHABLE) != waits[UNREACHABLE]
    if not begins and not silent(journal.entries, clock.now()):
        return
    # What was counted stays so, and nothing gets done meanwhile.
    numbers = {**told["progress"], "rate_per_minute": 0.0, "eta_seconds": None}
    records: t.List[t.Tuple[str, t.Mapping[str, t.Any]]] = [("progress", {**numbers, "waits": waits})]
    journal.append_many(records + [("wait", wait) for wait in told["waits"] if begins])
