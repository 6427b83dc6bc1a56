# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished migration need not look for again, by its journal."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import migration_left as ml
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_plan as tpl

TOOL = "tool:host/opt/sync"


class Story:
    """A journal as a list of entries."""

    def __init__(self) -> None:
        self.entries: t.List[Entry] = []

    def add(self, kind: str, **data: t.Any) -> None:
        seq = len(self.entries)
        self.entries.append(Entry(seq, "2026-11-01T00:00:00Z", kind, data, "", str(seq)))

    def change(self, resource: str, action: str, status: t.Optional[str] = "done", **more: t.Any) -> None:
        change_id = f"c{len(self.entries)}"
        self.add("change.intent", id=change_id, resource=resource, action=action, request={}, **more)
        if status is not None:
            self.add("change.outcome", id=change_id, status=status)


def test_the_actions_are_those_of_the_tool() -> None:
    assert ml.AWAY == (tpl.REMOVE, tpl.GIVE_BACK)


def test_the_tool_is_away_when_its_removal_came_to_its_end_and_nothing_came_after() -> None:
    story = Story()
    assert not ml.tool_is_away(story.entries)
    story.change(TOOL, tpl.INSTALL)
    story.change(f"{TOOL}:process", tpl.START_TOOL)
    assert not ml.tool_is_away(story.entries)
    story.change(f"{TOOL}:process", tpl.STOP_TOOL)
    assert not ml.tool_is_away(story.entries)
    story.change(TOOL, tpl.REMOVE, status=None)
    assert not ml.tool_is_away(story.entries)
    story.change(TOOL, tpl.REMOVE, status="failed")
    assert not ml.tool_is_away(story.entries)


def test_another_removal_settles_it() -> None:
    story = Story()
    story.change(TOOL, tpl.INSTALL)
    story.change(TOOL, tpl.REMOVE)
    story.change("starrocks:1/fe/a:1/config/x", "set", status=None)
    assert ml.tool_is_away(story.entries)
    story.change(TOOL, tpl.INSTALL)
    assert not ml.tool_is_away(story.entries)
    story.change(TOOL, tpl.GIVE_BACK)
    assert ml.tool_is_away(story.entries)


def test_volumes_that_are_still_there() -> None:
    story = Story()
    for name in ("src_a", "src_b", "own"):
        story.change(f"starrocks:2/storage_volume/{name}", "create", before=None, after={"type": "S3"})
    story.change("starrocks:1/storage_volume/src_c", "create", before=None, after={"type": "S3"})
    assert ml.mirrors_to_drop(story.entries, "2") == ["src_a", "src_b"]
    story.add("restore", resource="starrocks:2/storage_volume/src_a", action="restore")
    assert ml.mirrors_to_drop(story.entries, "2") == ["src_b"]


def _side(**more: t.Any) -> t.Dict[str, t.Any]:
    names = ("frontend_configs", "node_configs", "variables")
    lists: t.Dict[str, t.Any] = {
        **{f"{name}_to_restore": [] for name in names},
        "users_to_drop": [],
        "mirrors_to_drop": [],
        "file_blocks": [],
    }
    return {"cluster_id": "1", **lists, **more}


def _look(**more: t.Any) -> t.Dict[str, t.Any]:
    nothing: t.Dict[str, t.Any] = {
        "source_left": [],
        "journal_problem": None,
        "tool_is_away": True,
        "compaction_ramp": [],
        "vacuum": {"needed": False},
    }
    return {"source": _side(), "target": _side(), **nothing, **more}


@pytest.mark.parametrize(
    "more",
    [
        {"target": None},
        {"source": None, "source_left": ["lake_autovacuum_grace_period_minutes"]},
        {"tool_is_away": False},
        {"journal_problem": {"code": "starrocks.journal_of_other_cluster"}},
        {"compaction_ramp": [{"tasks": 4}]},
        {"vacuum": {"needed": True}},
        *(
            {side: _side(**{name: ["one"]})}
            for side in ("source", "target")
            for name in _side()
            if name != "cluster_id"
        ),
    ],
)
def test_each_thing_that_is_left_counts(more: t.Mapping[str, t.Any]) -> None:
    assert ml.nothing_left(_look())
    assert not ml.nothing_left(_look(**more))


def test_a_source_that_is_owed_nothing_may_be_gone() -> None:
    assert ml.nothing_left(_look(source=None))
