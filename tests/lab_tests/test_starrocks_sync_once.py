# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync tool's stand-in, run once over a lab: everything arrives and it ends by itself."""

from __future__ import annotations

from pathlib import Path

from lab.embedded import EmbeddedLabs
from lab_tests.starrocks_support import Sql
from lab_tests.starrocks_tool import Tool

META = "SELECT DB_NAME, TABLE_NAME, PARTITION_NAME, DATA_VERSION, VERSION_EPOCH FROM information_schema.partitions_meta"


def test_one_time_mode_copies_everything_and_ends(tmp_path: Path) -> None:
    labs = EmbeddedLabs()
    try:
        lab = labs.start("starrocks", "3.5", tables=4, databases=2, rate=0, factor=150)
        tool = Tool(lab, tmp_path, one_time_run_mode="true", exclude_data_list="logistics.orders_00003")
        # Nothing may come in meanwhile, not even through the pipe: once is once.
        settings = (("source", "disable_load_job"), ("target", "enable_legacy_compatibility_for_replication"))
        for side, key in settings:
            sql = Sql(lab, side)
            sql.rows('ADMIN SET FRONTEND CONFIG ("%s" = "true")' % key)
            sql.close()
        tool.start()
        assert tool.wait() == 0
        assert "Sync job progress: 100.00%" in tool.log
        contents = []
        for side in ("source", "target"):
            sql = Sql(lab, side)
            rows = [tuple(row.values()) for row in sql.rows(META + " WHERE DB_NAME <> '_statistics_'")]
            contents.append({row for row in rows if row[1] != "orders_00003" and int(row[3]) > 1})
            sql.close()
        assert len(contents[0]) > 5
        assert contents[0] == contents[1]
    finally:
        labs.close()
