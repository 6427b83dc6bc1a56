# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rehearse templates as AWX runs them: in check mode, for real, and killed with their disk thrown away."""

from __future__ import annotations

import json
import pathlib
import shutil
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from lab.pegasus import zookeeper
from system import pegasus_playbooks, test_awx_greptimedb, test_awx_pegasus
from system.awx_controller import Controller
from system.awx_trials import CommandLines, judge
from system.s3_bucket import BUCKET, SECRET_KEY, Bucket

pytest.importorskip("ansible_runner")
pytestmark = [pytest.mark.cost(120), pytest.mark.thorough]

PREFIX = "dbops_rehearsal_"
JOURNAL = f"s3://{BUCKET}/rehearsal"


def rehearse(
    controller: Controller,
    template: str,
    given: t.Mapping[str, str],
    lab: LabClient,
    bucket: Bucket,
    begun: t.Callable[[], bool],
) -> dict[str, t.Any]:
    """What the template hands on, after a job that was looked at only and one that was lost with its disk."""
    controller.job(template, given).run(check=True).succeed()
    assert lab.requests(mutating=True) == []
    assert bucket.text == ""
    lost = controller.job(template, given).run(until=begun)
    shutil.rmtree(lost.folder)
    done = controller.job(template, given).run().succeed()
    entries = [json.loads(line) for line in bucket.text.splitlines() if '"kind":"rehearsal.' in line]
    started = [one["data"]["table"] for one in entries if one["kind"] == "rehearsal.started"]
    cleared = [one["data"]["table"] for one in entries if one["kind"] == "rehearsal.cleared"]
    assert len(set(started)) == 2
    assert started == cleared
    return done.artifacts


def test_greptimedb(bucket: Bucket, tmp_path: pathlib.Path) -> None:
    options: dict[str, t.Any] = {"user": "ops", "password": test_awx_greptimedb.PASSWORD}
    with process.start(profile="1.1", regions=12, writers=2, factor=5, **options) as lab:
        controller = test_awx_greptimedb.controller_of(lab, bucket, tmp_path)
        given = test_awx_greptimedb.answers(lab, "drain-1", greptimedb_rehearsal_journal=JOURNAL)
        before = test_awx_greptimedb.leaders(lab)
        template = "dbops.migration GreptimeDB rehearse"
        with CommandLines(lab) as lines:
            told = rehearse(
                controller, template, given, lab, bucket, lambda: len(test_awx_greptimedb.leaders(lab)) > len(before)
            )
            # The plan that people look at afterwards goes by it.
            plan = controller.job("dbops.migration GreptimeDB plan", given).run().succeed()
        assert test_awx_greptimedb.leaders(lab) == before
        assert lab.ledger()["missing"] == 0
        assert told["greptimedb_rehearse_lost"] == 0
        assert told["greptimedb_rehearse_move_seconds"] > 0
        assert f"{told['greptimedb_rehearse_move_seconds']:g} s for a move" in plan.stdout
        secrets = [test_awx_greptimedb.PASSWORD, SECRET_KEY]
        judge(controller, secrets, lines, bucket.text, test_awx_greptimedb.ROLE)


@pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here")
def test_pegasus(bucket: Bucket, tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=7, **pegasus_playbooks.SMALL) as lab:
        controller = test_awx_pegasus.controller_of(lab, bucket, tmp_path)
        given = test_awx_pegasus.answers(lab, pegasus_rehearsal_journal=JOURNAL)

        def duplicated() -> bool:
            apps = pegasus_playbooks.apps(lab, "source")
            return any(app["duplications"] for name, app in apps.items() if name.startswith(PREFIX))

        template = "dbops.migration Apache Pegasus rehearse"
        with CommandLines(lab) as lines:
            told = rehearse(controller, template, given, lab, bucket, duplicated)
        for side in ("source", "target"):
            there = [name for name, app in pegasus_playbooks.apps(lab, side).items() if app["status"] == "AVAILABLE"]
            assert [name for name in there if name.startswith(PREFIX)] == []
        pegasus_playbooks.writing_to(lab, "source")
        assert told["pegasus_rehearse_propagation_seconds"] > 0
        assert told["pegasus_rehearse_switch_seconds"] > 0
        judge(controller, [SECRET_KEY], lines, bucket.text, test_awx_pegasus.ROLE)
