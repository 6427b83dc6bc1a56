# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab as a process of its own, and how long the largest one takes to start and to answer."""

from __future__ import annotations

import time

import pytest

from lab import process
from lab_tests.starrocks_support import Sql

COMPARISON = (
    "SELECT DB_NAME, TABLE_NAME, PARTITION_NAME, VISIBLE_VERSION, DATA_VERSION, VERSION_EPOCH, VERSION_TXN_TYPE,"
    " ROW_COUNT, DATA_SIZE, IS_TEMP FROM information_schema.partitions_meta"
    " WHERE DB_NAME NOT IN ('_statistics_', 'information_schema', 'sys')"
)


@pytest.mark.thorough
def test_100000_partitions_are_listed_in_seconds() -> None:
    began = time.monotonic()
    options = {"tables": 10_000, "partitions": 11, "databases": 20, "rate": 0, "no_s3": True}
    with process.start("starrocks", "4.1", mode="shared_data", **options) as lab:
        started = time.monotonic()
        sql = Sql(lab, frontend=1)
        rows = sql.rows(COMPARISON)
        listed = time.monotonic()
        tables = sql.rows("SELECT TABLE_SCHEMA, TABLE_NAME, PROPERTIES FROM information_schema.tables_config")
    assert len(rows) == 100_000
    assert len(tables) == 10_001
    # Generous: the machine may be busy. On an idle one it takes 4 s to start and 2 s to list.
    assert started - began < 40
    assert listed - started < 30


def test_a_lab_of_its_own_is_started_and_stopped() -> None:
    with process.start(
        "starrocks", "3.5", tables=2, rate=0, same_host=True, fe_conf="catalog_trash_expire_second=9"
    ) as lab:
        assert lab.describe["s3"] is None
        assert lab.describe["tool"]["sha256"]
        assert Sql(lab, "target", 2).config("catalog_trash_expire_second") == "9"
        hosts = [frontend["host"] for frontend in lab.describe["clusters"]["target"]["frontends"]]
        assert hosts == ["10.2.0.11", "10.2.0.11", "10.2.0.12"]
        assert lab.state()["engine"] == "starrocks"
