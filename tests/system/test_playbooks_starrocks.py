# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StarRocks playbooks by their full names against the lab: whole run, rerun, kill, hand-over, rollback.

Judged from the lab's side: what it was asked for, what its clusters look like, and what its clients' ledger says.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import time
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import playbooks as p
from system.starrocks_modules import connection, finish, start
from system.starrocks_playbooks import (
    COMPACTION,
    GRACE,
    LEGACY,
    SMALL,
    STALE,
    as_before,
    changed_configs,
    frozen,
    mutating,
    replicating,
    tool_processes,
    tool_runs,
    variables,
    volumes,
    writing_to,
)
from system.switches import legality
from system.test_awx_runner import Job
from system.test_hooks import hook, told

# Each has labs and playbooks of its own, so they may be spread over the workers.
pytestmark = pytest.mark.cost(60)


CANARY = "c4nary-token-of-a-load-balancer"


@pytest.fixture(autouse=True)
def _no_tool_left(tmp_path: pathlib.Path) -> t.Iterator[None]:
    yield
    for pid in tool_processes(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_whole_run_and_run_again(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        given = variables(lab, tmp_path)
        p.play("starrocks", given, tmp_path).succeed()
        sent = mutating(lab)
        assert sent == [
            f'ADMIN SET FRONTEND CONFIG ("{GRACE}" = "10000000") WITH PERSISTENT',
            f'ADMIN SET FRONTEND CONFIG ("{COMPACTION}" = "0") WITH PERSISTENT',
            f'ADMIN SET FRONTEND CONFIG ("{LEGACY}" = "true") WITH PERSISTENT',
            "CREATE STORAGE VOLUME `src_lake_a`",
            "CREATE STORAGE VOLUME `src_lake_b`",
            "ALTER PIPE `sales`.`from_files_0` SUSPEND",
            "PAUSE ROUTINE LOAD FOR `sales`.`from_kafka_0`",
            'ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")',
            # The target first: the clients are there.
            f'ADMIN SET FRONTEND CONFIG ("{LEGACY}" = "false") WITH PERSISTENT',
            f'ADMIN SET FRONTEND CONFIG ("{COMPACTION}" = "-1") WITH PERSISTENT',
            "DROP STORAGE VOLUME `src_lake_b`",
            "DROP STORAGE VOLUME `src_lake_a`",
            f'ADMIN SET FRONTEND CONFIG ("{GRACE}" = "30") WITH PERSISTENT',
        ]
        writing_to(lab, "target")
        assert changed_configs(lab) == {"source": {"disable_load_job"}, "target": set()}
        assert volumes(lab, "target") == {"lake_a", "lake_b"}
        assert frozen(lab) == [True] * 3
        assert not (tmp_path / "sync").exists()
        assert "move-lake" in (tmp_path / "report.html").read_text()
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])

        lab.clear_requests()
        again = p.play("starrocks", given, tmp_path).succeed()
        assert mutating(lab) == []
        assert again.recap["changed"] == 0
        # The report is all that is made again, and nobody waits for steps that have nothing to do.
        assert again.output.count("[dbops.migration.starrocks : See where the migration stands]") == 1
        assert "[dbops.migration.starrocks : Remove the tool]" not in again.output


@pytest.mark.thorough
def test_a_source_that_nobody_writes_to_is_cut_over(tmp_path: pathlib.Path) -> None:
    """As in a maintenance window: started anew for the cutover, the tool finds nothing to copy."""
    with process.start(profile="4.1", factor=20, **{**SMALL, "rate": 0}) as lab:
        given = variables(lab, tmp_path, starrocks_timeout="90s")
        p.play("starrocks", given, tmp_path).succeed()
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])
        # Run again, it sends nothing, but one's own tasks are done at every edge; without a report, too.
        lab.clear_requests()
        del given["starrocks_report"]
        edges = [f"{when}_{phase}" for phase in ("migrate", "cutover", "restore") for when in ("before", "after")]
        p.play(
            "starrocks", {**given, "starrocks_hooks": {edge: hook(tmp_path, edge) for edge in edges}}, tmp_path
        ).succeed()
        assert [line.split()[0] for line in told(tmp_path)] == edges
        (tmp_path / "told").unlink()
        assert p.play("starrocks", given, tmp_path).succeed().recap["changed"] == 0
        assert told(tmp_path) == [] and mutating(lab) == []


