# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_request import (
    PlanRequest,
    read_request,
)
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.plan_cases import OPTIONS


def request(**options: t.Any) -> PlanRequest:
    return read_request({**dict.fromkeys(OPTIONS), "balance_by": "count", "tolerance": 10.0, **options})


def problems(**options: t.Any) -> t.List[str]:
    with pytest.raises(InvalidInput) as caught:
        request(**options)
    return caught.value.problems


def test_lists_come_as_lists_as_json_and_as_text() -> None:
    for given in ([1, 2], ["2", "1"], "[1, 2]", "1,2", " 2 , 1 ", '["1", 2]'):
        assert request(strategy="drain", datanodes=given).datanodes == (1, 2)
    assert request(strategy="drain", datanodes=0, exclude_tables="a, b").rules.exclude_tables == ("a", "b")
    assert request(strategy="balance", limits='{"global": "8"}').limits == {"global": 8}
    assert request(strategy="balance", max_moves="12").rules.max_moves == 12


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": "drain"}, "datanodes: strategy drain needs it."),
        ({"strategy": "drain", "datanodes": []}, "datanodes: strategy drain needs it."),
        ({"strategy": "moves"}, "moves: strategy moves needs it."),
        ({"strategy": "table", "tables": ["a"]}, "targets: strategy table needs it."),
        ({"strategy": "table", "targets": [1]}, "tables: strategy table needs it."),
        ({"strategy": "reverse"}, "journal: strategy reverse needs it."),
        ({"strategy": "validate"}, "plan: strategy validate needs one plan."),
        ({"strategy": "validate", "plan": {"a": 1}, "plan_file": "p"}, "plan: strategy validate needs one plan."),
        ({"strategy": "balance", "datanodes": [1]}, "datanodes: strategy balance does not read it."),
        ({"strategy": "drain", "datanodes": [1], "moves": "[{}]"}, "moves: strategy drain does not read it."),
        ({"strategy": "drain", "datanodes": ["one"]}, "datanodes[0]: 'one' is not a whole number."),
        ({"strategy": "drain", "datanodes": [-1]}, "datanodes[0]: -1 is out of range."),
        ({"strategy": "drain", "datanodes": "[1"}, "datanodes: '[1' is not JSON text of a list"),
        ({"strategy": "drain", "datanodes": [1], "targets": [1]}, "targets: datanode 1 is to be drained."),
        (
            {"strategy": "drain", "datanodes": [1], "exclude_datanodes": [1]},
            "exclude_datanodes: datanode 1 is also in datanodes.",
        ),
        (
            {"strategy": "table", "tables": "a", "targets": [2], "exclude_datanodes": [2]},
            "exclude_datanodes: datanode 2 is also in targets.",
        ),
        ({"strategy": "balance", "tolerance": -1.0}, "tolerance: -1.0 is out of range."),
        ({"strategy": "balance", "max_moves": 0}, "max_moves: 0 is out of range."),
        ({"strategy": "balance", "limits": {"per_node": 2}}, "limits: 'per_node' is not known here."),
        ({"strategy": "balance", "limits": {"global": 128}}, "limits.global: 128 is out of range."),
        ({"strategy": "balance", "limits": "fast"}, "limits: 'fast' is not JSON text of a mapping"),
        ({"strategy": "balance", "tables": [5]}, "tables[0]: 5 is not a table name."),
        ({"strategy": "moves", "moves": [{"region_id": 1}]}, "moves[0]: to_peer is missing."),
        ({"strategy": "validate", "plan_file": "/nowhere/p.yml"}, "plan_file: /nowhere/p.yml cannot be read"),
    ],
)
def test_bad_options_are_one_clear_sentence_each(options: t.Dict[str, t.Any], said: str) -> None:
    found = problems(**options)
    assert any(text.startswith(said) for text in found), "\n".join(found)
    assert len(found) == 1


def test_all_problems_are_told_at_once() -> None:
    found = problems(strategy="drain", datanodes=["x", -3], max_moves="many", limits={"global": 0}, plan_file="p")
    assert len(found) == 5


def test_the_code_tells_a_bad_plan_from_bad_options(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "p.yml"
    file.write_text("format: 1\nengine: greptimedb\nmoves:\n  - {region_id: x, from_peer: 1, to_peer: 2}\n")
    with pytest.raises(InvalidInput) as caught:
        request(strategy="validate", plan_file=str(file))
    assert caught.value.code == "greptimedb.plan_invalid"
    with pytest.raises(InvalidInput) as caught:
        request(strategy="drain")
    assert caught.value.code == "input.invalid"
