# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import (
    ConnectionLost,
    Rows,
    ServerError,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.admin_http import Lease
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.http_generation import (
    route_placements,
    watched_nodes,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.statements import NIL_PROCEDURE
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.fake_cluster import (
    PEER_COLUMNS,
    Clock,
    FakeAdmin,
    FakeSql,
    client,
    connection,
    nodes,
)

R0 = 1024 << 32
LOST = ConnectionLost("gone", sent=True, address="db:4002", kind="lost")


def one(value: t.Any) -> Rows:
    return Rows(("ADMIN migrate_region(...)",), ((value,),))


def code(call: t.Callable[[], t.Any]) -> str:
    with pytest.raises(MigrationError) as caught:
        call()
    return caught.value.code


def test_versions_are_asked_for_once() -> None:
    sql = FakeSql("1.1.4")
    reader = client(sql)
    assert str(reader.dialect.frontend) == "1.1.4"
    assert str(reader.versions.metasrv) == "1.1.4"
    assert reader.dialect is reader.dialect
    assert len(sql.texts("version()")) == 1


def test_another_name_is_found_by_the_build_information() -> None:
    answers = {
        "version()": [Rows(("v",), (("8.0-OurOwnDB",),))],
        "build_info": [Rows(("pkg_version",), (("1.0.2",),))],
    }
    assert str(client(FakeSql("1.0.2", answers)).dialect.frontend) == "1.0.2"


def test_an_ordinary_mysql_is_told_apart() -> None:
    answers: t.Dict[str, t.Sequence[t.Any]] = {
        "version()": [Rows(("v",), (("8.0.36",),))],
        "build_info": [ServerError("Unknown table 'build_info' in information_schema", errno=1109)],
    }
    assert code(lambda: client(FakeSql("1", answers)).dialect) == "greptimedb.not_greptimedb"


def test_a_web_server_is_told_apart() -> None:
    answers = {"version()": [ServerError("<html>404</html>", http_status=404)]}
    assert code(lambda: client(FakeSql("1", answers), transport="http").dialect) == "greptimedb.not_greptimedb"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_whose_servers_are_away_is_no_other_server(status: int) -> None:
    answers = {"version()": [ServerError("<html>Bad Gateway</html>", http_status=status)]}
    assert code(lambda: client(FakeSql("1", answers), transport="http").dialect) == "greptimedb.unreachable"


def test_standalone() -> None:
    rows = Rows(nodes("1.1.4").columns, ((0, "STANDALONE", "", "1.1.4", ""),))
    assert code(lambda: client(FakeSql("1.1.4", {"cluster_info": [rows]})).dialect) == "greptimedb.standalone"


def test_the_http_generation_needs_the_metasrv() -> None:
    admin = FakeAdmin()
    admin.addresses = ()
    with pytest.raises(InvalidOption) as caught:
        client(FakeSql("0.6.0"), admin).nodes()
    assert caught.value.option == "metasrv_addrs"


def test_wrong_password() -> None:
    denied = ServerError('Authenticate failed, user: "x", auth_plugin: "mysql_native_password"', errno=1698)
    reader = client(FakeSql("1.1.4", {"version()": [denied]}))
    with pytest.raises(MigrationError) as caught:
        reader.nodes()
    assert caught.value.code == "greptimedb.auth_failed"
    assert "username" in caught.value.message


def test_reads_are_repeated_and_give_up() -> None:
    sql = FakeSql("1.1.4", {"region_peers": [LOST, LOST, Rows(PEER_COLUMNS, ((R0, 1, "Yes", "ALIVE", None),))]})
    assert client(sql).placements([R0])[R0].leader_peer == 1
    assert len(sql.texts("region_peers")) == 3
    assert code(lambda: client(FakeSql("1.1.4", {"region_peers": [LOST]})).placements([R0])) == "greptimedb.unreachable"


def test_a_silent_server_is_not_asked_again() -> None:
    silent = ConnectionLost("slow", sent=True, address="db:4002", kind="timeout")
    sql = FakeSql("1.1.4", {"region_peers": [silent]})
    assert code(lambda: client(sql).placements([R0])) == "greptimedb.unreachable"
    assert len(sql.texts("region_peers")) == 1


def test_a_submission_is_sent_once_and_a_lost_answer_is_ambiguous() -> None:
    sql = FakeSql("1.1.4", {"migrate_region": [LOST]})
    mover = client(sql)
    assert code(lambda: mover.submit(R0, 0, 1, 60)) == "greptimedb.ambiguous"
    assert [item for item in sql.sent if "migrate" in item[0]] == [(mover.submit_request(R0, 0, 1, 60), True)]


def test_a_masked_answer_to_a_submission_is_ambiguous_while_nobody_tells_who_is_alive() -> None:
    masked = ServerError("(Internal): Internal error: 1003", errno=1815, status="Internal")
    sql = FakeSql("0.16.0", {"migrate_region": [masked], "cluster_info": [nodes("0.16.0"), masked]})
    assert code(lambda: client(sql).submit(R0, 0, 1, 60)) == "greptimedb.ambiguous"


def test_a_submission_that_never_left_is_not_ambiguous() -> None:
    refused = ConnectionLost("refused", sent=False, address="db:4002", kind="unreachable")
    assert code(lambda: client(FakeSql("1.1.4", {"migrate_region": [refused]})).submit(R0, 0, 1, 60)) == (
        "greptimedb.unreachable"
    )


def test_already_there_is_none_on_every_version() -> None:
    done = ServerError("(Unexpected): The region migration procedure is completed for region: 1(0, 1), target_peer: 1")
    assert client(FakeSql("0.15.0", {"migrate_region": [done]})).submit(R0, 0, 1, 60) is None
    assert client(FakeSql("0.14.4", {"migrate_region": [one(None)]})).submit(R0, 0, 1, 60) is None
    assert client(FakeSql("0.14.4", {"migrate_region": [one("pid")]})).submit(R0, 0, 1, 60) == "pid"


@pytest.mark.parametrize(
    ("active", "expected"),
    [
        (("1s", "30s"), "greptimedb.peer_down"),
        (("1s",), "greptimedb.peer_down"),
        (("1s", "2s"), "greptimedb.ambiguous"),
    ],
)
def test_a_masked_error_is_looked_into(active: t.Sequence[str], expected: str) -> None:
    masked = ServerError("(Internal): Internal error: 1003", errno=1815, status="Internal")
    sql = FakeSql("0.12.0", {"migrate_region": [masked], "cluster_info": [nodes("0.12.0", active)]})
    assert code(lambda: client(sql).submit(R0, 0, 1, 60)) == expected


def test_submission_over_http_finds_the_leader_again_after_a_refusal() -> None:
    not_leader = ServerError("Unexpected, violated: ... to non-leader meta server", http_status=500)
    admin = FakeAdmin(["pid", not_leader, None])
    mover = client(FakeSql("0.6.0"), admin)
    assert mover.submit(R0, 0, 1, 60) == "pid"
    assert code(lambda: mover.submit(R0, 0, 1, 60)) == "greptimedb.not_leader"
    assert mover.submit(R0, 0, 1, 60) is None
    assert admin.sent[1] == mover.submit_request(R0, 0, 1, 60).split(" ", 1)[1]


NOT_LEADER = ServerError("Unexpected, violated: ... to non-leader meta server", http_status=500)
AWAY = ConnectionLost("refused", sent=False, address="pod-2:3002", kind="unreachable")


def three(*answers: t.Any) -> FakeAdmin:
    admin = FakeAdmin(answers)
    admin.addresses = tuple(Address(f"meta-{number}", 3002) for number in range(3))
    return admin


def test_submission_over_http_goes_on_to_the_metasrv_that_leads_and_stays_with_it() -> None:
    admin = three(NOT_LEADER, AWAY, "pid-1", "pid-2")
    mover = client(FakeSql("0.6.0"), admin)
    assert [mover.submit(R0, 0, 1, 60), mover.submit(R0 + 1, 0, 1, 60)] == ["pid-1", "pid-2"]
    assert admin.asked == ["meta-0", "meta-1", "meta-2", "meta-2"]


def test_submission_over_http_finds_the_next_leader_in_the_same_call() -> None:
    admin = three("pid-1", NOT_LEADER, "pid-2")
    mover = client(FakeSql("0.6.0"), admin)
    assert [mover.submit(R0, 0, 1, 60), mover.submit(R0 + 1, 0, 1, 60)] == ["pid-1", "pid-2"]
    assert admin.asked == ["meta-0", "meta-0", "meta-1"]


def test_submission_over_http_to_metasrv_of_which_none_leads_names_the_option() -> None:
    with pytest.raises(MigrationError) as caught:
        client(FakeSql("0.6.0"), three(NOT_LEADER, NOT_LEADER, AWAY)).submit(R0, 0, 1, 60)
    assert caught.value.code == "greptimedb.not_leader"
    assert "metasrv_addrs" in caught.value.message
    assert code(lambda: client(FakeSql("0.6.0"), three(AWAY, AWAY, AWAY)).submit(R0, 0, 1, 60)) == (
        "greptimedb.unreachable"
    )


@pytest.mark.parametrize(
    "answer",
    [
        ConnectionLost("gone", sent=True, address="meta:3002", kind="lost"),
        ServerError("The target peer is unavailable temporally: 1", http_status=500),
    ],
)
def test_what_may_have_been_carried_out_or_was_decided_is_not_asked_of_another_metasrv(answer: Exception) -> None:
    admin = three(answer, "pid")
    code(lambda: client(FakeSql("0.6.0"), admin).submit(R0, 0, 1, 60))
    assert admin.asked == ["meta-0"]


def test_an_unexplained_500_of_the_metasrv_is_ambiguous() -> None:
    admin = FakeAdmin([ServerError("oops", http_status=500)])
    assert code(lambda: client(FakeSql("0.6.0"), admin).submit(R0, 0, 1, 60)) == "greptimedb.ambiguous"


def tables(*names: str) -> Rows:
    columns = ("table_schema", "table_name", "table_id", "engine", "create_options")
    return Rows(columns, tuple(("public", name, 1024 + index, "mito", "") for index, name in enumerate(names)))


STATISTICS = Rows(("region_id", "memtable_size", "engine", "region_role", "region_rows", "disk_size"), ())
PARTITIONS = Rows(("greptime_partition_id", "partition_name"), ())


@pytest.mark.parametrize("count", [1, 300])
def test_regions_cost_the_same_however_many_there_are(count: int) -> None:
    peers = Rows(PEER_COLUMNS, tuple(((1024 + index) << 32, 1, "Yes", "ALIVE", None) for index in range(count)))
    sql = FakeSql(
        "1.1.4",
        {
            "region_peers": [peers],
            "information_schema.tables": [tables(*(f"t{index}" for index in range(count)))],
            "region_statistics": [STATISTICS],
            "partitions": [PARTITIONS],
        },
    )
    assert len(client(sql).regions()) == count
    assert len(sql.sent) == 6


def test_a_server_without_create_options() -> None:
    unknown = ServerError("(PlanQuery): No field named create_options", errno=1815, status="PlanQuery")
    plain = Rows(("table_schema", "table_name", "table_id", "engine"), (("public", "t", 1024, "mito"),))
    sql = FakeSql(
        "0.7.2",
        {
            "create_options": [unknown],
            "information_schema.tables": [plain],
            "greptime_region_peers": [Rows(PEER_COLUMNS, ((R0, 1, "Yes", "ALIVE", None),))],
            "partitions": [PARTITIONS],
        },
    )
    assert [region.qualified for region in client(sql).regions()] == ["public.t"]


def test_absence_is_only_believed_without_a_condition() -> None:
    """Between 0.14 and 1.0 placement is narrowed by table name, and a table may be renamed."""
    empty, full = Rows(PEER_COLUMNS, ()), Rows(PEER_COLUMNS, ((R0, 2, "Yes", "ALIVE", None),))
    sql = FakeSql(
        "0.17.2", {"table_name IN": [empty], "region_peers": [full], "information_schema.tables": [tables("t")]}
    )
    reader = client(sql)
    reader.tables()
    assert reader.placements([R0])[R0].leader_peer == 2
    assert len(sql.texts("region_peers")) == 2


def test_no_question_for_no_region() -> None:
    sql = FakeSql("1.1.4")
    assert client(sql).placements([]) == {}
    assert client(sql).region_info([]) == []
    assert sql.texts("region_") == []


def test_procedures_are_unknown_and_not_none_before_they_can_be_listed() -> None:
    assert client(FakeSql("0.9.3")).procedures() is None


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (ServerError(f"(InvalidArguments): Procedure not found: {NIL_PROCEDURE}", errno=1210), "yes"),
        (ServerError("(PermissionDenied): User is not authorized to perform this action", errno=1045), "no"),
        (ServerError("(Internal): Internal error: 1003", errno=1815), "unknown"),
        (LOST, "unknown"),
    ],
)
def test_the_right_to_run_admin(answer: Exception, right: str) -> None:
    sql = FakeSql("1.1.4", {"procedure_state": [answer]})
    assert client(sql).admin_right() == right
    assert client(FakeSql("0.9.2")).admin_right() == "unsupported"


