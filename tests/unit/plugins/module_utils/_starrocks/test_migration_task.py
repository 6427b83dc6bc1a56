# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of wrong options before a cluster is contacted."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_task import (
    MigrationTask,
    migration_argument_spec,
)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    params = {name: option.get("default") for name, option in migration_argument_spec().argument_spec.items()}
    params.update(
        frontends="fe-0.example.com",
        target_frontends="fe-1.example.com",
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
