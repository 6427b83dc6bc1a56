# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One job as AWX lays it out for ansible-runner: a private data directory of its own, and nothing else of this machine.

The project is a copy of awx/, the collection is where AWX installs the project's requirements, extra variables are all
text and marked unsafe, credentials are environment variables and files, check mode is a job type, diff mode the
template's. Beside localhost, the container of the job, the inventory has a host where the job's environment is not.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time
import typing as t

import jinja2.sandbox

from bench.processes import kill_tree
from system import playbooks as p
from tooling import linked, paths

IDENT = "job"
# What AWX keeps in its database and hands on to every later node of a workflow.
SMALL = 2048
# A busy machine is no failure.
SECONDS = 1800.0
# Of the machine, a container has these only, and so has a host that modules are sent to.
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")
LASTING = "lasting.example.com"
"""A host that outlives the job."""
# What AWX tells every job of itself, under two names each.
_META: dict[str, str | int] = {
    "job_id": 7,
    "job_launch_type": "workflow",
    "job_template_id": 3,
    "project_revision": "0123456789abcdef0123456789abcdef01234567",
    "project_scm_branch": "main",
    "inventory_id": 2,
    "inventory_name": "dbops.migration",
    "workflow_job_id": 6,
    "workflow_job_launch_type": "manual",
    "user_id": 1,
    "user_name": "admin",
    "user_email": "admin@example.com",
    "user_first_name": "",
    "user_last_name": "",
}


@dataclasses.dataclass(frozen=True)
class Injected:
    """What credentials bring into a job: environment variables, and the contents of files by their label."""

    env: t.Mapping[str, str]
    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def inject(kind: t.Mapping[str, t.Any], inputs: t.Mapping[str, str], folder: pathlib.Path) -> Injected:
    """Fill in the injectors of a credential type as AWX does: what was left empty is empty text, not missing."""
    known = {field["id"] for field in kind["inputs"]["fields"]}
    assert set(inputs) <= known, f"{kind['name']} has no {sorted(set(inputs) - known)}"
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment()
    values: dict[str, t.Any] = dict(inputs)
    files: dict[str, str] = {}
    names: dict[str, str] = {}
    for key, template in kind["injectors"].get("file", {}).items():
        what = key.removeprefix("template.")
        path = folder / "env" / f"tmp_{what}"
        files[str(path)] = environment.from_string(template).render(values)
        names[what] = str(path)
    values["tower"] = {"filename": names}
    env = {name: environment.from_string(text).render(values) for name, text in kind["injectors"]["env"].items()}
    return Injected(env, files)


def _dumped(value: str | int) -> str:
    """Text may hold what looks like a template; AWX has it taken as it is."""
    return f"!unsafe {json.dumps(value)}" if isinstance(value, str) else json.dumps(value)


