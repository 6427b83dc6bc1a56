# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids that a table has on the source and another one on the target: a client's repeated write can land there."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import App
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.preflight_cases import (
    app,
    cluster,
    duplication,
    ids,
    judged,
    only,
    table,
)

TAKEN, COMING = "target.app_id_taken", "target.app_ids_meet"


def target(*apps: App) -> v.ClusterView:
    return cluster(v.TARGET, apps=apps)


def named(name: str, app_id: int, **more: t.Any) -> v.TableView:
    return table(app=app(name, app_id=app_id), request=v.TableRequest(name, name), with_app={}, **more)


@pytest.mark.parametrize(
    ("there", "warns"),
    [
        (app("other"), True),
        (app("other", status="CREATING"), True),
        (app("other", status="RECALLING"), True),
        (app("other", status="DROPPED"), False),
        (app("other", status="DROPPING"), False),
        (app("other", app_id=3), False),
        (app("temp"), False),
    ],
    ids=["taken", "being made", "being recalled", "dropped", "being dropped", "another id", "the name itself"],
)
def test_an_id_that_another_table_of_the_target_has(there: App, warns: bool) -> None:
    findings = judged(target=target(app("more", app_id=99), there))
    assert (TAKEN in ids(findings, "warning")) is warns
    assert TAKEN not in ids(findings)


def test_both_names_and_the_id_are_told() -> None:
    found = only(judged(target=target(app("other", partition_count=8)), remote="tempo"), TAKEN)
    assert found.subject == "table temp"
    assert found.evidence == {"app_id": 2, "table_on_source": "temp", "table_on_target": "other", "partition_count": 8}
    assert "Java" in found.remedy


def test_the_copy_itself_is_no_other_table() -> None:
    copy = app(envs={"duplication.master_cluster": "east"})
    findings = judged(target=target(copy), duplications=(duplication(),))
    assert [one.id for one in findings if ".app_id" in one.id] == []


def test_a_table_that_is_not_there_has_no_id() -> None:
    gone = table(with_app={"status": "DROPPED"})
    assert TAKEN not in ids(judged(target=target(app("other")), tables=(gone,)), "warning")


@pytest.mark.parametrize(
    ("there", "source_ids", "met"),
    [
        # The copies get 4 and 5, and the table with id 5 may meet the copy of the other one.
        ((app("x", app_id=3),), (2, 5), {"t1": 5}),
        # Dropped tables keep their ids.
        ((app("x", app_id=3), app("y", app_id=4, status="DROPPED")), (5, 6), {"t0": 5, "t1": 6}),
        ((app("x", app_id=3),), (2, 6), {}),
        ((app("x", app_id=9),), (2, 5), {}),
        # A single table can only meet itself.
        ((app("x", app_id=3),), (4,), {}),
    ],
    ids=["one", "dropped", "above", "below", "alone"],
)
def test_ids_that_the_copies_will_get(
    there: t.Tuple[App, ...], source_ids: t.Tuple[int, ...], met: t.Dict[str, int]
) -> None:
    tables = tuple(named(f"t{index}", app_id) for index, app_id in enumerate(source_ids))
    findings = judged(target=target(*there), tables=tables)
    assert (COMING in ids(findings, "warning")) is bool(met)
    if met:
        found = only(findings, COMING)
        assert found.evidence["tables"] == met
        assert found.evidence["copies"] == len(source_ids)
        assert f"above {max(source_ids)}" in found.remedy


def test_copies_that_are_there_get_no_new_id() -> None:
    """Only one copy is still to be made, and it is the one of the table that has the id."""
    here = app("t0", app_id=3, envs={"duplication.master_cluster": "east"})
    tables = (named("t0", 2, duplications=(duplication(),)), named("t1", 4))
    assert COMING not in ids(judged(target=target(here), tables=tables), "warning")
    # The one that is there is met by the copy that is still to be made.
    tables = (named("t0", 4, duplications=(duplication(),)), named("t1", 7))
    assert only(judged(target=target(here), tables=tables), COMING).evidence["tables"] == {"t0": 4}
