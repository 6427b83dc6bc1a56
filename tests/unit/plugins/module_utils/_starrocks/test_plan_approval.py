# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an approval of a StarRocks migration is bound to, and what it is not."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.approval import plan_hash
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import Settings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.plan_approval import (
    approvable_argument_spec,
    describe,
    plan_of,
    read_approvable,
)

SETTINGS = Settings(
    source=({"key": "lake_autovacuum_grace_period_minutes", "value": "100", "optional": False},),
    target=({"key": "lake_compaction_max_tasks", "value": "0", "optional": False},),
    target_variables={},
    compaction_off=True,
    compaction_reason="because",
)


def made(settings: Settings = SETTINGS, **more: t.Any) -> t.Dict[str, t.Any]:
    defaults = {name: option.get("default") for name, option in approvable_argument_spec().argument_spec.items()}
    problems = OptionProblems()
    options = read_approvable({**defaults, "include_data_list": ["sales", "hr.people"], **more}, problems)
    problems.raise_all()
    return plan_of("1001", "2002", "shared_data -> shared_data", settings, options)


@pytest.mark.parametrize(
    "same",
    [
        {"budget": "900s"},
        {"switch_reserve": "60"},
        {"include_data_list": "hr.people, sales"},
        {"sync_properties": {}},
        {"sync_properties": ""},
        {"source_node_settings": "[]"},
    ],
)
def test_the_form_of_the_options_does_not_matter(same: t.Dict[str, t.Any]) -> None:
    assert plan_hash(made(**same)) == plan_hash(made())


def test_values_of_properties_and_settings_are_compared_as_they_will_be() -> None:
    one = made(sync_properties={"enable_view_sync": True, "ddl_job_batch_size": 10}, target_node_settings=[
        {"key": "replication_threads", "value": 8}, {"key": "a_switch", "value": True},
    ])  # fmt: skip
    two = made(
        sync_properties='{"ddl_job_batch_size": "10", "enable_view_sync": "yes"}',
        target_node_settings='[{"key": "a_switch", "value": "true"}, {"key": "replication_threads", "value": "8"}]',
    )
    assert plan_hash(one) == plan_hash(two) != plan_hash(made())


@pytest.mark.parametrize(
    "other",
    [
        {"budget": "10m"},
        {"quiet_time": "11s"},
        {"switch_reserve": "2m"},
        {"include_data_list": ["sales"]},
        {"exclude_data_list": ["sales.old"]},
        {"sync_properties": {"ddl_job_allow_drop_target_only": True}},
        {"source_node_settings": [{"key": "a", "value": 1}]},
        {"target_node_settings": [{"key": "a", "value": 1}]},
        {"switch_tasks": "/srv/switch.yml"},
        {"archive_sha256": "0" * 64},
        {"settings": Settings((), SETTINGS.target, {}, True, "because")},
        {"settings": Settings(SETTINGS.source, SETTINGS.target, {"a": "b"}, True, "because")},
        {"settings": Settings(SETTINGS.source, SETTINGS.target, {}, False, "because")},
    ],
)
def test_another_deed_is_another_plan(other: t.Dict[str, t.Any]) -> None:
    assert plan_hash(made(**other)) != plan_hash(made())


def test_the_reason_of_a_setting_is_no_deed() -> None:
    reworded = Settings(SETTINGS.source, SETTINGS.target, {}, True, "for another reason")
    assert plan_hash(made(reworded)) == plan_hash(made())


def test_everything_that_is_wrong_is_told_and_no_secret_gets_into_a_plan() -> None:
    defaults = {name: option.get("default") for name, option in approvable_argument_spec().argument_spec.items()}
    problems = OptionProblems()
    wrong = {
        "budget": "5 parsecs",
        "include_data_list": ["a.b.c"],
        "sync_properties": {"source_cluster_password": "canary", "ddl_job_batch_size": "many"},
        "source_node_settings": ["what", "why"],
    }
    read_approvable({**defaults, **wrong}, problems)
    with pytest.raises(InvalidInput) as caught:
        problems.raise_all()
    assert [one.split(":")[0] for one in caught.value.problems] == [
        "sync_properties.source_cluster_password",
        "ddl_job_batch_size",
        "include_data_list",
        "budget",
        "source_node_settings[0]",
        "source_node_settings[1]",
    ]
    assert "canary" not in caught.value.message


def test_in_a_few_words() -> None:
    assert describe(made()) == (
        "hr.people, sales from 1001 to 2002 (shared_data -> shared_data), 2 settings of frontends,"
        " writes refused for at most 15m"
    )
    assert describe(made(include_data_list="", exclude_data_list="a,b")).startswith(
        "all databases without 2 names from"
    )
