# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses differ, and the clusters behind them are one: its tables must not be taken for the target's."""

from __future__ import annotations

import dataclasses
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import (
    duplication_look,
    model,
    table_standing,
    table_task,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import (
    standing_argument_spec,
    table_argument_spec,
)
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

INFO = model.ClusterInfo("onebox-a", "m:1", ("m:1", "n:1"), "", "", "steady")
APP = model.App("temp", 2, "AVAILABLE", 4, {}, 3)
GIVEN = {"meta_servers": "m:1", "target_meta_servers": "p:1", "tables": "temp"}


def client(info: model.ClusterInfo) -> t.Any:
    return types.SimpleNamespace(
        cluster_info=lambda: info,
        list_nodes=lambda: (),
        list_apps=lambda: (APP,),
        query_duplications=lambda _name: (),
        query_config=lambda _name: None,
        profile=types.SimpleNamespace(has_rename_app=True),
    )


class _Client:
    """Stands for a MetaClient; every address leads to the source."""

    def __init__(self, *_options: t.Any, **_named: t.Any) -> None:
        self.close = lambda: None

    def __enter__(self) -> t.Any:
        return client(INFO)

    def __exit__(self, *_raised: t.Any) -> None:
        pass


def same(call: t.Callable[[], t.Any]) -> str:
    with pytest.raises(MigrationError) as caught:
        call()
    assert caught.value.code == "pegasus.same_cluster", caught.value
    return caught.value.message


def params(spec: t.Any, **given: t.Any) -> t.Dict[str, t.Any]:
    return {**{name: one.get("default") for name, one in spec.argument_spec.items()}, **GIVEN, **given}


@pytest.fixture
def clusters(monkeypatch: pytest.MonkeyPatch) -> duplication_look.Clusters:
    monkeypatch.setattr(duplication_look, "MetaClient", _Client)
    connection: t.Any = types.SimpleNamespace(
        meta_servers=("m:1",), target_meta_servers=("p:1",), settings=types.SimpleNamespace()
    )
    clock: t.Any = FakeClock()
    found = duplication_look.Clusters(connection, clock)
    found.client = client(INFO)
    found._target = client(INFO)
    return found


def test_nobody_is_told_to_drop_the_table_of_the_source(clusters: duplication_look.Clusters) -> None:
    wanted = Wanted("temp", "onebox-b", "present", "FAIL_SLOW")
    told = same(lambda: clusters.seen(wanted))
    assert "target_meta_servers" in told and "drop" not in told
    clusters.refresh()
    same(lambda: clusters.target("temp", with_config=True))


def test_two_clusters_are_looked_at(clusters: duplication_look.Clusters) -> None:
    clusters._target = client(dataclasses.replace(INFO, cluster_name="onebox-b", meta_servers=("p:1",)))
    seen = clusters.seen(Wanted("temp", "onebox-b", "present", "FAIL_SLOW"))
    assert seen.target_seen and seen.target_app == APP


def test_a_removed_duplication_that_is_still_listed_spares_nobody_the_look_at_the_target(
    clusters: duplication_look.Clusters,
) -> None:
    clusters._target = client(dataclasses.replace(INFO, cluster_name="onebox-b", meta_servers=("p:1",)))
    source = client(INFO)
    source.query_duplications = lambda _name: (model.Duplication(7, "DS_REMOVED", "onebox-b", 0),)
    clusters.client = source
    seen = clusters.seen(Wanted("temp", "onebox-b", "present", "FAIL_SLOW"))
    assert seen.target_seen and seen.target_app == APP


def test_the_source_is_no_proof_that_the_target_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_task, "MetaClient", _Client)
    store: t.Any = types.SimpleNamespace(entries=[], close=lambda: None)
    monkeypatch.setattr(table_task, "SettingsJournal", lambda *_any: store)
    clock: t.Any = FakeClock()
    given = params(table_argument_spec(), state="dropped", journal="/j")
    same(table_task.TableTask(given, True, Redactor([]), clock).body)


def test_the_standing_tells_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_standing, "MetaClient", _Client)
    clock: t.Any = FakeClock()
    same(lambda: table_standing.gather_standing(params(standing_argument_spec()), Redactor([]), clock))
