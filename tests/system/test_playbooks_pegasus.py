# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pegasus playbooks by their full names against the lab: whole run, rerun, kill, hand-over, rollback.

Judged from the lab's side: what it was asked for, what its clusters look like, and what its clients' ledger says.
"""

from __future__ import annotations

import json
import pathlib

import pytest

from lab import process
from system import playbooks as p
from system.pegasus_playbooks import DENY, SMALL, apps, as_before, levels, mutating, variables, writing_to
from system.switches import legality
from system.test_awx_runner import Job

# Each has labs and playbooks of its own, so they may be spread over the workers.
pytestmark = pytest.mark.cost(60)


def test_whole_run_check_run_run_again_no_way_back(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=10, **SMALL) as lab:
        given = variables(lab, tmp_path)

        preview = p.play("pegasus", given, tmp_path, "--check", "--diff").succeed()
        assert mutating(lab) == []
        assert sorted(path.name for path in tmp_path.iterdir()) == ["vars.json"]
        assert '"pegasus:onebox-a/table/temp/duplication/onebox-b"' in preview.output
        assert preview.recap["changed"] == 3

        lab.clear_requests()
        p.play("pegasus", given, tmp_path).succeed()
        (dupid,) = [text.split()[2] for text in mutating(lab) if "MODIFY_DUPLICATION" in text]
        assert mutating(lab) == [
            "RPC_CM_CONTROL_META steady",
            "RPC_CM_CONTROL_META steady",
            "RPC_CM_ADD_DUPLICATION temp to onebox-b",
            f"RPC_CM_UPDATE_APP_ENV temp set {DENY}=reconfig*write",
            f"RPC_CM_UPDATE_APP_ENV temp set {DENY}=reconfig*all",
            f"RPC_CM_MODIFY_DUPLICATION temp {dupid} status=DS_REMOVED",
            "RPC_CM_UPDATE_APP_ENV temp del duplication.master_cluster duplication.master_metas "
            "duplication.master_app_name duplication.follower_app_status",
            "RPC_CM_CONTROL_META lively",
            "RPC_CM_CONTROL_META lively",
        ]
        writing_to(lab, "target")
        assert levels(lab) == ["lively", "lively"]
        assert apps(lab, "target")["temp"]["envs"] == {}
        assert apps(lab, "source")["temp"]["envs"] == {DENY: "reconfig*all"}
        assert apps(lab, "source")["temp"]["duplications"] == {}
        assert "move-temp" in (tmp_path / "report.html").read_text()
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])

        lab.clear_requests()
        again = p.play("pegasus", given, tmp_path).succeed()
        assert mutating(lab) == []
        assert again.recap["changed"] == 0

        refused = p.play("pegasus_rollback", given, tmp_path)
        assert refused.code != 0
        assert "as a migration of its own" in refused.failures[0]["msg"]
        assert mutating(lab) == []
        writing_to(lab, "target")


@pytest.mark.thorough
def test_rollback_while_copying_and_while_following(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=8, table="temp,orders", copy_seconds=400, **SMALL) as lab:
        given = variables(lab, tmp_path)
        tables = ("temp", "orders")

        def copying() -> bool:
            return all(
                one["status"] == "DS_APP"
                for table in tables
                for one in apps(lab, "source")[table]["duplications"].values() or [{"status": ""}]
            )

        p.play_until("pegasus_migrate", given, tmp_path, copying)
        assert levels(lab) == ["steady", "steady"]
        lab.clear_requests()
        preview = p.play("pegasus_rollback", given, tmp_path, "--check").succeed()
        assert mutating(lab) == []
        assert preview.recap["changed"] >= 3
        p.play("pegasus_rollback", given, tmp_path).succeed()
        as_before(lab, tables)
        assert sum("DROP_APP" in text for text in mutating(lab)) == 2

        lab.clear_requests()
        again = p.play("pegasus_rollback", given, tmp_path).succeed()
        assert mutating(lab) == []
        assert again.recap["changed"] == 0

        # The same journal takes a second try, and that can be given up, too.
        lab.config(durations={"copy": [1, 2]})
        p.play("pegasus_migrate", given, tmp_path).succeed()
        for table in tables:
            (duplication,) = apps(lab, "source")[table]["duplications"].values()
            assert duplication["status"] == "DS_LOG"
        p.play("pegasus_rollback", given, tmp_path).succeed()
        as_before(lab, tables)


@pytest.mark.thorough
def test_a_table_that_somebody_else_made_is_not_dropped(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=10, **{**SMALL, "partitions": 4}) as lab:
        given = variables(lab, tmp_path)
        p.play("pegasus_migrate", given, tmp_path).succeed()
        lab.foreign(cluster="target", env={"duplication.master_cluster": None})

        refused = p.play("pegasus_rollback", given, tmp_path)
        assert refused.failures[0]["code"] == "pegasus.table_not_ours"
        assert refused.failures[-1]["msg"].startswith(
            "The source is as it was, but onebox-b is not: temp: nothing proves"
        )
        assert apps(lab, "source")["temp"]["duplications"] == {}
        assert "temp" in apps(lab, "target")
        assert levels(lab) == ["lively", "lively"]
        writing_to(lab, "source")


@pytest.mark.thorough
def test_killed_behind_the_fence_and_rolled_back_then_run_to_the_end(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.5", factor=20, **SMALL) as lab:
        # The last mutation is held back for up to 200 s of the lab's time: there the kill meets the fence.
        given = variables(lab, tmp_path, pegasus_source_tables="renamed", pegasus_source_suffix="_old")
        p.play("pegasus_migrate", given, tmp_path).succeed()

        def fenced() -> bool:
            return {one["deny"] for one in apps(lab, "source")["temp"]["partitions"].values()} == {"reconfig*write"}

        p.play_until("pegasus_cutover", given, tmp_path, fenced)
        p.play("pegasus_rollback", given, tmp_path).succeed()
        as_before(lab)

        p.play("pegasus", given, tmp_path).succeed()
        writing_to(lab, "target")
        assert "temp" not in apps(lab, "source")
        assert apps(lab, "source")["temp_old"]["envs"] == {DENY: "reconfig*all"}
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])
        lab.clear_requests()
        again = p.play("pegasus", given, tmp_path).succeed()
        assert mutating(lab) == []
        assert again.recap["changed"] == 0


@pytest.mark.thorough
def test_hand_over_to_tasks_of_the_operator(tmp_path: pathlib.Path) -> None:
    options = {**SMALL, "table": "temp,orders", "partitions": 4, "no_metaproxy": True}
    with process.start(profile="2.6", factor=8, **options) as lab:
        hook = tmp_path / "switch.yml"
        given = variables(
            lab,
            tmp_path,
            pegasus_switch="hand_over",
            pegasus_source_tables="dropped",
            pegasus_reserve_seconds=3600,
        )
        p.play("pegasus_migrate", given, tmp_path).succeed()

        lab.clear_requests()
        without = p.play("pegasus_cutover", given, tmp_path)
        assert "Set pegasus_switch_tasks" in without.failures[0]["msg"]
        assert mutating(lab) == []

        given["pegasus_switch_tasks"] = str(hook)
        canary = "c4nary-token-of-a-load-balancer"
        hook.write_text(p.failing_with_no_log("Switch the load balancer", canary))
        failed = p.play("pegasus_cutover", given, tmp_path, "-v")
        assert "failed (A task with no_log failed: Switch the load balancer)" in failed.failures[-1]["msg"]
        assert canary not in failed.told + pathlib.Path(given["pegasus_journal"]).read_text()
        writing_to(lab, "source")

        hook.write_text("- ansible.builtin.fail:\n    msg: the load balancer said no\n")
        failed = p.play("pegasus_cutover", given, tmp_path)
        assert failed.code != 0
        assert "the load balancer said no" in failed.output
        assert "the fence was taken off" in failed.failures[-1]["msg"]
        for table in ("temp", "orders"):
            assert apps(lab, "source")[table]["envs"] == {}
            assert {one["deny"] for one in apps(lab, "source")[table]["partitions"].values()} == {""}
        writing_to(lab, "source")

        tasks = [
            {
                "ansible.builtin.uri": {
                    "url": lab.describe["control"] + "/foreign",
                    "method": "POST",
                    "body_format": "json",
                    "body": {"table": "{{ item }}", "switch": "target"},
                },
                "loop": "{{ pegasus_handed_over }}",
            }
        ]
        hook.write_text(json.dumps(tasks))
        lab.clear_requests()
        texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in given.items()}
        moved = Job(tmp_path / "moved", "pegasus", texts).succeed()
        assert moved.artifacts["pegasus_cutover_state"] == "committed"
        assert 0 < moved.artifacts["pegasus_cutover_refused_seconds"] < 60
        # Both under one fence: the second is fenced before the first is closed.
        denied = [text for text in mutating(lab) if DENY in text]
        assert [text.rpartition("=")[2] for text in denied] == ["reconfig*write"] * 2 + ["reconfig*all"] * 2
        writing_to(lab, "target")
        assert {table.partition("#")[0] for table in apps(lab, "source") if "#" in table} == {"temp", "orders"}
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])
        lab.clear_requests()
        p.play("pegasus", given, tmp_path).succeed()
        assert mutating(lab) == []


@pytest.mark.thorough
def test_restore_refuses_what_was_not_cut_over(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=10, **{**SMALL, "partitions": 4}) as lab:
        given = variables(lab, tmp_path)
        refused = p.play("pegasus_restore", given, tmp_path)
        assert refused.code != 0
        assert "These tables were not cut over: temp." in refused.failures[0]["msg"]
        assert mutating(lab) == []


@pytest.mark.thorough
def test_jobs_of_awx_leave_small_artifacts_also_when_they_fail(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=10, **{**SMALL, "partitions": 4}) as lab:
        given = variables(lab, tmp_path)
        texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in given.items()}
        preflight = Job(tmp_path / "preflight", "pegasus_preflight", texts).succeed()
        assert preflight.artifacts["pegasus_preflight_passed"] is True
        assert preflight.artifacts["pegasus_preflight_blockers"] == 0
        assert preflight.artifacts["pegasus_preflight_tables"] == 1
        # Artifacts of a node become extra variables of the next ones.
        handed_on = {**texts, **{name: str(value) for name, value in preflight.artifacts.items()}}
        lab.foreign(cluster="target", create_table={"name": "temp"})
        migrate = Job(tmp_path / "migrate", "pegasus_migrate", handed_on)
        assert migrate.run.status == "failed"
        assert migrate.artifacts["pegasus_migrate_finished"] is False
        cutover = Job(tmp_path / "cutover", "pegasus_cutover", handed_on)
        assert cutover.run.status == "failed"
        assert cutover.artifacts["pegasus_cutover_refused_seconds"] == -1
        assert mutating(lab) == []
        for job, phase in ((preflight, "preflight"), (migrate, "migrate"), (cutover, "cutover")):
            assert [name for name in job.artifacts if not name.startswith(f"pegasus_{phase}_")] == []
            assert len(json.dumps(job.artifacts)) < 2048


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["2.4"])
def test_whole_run_with_texts_only(profile: str, tmp_path: pathlib.Path) -> None:
    """As AWX hands variables over."""
    with process.start(profile=profile, factor=15, **SMALL) as lab:
        given = variables(
            lab,
            tmp_path,
            pegasus_steady="true",
            pegasus_accept="[]",
            pegasus_max_backlog="1000",
            pegasus_stable_samples="3",
            pegasus_max_lag="10000",
            pegasus_remote_tables="",
            pegasus_remote_cluster="",
            pegasus_reserve_seconds="",
            pegasus_soak_time="1",
        )
        texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in given.items()}
        p.play("pegasus", texts, tmp_path).succeed()
        writing_to(lab, "target")
        assert levels(lab) == ["lively", "lively"]
        lab.clear_requests()
        p.play("pegasus", texts, tmp_path).succeed()
        assert mutating(lab) == []
