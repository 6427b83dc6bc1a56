# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage volumes as servers show them, their names, and what is compared of them."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import (
    BUILTIN,
    decode_params,
    decode_volume,
    mirror_name,
    name_problem,
)

PARAMS = {
    "aws.s3.access_key": "******",
    "aws.s3.secret_key": "******",
    "aws.s3.endpoint": "endpoint",
    "aws.s3.region": "us-west-2",
    "aws.s3.use_instance_profile": "false",
}


def row(**more: t.Any) -> t.Dict[str, t.Any]:
    return {
        "name": "v",
        "type": "s3",
        "isdefault": "false",
        "location": "s3://one, s3://two/path",
        "params": json.dumps(PARAMS, separators=(",", ":")),
        "enabled": "true",
        "comment": "text",
        **more,
    }


def test_a_row_is_decoded_by_name_and_secrets_stay_out() -> None:
    volume = decode_volume(row())
    assert volume.type == "S3"
    assert volume.locations == ("s3://one", "s3://two/path")
    assert volume.hidden == {"aws.s3.access_key", "aws.s3.secret_key"}
    assert volume.params == {key: value for key, value in PARAMS.items() if value != "******"}
    assert volume.enabled and not volume.is_default and volume.comment == "text"


def test_a_secret_that_the_server_shows_in_clear_is_taken_out() -> None:
    shown = {"azure.adls2.oauth2_client_secret": "in clear", "password": "in clear too", "azure.adls2.endpoint": "e"}
    volume = decode_volume(row(type="ADLS2", params=json.dumps(shown)))
    assert volume.params == {"azure.adls2.endpoint": "e"}
    assert "in clear" not in repr(volume) + json.dumps(volume.as_result())


def test_a_value_that_a_newer_server_masks_is_hidden_too() -> None:
    volume = decode_volume(row(params=json.dumps({"aws.s3.new_thing": "******", "aws.s3.region": "r"})))
    assert volume.hidden == {"aws.s3.new_thing"} and volume.params == {"aws.s3.region": "r"}


@given(st.permutations(list(PARAMS)))
def test_the_order_of_the_json_means_nothing(keys: t.List[str]) -> None:
    again = decode_volume(row(params=json.dumps({key: PARAMS[key] for key in keys})))
    assert again.as_state() == decode_volume(row()).as_state()


@pytest.mark.parametrize("text", ["no json with secret", "[1]", '"secret"'])
def test_what_is_no_mapping_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(MigrationError) as caught:
        decode_volume(row(params=text))
    assert caught.value.code == "starrocks.unexpected_answer"
    assert "secret" not in repr(caught.value.as_result())


@pytest.mark.parametrize("text", [None, "", "{}", "\\N", "NULL"])
def test_no_params_are_an_empty_mapping(text: t.Optional[str]) -> None:
    assert decode_params(text) == {}


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("_a", True),
        ("_" + "a" * 63, True),
        ("_" + "a" * 64, False),
        ("__a", False),
        ("_", False),
        ("1a", False),
        ("a-b", False),
        ("", False),
        ("größe", False),
        (BUILTIN, False),
        (mirror_name(BUILTIN), True),
        (mirror_name("a" * 60), True),
        (mirror_name("a" * 61), False),
        (mirror_name("_a"), True),
    ],
)
def test_names(name: str, fits: bool) -> None:
    assert (name_problem(name) == "") is fits


@pytest.mark.parametrize(
    ("wanted", "found", "alike"),
    [
        ("true", "true", True),
        ("TRUE", "true", True),
        ("false", None, True),
        ("", None, True),
        ("true", None, False),
        ("us-east-1", "us-east-1", True),
        ("US-EAST-1", "us-east-1", False),
    ],
)
def test_when_a_property_is_as_wanted(wanted: str, found: t.Optional[str], alike: bool) -> None:
    assert known.same(wanted, found) is alike


def test_the_number_of_prefixes_counts_only_while_they_are_on() -> None:
    off = {known.PARTITIONED_PREFIX: "false", known.PARTITIONED_PREFIX_NUMBER: "256"}
    assert known.same_all(off, {}) == []
    on = {known.PARTITIONED_PREFIX: "true", known.PARTITIONED_PREFIX_NUMBER: "512"}
    found = {known.PARTITIONED_PREFIX: "true", known.PARTITIONED_PREFIX_NUMBER: "256"}
    assert known.same_all(on, found) == [known.PARTITIONED_PREFIX_NUMBER]


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("aws.s3.secret_key", True),
        ("aws.s3.access_key", True),
        ("azure.blob.sas_token", True),
        ("gcp.gcs.service_account_private_key", True),
        ("fs.s3a.secret.key", True),
        ("hadoop.kerberos.password", True),
        ("fs.azure.account.key.x", True),
        ("aws.s3.region", False),
        ("hadoop.security.authentication", False),
        ("aws.s3.iam_role_arn", False),
    ],
)
def test_what_is_a_secret(key: str, secret: bool) -> None:
    assert known.is_secret(key) is secret


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("aws.s3.session_token", "refuse"),
        ("aws.s3.sts.endpoint", "refuse"),
        ("aws.s3.enable_path_style_access", "warn"),
        ("aws.s3.enable_ssl", "warn"),
        ("aws.s3.region", ""),
    ],
)
def test_what_servers_forget(key: str, kept: str) -> None:
    assert known.dropped(key) == kept
