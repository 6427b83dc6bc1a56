# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal says of configs, and what of it is put back."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import (
    NOT_PERSISTED,
    persisting_refused,
    recorded,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import ConfigRow, Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_restore import (
    plan_restore,
    recorded_keys,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend

AT = "2026-11-21T03:14:00.000Z"
PREFIX = "starrocks:1/fe/"


class Story:
    """A journal as a list of entries."""

    def __init__(self) -> None:
        self.entries: t.List[Entry] = []

    def add(self, kind: str, **data: t.Any) -> None:
        seq = len(self.entries)
        self.entries.append(Entry(seq=seq, at=AT, kind=kind, data=data, prev="", hash=str(seq)))

    def change(self, address: str, key: str, before: str, after: str, status: str = "done", **context: t.Any) -> None:
        name = f"{PREFIX}{address}/config/{key}"
        change_id = f"c{len(self.entries)}"
        action = context.pop("action", "set")
        data = {"id": change_id, "resource": name, "action": action, "before": before, "after": after}
        self.add("change.intent", **data, request={}, context={"type": "int", **context})
        if status:
            self.add("change.outcome", id=change_id, status=status)


def fe(host: str, alive: bool = True) -> Frontend:
    return Frontend(host, host, 9030, 8030, 9020, "FOLLOWER", alive, "1", "3.5.0", "")


def row(value: str) -> ConfigRow:
    return ConfigRow("k", (), value, "int", True)


def actions(records: t.Sequence[t.Mapping[str, t.Any]]) -> t.Dict[str, str]:
    return {str(record["resource"]).split("/")[2]: str(record["action"]) for record in records}


def test_the_first_value_found_is_the_original_through_drift() -> None:
    story = Story()
    story.change("a:9030", "k", "-1", "0")
    story.change("a:9030", "k", "5", "0")
    past = recorded(story.entries, PREFIX)[PREFIX + "a:9030/config/k"]
    assert (past.original, past.ours, past.kind, past.pending) == ("-1", "0", "int", ())


def test_refused_changes_are_not_ours_and_unknown_ones_may_be() -> None:
    story = Story()
    story.change("a:9030", "k", "-1", "0", "failed")
    story.change("b:9030", "k", "-1", "0", "unknown")
    story.change("c:9030", "k", "-1", "0", "")
    past = recorded(story.entries, PREFIX)
    assert [name.split("/")[2] for name in past] == ["b:9030", "c:9030"]
    assert past[PREFIX + "c:9030/config/k"].pending == (("c4", "0"),)


def test_what_was_put_back_is_over() -> None:
    story = Story()
    story.change("a:9030", "k", "-1", "0")
    story.change("a:9030", "k", "0", "-1", action="restore")
    # Killed before the matter was closed: what is ours is still what we had set.
    assert recorded(story.entries, PREFIX)[PREFIX + "a:9030/config/k"].ours == "0"
    story.add("restore", resource=PREFIX + "a:9030/config/k", action="restore")
    assert recorded(story.entries, PREFIX) == {}
    story.change("a:9030", "k", "9", "0")
    assert recorded(story.entries, PREFIX)[PREFIX + "a:9030/config/k"].original == "9"


def test_the_last_one_changed_is_put_back_first() -> None:
    story = Story()
    for key in ("one", "two", "three"):
        story.change("a:9030", key, "1", "0")
    story.change("b:9030", "one", "1", "0")
    past = recorded(story.entries, PREFIX)
    assert recorded_keys(past, []) == ["three", "two", "one"]
    assert recorded_keys(past, ["one", "three", "none"]) == ["three", "one"]


def test_each_frontend_gets_its_own_value_and_theirs_stay() -> None:
    story = Story()
    for host, before in (("a", "-1"), ("b", "7"), ("c", "-1"), ("d", "-1"), ("gone", "-1")):
        story.change(f"{host}:9030", "k", before, "0")
    past = recorded(story.entries, PREFIX)
    table: Table = {
        fe("a"): {"k": row("0")},
        fe("b"): {"k": row("0")},
        fe("c"): {"k": row("3")},
        fe("x"): {"k": row("0")},
    }
    found = plan_restore("1", "k", past, table, [*table, fe("d", False)])
    wanted = {target.frontend.host: target.wanted for target in found.targets}
    assert wanted == {"a": "-1", "b": "7", "c": "3", "x": "0"}
    assert actions(found.records) == {
        "a:9030": "restore",
        "b:9030": "restore",
        "c:9030": "keep_theirs",
        "d:9030": "unknown",
        "gone:9030": "gone",
    }
    assert [name.split("/")[2] for name in found.unknown] == ["d:9030"]


def test_what_was_written_to_fe_conf_is_written_back_there() -> None:
    story = Story()
    story.change("a:9030", "k", "-1", "0", persistent=True)
    past = recorded(story.entries, PREFIX)
    assert plan_restore("1", "k", past, {fe("a"): {"k": row("-1")}}, [fe("a")]).persistent
    assert not plan_restore("1", "k", past, {fe("a"): {"k": row("4")}}, [fe("a")]).persistent


def test_a_refusal_to_persist_is_remembered_for_its_cluster() -> None:
    story = Story()
    story.add("note", code=NOT_PERSISTED, cluster=PREFIX)
    assert persisting_refused(story.entries, PREFIX)
    assert not persisting_refused(story.entries, "starrocks:2/fe/")