@pytest.mark.thorough
def test_one_run_of_the_tool_and_the_cutover_of_what_came_after_it(tmp_path: pathlib.Path) -> None:
    """Nobody copies what is loaded after the one run but a tool that is started anew, to run on, for the cutover."""
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        given = variables(lab, tmp_path, starrocks_one_time_run_mode=True, starrocks_timeout="90s")
        p.play("starrocks_migrate", given, tmp_path).succeed()
        end = time.monotonic() + 60
        while tool_processes(tmp_path) and time.monotonic() < end:
            time.sleep(0.5)
        assert not tool_processes(tmp_path)
        time.sleep(2)
        preview = p.play("starrocks_cutover", given, tmp_path, "--check").succeed()
        assert "starrocks.tool.run_over" not in preview.output
        assert frozen(lab) == [False] * 3
        p.play("starrocks_cutover", given, tmp_path).succeed()
        assert frozen(lab) == [True] * 3
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])


@pytest.mark.thorough
def test_what_a_later_step_would_refuse_is_refused_before_the_first_change(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        given = variables(lab, tmp_path)
        other = given["starrocks_volume_credentials"]["*"]
        inventory = tmp_path / "inventory.json"
        here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory.write_text(json.dumps({"here": {"hosts": {"localhost": here}}}))
        for more, words in (
            ({"starrocks_tool_archive_sha256": "0" * 64}, "nothing was unpacked"),
            ({"starrocks_volume_credentials": {"*": {**other, "aws.s3.secret_key": "wrong"}}}, "access key"),
            ({"starrocks_target_settings": [{"key": "no_such_config", "value": 1}]}, "no_such_config is not known"),
            ({"starrocks_create_sync_users": True, "starrocks_source_cluster_user": ""}, "source_cluster_user root"),
            ({"starrocks_target_cluster_password": "Z9-canary"}, "starrocks.tool.login_refused"),
            ({"starrocks_frontend_group": "frontends"}, "The inventory has no host in a group frontends"),
            ({"starrocks_target_frontend_group": "here", "starrocks_fe_conf": "/nowhere/fe.conf"}, "/nowhere/fe.conf"),
            ({"starrocks_tool_directory": str(tmp_path / "vars.json" / "opt" / "sync")}, "Not a directory"),
            ({"starrocks_log_utc_offset": "CET", "starrocks_stall_after": "soon"}, "stall_after"),
            (
                {"starrocks_create_sync_users": "yes", "starrocks_target_cluster_password_secret_key": "Z9-canary"},
                "create_sync_users: with target_cluster_password_secret_key",
            ),
            (
                {"starrocks_source_cluster_password": "", "starrocks_source_cluster_password_secret_key": "Z9-canary"},
                "source_cluster_password_secret_key: source_cluster_password is not given with it",
            ),
        ):
            given["starrocks_in_container"] = True
            refused = p.play("starrocks_migrate", {**given, **more}, tmp_path, "-i", str(inventory))
            assert refused.code != 0 and words in refused.output, refused.output
            assert "Z9-canary" not in refused.output
        assert mutating(lab) == []
        assert changed_configs(lab) == {"source": set(), "target": set()}
        assert not (tmp_path / "sync").exists()


@pytest.mark.thorough
def test_check_mode_sends_nothing_and_there_is_no_way_back(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        # Then partitions are forgotten so soon that a pass is owed.
        lab.foreign(config={STALE: "1"})
        lab.clear_requests()
        given = variables(lab, tmp_path, starrocks_vacuum_time="2s")
        preview = p.play("starrocks", given, tmp_path, "--check", "--diff").succeed()
        assert mutating(lab) == []
        assert sorted(path.name for path in tmp_path.iterdir()) == ["switch.yml", "vars.json"]
        assert preview.recap["changed"] == 4
        assert lab.describe["users"]["tool"] not in preview.output

        refused = p.play("starrocks_restore", given, tmp_path)
        assert "Its cutover is not committed" in refused.failures[0]["msg"]
        assert mutating(lab) == []

        done = p.play("starrocks", given, tmp_path, "-vv").succeed()
        for secret in (lab.describe["users"]["tool"], lab.describe["s3"]["users"]["source"]["secret_key"]):
            assert secret not in done.output
            assert secret not in (tmp_path / "journal.jsonl").read_text()
            assert secret not in (tmp_path / "report.html").read_text()
        sent = mutating(lab)
        passes = [text for text in sent if STALE in text]
        assert [text.rpartition("= ")[2].rstrip(")") for text in passes] == ['"2"', '"1"']
        assert sent.index(passes[0]) > sent.index(f'ADMIN SET FRONTEND CONFIG ("{GRACE}" = "30") WITH PERSISTENT')
        assert sent[-1] == passes[-1]
        lab.clear_requests()
        refused = p.play("starrocks_rollback", given, tmp_path)
        assert "as a migration of its own" in refused.failures[0]["msg"]
        assert mutating(lab) == []
        writing_to(lab, "target")


@pytest.mark.thorough
def test_rollback_while_copying_and_when_the_copy_is_there(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=4, **SMALL) as lab:
        given = variables(lab, tmp_path)
        p.play_until("starrocks_migrate", given, tmp_path, lambda: tool_runs(tmp_path))
        assert changed_configs(lab) == {"source": {GRACE}, "target": {COMPACTION, LEGACY}}
        lab.clear_requests()
        preview = p.play("starrocks_rollback", given, tmp_path, "--check").succeed()
        assert mutating(lab) == []
        assert preview.recap["changed"] == 4
        p.play("starrocks_rollback", given, tmp_path).succeed()
        as_before(lab, tmp_path)
        lab.clear_requests()
        again = p.play("starrocks_rollback", given, tmp_path).succeed()
        assert mutating(lab) == []
        assert again.recap["changed"] == 0

        # The same journal takes a second try, and that can be given up, too.
        p.play("starrocks_migrate", given, tmp_path).succeed()
        p.play("starrocks_rollback", given, tmp_path).succeed()
        as_before(lab, tmp_path)


@pytest.mark.thorough
def test_rollback_waits_for_what_the_tool_had_sent(tmp_path: pathlib.Path) -> None:
    """Compactions that come back beside a replication stop the publishing for good on the target."""
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        lab.call("POST", "/config", {"cluster": "target", "slow_down": 200})
        given = variables(lab, tmp_path)
        p.play_until("starrocks_migrate", given, tmp_path, lambda: replicating(lab))
        left = p.play("starrocks_rollback", {**given, "starrocks_timeout": "1s"}, tmp_path)
        assert "The source is as it was, but the target is not" in left.failures[-1]["msg"]
        assert "that the sync tool had sent to the target's frontends" in left.failures[-1]["msg"]
        assert "Run the rollback again with the same journal" in left.failures[-1]["msg"]
        assert changed_configs(lab) == {"source": set(), "target": {COMPACTION, LEGACY}}
        assert not tool_runs(tmp_path)
        assert replicating(lab)

        p.play("starrocks_rollback", given, tmp_path).succeed()
        as_before(lab, tmp_path)


def _started_again(lab: LabClient, side: str) -> None:
    """Start a follower of a cluster and one of its nodes again; in containers they forget what was set.

    No leader: compactions would come back with it, and stop the publishing for good when they meet a replication.
    """
    frontends = lab.state()["clusters"][side]["frontends"]
    follower = next(at for at, one in enumerate(frontends, 1) if one["role"] != "LEADER")
    lab.call("POST", f"/frontends/{side}/{follower}/kill", {})
    lab.call("POST", f"/frontends/{side}/{follower}/start", {})
    node = lab.describe["clusters"][side]["nodes"][0]["id"]
    lab.call("POST", f"/nodes/{side}/{node}", {"alive": False})
    lab.call("POST", f"/nodes/{side}/{node}", {"alive": True})
    lab.wait_for(lambda state: all(one["alive"] for one in state["clusters"][side]["frontends"]))


@pytest.mark.thorough
def test_cutover_sets_what_was_forgotten_and_the_tool_goes_on_when_it_fails(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, container=True, **SMALL) as lab:
        threads = [{"key": "replication_threads", "value": "7"}]
        given = variables(lab, tmp_path, starrocks_target_node_settings=threads)
        p.play("starrocks_migrate", given, tmp_path).succeed()
        _started_again(lab, "source")
        _started_again(lab, "target")
        # A wait that was going on when they were started again does not go on.
        both = {**connection(lab), **connection(lab, "target", "target_")}
        waiting = {**both, "directory": str(tmp_path / "sync"), "journal": given["starrocks_journal"]}
        told = finish(start("sync_wait", waiting))
        assert told["code"] == "starrocks.sync_blocked"
        assert all(f"target {key}" in told["msg"] for key in (COMPACTION, LEGACY, "replication_threads")), told
        assert "Run migrate again" in told["msg"]
        lab.clear_requests()
        ahead = p.play("starrocks_cutover", {**given, "starrocks_budget": "3m"}, tmp_path, "--check").succeed()
        assert mutating(lab) == []
        # The source, the target, its nodes, the tool, and what the freeze would send.
        assert ahead.recap["changed"] == 5

        # Nothing is stopped, because that is too short; the tool was told already to look more often.
        refused = p.play("starrocks_cutover", {**given, "starrocks_budget": "1s"}, tmp_path)
        assert "budget" in refused.failures[-1]["msg"]
        assert refused.failures[-1]["msg"].endswith("The sync tool has its own intervals again.")
        assert "meta_job_interval_seconds=180" in (tmp_path / "sync/conf/sync.properties").read_text()
        assert tool_runs(tmp_path)
        sent = mutating(lab)
        assert [text.partition(" SET ")[2] for text in sent] == [
            f'FRONTEND CONFIG ("{GRACE}" = "10000000")',
            f'FRONTEND CONFIG ("{COMPACTION}" = "0")',
            f'FRONTEND CONFIG ("{LEGACY}" = "true")',
            'VALUE = "7" WHERE NAME = "replication_threads"',
        ], sent

        lab.clear_requests()
        p.play("starrocks_cutover", given, tmp_path).succeed()
        assert [text for text in mutating(lab) if GRACE in text or COMPACTION in text or LEGACY in text] == []


@pytest.mark.thorough
def test_killed_behind_the_freeze_and_rolled_back_then_run_to_the_end(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=10, **SMALL) as lab:
        given = variables(lab, tmp_path, starrocks_quiet_time="5s")
        p.play_until("starrocks", given, tmp_path, lambda: any(frozen(lab)))
        p.play("starrocks_rollback", given, tmp_path).succeed()
        as_before(lab, tmp_path)

        given["starrocks_quiet_time"] = "1s"
        p.play("starrocks", given, tmp_path).succeed()
        writing_to(lab, "target")
        assert changed_configs(lab)["target"] == set()


@pytest.mark.thorough
def test_a_postpone_that_comes_behind_the_gate_is_waited_for(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, **{**SMALL, "tables": 2}) as lab:
        given = variables(lab, tmp_path)
        p.play("starrocks_migrate", given, tmp_path).succeed()
        log, control = tmp_path / "ansible.log", pathlib.Path(given["starrocks_journal"] + ".control")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(p.play, "starrocks_cutover", given, tmp_path, ANSIBLE_LOG_PATH=str(log))
            while "Let the sync tool run" not in (log.read_text() if log.exists() else "") and not running.done():
                time.sleep(0.05)
            control.write_text("postpone until 2199-01-01")
            while "which it was postponed" not in log.read_text() and not running.done():
                time.sleep(0.05)
            assert not any(frozen(lab)) and not running.done()
            control.write_text("proceed")
            running.result().succeed()
        writing_to(lab, "target")


def _until_the_tool_is_ended(lab: LabClient, journal: pathlib.Path, size: int) -> None:
    """Wait for what is written down before the tool is ended; from then on the target cannot be asked what runs.

    It is ended once before the freeze too, to be started again with shorter intervals.
    """
    end = time.monotonic() + 120
    while True:
        entries = [json.loads(line) for line in journal.read_bytes()[size:].splitlines()[:-1]]
        frozen_at = next((at for at, entry in enumerate(entries) if entry["kind"] == "proof"), len(entries))
        if any(entry["data"].get("action") == "stop" for entry in entries[frozen_at:]):
            break
        assert time.monotonic() < end, "the cutover did not come to the end of the tool"
        time.sleep(0.005)
    lab.fault("error_before", surface="target-mysql", match="/running'", message="out of order", times=0)


@pytest.mark.thorough
def test_tasks_of_the_operator_that_fail_and_that_are_killed(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        given = variables(lab, tmp_path)
        hook = tmp_path / "switch.yml"
        good = hook.read_text()
        given["starrocks_switch_tasks"] = ""
        assert "starrocks.cutover.no_switch_tasks" in p.play("starrocks_migrate", given, tmp_path).succeed().output
        lab.clear_requests()
        without = p.play("starrocks_cutover", given, tmp_path)
        assert "Set starrocks_switch_tasks" in without.failures[0]["msg"]
        assert mutating(lab) == []

        # It fails behind the end of the sync tool, before anybody is switched: the tool goes on.
        given["starrocks_switch_tasks"] = str(hook)
        # With the intervals that the tool has until then, this would be too short.
        p.play("starrocks_cutover", {**given, "starrocks_budget": "3m"}, tmp_path, "--check").succeed()
        assert mutating(lab) == []
        journal = pathlib.Path(given["starrocks_journal"])
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            ended = pool.submit(_until_the_tool_is_ended, lab, journal, journal.stat().st_size)
            broken = p.play("starrocks_cutover", given, tmp_path)
            ended.result()
        assert "Could not list the running transactions" in broken.failures[-1]["msg"]
        assert "was ended before" in broken.failures[-1]["msg"]
        assert "(This was done.)" in broken.failures[-1]["msg"]
        assert tool_runs(tmp_path)
        assert frozen(lab) == [False] * 3
        lab.clear_faults()

        hook.write_text(p.failing_with_no_log("Switch the load balancer", CANARY))
        failed = p.play("starrocks_cutover", {**given, "starrocks_hooks": {"failed": str(hook)}}, tmp_path, "-v")
        assert "the freeze was lifted" in failed.failures[-1]["msg"]
        assert "failed (A task with no_log failed: Switch the load balancer)" in failed.failures[-1]["msg"]
        assert CANARY not in failed.told + journal.read_text()
        # Beside clients that may have been switched, it would drop what they write.
        assert "The sync tool was ended" in failed.failures[-1]["msg"]
        assert not tool_runs(tmp_path)
        assert frozen(lab) == [False] * 3
        writing_to(lab, "source")

        # Killed in the middle of the switch: the guard holds the freeze, and the next run goes on from there.
        hook.write_text("- ansible.builtin.pause:\n    seconds: 120\n")
        p.play_until(
            "starrocks_cutover",
            given,
            tmp_path,
            lambda: "switch.yml for localhost" in (tmp_path / "killed.log").read_text(),
        )
        assert frozen(lab) == [True] * 3
        known = {
            "name": "Know until when",
            "ansible.builtin.assert": {"that": ["starrocks_deadline is match('20..-')"]},
        }
        hook.write_text(json.dumps([known, *json.loads(good)]))
        p.play("starrocks", given, tmp_path).succeed()
        writing_to(lab, "target")


@pytest.mark.thorough
def test_jobs_of_awx_with_texts_only(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        given = variables(
            lab,
            tmp_path,
            starrocks_accept="[]",
            starrocks_max_behind="1000",
            starrocks_stable_samples="2",
            starrocks_compaction_ramp="4,16",
            starrocks_compaction_ramp_time="1",
            starrocks_include_data_list="sales,logistics",
            starrocks_exclude_data_list="",
            starrocks_target_settings='[{"key": "replication_max_parallel_table_count", "value": "50"}]',
            starrocks_sample="3",
            starrocks_checksum="true",
            starrocks_source_writes="allowed",
            starrocks_tool_user="",
            starrocks_create_sync_users="true",
            starrocks_source_cluster_user="cluster_sync",
            starrocks_target_cluster_user="cluster_sync",
        )
        texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in given.items()}
        artifacts = {}
        for phase in ("preflight", "migrate", "cutover", "restore"):
            job = Job(tmp_path / phase, f"starrocks_{phase}", texts).succeed()
            artifacts[phase] = job.artifacts
            assert [name for name in job.artifacts if not name.startswith(f"starrocks_{phase}_")] == []
            assert len(json.dumps(job.artifacts)) < 2048
            texts = {**texts, **{name: str(value) for name, value in job.artifacts.items()}}
        assert artifacts["preflight"]["starrocks_preflight_passed"] is True
        assert artifacts["migrate"]["starrocks_migrate_finished"] is True
        assert artifacts["cutover"]["starrocks_cutover_state"].strip() == "committed"
        assert artifacts["cutover"]["starrocks_cutover_proved_seconds"] > 0
        writing_to(lab, "target")
        assert changed_configs(lab) == {"source": set(), "target": set()}
        assert sum("CREATE USER" in text for text in mutating(lab)) == 2
        assert all("cluster_sync" not in cluster["users"] for cluster in lab.state()["clusters"].values())


@pytest.mark.thorough
def test_whole_run_between_shared_nothing_clusters(tmp_path: pathlib.Path) -> None:
    """Neither vacuum nor compaction nor volumes are touched there, and the token is needed."""
    options = {**SMALL, "mode": "shared_nothing", "target_mode": "shared_nothing", "target_profile": "3.3.9"}
    with process.start(profile="3.2", factor=20, **options) as lab:
        given = variables(lab, tmp_path)
        given["starrocks_source_cluster_token"] = lab.describe["clusters"]["source"]["token"]
        done = p.play("starrocks", given, tmp_path).succeed()
        assert "shared_nothing 3.2" in done.output
        assert [text for text in mutating(lab) if "PIPE" not in text and "ROUTINE" not in text] == [
            f'ADMIN SET FRONTEND CONFIG ("{LEGACY}" = "true")',
            "SET GLOBAL enable_filter_unused_columns_in_scan_stage = false",
            'ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")',
            f'ADMIN SET FRONTEND CONFIG ("{LEGACY}" = "false")',
            "SET GLOBAL enable_filter_unused_columns_in_scan_stage = true",
        ]
        assert changed_configs(lab) == {"source": {"disable_load_job"}, "target": set()}
        assert frozen(lab) == [True] * 3
        assert not (tmp_path / "sync").exists()
        assert legality(str(tmp_path / "journal.jsonl")) == ("yes", [])
        writing_to(lab, "target")


@pytest.mark.thorough
def test_blocks_in_fe_conf_from_a_shared_nothing_source(tmp_path: pathlib.Path) -> None:
    options = {**SMALL, "mode": "shared_nothing", "target_mode": "shared_data", "target_profile": "3.3.9"}
    with process.start(profile="3.2", factor=20, **options) as lab:
        target = lab.describe["clusters"]["target"]["frontends"]
        here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        hosts = {one["host"]: {**here, "starrocks_fe_conf": one["fe_conf"]} for one in target}
        inventory = {"all": {"hosts": {"localhost": here}, "children": {"new_frontends": {"hosts": hosts}}}}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        arguments = ("-i", str(tmp_path / "inventory.json"))
        given = variables(lab, tmp_path, starrocks_target_frontend_group="new_frontends", starrocks_in_container=True)
        without = p.play("starrocks_migrate", given, tmp_path, *arguments)
        assert "starrocks.tool.token_missing" in without.output, without.output
        assert mutating(lab) == []

        given["starrocks_source_cluster_token"] = lab.describe["clusters"]["source"]["token"]
        p.play("starrocks_migrate", given, tmp_path, *arguments).succeed()
        for one in target:
            text = pathlib.Path(one["fe_conf"]).read_text()
            assert f"{COMPACTION} = 0" in text
            assert f"{LEGACY} = true" in text
        p.play("starrocks_cutover", given, tmp_path, *arguments).succeed()
        # The journal knows where the blocks are, also when nobody names the group. A host that cannot be reached
        # does not keep anything else from being put back, and is told of.
        given["starrocks_target_frontend_group"] = ""
        down = target[0]["host"]
        hosts[down] = {"ansible_host": "192.0.2.1", "ansible_connection": "ssh", "ansible_ssh_timeout": 1}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        left = p.play("starrocks_restore", given, tmp_path, *arguments)
        assert f"The block of this migration stays in {target[0]['fe_conf']} of {down} (" in left.failures[-1]["msg"]
        assert changed_configs(lab) == {"source": {"disable_load_job"}, "target": set()}
        assert not (tmp_path / "sync").exists()
        texts = [pathlib.Path(one["fe_conf"]).read_text() for one in target]
        assert [COMPACTION in text for text in texts] == [True, False, False]

        hosts[down] = {**here, "starrocks_fe_conf": target[0]["fe_conf"]}
        (tmp_path / "inventory.json").write_text(json.dumps(inventory))
        p.play("starrocks_restore", given, tmp_path, *arguments).succeed()
        for one in target:
            text = pathlib.Path(one["fe_conf"]).read_text()
            assert COMPACTION not in text
            assert LEGACY not in text
        writing_to(lab, "target")


@pytest.mark.thorough
def test_rollback_when_the_target_is_out_of_reach(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        given = variables(lab, tmp_path)
        p.play("starrocks_migrate", given, tmp_path).succeed()
        for number in (1, 2, 3):
            lab.call("POST", f"/frontends/target/{number}/kill", {})
        given["starrocks_target_connect_timeout"] = "1s"
        left = p.play("starrocks_rollback", given, tmp_path)
        assert "The source is as it was, but the target is not" in left.failures[-1]["msg"]
        assert changed_configs(lab)["source"] == set()
        assert not tool_runs(tmp_path)
        writing_to(lab, "source")
        for number in (1, 2, 3):
            lab.call("POST", f"/frontends/target/{number}/start", {})
        lab.wait_for(lambda state: all(one["alive"] for one in state["clusters"]["target"]["frontends"]))
        p.play("starrocks_rollback", given, tmp_path).succeed()
        as_before(lab, tmp_path)


@pytest.mark.thorough
def test_restore_when_the_source_is_out_of_reach(tmp_path: pathlib.Path) -> None:
    """The old cluster may be switched off after the commit; the target, with its clients, must not wait for it."""
    with process.start(profile="4.1", factor=20, **SMALL) as lab:
        given = variables(lab, tmp_path, starrocks_connect_timeout="1s")
        p.play("starrocks_migrate", given, tmp_path).succeed()
        p.play("starrocks_cutover", given, tmp_path).succeed()
        _source(lab, "kill", 1, 2, 3)
        lab.clear_requests()
        ahead = p.play("starrocks_restore", given, tmp_path, "--check")
        assert "The source does not have all of them" in ahead.failures[-1]["msg"]
        assert mutating(lab) == []
        left = p.play("starrocks_restore", given, tmp_path)
        said = left.failures[-1]["msg"]
        assert said.startswith("The target has its settings back. The source does not have all of them: ")
        assert f"Still changed there: {GRACE}. Restore again with the same journal" in said
        assert changed_configs(lab)["target"] == set()
        assert volumes(lab, "target") == {"lake_a", "lake_b"}
        assert not tool_runs(tmp_path)
        assert "move-lake" in (tmp_path / "report.html").read_text()
        writing_to(lab, "target")

        # Who says that it is gone for good is told what was never put back, and that is all.
        lab.clear_requests()
        gone = p.play("starrocks_restore", given | {"starrocks_source_gone": "true"}, tmp_path).succeed()
        assert f"Never put back there: {GRACE}." in gone.output
        assert (mutating(lab), gone.recap["changed"]) == ([], 0)
        allowed = given | {"starrocks_source_gone": "true", "starrocks_source_writes": "allowed"}
        gone = p.play("starrocks_restore", allowed, tmp_path).succeed()
        assert f"Never put back there: {GRACE}, writes, which are still refused." in gone.output

        # One that is down does not keep the others from being put back.
        _source(lab, "start", 1, 2)
        # One that answers is not gone, whatever is said.
        wrong = given | {"starrocks_source_gone": "true", "starrocks_password": "wrong"}
        refused = p.play("starrocks_restore", wrong, tmp_path).failures[-1]["msg"]
        assert "password" in refused and "starrocks_source_gone" not in refused
        ailing = p.play("starrocks_restore", given, tmp_path)
        assert "dead_frontends" in ailing.failures[-1]["msg"]
        _source(lab, "start", 3)
        lab.wait_for(lambda state: all(one["alive"] for one in state["clusters"]["source"]["frontends"]))
        p.play("starrocks_restore", given, tmp_path).succeed()
        assert GRACE not in changed_configs(lab)["source"]

        # What owes nothing can be switched off for good.
        _source(lab, "kill", 1, 2, 3)
        lab.clear_requests()
        again = p.play("starrocks_restore", given, tmp_path).succeed()
        assert mutating(lab) == []
        assert again.recap["changed"] == 0


def _source(lab: LabClient, deed: str, *numbers: int) -> None:
    for number in numbers:
        lab.call("POST", f"/frontends/source/{number}/{deed}", {})
