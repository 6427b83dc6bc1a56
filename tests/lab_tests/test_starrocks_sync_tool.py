# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for the sync tool: its files, its reading of them, the statements and jobs that it plans."""

from __future__ import annotations

import re
import tarfile
import typing as t
from pathlib import Path

import pytest

from lab.starrocks import tool_archive, tool_files
from lab.starrocks.sync_tool import ddl, model, passwords, properties, report
from lab.starrocks.sync_tool.log import Log
from lab.starrocks.sync_tool.settings import Hosts, Settings, SettingsError


def test_properties_are_read_as_java_reads_them() -> None:
    text = "# c\n! c\na=b\nc = d \n e:f\ng h\ni\\:j=k\\\\l\\u0041\nlong=one\\\n   two\nempty=\nlast"
    found = properties.parse(text)
    assert found == {
        "a": "b",
        "c": "d ",
        "e": "f",
        "g": "h",
        "i:j": "k\\lA",
        "long": "onetwo",
        "empty": "",
        "last": "",
    }


def test_hosts_of_both_generations() -> None:
    hosts = Hosts({"SOURCE_10.1.0.11": "127.0.0.1;9030:39030,8030:38030", "TARGET_fe.local": "10.9.9.9"})
    assert hosts.address("source", "10.1.0.11", 9030) == ("127.0.0.1", 39030)
    assert hosts.address("source", "10.1.0.11", 9020) == ("127.0.0.1", 9020)
    assert hosts.address("target", "fe.local", 9030) == ("10.9.9.9", 9030)
    assert hosts.address("source", "fe.local", 9030) == ("fe.local", 9030)


def test_encrypted_passwords() -> None:
    # SELECT TO_BASE64(AES_ENCRYPT('sync-tool-42', 'lab-secret-key16')) with openssl's aes-128-ecb.
    settings = Settings({"source_cluster_password": "Uwj7za+PdxI3qd3EMPXwIw==", "source_cluster_user": "tool"})
    assert settings.password("source") == "Uwj7za+PdxI3qd3EMPXwIw=="
    encrypted = {"source_cluster_password": "Uwj7za+PdxI3qd3EMPXwIw==", "source_cluster_password_secret_key": "x"}
    with pytest.raises(SettingsError):
        Settings(encrypted).password("source")
    encrypted["source_cluster_password_secret_key"] = "lab-secret-key16"
    assert Settings(encrypted).password("source") == "sync-tool-42"
    assert passwords.fold(b"a" * 17) == bytes([0]) + b"a" * 15


def test_include_then_exclude() -> None:
    settings = Settings({"include_data_list": "db1, db2.t2", "exclude_data_list": "db1.bad"})
    chosen = [settings.selects(*name) for name in (("db1", "x"), ("db1", "bad"), ("db2", "t2"), ("db2", "t3"))]
    assert chosen == [True, False, True, False]
    assert [settings.selects(name) for name in ("db1", "db2", "db3")] == [True, True, False]


def _meta(**changes: t.Any) -> model.Meta:
    text = (
        "CREATE TABLE `t` (\n  `k` int NULL COMMENT \"\",\n  INDEX `i` (`k`) USING BITMAP COMMENT ''\n) ENGINE=OLAP \n"
    )
    text += 'DUPLICATE KEY(`k`)\nDISTRIBUTED BY RANDOM BUCKETS 3 \nPROPERTIES (\n"replication_num" = "3",\n'
    text += '"storage_volume" = "lake_a",\n"datacache.enable" = "true"\n);'
    meta = {
        "database": "db",
        "table": "t",
        "database_id": 1,
        "table_id": 2,
        "schema": ["k"],
        "create": text,
        "storage_volume": "lake_a",
        "partition_column": "k",
        "indexes": {"i": ["BITMAP", "k"]},
        "properties": {"compression": "LZ4", "datacache.enable": "true"},
        "bytes": 10,
        "partitions": [_partition("p1")],
    }
    return {**meta, **changes}


def _partition(name: str, **changes: t.Any) -> model.Meta:
    found = {"id": 1, "name": name, "lower": "1", "upper": "2", "version": 3, "data_version": 3, "version_epoch": 7}
    return {**found, "bytes": 10, "buckets": 3, **changes}


