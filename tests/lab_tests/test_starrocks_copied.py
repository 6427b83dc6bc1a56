# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab whose target holds everything already: as the sync tool would have left it, and for the tool nothing to do."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.starrocks_support import Sql
from lab_tests.starrocks_tool import Tool

PARTITIONS = (
    "SELECT DB_NAME, TABLE_NAME, PARTITION_NAME, DATA_VERSION, VERSION_EPOCH, ROW_COUNT, VERSION_TXN_TYPE"
    " FROM information_schema.partitions_meta WHERE DB_NAME <> '_statistics_'"
)
AMOUNT: dict[str, t.Any] = {"databases": 2, "tables": 12, "partitions": 3}


def by_name(sql: Sql) -> dict[tuple[str, ...], dict[str, t.Any]]:
    """Partitions by database, table and name."""
    return {(row["DB_NAME"], row["TABLE_NAME"], row["PARTITION_NAME"]): row for row in sql.rows(PARTITIONS)}


@pytest.mark.parametrize("mode", ["shared_nothing", "shared_data"])
def test_a_copied_target_is_equal_and_nobody_wrote_to_it(starrocks_lab: LabFactory, mode: str) -> None:
    lab = starrocks_lab("4.1", mode=mode, copied=True, **AMOUNT)
    source, target = by_name(Sql(lab)), by_name(Sql(lab, "target"))
    assert len(source) == 11 * 3 + 1
    assert set(source) == set(target)
    for name, row in source.items():
        kind = target[name].pop("VERSION_TXN_TYPE")
        assert row.pop("VERSION_TXN_TYPE") == "TXN_NORMAL"
        assert kind == ("TXN_REPLICATION" if row["DATA_VERSION"] > 1 else "TXN_NORMAL")
        if row["DATA_VERSION"] > 1:
            assert row == target[name]


@pytest.mark.thorough
def test_the_tool_finds_nothing_to_do(starrocks_lab: LabFactory, tmp_path: Path) -> None:
    lab = starrocks_lab("4.1", copied=True, factor=20, **AMOUNT)
    lab.foreign(sql=["PAUSE ROUTINE LOAD FOR sales.from_kafka_0", "ALTER PIPE sales.from_files_0 SUSPEND"])
    tool = Tool(lab, tmp_path, meta_job_interval_seconds="5", report_interval_seconds="5")
    tool.start()
    try:
        text = tool.until(lambda log: log.count("Sync table progress") > 2)
    finally:
        tool.close()
    assert "Execute ddl" not in text
    assert "unfinished table: 12, expired table: 0." in text.splitlines()[-1]
