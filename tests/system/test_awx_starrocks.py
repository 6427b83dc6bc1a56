# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StarRocks workflow that is shipped for AWX, node by node as a controller runs it, with its journal in S3."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system.awx_controller import FAILED, NOT_RUN, SUCCEEDED, Controller, Data, Node
from system.awx_jobs import LASTING, Job
from system.awx_trials import CommandLines, check_first, judge, went_well
from system.s3_bucket import BUCKET, SECRET_KEY, Bucket
from system.starrocks_playbooks import (
    DROPS,
    SMALL,
    as_before,
    changed_configs,
    mutating,
    switch,
    tool_processes,
    tool_runs,
    writing_to,
)

pytest.importorskip("ansible_runner")

ROLE = "starrocks"
WORKFLOW = "dbops.migration StarRocks migration"


@pytest.fixture(name="lab")
def _lab() -> t.Iterator[LabClient]:
    with process.start(profile="4.1", factor=20, **SMALL) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_tool_left(tmp_path: pathlib.Path) -> t.Iterator[None]:
    yield
    for pid in tool_processes(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def controller_of(lab: LabClient, bucket: Bucket, folder: pathlib.Path) -> Controller:
    """With the credentials of a lab: also those of the sync tool and of the source's storage are none of a survey."""
    described = lab.describe
    reader = described["s3"]["users"]["source"]
    keys = {"aws.s3.access_key": reader["access_key"], "aws.s3.secret_key": reader["secret_key"]}
    clusters = {
        "username": "root",
        "target_username": "root",
        "source_cluster_user": "tool",
        "source_cluster_password": described["users"]["tool"],
        "target_cluster_user": "tool",
        "target_cluster_password": described["users"]["tool"],
        "volume_credentials": json.dumps({"*": keys}),
    }
    for side, prefix in (("source", ""), ("target", "target_")):
        clusters[f"{prefix}frontends"] = described["clusters"][side]["address"]
        clusters[f"{prefix}address_map"] = json.dumps(described["clusters"][side]["address_map"])
    store = {"dbops.migration journal in S3": bucket.credential}
    return Controller(folder, {"dbops.migration StarRocks": clusters, **store})


def secrets_of(lab: LabClient) -> list[str]:
    return [SECRET_KEY, lab.describe["users"]["tool"], lab.describe["s3"]["users"]["source"]["secret_key"]]


def answers(lab: LabClient, folder: pathlib.Path, **more: str) -> dict[str, str]:
    """What a person answers, and extra variables that no survey asks for."""
    return {
        "starrocks_hosts": LASTING,
        "starrocks_tool_directory": str(folder / "sync"),
        "starrocks_tool_archive": lab.describe["tool"]["archive"],
        "starrocks_tool_archive_sha256": lab.describe["tool"]["sha256"],
        "starrocks_supervisor": "session",
        "starrocks_quiet_time": "1s",
        "starrocks_switch_tasks": str(switch(lab, folder)),
        "starrocks_journal": f"s3://{BUCKET}/move-lake",
        "starrocks_migration_id": "move-lake",
        "starrocks_poll_interval": "0.5s",
        "starrocks_cutover_poll_interval": "0.3s",
        "starrocks_start_wait": "0.5s",
        # What the tool would drop is said, each by its name.
        **{f"starrocks_{name}": "true" for name in DROPS},
        **more,
    }


@pytest.mark.cost(40)
def test_a_preflight_and_a_migration_that_is_only_predicted(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    controller = controller_of(lab, bucket, tmp_path / "jobs")
    given = answers(lab, tmp_path)
    with CommandLines(lab) as lines:
        preflight = controller.job("dbops.migration StarRocks preflight", given).run().succeed()
        predicted = controller.job("dbops.migration StarRocks migrate", given).run(check=True).succeed()
    assert preflight.artifacts["starrocks_preflight_passed"] is True
    hashes = preflight.artifacts["starrocks_preflight_plan_hash"], predicted.artifacts["starrocks_migrate_plan_hash"]
    assert len(hashes[0]) == 64 and len(set(hashes)) == 1
    assert mutating(lab) == []
    judge(controller, secrets_of(lab), lines, bucket.text, ROLE)


@pytest.mark.cost(120)
@pytest.mark.thorough
def test_from_preflight_to_restore_and_every_template_predicts(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    controller = controller_of(lab, bucket, tmp_path / "jobs")
    given = answers(lab, tmp_path)
    told: dict[str, t.Any] = {}

    def approve(_data: Data, node: Node) -> bool:
        told.update(node.inherited)
        if node.identifier == "approve_cutover":
            # Nothing is cut over yet, so it could still be given up.
            sent = len(mutating(lab))
            controller.job("dbops.migration StarRocks rollback", given).run(check=True).succeed()
            assert mutating(lab)[sent:] == []
        return True

    with CommandLines(lab) as lines:
        nodes = controller.walk(WORKFLOW, given, approve, predict(controller, lab))
    went_well(nodes)
    writing_to(lab, "target")
    assert changed_configs(lab)["target"] == set()
    assert told["starrocks_migrate_finished"] is True
    assert told["starrocks_cutover_state"].strip() == "committed"
    assert len(told["starrocks_preflight_plan_hash"]) == 64
    assert told["starrocks_migrate_plan_hash"] == told["starrocks_preflight_plan_hash"]
    judge(controller, secrets_of(lab), lines, bucket.text, ROLE)


def predict(controller: Controller, lab: LabClient) -> t.Callable[[Job, Node], Job]:
    """As for the other engines, but the tool, which has a user of its own, goes on meanwhile."""
    return check_first(controller, lab, sent=lambda: mutating(lab))


@pytest.mark.cost(120)
@pytest.mark.thorough
def test_another_plan_than_the_one_that_was_approved(lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path) -> None:
    controller = controller_of(lab, bucket, tmp_path / "jobs")
    given = answers(lab, tmp_path)
    preflight = controller.job("dbops.migration StarRocks preflight", given).run().succeed()
    approved = str(preflight.artifacts["starrocks_preflight_plan_hash"])
    # Meanwhile somebody has chosen other settings.
    hasty = controller.job(
        "dbops.migration StarRocks migrate",
        {**given, "starrocks_compaction_off": "no", "starrocks_approved_plan_hash": approved},
    ).run()
    assert hasty.status == "failed"
    assert hasty.codes == ["plan.not_approved"]
    assert mutating(lab) == []
    nodes = controller.walk(WORKFLOW, given, lambda _data, node: node.identifier != "approve_cutover")
    assert [nodes[name].status for name in ("cutover", "rollback")] == [NOT_RUN, SUCCEEDED]
    as_before(lab, tmp_path)


@pytest.mark.cost(60)
@pytest.mark.thorough
def test_the_way_back_of_a_migration_that_ended_before_its_first_step(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    controller = controller_of(lab, bucket, tmp_path / "jobs")
    given = answers(lab, tmp_path, starrocks_approved_plan_hash="f" * 64)
    nodes = controller.walk(WORKFLOW, given, lambda _data, _node: True)
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
    controller = controller_of(lab, bucket, tmp_path / "jobs")
    settings = json.dumps([{"key": "replication_threads", "value": "8"}])
    given = answers(lab, tmp_path, starrocks_budget="20m", starrocks_target_node_settings=settings)
    approved = ""
    for phase in ("preflight", "migrate", "cutover"):
        variables = {**given, "starrocks_approved_plan_hash": approved[:12]} if approved else given
        told = controller.job(f"dbops.migration StarRocks {phase}", variables).run().succeed()
        shown = str(told.artifacts.get(f"starrocks_{phase}_plan_hash", approved))
        assert approved in ("", shown)
        approved = shown
        if phase == "preflight":
            assert "no_switch_tasks" not in told.stdout
    writing_to(lab, "target")


@pytest.mark.cost(120)
@pytest.mark.thorough
def test_a_runner_that_is_killed_and_thrown_away(lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path) -> None:
    """When the tool has just begun: it goes on by itself, as its host outlives the job."""
    controller = controller_of(lab, bucket, tmp_path / "jobs")
    given = answers(lab, tmp_path)

    def kill(job: Job, node: Node) -> Job:
        if node.identifier != "migrate":
            return job.run()
        job.run(until=lambda: tool_runs(tmp_path))
        shutil.rmtree(job.folder)
        return job

    nodes = controller.walk(WORKFLOW, given, lambda _data, node: node.identifier != "approve_rollback", kill)
    assert [nodes[name].status for name in ("migrate", "cutover", "rollback")] == [FAILED, NOT_RUN, NOT_RUN]
    lost = nodes["migrate"].job
    assert lost is not None
    again = controller.relaunch(lost).run().succeed()
    assert (
        again.artifacts["starrocks_migrate_plan_hash"] == nodes["preflight"].handed_on["starrocks_preflight_plan_hash"]
    )
    went_well(controller.walk(WORKFLOW, given, lambda _data, _node: True))
    writing_to(lab, "target")
