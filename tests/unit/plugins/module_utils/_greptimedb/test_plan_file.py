# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_file
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_validate import parse_plan
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.plan_cases import (
    cluster,
    plan,
    region,
    spread,
)

MADE = plan(
    cluster([*spread(3, 4, 4), region(1040, 0, 1, 'a "b": #c', followers=(0, 2, 3))]),
    strategy="drain",
    datanodes=[1],
    limits={"per_source:1": 2},
)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_gives_back_the_plan(as_json: bool) -> None:
    text = plan_file.dump(MADE, as_json)
    assert plan_file.loads(text, "plan_file", "p") == MADE.as_data()
    assert parse_plan(plan_file.loads(text, "plan_file", "p")) == MADE


def test_the_yaml_is_made_for_editing() -> None:
    text = plan_file.dump(MADE)
    assert text.startswith("# A plan of GreptimeDB region moves.")
    lines = text.splitlines()
    assert sum(1 for line in lines if line.startswith('  - {"region_id": ') and "from_peer" in line) == len(MADE.moves)
    assert '  "per_source:1": 2' in lines
    assert "  per_table: null" in lines
    # The move that the header shows is one that the file takes.
    example = next(line for line in lines if line.startswith("#   - {"))
    edited = text.replace("moves:\n", "moves:\n" + example[1:].replace("   - ", "  - ") + "\n")
    assert len(parse_plan(plan_file.loads(edited, "plan_file", "p")).moves) == len(MADE.moves) + 1


def test_the_same_plan_gives_the_same_bytes() -> None:
    again = parse_plan(plan_file.loads(plan_file.dump(MADE), "plan_file", "p"))
    assert plan_file.dump(again) == plan_file.dump(MADE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("moves: [1, 2", "not valid YAML, line 1"),
        ("format: 1\nmoves: []\nformat: 2\n", "line 3, column 1: 'format' stands twice"),
        ("moves:\n  - {region_id: 1, region_id: 2}\n", "'region_id' stands twice"),
        ("a: !!python/object/apply:os.system [id]", "not valid YAML"),
        ("\tmoves: 1", "not valid YAML"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        plan_file.loads(text, "plan_file", "/plans/p.yml")
    assert said in caught.value.message
    assert caught.value.message.startswith("plan_file: /plans/p.yml ")


def test_a_file_that_cannot_be_read_is_told_of(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InvalidOption, match="No such file"):
        plan_file.read(str(tmp_path / "absent.yml"))
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidOption, match="not a text file"):
        plan_file.read(str(binary))


def test_a_home_directory_is_found(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "p.json").write_text(json.dumps({"moves": []}))
    assert plan_file.read(os.path.join("~", "p.json")) == {"moves": []}


def test_without_pyyaml_json_works_and_yaml_is_refused_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *_rest: t.Any) -> t.Any:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    assert plan_file.loads('{"moves": []}', "plan_file", "p") == {"moves": []}
    with pytest.raises(InvalidOption, match="PyYAML is not installed"):
        plan_file.loads("moves: [{region_id: 1}]", "plan_file", "p")


def test_the_name_decides_the_form() -> None:
    assert plan_file.is_json_path("/a/plan.JSON")
    assert not plan_file.is_json_path("/a/plan.yml")
