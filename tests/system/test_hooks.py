# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks at the edges of the phases: their order, what they are told, and that a veto stops what it should."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import pegasus_playbooks, starrocks_playbooks
from system import playbooks as p

DRAINED = 1


@pytest.fixture(scope="module")
def lab() -> t.Iterator[LabClient]:
    with process.start(profile="1.1", regions=12, writers=1, factor=10) as running:
        yield running


def hook(folder: pathlib.Path, edge: str, *more: t.Mapping[str, t.Any]) -> str:
    """A hook that writes a line into ``told``, and then does more; its path."""
    names = ("name", "engine", "phase", "migration_id")
    line = " ".join([*(f"{{{{ edge_{name} }}}}" for name in names), "{{ edge_error | default('-') }}"])
    write = f"printf '%s\\n' {{{{ line | quote }}}} >> {folder / 'told'}"
    tasks = [{"ansible.builtin.shell": write, "vars": {"line": line}, "check_mode": False}, *more]
    path = folder / f"{edge}.yml"
    path.write_text(json.dumps(tasks))
    return str(path)


def variables(lab: LabClient, folder: pathlib.Path, hooks: t.Any) -> dict[str, t.Any]:
    return {
        **p.connection(lab),
        "greptimedb_strategy": "drain",
        "greptimedb_datanodes": [DRAINED],
        "greptimedb_journal": str(folder / "journal.jsonl"),
        "greptimedb_migration_id": "drain-1",
        "greptimedb_hooks": hooks,
    }


def told(folder: pathlib.Path) -> list[str]:
    return (folder / "told").read_text().splitlines() if (folder / "told").exists() else []


def remembered(folder: pathlib.Path) -> list[dict[str, t.Any]]:
    path = folder / "journal.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [entry["data"] for entry in entries if entry["kind"] == "hook"]


def mutating(lab: LabClient) -> list[str]:
    return [one["request"] for one in lab.requests(mutating=True)]


def veto(reason: str) -> dict[str, t.Any]:
    return {"ansible.builtin.set_fact": {"edge_veto": reason}}


def test_a_veto_stops_the_phase_and_the_next_hook_is_heard_anew(lab: LabClient, tmp_path: pathlib.Path) -> None:
    lab.clear_requests()
    parts = ["before_plan", "after_plan", "before_preflight", "after_preflight"]
    edges = ["before_migrate", *parts, "after_migrate", "before_cutover", "after_cutover", "before_restore"]
    hooks = {edge: hook(tmp_path, edge) for edge in [*edges, "failed"]}
    hook(tmp_path, "before_migrate", veto("The change is still in review."))

    stopped = p.play("greptimedb", variables(lab, tmp_path, hooks), tmp_path)
    assert stopped.code == 2
    assert stopped.failures[0]["code"] == "hook.vetoed"
    reason = f"The hook before_migrate ({hooks['before_migrate']}) said no: The change is still in review."
    assert [failure["msg"] for failure in stopped.failures] == [reason, reason]
    assert mutating(lab) == []
    assert told(tmp_path) == [
        "before_migrate greptimedb migrate drain-1 -",
        f"failed greptimedb migrate drain-1 {reason}",
    ]
    assert [(one["edge"], one["status"], one["reason"]) for one in remembered(tmp_path)] == [
        ("before_migrate", "vetoed", "The change is still in review."),
        ("failed", "passed", ""),
    ]

    # Agreed now. The veto of the last phase holds back nothing but what comes after it.
    (tmp_path / "told").unlink()
    hook(tmp_path, "before_migrate")
    hook(tmp_path, "after_cutover", veto("Clients complain."))
    ended = p.play("greptimedb", variables(lab, tmp_path, json.dumps(hooks)), tmp_path)
    assert ended.failures[0]["code"] == "hook.vetoed"
    assert [line.split()[0] for line in told(tmp_path)] == [*edges[:8], "failed"]
    assert DRAINED not in [one["leader"] for one in lab.state()["regions"].values()]


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["pegasus", "starrocks"])
def test_the_preflight_of_a_whole_run_has_its_edges(engine: str, tmp_path: pathlib.Path) -> None:
    switch = tmp_path / "switch.yml"
    switch.write_text("[]")
    own: dict[str, tuple[str, t.Any, dict[str, t.Any]]] = {
        "pegasus": (
            "2.6",
            pegasus_playbooks,
            {"pegasus_switch": "hand_over", "pegasus_switch_tasks": str(switch)},
        ),
        "starrocks": ("4.1", starrocks_playbooks, {}),
    }
    profile, of_engine, more = own[engine]
    small = {**of_engine.SMALL, **({"no_metaproxy": True} if engine == "pegasus" else {})}
    edges = ["before_migrate", "before_preflight", "after_preflight", "after_migrate"]
    hooks = {edge: hook(tmp_path, edge) for edge in edges}
    hook(tmp_path, "after_preflight", veto("Too many warnings."))
    with process.start(profile=profile, factor=10, **small) as running:
        given = of_engine.variables(running, tmp_path, **{f"{engine}_hooks": hooks}, **more)
        running.clear_requests()
        ended = p.play(engine, given, tmp_path)
        assert ended.failures[0]["code"] == "hook.vetoed", ended.output
        assert [line.split()[0] for line in told(tmp_path)] == edges[:3]
        assert of_engine.mutating(running) == []
        # The phase by itself leaves the preflight to whoever runs that.
        (tmp_path / "told").unlink()
        p.play(f"{engine}_migrate", given, tmp_path, "--check").succeed()
        assert [line.split()[0] for line in told(tmp_path)] == ["before_migrate", "after_migrate"]


