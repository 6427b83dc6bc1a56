# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, partitions, tables, jobs and proc nodes, as each version lists them."""

from __future__ import annotations

import json
import socket
import time
import urllib.request

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.starrocks_support import Sql

META = "SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_SCHEMA='information_schema' AND TABLE_NAME='%s'"
TABLE = "sales.orders_00000"


@pytest.mark.parametrize(
    ("profile", "mode", "added", "count"),
    [
        ("3.1.17", "shared_nothing", set(), 16),
        ("3.5", "shared_data", {"Id"}, 17),
    ],
)
def test_frontends(starrocks_shared: LabFactory, profile: str, mode: str, added: set[str], count: int) -> None:
    lab = starrocks_shared(profile, mode=mode)
    rows = Sql(lab, frontend=1).rows("SHOW FRONTENDS")
    assert len(rows[0]) == count
    assert added <= set(rows[0])
    described = lab.describe["clusters"]["source"]["frontends"]
    assert [(r["IP"], int(r["QueryPort"])) for r in rows] == [(f["host"], f["query_port"]) for f in described]
    assert {r["HttpPort"] for r in rows} == {str(described[0]["http_port"])}
    assert {r["ClusterId"] for r in rows} == {str(lab.describe["clusters"]["source"]["cluster_id"])}


def test_nodes_by_run_mode(starrocks_shared: LabFactory) -> None:
    nothing, data = Sql(starrocks_shared("3.4")), Sql(starrocks_shared("3.4", mode="shared_data"))
    assert len(nothing.rows("SHOW BACKENDS")) == 3
    assert nothing.rows("SHOW COMPUTE NODES") == data.rows("SHOW BACKENDS") == []
    assert len(data.rows("SHOW COMPUTE NODES")) == 3
    assert "Location" in nothing.names("SHOW BACKENDS")
    assert "WarehouseName" in data.names("SHOW BACKENDS")
    assert data.rows("SHOW WAREHOUSES")
    assert nothing.error("SHOW WAREHOUSES") == (10007, "unsupported statement in shared_nothing mode")
    assert Sql(starrocks_shared("3.5")).error("SHOW WAREHOUSES")[0] == 5907


@pytest.mark.parametrize(
    ("profile", "comment", "facade"),
    [("2.5", "StarRocks version 2.5.0", "5.1.0"), ("3.4", "3.4.4-37c7c51", "8.0.33")],
)
def test_identity(starrocks_shared: LabFactory, profile: str, comment: str, facade: str) -> None:
    sql = Sql(starrocks_shared(profile))
    assert sql.column("SELECT @@version_comment") == [comment]
    assert sql.column("SELECT VERSION()") == [facade]
    assert vars(sql.connection)["server_version"] == facade