def _catalog(*metas: model.Meta, mode: str = "shared_data") -> model.Catalog:
    databases = {"db": {"tables": [m["table"] for m in metas], "views": {"v": "SELECT 1"}, "materialized_views": {}}}
    return model.Catalog(databases, {(m["database"], m["table"]): m for m in metas}, mode)


def _plan(source: model.Catalog, target: model.Catalog, **values: str) -> list[str]:
    return [job.sql for job in ddl.statements(source, target, Settings(values), lambda text: None)]


@pytest.mark.parametrize(
    ("mode", "values", "there", "missing"),
    [
        ("shared_data", {}, '"storage_volume" = "lake_a"', "BITMAP"),
        ("shared_data", {"target_cluster_storage_volume": "v2"}, '"storage_volume" = "v2"', "lake_a"),
        ("shared_data", {"target_cluster_use_builtin_storage_volume_only": "true"}, "builtin_storage_volume", "lake_a"),
        ("shared_nothing", {"target_cluster_replication_num": "1"}, '"replication_num" = "1"', "lake_a"),
        ("shared_nothing", {"enable_bitmap_index_sync": "true"}, "USING BITMAP", "datacache"),
    ],
)
def test_a_missing_table_is_created_as_the_properties_say(
    mode: str, values: dict[str, str], there: str, missing: str
) -> None:
    [sql] = _plan(_catalog(_meta()), model.Catalog({"db": {"tables": []}}, {}, mode), **values)
    assert sql.startswith("CREATE TABLE IF NOT EXISTS `db`.`t`")
    assert there in sql
    assert missing not in sql


def test_the_drop_switches() -> None:
    source, other = _catalog(_meta()), _catalog(_meta(schema=["k", "v"]))
    assert [sql.split(" ")[0] for sql in _plan(source, other)] == ["DROP", "CREATE"]
    assert _plan(source, other, ddl_job_allow_drop_schema_change_table="false") == []
    both = _catalog(_meta(partitions=[_partition("p1"), _partition("p9")]))
    assert ["DROP PARTITION" in sql for sql in _plan(source, both)] == [True]
    assert _plan(source, both, ddl_job_allow_drop_partition_target_only="false") == []
    assert ["ADD PARTITION" in sql for sql in _plan(both, source)] == [True]
    moved = _catalog(_meta(partitions=[_partition("p1", upper="9")]))
    assert [sql.split("`")[4].split()[0] for sql in _plan(source, moved)] == ["DROP", "ADD"]
    assert _plan(source, moved, ddl_job_allow_drop_inconsistent_partition="false") == []
    # Truncated on the source: less data under a newer epoch. A foreign write on the target is not that.
    truncated = _catalog(_meta(partitions=[_partition("p1", data_version=1, version_epoch=9)]))
    assert ["DROP PARTITION" in sql for sql in _plan(truncated, source)] == [True, False]
    assert _plan(truncated, source, ddl_job_allow_drop_inconsistent_time_partition="false") == []
    foreign = _catalog(_meta(partitions=[_partition("p1", data_version=4, version_epoch=900_000)]))
    assert _plan(source, foreign) == []
    more = _catalog(_meta(), _meta(table="t2"))
    assert _plan(source, more) == []
    assert _plan(source, more, ddl_job_allow_drop_target_only="true") == ["DROP TABLE IF EXISTS `db`.`t2` FORCE"]


def test_views_are_off_by_default() -> None:
    target = _catalog(_meta())
    target.databases["db"]["views"] = {}
    assert _plan(_catalog(_meta()), target) == []
    assert _plan(_catalog(_meta()), target, enable_view_sync="true") == [
        "CREATE VIEW IF NOT EXISTS `db`.`v` AS SELECT 1"
    ]


def test_properties_and_indexes_follow_when_asked() -> None:
    target = _catalog(_meta(properties={}, indexes={"old": ["BITMAP", "k"]}), mode="shared_nothing")
    assert _plan(_catalog(_meta()), target) == []
    assert _plan(_catalog(_meta()), target, enable_table_property_sync="true") == [
        'ALTER TABLE `db`.`t` SET ("compression" = "LZ4")'
    ]
    changes = _plan(_catalog(_meta()), target, enable_bitmap_index_sync="true")
    assert ["ADD INDEX `i`" in changes[0], "DROP INDEX `old`" in changes[1]] == [True, True]
    switches = {"enable_bitmap_index_sync": "true", "ddl_job_allow_drop_bitmap_index_target_only": "false"}
    assert len(_plan(_catalog(_meta()), target, **switches)) == 1


