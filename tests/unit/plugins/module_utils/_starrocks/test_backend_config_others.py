# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs of nodes that are as wanted already: whose they may be depends on whether the server tells its default."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_others import nodes_in_place
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_plan import NodeStep, NodeTarget
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_read import NodeRow
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Node

KEY = "replication_threads"
NODES = tuple(
    Node("BE", str(number), f"be{number}", 9050, 9060, 8040, True, False, "3.1.9", None, "") for number in (1, 2)
)


def found(values: t.Sequence[str], defaults: t.Sequence[t.Optional[str]], wanted: str = "32") -> t.Any:
    """What is told of two nodes; None in ``defaults``: the server does not tell it (3.0)."""
    targets = tuple(
        NodeTarget(node, f"starrocks:1/{node.node_id}/{KEY}", now, wanted, "int") for node, now in zip(NODES, values)
    )
    table = {node: {KEY: NodeRow(KEY, now, "int", True, told)} for node, now, told in zip(NODES, values, defaults)}
    return [
        (one.severity, one.where)
        for one in nodes_in_place([NodeStep(KEY, targets, "present")], {}, t.cast("t.Any", table))
    ]


BOTH = tuple(node.address for node in NODES)


@pytest.mark.parametrize(
    ("values", "defaults", "told"),
    [
        (("32", "32"), (None, None), [("info", BOTH)]),
        (("32", "32"), ("0", "0"), [("warning", BOTH)]),
        (("32", "0"), ("0", "0"), [("warning", BOTH[:1])]),
        (("32", "32"), ("32", "32"), []),
        (("32", "32"), ("32", None), [("info", BOTH)]),
        (("32", "32"), (None, "0"), [("warning", BOTH)]),
        (("0", "0"), (None, None), []),
    ],
)
def test_what_is_told_of_a_value_that_nobody_here_has_set(
    values: t.Sequence[str], defaults: t.Sequence[t.Optional[str]], told: t.Any
) -> None:
    assert found(values, defaults) == told
