# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage volumes: what the server takes, keeps, shows, refuses."""

from __future__ import annotations

import json
import typing as t

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.starrocks_support import Sql

KEYS = {
    "aws.s3.region": "us-west-2",
    "aws.s3.endpoint": "http://s3",
    "aws.s3.access_key": "AK",
    "aws.s3.secret_key": "SK",
}


def create(name: str = "v1", kind: str = "S3", location: str = "s3://bucket/path", **properties: str) -> str:
    """A CREATE STORAGE VOLUME; underscores in names of properties stand for dots after aws and s3."""
    given = {**KEYS, **{key.replace("aws_s3_", "aws.s3."): value for key, value in properties.items()}}
    pairs = ", ".join('"%s" = "%s"' % item for item in given.items())
    return 'CREATE STORAGE VOLUME %s TYPE = %s LOCATIONS = ("%s") PROPERTIES (%s)' % (name, kind, location, pairs)


def described(sql: Sql, name: str) -> dict[str, t.Any]:
    """DESC, with the params as a mapping."""
    [row] = sql.rows("DESC STORAGE VOLUME %s" % name)
    return {**row, "Params": json.loads(row["Params"])}


def test_what_is_kept_and_what_is_dropped(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("3.3", mode="shared_data"))
    dropped = {"aws_s3_session_token": "T", "aws_s3_enable_path_style_access": "true", "aws_s3_enable_ssl": "false"}
    sql.rows(create(kind="s3", aws_s3_enable_partitioned_prefix="false", **dropped))
    row = described(sql, "v1")
    assert " ".join(row) == "Name Type IsDefault Location Params Enabled Comment"
    assert row["Params"] == {
        "aws.s3.region": "us-west-2",
        "aws.s3.endpoint": "http://s3",
        "aws.s3.access_key": "******",
        "aws.s3.secret_key": "******",
        "aws.s3.use_instance_profile": "false",
        "aws.s3.use_aws_sdk_default_behavior": "false",
    }
    del row["Params"]
    assert row == {
        "Name": "v1",
        "Type": "S3",
        "IsDefault": "false",
        "Location": "s3://bucket/path",
        "Enabled": "true",
        "Comment": "",
    }


def test_enabled_is_read_as_java_reads_it(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("3.3", mode="shared_data"))
    sql.rows(create(enabled="yes"))
    assert described(sql, "v1")["Enabled"] == "false"
    assert sql.error("SET v1 AS DEFAULT STORAGE VOLUME") == (1064, "Storage volume 'v1' is disabled")
    sql.rows('ALTER STORAGE VOLUME v1 SET ("enabled" = "TRUE"), COMMENT = \'mine\'')
    assert (described(sql, "v1")["Enabled"], described(sql, "v1")["Comment"]) == ("true", "mine")
    sql.rows("SET v1 AS DEFAULT STORAGE VOLUME")
    text = "Default volume can not be disabled"
    assert sql.error('ALTER STORAGE VOLUME v1 SET ("enabled" = "false")') == (1064, text)
    assert sql.error("DROP STORAGE VOLUME v1") == (1064, "default storage volume can not be removed")


@pytest.mark.parametrize(
    ("statement", "number", "text"),
    [
        (create("1st"), 5063, "Incorrect storage volume name '1st'"),
        (create("v" * 65), 5063, "Incorrect storage volume name '%s'" % ("v" * 65)),
        (create(kind="FTP"), 1064, "Unknown storage volume type: FTP"),
        (create(location="bucket"), 1064, "Invalid location bucket"),
        (create(location="hdfs://bucket"), 1064, "Invalid location hdfs://bucket"),
        (create(aws_s3_nope="1"), 1064, "Invalid properties aws.s3.nope"),
        (
            create("builtin_storage_volume"),
            1064,
            "builtin_storage_volume is a reserved storage volume name, "
            "please choose a different name for the storage volume",
        ),
        (
            create(aws_s3_enable_partitioned_prefix="true"),
            1064,
            "Storage volume 'v1' has 'aws.s3.enable_partitioned_prefix'='true', the location 's3://bucket/path'"
            " should not contain sub path after bucket name!",
        ),
        (
            create(aws_s3_num_partitioned_prefix="0"),
            1064,
            "Invalid property value '0' for property 'aws.s3.num_partitioned_prefix',"
            " expecting a positive integer string.",
        ),
        ("DROP STORAGE VOLUME nope", 1064, "Storage volume 'nope' does not exist"),
        ("DESC STORAGE VOLUME nope", 1064, "Getting analyzing error. Detail message: Unknown storage volume: nope."),
        ("SET nope AS DEFAULT STORAGE VOLUME", 1064, "Storage volume 'nope' does not exist"),
        (
            'ALTER STORAGE VOLUME lake_a SET ("aws.s3.enable_partitioned_prefix" = "false")',
            1064,
            "Storage volume property 'aws.s3.enable_partitioned_prefix' is immutable!",
        ),
        (create("lake_a"), 1064, "Storage volume 'lake_a' already exists"),
    ],
)
def test_what_is_refused(starrocks_shared: LabFactory, statement: str, number: int, text: str) -> None:
    assert Sql(starrocks_shared("4.1", mode="shared_data")).error(statement) == (number, text)


