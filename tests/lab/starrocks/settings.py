# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long things take in a simulated cluster, in lab seconds, and how big they are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class EngineSettings:
    """A pair is a span of which each occurrence draws one value.

    publish: from a transaction's commit to its visibility. insert: what an INSERT takes until its commit.
    compaction: a compaction's run, longer than the tool's metadata cycle in many cases, so that the two meet.
    compaction_score: versions since the last one that make a partition due.
    snapshot: one replication job's snapshots. copy: what one job takes beside its bytes.
    copy_bytes_per_second: of one job. routine_schedule: from NEED_SCHEDULE to RUNNING.
    stale_versions: how long shared-nothing nodes keep versions that newer ones replaced.
    crash_restart: how long a node is dead that crashed (issue #45276).
    """

    publish: tuple[float, float] = (0.1, 0.4)
    insert: tuple[float, float] = (0.02, 0.1)
    compaction: tuple[float, float] = (10.0, 240.0)
    compaction_score: int = 10
    snapshot: tuple[float, float] = (0.5, 2.0)
    copy: tuple[float, float] = (1.0, 5.0)
    copy_bytes_per_second: float = 200e6
    routine_schedule: float = 2.0
    stale_versions: float = 1800.0
    statistics: float = 300.0
    crash_restart: float = 30.0
