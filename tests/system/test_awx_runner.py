# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: ansible-runner, every extra variable a text, no terminal, check as a job type, artifacts."""

from __future__ import annotations

import json
import os
import pathlib
import threading
import time
import typing as t

import pytest

from bench.processes import descendants
from lab import process
from lab.client import LabClient
from system import playbooks as p

ansible_runner = pytest.importorskip("ansible_runner")

SECRET = "pa55-w0rd-of-the-lab"
DRAINED = 1
# What AWX keeps in its database and hands on to every later node of a workflow.
SMALL = 2048


class Job:
    """One job: a private data directory of its own, as a container gets it, and what is left in it."""

    def __init__(self, folder: pathlib.Path, playbook: str, variables: t.Mapping[str, str], cmdline: str = "") -> None:
        assert all(isinstance(value, str) for value in variables.values())
        self.folder = folder
        (folder / "env").mkdir(parents=True)
        (folder / "inventory").mkdir()
        (folder / "project").mkdir()
        # The localhost of AWX's own demo inventory.
        interpreter = "ansible_python_interpreter='{{ ansible_playbook_python }}'"
        (folder / "inventory" / "hosts").write_text(f"localhost ansible_connection=local {interpreter}\n")
        (folder / "env" / "settings").write_text(json.dumps({"idle_timeout": 120, "job_timeout": 280}))
        (folder / "env" / "extravars").write_text(json.dumps(dict(variables)))
        kept = ("PATH", "ANSIBLE_")
        environment = {name: value for name, value in p.environment().items() if name.startswith(kept)}
        # A custom credential type injects environment variables, so that secrets never become extra variables.
        environment.update(GREPTIMEDB_USER="ops", GREPTIMEDB_PASSWORD=SECRET, ANSIBLE_FORCE_COLOR="0")
        (folder / "env" / "envvars").write_text(json.dumps(environment))
        self.run = ansible_runner.run(
            private_data_dir=str(folder),
            playbook=f"dbops.migration.{playbook}",
            cmdline=cmdline,
            quiet=True,
            ident="job",
        )
        self.events = list(self.run.events)

    def succeed(self) -> Job:
        assert (self.run.status, self.run.rc) == ("successful", 0), self.stdout
        return self

    @property
    def stdout(self) -> str:
        return (self.folder / "artifacts" / "job" / "stdout").read_text()

    @property
    def artifacts(self) -> dict[str, t.Any]:
        """What ``set_stats`` leaves to the next node of a workflow."""
        stats = [event for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(stats[-1]["event_data"].get("artifact_data") or {})

    def holds(self, secret: str) -> list[str]:
        """Files that the job has left and that hold the secret. Not the record of the environment it was given."""
        return [
            str(path.relative_to(self.folder))
            for path in sorted((self.folder / "artifacts").rglob("*"))
            if path.is_file() and secret.encode() in path.read_bytes() and path.name != "command"
        ]


class CommandLines:
    """Watches the command lines of all processes below this one, but for that of the lab, which is no part of a job."""

    def __init__(self, lab: LabClient) -> None:
        self.seen: set[str] = set()
        self._lab = int(lab.describe["pid"])
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.is_set():
            for pid in set(descendants(os.getpid())) - {self._lab}:
                try:
                    self.seen.add(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
                except OSError:
                    continue
            time.sleep(0.05)


@pytest.fixture(scope="module")
def lab() -> t.Iterator[LabClient]:
    with process.start(profile="1.1", regions=16, writers=2, factor=5, user="ops", password=SECRET) as running:
        yield running


def survey(lab: LabClient, shared: pathlib.Path) -> dict[str, str]:
    """Answers to a survey. The journal is shared between jobs, as a bucket would be; see the tests of the journal."""
    found = p.connection(lab, text=True)
    del found["greptimedb_username"], found["greptimedb_password"]
    return {
        **found,
        "greptimedb_strategy": "drain",
        "greptimedb_datanodes": str(DRAINED),
        "greptimedb_exclude_tables": "",
        "greptimedb_limits": '{"global": "4", "per_table": null}',
        "greptimedb_max_failures": "0",
        "greptimedb_maintenance_mode": "false",
        "greptimedb_allow_incomplete": "false",
        "greptimedb_server_timeout": "60",
        "greptimedb_accept": "[]",
        "greptimedb_canary_sql": "",
        "greptimedb_journal": str(shared / "journal.jsonl"),
        "greptimedb_migration_id": "awx-drain-1",
        "greptimedb_report": "",
    }


def leaders(lab: LabClient) -> list[int]:
    return [one["leader"] for one in lab.state()["regions"].values()]


@pytest.mark.thorough
def test_a_workflow_of_jobs(lab: LabClient, tmp_path: pathlib.Path) -> None:
    answers = survey(lab, tmp_path)
    to_move = leaders(lab).count(DRAINED)
    assert to_move

    checked = Job(tmp_path / "check", "greptimedb_migrate", answers, "--check --diff").succeed()
    assert lab.requests(mutating=True) == []
    assert not (tmp_path / "journal.jsonl").exists()

    with CommandLines(lab) as lines:
        preflight = Job(tmp_path / "preflight", "greptimedb_preflight", answers).succeed()
        # Artifacts of a node become extra variables of the next ones.
        handed_on = {**answers, **{name: str(value) for name, value in preflight.artifacts.items()}}
        migrate = Job(tmp_path / "migrate", "greptimedb_migrate", handed_on).succeed()
        cutover = Job(tmp_path / "cutover", "greptimedb_cutover", handed_on).succeed()
        restore = Job(tmp_path / "restore", "greptimedb_restore", handed_on).succeed()

    assert preflight.artifacts["greptimedb_preflight_passed"] is True
    assert preflight.artifacts["greptimedb_preflight_moves"] == to_move
    assert migrate.artifacts["greptimedb_migrate_done"] == to_move
    assert migrate.artifacts["greptimedb_migrate_failed"] == 0
    assert cutover.artifacts["greptimedb_cutover_passed"] is True
    assert DRAINED not in leaders(lab)
    assert lab.ledger()["missing"] == 0
    jobs = [checked, preflight, migrate, cutover, restore]
    for job, phase in zip(jobs, ["migrate", "preflight", "migrate", "cutover", "restore"], strict=True):
        assert [name for name in job.artifacts if not name.startswith(f"greptimedb_{phase}_")] == []
        assert len(json.dumps(job.artifacts)) < SMALL
        assert job.holds(SECRET) == []
        assert SECRET not in job.stdout
    assert any("greptimedb_region_migration" in line or "AnsiballZ" in line for line in lines.seen)
    assert [line for line in lines.seen if SECRET in line] == []
    assert SECRET not in (tmp_path / "journal.jsonl").read_text()

    # The progress of the moves is there for people who look at the job's output.
    assert f"{to_move}/{to_move} done" in migrate.stdout


def test_a_job_that_fails_leaves_its_artifacts_too(lab: LabClient, tmp_path: pathlib.Path) -> None:
    answers = {**survey(lab, tmp_path), "greptimedb_datanodes": "0", "greptimedb_frontend_port": "1"}
    job = Job(tmp_path / "migrate", "greptimedb_migrate", answers)
    assert (job.run.status, job.run.rc) == ("failed", 2)
    assert job.artifacts["greptimedb_migrate_done"] == -1
    failed = [event["event_data"]["res"] for event in job.events if event["event"] == "runner_on_failed"]
    assert failed[0]["code"] == "greptimedb.unreachable"
    assert job.holds(SECRET) == []
