# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook of the collection by its full name, as a person does."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import time
import typing as t

from bench.processes import kill_tree
from lab.client import LabClient
from tooling import linked

# What a person's shell may hold and a test must not see.
_DROPPED = ("GREPTIMEDB_", "PEGASUS_", "STARROCKS_", "DBOPS_MIGRATION_", "AWS_")
_RECAP = re.compile(r"^localhost\s+: (.*)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a playbook ended."""

    code: int
    output: str

    @property
    def recap(self) -> dict[str, int]:
        """Ansible's own count of tasks: ok, changed, failed, ..."""
        found = _RECAP.findall(self.output)
        return {name: int(count) for name, count in (part.split("=") for part in found[-1].split())} if found else {}

    @property
    def failures(self) -> list[dict[str, t.Any]]:
        """The results of the tasks that failed."""
        lines = [line for line in self.output.splitlines() if line.startswith("fatal: [localhost]: FAILED! => ")]
        return [json.loads(line.split(" => ", 1)[1]) for line in lines]

    @property
    def told(self) -> str:
        """The output without what ansible-core from 2.19 on says by itself of each error, also with no_log."""
        said = re.compile(r"^\[ERROR\]: .*?(?=^(?:fatal|failed): |\Z)", re.MULTILINE | re.DOTALL)
        return said.sub("", self.output)

    def succeed(self) -> Outcome:
        """Itself, or the whole output as the reason of a failed test."""
        assert self.code == 0, self.output
        return self


def failing_with_no_log(name: str, message: str) -> str:
    """A file of tasks with one that fails with this message, and must not be logged."""
    return json.dumps([{"name": name, "ansible.builtin.fail": {"msg": message}, "no_log": True}])


def environment(**more: str) -> dict[str, str]:
    """The environment of ansible-playbook, without anything of the caller's that the modules would read."""
    found = {name: value for name, value in linked.ansible_environment().items() if not name.startswith(_DROPPED)}
    return {**found, "ANSIBLE_NOCOLOR": "1", **more}


def connection(lab: LabClient, text: bool = False) -> dict[str, t.Any]:
    """The role's connection variables for a lab; with ``text`` as AWX hands them over, everything a string."""
    described = lab.describe
    found = {
        "greptimedb_frontend_host": described["frontend"]["host"],
        "greptimedb_frontend_port": described["frontend"]["mysql_port"],
        "greptimedb_metasrv_addrs": [one["grpc"] for one in described["metasrv"]],
        "greptimedb_metasrv_http_addrs": [one["http"] for one in described["metasrv"]],
        "greptimedb_datanode_http_addrs": {number: one["http"] for number, one in described["datanodes"].items()},
    }
    if described.get("username"):
        found.update(greptimedb_username=described["username"], greptimedb_password=described["password"])
    if text:
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}
    return found


def command(name: str, variables: t.Mapping[str, t.Any], folder: pathlib.Path, *arguments: str) -> list[str]:
    """The command line of one run; its variables lie in a file of ``folder``."""
    path = folder / "vars.json"
    path.write_text(json.dumps(variables))
    program = pathlib.Path(sys.executable).with_name("ansible-playbook")
    return [str(program), f"dbops.migration.{name}", "-e", f"@{path}", *arguments]


def play(name: str, variables: t.Mapping[str, t.Any], folder: pathlib.Path, *arguments: str, **env: str) -> Outcome:
    """Run ``dbops.migration.<name>`` to its end."""
    return run(command(name, variables, folder, *arguments), folder, **env)


def run(words: t.Sequence[str], folder: pathlib.Path, **env: str) -> Outcome:
    """Run a command line of :func:`command` to its end."""
    done = subprocess.run(
        words,
        check=False,
        env=environment(**env),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return Outcome(done.returncode, done.stdout)


def play_until(
    name: str,
    variables: t.Mapping[str, t.Any],
    folder: pathlib.Path,
    enough: t.Callable[[], bool],
    seconds: float = 120.0,
    **env: str,
) -> None:
    """Begin ``dbops.migration.<name>`` and kill it with all its children as soon as ``enough`` says so."""
    with (folder / "killed.log").open("wb") as log:
        process = subprocess.Popen(
            command(name, variables, folder),
            env=environment(**env),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            end = time.monotonic() + seconds
            while not enough():
                assert process.poll() is None, (folder / "killed.log").read_text()
                assert time.monotonic() < end, "it did not come to the point where it was to be killed"
                time.sleep(0.02)
        finally:
            kill_tree(process.pid)
            process.wait()
