# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pegasus role's variables for a lab, and what the lab tells of a run afterwards."""

from __future__ import annotations

import os
import pathlib
import signal
import typing as t

from bench import guards
from lab.client import LabClient

SMALL: dict[str, t.Any] = {"engine": "pegasus", "partitions": 8, "clients": 2, "rate": 40, "meta_level": "lively"}
DENY = "replica.deny_client_request"


def variables(lab: LabClient, folder: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    """The role's variables for a lab. The config-sync intervals stay, because the lab's clock is faster than ours."""
    described = lab.describe
    found: dict[str, t.Any] = {
        "pegasus_meta_servers": described["clusters"]["source"]["metas"],
        "pegasus_target_meta_servers": described["clusters"]["target"]["metas"],
        "pegasus_tables": described["tables"],
        "pegasus_poll_interval": "0.5s",
        "pegasus_config_sync_interval": "keep",
        "pegasus_budget": "6m",
        "pegasus_journal": str(folder / "journal.jsonl"),
        "pegasus_migration_id": "move-temp",
        "pegasus_report": str(folder / "report.html"),
    }
    if described["zookeeper"]:
        found["pegasus_metaproxies"] = described["metaproxies"]
        found["pegasus_zookeeper_hosts"] = described["zookeeper"]["hosts"]
        found["pegasus_zookeeper_root"] = described["zookeeper"]["root"]
    return {**found, **more}


def mutating(lab: LabClient) -> list[str]:
    return [one["request"] for one in lab.requests(mutating=True)]


def apps(lab: LabClient, side: str) -> dict[str, t.Any]:
    """The tables of a cluster that are there, by name."""
    return dict(lab.state()["clusters"][side]["apps"])


def levels(lab: LabClient) -> list[str]:
    clusters = lab.state()["clusters"]
    return [clusters[side]["meta_level"] for side in ("source", "target")]


def as_before(lab: LabClient, tables: t.Sequence[str] = ("temp",)) -> None:
    """Nothing of a migration is left to be seen, and the clients write to the source."""
    for table in tables:
        source = apps(lab, "source")[table]
        assert source["envs"] == {}
        assert source["duplications"] == {}
        assert not source["duplicating"]
        assert {one["deny"] for one in source["partitions"].values()} == {""}
        assert table not in apps(lab, "target")
    assert levels(lab) == ["lively", "lively"]
    writing_to(lab, "source")


def writing_to(lab: LabClient, side: str) -> None:
    """The clients are on that cluster, get their writes acknowledged there, and have lost none."""
    ledger = lab.ledger()
    assert ledger["authority"] == side
    assert ledger["missing"] == 0
    before = ledger["acknowledged"]
    lab.wait_for(lambda _state: lab.ledger()["acknowledged"] > before)


def behind_the_fence(lab: LabClient, folder: pathlib.Path) -> bool:
    """Whether every partition refuses writes. Then the guards below ``folder`` are stopped, so that they and their
    module can be killed without one of them lifting the fence because the other is gone.
    """
    if {one["deny"] for one in apps(lab, "source")["temp"]["partitions"].values()} != {"reconfig*write"}:
        return False
    for record in folder.rglob(f"*{guards.SUFFIX}"):
        for pid in guards.running(pathlib.Path(str(record)[: -len(guards.SUFFIX)])):
            os.kill(pid, signal.SIGSTOP)
    return True