def test_what_is_behind_is_replicated_and_sources_without_data_versions_count_by_visible_ones() -> None:
    source = _meta(partitions=[_partition("p1", version=5, data_version=0, version_epoch=0)])
    target = _meta(partitions=[_partition("p1", version=9, data_version=5)])
    assert model.equal(source, target)
    target["partitions"][0]["data_version"] = 4
    [request] = model.replications(_catalog(source), _catalog(target), Settings({}))
    sent = model.start_request(request, "job-1", "token", ["127.0.0.1"])
    [info] = sent["partition_replication_infos"]
    assert (info["src_version"], info["src_data_version"], sent["src_table_type"]) == (5, 0, "CLOUD_NATIVE")
    assert model.replications(_catalog(source), _catalog(_meta(schema=["other"])), Settings({})) == []


JOBS = {"jobPending": 1, "sent": 2, "running": 1, "finished": 4, "failed": 0, "unknown": 0}


@pytest.mark.parametrize(
    ("generation", "line"),
    [
        ("a", r"Sync progress: 50.00%, total: 10, ddlPending: 1, jobPending: 1, running: 3, finished: 5,"),
        (
            "b",
            r"Sync job progress: 50.00%, total: 10, ddlPending: 1, jobPending: 1, running: 3, finished: 5, failed: 0,",
        ),
        ("current", r"Sync job progress: 50.00%, total: 10, ddlPending: 1, jobPending: 1, sent: 2, running: 1, fin"),
    ],
)
def test_each_generations_progress_line(tmp_path: Path, generation: str, line: str) -> None:
    progress = report.Progress(JOBS, 1, 1, 1, _catalog(_meta()), _catalog(_meta()))
    report.write(Log(str(tmp_path), 0), generation, progress)
    text = (tmp_path / "sync.INFO.log").read_text()
    assert re.search(r"^\d\d/\d\d/\d\d \d\d:\d\d:\d\d INFO \[[\w-]+\] \w+\(\w+.java:\d+\): ", text, re.M)
    assert line in text
    table = "Sync table progress, finishedTableRatio: 100.00%, expiredTableRatio: 0.00%, total table: 1, "
    assert (table in text) == (generation != "a")


def test_the_log_rotates_and_is_truncated(tmp_path: Path) -> None:
    book = Log(str(tmp_path), 300)
    for number in range(20):
        book.info("main", "x(Y.java:1)", "line %d" % number)
    assert {path.name for path in tmp_path.iterdir()} >= {"sync.INFO.log", "sync.INFO.log.1", "sync.INFO.log.2"}
    book.truncate()
    assert (tmp_path / "sync.INFO.log").read_text() == ""


def test_the_archive_and_its_generations(tmp_path: Path) -> None:
    path, digest = tool_archive.build(tmp_path, 20)
    with tarfile.open(path) as archive:
        names = archive.getnames()
        start = archive.getmember("starrocks-cluster-sync/bin/start.sh")
    assert start.mode & 0o111
    assert {"starrocks-cluster-sync/conf/sync.properties", "starrocks-cluster-sync/conf/hosts.properties"} <= set(names)
    assert len(digest) == 64
    counts = [len(properties.parse(tool_files.sync_properties(g))) for g in tool_files.GENERATIONS.values()]
    assert counts == sorted(counts)
    newest = properties.parse(tool_files.sync_properties(tool_files.GENERATIONS["2026"]))
    assert newest["ddl_job_allow_drop_inconsistent_time_partition"] == "true"
    oldest = tool_files.sync_properties(tool_files.GENERATIONS["2024-02"])
    assert "ddl_job_interval_seconds=15" in oldest
    assert "report_interval_seconds" not in oldest
    with pytest.raises(ValueError, match="not one of"):
        tool_files.generation_of("1999")
