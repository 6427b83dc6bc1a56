# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList


def change(resource: str, before: object, after: object, action: str = "set") -> Change:
    return Change(resource, action, before, after, f"ADMIN x('{resource}')")


def test_nothing_to_do() -> None:
    changes = ChangeList()
    assert not changes.changed
    assert changes.diff() == {"before": {}, "after": {}}
    assert changes.as_result() == []


def test_all_falls_out_of_one_list() -> None:
    changes = ChangeList([change("region/1", {"leader": 1}, {"leader": 2}, "migrate")])
    changes.add(change("maintenance", False, True))
    assert changes.changed
    assert len(changes) == 2
    assert [item.resource for item in changes] == ["region/1", "maintenance"]
    assert changes.diff() == {
        "before": {"region/1": {"leader": 1}, "maintenance": False},
        "after": {"region/1": {"leader": 2}, "maintenance": True},
    }
    assert changes.as_result()[0] == {
        "resource": "region/1",
        "action": "migrate",
        "before": {"leader": 1},
        "after": {"leader": 2},
        "request": "ADMIN x('region/1')",
    }


def test_two_changes_of_one_resource_show_first_before_and_last_after() -> None:
    changes = ChangeList([change("a", 1, 2), change("a", 2, 3)])
    assert changes.diff() == {"before": {"a": 1}, "after": {"a": 3}}
