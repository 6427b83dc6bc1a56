# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import plan_file
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_lines import read_lines
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.plan_cases import (
    cluster,
    plan,
    region,
    spread,
)

MADE = plan(
    cluster([*spread(3, 4, 4), region(1040, 0, 1, 'ä "b": #c', followers=(0, 2, 3))]),
    strategy="drain",
    datanodes=[1],
    limits={"per_source:1": 2},
)
TEXT = plan_file.dump(MADE)


def test_what_was_written_is_read_without_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    assert plan_file.loads(TEXT, "plan_file", "p") == MADE.as_data()


def test_edits_in_the_same_form_are_read() -> None:
    edited = TEXT.replace('"per_source:1": 2', '"per_source:1": 7').replace("moves:\n", "moves:\n# first\n\n", 1)
    found = read_lines(edited)
    assert found is not None
    assert found["limits"]["per_source:1"] == 7
    assert len(found["moves"]) == len(MADE.moves)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace('ordering: "', "ordering: x"),
        TEXT + "limits: {}\n",
        TEXT.replace("moves:\n", "moves:\n  - {region_id: 1, from_peer: 2, to_peer: 3}\n"),
        TEXT.replace("moves:\n", 'moves:\n  - {"region_id": 1, "region_id": 2}\n'),
        TEXT.replace("moves:\n", 'moves:\n  - {"region_id": 1,\n     "to_peer": 2}\n'),
        TEXT.replace("  per_table", "  global: 3\n  per_table"),
        TEXT.replace("limits:\n", "limits:\n    deeper: 1\n"),
        "moves:\nformat: 1\n",
        "format: 1\nmoves:\n",
        "format: NaN\n",
        "- 1\n",
        "  - 1\n",
        'format: 1 # "one"\n',
    ],
)
def test_any_other_form_is_left_to_yaml(text: str) -> None:
    assert read_lines(text) is None
