# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import app_env, envs, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env_options import read_options
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.envs_propagation import (
    expected_word,
    longest_interval,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

MAPS = st.dictionaries(st.sampled_from(["a.one", "a.two", "b.one", "c"]), st.sampled_from(["1", "2", "3"]))


def applied(now: t.Mapping[str, str], calls: t.Sequence[envs.EnvCall]) -> t.Dict[str, str]:
    """What a server makes of the calls."""
    after = dict(now)
    for call in calls:
        if call.op == "set":
            after.update(zip(call.keys, call.values))
        for key in call.keys if call.op == "del" else ():
            del after[key]
    return after


@given(MAPS, MAPS)
def test_present_sets_what_is_named_and_nothing_else(now: t.Dict[str, str], given_envs: t.Dict[str, str]) -> None:
    calls = envs.plan_calls("a", envs.wanted_envs("t", "present", given_envs, "", now), now)
    assert applied(now, calls) == {**now, **given_envs}
    assert len(calls) <= 1
    assert all(change.before != change.after for call in calls for change in call.changes)


@given(MAPS, st.dictionaries(st.sampled_from(["a.one", "a.two"]), st.sampled_from(["1", "2"])))
def test_exact_speaks_of_its_prefix_only(now: t.Dict[str, str], given_envs: t.Dict[str, str]) -> None:
    calls = envs.plan_calls("a", envs.wanted_envs("t", "exact", given_envs, "a.", now), now)
    others = {key: value for key, value in now.items() if not key.startswith("a.")}
    after = applied(now, calls)
    assert after == {**others, **given_envs}
    assert envs.plan_calls("a", envs.wanted_envs("t", "exact", given_envs, "a.", after), after) == []


@given(MAPS, MAPS)
def test_absent_deletes_what_is_there(now: t.Dict[str, str], given_envs: t.Dict[str, str]) -> None:
    calls = envs.plan_calls("a", envs.wanted_envs("t", "absent", given_envs, "", now), now)
    assert applied(now, calls) == {key: value for key, value in now.items() if key not in given_envs}


def test_one_call_carries_several_changes() -> None:
    wanted = envs.Wanted("t", {"k": "1", "l": "2", "old": None})
    calls = envs.plan_calls("a", wanted, {"old": "x", "l": "0"})
    assert [call.request for call in calls] == [
        {
            "rpc": "RPC_CM_UPDATE_APP_ENV",
            "fields": {"app_name": "t", "op": 1, "keys": ["k", "l"], "values": ["1", "2"]},
        },
        {"rpc": "RPC_CM_UPDATE_APP_ENV", "fields": {"app_name": "t", "op": 2, "keys": ["old"]}},
    ]
    assert [(one.resource, one.before, one.after) for one in calls[0].changes] == [
        ("pegasus:a/table/t/env/k", None, "1"),
        ("pegasus:a/table/t/env/l", "0", "2"),
    ]


def test_others_that_changed_are_told() -> None:
    found = envs.others_changed({"a": "1", "b": "2", "c": "3"}, {"a": "9", "b": "2", "d": "4"}, {"a"})
    assert found == {"c": {"before": "3", "after": None}, "d": {"before": None, "after": "4"}}


def options(**given_options: t.Any) -> t.Any:
    return read_options(
        {
            "tables": "temp",
            "state": "present",
            "wait_propagated": False,
            "propagation_timeout": "2m",
            **given_options,
        }
    )


def test_options_come_in_many_forms() -> None:
    assert options(envs='{"rocksdb.x": true, "y": 7}').envs == {"rocksdb.x": "true", "y": "7"}
    assert list(options(state="absent", envs=["x", "y"]).envs) == ["x", "y"]
    assert list(options(state="absent", envs="x, y").envs) == ["x", "y"]
    assert options(state="exact", prefix="rocksdb", envs={}).prefix == "rocksdb."
    assert options(tables='["a", "b"]', envs={"x": "1"}).tables == ("a", "b")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"envs": {}}, "needs at least one"),
        ({"envs": {"x": None}}, "state=absent"),
        ({"envs": {"x": ""}}, "has no value"),
        ({"envs": {"x y": "1", "": "2"}, "tables": "a"}, "is no name of an env"),
        ({"envs": {"x": "1"}, "tables": ""}, "tables: there is none"),
        ({"envs": {"x": "1"}, "tables": ["a", "a"]}, "given twice"),
        ({"envs": {"x": "1"}, "state": "exact"}, "prefix"),
        ({"envs": {"x": "1"}, "state": "exact", "prefix": "rocksdb"}, "not below the prefix"),
        ({"envs": {"x": "1"}, "prefix": "rocksdb"}, "no meaning"),
        ({"envs": {DENY_KEY: "reconfig"}}, "reconfig*write"),
        ({"envs": {"x": "1"}, "propagation_timeout": "5 parsecs"}, "parsecs"),
        ({"envs": {"x": "1"}, "ignore_missing": True}, "a table is needed"),
    ],
)
def test_wrong_options_are_told_in_a_sentence(wrong: t.Dict[str, t.Any], words: str) -> None:
    with pytest.raises(MigrationError) as caught:
        options(**wrong)
    assert words in caught.value.message


def test_all_wrong_options_are_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        options(tables=["a", "a", "b c"], envs={DENY_KEY: "no"}, prefix="x")
    assert len(caught.value.problems) == 4


def app(**fields: t.Any) -> model.App:
    values: t.Dict[str, t.Any] = {"duplicating": True, "atomic_idempotent": None, "envs": {}, **fields}
    return model.App("t", 2, "AVAILABLE", 8, max_replica_count=3, **values)


