# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else has set since is told apart from what a restart has lost."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import Past
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import ConfigRow
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_restore import resource
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_steps import drift, theirs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend

KEY = "lake_compaction_max_tasks"
FRONTEND = Frontend("fe0", "a", 9030, 8030, 9020, "LEADER", True, "1", "4.1.0", "")


def past(**more: t.Any) -> t.Dict[str, Past]:
    given: t.Dict[str, t.Any] = {"pending": (), "last_done": True, "order": 0, "contexts": ({"type": "int"},), **more}
    return {resource("7", FRONTEND, KEY): Past(original="-1", ours="0", changes=1, **given)}


@pytest.mark.parametrize(
    ("value", "drifted", "kept"),
    [("0", False, False), ("-1", True, False), ("3", True, True)],
    ids=["as we left it", "lost by a restart", "set by somebody else"],
)
def test_only_what_is_neither_ours_nor_the_former_value_is_theirs(value: str, drifted: bool, kept: bool) -> None:
    table = {FRONTEND: {KEY: t.cast(t.Optional[ConfigRow], ConfigRow(KEY, (), value, "int", True))}}
    assert bool(drift("7", table, past())) == drifted
    found = theirs("7", table, past())
    assert bool(found) == kept
    if kept:
        assert found == [{"frontend": "a:9030", "key": KEY, "expected": "0", "found": "3"}]


def test_a_change_that_a_kill_left_open_is_nobody_elses() -> None:
    table = {FRONTEND: {KEY: t.cast(t.Optional[ConfigRow], ConfigRow(KEY, (), "3", "int", True))}}
    assert theirs("7", table, past(pending=(("c2", "3"),))) == []
