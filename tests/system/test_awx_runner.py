# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook of the collection by its full name as a job of AWX: every extra variable a text, no terminal, artifacts.

The templates and workflows that are shipped for AWX have tests of their own (test_awx_greptimedb.py and so on).
"""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import playbooks as p

ansible_runner = pytest.importorskip("ansible_runner")

SECRET = "pa55-w0rd-of-the-lab"
DRAINED = 1


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


@pytest.mark.thorough
def test_a_job_that_fails_leaves_its_artifacts_too(lab: LabClient, tmp_path: pathlib.Path) -> None:
    answers = {**survey(lab, tmp_path), "greptimedb_datanodes": "0", "greptimedb_frontend_port": "1"}
    job = Job(tmp_path / "migrate", "greptimedb_migrate", answers)
    assert (job.run.status, job.run.rc) == ("failed", 2)
    assert job.artifacts["greptimedb_migrate_done"] == -1
    failed = [event["event_data"]["res"] for event in job.events if event["event"] == "runner_on_failed"]
    assert failed[0]["code"] == "greptimedb.unreachable"
    assert job.holds(SECRET) == []
