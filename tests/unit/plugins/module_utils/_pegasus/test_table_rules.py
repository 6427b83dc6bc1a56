# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renaming and dropping: only with evidence from journal, source and target; one doubt and nothing is touched."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import table_rules as tr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_KEY, DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import MovedTable, TableOptions

TEMP = MovedTable("temp", "temp")
OTHER = MovedTable("other", "other")
METAS = ("10.0.0.1:34601", "10.0.0.2:34601")
MADE = {"duplication.master_cluster": "onebox-a", "duplication.master_metas": ", ".join(METAS)}
DUPLICATION = model.Duplication(7, "DS_LOG", "onebox-b", 1)


def app(
    name: str = "temp", app_id: int = 2, status: str = "AVAILABLE", envs: t.Optional[t.Mapping[str, str]] = None
) -> model.App:
    return model.App(name, app_id, status, 1, envs or {}, 3)


def info(name: str) -> model.ClusterInfo:
    return model.ClusterInfo(name, METAS[0], METAS, "", "", "steady")


def config(primary: str = "10.0.1.1:34801") -> model.TableConfig:
    return model.TableConfig(5, 1, (model.Partition(0, 3, 3, primary, (), 1),))


def view(**more: t.Any) -> tr.View:
    """After a cutover: the source closed and without duplication, the target serving."""
    there = tr.View(
        source=info("onebox-a"),
        target=info("onebox-b"),
        metas=frozenset(METAS),
        apps=(app(envs={DENY_KEY: DENY_ALL}), app("other", 3, envs={DENY_KEY: DENY_ALL})),
        target_apps=(app(app_id=5), app("other", 6)),
        duplications={},
        target_configs={"temp": config(), "other": config()},
        can_rename=True,
    )
    return dataclasses.replace(there, **more)


def half_made(**more: t.Any) -> tr.View:
    """In the middle of copying, the duplication removed again."""
    return view(apps=(app(),), **{"target_apps": (app(app_id=5, envs=MADE),), **more})


def told(*committed: str, switched: t.Sequence[str] = (), duplicated: t.Sequence[str] = ("temp",)) -> tr.Told:
    return tr.Told(frozenset(committed), frozenset(switched), {name: frozenset(("onebox-b",)) for name in duplicated})


def plan(state: str, there: tr.View, journal: tr.Told, *tables: MovedTable, **more: t.Any) -> t.List[tr.Step]:
    options = TableOptions(tables or (TEMP,), state, "_old", more.get("reserve"), more.get("cluster_name", ""))
    return tr.plan(options, there, journal)


def refusal(state: str, there: tr.View, journal: tr.Told, *tables: MovedTable) -> MigrationError:
    with pytest.raises(MigrationError) as caught:
        plan(state, there, journal, *tables)
    return caught.value


def test_the_old_tables_are_dropped_by_the_exact_call() -> None:
    steps = plan("dropped", view(), told("temp", "other"), TEMP, OTHER, reserve=3600)
    changes = [step.change for step in steps if step.change is not None]
    assert [(one.resource, one.action, one.before, one.after) for one in changes] == [
        ("pegasus:onebox-a/table/temp", "drop", {"app_id": 2, "name": "temp"}, None),
        ("pegasus:onebox-a/table/other", "drop", {"app_id": 3, "name": "other"}, None),
    ]
    assert changes[0].request == {
        "rpc": "RPC_CM_DROP_APP",
        "fields": {"app_name": "temp", "options": {"success_if_not_exist": False, "reserve_seconds": 3600}},
    }
    assert not any(step.on_target for step in steps)


def test_a_renamed_table_keeps_its_id() -> None:
    (step,) = plan("renamed", view(), told("temp"))
    assert step.change is not None
    assert step.change.after == {"app_id": 2, "name": "temp_old"}
    assert step.new_name == "temp_old"


@pytest.mark.parametrize(
    ("there", "journal", "code"),
    [
        (view(), told(), "pegasus.not_cut_over"),
        (view(duplications={"temp": (DUPLICATION,)}), told("temp"), "pegasus.dup_present"),
        (view(apps=(app(),)), told("temp"), "pegasus.table_not_fenced"),
        (view(apps=(app(envs={DENY_KEY: DENY_WRITE}),)), told("temp"), "pegasus.table_not_fenced"),
        (view(target_apps=(), target_configs={}), told("temp"), "pegasus.target_not_serving"),
        (view(target_configs={"temp": None}), told("temp"), "pegasus.target_not_serving"),
        (view(target_configs={"temp": config(primary="")}), told("temp"), "pegasus.target_not_serving"),
        (view(target_apps=(app(status="CREATING"),)), told("temp"), "pegasus.target_not_serving"),
    ],
)
@pytest.mark.parametrize("state", ["dropped", "renamed"])
def test_an_old_table_that_somebody_may_need_stays(state: str, there: tr.View, journal: tr.Told, code: str) -> None:
    assert refusal(state, there, journal).code == code