@pytest.mark.parametrize(
    ("fields", "keys", "in_one_call", "word"),
    [
        ({"envs": {DENY_KEY: "reconfig*write"}}, (DENY_KEY,), False, "denied"),
        ({"envs": {DENY_KEY: "reconfig*all"}}, (DENY_KEY,), False, "denied"),
        ({"envs": {}}, (DENY_KEY,), False, "open"),
        ({"envs": {DENY_KEY: "reconfig*read"}}, (DENY_KEY,), False, ""),
        ({"envs": {DENY_KEY: "timeout*write"}}, (DENY_KEY,), False, ""),
        ({"envs": {DENY_KEY: "reconfig*write"}}, (DENY_KEY, "x"), False, ""),
        ({"envs": {DENY_KEY: "reconfig*write"}}, (DENY_KEY, "x"), True, "denied"),
        ({"envs": {"x": "1"}}, ("x",), True, ""),
        ({"envs": {DENY_KEY: "reconfig*write"}, "duplicating": False}, (DENY_KEY,), True, ""),
        ({"envs": {DENY_KEY: "reconfig*write"}, "duplicating": None}, (DENY_KEY,), True, ""),
        ({"envs": {DENY_KEY: "reconfig*write"}, "atomic_idempotent": True}, (DENY_KEY,), True, ""),
    ],
)
def test_the_probe_is_used_only_where_it_proves_something(
    fields: t.Dict[str, t.Any], keys: t.Tuple[str, ...], in_one_call: bool, word: str
) -> None:
    assert expected_word(app(**fields), keys, in_one_call) == word


def test_an_interval_that_nobody_tells_is_no_interval() -> None:
    good = {"a:1": model.ConfigValue("config_sync_interval_ms", "30000"), "b:1": model.ConfigValue("x", "500")}
    assert longest_interval(model.Answers(good)) == {"a:1": 30.0, "b:1": 0.5}
    silent = {"c:1": MigrationError("pegasus.unreachable", "gone")}
    with pytest.raises(MigrationError) as caught:
        longest_interval(model.Answers(good, silent))
    assert (caught.value.code, caught.value.details["servers"]) == ("pegasus.propagation_unknown", {"c:1": "gone"})
    with pytest.raises(MigrationError):
        longest_interval(model.Answers({"a:1": model.ConfigValue("config_sync_interval_ms", "soon")}))


class Cluster:
    """A meta server with the tables ``t`` and, being dropped, ``going``."""

    def __init__(self, *_any: t.Any) -> None:
        pass

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def cluster_info(self) -> model.ClusterInfo:
        return model.ClusterInfo("b", "", ("m:1",), "", "", "steady")

    envs: t.ClassVar[t.Dict[str, str]] = {}

    def list_apps(self) -> t.Tuple[model.App, ...]:
        going = dataclasses.replace(app(), name="going", status="DROPPING")
        return app(envs=dict(self.envs)), going

    def app(self, name: str) -> model.App:
        return self.list_apps()[0]

    def update_app_env(self, name: str, op: str, keys: t.Sequence[str], values: t.Sequence[str]) -> str:
        for key in keys:
            del self.envs[key]
        return ""


def test_a_table_that_is_gone_is_told_where_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_env, "MetaClient", Cluster)
    monkeypatch.setattr(Cluster, "envs", {"x": "1"})
    params = {
        "meta_servers": ["m:1"], "connect_timeout": "1s", "rpc_timeout": "1s", "tables": "gone,t,going", "envs": ["x"],
        "state": "absent", "wait_propagated": False, "propagation_timeout": "2m",
    }  # fmt: skip
    clock: t.Any = FakeClock()
    with pytest.raises(MigrationError) as caught:
        app_env.AppEnvTask(params, True, Redactor([]), clock).body()
    assert caught.value.code == "pegasus.app_not_found"
    for check_mode in (True, False):
        result = app_env.AppEnvTask({**params, "ignore_missing": True}, check_mode, Redactor([]), clock).body()
        assert (result["missing"], [one["table"] for one in result["tables"]]) == (["gone", "going"], ["t"])
        assert len(result["changes"]) == 1 and "no table gone, going" in result["warnings"][0]
    assert Cluster.envs == {}


def test_what_deleting_the_marks_of_a_duplication_does_not_change_is_told() -> None:
    marks = {"duplication.master_cluster": "onebox-a", "duplication.master_metas": "a:1,b:2"}
    now = {"t": {**marks, "x": "1"}, "u": marks, "other": {"x": "1"}}
    wanted = [envs.Wanted(table, dict.fromkeys([*marks])) for table in now]
    (told,) = envs.left_in_replicas("onebox-b", wanted, now)
    assert told.startswith("The replicas of t, u on onebox-b keep the addresses of the old meta servers (a:1,b:2)")
    assert "must resolve" in told
    kept = [envs.Wanted("t", {"duplication.master_cluster": None, "x": "2"})]
    assert envs.left_in_replicas("onebox-b", kept, now) == []
    restored = [envs.Wanted("t", dict.fromkeys([*marks]), RESTORE)]
    assert envs.left_in_replicas("onebox-b", restored, now) == []


def test_the_module_tells_it_in_check_mode_too_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_env, "MetaClient", Cluster)
    monkeypatch.setattr(Cluster, "envs", {"duplication.master_metas": "a:1,b:2"})
    params = {
        "meta_servers": ["m:1"], "connect_timeout": "1s", "rpc_timeout": "1s", "tables": "t", "state": "absent",
        "envs": ["duplication.master_metas"], "wait_propagated": False, "propagation_timeout": "2m",
    }  # fmt: skip
    clock: t.Any = FakeClock()
    told = [app_env.AppEnvTask(params, check, Redactor([]), clock).body() for check in (True, False, False)]
    assert [("a:1,b:2" in one["warnings"][0]) if "warnings" in one else None for one in told] == [True, True, None]
