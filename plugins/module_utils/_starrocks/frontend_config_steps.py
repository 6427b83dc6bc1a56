# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a module call wants of every frontend, config by config: from the options, the defaults or the journal."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_check import Checker
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import frontend_key_since
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import SET, Past, decide
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_plan import Target
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import ConfigRow, Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_restore import (
    Restoring,
    resource,
    resource_prefix,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile


class Step(t.NamedTuple):
    """One config: who should hold what, and how it is sent. ``again``: also when all hold it, for fe.conf's sake."""

    key: str
    targets: t.Tuple[Target, ...]
    action: str
    persistent: bool
    again: bool


def wanted_steps(
    cluster_id: str, settings: t.Sequence[Wanted], table: Table, persistent: bool
) -> t.Tuple[t.List[Step], t.List[str]]:
    """The configs with the text to send, and the keys that are left out because nobody knows them.

    :raises MigrationError: everything that cannot be set, at once
    """
    checker: Checker[ConfigRow] = Checker(
        frontend_key_since, {frontend.address: frontend.version for frontend in table}, "fe.conf of every frontend"
    )
    steps: t.List[Step] = []
    skipped: t.List[str] = []
    for setting in settings:
        rows = {frontend: rows[setting.key] for frontend, rows in table.items()}
        texts = checker.wanted(setting, {frontend.address: row for frontend, row in rows.items()})
        if texts is None:
            skipped.append(setting.key)
            continue
        targets = [
            Target(frontend, resource(cluster_id, frontend, row.key), row.value, texts[frontend.address], row.kind)
            for frontend, row in rows.items()
            if row is not None
        ]
        name = next(row.key for row in rows.values() if row is not None)
        steps.append(Step(name, tuple(targets), SET, persistent, False))
    checker.raise_problems()
    return steps, skipped


def default_settings(profile: Profile, settings: t.Sequence[Wanted]) -> t.Tuple[t.List[Wanted], str]:
    """The defaults of this patch release in place of values, and the warning that goes with them."""
    known = profile.settings
    missing = [setting.key for setting in settings if setting.key not in known and not setting.optional]
    if missing:
        raise InvalidOption(
            "settings",
            f"the default of {', '.join(missing)} in {profile.version} is not on record",
            "Set it with state=present",
        )
    found = [
        dataclasses.replace(setting, value=known[setting.key].default) for setting in settings if setting.key in known
    ]
    shown = ", ".join(f"{setting.key} = {setting.value}" for setting in found)
    warning = (
        f"These are the defaults of StarRocks {profile.version}, and not what the cluster had before the migration: "
        f"{shown}. Use state=restored where there is a journal."
    )
    return found, warning


def restore_step(restoring: Restoring, with_persistent: bool) -> Step:
    """A config with what every frontend had before us. What was written to fe.conf is written there again."""
    persistent = restoring.persistent and with_persistent
    return Step(restoring.key, restoring.targets, RESTORE, persistent, persistent)


def theirs(cluster_id: str, table: Table, past: t.Mapping[str, Past]) -> t.List[t.Dict[str, t.Any]]:
    """Where a value is neither what we made it nor what it was before us: somebody else has set it since."""
    return [
        one
        for one in drift(cluster_id, table, past)
        if decide(past[f"{resource_prefix(cluster_id)}{one['frontend']}/config/{one['key']}"], one["found"]).action
        == "keep_theirs"
    ]


def drift(cluster_id: str, table: Table, past: t.Mapping[str, Past]) -> t.List[t.Dict[str, t.Any]]:
    """Where a value that we set is not there any more: a restart, a failover, somebody's hand."""
    found = []
    for frontend, rows in table.items():
        for row in rows.values():
            one = past.get(resource(cluster_id, frontend, row.key)) if row is not None else None
            if row is None or one is None or one.pending:
                continue
            if canonical(row.value, row.kind) != canonical(one.ours, row.kind):
                found.append({"frontend": frontend.address, "key": row.key, "expected": one.ours, "found": row.value})
    return found
