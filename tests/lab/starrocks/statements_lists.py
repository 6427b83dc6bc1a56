# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHOW of databases, tables, data and alter jobs, and of objects that the lab only lists (facts 4.6, 9)."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks import columns
from lab.starrocks.errors import SqlError
from lab.starrocks.profiles import Profile
from lab.starrocks.schema import HIDDEN_DATABASES, cell, relation
from lab.starrocks.sql_select import Relation, SelectReader
from lab.starrocks.state_tables import QUOTA, Database, Table
from lab.starrocks.statements import Call, Statement, table
from lab.starrocks.statements_nodes import size

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

_OTHERS: dict[str, tuple[str, tuple[str, ...]]] = {
    # statement: (columns, releases that brought it; none: it was always there)
    "CATALOGS": ("Catalog Type Comment", ()),
    "RESOURCE GROUPS": ("name id cpu_weight mem_limit big_query_cpu_second_limit classifiers", ()),
    "RESOURCE GROUPS ALL": ("name id cpu_weight mem_limit big_query_cpu_second_limit classifiers", ()),
    "RESOURCES": ("Name ResourceType Key Value", ()),
    "REPOSITORIES": ("RepoId RepoName CreateTime IsReadOnly Location Broker ErrMsg", ()),
    "PLUGINS": ("Name Type Description Version JavaVersion ClassName SoName Sources Status Properties", ()),
    "SQLBLACKLIST": ("Id Forbidden SQL", ()),
    "DICTIONARY": ("DictionaryId DictionaryName CatalogName DbName dictionaryObject status", ("3.3",)),
    "BASELINE": ("Id global enable bindSQLDigest bindSQL costs", ("3.5",)),
    "SECURITY INTEGRATIONS": ("Name Type Comment", ("3.5",)),
    "GROUP PROVIDERS": ("Name Type Comment", ("3.5",)),
    "FULL GLOBAL FUNCTIONS": ("Signature ReturnType FunctionType IntermediateType Properties", ("3.0",)),
    "GLOBAL FUNCTIONS": ("Signature", ("3.0",)),
}
_IN_DATABASE = {
    "FULL FUNCTIONS": "Signature ReturnType FunctionType IntermediateType Properties",
    "FUNCTIONS": "Signature",
    "FILE": "Id DbName GlobalFileName Catalog FileName FileSize IsContent MD5",
}
_BUILT_IN: dict[str, list[dict[str, str]]] = {
    "CATALOGS": [
        {
            "Catalog": "default_catalog",
            "Type": "Internal",
            "Comment": "An internal catalog contains this cluster's self-managed tables.",
        }
    ],
    "PLUGINS": [
        {
            "Name": "__builtin_AuditLogBuilder",
            "Type": "AUDIT",
            "Description": "builtin audit logger",
            "Version": "0.12.0",
            "JavaVersion": "1.8.31",
            "ClassName": "com.starrocks.qe.AuditLogBuilder",
            "SoName": "NULL",
            "Sources": "Builtin",
            "Status": "INSTALLED",
            "Properties": "{}",
        }
    ],
    "RESOURCE GROUPS ALL": [{"name": "default_mv_wg", "id": "3"}, {"name": "default_wg", "id": "2"}],
}


def _dict_relation(name: str, names: t.Iterable[str], rows: t.Sequence[t.Mapping[str, str]]) -> Relation:
    names = list(names)
    return relation(name, names, {n: cell(n) for n in names}, lambda equals: rows)


