# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_standing as ds
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_watchdog as dw
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import Track

METAS = ("a0:1", "a1:1")


def config(primaries: str = "xxxx", secondaries: str = "yyyy") -> model.TableConfig:
    """One letter for each partition; a dash is none."""
    partitions = tuple(
        model.Partition(index, 1, 3, primary.replace("-", ""), () if second == "-" else (second,), 0)
        for index, (primary, second) in enumerate(zip(primaries, secondaries))
    )
    return model.TableConfig(2, len(partitions), partitions)


def app(status: str = "AVAILABLE", **envs: str) -> model.App:
    named = {"duplication." + key: value for key, value in envs.items()}
    return model.App("t", 7, status, 4, named, 3)


OURS = app(master_cluster="a", master_metas="a0:1,a1:1")
EMPTY = dw.TargetView(meta_level="steady", alive_nodes=5)
CASE = dw.Case("t", dw.Source("a", METAS), "b", "t", 3, config(), EMPTY, 1.0, 90.0, False, True)


def case(**fields: t.Any) -> dw.Case:
    return dataclasses.replace(CASE, **fields)


def target(**fields: t.Any) -> dw.TargetView:
    return dataclasses.replace(EMPTY, **fields)


@pytest.mark.parametrize(
    ("given", "reason", "hopeless"),
    [
        (case(), "checkpoint_preparing", False),
        (case(target=None), "checkpoint_preparing", False),
        (case(waited=500.0), "checkpoint_preparing", False),
        (case(config=config("x-x-")), "partition_without_primary", False),
        (case(target=target(problem=MigrationError("pegasus.unreachable", "gone"))), "target_unreachable", False),
        (case(target=target(meta_level="freezed")), "target_freezed", False),
        (case(target=target(alive_nodes=2)), "target_too_few_nodes", False),
        (case(target=target(app=app())), "target_table_exists", True),
        (case(target=target(app=app(master_cluster="c"))), "target_table_exists", True),
        (case(target=target(app=app("DROPPING"))), "target_table_exists", False),
        (case(target=target(app=OURS)), "target_creating", False),
        (case(target=target(app=dataclasses.replace(OURS, status="CREATING"))), "target_creating", False),
        (case(target=target(app=OURS), made=91.0), "target_reply_lost", True),
        (case(target=target(app=OURS), made=91.0, create_idempotent=True), "target_creating", False),
        # The checkpoints took long; the table that came after them is just being told of.
        (case(target=target(app=OURS), waited=600.0), "target_creating", False),
        (case(target=target(app=OURS), waited=600.0, made=89.0), "target_creating", False),
        # A cluster that duplicates under another name than its own is known by its meta servers.
        (case(target=target(app=app(master_cluster="dup-a", master_metas="a1:1"))), "target_creating", False),
        # The follower of another table of the same source is in the way, too.
        (case(target=target(app=app(master_cluster="a", master_app_name="u"))), "target_table_exists", True),
    ],
)
def test_why_ds_prepare_lasts(given: dw.Case, reason: str, hopeless: bool) -> None:
    cause = dw.preparing(given)
    assert (cause.reason, cause.hopeless) == ("pegasus.wait." + reason, hopeless)
    ds.REASONS.check(cause.reason)


@pytest.mark.parametrize(
    ("given", "reason", "hopeless", "done"),
    [
        (case(target=None), "checkpoint_copying", False, 0),
        (case(target=target(app=OURS, config=config("xx--"))), "checkpoint_copying", False, 2),
        (case(target=target(app=OURS, config=config("xxxx", "y--y"))), "target_secondaries_missing", False, 2),
        (case(target=target(app=OURS, config=config())), "target_creating", False, 4),
        (case(target=target(app=OURS, config=config("xx", "yy"))), "target_partition_count", True, 0),
        (case(target=target()), "target_table_gone", True, 0),
        (case(target=target(problem=MigrationError("pegasus.unreachable", "gone"))), "target_unreachable", False, 0),
        (
            case(target=target(app=OURS, config=config("xxxx", "----")), replica_count=1),
            "target_single_replica",
            False,
            0,
        ),
        (
            case(target=target(app=OURS, config=config("xxxx", "----")), replica_count=1, waited=91.0),
            "target_single_replica",
            True,
            0,
        ),
        (
            case(target=target(app=OURS, config=config("xxxx", "----")), replica_count=1, single_replica_stuck=False),
            "target_creating",
            False,
            4,
        ),
    ],
)
def test_why_ds_app_lasts(given: dw.Case, reason: str, hopeless: bool, done: int) -> None:
    cause = dw.copying(given)
    assert (cause.reason, cause.hopeless, cause.done) == ("pegasus.wait." + reason, hopeless, done)
    ds.REASONS.check(cause.reason)


def test_copying_is_never_taken_for_stuck_however_long_it_lasts() -> None:
    cause = dw.copying(case(target=target(app=OURS, config=config("x---")), waited=1e6))
    assert not cause.hopeless
    assert cause.worst == ("partition 1", "partition 2", "partition 3")


def test_a_hopeless_cause_is_a_failure_that_says_what_ends_it() -> None:
    there = model.Duplication(17, "DS_PREPARE", "b", 0)
    standing = ds.present("t", there, dw.preparing(case(target=target(app=app()))), None, Track(), ds.Gate(1, 2, 0))
    assert standing.failure is not None
    assert standing.failure.code == "pegasus.dup_stuck"
    assert standing.failure.details["cause"] == "pegasus.wait.target_table_exists"
    assert "renamed or dropped" in standing.failure.message
