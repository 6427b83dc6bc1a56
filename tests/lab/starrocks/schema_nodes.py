# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""information_schema.be_configs, and its UPDATE (facts 2.4)."""

from __future__ import annotations

import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks import columns
from lab.starrocks.accounts import SYSTEM
from lab.starrocks.errors import SqlError
from lab.starrocks.nodes import NodeServer
from lab.starrocks.schema import Equals, relation
from lab.starrocks.sql_expr import ExpressionReader, Getter
from lab.starrocks.sql_select import Relation
from lab.starrocks.statements import Call, Statement

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements_select import Source

NAME = "be_configs"


class NodeConfigs:
    """Each living node is asked; needs OPERATE."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def sources(self) -> t.Mapping[str, Source]:
        """be_configs, which 2.5 lacks."""
        return {"information_schema.be_configs": self._relation} if self._front.profile.since("3.0") else {}

    def statements(self) -> t.Iterable[Statement]:
        """UPDATE, where the version has it for this table."""
        if self._front.profile.update_be_configs:
            yield Statement(("UPDATE", "INFORMATION_SCHEMA"), self._update, mutating=True)

    def _relation(self, call: Call) -> Relation:
        call.rights.demand("OPERATE", SYSTEM)

        def rows(equals: Equals) -> t.Iterator[tuple[NodeServer, str]]:
            self._front.scan_node()
            for node in self._front.nodes:
                if node.record.alive:
                    for name in node.items:
                        yield node, name

        getters: dict[str, Getter] = {
            "BE_ID": lambda row: row[0].record.id,
            "NAME": lambda row: row[1],
            "VALUE": lambda row: row[0].record.config[row[1]],
            "TYPE": lambda row: row[0].items[row[1]].type,
            "DEFAULT": lambda row: row[0].items[row[1]].default,
            "MUTABLE": lambda row: int(row[0].items[row[1]].mutable),
        }
        kinds = {"i64": ("BE_ID",), "bool": ("MUTABLE",)}
        return relation(NAME, columns.be_configs(self._front.profile), getters, rows, kinds)

    async def _update(self, call: Call) -> ResultSet:
        cursor = call.cursor
        cursor.expect_symbol(".")
        if cursor.name().lower() != NAME:
            raise cursor.error()
        cursor.expect_words("SET", "VALUE")
        cursor.expect_symbol("=")
        value = cursor.take().value
        cursor.expect_words("WHERE")
        found = self._relation(call)
        test = ExpressionReader(cursor, found.resolve, {}).condition()
        cursor.end()
        for node, name in [row for row in found.rows({}) if test(row)]:
            problem = node.update(name, value)
            if problem:
                raise SqlError("failed to update config on BE %d: %s" % (node.record.id, problem))
        return ResultSet()
