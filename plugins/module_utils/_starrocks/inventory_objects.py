# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Objects of a cluster besides its tables, as data: how each kind is found, and what becomes of it in a migration.

The sync tool moves databases, native tables and, if switched on, views, materialized views and bitmap indexes. All else
stays where it is (the vendor's manual, section Limits). A kind that came after a version is not asked for.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile

MIGRATED, NEEDS_SWITCH, RECREATE, UNSUPPORTED = "migrated", "needs_switch", "recreate", "unsupported"
VERDICTS = (MIGRATED, NEEDS_SWITCH, RECREATE, UNSUPPORTED)

Record = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of object. ``columns`` (lower case): their values, joined by dots, name it where ``selected`` or
    ``joined``; otherwise the first that exists does.

    ``database``: the query is asked for each selected database, with its quoted name put in for ``{database}``.
    ``selected``: the first column is the database, and rows of databases that are not selected are left out.
    ``keep``: which rows count. ``switch``: the property of the sync tool that moves it. ``moved``: what is left to do
    then.
    """

    name: str
    query: str
    columns: t.Tuple[str, ...]
    verdict: str
    remedy: str
    severity: str = "warning"
    database: bool = False
    selected: bool = False
    joined: bool = False
    keep: t.Callable[[Record], bool] = lambda record: True
    switch: str = ""
    moved: str = "The sync tool moves their definitions. Verify them on the target."
    lake_only: bool = False


def _is(column: str, *values: str) -> t.Callable[[Record], bool]:
    wanted = {value.lower() for value in values}
    return lambda record: str(record.get(column, "")).lower() in wanted


def _not(column: str, *values: str) -> t.Callable[[Record], bool]:
    unwanted = {value.lower() for value in values}
    return lambda record: str(record.get(column, "")).lower() not in unwanted


def _user(record: Record) -> bool:
    # root is on every cluster, and so is the account of the tool itself, sooner or later.
    name = str(next(iter(record.values()), "")).replace("`", "'")
    return not name.startswith(("'root'", "root"))


def _installed(record: Record) -> bool:
    """The servers' own plugins are listed too: ``__builtin_AuditLogBuilder`` of type AUDIT, its Sources Builtin."""
    own = str(record.get("sources", "")).lower() == "builtin"
    return not own and not str(record.get("name", "")).startswith("__builtin_")


# The same text for several kinds, so that it is sent once.
_MATERIALIZED = "SELECT TABLE_SCHEMA, TABLE_NAME, REFRESH_TYPE, IS_ACTIVE FROM information_schema.materialized_views"
# information_schema.statistics exists and has never a row.
_INDEXES = "SHOW CREATE TABLE"
_BUILT_IN_GROUPS = ("default_wg", "default_mv_wg")
_BUILT_IN_ROLES = ("root", "cluster_admin", "db_admin", "user_admin", "security_admin", "public")

KINDS: t.Tuple[Kind, ...] = (
    Kind(
        "view",
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.views",
        ("table_schema", "table_name"),
        NEEDS_SWITCH,
        "Set enable_view_sync to true, or create the views on the target by hand.",
        selected=True,
        switch="enable_view_sync",
    ),
    Kind(
        "materialized_view",
        _MATERIALIZED,
        ("table_schema", "table_name"),
        NEEDS_SWITCH,
        "Set enable_materialized_view_sync to true, or create them on the target by hand. Their data is not moved: "
        "refresh them on the target after the cutover.",
        selected=True,
        keep=_not("refresh_type", "ROLLUP"),
        switch="enable_materialized_view_sync",
        moved="The sync tool moves their definitions, and not their data: refresh them on the target after the "
        "cutover. Where their base tables are not selected, every refresh fails there.",
    ),
    Kind(
        "inactive_materialized_view",
        _MATERIALIZED,
        ("table_schema", "table_name"),
        RECREATE,
        "They are broken on the source already. Repair or drop them there first.",
        selected=True,
        keep=_is("is_active", "false", "0"),
    ),
    Kind(
        "rollup",
        _MATERIALIZED,
        ("table_schema", "table_name"),
        MIGRATED,
        "They come with their tables. Verify them on the target (DESC table ALL).",
        "info",
        selected=True,
        keep=_is("refresh_type", "ROLLUP"),
    ),
    Kind(
        "routine_load",
        "SELECT DB_NAME, NAME, STATE FROM information_schema.routine_load_jobs",
        ("db_name", "name"),
        RECREATE,
        "Create them on the target at the cutover, with the offsets at which they were paused (column Progress).",
        selected=True,
        keep=_not("state", "STOPPED", "CANCELLED"),
    ),
    Kind(
        "pipe",
        "SELECT DATABASE_NAME, PIPE_NAME, STATE FROM information_schema.pipes",
        ("database_name", "pipe_name"),
        RECREATE,
        "Create them on the target after the cutover, for the files that have not been loaded yet.",
        selected=True,
        keep=_not("state", "FINISHED"),
    ),
    Kind(
        "task",
        # The name of the column is a reserved word.
        "SELECT `DATABASE`, TASK_NAME FROM information_schema.tasks",
        ("database", "task_name"),
        RECREATE,
        "Create them on the target after the cutover. While writes are stopped, their INSERTs fail on the source.",
        selected=True,
        keep=lambda record: not str(record.get("task_name", "")).startswith("mv-"),
    ),
    Kind(
        "temporary_table",
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.temp_tables",
        ("table_schema", "table_name"),
        UNSUPPORTED,
        "They live in their sessions, and are lost at the cutover.",
        selected=True,
    ),
    Kind(
        "external_catalog",
        "SHOW CATALOGS",
        ("catalog",),
        RECREATE,
        "Create them on the target (SHOW CREATE CATALOG; credentials are masked there).",
        keep=_not("type", "internal"),
    ),
    Kind(
        "user",
        "SHOW USERS",
        ("user",),
        RECREATE,
        "Create them on the target with their grants (SHOW GRANTS), or use enable_privilege_sync if the tool has it.",
        keep=_user,
        switch="enable_privilege_sync",
    ),
    Kind(
        "role",
        "SHOW ROLES",
        ("name",),
        RECREATE,
        "Create them on the target with their grants, or use enable_privilege_sync if the tool has it.",
        keep=_not("name", *_BUILT_IN_ROLES),
        switch="enable_privilege_sync",
    ),
    Kind(
        "resource_group",
        "SHOW RESOURCE GROUPS ALL",
        ("name",),
        RECREATE,
        "Create them on the target.",
        keep=_not("name", *_BUILT_IN_GROUPS),
    ),
    Kind(
        "function",
        "SHOW FULL FUNCTIONS FROM {database}",
        ("signature",),
        RECREATE,
        "Create them on the target, whose nodes must reach their files.",
        database=True,
    ),
    Kind(
        "global_function",
        "SHOW FULL GLOBAL FUNCTIONS",
        ("signature",),
        RECREATE,
        "Create them on the target, whose nodes must reach their files.",
    ),
    Kind(
        "small_file",
        "SHOW FILE FROM {database}",
        ("filename",),
        RECREATE,
        "Create them on the target (CREATE FILE); routine loads and catalogs refer to them.",
        database=True,
    ),
    Kind("resource", "SHOW RESOURCES", ("name",), RECREATE, "Create them on the target."),
    Kind(
        "repository", "SHOW REPOSITORIES", ("reponame",), RECREATE, "Create them on the target if backups go on there."
    ),
    Kind(
        "dictionary", "SHOW DICTIONARY", ("dictionaryname",), RECREATE, "Create them on the target, and refresh them."
    ),
    Kind("plugin", "SHOW PLUGINS", ("name",), RECREATE, "Install them on the target.", keep=_installed),
    Kind("blacklist_rule", "SHOW SQLBLACKLIST", ("id", "index"), RECREATE, "Add them on the target."),
    Kind("baseline", "SHOW BASELINE", ("id",), RECREATE, "Create them on the target.", "info"),
    Kind(
        "security_integration",
        "SHOW SECURITY INTEGRATIONS",
        ("name", "security_integration"),
        RECREATE,
        "Create them on the target, or its users cannot log in.",
    ),
    Kind("group_provider", "SHOW GROUP PROVIDERS", ("name",), RECREATE, "Create them on the target."),
    Kind(
        "warehouse",
        "SHOW WAREHOUSES",
        ("name",),
        RECREATE,
        "Create them on the target.",
        keep=_not("name", "default_warehouse"),
        lake_only=True,
    ),
)

BITMAP_INDEX = Kind(
    "bitmap_index",
    _INDEXES,
    (),
    NEEDS_SWITCH,
    "Set enable_bitmap_index_sync to true, or create the indexes on the target by hand.",
    switch="enable_bitmap_index_sync",
)
OTHER_INDEX = Kind(
    "other_index",
    _INDEXES,
    (),
    RECREATE,
    "The manual knows nothing of indexes of these types. Compare SHOW INDEX on both sides, and create what is missing.",
)
INDEX_KINDS = (BITMAP_INDEX, OTHER_INDEX)
"""Told by the text of CREATE TABLE only, so they have no statement of their own (``preflight_details``)."""


def kinds_of(profile: Profile) -> t.Tuple[Kind, ...]:
    """Those that a cluster can have, as it is to be asked for them."""
    return tuple(
        _as_asked(kind, profile)
        for kind in KINDS
        if profile.has_objects(kind.name) and (profile.shared_data or not kind.lake_only)
    )


def _as_asked(kind: Kind, profile: Profile) -> Kind:
    if kind.name == "routine_load" and not profile.routine_load_jobs:
        query = "SHOW ALL ROUTINE LOAD FROM {database}"
        return dataclasses.replace(
            kind, query=query, columns=("dbname", "name"), database=True, selected=False, joined=True
        )
    if kind.name == "user" and not profile.show_users:
        return dataclasses.replace(kind, query="SHOW ALL AUTHENTICATION", columns=("useridentity",))
    return kind
