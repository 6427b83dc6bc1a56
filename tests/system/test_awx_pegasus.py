# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pegasus workflow that is shipped for AWX, node by node as a controller runs it, with its journal in S3."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import typing as t

import pytest

from bench import guards
from lab import process
from lab.client import LabClient
from lab.pegasus import zookeeper
from system.awx_controller import FAILED, NOT_RUN, SUCCEEDED, Controller, Data, Node
from system.awx_jobs import LASTING, Job
from system.awx_trials import CommandLines, check_first, judge, went_well
from system.pegasus_playbooks import SMALL, apps, as_before, mutating, writing_to
from system.s3_bucket import BUCKET, SECRET_KEY, Bucket

pytest.importorskip("ansible_runner")
pytestmark = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here")

ROLE = "pegasus"
WORKFLOW = "dbops.migration Apache Pegasus migration"


@pytest.fixture(name="lab")
def _lab() -> t.Iterator[LabClient]:
    with process.start(profile="2.6", factor=7, **SMALL) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_guards_left(tmp_path: pathlib.Path) -> t.Iterator[None]:
    yield
    guards.kill_below(tmp_path)


def controller_of(lab: LabClient, bucket: Bucket, folder: pathlib.Path) -> Controller:
    """With the credentials of a lab."""
    described = lab.describe
    clusters = {
        "meta_servers": ",".join(described["clusters"]["source"]["metas"]),
        "target_meta_servers": json.dumps(described["clusters"]["target"]["metas"]),
        "zookeeper_hosts": described["zookeeper"]["hosts"],
        "zookeeper_root": described["zookeeper"]["root"],
    }
    store = {"dbops.migration journal in S3": bucket.credential}
    return Controller(folder, {"dbops.migration Pegasus": clusters, **store})


def answers(lab: LabClient, **more: str) -> dict[str, str]:
    """What a person answers, and extra variables that no survey asks for."""
    return {
        "pegasus_hosts": LASTING,
        "pegasus_tables": "\n".join(lab.describe["tables"]),
        "pegasus_metaproxies": json.dumps(lab.describe["metaproxies"]),
        "pegasus_config_sync_interval": "keep",
        "pegasus_budget": "6m",
        "pegasus_journal": f"s3://{BUCKET}/move-temp",
        "pegasus_migration_id": "move-temp",
        "pegasus_poll_interval": "0.5s",
        # A busy machine is no failure.
        "pegasus_connect_timeout": "30s",
        "pegasus_rpc_timeout": "30s",
        **more,
    }


def everything(_data: Data, _node: Node) -> bool:
    return True


@pytest.mark.cost(40)
def test_a_preflight_and_a_migration_that_is_only_predicted(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab)
    with CommandLines(lab) as lines:
        preflight = controller.job("dbops.migration Apache Pegasus preflight", given).run().succeed()
        predicted = controller.job("dbops.migration Apache Pegasus migrate", given).run(check=True).succeed()
    assert preflight.artifacts["pegasus_preflight_passed"] is True
    hashes = preflight.artifacts["pegasus_preflight_plan_hash"], predicted.artifacts["pegasus_migrate_plan_hash"]
    assert len(hashes[0]) == 64 and len(set(hashes)) == 1
    assert mutating(lab) == []
    judge(controller, [SECRET_KEY], lines, bucket.text, ROLE)


@pytest.mark.cost(120)
@pytest.mark.thorough
def test_from_preflight_to_restore_and_every_template_predicts(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab)
    told: dict[str, t.Any] = {}

    def approve(_data: Data, node: Node) -> bool:
        told.update(node.inherited)
        if node.identifier == "approve_cutover":
            # Nothing is cut over yet, so it could still be given up.
            sent = len(mutating(lab))
            controller.job("dbops.migration Apache Pegasus rollback", given).run(check=True).succeed()
            assert mutating(lab)[sent:] == []
        return True

    with CommandLines(lab) as lines:
        nodes = controller.walk(WORKFLOW, given, approve, check_first(controller, lab))
    went_well(nodes)
    writing_to(lab, "target")
    assert told["pegasus_preflight_passed"] is True
    assert told["pegasus_migrate_finished"] is True
    assert told["pegasus_cutover_state"].strip() == "committed"
    # The same plan was told before the copy, after it, and was carried out.
    assert len(told["pegasus_preflight_plan_hash"]) == 64
    assert told["pegasus_migrate_plan_hash"] == told["pegasus_preflight_plan_hash"]
    judge(controller, [SECRET_KEY], lines, bucket.text, ROLE)


