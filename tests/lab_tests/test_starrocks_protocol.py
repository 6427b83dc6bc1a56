# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins, TLS, statements that are none, accounts, and faults."""

from __future__ import annotations

import ssl

import pymysql
import pytest

from lab_tests.conftest import LabFactory
from lab_tests.starrocks_support import Sql


def test_a_wrong_password(starrocks_shared: LabFactory) -> None:
    with pytest.raises(pymysql.err.OperationalError) as refused:
        Sql(starrocks_shared("4.1"), user="operator", password="wrong")
    assert refused.value.args == (1045, "Access denied for user 'operator' (using password: YES)")


def test_tls_offered_and_required(starrocks_lab: LabFactory) -> None:
    required = starrocks_lab("4.1", tls="require")
    with pytest.raises(pymysql.err.OperationalError) as refused:
        Sql(required)
    assert refused.value.args == (5205, "Connections using insecure transport are prohibited")
    context = ssl.create_default_context(cafile=required.describe["ca_cert"])
    assert Sql(required, ssl=context).column("SELECT 1") == [1]
    assert Sql(starrocks_lab("4.1", tls=True)).column("SELECT 1") == [1]


def test_a_client_that_asks_for_tls_is_not_given_it(starrocks_shared: LabFactory) -> None:
    """PyMySQL goes on in plaintext or refuses, by its own version."""
    lab = starrocks_shared("4.1")
    context = ssl.create_default_context()
    if tuple(int(part) for part in pymysql.__version__.split(".")[:2]) >= (1, 2):
        with pytest.raises(pymysql.err.OperationalError, match="SSL is required"):
            Sql(lab, ssl=context)
    else:
        assert vars(Sql(lab, ssl=context).connection)["_secure"] is False


def test_an_unknown_database_at_login(starrocks_shared: LabFactory) -> None:
    with pytest.raises(pymysql.err.OperationalError) as refused:
        Sql(starrocks_shared("3.4"), database="nope")
    assert refused.value.args[0] == 5501


@pytest.mark.parametrize(
    "text",
    [
        "SHOW FOO",
        "FROBNICATE",
        "SELECT",
        "CREATE STORAGE VOLUME x",
        "SHOW PARTITIONS",
        "ADMIN SET FRONTEND CONFIG ()",
        "ADMIN SET FRONTEND CONFIG (disable_load_job = 'true')",
        "ADMIN SET FRONTEND CONFIG ('disable_load_job' = true)",
        "ADMIN SET FRONTEND CONFIG ('disable_load_job' = 'true', 'label_keep_max_num' = '1')",
        "SHOW STORAGE VOLUMES LIKE x",
    ],
)
def test_what_is_no_statement_is_a_syntax_error(starrocks_shared: LabFactory, text: str) -> None:
    number, message = Sql(starrocks_shared("4.1")).error(text)
    assert number == 1064
    assert message.startswith("Getting syntax error at line 1, column ")


def test_several_statements_in_one_text_are_all_run(starrocks_lab: LabFactory) -> None:
    """So whoever builds SQL from text that is not escaped does harm."""
    sql = Sql(starrocks_lab("4.1"))
    assert sql.column("CREATE DATABASE one; SHOW DATABASES LIKE 'one'; ") == ["one"]


def test_conditions_groups_and_orders(starrocks_shared: LabFactory) -> None:
    sql = Sql(starrocks_shared("4.1"))
    source = "FROM information_schema.tables WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA <> '_statistics_'"
    groups = sql.rows("SELECT TABLE_SCHEMA s, COUNT(*) AS n %s GROUP BY TABLE_SCHEMA ORDER BY s DESC" % source)
    assert [(row["s"], row["n"]) for row in groups] == [("web", 2), ("sales", 2), ("logistics", 2), ("billing", 2)]
    some = "SELECT TABLE_NAME %s AND (TABLE_SCHEMA LIKE 's%%' OR TABLE_SCHEMA IN ('web')) ORDER BY 1 LIMIT 1, 2"
    every = sql.column("SELECT TABLE_NAME %s AND TABLE_SCHEMA IN ('sales', 'web') ORDER BY TABLE_NAME" % source)
    assert sql.column(some % source) == every[1:3]
    assert sql.column("SELECT COUNT(DISTINCT TABLE_SCHEMA) %s AND NOT TABLE_SCHEMA = 'web'" % source) == [3]
    either = "SELECT COUNT(*) FROM information_schema.tables WHERE TABLE_SCHEMA = 'web' OR TABLE_NAME = 'orders_00000'"
    assert sql.column(either) == [3]


