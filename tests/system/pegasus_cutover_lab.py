# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutovers against a lab: options, runs, and what the lab says of the tables afterwards."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
import typing as t

from lab.client import LabClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = str(pathlib.Path(__file__).with_name("pegasus_cutover_driver.py"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'build' / 'collections'}"}
SETTLE_SECONDS = 90.0

Result = t.Dict[str, t.Any]


class Cutovers:
    """One lab whose tables all have a duplication in DS_LOG; the journal of each table is a file of its own."""

    def __init__(self, lab: LabClient, folder: pathlib.Path, budget: str = "60s") -> None:
        self.lab = lab
        self.factor = float(lab.describe["factor"])
        self.began = time.time()
        self._folder = folder
        self._budget = budget

    def options(self, table: str, **more: t.Any) -> dict[str, t.Any]:
        describe = self.lab.describe
        place = describe["zookeeper"] or {}
        return {
            "meta_servers": describe["clusters"]["source"]["metas"],
            "target_meta_servers": describe["clusters"]["target"]["metas"],
            "connect_timeout": "3s",
            "rpc_timeout": "10s",
            "tables": [table],
            "state": "cut_over",
            "switch": "metaproxy" if place else "hand_over",
            "metaproxies": describe["metaproxies"],
            "budget": self._budget,
            "max_lag": 10000,
            "last_mutation": "strict",
            "config_sync_interval": "1s",
            "group_size": 1,
            "zookeeper_hosts": place.get("hosts"),
            "zookeeper_root": place.get("root"),
            "zookeeper_timeout": "10s",
            "journal": self.journal(table),
            "migration_id": table,
            **more,
        }

    def journal(self, table: str) -> str:
        return str(self._folder / f"{table}.jsonl")

    def start(
        self, table: str, check: bool = False, kill: t.Mapping[str, str] | None = None, **more: t.Any
    ) -> subprocess.Popen[str]:
        given = {
            "options": self.options(table, **more),
            "check": check,
            "factor": self.factor,
            "began": self.began,
            "kill": kill,
        }
        return subprocess.Popen(
            [sys.executable, DRIVER, json.dumps(given)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
        )

    def run(self, table: str, check: bool = False, **more: t.Any) -> Result:
        """A run to its end."""
        return finish(self.start(table, check, **more))

    def killed(self, table: str, at: str, who: str, **more: t.Any) -> Result | None:
        """A run that is struck; None when the module itself was killed."""
        process = self.start(table, kill={"at": at, "who": who}, **more)
        out, err = process.communicate(timeout=120)
        if process.returncode == -9:
            return None
        assert out, err
        return t.cast(Result, json.loads(out))

    # What the lab says.

    def app(self, table: str, cluster: str = "source") -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.lab.state()["clusters"][cluster]["apps"][table])

    def denied(self, table: str) -> list[str]:
        """The partitions whose primary denies something now."""
        return [index for index, one in self.app(table)["partitions"].items() if one["deny"]]

    def intervals(self) -> set[str]:
        nodes = self.lab.state()["clusters"]["source"]["nodes"].values()
        return {node["config"]["config_sync_interval_ms"] for node in nodes if node["alive"]}

    def points_at(self, table: str) -> str:
        return str(json.loads(self.lab.state()["znodes"][table])["cluster_name"])

    def writable(self, table: str) -> bool:
        """Whether clients can write: the source takes writes, or the znode says target."""
        if self.lab.describe["zookeeper"] and self.points_at(table) == "onebox-b":
            return True
        return not self.denied(table) and "replica.deny_client_request" not in self.app(table)["envs"]

    def sent(self) -> list[str]:
        """Mutating requests in the lab's record."""
        return [one["request"] for one in self.lab.requests(mutating=True)]

    def guard_events(self, table: str) -> list[str]:
        path = pathlib.Path(self.journal(table) + ".guard.jsonl")
        lines = path.read_text().splitlines() if path.exists() else []
        return [str(json.loads(line)["event"]) for line in lines]

    def until(self, condition: t.Callable[[], bool], lab_seconds: float = SETTLE_SECONDS) -> float:
        """Wait; the lab seconds that it took. AssertionError when it does not come."""
        began = time.monotonic()
        while not condition():
            assert (time.monotonic() - began) * self.factor < lab_seconds, "it did not come"
            time.sleep(0.02)
        return (time.monotonic() - began) * self.factor


def finish(process: subprocess.Popen[str]) -> Result:
    """The result of a run that is under way."""
    out, err = process.communicate(timeout=240)
    assert out, err
    return t.cast(Result, json.loads(out))


def duplicate(lab: LabClient, tables: t.Sequence[str], seconds: float = 120.0) -> None:
    """Give every table a duplication, and wait until all ship."""
    for table in tables:
        lab.foreign(table=table, add_duplication={"remote": "onebox-b"})
    apps: t.Callable[[dict[str, t.Any]], list[dict[str, t.Any]]] = lambda state: [
        state["clusters"]["source"]["apps"][table] for table in tables
    ]

    def ready(state: dict[str, t.Any]) -> bool:
        return all(
            bool(one["duplicators"]) and all(known["status"] == "DS_LOG" for known in one["duplicators"].values())
            for app in apps(state)
            for one in app["partitions"].values()
        )

    lab.wait_for(ready, seconds)
    # The meta server has said so to every primary by now; the last one's pipeline starts right after.
    time.sleep(2 / float(lab.describe["factor"]))
