# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MySQL protocol as facts 10 tells it, with PyMySQL on the other side."""

from __future__ import annotations

import datetime
import ssl
from contextlib import closing

import pymysql
import pytest

from lab_tests.conftest import LabFactory
from lab_tests.support import ask, columns, connect, http_sql, refused


@pytest.mark.parametrize(
    ("version", "handshake", "function", "over_http"),
    [
        ("0.9.1", "5.1.10-alpha-msql-proxy", "5.7.20-greptimedb-0.9.1", "5.7.20-greptimedb-0.9.1"),
        ("0.9.2", "8.4.2", "5.7.20-greptimedb-0.9.2", "5.7.20-greptimedb-0.9.2"),
        ("0.9.3", "8.4.2", "5.7.20-greptimedb-0.9.3", "5.7.20-greptimedb-0.9.3"),
        ("0.9.4", "8.4.2", "8.4.2-greptimedb-0.9.4", "0.9.4"),
        ("1.0.0-rc.1", "8.4.2", "8.4.2-greptimedb-1.0.0-rc.1", "1.0.0-rc.1"),
        ("1.0.0", "8.4.2", "8.4.2-GreptimeDB-1.0.0", "1.0.0"),
    ],
)
def test_version(shared_lab: LabFactory, version: str, handshake: str, function: str, over_http: str) -> None:
    lab = shared_lab(version)
    with closing(connect(lab)) as connection:
        assert connection.get_server_info() == handshake  # type: ignore[no-untyped-call]
    assert ask(lab, "SELECT version()") == [(function,)]
    assert http_sql(lab, "SELECT version()")[1]["output"][0]["records"]["rows"] == [[over_http]]
    assert ask(lab, "SELECT pkg_version FROM information_schema.build_info") == [(version,)]


def test_no_provider_accepts_everybody(shared_lab: LabFactory) -> None:
    assert ask(shared_lab("1.1"), "SELECT 1", user="anybody", password="whatever") == [(1,)]


def test_passwords(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1", user="admin", password="s3cret")
    assert ask(lab, "SELECT current_user()", user="admin", password="s3cret") == [("admin",)]
    errno, message = refused(lab, "SELECT 1", user="admin", password="wrong")
    assert errno == 1698
    assert message == 'Authenticate failed, user: "admin", auth_plugin: "mysql_native_password"'
    assert refused(lab, "SELECT 1", user="nobody", password="s3cret")[0] == 1698


def test_http_passwords(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1", user="admin", password="s3cret")
    assert http_sql(lab, "SELECT 1")[0] == 401
    assert http_sql(lab, "SELECT 1")[1]["code"] == 7003
    wrong = http_sql(lab, "SELECT 1", {"authorization": "Basic YWRtaW46d3Jvbmc="})
    assert (wrong[0], wrong[1]["code"]) == (401, 7002)
    assert http_sql(lab, "SELECT 1", {"authorization": "Basic YWRtaW46czNjcmV0"})[0] == 200
    assert http_sql(lab, "SELECT 1", {"x-greptime-auth": "Basic YWRtaW46czNjcmV0"})[0] == 200


def test_unknown_database(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1")
    assert refused(lab, "SELECT 1", database="nowhere") == (1102, "Unknown database 'nowhere'")
    assert ask(lab, "SELECT database()", database="greptime-telemetry") == [("telemetry",)]
    with closing(connect(lab)) as connection, pytest.raises(pymysql.MySQLError, match="Unknown database"):
        connection.select_db("nowhere")


def test_answers_without_an_engine(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1")
    with closing(connect(lab, autocommit=False)) as connection, connection.cursor() as cursor:
        assert not connection.get_autocommit()
        for statement in ("SET NAMES utf8mb4", "SET sql_mode='ANSI'", "SET SESSION TRANSACTION READ ONLY", "ROLLBACK"):
            assert cursor.execute(statement) == 0
        connection.commit()
        connection.ping(reconnect=False)
        cursor.execute("SELECT @@version_comment, @@tx_isolation AS i, @@nonsense")
        assert cursor.fetchall() == (("GreptimeDB", "REPEATABLE-READ", "0"),)
        assert [c[0] for c in cursor.description] == ["@@version_comment", "i", "@@nonsense"]
        cursor.execute("SHOW VARIABLES LIKE 'x'")
        assert cursor.fetchall() == (("", ""),)
        with pytest.raises(pymysql.MySQLError, match="SQL statement is not supported"):
            connection.begin()


def test_set_transaction_is_unknown_before_0_10(shared_lab: LabFactory) -> None:
    assert refused(shared_lab("0.9.5"), "SET TRANSACTION READ ONLY")[0] == 1235


@pytest.mark.parametrize(("version", "names"), [("1.0.0-beta.1", []), ("1.0.0-beta.2", ["Level", "Code", "Message"])])
def test_show_warnings(shared_lab: LabFactory, version: str, names: list[str]) -> None:
    assert columns(shared_lab(version), "SHOW WARNINGS") == names


def test_types(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1")
    with closing(connect(lab)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT region_id, writable, state FROM information_schema.region_info ORDER BY 1 LIMIT 1")
        assert cursor.fetchall() == ((4398046511104, 1, "Leader(Writable)"),)
        assert [c[0] for c in cursor.description] == ["region_id", "writable", "state"]
        assert [int(c[1]) for c in cursor.description] == [8, 1, 253]
        cursor.execute("SELECT start_time FROM information_schema.cluster_info LIMIT 1")
        assert isinstance(cursor.fetchall()[0][0], datetime.datetime)
        assert int(cursor.description[0][1]) == 7


def test_ten_thousand_rows(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1", regions=10000, factor=1)
    rows = ask(lab, "SELECT region_id, peer_id FROM information_schema.region_peers")
    assert len(rows) == 10000 + 2 * 8  # two logical tables on a physical one of eight regions
    assert len({row[0] for row in rows}) == len(rows)


def test_tls_offered(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1", tls=True)
    context = ssl.create_default_context(cafile=lab.describe["ca_cert"])
    with closing(connect(lab, ssl=context)) as connection, connection.cursor() as cursor:
        assert isinstance(getattr(connection, "_sock", None), ssl.SSLSocket)
        cursor.execute("SELECT region_id FROM information_schema.region_peers")
        assert len(cursor.fetchall()) == 74
    assert ask(lab, "SELECT 1", ssl_disabled=True) == [(1,)]
    with pytest.raises(pymysql.MySQLError):
        connect(lab, ssl=ssl.create_default_context())


def test_tls_required(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1", tls="require")
    assert refused(lab, "SELECT 1", ssl_disabled=True)[0] == 3159
    context = ssl.create_default_context(cafile=lab.describe["ca_cert"])
    assert ask(lab, "SELECT 1", ssl=context) == [(1,)]


def test_tls_not_offered(shared_lab: LabFactory) -> None:
    with pytest.raises(pymysql.MySQLError):
        connect(shared_lab("1.1"), ssl=ssl.create_default_context())


def test_an_ordinary_mysql(shared_lab: LabFactory) -> None:
    lab = shared_lab("not-greptimedb", user="root", password="pw")
    login = {"user": "root", "password": "pw"}
    assert ask(lab, "SELECT version()", **login) == [("8.0.36",)]
    assert refused(lab, "SELECT * FROM information_schema.cluster_info", **login) == (
        1109,
        "Unknown table 'CLUSTER_INFO' in information_schema",
    )
    assert refused(lab, "ADMIN migrate_region(1, 2, 3)", **login)[0] == 1064
    assert refused(lab, "SELECT 1", user="root", password="no")[0] == 1045