def test_maintenance_mode_is_read_back() -> None:
    admin = FakeAdmin()
    client(FakeSql("1.1.4"), admin).set_maintenance(True)
    assert admin.enabled is True
    admin.applies = False
    assert code(lambda: client(FakeSql("1.1.4"), admin).set_maintenance(False)) == "greptimedb.maintenance_not_set"


def test_a_lost_answer_to_maintenance_mode_is_settled_by_reading() -> None:
    admin = FakeAdmin()
    admin.set_error = LOST
    client(FakeSql("1.1.4"), admin).set_maintenance(True)
    assert admin.sent == ["set True"]
    admin.applies = False
    assert code(lambda: client(FakeSql("1.1.4"), admin).set_maintenance(False)) == "greptimedb.ambiguous"


NOBODY = ConnectionLost("refused", sent=False, address="meta:4000", kind="unreachable")
NO_SERVER = ServerError("no available server", http_status=503)


@pytest.mark.parametrize("answer", [None, LOST])
@pytest.mark.parametrize("read", [NOBODY, NO_SERVER, ServerError("no such page", http_status=404), None])
def test_a_maintenance_mode_that_cannot_be_read_back_may_be_set(
    answer: t.Optional[Exception], read: t.Optional[Exception]
) -> None:
    admin = FakeAdmin()
    admin.set_error, admin.reads_behind = answer, [read]
    with pytest.raises(MigrationError) as caught:
        client(FakeSql("1.1.4"), admin).set_maintenance(True)
    error = caught.value
    assert error.code == "greptimedb.ambiguous"
    assert error.details["doing"] == "enable the maintenance mode"
    told = [one for one in (answer, read) if one is not None]
    assert error.server_text == (told[0].text if told else None)  # type: ignore[attr-defined]
    assert ("read the maintenance mode" in error.details["read_back"]) is (read is not None)
    assert admin.sent == ["set True"]


