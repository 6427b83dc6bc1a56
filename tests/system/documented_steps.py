# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of documented commands do beside them: what a reader finds, what was done before, what must hold then."""

from __future__ import annotations

import typing as t

from lab.client import LabClient
from system import pegasus_playbooks, starrocks_playbooks

Labs = t.Mapping[str, LabClient]


def drained(labs: Labs) -> None:
    """Datanode 3 holds nothing, and no write is lost."""
    lab = labs["greptimedb"]
    assert 3 not in {one["leader"] for one in lab.state()["regions"].values()}
    assert lab.ledger()["missing"] == 0


def brought_back(labs: Labs) -> None:
    """Datanode 3 leads regions again, and no write is lost."""
    lab = labs["greptimedb"]
    assert 3 in {one["leader"] for one in lab.state()["regions"].values()}
    assert lab.ledger()["missing"] == 0


def tables_moved(labs: Labs) -> None:
    """The clients of Pegasus write to the target, and have lost nothing."""
    pegasus_playbooks.writing_to(labs["pegasus"], "target")


def databases_moved(labs: Labs) -> None:
    """The clients of StarRocks write to the target, and have lost nothing."""
    starrocks_playbooks.writing_to(labs["starrocks"], "target")


def fence(labs: Labs) -> None:
    """The table refuses writes, as behind a cutover that somebody has to end by hand."""
    labs["pegasus"].foreign(table="orders", env={pegasus_playbooks.DENY: "reconfig*write"})


def freeze(labs: Labs) -> None:
    """The source refuses loads, as behind a cutover that somebody has to end by hand."""
    labs["starrocks"].foreign(config={"disable_load_job": "true"})
    assert all(starrocks_playbooks.frozen(labs["starrocks"]))


def fence_is_lifted(labs: Labs) -> None:
    """The table takes requests."""
    assert pegasus_playbooks.DENY not in pegasus_playbooks.apps(labs["pegasus"], "source")["orders"]["envs"]


def fence_is_set(labs: Labs) -> None:
    """The table refuses writes."""
    envs = pegasus_playbooks.apps(labs["pegasus"], "source")["orders"]["envs"]
    assert envs[pegasus_playbooks.DENY] == "reconfig*write"


def table_is_closed(labs: Labs) -> None:
    """The old table refuses everything, for good."""
    envs = pegasus_playbooks.apps(labs["pegasus"], "source")["orders"]["envs"]
    assert envs[pegasus_playbooks.DENY] == "reconfig*all"


def freeze_is_set(labs: Labs) -> None:
    """Every frontend refuses loads."""
    assert all(starrocks_playbooks.frozen(labs["starrocks"]))


def freeze_is_lifted(labs: Labs) -> None:
    """Every frontend takes loads."""
    assert not any(starrocks_playbooks.frozen(labs["starrocks"]))


MIGRATE = {
    "pegasus": "ansible-playbook dbops.migration.pegasus_migrate -e @move-orders.yml",
    "starrocks": "ansible-playbook -i inventory dbops.migration.starrocks_migrate -e @warehouse.yml",
}
# What a run has done that ended while the operator's own tasks switched the clients.
HAND_OVER_PEGASUS = """- name: Fence and drain, and leave the switch to somebody
  dbops.migration.pegasus_cutover:
    meta_servers: [old-meta-0.example.com:34601, old-meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    switch: hand_over
    tables: [orders]
    journal: /var/lib/dbops/move-orders.jsonl
    migration_id: move-orders
    budget: 6m
    config_sync_interval: keep
"""
HAND_OVER_STARROCKS = """- name: Freeze and compare, and leave the switch to somebody
  dbops.migration.starrocks_cutover:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030, old-fe-2.example.com:9030]
    target_frontends: [new-fe-0.example.com:9030, new-fe-1.example.com:9030, new-fe-2.example.com:9030]
    tool_directory: /opt/starrocks-cluster-sync
    include_data_list: [sales, logistics]
    journal: /var/lib/dbops/warehouse.jsonl
    migration_id: warehouse
    quiet_time: 1s
    poll_interval: 0.3s
"""
PREDICT = "ansible-playbook -v --check dbops.migration.pegasus_cutover -e @move-orders.yml"
REHEARSED = "measured by the rehearsal of"
