# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The molecule scenarios with real servers as files, and what Ansible makes of them."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

from tooling import compose, content, linked, paths, real_clusters

MOLECULE = paths.ROOT / "extensions" / "molecule"
SHARED = ("prepare", "converge", "verify")
"""What a lab and real servers have in common."""
TIMEOUT = 600


def folder(engine: str) -> pathlib.Path:
    """Where the scenario is."""
    return MOLECULE / real_clusters.scenario(engine)


def services(engine: str) -> compose.Compose:
    """The services of its compose file."""
    found = compose.load(folder(engine) / "compose.yml")["services"]
    assert isinstance(found, dict)
    return found


def molecule(scenario: str) -> dict[str, t.Any]:
    """The molecule.yml of any scenario."""
    found = content.load_yaml("extensions", "molecule", scenario, "molecule.yml")
    assert isinstance(found, dict)
    return found


def playbook(engine: str, home: pathlib.Path, *arguments: str) -> str:
    """Run ansible-playbook as molecule would for that scenario, in ``home``, and return its output; AssertionError
    with it when that fails.
    """
    env = {
        **linked.ansible_environment(),
        "MOLECULE_SCENARIO_DIRECTORY": str(folder(engine)),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(home),
        real_clusters.ARCHIVE: "/srv/starrocks-cluster-sync.tar.gz",
        real_clusters.CHECKSUM: "0" * 64,
    }
    program = pathlib.Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), "-i", "localhost,", *arguments]
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def variables(engine: str, home: pathlib.Path) -> dict[str, t.Any]:
    """The variables of the connection file that the playbooks use, with their values."""
    names = "lookup('ansible.builtin.varnames', '^(docker_setup$|place$|target_place$|%s_)', wantlist=true)" % engine
    task = {
        "name": "Tell them",
        "ansible.builtin.copy": {
            "content": "{{ dict(names | zip(query('ansible.builtin.vars', *names))) | to_json }}",
            "dest": str(home / "found.json"),
        },
        "vars": {"names": "{{ %s }}" % names, "ansible_python_interpreter": sys.executable},
    }
    files = [str(MOLECULE / "shared" / "vars" / "where.yml"), str(folder(engine) / "vars" / "connection.yml")]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars_files": files, "tasks": [task]}
    (home / "play.yml").write_text(json.dumps([play]))
    playbook(engine, home, str(home / "play.yml"))
    found = json.loads((home / "found.json").read_text())
    assert isinstance(found, dict)
    return found
