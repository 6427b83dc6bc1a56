# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo-pegasus: move a table of 64 partitions to another simulated Pegasus cluster while clients write to it."""

from __future__ import annotations

import pathlib
import sys
import typing as t

from demo import pegasus_summary, stage

TABLE = "temp"


def variables(described: t.Mapping[str, t.Any], home: pathlib.Path) -> dict[str, t.Any]:
    """The variables of the playbook."""
    return {
        "pegasus_meta_servers": described["clusters"]["source"]["metas"],
        "pegasus_target_meta_servers": described["clusters"]["target"]["metas"],
        "pegasus_tables": [TABLE],
        "pegasus_metaproxies": described["metaproxies"],
        "pegasus_zookeeper_hosts": described["zookeeper"]["hosts"],
        "pegasus_zookeeper_root": described["zookeeper"]["root"],
        # Servers up to 2.5 hold back the last mutation of each partition for up to 200 s.
        "pegasus_budget": "60s" if described["profile"] >= "2.6" else "6m",
        "pegasus_soak_time": "5s",
        "pegasus_source_tables": "kept",
        "pegasus_migration_id": f"demo-{TABLE}",
        "pegasus_journal": str(home / "journal.jsonl"),
        "pegasus_report": str(home / "report.html"),
    }


def connect(described: t.Mapping[str, t.Any]) -> str:
    """How a person reaches the clusters."""
    source, target = described["clusters"]["source"], described["clusters"]["target"]
    return "\n".join(
        [
            f"Pegasus {source['version']} (simulated), {source['name']}: {','.join(source['metas'])}",
            f"Pegasus {target['version']} (simulated), {target['name']}: {','.join(target['metas'])}",
            f"ZooKeeper (real): {described['zookeeper']['hosts']}; MetaProxy: {','.join(described['metaproxies'])}",
        ]
    )


def summary(run: stage.Run) -> str:
    """The closing words."""
    return pegasus_summary.text(run, TABLE)


def wrong(run: stage.Run) -> list[str]:
    """What the closing words must not say."""
    found = pegasus_summary.forecast_of(run.home / "journal.jsonl", TABLE) is not None
    return pegasus_summary.wrong(run.client.ledger(), run.written, run.ok, found, (run.home / "report.html").exists())


DEMO = stage.Demo(
    engine="pegasus",
    profile="2.6",
    starting="Starting the lab: two clusters (3 meta, 5 replica servers each), ZooKeeper, MetaProxy, clients ...",
    lab=("--partitions", "64", "--clients", "8", "--rate", "200", "--table", TABLE, "--meta-level", "lively"),
    variables=variables,
    connect=connect,
    summary=summary,
    wrong=wrong,
)

if __name__ == "__main__":
    sys.exit(stage.main(DEMO))
