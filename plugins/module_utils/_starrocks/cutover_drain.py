# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the target's frontends still replicate after the tool has ended: jobs go on by themselves (facts 6)."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    REPLICATION,
    TransactionReader,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import text

_ENDED = ("COMMITTED", "ABORTED")


def running_replications(target: Cluster, databases: t.Collection[str]) -> t.List[str]:
    """Every job and transaction of the replication that has not ended, in words.

    Both are asked for: a job begins before its transaction, and older versions show transactions only.
    """
    found: t.List[str] = []
    if target.profile.replications_proc:
        try:
            rows = target.query("SHOW PROC '/replications'", "list the replication jobs")
        except MigrationError as error:
            if error.code != "starrocks.unknown_proc":
                raise
        else:
            found += [
                f"job {text(row.get('jobid'))} is {text(row.get('state'))} {text(row.get('progress'))}".rstrip()
                for row in rows.records()
                if text(row.get("state")).upper() not in _ENDED
            ]
    transactions = TransactionReader(target)
    ids = transactions.databases()
    for database in sorted(databases):
        if database in ids:
            found += [
                f"{database}: {one.label} is {one.status}"
                for one in transactions.running(database, ids[database])
                if one.source == REPLICATION
            ]
    return found
