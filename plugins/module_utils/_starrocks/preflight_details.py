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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_read import DATABASES_AT_MOST, Asker
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import Native
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import plain_database
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import Details, Written
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier

STATEMENTS_AT_MOST = 1000
"""Tables whose CREATE TABLE is read unless all shall be; nothing else tells of AUTO_INCREMENT (facts 9)."""
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


def read_details(
    asker: Asker, profile: Profile, scope: Scope, natives: t.Sequence[Native], inventory: bool, deep: bool
) -> Details:
    """Of the source. ``natives``: the selected tables. ``inventory``: ask databases for running ALTER jobs, too."""
    problems: t.Dict[str, str] = {}

    def ask(name: str, sql: str) -> t.Optional[Rows]:
        rows, problem, _unknown = asker.once(sql, name.replace("_", " "))
        if rows is None:
            problems[name] = problem
        return rows

    meta = profile.partitions_meta
    count = ask("partitions", COUNT) if meta else None
    temporary = ask("temporary_partitions", TEMPORARY) if meta else None
    generated = ask("generated", GENERATED) if profile.generation_expression else None
    groups = ask("groups", GROUPS)
    databases = sorted({table.database for table in natives})
    asked = databases if deep else databases[: DATABASES_AT_MOST if inventory else 0]
    altering = _altering(ask, asked, scope)
    increments, controls, unread = _statements(asker, natives, deep)
    return Details(
        partitions=None if count is None else int(str(count.single() or 0)),
        temporary_partitions=None if temporary is None else _names(temporary, scope),
        generated=None if generated is None else _names(generated, scope),
        auto_increment=increments,
        control_characters=controls,
        unread=unread,
        altering=None if any(name.startswith("altering") for name in problems) else altering,
        unstable_groups=() if groups is None else _unstable(groups),
        problems=problems,
    )


def read_written(asker: Asker, profile: Profile) -> Written:
    """Tables of the target with data that no replication brought."""
    if not profile.partitions_meta:
        return Written(reason=f"StarRocks {profile.version} has no information_schema.partitions_meta")
    if not profile.partitions_meta_data_version:
        rows, problem, _unknown = asker.once(WRITTEN_BEFORE, "partitions with data")
        reason = f"StarRocks {profile.version} does not tell replication from other writes"
        return Written(_counted(rows), reason) if rows is not None else Written(reason=problem)
    rows, problem, _unknown = asker.once(WRITTEN, "partitions that no replication wrote")
    return Written(_counted(rows)) if rows is not None else Written(reason=problem)


def has_auto_increment(statement: str) -> bool:
    """Whether a CREATE TABLE has such a column; comments and defaults may hold any word, so texts are left out."""
    return _AUTO_INCREMENT.search(re.sub(r'"(?:[^"\\]|\\.)*"', '""', statement)) is not None


def has_control_characters(statement: str) -> bool:
    """Whether a default value of a column holds one (issue 47861)."""
    return any(_CONTROL.search(found) for found in _DEFAULT.findall(statement))


def _statements(
    asker: Asker, natives: t.Sequence[Native], deep: bool
) -> t.Tuple[t.Tuple[str, ...], t.Tuple[str, ...], int]:
    increments: t.List[str] = []
    controls: t.List[str] = []
    if len(natives) > STATEMENTS_AT_MOST and not deep:
        return (), (), len(natives)
    unread = 0
    for table in natives:
        place = f"{quote_identifier(table.database)}.{quote_identifier(table.name)}"
        rows, _problem, _unknown = asker.once(f"SHOW CREATE TABLE {place}", f"table {table.full}")
        row = rows.rows[0] if rows is not None and rows.rows else ()
        if len(row) < 2:
            unread += 1
            continue
        statement = str(row[1])
        if has_auto_increment(statement):
            increments.append(table.full)
        if has_control_characters(statement):
            controls.append(table.full)
    return tuple(increments), tuple(controls), unread


def _altering(
    ask: t.Callable[[str, str], t.Optional[Rows]], databases: t.Sequence[str], scope: Scope
) -> t.Tuple[str, ...]:
    found: t.Set[str] = set()
    for database in databases:
        for kind in ("COLUMN", "ROLLUP", "OPTIMIZE"):
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
