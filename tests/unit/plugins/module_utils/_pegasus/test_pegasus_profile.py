# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every version difference at its boundary, and the records' own arithmetic."""

from __future__ import annotations

import json

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, requests
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.version import parse_version


def profile(text: str) -> Profile:
    return Profile.choose(Version.parse(text))


@pytest.mark.parametrize("text", ["2.3.9", "2.3.0", "1.12.3"])
def test_too_old(text: str) -> None:
    with pytest.raises(MigrationError) as caught:
        profile(text)
    assert caught.value.code == "pegasus.version_too_old"


@pytest.mark.parametrize(
    ("text", "generation", "rename", "mutable", "remote_name", "held_back"),
    [
        ("2.4.0", "2.4", False, False, False, True),
        ("2.4.9", "2.4", False, False, False, True),
        ("2.5.0", "2.5", True, True, False, True),
        ("2.5.0-RC1", "2.5", True, True, False, True),
        ("2.5.9", "2.5", True, True, False, True),
        ("2.6.0-SNAPSHOT", "2.6", True, True, True, False),
        ("2.6.0", "2.6", True, True, True, False),
        ("3.0.0", "2.6", True, True, True, False),
    ],
)
def test_boundaries(
    text: str, generation: str, rename: bool, mutable: bool, remote_name: bool, held_back: bool
) -> None:
    found = profile(text)
    assert (found.generation, found.has_rename_app, found.config_sync_interval_mutable) == (generation, rename, mutable)
    assert (found.remote_app_name, found.holds_back_last_mutation) == (remote_name, held_back)
    assert len(found.duplication_envs) == (2 if held_back else 4)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('{"Version":"2.5.0","GitCommit":"x"}', "2.5.0"),
        ('{"version":"2.6.0-SNAPSHOT"}', "2.6.0-SNAPSHOT"),
        ("Pegasus Server 2.4.0 (b45cb06) Release, Started at 2022-01-02 03:04:05", "2.4.0"),
        ("2.4", "2.4.0"),
    ],
)
def test_versions_as_servers_write_them(text: str, version: str) -> None:
    assert str(parse_version(text)) == version


@pytest.mark.parametrize("text", ["", "{}", "unknown command 'server-info'", "[1]", "null"])
def test_no_version(text: str) -> None:
    assert parse_version(text) is None


# Requests are described as they are sent.


def test_requests_are_described_as_they_are_sent() -> None:
    request = requests.update_app_env("temp", "set", ["k"], ["v"])
    expected = {"rpc": "RPC_CM_UPDATE_APP_ENV", "fields": {"app_name": "temp", "op": 1, "keys": ["k"], "values": ["v"]}}
    assert request.describe() == expected
    every = [
        request,
        requests.update_app_env("temp", "del", ["k"]),
        requests.update_app_env("temp", "clear", prefix="duplication"),
        requests.add_duplication("temp", "target", checkpoint=False, remote_app_name="t2", remote_replica_count=3),
        requests.modify_duplication("temp", 7, status="DS_PAUSE", fail_mode="FAIL_SKIP"),
        requests.control_meta("steady"),
        requests.create_app("temp", partition_count=8, replica_count=3),
        requests.drop_app("temp", 60),
        requests.recall_app(2),
        requests.rename_app("temp", "temp2"),
    ]
    for one in every:
        assert one.rpc.mutating
        assert set(one.fields) <= set(one.rpc.request.by_name)
        assert json.loads(json.dumps(one.describe())) == {"rpc": one.rpc.name, "fields": one.fields}


def test_what_2_6_alone_understands_is_left_out_unless_asked_for() -> None:
    fields = requests.add_duplication("temp", "target").fields
    assert fields == {"app_name": "temp", "remote_cluster_name": "target", "is_duplicating_checkpoint": True}


@pytest.mark.parametrize("call", ["level", "status", "values"])
def test_words_that_do_not_exist(call: str) -> None:
    with pytest.raises(ValueError):
        if call == "level":
            requests.control_meta("frozen")
        elif call == "status":
            requests.modify_duplication("temp", 1, status="DS_DONE")
        else:
            requests.update_app_env("temp", "set", ["a", "b"], ["1"])


# Routing.


def partition(index: int, primary: str, *secondaries: str) -> model.Partition:
    return model.Partition(index, 3, 3, primary, secondaries, 0)


def test_health_of_a_table() -> None:
    config = model.TableConfig(
        2, 4, (partition(0, "a:1", "b:1", "c:1"), partition(1, "a:1", "b:1"), partition(2, "", "b:1"))
    )
    assert config.unhealthy() == (1, 2, 3)
    assert config.unhealthy(2) == (2, 3)
    assert config.without_primary == (2, 3)
    assert not config.healthy()
    assert config.primaries == {"a:1": [0, 1]}
    assert config.partition(3) is None


def test_a_replica_that_is_told_twice_counts_once() -> None:
    assert not partition(0, "a:1", "b:1", "b:1").healthy()


def test_a_proxy_that_has_switched_tells_the_same_primaries() -> None:
    one = model.TableConfig(2, 1, (partition(0, "a:1", "b:1"),))
    assert one.same_primaries(model.TableConfig(2, 1, (partition(0, "a:1", "c:1"),)))
    assert not one.same_primaries(model.TableConfig(3, 1, (partition(0, "a:1", "b:1"),)))
    assert not one.same_primaries(model.TableConfig(2, 1, (partition(0, "b:1", "a:1"),)))
