# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes that a killed run has left refused, and its guard too, go on although a hook of the next run says no."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import typing as t

import pytest

from bench import guards
from lab import process
from lab.pegasus import zookeeper
from system import pegasus_playbooks as peg
from system import playbooks as p
from system import starrocks_playbooks as sr


def vetoing(folder: pathlib.Path, engine: str, edge: str) -> dict[str, t.Any]:
    path = folder / f"{edge}.yml"
    path.write_text(json.dumps([{"ansible.builtin.set_fact": {"edge_veto": "Not tonight."}}]))
    return {f"{engine}_hooks": {edge: str(path)}}


@pytest.fixture(autouse=True)
def _no_tool_left(tmp_path: pathlib.Path) -> t.Iterator[None]:
    yield
    for pid in sr.tool_processes(tmp_path):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here")
@pytest.mark.cost(60)
def test_pegasus(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=7, **{**peg.SMALL, "partitions": 4}) as lab:
        given = peg.variables(lab, tmp_path)
        p.play("pegasus_migrate", given, tmp_path).succeed()
        for phase in ("cutover", "rollback"):
            p.play_until("pegasus_cutover", given, tmp_path, lambda: peg.behind_the_fence(lab, tmp_path))
            guards.kill_below(tmp_path)
            hooked = {**given, **vetoing(tmp_path, "pegasus", f"before_{phase}")}
            checked = p.play(f"pegasus_{phase}", hooked, tmp_path, "--check")
            assert "A real run would first let writes to temp through again" in checked.output
            assert peg.DENY in peg.apps(lab, "source")["temp"]["envs"]
            ended = p.play(f"pegasus_{phase}", hooked, tmp_path)
            assert ended.failures[0]["code"] == "hook.vetoed", ended.output
            assert peg.DENY not in peg.apps(lab, "source")["temp"]["envs"]
            peg.writing_to(lab, "source")
            # Nothing else was put back: the migration goes on when the hook agrees.
            assert peg.apps(lab, "source")["temp"]["duplications"] != {}
        p.play("pegasus_cutover", given, tmp_path).succeed()
        peg.writing_to(lab, "target")


@pytest.mark.thorough
@pytest.mark.cost(90)
def test_starrocks(tmp_path: pathlib.Path) -> None:
    with process.start(profile="4.1", factor=10, **{**sr.SMALL, "tables": 2}) as lab:
        given = sr.variables(lab, tmp_path, starrocks_quiet_time="5s")
        p.play("starrocks_migrate", given, tmp_path).succeed()
        for phase in ("cutover", "migrate", "rollback"):
            p.play_until("starrocks_cutover", given, tmp_path, lambda: sr.behind_the_freeze(lab, tmp_path), 300)
            guards.kill_below(tmp_path)
            hooked = {**given, **vetoing(tmp_path, "starrocks", f"before_{phase}")}
            checked = p.play(f"starrocks_{phase}", hooked, tmp_path, "--check")
            assert "A real run would first let loads go on again" in checked.output
            assert any(sr.frozen(lab))
            ended = p.play(f"starrocks_{phase}", hooked, tmp_path)
            assert ended.failures[0]["code"] == "hook.vetoed", ended.output
            assert not any(sr.frozen(lab))
            sr.writing_to(lab, "source")
        p.play("starrocks_rollback", given, tmp_path).succeed()
        sr.as_before(lab, tmp_path)
