# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual's cutover, done by a person who is never slow: writes stopped, the tool's log watched, then compared.

"Stop writes to the source cluster. Verify Sync job progress reaches and remains at 100% after writes stop." The tool
runs as it is shipped (metadata every 180 s, a report every 300 s). This person stops writes on every frontend at once,
sees a report the moment it is written, looks at both of its lines (jobs, and tables that are behind), and compares the
data versions of all partitions as the manual shows it. If the log was too early with its 100 %, the next report is
waited for. That it *remains* so, for one more report, is not waited for.
"""

from __future__ import annotations

import pathlib
import random
import re
import time
import typing as t

import pymysql

from bench import starrocks_labs as labs
from bench.starrocks_labs import Runs, Shape, SyncTool
from bench.starrocks_windows import PATIENCE, Window, longest
from bench.workshop import RunFailed, folder
from lab.client import LabClient

REPORT_INTERVAL = 300.0
VERSIONS = (
    "SELECT DB_NAME, TABLE_NAME, PARTITION_NAME, DATA_VERSION FROM information_schema.partitions_meta"
    " WHERE DB_NAME NOT IN ('_statistics_', 'information_schema', 'sys')"
)
_COUNT = re.compile(r"(\w+(?: table)?): (\d+)")
_LEFT = ("ddlPending", "jobPending", "sent", "running", "failed", "unknown", "expired table")


def manual(shape: Shape) -> Window:
    """One cutover by hand. Its own comparison counts in the machine's seconds, as its speed is not the lab's."""
    home = folder(f"w5-manual-{shape.seed}")
    with Runs(home) as runs, labs.laboratory(shape) as lab, SyncTool(lab, runs) as tool:
        _report(tool.log, 0)
        time.sleep(random.Random(shape.seed).uniform(0, REPORT_INTERVAL) / shape.factor)
        seen = tool.log.stat().st_size
        lab.foreign(cluster="source", config={"disable_load_job": "true"})
        stopped = float(labs.clusters(lab)["time"])
        early = 0
        while True:
            text, seen = _report(tool.log, seen)
            at = float(labs.clusters(lab)["time"])
            if not nothing_left(text):
                continue
            began = time.monotonic()
            versions = _versions(lab, "source")
            if versions == _versions(lab, "target"):
                break
            early += 1
        seconds = at - stopped + (time.monotonic() - began)
        transfer = longest(labs.clusters(lab), stopped, at)
        missing = int(lab.ledger()["missing_on"]["target"])
        return Window(seconds, transfer, len(versions), missing, early=early)


def nothing_left(report: str) -> bool:
    """Whether the two lines of a report say that everything has arrived."""
    counts = {name: int(number) for name, number in _COUNT.findall(report)}
    return (
        "Sync job progress: 100.00%" in report
        and counts.get("total", 0) > 0
        and not any(counts.get(name, 0) for name in _LEFT)
    )


def _report(log: pathlib.Path, seen: int) -> tuple[str, int]:
    """The next report behind so many bytes of the log, and where it ends."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        data = log.read_bytes()[seen:] if log.exists() else b""
        lines = data.splitlines(keepends=True)
        for number, line in enumerate(lines):
            if b"Sync table progress" in line and line.endswith(b"\n"):
                text = b"".join(one for one in lines[: number + 1] if b"progress" in one)
                return text.decode(), seen + sum(map(len, lines[: number + 1]))
        time.sleep(0.02)
    raise RunFailed(f"{log}: no report")


def _versions(lab: LabClient, side: str) -> dict[tuple[t.Any, ...], int]:
    """Data versions by database, table and partition."""
    host, _colon, port = lab.describe["clusters"][side]["address"][0].partition(":")
    connection = pymysql.connect(host=host, port=int(port), user="root", read_timeout=120, ssl_disabled=True)
    with connection, connection.cursor() as cursor:
        cursor.execute(VERSIONS)
        return {tuple(row[:3]): int(row[3]) for row in cursor.fetchall()}