def test_one_doubtful_table_keeps_all_and_every_reason_is_told() -> None:
    error = refusal("dropped", view(duplications={"other": (DUPLICATION,)}), told("temp"), TEMP, OTHER)
    assert [one["code"] for one in error.details["problems"]] == ["pegasus.not_cut_over", "pegasus.dup_present"]
    assert all("other" in one["msg"] for one in error.details["problems"])


def test_renaming_needs_a_server_that_can_and_a_name_that_is_free() -> None:
    assert refusal("renamed", view(can_rename=False), told("temp")).code == "pegasus.rename_unsupported"
    taken = view(apps=(app(envs={DENY_KEY: DENY_ALL}), app("temp_old", 9)))
    assert refusal("renamed", taken, told("temp")).code == "pegasus.app_exists"


@pytest.mark.parametrize("apps", [(), (app("temp_old", 2),), (app(status="DROPPING"),), (app(status="DROPPED"),)])
@pytest.mark.parametrize("state", ["dropped", "renamed"])
def test_what_is_gone_is_left_at_that(state: str, apps: t.Tuple[model.App, ...]) -> None:
    (step,) = plan(state, view(apps=apps), told("temp"))
    assert step.change is None


def test_a_half_made_follower_is_dropped_on_the_target() -> None:
    (step,) = plan("follower_dropped", half_made(), told())
    assert step.on_target
    assert step.change is not None
    assert step.change.resource == "pegasus:onebox-b/table/temp"
    assert step.change.before == {"app_id": 5, "name": "temp"}
    assert plan("follower_dropped", half_made(target_apps=()), told())[0].change is None


@pytest.mark.parametrize(
    "envs",
    [
        {},
        {"duplication.master_cluster": "onebox-a"},
        {"duplication.master_metas": METAS[0]},
        {**MADE, "duplication.master_cluster": "onebox-c"},
        {**MADE, "duplication.master_metas": "10.9.9.9:34601"},
        {**MADE, "duplication.master_app_name": "another"},
    ],
)
def test_a_table_on_the_target_that_is_not_proved_ours_stays(envs: t.Dict[str, str]) -> None:
    assert refusal("follower_dropped", half_made(target_apps=(app(app_id=5, envs=envs),)), told()).code == (
        "pegasus.table_not_ours"
    )


@pytest.mark.parametrize(
    ("there", "journal", "code"),
    [
        (half_made(), told(duplicated=()), "pegasus.table_not_ours"),
        (half_made(), told("temp"), "pegasus.cut_over_already"),
        (half_made(), told(switched=("temp",)), "pegasus.switched_already"),
        (half_made(duplications={"temp": (DUPLICATION,)}), told(), "pegasus.dup_present"),
    ],
)
def test_a_follower_that_somebody_may_need_stays(there: tr.View, journal: tr.Told, code: str) -> None:
    assert refusal("follower_dropped", there, journal).code == code


def test_a_duplication_to_a_third_cluster_is_nobodys_business_here() -> None:
    third = dataclasses.replace(DUPLICATION, remote="onebox-c")
    assert plan("follower_dropped", half_made(duplications={"temp": (third,)}), told())[0].change is not None


def test_the_follower_of_a_table_that_was_only_renamed_stays() -> None:
    there = dataclasses.replace(half_made(), apps=(app("temp_old"),), renamed={"temp": "temp_old"})
    found = refusal("follower_dropped", there, told())
    assert found.code == "pegasus.table_renamed"
    assert "renamed it to temp_old on onebox-a" in str(found.message)


def test_a_source_that_duplicates_under_another_name() -> None:
    made = {**MADE, "duplication.master_cluster": "north"}
    there = half_made(target_apps=(app(app_id=5, envs=made),))
    assert refusal("follower_dropped", there, told()).code == "pegasus.table_not_ours"
    assert plan("follower_dropped", there, told(), cluster_name="north")[0].change is not None


def test_the_state_of_a_table_follows_its_id_and_not_its_name() -> None:
    apps = (app("temp_old", 2), app("temp", 9), app("gone", 4, "DROPPING"))
    assert tr.state_of(apps, 2) == {"app_id": 2, "name": "temp_old"}
    assert tr.state_of(apps, 4) is None
    assert tr.state_of(apps, 5) is None
