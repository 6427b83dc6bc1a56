# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook runs on one host, and does not end well without one."""

from __future__ import annotations

import pathlib

import pytest

from system import playbooks as p
from tooling import content, paths

PLAYBOOKS = sorted(path.name for path in (paths.ROOT / "playbooks").glob("*.yml"))
INVENTORY = """\
[pair]
old-host ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'
new-host ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'
"""
BEGUN = "Validating arguments against arg spec"
"""What the role does first."""


@pytest.fixture
def inventory(tmp_path: pathlib.Path) -> str:
    path = tmp_path / "inventory"
    path.write_text(INVENTORY)
    return str(path)


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_every_playbook_looks_for_its_host_first(name: str) -> None:
    variable = name.split(".")[0].split("_")[0] + "_hosts"
    first, *plays = content.load_yaml("playbooks", name)
    assert first["ansible.builtin.import_playbook"] == "internal/one_host.yml"
    assert first["vars"] == {"one_host_variable": variable}
    assert {play["hosts"] for play in plays} == {f"{{{{ {variable} | default('localhost') }}}}"}


@pytest.mark.parametrize(
    ("name", "hosts", "said"),
    [
        ("pegasus_preflight", "nwe-host", "matches no host of the inventory, so nothing was begun"),
        ("starrocks_preflight", "pair", "matches 2 hosts of the inventory (old-host, new-host)"),
    ],
)
def test_no_host_and_two_hosts_fail_before_anything_is_begun(
    name: str, hosts: str, said: str, inventory: str, tmp_path: pathlib.Path
) -> None:
    variable = name.split("_")[0] + "_hosts"
    done = p.play(name, {variable: hosts}, tmp_path, "-i", inventory)
    assert done.code != 0, done.output
    (failure,) = done.failures
    assert failure["msg"].startswith(f"{variable}: {hosts} {said}")
    assert failure["msg"].endswith(f"Set {variable} to one host as the inventory (-i) names it.")
    assert BEGUN not in done.output


def test_a_limit_that_leaves_the_host_out_fails_before_anything_is_begun(
    inventory: str, tmp_path: pathlib.Path
) -> None:
    for given, host in (({"pegasus_hosts": "new-host"}, "new-host"), ({}, "localhost")):
        done = p.play("pegasus_preflight", given, tmp_path, "-i", inventory, "--limit", "old-host")
        assert done.code != 0, done.output
        assert f"pegasus_hosts: {host} is not among the hosts that --limit leaves (old-host)" in done.output
        assert BEGUN not in done.output


def test_a_host_of_the_inventory_will_do_also_with_a_limit(inventory: str, tmp_path: pathlib.Path) -> None:
    done = p.play("pegasus_preflight", {"pegasus_hosts": "new-host"}, tmp_path, "-i", inventory, "--limit", "new-host")
    assert BEGUN in done.output
    assert "fatal: [new-host]" in done.output, "it lacks all that the role needs"


def test_without_a_word_it_is_the_controller_whether_the_inventory_has_it_or_not(
    inventory: str, tmp_path: pathlib.Path
) -> None:
    for arguments in ((), ("-i", inventory)):
        done = p.play("greptimedb_preflight", {}, tmp_path, *arguments)
        assert BEGUN in done.output, done.output
