# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings a migration needs, at the versions where that changes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import (
    COMPACTION,
    GRACE,
    LEGACY,
    Settings,
    Wishes,
    plan_settings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile

NOTHING, DATA = "shared_nothing", "shared_data"


def plan(source: str, target: str, version: str, wishes: t.Optional[Wishes] = None) -> Settings:
    newest = Profile.choose(Version.parse("4.1.0"), source)
    return plan_settings(newest, Profile.choose(Version.parse(version), target), wishes or Wishes())


def keys(settings: t.Iterable[t.Mapping[str, t.Any]]) -> t.List[str]:
    return [str(one["key"]) for one in settings]


@pytest.mark.parametrize(
    ("source", "target", "version", "off"),
    [
        (NOTHING, NOTHING, "3.1.9", False),
        (NOTHING, NOTHING, "4.1.0", False),
        # Crashes of BEs, until the fix of each branch (issue 45276).
        (NOTHING, DATA, "3.1.17", True),
        (NOTHING, DATA, "3.2.16", True),
        (NOTHING, DATA, "3.3.7", True),
        (NOTHING, DATA, "3.4.0", True),
        # Mismatched versions, until September 2025 (issue 62741).
        (NOTHING, DATA, "3.3.13", True),
        (NOTHING, DATA, "3.3.18", True),
        (NOTHING, DATA, "3.3.19", False),
        (NOTHING, DATA, "3.4.7", True),
        (NOTHING, DATA, "3.4.8", False),
        (NOTHING, DATA, "3.5.7", False),
        (DATA, DATA, "4.1.0", True),
    ],
)
def test_compaction_by_path_and_version(source: str, target: str, version: str, off: bool) -> None:
    found = plan(source, target, version)
    assert found.compaction_off is off
    assert (COMPACTION in keys(found.target)) is off
    assert found.compaction_reason


@pytest.mark.parametrize(("wish", "off"), [("yes", True), ("no", False)])
def test_compaction_as_asked_for(wish: str, off: bool) -> None:
    assert plan(DATA, DATA, "4.1.0", Wishes(wish)).compaction_off is off
    assert plan(NOTHING, DATA, "3.5.7", Wishes(wish)).compaction_off is off
    # A shared-nothing target has no such switch.
    assert plan(NOTHING, NOTHING, "3.5.7", Wishes(wish)).compaction_off is False


def test_the_order_of_the_manual() -> None:
    found = plan(DATA, DATA, "4.1.0")
    assert keys(found.source) == [GRACE]
    assert keys(found.target) == [COMPACTION, LEGACY]
    assert plan(NOTHING, DATA, "4.1.0").source == ()


def test_what_the_operator_says_counts() -> None:
    wishes = Wishes(
        source=({"key": GRACE, "value": "600"}, {"key": "catalog_trash_expire_second", "value": "604800"}),
        target=({"key": "replication_max_parallel_table_count", "value": "50"},),
    )
    found = plan(DATA, DATA, "4.1.0", wishes)
    assert [(one["key"], one["value"]) for one in found.source] == [
        (GRACE, "600"),
        ("catalog_trash_expire_second", "604800"),
    ]
    assert keys(found.target) == [COMPACTION, LEGACY, "replication_max_parallel_table_count"]


@pytest.mark.parametrize(
    ("version", "needed"),
    [("3.1.16", True), ("3.1.17", False), ("3.2.14", True), ("3.2.15", False), ("3.3.9", True), ("3.3.10", False)],
)
def test_the_column_filter_of_old_targets(version: str, needed: bool) -> None:
    assert bool(plan(NOTHING, NOTHING, version).target_variables) is needed