def test_names_have_64_characters_at_most(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("4.1"))
    sql.rows(create("v" * 64))
    sql.rows("CREATE STORAGE VOLUME IF NOT EXISTS %s" % create("v" * 64, location="s3://other").partition("VOLUME ")[2])
    assert described(sql, "v" * 64)["Location"] == "s3://bucket/path"


def test_the_prefix_is_unknown_to_older_servers(starrocks_lab: LabFactory) -> None:
    statement = create(aws_s3_enable_partitioned_prefix="false")
    text = "Invalid properties aws.s3.enable_partitioned_prefix"
    assert Sql(starrocks_lab("3.2.3")).error(statement) == (1064, text)
    Sql(starrocks_lab("3.2.4")).rows(statement)


def test_old_servers_print_the_secret_of_an_incomplete_set(starrocks_lab: LabFactory) -> None:
    statement = create(aws_s3_access_key="")
    start = "Getting analyzing error. Detail message: Storage params is not valid {"
    for profile, shown in (("3.1.8", '"SK"'), ("3.3.14", '"******"')):
        number, text = Sql(starrocks_lab(profile)).error(statement)
        assert (number, text.startswith(start)) == (1064, True)
        assert '"aws.s3.secret_key":%s' % shown in text


def test_a_volume_in_use_stays_even_for_what_is_in_the_recycle_bin(starrocks_lab: LabFactory) -> None:
    sql = Sql(starrocks_lab("4.1", mode="shared_data"))
    sql.rows(create())
    sql.rows("CREATE DATABASE d1")
    columns = "(id bigint, v int) DISTRIBUTED BY HASH(id)"
    sql.rows('CREATE TABLE d1.t %s PROPERTIES ("storage_volume" = "v1")' % columns)
    [row] = sql.rows("SELECT TABLE_ID, PROPERTIES FROM information_schema.tables_config WHERE TABLE_NAME = 't'")
    assert json.loads(row["PROPERTIES"])["storage_volume"] == "v1"
    assert '"storage_volume" = "v1"' in sql.rows("SHOW CREATE TABLE d1.t")[0]["Create Table"]
    text = "Storage volume 'v1' is referenced by dbs or tables, dbs: [], tables: [%d]" % row["TABLE_ID"]
    assert sql.error("DROP STORAGE VOLUME v1") == (1064, text)
    sql.rows("DROP TABLE d1.t")
    assert sql.error("DROP STORAGE VOLUME v1") == (1064, text)
    sql.rows("CREATE TABLE d1.t2 %s" % columns)
    sql.rows("DROP TABLE d1.t2 FORCE")
    other = 'CREATE TABLE d1.t3 %s PROPERTIES ("storage_volume" = "nope")' % columns
    assert sql.error(other) == (1064, 'Unknown storage volume "nope"')


def test_only_what_one_may_use_is_listed(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1", mode="shared_data")
    root, reader = Sql(lab), Sql(lab, user="reader")
    assert root.column("SHOW STORAGE VOLUMES") == ["lake_a", "lake_b"]
    assert root.column("SHOW STORAGE VOLUMES LIKE '%b'") == ["lake_b"]
    assert reader.column("SHOW STORAGE VOLUMES") == []
    assert reader.error(create())[0] == 5203
    root.rows("GRANT USAGE ON STORAGE VOLUME lake_b TO USER reader")
    assert reader.column("SHOW STORAGE VOLUMES") == ["lake_b"]
    assert reader.error("DROP STORAGE VOLUME lake_b")[0] == 5203


def test_every_statement_that_changes_a_volume_is_recorded_as_such(starrocks_lab: LabFactory) -> None:
    lab = starrocks_lab("4.1", mode="shared_data")
    sql = Sql(lab, frontend=2)
    sql.rows(create())
    for text in ("SET v1 AS DEFAULT STORAGE VOLUME", "SET lake_a AS DEFAULT STORAGE VOLUME", "DROP STORAGE VOLUME v1"):
        sql.rows(text)
    sql.rows("SHOW STORAGE VOLUMES")
    sql.rows("DESC STORAGE VOLUME lake_a")
    words = [entry["request"].split()[0] for entry in lab.requests(mutating=True)]
    assert words == ["CREATE", "SET", "SET", "DROP"]


def test_volumes_came_with_3_1(starrocks_shared: LabFactory) -> None:
    assert Sql(starrocks_shared("2.5")).error("SHOW STORAGE VOLUMES")[0] == 1064