def test_a_mixed_version_and_a_dead_frontend_are_shown(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.4", factor=1000)
    lab.call("POST", "/frontends/source/2", {"version": "3.3.14-abc"})
    lab.call("POST", "/frontends/source/3/kill", {})
    sql = Sql(lab)
    assert sql.rows("SHOW FRONTENDS")[1]["Version"] == "3.3.14-abc"
    end = time.monotonic() + 5
    while sql.rows("SHOW FRONTENDS")[2]["Alive"] == "true" and time.monotonic() < end:
        time.sleep(0.005)
    third = sql.rows("SHOW FRONTENDS")[2]
    assert (third["Alive"], third["Version"], third["ErrMsg"]) == ("false", "NULL", "got exception")


@pytest.mark.parametrize(
    ("profile", "version_columns", "size", "count"),
    [("3.1.9", False, False, 25), ("3.3.1", False, False, 25), ("3.3.2", True, False, 28), ("3.5", True, True, 29)],
)
def test_columns_of_partitions_meta(
    starrocks_shared: LabFactory, profile: str, version_columns: bool, size: bool, count: int
) -> None:
    names = Sql(starrocks_shared(profile)).column(META % "partitions_meta")
    assert len(names) == count
    assert ("DATA_VERSION" in names, "STORAGE_SIZE" in names) == (version_columns, size)


@pytest.mark.parametrize("profile", ["2.5", "3.1.8", "3.2.3"])
def test_older_versions_only_have_show_partitions(starrocks_shared: LabFactory, profile: str) -> None:
    sql = Sql(starrocks_shared(profile))
    assert sql.column(META % "partitions_meta") == []
    number, _text = sql.error("SELECT * FROM information_schema.partitions_meta")
    assert number == 1051
    rows = sql.rows("SHOW PARTITIONS FROM %s" % TABLE)
    assert len(rows) == 4
    assert "DataVersion" not in rows[0]


def test_partitions_as_relation_and_as_listing_agree(starrocks_shared: LabFactory) -> None:
    sql = Sql(starrocks_shared("4.1", mode="shared_data"))
    where = "WHERE DB_NAME = 'sales' AND TABLE_NAME IN ('orders_00000') ORDER BY PARTITION_NAME"
    meta = sql.rows(
        "SELECT PARTITION_NAME, VISIBLE_VERSION, DATA_VERSION, ROW_COUNT, IS_TEMP %s"
        % where.replace("WHERE", "FROM information_schema.partitions_meta WHERE")
    )
    shown = sql.rows("SHOW PARTITIONS FROM %s ORDER BY PartitionName" % TABLE)
    assert [r["PARTITION_NAME"] for r in meta] == [r["PartitionName"] for r in shown]
    assert [(r["VISIBLE_VERSION"], r["DATA_VERSION"], r["ROW_COUNT"]) for r in meta] == [
        (int(r["VisibleVersion"]), int(r["DataVersion"]), int(r["RowCount"])) for r in shown
    ]
    limited = sql.rows(
        "SHOW PARTITIONS FROM %s WHERE PartitionName = '%s' LIMIT 5" % (TABLE, meta[1]["PARTITION_NAME"])
    )
    assert [r["PartitionName"] for r in limited] == [meta[1]["PARTITION_NAME"]]


def test_a_scan_needs_a_living_node(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.3", mode="shared_data")
    for node in lab.describe["clusters"]["source"]["nodes"]:
        lab.call("POST", "/nodes/source/%d" % node["id"], {"alive": False})
    sql = Sql(lab)
    text = "Compute node not found. Check if any compute node is down."
    for statement in ("SELECT COUNT(*) FROM information_schema.partitions_meta", "SELECT current_version()"):
        assert sql.error(statement) == (1064, text)
    assert sql.column("SHOW DATABASES")


def test_tables_hidden_by_missing_grants_are_counted_by_proc_dbs(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1")
    root = Sql(lab)
    root.rows("CREATE USER half IDENTIFIED BY 'x'")
    root.rows("GRANT OPERATE ON SYSTEM TO USER half")
    root.rows("GRANT SELECT ON TABLE %s TO USER half" % TABLE)
    half = Sql(lab, user="half", password="x")
    seen = half.column("SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA = 'sales'")
    assert seen == ["orders_00000"]
    assert set(half.column("SELECT TABLE_NAME FROM information_schema.partitions_meta")) == {"orders_00000"}
    assert half.column("SHOW TABLES FROM sales") == ["orders_00000"]
    numbers = {row["DbName"]: row["TableNum"] for row in half.rows("SHOW PROC '/dbs'")}
    assert numbers["sales"] == "2"
    [hidden] = set(root.column(r"SHOW TABLES FROM sales LIKE '%\_0%'")) - {"orders_00000", "recent_orders_00000"}
    assert half.error("SELECT COUNT(*) FROM sales.%s" % hidden)[0] == 5203


def test_proc_nodes_by_version(starrocks_shared: LabFactory) -> None:
    new, old = Sql(starrocks_shared("3.4")), Sql(starrocks_shared("3.1.15"))
    start = "Getting analyzing error. Detail message: Unknown proc node path: "
    assert new.rows("SHOW PROC '/replications'") == []
    assert old.error("SHOW PROC '/replications'") == (1064, start + "/replications.")
    text = start + '/transactions/nope/running. msg: Unknown database id or name "nope".'
    assert new.error("SHOW PROC '/transactions/nope/running'") == (1064, text + "")
    assert new.error("SHOW PROC '/transactions/nope'") == (1064, 'Unknown database id or name "nope"')
    assert new.error("SHOW PROC '/transactions/sales/other'") == (1064, "State is invalid")
    assert [row["State"] for row in new.rows("SHOW PROC '/transactions/sales'")] == ["running", "finished"]
    assert len(new.names("SHOW PROC '/transactions/sales/running'")) == 14
    assert Sql(starrocks_shared("3.4"), user="reader").error("SHOW PROC '/dbs'")[0] == 5203


def test_old_versions_print_the_clusters_name_and_take_ids_only(starrocks_shared: LabFactory) -> None:
    sql = Sql(starrocks_shared("2.5"))
    numbers = {row["DbName"]: row["DbId"] for row in sql.rows("SHOW PROC '/transactions'")}
    assert "default_cluster:sales" in numbers
    assert len(sql.names("SHOW PROC '/transactions/%s/running'" % numbers["default_cluster:sales"])) == 14
    start = "Getting analyzing error. Detail message: Unknown proc node path: /transactions/sales/running"
    assert sql.error("SHOW PROC '/transactions/sales/running'") == (1064, start + ".")


def test_the_builtin_volume_comes_from_fe_conf(starrocks_shared: LabFactory) -> None:
    lab = starrocks_shared("4.1", mode="shared_data", fe_conf="enable_load_volume_from_conf=true")
    assert "builtin_storage_volume" in Sql(lab).column("SHOW STORAGE VOLUMES")
    assert "builtin_storage_volume" in Sql(lab, "target").column("SHOW STORAGE VOLUMES")


def test_backend_settings(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.4")
    sql = Sql(lab)
    read = "SELECT BE_ID, VALUE, `DEFAULT`, MUTABLE FROM information_schema.be_configs WHERE NAME='replication_threads'"
    first = sql.rows(read)[0]["BE_ID"]
    sql.rows(
        "UPDATE information_schema.be_configs SET VALUE='32' WHERE NAME='replication_threads' AND BE_ID=%d" % first
    )
    assert [row["VALUE"] for row in sql.rows(read)] == ["32", "0", "0"]
    port = lab.describe["clusters"]["source"]["nodes"][1]["http_port"]
    url = "http://127.0.0.1:%d/api/update_config?%s"
    for query, status in (("replication_threads=8", "OK"), ("nope=1", "BAD"), ("be_port=1", "BAD")):
        with urllib.request.urlopen(url % (port, query), data=b"") as answer:
            assert json.load(answer)["status"] == status
    assert [row["VALUE"] for row in sql.rows(read)] == ["32", "8", "0"]
    assert Sql(lab, user="reader").error(read)[0] == 5203
    assert len(lab.requests(mutating=True)) == 4


def test_a_transaction_tells_which_tables_it_wrote_to(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("3.4", rate=0))
    [database] = [row["DbId"] for row in sql.rows("SHOW PROC '/transactions'") if row["DbName"] == "sales"]
    listed = "/transactions/%s/finished" % database
    known = {row["TransactionId"] for row in sql.rows("SHOW PROC '%s'" % listed)}
    sql.rows("INSERT INTO %s (id, day, amount, note) VALUES (7000001, '2026-12-02', 1.5, 'x')" % TABLE)
    new: list[str] = []
    end = time.monotonic() + 20
    while not new and time.monotonic() < end:
        finished = {row["TransactionId"]: row for row in sql.rows("SHOW PROC '%s'" % listed)}
        new = [one for one in finished if one not in known and finished[one]["LoadJobSourceType"] == "INSERT_STREAMING"]
    [written] = sql.rows("SHOW PROC '%s/%s'" % (listed, new[0]))
    names = {row["TableId"]: row["TableName"] for row in sql.rows("SHOW PROC '/dbs/%s'" % database)}
    assert "sales.%s" % names[written["TableId"]] == TABLE
    assert written["CommittedPartitionIds"]
    assert sql.error("SHOW PROC '%s/77777777'" % listed) == (1064, "Transaction[77777777] does not exist.")


def test_the_thrift_port_of_a_node_takes_connections_while_it_lives(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.4")
    row = Sql(lab).rows("SHOW BACKENDS")[0]
    address = ("127.0.0.1", int(row["BePort"]))
    socket.create_connection(address, 2).close()
    for alive in (False, True):
        lab.call("POST", "/nodes/source/%s" % row["BackendId"], {"alive": alive})
        if alive:
            socket.create_connection(address, 2).close()
        else:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address, 2)


def test_jobs_are_paused_and_resumed(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.4")
    sql = Sql(lab)
    assert sql.error("RESUME ROUTINE LOAD FOR sales.nope")[0] == 1064
    text = "There is no job named nope in db sales. Include history? "
    for every, history in (("", "false"), ("ALL ", "true")):
        assert sql.error("SHOW %sROUTINE LOAD FOR sales.nope" % every) == (1064, text + history)
    state = "SELECT STATE FROM information_schema.routine_load_jobs"
    sql.rows("PAUSE ROUTINE LOAD FOR sales.from_kafka_0")
    assert sql.column(state) == ["PAUSED"]
    assert sql.rows("SHOW ROUTINE LOAD FROM sales")[0]["PauseTime"] != "NULL"
    sql.rows("RESUME ROUTINE LOAD FOR sales.from_kafka_0")
    assert sql.column(state)[0] in ("NEED_SCHEDULE", "RUNNING")
    sql.rows("ALTER PIPE sales.from_files_0 SUSPEND")
    assert sql.column("SELECT STATE FROM information_schema.pipes") == ["SUSPEND"]
    sql.rows("ALTER PIPE sales.from_files_0 RESUME")
    reader = Sql(lab, user="reader")
    assert reader.error("PAUSE ROUTINE LOAD FOR sales.from_kafka_0")[0] == 5203
    assert reader.error("ALTER PIPE sales.from_files_0 SUSPEND")[0] == 5203


@pytest.mark.parametrize(
    ("profile", "number", "text"),
    [
        ("3.3", 5301, "Failed to begin transaction: disable_load_job is set to true, all load jobs are rejected"),
        ("3.2", 1064, "disable_load_job is set to true, all load jobs are prevented"),
    ],
)
def test_disabled_loads(starrocks_lab: LabFactory, profile: str, number: int, text: str) -> None:
    sql = Sql(starrocks_lab(profile))
    insert = "INSERT INTO %s (id, day, amount, note) VALUES (7000001, '2026-12-02', 1.5, 'x')" % TABLE
    sql.rows(insert)
    count = "SELECT COUNT(*) FROM %s WHERE id = 7000001" % TABLE
    assert sql.column(count) == [1]
    sql.rows('ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")')
    assert sql.error(insert) == (number, text)
    sql.rows("TRUNCATE TABLE %s" % TABLE)
    assert sql.column(count) == [0]


@pytest.mark.parametrize(("profile", "database", "table"), [("3.3", 5501, 5502), ("3.2", 1049, 1051)])
def test_unknown_names(starrocks_shared: LabFactory, profile: str, database: int, table: int) -> None:
    sql = Sql(starrocks_shared(profile))
    assert sql.error("USE nope")[0] == sql.error("SHOW PARTITIONS FROM nope.t")[0] == database
    assert sql.error("SHOW PARTITIONS FROM sales.nope")[0] == sql.error("SELECT * FROM sales.nope")[0] == table


def test_foreign_actions_leave_no_trace_in_the_record(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1")
    done = lab.foreign(
        sql=["CREATE DATABASE theirs", "SELECT 1"],
        config={"disable_load_job": "true", "frontend": "2"},
        others={"RESOURCE GROUPS": [{"name": "rg1", "id": "7"}]},
    )
    assert done["sql"] == [[], [[1]]]
    assert lab.foreign(cluster="target", sql="DROP DATABASE nope")["error"]
    assert lab.requests() == []
    sql = Sql(lab, frontend=1)
    assert sql.config("disable_load_job") == "true"
    assert Sql(lab).config("disable_load_job") == "false"
    assert sql.column("SHOW RESOURCE GROUPS ALL") == ["default_mv_wg", "default_wg", "rg1"]
    assert sql.rows("SHOW PLUGINS")[0]["Sources"] == "Builtin"
    assert "theirs" in sql.column("SHOW DATABASES")


def test_nodes_known_by_names_are_found_through_the_address_map(starrocks_shared: LabFactory) -> None:
    lab = starrocks_shared("4.1", mode="shared_data", host_names=True)
    cluster, sql = lab.describe["clusters"]["source"], Sql(starrocks_shared("4.1", mode="shared_data", host_names=True))
    hosts = [row["IP"] for row in sql.rows("SHOW FRONTENDS") + sql.rows("SHOW COMPUTE NODES")]
    assert hosts[0] == "fe-0.fe-search.source.svc.cluster.local"
    assert set(hosts) == set(cluster["address_map"])
    # SHOW FRONTENDS prints the leader's HTTP port for every row: the map leads from it to the right one.
    shown = sql.rows("SHOW FRONTENDS")[1]["HttpPort"]
    mapped = cluster["address_map"][hosts[1]].partition(";")[2].split(",")
    assert "%s:%d" % (shown, cluster["frontends"][1]["http_port"]) in mapped


def test_objects_that_are_not_migrated_are_listed(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("4.1"))
    sql.rows("CREATE EXTERNAL TABLE sales.away (id int) ENGINE=MYSQL PROPERTIES ('host' = 'db')")
    sql.rows("CREATE TABLE sales.numbered (id bigint AUTO_INCREMENT, v int) DISTRIBUTED BY HASH(id)")
    sql.rows("CREATE TABLE sales.computed (id bigint, v int AS id + 1) DISTRIBUTED BY HASH(id)")
    sql.rows("CREATE MATERIALIZED VIEW sales.sums REFRESH ASYNC AS SELECT id FROM sales.computed")
    sql.rows("ALTER MATERIALIZED VIEW sales.sums INACTIVE")
    engines = "SELECT ENGINE FROM information_schema.tables WHERE TABLE_NAME = 'away'"
    assert sql.column(engines) == ["MYSQL"]
    assert sql.column("SELECT PARTITION_NAME FROM information_schema.partitions_meta WHERE TABLE_NAME='away'") == []
    assert "AUTO_INCREMENT" in sql.rows("SHOW CREATE TABLE sales.numbered")[0]["Create Table"]
    generated = "SELECT COLUMN_NAME FROM information_schema.columns WHERE GENERATION_EXPRESSION <> ''"
    assert sql.column(generated) == ["v"]
    assert sql.column("SELECT IS_ACTIVE FROM information_schema.materialized_views WHERE TABLE_NAME='sums'") == [
        "false"
    ]
    assert sql.column("SELECT TABLE_TYPE FROM information_schema.tables WHERE TABLE_NAME='sums'") == ["VIEW"]


def test_a_table_needs_usage_on_its_volume(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1", mode="shared_data")
    root = Sql(lab)
    root.rows("CREATE USER maker IDENTIFIED BY 'x'")
    root.rows("GRANT CREATE TABLE ON DATABASE sales TO USER maker")
    maker = Sql(lab, user="maker", password="x")
    create = "CREATE TABLE sales.t (id bigint) DISTRIBUTED BY HASH(id)"
    assert maker.error(create)[0] == 5203
    root.rows("GRANT USAGE ON STORAGE VOLUME lake_a TO USER maker")
    maker.rows(create)


def test_what_only_a_test_puts_there(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1")
    lab.foreign(
        task={"name": "nightly", "database": "sales", "table": "orders_00000"},
        routine_load={"name": "second", "database": "sales", "table": "orders_00000", "state": "PAUSED"},
        alter={"database": "sales", "table": "orders_00000", "kind": "ROLLUP"},
        others={
            "temp_tables": [{"TABLE_SCHEMA": "sales", "TABLE_NAME": "scratch"}],
            "FULL FUNCTIONS": [{"_database": "sales", "Signature": "plus(int)"}],
        },
        fields={"table": "sales.orders_00000", "state": "SCHEMA_CHANGE"},
    )
    node = lab.describe["clusters"]["source"]["nodes"][0]["id"]
    lab.call("POST", "/nodes/source/%d" % node, {"config": {"enable_transparent_data_encryption": "true"}})
    lab.call("POST", "/frontends/source/2", {"clock_skew": 900})
    sql = Sql(lab)
    assert sql.column("SELECT `DATABASE` FROM information_schema.tasks") == ["sales"]
    assert "syntax error" in sql.error("SELECT DATABASE, TASK_NAME FROM information_schema.tasks")[1]
    jobs = "SELECT NAME FROM information_schema.routine_load_jobs WHERE STATE = 'PAUSED'"
    assert sql.column(jobs) == ["second"]
    assert sql.rows("SHOW ALTER TABLE ROLLUP FROM sales")[0]["State"] == "RUNNING"
    assert sql.column("SELECT TABLE_NAME FROM information_schema.temp_tables") == ["scratch"]
    assert sql.column("SHOW FULL FUNCTIONS FROM sales") == ["plus(int)"]
    assert sql.column("SHOW FULL FUNCTIONS FROM web") == []
    configs = "SELECT VALUE FROM information_schema.be_configs WHERE BE_ID = %d AND NAME LIKE 'enable_trans%%'"
    assert sql.column(configs % node) == ["true"]
    clocks = [Sql(lab, frontend=number).column("SELECT UNIX_TIMESTAMP()")[0] for number in (0, 1)]
    assert clocks[1] - clocks[0] >= 900


def test_what_old_versions_do_not_know(starrocks_lab: LabFactory) -> None:
    old = Sql(starrocks_lab("2.5"))
    assert "'root'@'%'" in old.column("SHOW ALL AUTHENTICATION")
    for statement in ("SHOW USERS", "SHOW ALTER TABLE OPTIMIZE FROM sales", "SELECT * FROM information_schema.pipes"):
        assert old.error(statement)
    assert [row["DbName"] for row in old.rows("SHOW ALL ROUTINE LOAD FROM sales")] == ["sales"]
    new = Sql(starrocks_lab("3.2"))
    assert "'root'@'%'" in new.column("SHOW USERS") and new.rows("SHOW ALTER TABLE OPTIMIZE FROM sales") == []


def test_indexes_are_in_create_table_and_not_in_statistics(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("3.5"))
    sql.rows(
        "CREATE TABLE sales.indexed (a INT, INDEX by_a (a) USING BITMAP COMMENT '') DUPLICATE KEY(a) "
        'DISTRIBUTED BY HASH(a) BUCKETS 1 PROPERTIES ("replication_num" = "1")'
    )
    assert "INDEX `by_a` (`a`) USING BITMAP" in sql.rows("SHOW CREATE TABLE sales.indexed")[0]["Create Table"]
    assert sql.rows("SELECT * FROM information_schema.statistics") == []
