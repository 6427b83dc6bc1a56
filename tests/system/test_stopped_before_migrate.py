# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody said abort or pause before ``migrate`` began: the clusters get no request that changes anything."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import pegasus_playbooks, starrocks_playbooks
from system import playbooks as p


def assert_nothing_is_begun(engine: str, lab: LabClient, given: t.Mapping[str, t.Any], folder: pathlib.Path) -> None:
    file = pathlib.Path(given[f"{engine}_journal"] + ".control")
    lab.clear_requests()
    file.write_text("abort the backup is late")
    for arguments in (("--check",), ()):
        ended = p.play(f"{engine}_migrate", given, folder, *arguments)
        assert ended.failures[0]["code"] == "control.aborted", ended.output
        assert "abort (the backup is late): the " in ended.failures[-1]["msg"]
        assert "was not begun" in ended.failures[-1]["msg"]

    file.write_text("pause\npostpone 2h")
    checked = p.play(f"{engine}_migrate", given, folder, "--check", "-v").succeed()
    assert "A real run would wait" in checked.output and "control.paused" in checked.output
    held = p.play(f"{engine}_migrate", {**given, f"{engine}_timeout": "2s"}, folder)
    assert held.failures[0]["code"] == "deadline.expired", held.output
    assert "control.paused" in held.failures[0]["msg"]
    assert [one["request"] for one in lab.requests(mutating=True) if one.get("user") != "writer"] == []


@pytest.mark.cost(30)
def test_starrocks(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=20, **{**starrocks_playbooks.SMALL, "rate": 0}) as lab:
        given = starrocks_playbooks.variables(lab, tmp_path)
        assert_nothing_is_begun("starrocks", lab, given, tmp_path)
        assert starrocks_playbooks.changed_configs(lab) == {"source": set(), "target": set()}
        assert not (tmp_path / "sync").exists()


@pytest.mark.cost(25)
def test_pegasus(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=8, **{**pegasus_playbooks.SMALL, "no_metaproxy": True}) as lab:
        switch = tmp_path / "switch.yml"
        switch.write_text("[]")
        more = {"pegasus_switch": "hand_over", "pegasus_switch_tasks": str(switch)}
        assert_nothing_is_begun("pegasus", lab, pegasus_playbooks.variables(lab, tmp_path, **more), tmp_path)
        assert pegasus_playbooks.levels(lab) == ["lively", "lively"]


@pytest.mark.cost(25)
def test_greptimedb(tmp_path: pathlib.Path) -> None:
    with process.start(profile="1.1", regions=8, writers=0, factor=10) as lab:
        given = {
            **p.connection(lab),
            "greptimedb_strategy": "drain",
            "greptimedb_datanodes": [1],
            "greptimedb_maintenance_mode": True,
            "greptimedb_journal": str(tmp_path / "journal.jsonl"),
            "greptimedb_migration_id": "drain-1",
        }
        assert_nothing_is_begun("greptimedb", lab, given, tmp_path)
