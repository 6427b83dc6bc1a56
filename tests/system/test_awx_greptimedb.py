# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GreptimeDB workflow that is shipped for AWX, node by node as a controller runs it, with its journal in S3."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import shutil
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system.awx_controller import FAILED, NOT_RUN, SUCCEEDED, Controller, Node
from system.awx_jobs import LASTING, Job
from system.awx_trials import CommandLines, check_first, judge, went_well
from system.s3_bucket import BUCKET, SECRET_KEY, Bucket
from system.test_notify import SECRET, TOKEN, webhook

pytest.importorskip("ansible_runner")

ROLE = "greptimedb"
WORKFLOW = "dbops.migration GreptimeDB migration"
PASSWORD = "pa55-w0rd-of-the-lab"
DRAINED = 1
# The inputs that are contents of files, and the files of the lab; the client's are as good as any.
CERTIFICATES = {"ca_cert": "ca.pem", "client_cert": "server.pem", "client_key": "server-key.pem"}
Approve = t.Callable[[t.Mapping[str, t.Any], Node], bool]


@pytest.fixture(name="lab")
def _lab() -> t.Iterator[LabClient]:
    with process.start(profile="1.1", regions=16, writers=2, factor=10, user="ops", password=PASSWORD) as running:
        yield running


def controller_of(
    lab: LabClient, bucket: Bucket, folder: pathlib.Path, webhook_: t.Mapping[str, str] | None = None, **more: str
) -> Controller:
    """With the credentials of a lab; ``more`` are inputs of the one for the cluster."""
    described = lab.describe
    cluster = {
        "frontend_host": described["frontend"]["host"],
        "frontend_port": str(described["frontend"]["mysql_port"]),
        "username": "ops",
        "password": PASSWORD,
        "metasrv_addrs": json.dumps([one["grpc"] for one in described["metasrv"]]),
        "metasrv_http_addrs": ",".join(one["http"] for one in described["metasrv"]),
        **more,
    }
    store = {"dbops.migration journal in S3": bucket.credential}
    told = {"dbops.migration webhook": webhook_ or {}}
    return Controller(folder, {"dbops.migration GreptimeDB": cluster, **store, **told})


def answers(lab: LabClient, migration: str, **more: str) -> dict[str, str]:
    """What a person answers, and one extra variable that no survey asks for."""
    return {
        "greptimedb_strategy": "drain",
        "greptimedb_datanodes": str(DRAINED),
        "greptimedb_limits": '{"global": "4", "per_table": null}',
        "greptimedb_maintenance_mode": "true",
        "greptimedb_journal": f"s3://{BUCKET}/{migration}",
        "greptimedb_migration_id": migration,
        "greptimedb_datanode_http_addrs": json.dumps({k: v["http"] for k, v in lab.describe["datanodes"].items()}),
        **more,
    }


def leaders(lab: LabClient) -> list[int]:
    return [one["leader"] for one in lab.state()["regions"].values()]


def deny(*identifiers: str) -> Approve:
    return lambda _data, node: node.identifier not in identifiers