def test_reading_the_maintenance_mode_back_is_repeated_while_nobody_answers() -> None:
    admin = FakeAdmin()
    admin.reads_behind = [NOBODY, NO_SERVER, True]
    client(FakeSql("1.1.4"), admin).set_maintenance(True)
    assert admin.sent == ["set True"]


def test_a_masked_answer_to_maintenance_mode_is_settled_by_reading() -> None:
    admin = FakeAdmin()
    admin.set_error = ServerError("Internal error: 1003", http_status=500)
    client(FakeSql("1.1.4"), admin).set_maintenance(True)
    admin.applies = False
    assert code(lambda: client(FakeSql("1.1.4"), admin).set_maintenance(False)) == "greptimedb.ambiguous"


def test_a_maintenance_mode_that_was_refused_is_not_read_back() -> None:
    admin = FakeAdmin()
    admin.set_error, admin.applies = ServerError("bad parameter", http_status=400), False
    admin.reads_behind = [NO_SERVER]
    assert code(lambda: client(FakeSql("1.1.4"), admin).set_maintenance(True)) == "greptimedb.other"


def test_no_maintenance_mode_before_0_7_2() -> None:
    assert code(lambda: client(FakeSql("0.7.1")).set_maintenance(True)) == "greptimedb.no_maintenance_mode"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ServerError("(Internal): Internal error: 1003", errno=1815, status="Internal"), "greptimedb.ambiguous"),
        (ServerError("(DeadlineExceeded): too late", errno=1317, status="DeadlineExceeded"), "greptimedb.ambiguous"),
        (ServerError("no available server", http_status=503), "greptimedb.ambiguous"),
        (LOST, "greptimedb.ambiguous"),
        (ServerError("(InvalidSyntax): no", errno=1149, status="InvalidSyntax"), "greptimedb.other"),
        (ConnectionLost("refused", sent=False, address="db:4002", kind="unreachable"), "greptimedb.unreachable"),
    ],
)
def test_a_statement_that_may_have_been_run_is_ambiguous(answer: Exception, expected: str) -> None:
    sql = FakeSql("1.1.4", {"CREATE TABLE": [answer]})
    with pytest.raises(MigrationError) as caught:
        client(sql).execute("CREATE TABLE t ()")
    assert (caught.value.code, caught.value.server_text) == (expected, answer.text)  # type: ignore[attr-defined]
    assert sql.sent == [("CREATE TABLE t ()", True)]


