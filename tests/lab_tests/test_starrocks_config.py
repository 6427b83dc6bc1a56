# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ADMIN SHOW and SET FRONTEND CONFIG against the facts about each version."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.starrocks_support import Sql, config_on_each

KEY = "disable_load_job"
SET = 'ADMIN SET FRONTEND CONFIG ("disable_load_job" = "true")'


def test_a_setting_reaches_every_frontend(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.4")
    Sql(lab, frontend=1).rows(SET)
    assert config_on_each(lab, KEY) == ["true"] * 3
    [entry] = lab.requests(mutating=True)
    assert entry["request"] == SET
    assert (entry["surface"], entry["user"], entry["outcome"]) == ("source-mysql", "root", "ok")
    second = lab.describe["clusters"]["source"]["frontends"][1]
    assert entry["node"] == "%s:%d" % (second["host"], second["query_port"])


@pytest.mark.parametrize(("profile", "expected"), [("3.4", ["false", "true"]), ("3.5", ["true", "false"])])
def test_the_executing_host_takes_it_for_itself(starrocks_lab: LabFactory, profile: str, expected: list[str]) -> None:
    """Until 3.4 the connected frontend runs it, then the leader; neither tells another one on its own host."""
    lab = starrocks_lab(profile, same_host=True)
    Sql(lab, frontend=1).rows(SET)
    assert config_on_each(lab, KEY) == [*expected, "true"]


@pytest.mark.parametrize(
    ("profile", "number", "start", "times"), [("3.4", 5076, "set config", 1), ("3.5", 5101, "Set config", 4)]
)
def test_a_dead_frontend_leaves_it_half_applied(
    starrocks_lab: LabFactory, profile: str, number: int, start: str, times: int
) -> None:
    """3.5 appends its buffer to itself at the failing frontend and again at the next one."""
    lab = starrocks_lab(profile)
    lab.call("POST", "/frontends/source/2/kill", {})
    errno, text = Sql(lab).error(SET)
    assert errno == number
    assert text.startswith(start + " failed: set config for fe[10.1.0.12] failed: ")
    assert text.count("fe[10.1.0.12] failed:") == times
    assert [Sql(lab, frontend=n).config(KEY) for n in (0, 2)] == ["true", "true"]
    lab.call("POST", "/frontends/source/2/start", {})
    assert config_on_each(lab, KEY) == ["true", "false", "true"]


def test_a_restart_forgets_and_fe_conf_remembers(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.5")
    sql = Sql(lab)
    sql.rows(SET)
    sql.rows('ADMIN SET FRONTEND CONFIG ("catalog_trash_expire_second" = "7") WITH PERSISTENT')
    third = lab.describe["clusters"]["source"]["frontends"][2]
    lines = Path(third["fe_conf"]).read_text().splitlines()
    assert "catalog_trash_expire_second = 7" in lines
    assert any(line.startswith("# The user root added catalog_trash_expire_second=7 at ") for line in lines)
    lab.call("POST", "/frontends/source/3/restart", {"seconds": 1})
    assert Sql(lab, frontend=2).config(KEY) == "false"
    assert Sql(lab, frontend=2).config("catalog_trash_expire_second") == "7"


def test_a_frontend_of_an_older_version_refuses_what_it_does_not_know(starrocks_lab: LabFactory) -> None:
    """An answered refusal ends with a semicolon, a failed call does not."""
    lab = starrocks_lab("3.2.5")
    lab.call("POST", "/frontends/source/2", {"profile": "3.2.4"})
    key = "enable_legacy_compatibility_for_replication"
    errno, text = Sql(lab).error('ADMIN SET FRONTEND CONFIG ("%s" = "true")' % key)
    reason = "Config '%s' does not exist or is not mutable" % key
    assert (errno, text) == (5076, "set config failed: set config for fe[10.1.0.12] failed: %s;" % reason)
    assert [Sql(lab, frontend=number).config(key) for number in (0, 2)] == ["true", "true"]
    assert Sql(lab, frontend=1).rows("ADMIN SHOW FRONTEND CONFIG LIKE '%s'" % key) == []
    assert Sql(lab, frontend=1).config("lake_autovacuum_grace_period_minutes") == "5"
    assert [row["Version"].partition("-")[0] for row in Sql(lab).rows("SHOW FRONTENDS")] == ["3.2.5", "3.2.4", "3.2.5"]


def test_nothing_is_persisted_in_a_container_or_before_3_5(starrocks_lab: LabFactory) -> None:
    persistent = SET + " WITH PERSISTENT"
    inside = Sql(starrocks_lab("3.5", container=True))
    assert inside.error(persistent) == (
        1064,
        "set persisted config failed, because current running mode is not persisted",
    )
    errno, text = Sql(starrocks_lab("3.4")).error(persistent)
    assert errno == 1064
    assert text.startswith("Getting syntax error at line 1, column ")


def test_an_unknown_key_pollutes_fe_conf_all_the_same(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("3.5")
    assert Sql(lab).error('ADMIN SET FRONTEND CONFIG ("nope" = "1") WITH PERSISTENT')[0] == 1064
    leader = lab.describe["clusters"]["source"]["frontends"][0]
    assert "nope = 1" in Path(leader["fe_conf"]).read_text()


def test_values_are_read_as_java_reads_them(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("4.1"))
    for given, kept in (("TRUE", "true"), ("1", "false"), ("yes", "false"), (" true ", "true"), ("on", "false")):
        sql.rows('ADMIN SET FRONTEND CONFIG ("%s" = "%s")' % (KEY, given))
        assert sql.config(KEY) == kept
    sql.rows('ADMIN SET FRONTEND CONFIG ("statistic_auto_collect_ratio" = "1.50")')
    assert sql.config("statistic_auto_collect_ratio") == "1.5"
    sql.rows('ADMIN SET FRONTEND CONFIG ("max_running_txn_num_per_db" = "-5")')
    assert sql.config("max_running_txn_num_per_db") == "-5"
    key = "max_running_txn_num_per_db"
    assert sql.error('ADMIN SET FRONTEND CONFIG ("%s" = "abc")' % key) == (
        1064,
        "Failed to set config '%s'. err: For input string: \"abc\"" % key,
    )
    for wrong in ("nope", "run_mode"):
        text = "Config '%s' does not exist or is not mutable" % wrong
        assert sql.error('ADMIN SET FRONTEND CONFIG ("%s" = "x")' % wrong) == (1064, text)
    assert sql.error('ADMIN SET BACKEND CONFIG ("a" = "b")') == (1064, "Only support setting Frontend configs now")


def test_a_key_is_found_by_pattern_and_by_alias(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("4.1"))
    show = "ADMIN SHOW FRONTEND CONFIG LIKE '%s'"
    assert sql.names(show % "x") == ["Key", "AliasNames", "Value", "Type", "IsMutable", "Comment"]
    [row] = sql.rows(show % "lake\\_compaction\\_disable\\_tables")
    assert (row["Key"], row["AliasNames"]) == ("lake_compaction_disable_ids", "[lake_compaction_disable_tables]")
    sql.rows('ADMIN SET FRONTEND CONFIG ("lake_compaction_disable_tables" = "1;2")')
    assert sql.config("lake_compaction_disable_ids") == "1;2"
    assert sql.column(show % "DISABLE_LOAD_JOB") == []
    assert sql.column(show % "disable%load.job") == sql.column(show % "disable_load_job") == [KEY]
    assert sql.error(show % "disable(") == (1064, "Bad pattern in SQL: disable(")
    [run_mode] = sql.rows(show % "run\\_mode")
    assert (run_mode["Value"], run_mode["Type"], run_mode["IsMutable"]) == ("shared_nothing", "String", "false")


@pytest.mark.parametrize(
    ("profile", "key", "value"),
    [
        ("3.1.9", "lake_autovacuum_grace_period_minutes", "5"),
        ("3.1.10", "lake_autovacuum_grace_period_minutes", "30"),
        ("3.2.4", "lake_autovacuum_grace_period_minutes", "5"),
        ("3.2.5", "enable_legacy_compatibility_for_replication", "false"),
        ("3.1.16", "replication_transaction_timeout_sec", "86400"),
        ("3.3.4", "replication_transaction_timeout_sec", "3600"),
        ("3.2.6", "replication_max_parallel_data_size_mb", "10240"),
        ("3.2.7", "replication_max_parallel_data_size_mb", "1048576"),
        ("3.2.6", "replication_max_parallel_replica_count", None),
        ("3.2.4", "enable_legacy_compatibility_for_replication", None),
        ("2.5", "run_mode", None),
        ("3.2.6", "lake_compaction_disable_tables", None),
    ],
)
def test_defaults_by_version(starrocks_shared: LabFactory, profile: str, key: str, value: str | None) -> None:
    rows = Sql(starrocks_shared(profile)).rows("ADMIN SHOW FRONTEND CONFIG LIKE '%s'" % key)
    assert [row["Value"] for row in rows] == ([] if value is None else [value])


@pytest.mark.parametrize(("profile", "number"), [("3.4", 5203), ("3.2", 1252), ("2.5", 1227)])
def test_operate_is_needed(starrocks_shared: LabFactory, profile: str, number: int) -> None:
    errno, text = Sql(starrocks_shared(profile), user="reader").error("ADMIN SHOW FRONTEND CONFIG LIKE 'x'")
    assert errno == number
    assert text.startswith("Access denied; you need (at least one of) the OPERATE privilege(s)")
    assert ("Current role(s)" in text) == (profile == "3.4")


def test_a_granted_role_must_be_activated(starrocks_shared: LabFactory) -> None:
    sql = Sql(starrocks_shared("3.4"), user="operator")
    errno, text = sql.error("ADMIN SHOW FRONTEND CONFIG LIKE 'x'")
    assert errno == 5203
    assert "Inactivated role(s): [db_admin]." in text
    sql.rows("SET ROLE ALL")
    assert sql.rows("ADMIN SHOW FRONTEND CONFIG LIKE 'x'") == []


def test_http_sets_one_frontend_only(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1")
    port = lab.describe["clusters"]["source"]["frontends"][1]["http_port"]
    url = "http://127.0.0.1:%d/api/_set_config?%s=true&nope=1" % (port, KEY)
    tool = "tool:%s" % lab.describe["users"]["tool"]  # db_admin is not enough
    for login in (None, "root:wrong", tool):
        headers = {} if login is None else {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(url, headers=headers))
        assert refused.value.code == 401
    assert config_on_each(lab, KEY) == ["false", "false", "false"]
    headers = {"authorization": "Basic " + base64.b64encode(b"root:").decode()}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        assert json.load(answer) == {"set": {KEY: "true"}, "err": {"nope": "[1]"}}
    assert config_on_each(lab, KEY) == ["false", "true", "false"]
    assert [entry["mutating"] for entry in lab.requests() if entry["surface"] == "source-http"] == [True] * 4


def test_the_settings_of_the_new_leader_count(starrocks_lab: LabFactory) -> None:
    """SHOW FRONTENDS tells who leads; while nobody does, forwarded statements fail."""
    lab = starrocks_lab("3.5", factor=20)
    second = Sql(lab, frontend=1)
    roles = [(row["Role"], row["Alive"]) for row in second.rows("SHOW FRONTENDS")]
    assert roles == [("LEADER", "true"), ("FOLLOWER", "true"), ("FOLLOWER", "true")]
    for number in (3, 1):  # the one that is left is no majority, so nobody leads
        lab.call("POST", "/frontends/source/%d/kill" % number, {})
    reads = ("SHOW FRONTENDS", "SHOW PROC '/compactions'", "SELECT COUNT(*) FROM information_schema.partitions_meta")
    assert [second.error(text)[0] for text in (SET, *reads)] == [1064] * 4
    assert second.config(KEY) == "false"
    assert second.rows("SHOW PROC '/dbs'")
    lab.call("POST", "/frontends/source/3/start", {})
    lab.wait_for(lambda state: bool(state["clusters"]["source"]["leader"]))
    assert sorted(row["Role"] for row in second.rows("SHOW FRONTENDS")) == ["FOLLOWER", "FOLLOWER", "LEADER"]
