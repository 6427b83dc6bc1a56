# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables, volumes and secrets that cannot be are told of in one clear sentence, and nothing is touched."""

from __future__ import annotations

import json
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_refusals import (
    CANARIES,
    DROPS,
    LAKE,
    TWO_CLUSTERS,
    Options,
    Refusals,
)

pytest_plugins = ("system.starrocks_refusals",)


# ---- what is selected


def test_tables_that_do_not_exist(at: Refusals, plain: LabClient) -> None:
    at.blocked(plain, "starrocks.selection.unknown", "sales.nowhere", include_data_list="sales.nowhere,sales")


def test_a_database_in_other_letters_does_not_exist(at: Refusals, plain: LabClient) -> None:
    at.blocked(plain, "starrocks.selection.unknown", "Sales", include_data_list="Sales")


@pytest.mark.parametrize("module", [name for name in TWO_CLUSTERS if name != "migration_info"])
@pytest.mark.parametrize("option", ["include_data_list", "exclude_data_list"])
def test_names_that_cannot_be(at: Refusals, plain: LabClient, module: str, option: str) -> None:
    at.refused(plain, module, option, "'a.b.c'", contact=False, **{option: ["a.b.c"]})


@pytest.mark.parametrize("module", ["comparison_info", "cutover", "storage_volume_mirror"])
def test_a_selection_that_selects_nothing(at: Refusals, lake: LabClient, module: str) -> None:
    more: Options = {"include_data_list": "nowhere"}
    if module != "comparison_info":
        at.refused(lake, module, "include_data_list", **more)
        return
    result = at.run(lake, module, at.given(lake, module, **more))
    # Nothing compared is nothing equal.
    assert (result["equal"], result["passed"]) == (False, False), result


# ---- the token


def test_a_missing_token(at: Refusals, plain: LabClient) -> None:
    at.blocked(plain, "starrocks.tool.token_missing", "token", sync_properties=DROPS)


def test_drops_that_nobody_spoke_of(at: Refusals, plain: LabClient) -> None:
    token = CANARIES["token"]
    for switch in DROPS:
        at.blocked(plain, f"starrocks.tool.{switch}", source_cluster_token=token)


# ---- storage volumes

KEYS = {"aws.s3.access_key": CANARIES["access"], "aws.s3.secret_key": CANARIES["secret"]}


def volume(**more: t.Any) -> str:
    return json.dumps([{"name": "extra", "type": "S3", "locations": ["s3://bucket/path"], **more}])


@pytest.mark.parametrize(
    ("volumes", "words"),
    [
        (volume(name="v" * 65), ["volumes[0].name", "64"]),
        (volume(name="9lives"), ["volumes[0].name"]),
        (volume(locations="hdfs://name:9000/path"), ["volumes[0].locations", "'hdfs://name:9000/path'", "S3", "s3://"]),
        (volume(type="HDFS"), ["volumes[0].locations", "HDFS", "hdfs://"]),
        (volume(type="AZBLOB"), ["volumes[0].locations", "AZBLOB"]),
        (volume(locations={"s3": "bucket"}), ["volumes[0].locations"]),
        (volume(type="NFS"), ["volumes[0].type", "NFS", "S3"]),
        (volume(properties={"aws.s3.secret_key": CANARIES["secret"]}), ["properties", "credentials"]),
        (volume(properties={"aws.s3.session_token": CANARIES["token"]}), ["aws.s3.session_token"]),
    ],
    ids=["name too long", "name", "location", "HDFS", "AZBLOB", "locations", "type", "secret", "session token"],
)
def test_volumes_that_cannot_be(at: Refusals, lake: LabClient, volumes: str, words: list[str]) -> None:
    credentials = json.dumps({"*": KEYS})
    at.refused(lake, "storage_volume", *words, contact=False, volumes=volumes, credentials=credentials)


def test_a_volume_that_has_another_location(at: Refusals, lake: LabClient) -> None:
    result = at.refused(lake, "storage_volume", "lake_a", volumes=volume(name="lake_a"), credentials={"lake_a": KEYS})
    assert result["code"] == "starrocks.volume_refused"


def test_a_source_volume_with_too_long_a_name(at: Refusals, labs: EmbeddedLabs) -> None:
    lab = labs.start(**{**LAKE, "profile": "4.1", "tables": 2, "no_s3": True})
    name = "v" * 61
    table = next(iter(lab.state()["clusters"]["source"]["databases"]["sales"]))
    made = [
        f"CREATE STORAGE VOLUME {name} TYPE = S3 LOCATIONS = ('s3://bucket') PROPERTIES ('enabled' = 'true', "
        "'aws.s3.region' = 'r', 'aws.s3.endpoint' = 'http://127.0.0.1:9', 'aws.s3.access_key' = 'a', "
        "'aws.s3.secret_key' = 'b')"
    ]
    assert "error" not in lab.foreign(sql=made)
    lab.foreign(fields={"table": f"sales.{table}", "storage_volume": name})
    at.refused(lab, "storage_volume_mirror", name, "60", credentials={"*": KEYS})
    at.blocked(lab, "starrocks.volume.not_ready", name, "60", sync_properties=DROPS)
    labs.stop(lab)


@pytest.mark.parametrize("key", ["canary", "stranger", "target"])
def test_credentials_that_cannot_read_the_bucket(at: Refusals, lake: LabClient, key: str) -> None:
    users = lake.describe["s3"]["users"]
    credentials = dict(KEYS)
    if key != "canary":
        credentials = {f"aws.s3.{name}": users[key][name] for name in ("access_key", "secret_key")}
    given: Options = {"credentials": {"*": credentials}, "check_buckets": True, "bucket_timeout": "5s"}
    result = at.refused(lake, "storage_volume_mirror", "lake_a", "s3://lab-source-a", **given)
    assert result["code"] == "starrocks.mirror_refused"
    assert {one["status"] for one in result["buckets"]} == {"unreadable"}


def test_no_credentials_for_volumes_that_hide_theirs(at: Refusals, lake: LabClient) -> None:
    at.refused(lake, "storage_volume_mirror", "lake_a", "credentials", check_buckets=True)


def test_a_destination_that_does_not_exist(at: Refusals, lake: LabClient) -> None:
    given: Options = {"credentials": {"*": KEYS}, "target_cluster_storage_volume": "nowhere"}
    at.refused(lake, "storage_volume_mirror", "nowhere does not exist on the target", **given)


# ---- secrets where none belongs


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("module", "option", "value"),
    [
        ("preflight", "sync_properties", {"source_cluster_password": CANARIES["password"]}),
        ("preflight", "sync_properties", {"source_cluster_token": CANARIES["token"]}),
        ("storage_volume_mirror", "properties", {"*": {"aws.s3.secret_key": CANARIES["secret"]}}),
        ("storage_volume_mirror", "credentials", {"*": CANARIES["secret"]}),
        ("frontend_config", "settings", [{"key": "aws_s3_secret_key", "value": CANARIES["secret"]}]),
        ("migration_info", "source_settings", [{"key": "aws_s3_secret_key", "value": CANARIES["secret"]}]),
        ("info", "frontends", [f"mysql://root:{CANARIES['password']}@fe-0:9030"]),
    ],
)
def test_secrets_that_do_not_belong_there(
    at: Refusals, plain: LabClient, module: str, option: str, value: t.Any, as_text: bool
) -> None:
    given = json.dumps(value) if as_text else value
    at.refused(plain, module, option, contact=False, **{option: given})