def test_a_query_is_never_ambiguous() -> None:
    masked = ServerError("(Internal): Internal error: 1003", errno=1815, status="Internal")
    sql = FakeSql("1.1.4", {"count": [LOST, masked]})
    assert code(lambda: client(sql).query("SELECT count(*) FROM t")) == "greptimedb.unavailable"
    assert sql.sent == [("SELECT count(*) FROM t", False)] * 2


def test_secrets_in_server_texts_are_masked() -> None:
    sql = FakeSql("1.1.4", {"migrate_region": [ServerError("bad password hunter22 here")]})
    with pytest.raises(MigrationError) as caught:
        client(sql).submit(R0, 0, 1, 60)
    assert "hunter22" not in str(caught.value.server_text)


def test_an_answer_of_another_shape_is_said() -> None:
    sql = FakeSql("1.1.4", {"region_peers": [Rows(("x",), ((1,),))]})
    assert code(lambda: client(sql).placements([R0])) == "greptimedb.unexpected_answer"


def test_the_frontend_is_needed_where_sql_is() -> None:
    with pytest.raises(InvalidOption):
        connection(frontend_host=None)


def test_routes_of_the_http_generation() -> None:
    document = {
        "type": "physical",
        "region_routes": [
            {"region": {"id": R0}, "leader_peer": {"id": 2}, "follower_peers": [{"id": 1}]},
            {"region": {"id": R0 + 1}, "leader_peer": {"id": 2}, "follower_peers": [], "leader_status": "Downgraded"},
            {"region": {"id": R0 + 2}, "leader_peer": None},
        ],
    }
    found = route_placements(document)
    assert (found[R0].leader_peer, found[R0].leader_status, found[R0].followers) == (2, "ALIVE", (1,))
    assert found[R0 + 1].degraded
    assert found[R0 + 2].leader_peer is None
    assert route_placements({"type": "logical", "physical_table_id": 1}) == {}
    assert route_placements(None) == {}


def test_liveness_by_watching_needs_no_common_clock() -> None:
    """Node 0 beats every 3 s, node 1 stopped 2 s before the newest beat, node 2 an hour before."""
    clock = Clock()
    base = 5_000_000

    def read() -> t.List[Lease]:
        beats = int((clock.seconds + 1) // 3)
        return [
            Lease(0, "a", base + beats * 3000),
            Lease(1, "b", base - 2000),
            Lease(2, "c", base - 3600_000),
        ]

    found = {node.id: node.alive for node in watched_nodes(read, clock)}
    assert found == {0: "yes", 1: "suspect", 2: "no"}
    assert clock.seconds < 6
