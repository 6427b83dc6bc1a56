# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import json
import pathlib
import sys
import typing as t

import pytest
from ansible.module_utils import basic

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_task
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import move_change
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Region
from ansible_collections.dbops.migration.plugins.modules import greptimedb_region_plan
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.plan_cases import (
    cluster,
    dialect,
    region,
    spread,
)


class Cluster:
    """Stands in for the client: what it is asked, it answers from ``state``."""

    state = cluster(())
    contacted = 0

    def __init__(self, *_arguments: t.Any) -> None:
        type(self).contacted += 1
        self.dialect = dialect()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def nodes(self) -> t.Any:
        return self.state.nodes

    def regions(self) -> t.Any:
        return self.state.regions

    def tables(self) -> t.Any:
        return self.state.tables

    def procedures(self, active_only: bool) -> t.Any:
        assert active_only
        return self.state.procedures


class Ended(Exception):
    def __init__(self, result: t.Dict[str, t.Any]) -> None:
        super().__init__(json.dumps(result))
        self.result = result


Run = t.Callable[..., t.Dict[str, t.Any]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(plan_task, "GreptimeClient", Cluster)
    monkeypatch.setattr(Cluster, "contacted", 0)
    monkeypatch.setattr(Cluster, "state", cluster(spread(3, 4, 4)))
    for name in ("DBOPS_MIGRATION_JOURNAL", "DBOPS_MIGRATION_ID"):
        monkeypatch.delenv(name, raising=False)

    def end(_module: t.Any, **result: t.Any) -> None:
        raise Ended(result)

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", end)
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", end)

    def call(check: bool = False, **options: t.Any) -> t.Dict[str, t.Any]:
        arguments = {"frontend_host": "db.example.com", "_ansible_check_mode": check, **options}
        give_arguments(monkeypatch, arguments)
        with pytest.raises(Ended) as caught:
            greptimedb_region_plan.main()
        return caught.value.result

    return call


def give_arguments(monkeypatch: pytest.MonkeyPatch, arguments: t.Dict[str, t.Any]) -> None:
    """As Ansible does, in the form of each version."""
    text = json.dumps({"ANSIBLE_MODULE_ARGS": arguments})
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", text.encode(), raising=False)
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def moved(state: t.Any, plan: t.Dict[str, t.Any]) -> t.Any:
    """The state after all moves of a plan."""
    to = {move["region_id"]: move["to_peer"] for move in plan["moves"]}
    return cluster([with_leader(one, to.get(one.region_id, one.leader_peer)) for one in state.regions])


def with_leader(one: Region, leader: t.Optional[int]) -> Region:
    return region(one.table_id, one.number, leader)


def test_a_plan_is_returned_and_nothing_is_changed(run: Run) -> None:
    result = run(strategy="drain", datanodes="[1]")
    assert result["changed"] is False
    assert result["moves"] == len(result["plan"]["moves"]) == 3
    assert result["complete"] is True
    assert len(result["plan_id"]) == 64
    assert result["summary"][0].startswith("3 moves")
    assert "diff" not in result


@pytest.mark.parametrize("name", ["plan.yml", "plan.json"])
def test_the_file_is_written_once_and_read_back(run: Run, tmp_path: pathlib.Path, name: str) -> None:
    dest = tmp_path / name
    wanted = {"strategy": "drain", "datanodes": [1], "dest": str(dest)}
    predicted = run(check=True, **wanted)
    assert predicted["changed"] is True
    assert not dest.exists()
    first = run(**wanted)
    assert first["changed"] is True
    assert first["diff"]["after"] == predicted["diff"]["after"] == dest.read_text()
    assert dest.stat().st_mode & 0o777 == 0o600
    again = run(**wanted)
    assert again["changed"] is False
    assert "diff" not in again
    checked = run(strategy="validate", plan_file=str(dest))
    assert checked["plan_id"] == first["plan_id"]
    assert checked["plan"]["moves"] == first["plan"]["moves"]


def test_a_mode_is_set_and_kept(run: Run, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "plan.yml"
    wanted = {"strategy": "drain", "datanodes": [1], "dest": str(dest)}
    assert run(mode="0640", **wanted)["changed"] is True
    assert dest.stat().st_mode & 0o777 == 0o640
    assert run(mode="0640", **wanted)["changed"] is False
    assert run(mode="0600", **wanted)["changed"] is True


def test_a_file_is_kept_while_the_cluster_only_grows(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest = tmp_path / "plan.yml"
    run(strategy="drain", datanodes=[1], dest=str(dest))
    before = dest.read_text()
    grown = [region(one.table_id, one.number, one.leader_peer, size_bytes=10**9) for one in Cluster.state.regions]
    monkeypatch.setattr(Cluster, "state", cluster(grown))
    assert run(strategy="drain", datanodes=[1], dest=str(dest))["changed"] is False
    assert dest.read_text() == before
    other = run(strategy="drain", datanodes=[2], dest=str(dest))
    assert other["changed"] is True
    assert other["diff"]["before"] == before


def test_after_the_migration_the_second_run_changes_nothing(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest = tmp_path / "plan.yml"
    first = run(strategy="drain", datanodes=[1], dest=str(dest))
    monkeypatch.setattr(Cluster, "state", moved(Cluster.state, first["plan"]))
    again = run(strategy="drain", datanodes=[1], dest=str(dest))
    assert again["moves"] == 0
    assert again["changed"] is False
    assert again["summary"] == ["Nothing has to move."]
    # But a file whose moves would still do something never survives an empty plan.
    other = run(strategy="drain", datanodes=[2], dest=str(dest))
    assert other["changed"] is True
    nothing = run(strategy="drain", datanodes=[1], dest=str(dest))
    assert nothing["changed"] is True
    assert "moves: []" in dest.read_text()
    assert run(strategy="validate", plan_file=str(dest))["moves"] == 0


def test_a_file_that_is_no_plan_is_replaced(run: Run, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "plan.yml"
    dest.write_bytes(b"\xff not a plan")
    assert run(strategy="drain", datanodes=[1], dest=str(dest))["changed"] is True
    dest.write_text("half: [")
    assert run(strategy="drain", datanodes=[1], dest=str(dest))["changed"] is True
    assert run(strategy="validate", plan_file=str(dest))["moves"] == 3


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"strategy": "drain"}, "input.invalid", "datanodes: strategy drain needs it."),
        ({"strategy": "drain", "datanodes": "one"}, "input.invalid", "'one' is not a whole number"),
        (
            {"strategy": "drain", "datanodes": [1], "dest": "/nowhere/p.yml"},
            "option.invalid",
            "/nowhere does not exist",
        ),
        ({"strategy": "drain", "datanodes": [1], "dest": "/"}, "option.invalid", "is a directory"),
        ({"strategy": "drain", "datanodes": [1], "connect_timeout": "5 parsecs"}, "option.invalid", "connect_timeout"),
        ({"strategy": "drain", "datanodes": [1], "frontend_host": ""}, "option.invalid", "frontend_host"),
        ({"strategy": "validate", "plan": {"format": 1}}, "greptimedb.plan_invalid", "plan: it has no moves."),
        ({"strategy": "reverse", "journal": "/nowhere/j.jsonl"}, "journal.missing", "there is no journal"),
    ],
)
def test_bad_input_fails_with_a_sentence_before_anything_is_contacted(
    run: Run, options: t.Dict[str, t.Any], code: str, said: str
) -> None:
    result = run(**options)
    assert result["code"] == code
    assert said in result["msg"]
    assert result["changed"] is False
    assert Cluster.contacted == 0


def test_a_datanode_that_does_not_exist(run: Run) -> None:
    result = run(strategy="drain", datanodes=[9])
    assert result["code"] == "option.invalid"
    assert result["msg"] == "datanodes: datanode 9 is not in the cluster. Choose among 0, 1, 2, 3."


def journal_of(path: pathlib.Path, moves: t.Sequence[t.Tuple[int, int, int]], engine: str = "greptimedb") -> None:
    clock = SystemClock()
    with Journal.open(str(path), migration_id="m1", engine=engine, clock=clock, redactor=Redactor([])) as journal:
        changes: t.List[Change] = [move_change(*move, "ADMIN") for move in moves]
        ids = journal.intents(changes)
        journal.outcomes([(one, "done", {}) for one in ids])


def test_reverse_reads_the_journal(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "j.jsonl"
    at_home, away = (one for one in Cluster.state.regions if one.leader_peer == 1 and one.table_id in (1024, 1025))
    journal_of(path, [(at_home.region_id, 0, 1), (away.region_id, 0, 2)])
    result = run(strategy="reverse", journal=str(path))
    assert [(move["region_id"], move["from_peer"], move["to_peer"]) for move in result["plan"]["moves"]] == [
        (at_home.region_id, 1, 0)
    ]
    assert "their move is kept" in result["plan"]["excluded"][0]["reason"]
    assert run(strategy="reverse", journal=str(path), migration_id="m2")["code"] == "journal.other_migration"


def test_reverse_refuses_a_journal_of_another_engine(run: Run, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "j.jsonl"
    journal_of(path, [], engine="pegasus")
    assert run(strategy="reverse", journal=str(path))["code"] == "journal.other_migration"


def test_reverse_without_a_journal_is_nothing_only_for_who_says_so(run: Run, tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "none.jsonl")
    refused = run(strategy="reverse", journal=path)
    assert (refused["code"], Cluster.contacted) == ("journal.missing", 0)
    told = run(strategy="reverse", journal=path, missing_journal="nothing_begun")
    assert (told["moves"], told["complete"]) == (0, True)
    assert any(f"{path}: there is NO JOURNAL" in line for line in told["summary"])
    assert not (tmp_path / "none.jsonl").exists()


def test_what_an_earlier_run_has_under_way_is_told_and_not_planned(
    run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j.jsonl"
    first = next(one for one in Cluster.state.regions if one.leader_peer == 1)
    clock = SystemClock()
    with Journal.open(str(path), migration_id="m1", engine="greptimedb", clock=clock, redactor=Redactor([])) as journal:
        journal.intents([move_change(first.region_id, 1, 2, "ADMIN")])
    monkeypatch.setattr(Cluster, "state", cluster(Cluster.state.regions, migrating=[first.region_id]))
    before = path.read_bytes()
    result = run(strategy="drain", datanodes=[1], journal=str(path))
    assert result["complete"] is True
    assert first.region_id not in {move["region_id"] for move in result["plan"]["moves"]}
    assert any("1 region is on the way" in line for line in result["summary"])
    assert path.read_bytes() == before
    assert (
        run(strategy="drain", datanodes=[1], journal=str(path), migration_id="m2")["code"] == "journal.other_migration"
    )
    assert run(strategy="drain", datanodes=[1])["complete"] is False
