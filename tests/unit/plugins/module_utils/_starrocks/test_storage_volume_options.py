# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the storage volume modules: all problems at once, and no secret in any of them."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_options as options
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_credentials import volume_redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_task import version_problems

VOLUME = {"name": "v", "type": "s3", "locations": ["s3://b/p"], "properties": {"aws.s3.region": "r"}}
KEYS = {"aws.s3.access_key": "the-access-key", "aws.s3.secret_key": "the-secret-key"}


def read(*volumes: t.Any, **more: t.Any) -> options.Options:
    return options.read_options({"volumes": list(volumes), **more})


def refused(*volumes: t.Any, **more: t.Any) -> str:
    with pytest.raises(MigrationError) as caught:
        read(*volumes, **more)
    return caught.value.message


def test_what_is_given_is_what_is_wanted() -> None:
    found = read({**VOLUME, "default": "yes", "comment": ""}, credentials={"*": KEYS})
    assert found.volumes == (
        Wanted("v", "S3", ("s3://b/p",), {"aws.s3.region": "r"}, KEYS, enabled=True, comment="", default=True),
    )


def test_awx_sends_text() -> None:
    text = json.dumps([VOLUME])
    assert (
        options.read_options({"volumes": text, "credentials": json.dumps({"v": KEYS})}).volumes[0].credentials == KEYS
    )
    assert options.read_options({"volumes": "a, b", "state": "absent"}).names == ("a", "b")


def test_own_credentials_come_before_those_for_all() -> None:
    own = {"aws.s3.access_key": "own-access", "aws.s3.secret_key": "own-secret"}
    found = read(VOLUME, {**VOLUME, "name": "w"}, credentials={"*": KEYS, "w": own})
    assert [one.credentials for one in found.volumes] == [KEYS, own]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "a" * 65}, "65 characters"),
        ({"name": "builtin_storage_volume"}, "reserved"),
        ({"name": ""}, "text is missing"),
        ({"type": "S4"}, "S4 is no type"),
        ({"locations": ["gs://b"]}, "no location of type S3"),
        ({"locations": ["s3://"]}, "no location of type S3"),
        ({"properties": {"aws.s3.regoin": "r"}}, "no property aws.s3.regoin"),
        ({"properties": {"aws.s3.secret_key": "the-secret-key"}}, "is a secret"),
        ({"properties": {"aws.s3.session_token": "the-secret-key"}}, "forgets it"),
        ({"properties": {"enabled": True}}, "no property here"),
        ({"properties": {"aws.s3.num_partitioned_prefix": "0"}}, "whole number above 0"),
        ({"properties": {"aws.s3.enable_partitioned_prefix": True}}, "has a path"),
        ({"properties": {"aws.s3.region": ["r"]}}, "no plain value"),
        ({"enabled": "perhaps"}, "neither true nor false"),
        ({"size": 1}, "unknown key"),
    ],
)
def test_one_clear_sentence(change: t.Dict[str, t.Any], words: str) -> None:
    message = refused({**VOLUME, **change})
    assert words in message and "the-secret-key" not in message


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({"v": {"aws.s3.region": "r"}}, "is no secret"),
        ({"v": {"aws.s3.access_key": "a"}}, "aws.s3.secret_key is not given"),
        ({"v": {"aws.s3.session_token": "the-secret-key"}}, "long-term access key"),
        ({"v": {"aws.s3.access_key": "", "aws.s3.secret_key": "the-secret-key"}}, "has no value"),
        ({"w": KEYS}, "w is not in volumes"),
        ({"v": {"azure.blob.sas_token": "the-secret-key"}}, "has no azure.blob.sas_token"),
        ({"v": "the-secret-key"}, "not a mapping"),
        ('{"v": "the-secret-key', "not a mapping"),
    ],
)
def test_credentials_are_checked_and_never_shown(credentials: t.Any, words: str) -> None:
    message = refused(VOLUME, credentials=credentials)
    assert words in message and "the-secret-key" not in message
    if isinstance(credentials, dict) and "the-secret-key" in repr(credentials):
        assert "the-secret-key" not in volume_redactor({"credentials": credentials}).mask("say the-secret-key aloud")


def test_everything_is_told_at_once() -> None:
    message = refused({**VOLUME, "type": "S4"}, {**VOLUME, "name": "a" * 65}, VOLUME, VOLUME, credentials={"x": KEYS})
    for words in ("S4 is no type", "65 characters", "v is given twice", "x is not in volumes"):
        assert words in message


def test_what_servers_forget_is_left_out_with_a_warning() -> None:
    found = read({**VOLUME, "properties": {"aws.s3.enable_path_style_access": True, "aws.s3.region": "r"}})
    assert found.volumes[0].properties == {"aws.s3.region": "r"}
    assert "aws.s3.enable_path_style_access was left out" in found.warnings[0]


def test_no_volume_is_only_fine_when_restoring() -> None:
    assert "there is none" in refused()
    assert read(state="restored").names == ()


def test_two_defaults() -> None:
    assert "more than one" in refused({**VOLUME, "default": True}, {**VOLUME, "name": "w", "default": True})


def test_the_passwords_of_the_connection_are_masked_too() -> None:
    redactor = volume_redactor({"password": "pass-word", "target_password": "word-pass", "credentials": {"*": KEYS}})
    assert "pass" not in redactor.mask("pass-word word-pass") and "the-" not in redactor.mask("the-access-key")


@pytest.mark.parametrize("key", ["aws.s3.secret_key", "aws.s3.session_token"])
@pytest.mark.parametrize("as_text", [False, True])
def test_a_secret_in_the_wrong_place_is_not_shown_for_that(key: str, as_text: bool) -> None:
    for option, value in (
        ("volumes", [{"name": "v", "properties": {key: "hunter2hunter2"}}]),
        ("properties", {"*": {key: "hunter2hunter2"}}),
    ):
        redactor = volume_redactor({option: json.dumps(value) if as_text else value})
        assert redactor.mask("say hunter2hunter2") == "say ********", option


def test_the_text_by_which_old_servers_print_secrets_is_masked() -> None:
    secret = 'qu"ote/and\\back'
    redactor = volume_redactor({"credentials": {"v": {**KEYS, "aws.s3.secret_key": secret}}})
    text = f"Getting analyzing error. Detail message: Storage params is not valid {json.dumps({'k': secret})}."
    assert "ote" not in redactor.mask(text) and "not valid" in redactor.mask(text)


@pytest.mark.parametrize(
    ("version", "properties", "kind", "words"),
    [
        ("3.0.9", {}, "S3", "no storage volumes"),
        ("3.1.0", {}, "S3", ""),
        ("3.1.0", {}, "AZBLOB", "of type AZBLOB"),
        ("3.1.1", {}, "AZBLOB", ""),
        ("3.2.3", {"aws.s3.enable_partitioned_prefix": "false"}, "S3", "even as false"),
        ("3.2.4", {"aws.s3.enable_partitioned_prefix": "false"}, "S3", ""),
        ("3.3.0", {"aws.s3.enable_partitioned_prefix": "false"}, "S3", ""),
        ("3.3.14", {}, "ADLS2", "of type ADLS2"),
        ("3.4.0", {}, "ADLS2", ""),
        ("3.5.1", {}, "GS", "of type GS"),
    ],
)
def test_what_a_version_cannot_do(version: str, properties: t.Dict[str, str], kind: str, words: str) -> None:
    parsed = parse_version(version)
    assert parsed is not None
    problems = version_problems([Wanted("v", kind, (), properties)], Profile.choose(parsed, "shared_data"))
    assert (words in " ".join(problems)) if words else problems == []
