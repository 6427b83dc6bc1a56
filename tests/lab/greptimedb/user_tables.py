# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User tables in a simple form, so that a person can play: SELECT, INSERT, CREATE TABLE, DROP TABLE."""

from __future__ import annotations

import re
import typing as t
import zlib
from datetime import datetime, timedelta

from lab.greptimedb.ddl import Ddl
from lab.greptimedb.errors import ServerError
from lab.greptimedb.metasrv import Metasrv
from lab.greptimedb.model import CATALOG, Region, Table
from lab.greptimedb.sql_eval import Row
from lab.greptimedb.sql_parse import SqlSyntaxError, tokenize
from lab.greptimedb.sql_select import TableData
from lab.mysql_packets import Column, ResultSet

COLUMNS = (Column("host"), Column("ts", "timestamp"), Column("val", "f64"))
EPOCH = datetime(2026, 1, 1)


class UserTables:
    """Every user table has the columns host, ts and val; rows of the lab's writers are made up from their sequence."""

    def __init__(self, metasrv: Metasrv) -> None:
        self.metasrv = metasrv
        self.cluster = metasrv.cluster
        self.ddl = Ddl(metasrv)

    def _table(self, words: t.Sequence[str], schema: str) -> Table:
        found = self.cluster.table_by_name(words[-2] if len(words) > 1 else schema, words[-1])
        if found is None:
            message = "Table not found: %s.%s.%s" % (CATALOG, words[-2] if len(words) > 1 else schema, words[-1])
            raise ServerError("TableNotFound", message)
        return found

    def find(self, schema: str, name: str) -> TableData | None:
        """A user table for SELECT; reads need a living leader."""
        table = self.cluster.table_by_name(schema, name)
        if table is None:
            return None
        regions = (table.physical or table).regions

        def rows(filters: t.Sequence[t.Any]) -> t.Iterator[Row]:
            for region in regions:
                yield from self._rows(region)

        return TableData(COLUMNS, rows)

    def _rows(self, region: Region) -> t.Iterator[Row]:
        leader = region.cached_leader
        if leader is None or not self.cluster.nodes[leader].alive:
            raise ServerError("Internal", "transport error: tcp connect error")
        held = self.cluster.held_by(region, self.cluster.nodes[leader])
        for sequence in held.values(len(held)):
            row = region.user_rows.get(sequence)
            yield row or ("host-%d" % region.number, EPOCH + timedelta(seconds=sequence), float(sequence % 100))

    async def change(self, text: str, schema: str) -> ResultSet:
        """INSERT, CREATE TABLE or DROP TABLE."""
        tokens = tokenize(text)
        words = [w.lower() if kind == "word" else w for kind, w in tokens]
        if words[:2] == ["insert", "into"]:
            return self._insert(tokens, words, schema)
        at = 2
        if words[:2] in (["create", "table"], ["drop", "table"]):
            at = words.index("exists") + 1 if "exists" in words[2:5] else 2
            name = re.split(r"\.", "".join(words[at : words.index("(")] if words[0] == "create" else words[at:]))
            if words[0] == "create":
                await self.ddl.create(name[-2] if len(name) > 1 else schema, name[-1], "exists" in words[2:5])
            elif at == 2 or self.cluster.table_by_name(name[-2] if len(name) > 1 else schema, name[-1]):
                await self.ddl.drop(self._table(name, schema))
            return ResultSet()
        raise ServerError("Unsupported", "SQL statement is not supported: %s, keyword: %s" % (text, words[0].upper()))

    def _insert(self, tokens: t.Sequence[tuple[str, str]], words: list[str], schema: str) -> ResultSet:
        values_at = words.index("values")
        head = words[2:values_at]
        names = [c.name for c in COLUMNS]
        if "(" in head:
            names = [w for w in head[head.index("(") :] if w not in "(),"]
            head = head[: head.index("(")]
        table = self._table([w for w in head if w != "."], schema)
        regions = (table.physical or table).regions
        rows = list(_value_rows(tokens[values_at + 1 :]))
        for row in rows:
            if len(row) != len(names):
                raise SqlSyntaxError("expected %d values, found %d" % (len(names), len(row)))
            given = dict(zip(names, row))
            host = str(given.get("host", ""))
            stamp = given.get("ts") or self.cluster.clock.timestamp(self.cluster.clock.now())
            if isinstance(stamp, str):
                stamp = datetime.fromisoformat(stamp)
            region = regions[zlib.crc32(host.encode()) % len(regions)]
            self.cluster.write(region, (host, stamp, float(given.get("val") or 0)))
        return ResultSet(affected=len(rows))


def _value_rows(tokens: t.Sequence[tuple[str, str]]) -> t.Iterator[list[t.Any]]:
    row: list[t.Any] = []
    depth = sign = 0
    for kind, text in tokens:
        if (kind, text) == ("op", "("):
            depth += 1
        elif (kind, text) == ("op", ")"):
            depth -= 1
            if depth == 0:
                yield row
                row = []
        elif (kind, text) == ("op", "-"):
            sign = 1
        elif kind == "number":
            row.append(-float(text) if sign else float(text))
            sign = 0
        elif kind == "string":
            row.append(text)
        elif kind == "word":
            row.append(None)  # NULL and now() are filled in