@pytest.mark.cost(25)
def test_from_preflight_to_restore(lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    to_move = leaders(lab).count(DRAINED)
    told: dict[str, t.Any] = {}

    def approve(_data: t.Mapping[str, t.Any], node: Node) -> bool:
        told.update(node.inherited)
        return True

    with CommandLines(lab) as lines:
        nodes = controller.walk(WORKFLOW, answers(lab, "drain-1"), approve)
    went_well(nodes)
    assert nodes["rollback"].status == NOT_RUN
    assert DRAINED not in leaders(lab)
    assert lab.ledger()["missing"] == 0
    assert told["greptimedb_preflight_moves"] == to_move
    assert told["greptimedb_migrate_done"] == to_move
    assert told["greptimedb_cutover_passed"] is True
    # What was approved is what was carried out, and what was proved.
    assert len(told["greptimedb_preflight_plan_hash"]) == 64
    assert told["greptimedb_migrate_plan_hash"] == told["greptimedb_preflight_plan_hash"]
    assert told["greptimedb_preflight_plan_hash"] in bucket.text
    judge(controller, [PASSWORD, SECRET_KEY], lines, bucket.text, ROLE)


@pytest.mark.cost(60)
@pytest.mark.thorough
def test_every_template_predicts_in_check_mode(lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab, "drain-2", greptimedb_hosts=LASTING)
    controller.job("dbops.migration GreptimeDB plan", given).run(check=True).succeed()
    went_well(controller.walk(WORKFLOW, given, deny(), check_first(controller, lab)))
    moved = leaders(lab)
    controller.job("dbops.migration GreptimeDB rollback", given).run(check=True).succeed()
    assert leaders(lab) == moved
    assert DRAINED not in moved


@pytest.mark.cost(60)
@pytest.mark.thorough
def test_another_plan_than_the_one_that_was_approved(lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab, "drain-3")
    before = leaders(lab)

    def meanwhile(_data: t.Mapping[str, t.Any], node: Node) -> bool:
        # While the approval waits, somebody else moves a region away.
        if node.identifier == "approve_migrate":
            region = next(number for number, one in lab.state()["regions"].items() if one["leader"] == DRAINED)
            lab.foreign(migrate={"region_id": int(region), "from_peer": DRAINED, "to_peer": 0})
            lab.wait_for(lambda state: state["regions"][region]["leader"] == 0)
        return True

    nodes = controller.walk(WORKFLOW, given, meanwhile)
    assert [nodes[name].status for name in ("migrate", "cutover", "rollback")] == [FAILED, NOT_RUN, SUCCEEDED]
    job, back = nodes["migrate"].job, nodes["rollback"].job
    assert job is not None and back is not None
    assert job.codes == ["plan.not_approved"]
    # It ended before the first entry of its journal, so there is nothing to take back, and none is made now.
    assert "NO JOURNAL" in back.stdout and "NO JOURNAL" in back.artifacts["greptimedb_rollback_summary"]
    assert bucket.text == ""
    assert leaders(lab).count(DRAINED) == before.count(DRAINED) - 1
    # Who rolls back by hand may have mistyped the journal.
    mistyped = controller.job("dbops.migration GreptimeDB rollback", given).run()
    assert (mistyped.status, mistyped.codes) == ("failed", ["journal.missing"])
    # A person looks at the new plan, and types its hash into the survey of the single template.
    preflight = controller.job("dbops.migration GreptimeDB preflight", given).run().succeed()
    typed = str(preflight.artifacts["greptimedb_preflight_plan_hash"])[:12]
    migrate = controller.job("dbops.migration GreptimeDB migrate", {**given, "greptimedb_approved_plan_hash": typed})
    assert str(migrate.run().succeed().artifacts["greptimedb_migrate_plan_hash"]).startswith(typed)
    # The latter is a number to newer releases of ansible-core, and must not count as nothing.
    for typed, codes in (("f" * 12, ["plan.not_approved"]), ("0" * 12, ["option.invalid"])):
        variables = {**given, "greptimedb_approved_plan_hash": typed}
        wrong = controller.job("dbops.migration GreptimeDB cutover", variables).run()
        assert wrong.status == "failed"
        assert wrong.codes in (codes, ["plan.not_approved"])


@pytest.mark.cost(60)
@pytest.mark.thorough
def test_a_migration_that_is_denied_its_cutover_goes_back(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    before = leaders(lab)
    nodes = controller.walk(WORKFLOW, answers(lab, "drain-4"), deny("approve_cutover"))
    assert [nodes[name].status for name in ("migrate", "approve_cutover", "cutover", "restore")] == [
        *(SUCCEEDED, FAILED, NOT_RUN, NOT_RUN),
    ]
    assert nodes["rollback"].status == SUCCEEDED
    assert leaders(lab) == before
    assert lab.state()["maintenance"]["enabled"] is False
    assert lab.ledger()["missing"] == 0


@pytest.mark.cost(60)
@pytest.mark.thorough
def test_a_runner_that_is_killed_and_its_disk_thrown_away(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab, "drain-5", greptimedb_limits='{"global": "1"}')
    to_move = leaders(lab).count(DRAINED)

    def kill(job: Job, node: Node) -> Job:
        if node.identifier != "migrate":
            return job.run()
        job.run(until=lambda: leaders(lab).count(DRAINED) < to_move)
        shutil.rmtree(job.folder)
        return job

    nodes = controller.walk(WORKFLOW, given, deny("approve_rollback"), kill)
    assert [nodes[name].status for name in ("migrate", "cutover", "rollback")] == [FAILED, NOT_RUN, NOT_RUN]
    left = leaders(lab).count(DRAINED)
    assert 0 < left < to_move
    # The job again, as it was: what was approved is the whole plan, and that is what the journal takes up.
    lost = nodes["migrate"].job
    assert lost is not None
    again = controller.relaunch(lost).run().succeed()
    approved = nodes["preflight"].handed_on["greptimedb_preflight_plan_hash"]
    assert again.artifacts["greptimedb_migrate_plan_hash"] == approved
    assert again.artifacts["greptimedb_migrate_done"] == to_move
    assert DRAINED not in leaders(lab)
    # And the whole workflow again, with the same answers: it finds that all is done, proves it, and ends.
    went_well(controller.walk(WORKFLOW, given, deny()))
    assert lab.ledger()["missing"] == 0
    assert lab.state()["maintenance"]["enabled"] is False


@pytest.mark.cost(60)
@pytest.mark.thorough
def test_started_again_while_a_region_is_still_on_its_way(
    lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path
) -> None:
    """Right after the kill: what the servers have begun is no obstacle, and no other plan."""
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab, "drain-7", greptimedb_limits='{"global": "1"}')
    # The server tries one region again and again, until somebody lets it.
    lab.config(max_retry_times=10_000, durations={"retry_cap": 10.0})
    lab.fault("stuck_retrying", times=0)

    def kill(job: Job, node: Node) -> Job:
        if node.identifier == "migrate":
            job.run(until=lambda: '"kind":"change.accepted"' in bucket.text)
            return job
        return job.run()

    nodes = controller.walk(WORKFLOW, given, deny("approve_rollback"), kill)
    assert [nodes[name].status for name in ("preflight", "migrate", "cutover")] == [SUCCEEDED, FAILED, NOT_RUN]

    def go_on(_data: t.Mapping[str, t.Any], _node: Node) -> bool:
        lab.clear_faults()
        return True

    again = controller.walk(WORKFLOW, given, go_on)
    preflight = again["preflight"].job
    assert preflight is not None
    assert "on the way by a run of this migration that was broken off" in preflight.stdout
    went_well(again)
    assert DRAINED not in leaders(lab)
    assert lab.ledger()["missing"] == 0


@pytest.mark.cost(40)
@pytest.mark.thorough
def test_certificates_and_webhooks_come_with_credentials_too(bucket: Bucket, tmp_path: pathlib.Path) -> None:
    with (
        process.start(profile="1.1", regions=8, writers=0, user="ops", password=PASSWORD, tls="require") as lab,
        webhook() as (url, taken),
    ):
        state = pathlib.Path(lab.describe["ca_cert"]).parent
        given = {name: (state / file).read_text() for name, file in CERTIFICATES.items()}
        controller = controller_of(lab, bucket, tmp_path, {"url": url, "secret": SECRET}, tls="verify-full", **given)
        with CommandLines(lab) as lines:
            wanted = answers(lab, "drain-8", greptimedb_notify="true")
            job = controller.job("dbops.migration GreptimeDB preflight", wanted).run().succeed()
        assert job.artifacts["greptimedb_preflight_passed"] is True
        assert [one.told["event"] for one in taken] == ["before_preflight", "after_preflight"]
        assert all(one.signature for one in taken)
        secrets = [PASSWORD, SECRET_KEY, TOKEN, SECRET, given["client_key"].splitlines()[1]]
        judge(controller, secrets, lines, bucket.text, ROLE)


@pytest.mark.cost(60)
@pytest.mark.thorough
def test_two_jobs_of_one_migration(lab: LabClient, bucket: Bucket, tmp_path: pathlib.Path) -> None:
    """AWX starts both. The journal lets one of them go on, and the other one says why it does not."""
    controller = controller_of(lab, bucket, tmp_path)
    given = answers(lab, "drain-6", greptimedb_limits='{"global": "1"}', greptimedb_maintenance_mode="false")
    jobs = [controller.job("dbops.migration GreptimeDB migrate", given) for _number in range(2)]
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(Job.run, jobs))
    assert sorted(job.status for job in jobs) == ["failed", "successful"], "\n".join(job.stdout for job in jobs)
    refused = next(job for job in jobs if job.status == "failed")
    why = {
        "journal.conflict": "another run writes to this journal. Wait for it to end, or end it.",
        # It may also see a move of the other one before it writes.
        "greptimedb.foreign_migration": "which this migration did not start: wait until it has ended",
    }
    assert len(refused.codes) == 1
    assert why[refused.codes[0]] in refused.failures[0]["msg"]
    assert DRAINED not in leaders(lab)
    assert lab.ledger()["missing"] == 0
