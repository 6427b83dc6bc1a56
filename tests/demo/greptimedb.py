# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo-greptimedb: drain one datanode of a simulated GreptimeDB cluster under load, and show what came of it."""

from __future__ import annotations

import pathlib
import sys
import typing as t

from demo import greptimedb_summary, stage

DRAINED = 1


def variables(described: t.Mapping[str, t.Any], home: pathlib.Path) -> dict[str, t.Any]:
    """The variables of the playbook."""
    return {
        "greptimedb_frontend_host": described["frontend"]["host"],
        "greptimedb_frontend_port": described["frontend"]["mysql_port"],
        "greptimedb_metasrv_addrs": [one["grpc"] for one in described["metasrv"]],
        "greptimedb_metasrv_http_addrs": [one["http"] for one in described["metasrv"]],
        "greptimedb_datanode_http_addrs": {number: one["http"] for number, one in described["datanodes"].items()},
        "greptimedb_migration_id": f"demo-drain-datanode-{DRAINED}",
        "greptimedb_strategy": "drain",
        "greptimedb_datanodes": [DRAINED],
        "greptimedb_journal": str(home / "journal.jsonl"),
        "greptimedb_plan_file": str(home / "plan.yml"),
        "greptimedb_report": str(home / "report.html"),
    }


def connect(described: t.Mapping[str, t.Any]) -> str:
    """How a person reaches the cluster."""
    frontend = described["frontend"]
    return (
        f"GreptimeDB {described['version']} (simulated): mysql -h {frontend['host']} -P {frontend['mysql_port']}"
        f" -u {described.get('username') or 'root'} public"
    )


def summary(run: stage.Run) -> str:
    """The closing words."""
    return greptimedb_summary.text(run, drained=DRAINED)


DEMO = stage.Demo(
    engine="greptimedb",
    profile="1.1",
    starting="Starting the lab: metasrv, frontend, four datanodes, 60 regions, writers ...",
    lab=("--datanodes", "4", "--regions", "60", "--writers", "4"),
    variables=variables,
    connect=connect,
    summary=summary,
)

if __name__ == "__main__":
    sys.exit(stage.main(DEMO))
