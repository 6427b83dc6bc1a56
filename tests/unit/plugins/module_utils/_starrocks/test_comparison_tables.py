# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tables are compared where the partitions are asked for table by table: versions without partitions_meta."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import PartitionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile


class Server:
    """A cluster of 3.1.8 with a database ``d``: its tables with their engines. ``refused``: what is said of one."""

    profile = Profile.choose(Version.parse("3.1.8"), "shared_nothing")

    def __init__(
        self, engines: t.Mapping[str, t.Optional[str]], refused: t.Optional[t.Mapping[str, str]] = None
    ) -> None:
        self.engines = engines
        self.refused = refused or {}

    def query(self, sql: str, doing: str) -> Rows:
        if sql == "SHOW PROC '/dbs'":
            return Rows(("DbId", "DbName", "TableNum"), (("1", "d", str(len(self.engines))),))
        if "information_schema.columns" in sql or "materialized_views" in sql:
            return Rows(("A", "B"), ())
        if sql.startswith("SELECT"):
            wanted = ("TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE", "ENGINE")
            return Rows(wanted, tuple(("d", name, "BASE TABLE", engine) for name, engine in self.engines.items()))
        name = sql.split("`")[-2]
        if name in self.refused:
            raise MigrationError("starrocks.refused", "refused", server_text=self.refused[name])
        return Rows(("PartitionName", "VisibleVersion"), (("p", "3"),))


def compared(server: Server) -> t.List[str]:
    return sorted(PartitionReader(server, Scope()).read(["d"]).get("d", {}))


def test_tables_whose_data_is_elsewhere_are_none() -> None:
    server = Server({"own": "StarRocks", "untold": "", "unknown": None, "theirs": "MYSQL", "lake": "HIVE"})
    assert PartitionReader(server, Scope()).tables("d") == ["own", "unknown", "untold"]


@pytest.mark.parametrize(
    "text",
    [
        "Table[gone] does not exists or is not OLAP table",
        "Getting analyzing error. Detail message: Table[gone] does not exists or is not OLAP/Paimon table.",
        "Table gone is not a OLAP table",
    ],
)
def test_one_that_is_external_or_gone_by_now_ends_nothing(text: str) -> None:
    assert compared(Server({"gone": "", "own": "StarRocks"}, {"gone": text})) == ["own"]


def test_what_else_is_refused_is_an_error() -> None:
    with pytest.raises(MigrationError):
        compared(Server({"own": "StarRocks"}, {"own": "out of order"}))
