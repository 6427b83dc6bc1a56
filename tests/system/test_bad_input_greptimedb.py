# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an input is said in one clear sentence, and nothing that changes anything is sent."""

from __future__ import annotations

import json
import pathlib
import shutil
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import playbooks as p


@pytest.fixture(scope="module")
def lab() -> t.Iterator[LabClient]:
    options = {"user": "ops", "password": "pa55-w0rd-x", "readonly_user": "reader", "readonly_password": "read-0nly-x"}
    with process.start(profile="1.1", regions=12, writers=1, factor=10, **options) as running:
        yield running


@pytest.fixture(scope="module")
def plan(lab: LabClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A plan as the playbook writes it."""
    folder = tmp_path_factory.mktemp("plan")
    path = folder / "plan.json"
    p.play("greptimedb_plan", variables(lab, folder, greptimedb_plan_file=str(path)), folder).succeed()
    return path.read_text()


def variables(lab: LabClient, folder: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    found = {
        **p.connection(lab),
        "greptimedb_strategy": "drain",
        "greptimedb_datanodes": [1],
        "greptimedb_journal": str(folder / "journal.jsonl"),
        "greptimedb_migration_id": "bad-input",
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


def refused(
    lab: LabClient,
    folder: pathlib.Path,
    *words: str,
    contact: bool = True,
    **more: t.Any,
) -> dict[str, t.Any]:
    """Run, and return the failure; its message holds all the words. Without ``contact`` the lab saw nothing at all."""
    lab.clear_requests()
    outcome = p.play("greptimedb_migrate", variables(lab, folder, **more), folder)
    assert outcome.code == 2, outcome.output
    failure = outcome.failures[0]
    said = failure["msg"]
    assert [word for word in words if word not in said] == [], said
    assert "\n" not in said
    assert said.endswith((".", "]"))
    assert failure["code"] != "internal.error"
    assert "Traceback" not in outcome.output
    assert "pa55-w0rd-x" not in outcome.output
    # What the writers of the lab send is no part of its record.
    seen = lab.requests() if not contact else lab.requests(mutating=True)
    assert [one["request"] for one in seen] == []
    return failure


MOVE = {"region_id": 4398046511104, "from_peer": 0, "to_peer": 1}


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        pytest.param(
            [{**MOVE, "region_id": "abc"}],
            ["moves[0].region_id", "'abc'", "whole number"],
            id="region id",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            [{**MOVE, "to_peer": 0}],
            ["moves[0]", "from datanode 0 to itself"],
            id="from equals to",
            marks=pytest.mark.thorough,
        ),
        pytest.param([], ["moves"], id="empty", marks=pytest.mark.thorough),
        pytest.param(
            [{**MOVE, "region_id": "abc"}, {**MOVE, "to_peer": 0}, {"region_id": 1}],
            ["moves[0]", "moves[1]", "moves[2]"],
            id="all at once",
        ),
    ],
)
def test_moves_that_cannot_be(lab: LabClient, tmp_path: pathlib.Path, moves: t.Any, words: list[str]) -> None:
    refused(lab, tmp_path, *words, contact=False, greptimedb_strategy="moves", greptimedb_datanodes=None,
            greptimedb_moves=moves)  # fmt: skip


def test_unknown_datanode(lab: LabClient, tmp_path: pathlib.Path) -> None:
    refused(lab, tmp_path, "datanode 9 is not in the cluster", "0, 1, 2", greptimedb_datanodes="9")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            lambda plan: plan.update(moves=[]), ["all moves were taken out"], id="empty", marks=pytest.mark.thorough
        ),
        pytest.param(lambda plan: plan["moves"][0].update(to_peer=99), ["99"], id="unknown datanode"),
        pytest.param(
            lambda plan: plan["moves"].append(plan["moves"][0]),
            ["twice", "already"],
            id="region twice",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            lambda plan: plan["moves"][0].update(from_peer=3, to_peer=2),
            ["its leader is datanode 1"],
            id="leader elsewhere",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            lambda plan: plan["limits"].update({"global": 0}),
            ["limits", "global"],
            id="limit 0",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_plan_edited_to_an_impossible_state(
    lab: LabClient, plan: str, tmp_path: pathlib.Path, edit: t.Callable[[t.Any], None], words: list[str]
) -> None:
    path = tmp_path / "plan.json"
    edited = json.loads(plan)
    edit(edited)
    path.write_text(json.dumps(edited))
    more: dict[str, t.Any] = {"greptimedb_strategy": "validate", "greptimedb_datanodes": None}
    more["greptimedb_edited_plan_file"] = str(path)
    failure = refused(lab, tmp_path, **more)
    assert failure["code"] == "greptimedb.plan_invalid"
    assert any(word in failure["msg"] for word in words), failure["msg"]


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("greptimedb_timeout", "0", "timeout"),
        pytest.param("greptimedb_timeout", 0, "timeout", marks=pytest.mark.thorough),
        ("greptimedb_server_timeout", "5 parsecs", "parsecs"),
        pytest.param("greptimedb_connect_timeout", "-1s", "connect_timeout", marks=pytest.mark.thorough),
    ],
)
def test_timeouts_that_cannot_be(lab: LabClient, tmp_path: pathlib.Path, option: str, value: t.Any, word: str) -> None:
    refused(lab, tmp_path, word, contact=False, **{option: value})


def test_host_unreachable(lab: LabClient, tmp_path: pathlib.Path) -> None:
    failure = refused(lab, tmp_path, "127.0.0.1:1", "frontend_host", greptimedb_frontend_port=1)
    assert failure["code"] == "greptimedb.unreachable"


def test_wrong_password(lab: LabClient, tmp_path: pathlib.Path) -> None:
    failure = refused(lab, tmp_path, "password", greptimedb_password="wr0ng-one-x")
    assert failure["code"] == "greptimedb.auth_failed"
    assert "wr0ng-one-x" not in json.dumps(failure)


def test_tls_asked_for_and_not_offered(lab: LabClient, tmp_path: pathlib.Path) -> None:
    failure = refused(lab, tmp_path, "TLS", greptimedb_tls="require")
    assert failure["code"].startswith("greptimedb.tls")


def test_a_user_without_the_right_to_run_admin(lab: LabClient, tmp_path: pathlib.Path) -> None:
    reader: dict[str, t.Any] = {"greptimedb_username": "reader", "greptimedb_password": "read-0nly-x"}
    failure = refused(lab, tmp_path, "greptimedb.admin.not_permitted", **reader)
    assert failure["code"] == "preflight.blocked"
    # It is enough to plan, and to look whether a datanode is empty.
    p.play("greptimedb_plan", variables(lab, tmp_path, **reader), tmp_path).succeed()


@pytest.mark.thorough
def test_journals_that_cannot_be_gone_on_with(lab: LabClient, tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    p.play("greptimedb_migrate", variables(lab, home), home).succeed()
    p.play("greptimedb_rollback", variables(lab, home), home).succeed()
    journal = str(home / "journal.jsonl")
    other = refused(lab, tmp_path, journal, "'bad-input'", greptimedb_journal=journal, greptimedb_migration_id="other")
    assert other["code"] == "journal.other_migration"

    half = tmp_path / "half.jsonl"
    lines = (home / "journal.jsonl").read_bytes().splitlines(keepends=True)
    half.write_bytes(b"".join(lines[: len(lines) // 2]))
    shutil.copy(f"{journal}.head", f"{half}.head")
    cut = refused(lab, tmp_path, str(half), "missing", contact=False, greptimedb_journal=str(half))
    assert cut["code"] == "journal.truncated"

    changed = tmp_path / "changed.jsonl"
    changed.write_bytes(b"".join(lines).replace(b'"attempts":2', b'"attempts":3', 1))
    assert changed.read_bytes() != b"".join(lines)
    refused(lab, tmp_path, str(changed), contact=False, greptimedb_journal=str(changed))

    letter = tmp_path / "letter.txt"
    letter.write_text("Dear diary,\n")
    no = refused(lab, tmp_path, str(letter), "not a journal", contact=False, greptimedb_journal=str(letter))
    assert no["code"] == "journal.not_a_journal"
    assert letter.read_text() == "Dear diary,\n"


@pytest.mark.parametrize(
    ("profile", "code", "word"),
    [
        pytest.param("not-greptimedb", "greptimedb.not_greptimedb", "GreptimeDB", marks=pytest.mark.thorough),
        ("0.4", "greptimedb.version_too_old", "0.5.1"),
        pytest.param("standalone", "greptimedb.standalone", "standalone", marks=pytest.mark.thorough),
    ],
)
def test_servers_that_cannot_do_it(profile: str, code: str, word: str, tmp_path: pathlib.Path) -> None:
    with process.start(profile=profile, regions=4, writers=0) as other:
        assert refused(other, tmp_path, word)["code"] == code