class Job:
    """One run of the playbook of a job template. ``folder`` is its private data directory, which must not exist yet."""

    def __init__(self, folder: pathlib.Path, template: t.Mapping[str, t.Any], variables: t.Mapping[str, str]) -> None:
        assert all(isinstance(value, str) for value in variables.values())
        self._template = template
        self.template = str(template["name"])
        self.folder = folder
        self.playbook = str(template["playbook"])
        self.variables = dict(variables)
        self.env: dict[str, str] = {}
        for name in ("env", "inventory", "tmp"):
            (folder / name).mkdir(parents=True)
        shutil.copytree(paths.ROOT / "awx", folder / "project")
        self._link_collection()
        self._write_inventory()
        (folder / "env" / "settings").write_text(json.dumps({"job_timeout": int(SECONDS)}))
        # As AWX writes them: no answer of a survey is ever taken for a template.
        told: dict[str, str | int] = {**variables}
        told.update({f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in _META.items()})
        lines = [f"!unsafe {json.dumps(name)}: {_dumped(value)}" for name, value in told.items()]
        (folder / "env" / "extravars").write_text("\n".join(lines) + "\n")

    def bring(self, injected: Injected) -> None:
        """Let a credential into the job."""
        assert not set(self.env) & set(injected.env), "two credentials set the same variable"
        self.env.update(injected.env)
        for path, content in injected.files.items():
            pathlib.Path(path).write_text(content)

    def run(self, check: bool = False, until: t.Callable[[], bool] | None = None) -> Job:
        """Run it to its end, or kill the runner with all its children as soon as ``until`` says so.

        ``check`` is the job type that a person chooses at launch.
        """
        assert self._template["ask_job_type_on_launch"] or not check
        arguments = ["-u", "root"]
        if check or self._template["job_type"] == "check":
            arguments.append("--check")
        if self._template["diff_mode"]:
            arguments.append("--diff")
        (self.folder / "env" / "envvars").write_text(json.dumps({**self._own_environment(), **self.env}))
        runner = str(pathlib.Path(sys.executable).with_name("ansible-runner"))
        command = [runner, "run", str(self.folder), "-p", self.playbook, "--ident", IDENT, "--quiet"]
        (self.folder / "env" / "cmdline").write_text(" ".join(arguments))
        clean = {name: os.environ[name] for name in _KEPT if name in os.environ}
        clean["PATH"] = linked.ansible_environment()["PATH"]
        with (self.folder / "runner.log").open("wb") as log:
            process = subprocess.Popen(command, env=clean, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                self._watch(process, until)
            finally:
                if process.poll() is None:
                    kill_tree(process.pid)
                process.wait()
        return self

    def succeed(self) -> Job:
        """Itself, or its whole output as the reason of a failed test."""
        assert self.status == "successful", self.stdout
        return self

    @property
    def status(self) -> str:
        """What ansible-runner says of it; a runner that was killed says nothing any more."""
        path = self.folder / "artifacts" / IDENT / "status"
        return path.read_text() if path.is_file() else "error"

    @property
    def stdout(self) -> str:
        """What people see of the job."""
        path = self.folder / "artifacts" / IDENT / "stdout"
        return path.read_text() if path.is_file() else (self.folder / "runner.log").read_text()

    @property
    def events(self) -> list[dict[str, t.Any]]:
        """The events that AWX stores, in their order."""
        found = sorted((self.folder / "artifacts" / IDENT / "job_events").glob("*-*.json"))
        events = [json.loads(path.read_text()) for path in found if not path.name.endswith("-partial.json")]
        return sorted(events, key=lambda event: int(event["counter"]))

    @property
    def artifacts(self) -> dict[str, t.Any]:
        """What ``set_stats`` leaves to the next node of a workflow."""
        stats = [event for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(stats[-1]["event_data"].get("artifact_data") or {}) if stats else {}

    @property
    def failures(self) -> list[dict[str, t.Any]]:
        """The results of the tasks that failed."""
        return [event["event_data"]["res"] for event in self.events if event["event"] == "runner_on_failed"]

    @property
    def codes(self) -> list[str]:
        """The codes of the errors of modules."""
        return [str(result["code"]) for result in self.failures if "code" in result]

    def holding(self, secret: str) -> list[str]:
        """Files that hold a secret, besides those in which AWX hands it over and keeps its own record of that."""
        handed_over = {self.folder / "env" / "envvars", self.folder / "artifacts" / IDENT / "command"}
        handed_over.update(self.folder.glob("env/tmp_*"))
        return [
            str(path.relative_to(self.folder))
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and path not in handed_over
            and not path.is_symlink()
            and secret.encode() in path.read_bytes()
        ]

    def _own_environment(self) -> dict[str, str]:
        """What AWX sets for every job. The machine's own Ansible settings are not there."""
        ansible = {name: value for name, value in p.environment().items() if name == "PATH"}
        return {
            **ansible,
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "requirements_collections"),
            "ANSIBLE_CONFIG": str(self.folder / "project" / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_HOME": str(self.folder / ".ansible"),
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "AWX_PRIVATE_DATA_DIR": str(self.folder),
            "JOB_ID": "7",
            "TMPDIR": str(self.folder / "tmp"),
        }

    def _link_collection(self) -> None:
        namespace = self.folder / "requirements_collections" / "ansible_collections" / paths.NAMESPACE
        namespace.mkdir(parents=True)
        (namespace / paths.NAME).symlink_to(paths.ROOT, target_is_directory=True)

    def _write_inventory(self) -> None:
        """An executable that prints JSON, with the localhost of config/project.yml, and a host that lasts.

        The latter is this machine, too, but its modules get no variable of the job's environment, as over SSH.
        """
        kept = " ".join(f'${{{name}+{name}="${name}"}}' for name in _KEPT)
        python = self.folder / "tmp" / "python-of-the-host"
        python.write_text(f'#!/bin/sh\nexec env -i {kept} {shlex.quote(sys.executable)} "$@"\n')
        python.chmod(0o700)
        variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        lasting = {"ansible_connection": "local", "ansible_python_interpreter": str(python)}
        hostvars = {"localhost": variables, LASTING: lasting}
        data = {"all": {"hosts": list(hostvars)}, "_meta": {"hostvars": hostvars}}
        path = self.folder / "inventory" / "hosts"
        path.write_text(f"#!/usr/bin/env python3\nprint('''{json.dumps(data)}''')\n")
        path.chmod(0o700)

    def _watch(self, process: subprocess.Popen[bytes], until: t.Callable[[], bool] | None) -> None:
        end = time.monotonic() + SECONDS
        while process.poll() is None:
            if until is not None and until():
                return
            assert time.monotonic() < end, self.stdout
            time.sleep(0.05)
        assert until is None, "it ended before it was to be killed: " + self.stdout