def test_equal_rows_have_equal_checksums(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("4.1"))
    cells = "IFNULL(CONCAT('v', CAST(`id` AS STRING)), 'n'), IFNULL(CONCAT('v', CAST(`note` AS STRING)), 'n')"
    text = "SELECT COUNT(*), SUM(CAST(MURMUR_HASH3_32(CONCAT_WS(CHAR(1), %s)) AS BIGINT)) FROM sales.a" % cells
    sums = []
    for key in (1, 2, 1):
        sql.rows("DROP TABLE IF EXISTS sales.a FORCE")
        sql.rows("CREATE TABLE sales.a (id bigint, note string) DISTRIBUTED BY HASH(id)")
        sql.rows("INSERT INTO sales.a VALUES (%d, 'x'), (9, 'y')" % key)
        sums.append(tuple(sql.rows(text)[0].values()))
    assert [count for count, _sum in sums] == [2, 2, 2]
    assert sums[0] == sums[2] != sums[1]
    assert sql.column("SELECT id FROM sales.a WHERE id > 1 ORDER BY id") == [9]


def test_global_variables(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.4")
    name = "enable_filter_unused_columns_in_scan_stage"
    sql, other = Sql(lab), Sql(lab, frontend=2)
    sql.rows("SET GLOBAL %s = false" % name)
    show = "SHOW GLOBAL VARIABLES LIKE '%s'" % name
    assert other.rows(show) == [{"Variable_name": name, "Value": "false"}]
    assert [entry["request"] for entry in lab.requests(mutating=True)] == ["SET GLOBAL %s = false" % name]
    sql.rows("SET %s = true" % name)
    assert (sql.rows("SHOW VARIABLES LIKE '%s'" % name)[0]["Value"], other.rows(show)[0]["Value"]) == ("true", "false")


def test_accounts(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1")
    root = Sql(lab)
    root.rows("CREATE USER 'sync'@'%' IDENTIFIED BY 'pw' DEFAULT ROLE db_admin")
    assert Sql(lab, user="sync", password="pw").rows("SHOW FRONTENDS")
    root.rows("REVOKE db_admin FROM USER sync")
    sync = Sql(lab, user="sync", password="pw")
    sync.rows("SET ROLE ALL")
    assert sync.error("SHOW FRONTENDS")[0] == 5203
    root.rows("GRANT OPERATE ON SYSTEM TO USER sync")
    assert sync.rows("SHOW FRONTENDS")
    assert "GRANT OPERATE ON SYSTEM TO USER 'sync'@'%'" in [r["Grants"] for r in root.rows("SHOW GRANTS FOR sync")]
    grants = "SELECT PRIVILEGE_TYPE FROM sys.grants_to_users WHERE GRANTEE LIKE '%sync%'"
    assert root.column(grants) == ["OPERATE"]
    assert sync.error("SHOW USERS")[0] == 5203
    root.rows("DROP USER sync")
    assert "'sync'@'%'" not in root.column("SHOW USERS")


def test_faults_of_requests_strike_one_frontend(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.4")
    second = lab.describe["clusters"]["source"]["frontends"][1]
    node = "%s:%d" % (second["host"], second["query_port"])
    lab.fault("reply_lost", surface="source-mysql", match="ADMIN SET", node=node)
    statement = 'ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")'
    Sql(lab).rows(statement.replace("true", "false"))
    assert Sql(lab, frontend=1).error(statement)[0] == 2013
    assert Sql(lab).config("disable_load_job") == "true"
    lab.fault("error_before", surface="source-mysql", match="ADMIN SET", code="5401", message="too many hops")
    assert Sql(lab).error(statement.replace("true", "false")) == (5401, "too many hops")
    assert Sql(lab).config("disable_load_job") == "true"


def test_faults_of_frontends(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.4", factor=20)
    statement = 'ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")'
    lab.fault("frontend_cut_off", node="3")
    assert Sql(lab).error(statement)[0] == 5076
    assert [Sql(lab, frontend=n).config("disable_load_job") for n in range(3)] == ["true", "true", "false"]
    lab.clear_faults()
    Sql(lab).rows(statement)
    # After this request the leader restarts, forgets, and another one leads.
    lab.fault("frontend_restart", node="1", match="SHOW BACKENDS", seconds=0.5)
    Sql(lab).rows("SHOW BACKENDS")
    state = lab.wait_for(
        lambda s: s["clusters"]["source"]["frontends"][0]["alive"] and s["clusters"]["source"]["leader"]
    )
    frontends = state["clusters"]["source"]["frontends"]
    assert [f["config"].get("disable_load_job") for f in frontends] == [None, "true", "true"]


def test_the_labs_own_clients_are_in_no_record(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1", rate=20, factor=20)
    lab.wait_for(lambda state: lab.ledger()["acknowledged"] > 0)
    assert lab.requests() == []
    lab.call("POST", "/writers", {"count": 0, "rate": 0})
