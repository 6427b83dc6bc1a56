# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What takes questions of its own: partitions, generated columns, running ALTERs, and what only CREATE TABLE tells."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_objects import (
    BITMAP_INDEX,
    OTHER_INDEX,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_read import Asker
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import Native, Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import plain_database
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    Details,
    Objects,
    Written,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier

STATEMENTS_AT_MOST = 1000
"""Tables whose CREATE TABLE is read unless all shall be; nothing else tells of AUTO_INCREMENT and indexes (facts 9)."""
COUNT = "SELECT COUNT(*) FROM information_schema.partitions_meta"
TEMPORARY = "SELECT DB_NAME, TABLE_NAME, PARTITION_NAME FROM information_schema.partitions_meta WHERE IS_TEMP = 1"
GENERATED = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, GENERATION_EXPRESSION FROM information_schema.columns WHERE "
    "GENERATION_EXPRESSION <> ''"
)
WRITTEN = (
    "SELECT DB_NAME, TABLE_NAME FROM information_schema.partitions_meta WHERE VERSION_TXN_TYPE = 'TXN_NORMAL' AND "
    "DATA_VERSION > 1 AND IS_TEMP = 0"
)
WRITTEN_BEFORE = "SELECT DB_NAME, TABLE_NAME FROM information_schema.partitions_meta WHERE VISIBLE_VERSION > 1"
GROUPS = "SHOW PROC '/colocation_group'"
_OVER = ("FINISHED", "CANCELLED")
_AUTO_INCREMENT = re.compile(r"\bAUTO_INCREMENT\b", re.IGNORECASE)
_DEFAULT = re.compile(r'DEFAULT\s+"((?:[^"\\]|\\.)*)"', re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]|\\[nrt0bZ]")
_TEXT_OR_NAME = re.compile(r"""`(?:[^`]|``)*`|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", re.DOTALL)
# INDEX `n` (`c`) USING GIN("parser" = "english") COMMENT ''
_INDEX = re.compile(r"^\s*INDEX\s+(`(?:[^`]|``)+`|\w+)\s*\([^)]*\)\s*USING\s+(\w+)", re.IGNORECASE | re.MULTILINE)


def read_details(
    asker: Asker,
    profile: Profile,
    scope: Scope,
    natives: t.Sequence[t.Union[Native, Table]],
    databases: t.Sequence[str],
    deep: bool,
) -> Details:
    """Of the source. ``natives``: the selected tables. ``databases``: those that are asked for running ALTER jobs."""
    problems: t.Dict[str, str] = {}

    def ask(name: str, sql: str) -> t.Optional[Rows]:
        rows, problem = asker.once(sql, name.replace("_", " "))
        if rows is None:
            problems[name] = problem
        return rows

    meta = profile.partitions_meta
    count = ask("partitions", COUNT) if meta else None
    temporary = ask("temporary_partitions", TEMPORARY) if meta else None
    generated = ask("generated_columns", GENERATED) if profile.generation_expression else None
    groups = ask("colocation_groups", GROUPS)
    owning = {table.database for table in natives}
    altering = _altering(ask, [name for name in databases if name in owning], scope, profile)
    return Details(
        partitions=None if count is None else int(str(count.single() or 0)),
        temporary_partitions=None if temporary is None else _names(temporary, scope),
        generated=None if generated is None else _names(generated, scope),
        altering=altering,
        unstable_groups=() if groups is None else _unstable(groups),
        problems=problems,
        **_statements(asker, natives, deep),
    )


def index_objects(details: t.Optional[Details]) -> t.Tuple[Objects, ...]:
    """Indexes as objects of the inventory. ``details``: None if the tables are not known."""
    problem = ""
    if details is None:
        problem = "The tables could not be listed."
    elif details.unread:
        problem = f"SHOW CREATE TABLE was not read of {details.unread} tables (of more than {STATEMENTS_AT_MOST} only "
        problem += "with deep: true)."
    return (
        Objects(BITMAP_INDEX, details.bitmap_indexes if details is not None else (), problem),
        Objects(OTHER_INDEX, details.other_indexes if details is not None else (), problem),
    )


def read_written(asker: Asker, profile: Profile) -> Written:
    """Tables of the target with data that no replication brought."""
    if not profile.partitions_meta:
        return Written(reason=f"StarRocks {profile.version} has no information_schema.partitions_meta")
    # What marks a write is judged as the comparison does it: from the versions on whose replications are marked.
    if not (profile.partitions_meta_data_version and profile.commits_write_data_version):
        rows, problem = asker.once(WRITTEN_BEFORE, "partitions with data")
        reason = f"StarRocks {profile.version} does not tell replication from other writes"
        return Written(_counted(rows), reason) if rows is not None else Written(reason=problem)
    rows, problem = asker.once(WRITTEN, "partitions that no replication wrote")
    return Written(_counted(rows)) if rows is not None else Written(reason=problem)


def has_auto_increment(statement: str) -> bool:
    """Whether a CREATE TABLE has such a column. Names, comments and defaults may hold any word and are left out."""
    return _AUTO_INCREMENT.search(_TEXT_OR_NAME.sub('""', statement)) is not None


def has_control_characters(statement: str) -> bool:
    """Whether a default value of a column holds one (issue 47861)."""
    return any(_CONTROL.search(found) for found in _DEFAULT.findall(statement))


def indexes_of(statement: str) -> t.List[t.Tuple[str, str]]:
    """Name and type (BITMAP, GIN, NGRAMBF, VECTOR) of each index of a CREATE TABLE; texts may hold any word."""
    bare = _TEXT_OR_NAME.sub(lambda found: found[0] if found[0].startswith("`") else '""', statement)
    return [
        (name[1:-1].replace("``", "`") if name.startswith("`") else name, kind.upper())
        for name, kind in _INDEX.findall(bare)
    ]


def _statements(asker: Asker, natives: t.Sequence[t.Union[Native, Table]], deep: bool) -> t.Dict[str, t.Any]:
    """The fields of ``Details`` that CREATE TABLE tells."""
    if len(natives) > STATEMENTS_AT_MOST and not deep:
        return {"unread": len(natives)}
    increments: t.List[str] = []
    controls: t.List[str] = []
    bitmaps: t.List[str] = []
    others: t.List[str] = []
    unread = 0
    for table in natives:
        place = f"{quote_identifier(table.database)}.{quote_identifier(table.name)}"
        rows, _problem = asker.once(f"SHOW CREATE TABLE {place}", f"table {table.full}")
        row = rows.rows[0] if rows is not None and rows.rows else ()
        if len(row) < 2:
            unread += 1
            continue
        statement = str(row[1])
        if has_auto_increment(statement):
            increments.append(table.full)
        if has_control_characters(statement):
            controls.append(table.full)
        for name, kind in indexes_of(statement):
            (bitmaps if kind == "BITMAP" else others).append(f"{table.full}.{name}")
    return {
        "auto_increment": tuple(increments),
        "control_characters": tuple(controls),
        "bitmap_indexes": tuple(bitmaps),
        "other_indexes": tuple(others),
        "unread": unread,
    }


def _altering(
    ask: t.Callable[[str, str], t.Optional[Rows]], databases: t.Sequence[str], scope: Scope, profile: Profile
) -> t.Tuple[str, ...]:
    found: t.Set[str] = set()
    for database in databases:
        for kind in ("COLUMN", "ROLLUP", "OPTIMIZE") if profile.optimize_jobs else ("COLUMN", "ROLLUP"):
            rows = ask(f"altering_{kind.lower()}", f"SHOW ALTER TABLE {kind} FROM {quote_identifier(database)}")
            for record in rows.records() if rows is not None else ():
                table = str(record.get("tablename") or "")
                if str(record.get("state") or "FINISHED").upper() not in _OVER and scope.takes(database, table):
                    found.add(f"{database}.{table}")
    return tuple(sorted(found))


def _names(rows: Rows, scope: Scope) -> t.Tuple[str, ...]:
    return tuple(
        sorted(
            ".".join((plain_database(str(row[0])), str(row[1]), str(row[2])))
            for row in rows.rows
            if scope.takes(plain_database(str(row[0])), str(row[1]))
        )
    )


def _counted(rows: Rows) -> t.Dict[str, int]:
    found: t.Dict[str, int] = {}
    for row in rows.rows:
        name = f"{plain_database(str(row[0]))}.{row[1]}"
        found[name] = found.get(name, 0) + 1
    return found


def _unstable(rows: Rows) -> t.Tuple[str, ...]:
    return tuple(
        str(record.get("groupname") or record.get("groupid"))
        for record in rows.records()
        if str(record.get("isstable", "true")).lower() == "false"
    )