@pytest.mark.cost(120)
@pytest.mark.thorough
def test_another_plan_than_the_one_that_was_approved(lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab)
    # Launched one by one, the cutover with another budget than what was looked at.
    migrate = controller.job("dbops.migration Apache Pegasus migrate", given).run().succeed()
    approved = str(migrate.artifacts["pegasus_migrate_plan_hash"])
    sent = len(mutating(lab))
    hasty = controller.job(
        "dbops.migration Apache Pegasus cutover",
        {**given, "pegasus_budget": "7m", "pegasus_approved_plan_hash": approved[:12]},
    ).run()
    assert hasty.status == "failed"
    assert hasty.codes == ["plan.not_approved"]
    assert f"the plan {approved[:12]} was approved" in hasty.failures[0]["msg"]
    assert mutating(lab)[sent:] == []
    # And a workflow whose cutover nobody approves goes back to the beginning.
    nodes = controller.walk(WORKFLOW, given, lambda _data, node: node.identifier != "approve_cutover")
    assert [nodes[name].status for name in ("cutover", "rollback")] == [NOT_RUN, SUCCEEDED]
    as_before(lab)


@pytest.mark.cost(60)
@pytest.mark.thorough
def test_the_way_back_of_a_migration_that_ended_before_its_first_step(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    given = {**answers(lab), "pegasus_approved_plan_hash": "f" * 64}
    nodes = controller.walk(WORKFLOW, given, everything)
    migrate, rollback = nodes["migrate"].job, nodes["rollback"].job
    assert migrate is not None and rollback is not None
    assert (migrate.codes, nodes["cutover"].status) == (["plan.not_approved"], NOT_RUN)
    rollback.succeed()
    assert mutating(lab) == []
    # The journal holds what the preflight has found, and nothing that was to be changed.
    assert "change.intent" not in bucket.text


@pytest.mark.cost(120)
@pytest.mark.thorough
def test_launched_one_by_one_each_carries_out_what_the_phase_before_has_shown(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    """Each is given what its own survey asks, the hash of the phase before, and no more."""
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab)
    approved = ""
    for phase in ("preflight", "migrate", "cutover"):
        variables = {**given, "pegasus_approved_plan_hash": approved[:12]} if approved else given
        told = controller.job(f"dbops.migration Apache Pegasus {phase}", variables).run().succeed()
        shown = str(told.artifacts.get(f"pegasus_{phase}_plan_hash", approved))
        assert approved in ("", shown)
        approved = shown
    writing_to(lab, "target")


@pytest.mark.cost(120)
@pytest.mark.thorough
def test_a_runner_that_is_killed_and_thrown_away(lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path) -> None:
    """While it copies: the duplication goes on by itself, and the journal in S3 is all that the next run has."""
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab)

    def kill(job: Job, node: Node) -> Job:
        if node.identifier != "migrate":
            return job.run()
        job.run(until=lambda: bool(apps(lab, "source")["temp"]["duplications"]))
        shutil.rmtree(job.folder)
        return job

    nodes = controller.walk(WORKFLOW, given, lambda _data, node: node.identifier != "approve_rollback", kill)
    assert [nodes[name].status for name in ("migrate", "cutover", "rollback")] == [FAILED, NOT_RUN, NOT_RUN]
    lost = nodes["migrate"].job
    assert lost is not None
    again = controller.relaunch(lost).run().succeed()
    assert again.artifacts["pegasus_migrate_plan_hash"] == nodes["preflight"].handed_on["pegasus_preflight_plan_hash"]
    assert sum("ADD_DUPLICATION" in text for text in mutating(lab)) == 1

    def kill_behind_the_fence(job: Job, node: Node) -> Job:
        if node.identifier != "cutover":
            return job.run()
        job.run(until=lambda: fenced(lab))
        for pid in guards_of(job.folder):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(job.folder)
        return job

    nodes = controller.walk(
        WORKFLOW, given, lambda _data, node: node.identifier != "approve_rollback", kill_behind_the_fence
    )
    assert [nodes[name].status for name in ("migrate", "cutover", "rollback")] == [SUCCEEDED, FAILED, NOT_RUN]
    went_well(controller.walk(WORKFLOW, given, everything))
    writing_to(lab, "target")


def fenced(lab: LabClient) -> bool:
    """Whether any partition refuses writes."""
    return any(one["deny"] for one in apps(lab, "source")["temp"]["partitions"].values())


def guards_of(folder: pathlib.Path) -> list[int]:
    """The guards that a job has left, as its container would take them with it."""
    return [
        pid
        for record in folder.rglob(f"*{guards.SUFFIX}")
        for pid in guards.running(pathlib.Path(str(record)[: -len(guards.SUFFIX)]))
    ]
