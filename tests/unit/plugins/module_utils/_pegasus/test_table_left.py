# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import table_left
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import MovedTable

Record = t.Tuple[str, t.Dict[str, t.Any]]
TABLES = (MovedTable("temp", "temp"), MovedTable("old", "new"))
DUPLICATION = "pegasus:onebox-a/table/{}/duplication/onebox-b"


def change(
    number: int, resource: str, action: str, before: t.Any, after: t.Any, status: t.Optional[str] = "done"
) -> t.List[Record]:
    data = {"id": str(number), "resource": resource, "action": action, "before": before, "after": after}
    found: t.List[Record] = [("change.intent", data)]
    if status is not None:
        found.append(("change.outcome", {"id": str(number), "status": status}))
    return found


def journal(*changes: t.List[Record]) -> t.List[Entry]:
    records = [record for listed in changes for record in listed]
    return [Entry(seq, "2026-11-21T03:14:00.000Z", kind, data, "", "") for seq, (kind, data) in enumerate(records)]


def added(number: int, table: str, status: t.Optional[str] = "done") -> t.List[Record]:
    return change(number, DUPLICATION.format(table), "add", None, {"status": "DS_INIT"}, status)


def dropped(number: int, table: str, status: t.Optional[str] = "done") -> t.List[Record]:
    return change(number, f"pegasus:onebox-b/table/{table}", "drop", {"app_id": 3, "name": table}, None, status)


def left(*changes: t.List[Record]) -> t.List[str]:
    return table_left.on_target(journal(*changes), TABLES, "onebox-a")


def test_nothing_was_done_there() -> None:
    assert left() == []
    assert left(change(1, "pegasus:onebox-a/meta_level", "set", "lively", "steady")) == []


@pytest.mark.parametrize("status", ["done", "unknown", None])
def test_a_table_is_left_when_its_duplication_may_have_made_it(status: t.Optional[str]) -> None:
    assert left(added(1, "temp", status)) == ["table temp"]


@pytest.mark.parametrize("status", ["failed", "skipped", "abandoned"])
def test_an_addition_that_came_to_nothing_has_made_nothing(status: str) -> None:
    assert left(added(1, "temp", status)) == []


def test_a_table_goes_by_its_name_on_the_target() -> None:
    assert left(added(1, "old"), added(2, "temp")) == ["table new", "table temp"]
    assert left(added(1, "old"), dropped(2, "new"), added(3, "temp")) == ["table temp"]


def test_tables_of_others_are_not_ours_to_tell_of() -> None:
    assert left(added(1, "another")) == []


def test_a_second_try_makes_it_again() -> None:
    assert left(added(1, "temp"), dropped(2, "temp"), added(3, "temp")) == ["table temp"]


@pytest.mark.parametrize("status", ["unknown", "failed", None])
def test_a_drop_of_which_nothing_is_known_leaves_it(status: t.Optional[str]) -> None:
    assert left(added(1, "temp"), dropped(2, "temp", status)) == ["table temp"]


def test_a_drop_on_the_source_is_another_matter() -> None:
    on_source = change(2, "pegasus:onebox-a/table/temp", "drop", {"app_id": 1, "name": "temp"}, None)
    assert left(added(1, "temp"), on_source) == ["table temp"]


def test_the_meta_level_of_the_target() -> None:
    level = change(1, "pegasus:onebox-b/meta_level", "set", "lively", "steady")
    back = ("restore", {"resource": "pegasus:onebox-b/meta_level", "action": "restore"})
    assert left(level) == ["meta level steady (it was lively)"]
    assert left(level, [back]) == []


def test_intervals_of_the_source() -> None:
    name = "pegasus:onebox-a/node/10.0.0.{}:34801/config/config_sync_interval_ms"
    changes = [change(one, name.format(one), "shorten", "30000", "1000") for one in (1, 2)]
    back = ("restore", {"resource": name.format(1), "action": "restore"})
    assert table_left.servers_changed(journal(*changes), "onebox-a") == ["10.0.0.1:34801", "10.0.0.2:34801"]
    assert table_left.servers_changed(journal(*changes, [back]), "onebox-a") == ["10.0.0.2:34801"]
    assert table_left.servers_changed(journal(*changes), "onebox-b") == []
