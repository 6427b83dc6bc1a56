# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of wrong options before a cluster is contacted, and where the sync tool finds one."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_task import (
    MigrationTask,
    entrance,
    migration_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import SOURCE
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.starrocks_preflight_cases import (
    frontend,
)


def given(**more: t.Any) -> t.Dict[str, t.Any]:
    params = {name: option.get("default") for name, option in migration_argument_spec().argument_spec.items()}
    return {**params, "frontends": "fe-0.example.com", "target_frontends": "fe-1.example.com", **more}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    params = given(
        source_settings=["first", "second"],
        compaction_ramp=[16, 4],
        vacuum_time="5 parsecs",
        source_node_settings="third",
        approved_plan_hash="no",
    )
    with pytest.raises(InvalidInput) as caught:
        MigrationTask(params, Redactor([]), SystemClock()).body()
    assert [one.split(":")[0] for one in caught.value.problems] == [
        "source_settings[0]",
        "source_settings[1]",
        "compaction_ramp",
        "vacuum_time",
        "source_node_settings[0]",
        "approved_plan_hash",
    ]


def test_no_user_is_made_whose_password_is_the_encrypted_text() -> None:
    keys = {"target_cluster_password_secret_key": "the-secret", "target_cluster_password": "c2VjcmV0"}
    with pytest.raises(InvalidOption) as caught:
        MigrationTask(given(create_sync_users=True, **keys), Redactor([]), SystemClock()).body()
    assert caught.value.message.startswith("create_sync_users: with target_cluster_password_secret_key")
    assert "the-secret" not in caught.value.message


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_key_without_what_it_decrypts_is_refused_before_a_cluster_is_contacted(side: str) -> None:
    key, password = f"{side}_cluster_password_secret_key", f"{side}_cluster_password"
    for missing in (None, ""):
        with pytest.raises(InvalidOption) as caught:
            MigrationTask(given(**{key: "Canary-Key-17", password: missing}), Redactor([]), SystemClock()).body()
        assert caught.value.message.startswith(f"{key}: {password} is not given with it")
        assert "Canary" not in caught.value.message


def test_the_tool_is_given_a_frontend_that_lives() -> None:
    told = [frontend(1, SOURCE), frontend(2, SOURCE), frontend(3, SOURCE)]
    addresses = tuple(Address(one.host, one.query_port) for one in told)
    connection = given_connection(addresses)
    assert entrance(connection, told) == addresses[0]
    dead = [dataclasses.replace(told[0], alive=False), *told[1:]]
    assert entrance(connection, dead) == addresses[1]
    assert entrance(given_connection((addresses[0],)), dead) == addresses[0]
    by_name = given_connection((Address("fe.example.com", 9030),))
    assert entrance(by_name, dead) == Address("fe.example.com", 9030)


def given_connection(addresses: t.Tuple[Address, ...]) -> Connection:
    params = given(frontends=",".join(str(one) for one in addresses))
    return Connection.from_params(params)
