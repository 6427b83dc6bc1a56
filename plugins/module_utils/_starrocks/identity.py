# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Who a cluster is: its id, its leader, its version and its run mode."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import (
    SHARED_DATA,
    SHARED_NOTHING,
    Profile,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import like_literal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version

Query = t.Callable[[str, str], Rows]

_ENGINES = "SELECT DISTINCT TABLE_ENGINE FROM information_schema.tables_config"


def cluster_id(frontends: t.Sequence[Frontend]) -> str:
    """The ClusterId that the frontends agree on; ``starrocks.unexpected_answer`` when they do not."""
    found = sorted({frontend.cluster_id for frontend in frontends if frontend.cluster_id})
    if len(found) != 1:
        raise MigrationError(
            "starrocks.unexpected_answer",
            f"The frontends tell {'several cluster ids: ' + ', '.join(found) if found else 'no cluster id'}; check "
            "that all addresses lead to one cluster.",
            details={"cluster_ids": found},
        )
    return found[0]


def leader_of(frontends: t.Sequence[Frontend]) -> Frontend:
    """The living leader; ``starrocks.not_leader`` when there is none."""
    for frontend in frontends:
        if frontend.role == "LEADER" and frontend.alive:
            return frontend
    raise MigrationError(
        "starrocks.not_leader",
        "No frontend leads at the moment; wait for the election, or see to it that most followers run.",
        details={"frontends": {frontend.address: frontend.role for frontend in frontends}},
    )


def lowest_version(frontends: t.Sequence[Frontend], prefix: str = "") -> Version:
    """The lowest version of the living frontends.

    :raises MigrationError: ``starrocks.version_unknown`` when one of them has a name instead of a version
    """
    living = {frontend.address: frontend.version for frontend in frontends if frontend.alive}
    versions = {address: parse_version(text) for address, text in living.items()}
    unknown = {address: living[address] for address, version in versions.items() if version is None}
    known = [version for version in versions.values() if version is not None]
    if unknown or not known:
        shown = ", ".join(f"{address} ({text or 'none'})" for address, text in unknown.items()) or "no frontend"
        raise MigrationError(
            "starrocks.version_unknown",
            f"The version cannot be told of {shown}; set {prefix}assume_version to the release that this build is made "
            "of.",
            details={"versions": living},
        )
    return min(known)


def read_run_mode(query: Query, profile: Profile) -> str:
    """The run mode: the config ``run_mode`` (from 3.0 on; no row means shared-nothing), asked of the leader.

    Without OPERATE, the engine of the tables tells it, if the user sees any. Otherwise ``starrocks.access_denied``.
    """
    try:
        rows = query(f"ADMIN SHOW FRONTEND CONFIG LIKE {like_literal('run_mode')}", "read the run mode")
    except MigrationError as error:
        if error.code != "starrocks.access_denied" or not profile.tables_config:
            raise
        engines = _engines(query)
        if not engines & {"CLOUD_NATIVE", "OLAP"}:
            raise
        return SHARED_DATA if "CLOUD_NATIVE" in engines else SHARED_NOTHING
    for row in rows.records():
        if row.get("key") == "run_mode":
            return str(row["value"])
    return SHARED_NOTHING


def _engines(query: Query) -> t.Set[str]:
    try:
        return {str(row[0]) for row in query(_ENGINES, "tell the run mode by the tables").rows}
    except MigrationError:
        return set()
