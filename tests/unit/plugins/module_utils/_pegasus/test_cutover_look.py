# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a table's duplications a cutover goes by."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_gate import gate
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.test_cutover_gate import (
    APP,
    CLUSTERS,
    SOURCE,
)


def looked(*duplications: model.Duplication) -> TableView:
    eyes = Eyes.__new__(Eyes)
    source: t.Any = types.SimpleNamespace(
        list_apps=lambda: (APP,), query_config=lambda _name: SOURCE, query_duplications=lambda _name: duplications
    )
    target: t.Any = types.SimpleNamespace(list_apps=lambda: (), query_config=lambda _name: None)
    request: t.Any = types.SimpleNamespace(place=None)
    eyes.source, eyes.target, eyes.request, eyes.blind = source, target, request, False
    return eyes.tables(CLUSTERS, ["temp"])["temp"]


def dup(dupid: int, status: str = "DS_LOG", remote: str = "onebox-b", created: int = 0) -> model.Duplication:
    return model.Duplication(dupid, status, remote, created)


def about_duplications(view: TableView) -> t.List[str]:
    return [one.id for one in gate(CLUSTERS, view, 100, False) if one.id.startswith("pegasus.duplication.")]


def test_one_that_was_removed_and_is_still_listed_is_none() -> None:
    for listed in (
        (dup(7, "DS_REMOVED"), dup(9)),
        (dup(9), dup(7, "DS_REMOVED")),
        (dup(7, "DS_REMOVED", "onebox-c"), dup(9)),
    ):
        view = looked(*listed)
        assert view.duplication == dup(9)
        assert about_duplications(view) == []
    assert about_duplications(looked(dup(7, "DS_REMOVED"))) == ["pegasus.duplication.missing"]


def test_of_several_to_the_target_the_newest_counts_and_the_gate_stays_shut() -> None:
    view = looked(dup(7, created=5), dup(8, created=9), dup(9, created=1), dup(10, "DS_LOG", "onebox-c", 99))
    assert view.duplication == dup(8, created=9)
    assert about_duplications(view) == ["pegasus.duplication.several"]
