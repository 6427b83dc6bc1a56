# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One datanode that does not answer keeps the server from asking all others, and must not keep a run from ending."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import (
    ConnectionLost,
    Rows,
    ServerError,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.ask_datanodes import ask_datanodes
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof_look import take_look
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.fake_cluster import (
    PEER_COLUMNS,
    FakeSql,
    client,
    nodes,
)

R0 = 1024 << 32
MASKED = ServerError("(Internal): Internal error: 1003", errno=1815, status="Internal")
SILENT = ConnectionLost("timed out", sent=True, address="db:4002", kind="timeout")
REFUSED = ServerError("(EngineExecuteQuery): no such peer", errno=1815, status="EngineExecuteQuery")
INFO = Rows(("region_id", "node_id", "state", "writable", "region_options"), ((R0, 1, "Leader(Writable)", 1, ""),))
PLACED = Rows(PEER_COLUMNS, ((R0, 1, "Yes", "ALIVE", None),))
NOTHING = Rows((), ())


def server(info: t.Any, active: t.Sequence[str] = ("1s", "1s"), version: str = "1.1.4", **more: t.Any) -> FakeSql:
    answers = {"region_info": [info], "cluster_info": [nodes(version, active)], "region_peers": [PLACED], **more}
    return FakeSql("1.1.4", {"procedure_info": [NOTHING], **answers})


def test_they_are_asked_and_nobody_else() -> None:
    sql = server(INFO)
    asked = client(sql)
    assert asked.dialect.has_region_info
    before = len(sql.sent)
    answer = ask_datanodes(asked, [R0])
    assert [info.node_id for info in answer.infos or ()] == [1]
    assert (answer.why, answer.alive, answer.failure) == ("", None, None)
    assert len(sql.sent) == before + 1


@pytest.mark.parametrize("error", [MASKED, SILENT, REFUSED])
@pytest.mark.parametrize("age", ["7s", "3h"])
def test_one_that_is_not_alive_leaves_the_placement(error: Exception, age: str) -> None:
    answer = ask_datanodes(client(server(error, ("1s", "1s", age))), [R0])
    assert (answer.infos, answer.alive, answer.failure) == (None, frozenset((0, 1)), None)
    assert "datanode 2 is listed and not alive" in answer.why


@pytest.mark.parametrize("error", [MASKED, SILENT, REFUSED])
def test_where_all_are_alive_another_look_may_do_better(error: Exception) -> None:
    cluster = client(server(error))
    answer = ask_datanodes(cluster, [R0])
    assert answer.infos is None and answer.failure is not None
    with pytest.raises(MigrationError) as caught:
        take_look(cluster, [R0], everything=False, headed_for={})
    assert caught.value.code == "greptimedb.unavailable"


def test_a_cluster_that_is_away_and_a_refusal_for_good_are_told() -> None:
    away = server(SILENT, cluster_info=[nodes("1.1.4"), SILENT])
    with pytest.raises(MigrationError) as caught:
        ask_datanodes(client(away), [R0])
    assert caught.value.code == "greptimedb.unreachable"
    denied = ServerError("(PermissionDenied): User is not authorized", errno=1045, status="PermissionDenied")
    with pytest.raises(MigrationError) as caught:
        ask_datanodes(client(server(denied, ("1s", "3h"))), [R0])
    assert caught.value.code == "greptimedb.permission"


def test_datanodes_that_are_older_than_the_frontend_are_not_asked() -> None:
    old = server(MASKED, version="1.0.2")
    answer = ask_datanodes(client(old), [R0])
    assert answer.infos is None and "too old" in answer.why
    assert old.texts("region_info") == []
    unknown = FakeSql("1.0.2", {})
    assert ask_datanodes(client(unknown), [R0]).why == ""


def test_a_look_says_why_its_evidence_is_weaker() -> None:
    look = take_look(client(server(MASKED, ("1s", "1s", "3h"))), [R0], everything=False, headed_for={})
    assert (look.level, look.alive[2]) == ("placement", "no")
    assert "datanode 2" in look.not_asked
    look = take_look(client(server(INFO)), [R0], everything=False, headed_for={})
    assert (look.level, look.not_asked) == ("region_info", "")