class ListStatements:
    """What the cluster's ``others`` hold is shown under the statement's own words; a test may put rows there."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def statements(self) -> t.Iterable[Statement]:
        """Those that the version has."""
        yield Statement(("SHOW", "DATABASES"), self._databases)
        yield Statement(("SHOW", "SCHEMAS"), self._databases)
        yield Statement(("SHOW", "TABLES"), self._tables)
        yield Statement(("SHOW", "DATA"), self._data)
        yield Statement(("SHOW", "LOAD"), self._load)
        for verb in ("DESC", "DESCRIBE"):
            yield Statement((verb,), self._describe)
        for kind in ("COLUMN", "ROLLUP", "OPTIMIZE") if self._front.profile.since("3.2") else ("COLUMN", "ROLLUP"):
            yield Statement(("SHOW", "ALTER", "TABLE", kind), self._alter(kind))
        for words, (names, releases) in _OTHERS.items():
            if not releases or self._front.profile.since(*releases):
                yield Statement(("SHOW", *words.split()), self._other(words, names))
        for words, names in _IN_DATABASE.items():
            yield Statement(("SHOW", *words.split()), self._in_database(words, names))

    def _database(self, call: Call) -> Database:
        if call.cursor.words("FROM") or call.cursor.words("IN"):
            return self._front.database(call.cursor.path()[-1])
        if not call.context.database:
            raise SqlError("No database selected", 1046, "3D000")
        return self._front.database(call.context.database)

    async def _databases(self, call: Call) -> ResultSet:
        names = [name for name in self._front.cluster.databases if name not in HIDDEN_DATABASES]
        rows = [{"Database": name} for name in sorted([*names, *HIDDEN_DATABASES])]
        return SelectReader(call.cursor, _dict_relation("", ("Database",), rows), {}).show()

    async def _tables(self, call: Call) -> ResultSet:
        database = self._database(call)
        sees = call.rights.sees(database.name)
        names = sorted([*database.tables, *database.views, *database.materialized_views])
        column = "Tables_in_%s" % database.name
        rows = [{column: name} for name in names if sees(name)]
        return SelectReader(call.cursor, _dict_relation("", (column,), rows), {}).show()

    def _named(self, call: Call) -> tuple[Database, str]:
        path = call.cursor.path()
        schema = path[-2] if len(path) > 1 else call.context.database
        return self._front.database(schema), path[-1]

    async def _describe(self, call: Call) -> ResultSet:
        database, name = self._named(call)
        call.cursor.end()
        _database, found = self._front.table(database.name, name)
        rows = [
            (c.name, c.type, "YES" if c.nullable else "NO", "true" if c.key else "false", c.default, c.aggregation)
            for c in found.columns
        ]
        return table(("Field", "Type", "Null", "Key", "Default", "Extra"), rows)

    # --- data ---

    def _replicas(self, found: Table) -> int:
        buckets = sum(partition.buckets for partition in found.partitions.values())
        return buckets * (1 if self._front.profile.shared_data else found.replication_num)

    def _bytes(self, found: Table) -> int:
        rows = sum(p.counted_rows * p.row_bytes for p in found.partitions.values())
        return rows * (1 if self._front.profile.shared_data else found.replication_num)

    async def _data(self, call: Call) -> ResultSet:
        if call.cursor.words("FROM"):
            return self._data_of_table(call)
        call.cursor.end()
        database = self._database(call)
        sees = call.rights.sees(database.name)
        found = [x for name, x in sorted(database.tables.items()) if sees(name)]
        rows: list[tuple[t.Any, ...]] = [(x.name, size(self._bytes(x)), self._replicas(x)) for x in found]
        used, replicas = sum(map(self._bytes, found)), sum(map(self._replicas, found))
        rows.append(("Total", size(used), replicas))
        quota = "8388608.000 TB" if database.quota == QUOTA else size(database.quota)
        rows.append(("Quota", quota, database.replica_quota))
        left = "8388608.000 TB" if database.quota == QUOTA else size(max(0, database.quota - used))
        rows.append(("Left", left, database.replica_quota - replicas))
        return table(("TableName", "Size", "ReplicaCount"), rows)

    def _data_of_table(self, call: Call) -> ResultSet:
        database, name = self._named(call)
        call.cursor.end()
        _database, found = self._front.table(database.name, name)
        rows = sum(p.counted_rows for p in found.partitions.values())
        line = (found.name, found.name, size(self._bytes(found)), self._replicas(found), rows)
        total = ("", "Total", line[2], line[3], "")
        return table(("TableName", "IndexName", "Size", "ReplicaCount", "RowCount"), [line, total])

    async def _load(self, call: Call) -> ResultSet:
        database = self._database(call)
        stamp = self._front.stamp
        rows = [
            {
                "JobId": str(load.id),
                "Label": load.label,
                "State": load.state,
                "Type": load.type,
                "Priority": "NORMAL",
                "SinkRows": str(load.rows),
                "ErrorMsg": load.error,
                "CreateTime": stamp(load.created),
                "LoadFinishTime": stamp(load.finished),
                "Warehouse": "default_warehouse",
            }
            for load in database.loads
        ]
        return SelectReader(call.cursor, _dict_relation("", columns.show_load(self._front.profile), rows), {}).show()

    def _alter(self, kind: str) -> t.Callable[[Call], t.Awaitable[ResultSet]]:
        async def show(call: Call) -> ResultSet:
            database = self._database(call)
            stamp = self._front.stamp
            names = _alter_names(self._front.profile, kind)
            rows = [
                {
                    "JobId": str(job.id),
                    "TableName": job.table,
                    "CreateTime": stamp(job.created),
                    "FinishTime": stamp(job.finished),
                    "FinishedTime": stamp(job.finished),
                    "IndexName": job.table,
                    "State": job.state,
                    "Msg": job.message,
                }
                for job in database.alters
                if job.kind == kind
            ]
            return SelectReader(call.cursor, _dict_relation("", names, rows), {}).show()

        return show

    # --- others ---

    def _other(self, words: str, names: str) -> t.Callable[[Call], t.Awaitable[ResultSet]]:
        async def show(call: Call) -> ResultSet:
            rows = list(self._front.cluster.others.get(words.removesuffix(" ALL"), []))
            rows[:0] = _BUILT_IN.get(words, [])
            return SelectReader(call.cursor, _dict_relation("", _split(words, names), rows), {}).show()

        return show

    def _in_database(self, words: str, names: str) -> t.Callable[[Call], t.Awaitable[ResultSet]]:
        async def show(call: Call) -> ResultSet:
            database = self._database(call)
            rows = [r for r in self._front.cluster.others.get(words, []) if r.get("_database") == database.name]
            return SelectReader(call.cursor, _dict_relation("", _split(words, names), rows), {}).show()

        return show


def _split(words: str, names: str) -> tuple[str, ...]:
    """Column names; those of functions have a blank in them."""
    if "FUNCTIONS" in words and "ReturnType" in names:
        return ("Signature", "Return Type", "Function Type", "Intermediate Type", "Properties")
    return ("Id", "Forbidden SQL") if words == "SQLBLACKLIST" else columns.words(names)


def _alter_names(profile: Profile, kind: str) -> tuple[str, ...]:
    if kind == "COLUMN":
        names = "JobId TableName CreateTime FinishTime IndexName IndexId OriginIndexId SchemaVersion"
        names += " TransactionId State Msg Progress Timeout"
        return columns.words(names + (" Warehouse" if profile.since("3.4") else ""))
    if kind == "ROLLUP":
        names = "JobId TableName CreateTime FinishedTime BaseIndexName RollupIndexName RollupId TransactionId State Msg"
        return columns.words(names + " Progress Timeout")
    return columns.words("JobId TableName CreateTime FinishTime Operation TransactionId State Msg Progress Timeout")
