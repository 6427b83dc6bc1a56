# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration in a lab, brought to the point where it can be cut over: the sync tool runs, and has caught up."""

from __future__ import annotations

import json
import os
import pathlib
import time
import typing as t

from lab.client import LabClient
from lab.starrocks.tool_archive import build
from system.starrocks_modules import Result, connection, finish, start

FAST = {
    "meta_job_interval_seconds": 20,
    "ddl_job_interval_seconds": 2,
    "replication_job_interval_seconds": 2,
    "report_interval_seconds": 10,
}
"""The tool's intervals for a cutover, in lab seconds."""
PATIENCE = 60.0


class Migration:
    """The two clusters of a lab, with a tool and a journal in a folder. ``close`` ends the tool."""

    def __init__(self, lab: LabClient, folder: pathlib.Path) -> None:
        self.lab = lab
        self.folder = folder
        self.directory = str(folder / "tool")
        self.journal = str(folder / "journal.jsonl")

    def options(self) -> dict[str, t.Any]:
        """Both connections."""
        return {**connection(self.lab), **connection(self.lab, "target", "target_")}

    def options_of_source(self) -> dict[str, t.Any]:
        """The source's connection alone."""
        return connection(self.lab)

    def rows(self, side: str, sql: str) -> list[t.Any]:
        """What root sees of a statement, without a trace in the record."""
        return list(self.lab.foreign(cluster=side, sql=sql)["sql"][0])

    def prepare(self) -> None:
        """What the manual wants of the target: without it, some tables are made anew again and again."""
        config = {"enable_legacy_compatibility_for_replication": "true"}
        if self.lab.describe["clusters"]["target"]["run_mode"] == "shared_data":
            config["lake_compaction_max_tasks"] = "0"
        self.lab.foreign(cluster="target", config=config)

    def start_tool(self, **more: t.Any) -> Result:
        """Unpack, configure and start the stand-in. ``more``: options of the module in the place of the usual ones."""
        describe = self.lab.describe
        path, sha256 = build(self.folder, describe["factor"])
        given: dict[str, t.Any] = {
            "directory": self.directory,
            "state": "started",
            "archive": str(path),
            "archive_sha256": sha256,
            "supervisor": "session",
            "journal": str(self.folder / "tool.jsonl"),
            **FAST,
        }
        for side, prefix in (("source", ""), ("target", "target_")):
            cluster = describe["clusters"][side]
            frontend = cluster["frontends"][0]
            given[f"{side}_fe_host"] = frontend["host"]
            given[f"{side}_fe_query_port"] = frontend["query_port"]
            given[f"{side}_cluster_user"] = "root"
            given[f"{side}_run_mode"] = cluster["run_mode"]
            given[f"{prefix}address_map"] = json.dumps(cluster["address_map"])
        given["source_cluster_token"] = describe["clusters"]["source"]["token"]
        for name in ("schema_change_table", "inconsistent_partition", "inconsistent_time_partition"):
            given[f"ddl_job_allow_drop_{name}"] = True
        given["ddl_job_allow_drop_partition_target_only"] = True
        return finish(start("sync_tool", {**given, **more}))

    def stop_tool(self) -> None:
        """End it, whatever became of it."""
        if os.path.isdir(self.directory):
            finish(start("sync_tool", {"directory": self.directory, "state": "stopped", "adopt": True}))

    def compare(self, **more: t.Any) -> Result:
        """One comparison."""
        return finish(start("comparison_info", {**self.options(), **more}))

    def await_near(self, behind: int = 5) -> Result:
        """Until the target lacks little."""
        end = time.monotonic() + PATIENCE
        while True:
            found = self.compare()
            lacking = found["partitions"] - found["counts"]["equal"]
            if lacking <= behind or time.monotonic() > end:
                assert lacking <= behind, found
                return found
            time.sleep(0.5)

    def cut_over(self, check: bool = False, **more: t.Any) -> Result:
        """One call of the cutover."""
        return finish(start("cutover", self.cutover_options(**more), check))

    def cutover_options(self, **more: t.Any) -> dict[str, t.Any]:
        """What a call of the cutover gets, unless told otherwise."""
        return {
            **self.options(),
            "tool_directory": self.directory,
            "journal": self.journal,
            "budget": "60s",
            "switch_reserve": "5s",
            "quiet_time": "1s",
            "poll_interval": "300ms",
            "transaction_time": "1s",
            "copy_time": "1s",
            "meta_job_interval": f"{FAST['meta_job_interval_seconds'] / self.lab.describe['factor']}s",
            "replication_job_interval": "300ms",
            **more,
        }

    def freeze(self, **more: t.Any) -> Result:
        """One call of the freeze."""
        return finish(start("write_freeze", {**connection(self.lab), "journal": self.journal, **more}))

    def loads_refused(self) -> list[bool]:
        """The switch of every frontend of the source, as the lab knows it."""
        frontends = self.lab.state()["clusters"]["source"]["frontends"]
        return [one["config"].get("disable_load_job") == "true" for one in frontends]