@pytest.mark.thorough
def test_a_hook_that_fails_has_not_agreed(lab: LabClient, tmp_path: pathlib.Path) -> None:
    lab.clear_requests()
    failing = {"ansible.builtin.fail": {"msg": "the calendar does not answer"}}
    hooks = {"before_rollback": hook(tmp_path, "before_rollback", failing), "failed": hook(tmp_path, "failed", failing)}
    ended = p.play("greptimedb_rollback", variables(lab, tmp_path, hooks), tmp_path)
    assert ended.code == 2
    assert [failure.get("code") for failure in ended.failures] == [None, "hook.failed", None, "hook.failed", None]
    # The last word is why the phase failed, not that the hook for failures failed, too.
    assert ended.failures[-1]["msg"].endswith("failed, which counts as a veto: the calendar does not answer")
    assert "before_rollback" in ended.failures[-1]["msg"]
    assert mutating(lab) == []


@pytest.mark.thorough
def test_hooks_run_in_check_mode_and_leave_no_journal(lab: LabClient, tmp_path: pathlib.Path) -> None:
    lab.clear_requests()
    hooks = {edge: hook(tmp_path, edge) for edge in ("before_migrate", "after_migrate")}
    p.play("greptimedb_migrate", variables(lab, tmp_path, hooks), tmp_path, "--check").succeed()
    assert [line.split()[0] for line in told(tmp_path)] == ["before_migrate", "after_migrate"]
    assert mutating(lab) == []
    assert not (tmp_path / "journal.jsonl").exists()


def test_all_mistakes_are_told_before_anything_is_asked(lab: LabClient, tmp_path: pathlib.Path) -> None:
    lab.clear_requests()
    hooks = {
        "before_cutovr": hook(tmp_path, "x"),
        "after_restore": "relative.yml",
        "failed": str(tmp_path / "none.yml"),
    }
    ended = p.play("greptimedb_migrate", variables(lab, tmp_path, hooks), tmp_path)
    assert ended.failures[0]["code"] == "input.invalid"
    for part in (
        "no edge 'before_cutovr'",
        "greptimedb_hooks.after_restore: 'relative.yml' is not absolute",
        "none.yml is no file",
    ):
        assert part in ended.failures[0]["msg"]
    assert lab.requests() == []
