# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which volumes are mirrored, under which definition, and everything that stands against it."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_mirror as mirrors
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_use as uses
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import BUILTIN, Volume

VERSION = parse_version("4.1.0")
assert VERSION is not None
PROFILE = Profile.choose(VERSION, "shared_data")
KEYS = {known.ACCESS_KEY: "a", known.SECRET_KEY: "s"}
PARAMS = {known.REGION: "r", known.PARTITIONED_PREFIX: "true", known.PARTITIONED_PREFIX_NUMBER: "256"}
SOURCE = Volume("hot", "S3", ("s3://b",), PARAMS, frozenset(KEYS), enabled=False, is_default=True, comment="theirs")
USE = uses.Use("hot", ("d.t",))
RULES = uses.Destinations()


def mirror(source: Volume = SOURCE, **more: t.Any) -> mirrors.Mirror:
    given = {"destinations": RULES, "profile": PROFILE, "credentials": {"*": KEYS}, "overrides": {}, **more}
    return mirrors.mirror_of(uses.Use(source.name, ("d.t",)), source, **given)


def test_the_mirror_reads_the_same_place_without_prefixes() -> None:
    wanted = mirror().wanted
    assert (wanted.name, wanted.type, wanted.locations) == ("src_hot", "S3", ("s3://b",))
    assert wanted.properties == {known.REGION: "r", known.PARTITIONED_PREFIX: "false"}
    assert wanted.credentials == KEYS
    assert wanted.enabled and not wanted.default and wanted.comment


def test_an_access_key_takes_the_place_of_a_role() -> None:
    params = {known.INSTANCE_PROFILE: "true", known.ROLE: "arn", known.EXTERNAL_ID: "x", known.REGION: "r"}
    source = dataclasses.replace(SOURCE, params=params, hidden=frozenset())
    properties = mirror(source).wanted.properties
    assert properties[known.INSTANCE_PROFILE] == "false" and known.ROLE not in properties
    assert mirror(source, credentials={}).wanted.properties[known.ROLE] == "arn"
    assert list(mirrors.mirror_problems(mirror(source, credentials={}))) == []


def test_overrides_of_one_volume_come_after_those_of_all() -> None:
    overrides = {"*": {known.ENDPOINT: "e", known.REGION: "x"}, "hot": {known.REGION: "y"}, "cold": {known.REGION: "z"}}
    properties = mirror(overrides=overrides).wanted.properties
    assert (properties[known.ENDPOINT], properties[known.REGION]) == ("e", "y")
    prefix = {"*": {known.PARTITIONED_PREFIX: "true"}}
    assert mirror(overrides=prefix).wanted.properties[known.PARTITIONED_PREFIX] == "false"


def test_other_types_get_no_prefix_property() -> None:
    source = dataclasses.replace(SOURCE, type="HDFS", params={"username": "u"}, hidden=frozenset())
    assert mirror(source, credentials={}).wanted.properties == {"username": "u"}


def test_hidden_credentials_must_be_given() -> None:
    (problem,) = mirrors.mirror_problems(mirror(credentials={}))
    assert "aws.s3.access_key, aws.s3.secret_key, which no server tells" in problem and "credentials[hot]" in problem
    assert list(mirrors.mirror_problems(mirror())) == []


def test_credentials_of_another_kind_are_refused() -> None:
    (problem,) = mirrors.mirror_problems(mirror(credentials={"hot": {**KEYS, "azure.blob.sas_token": "x"}}))
    assert "has no azure.blob.sas_token" in problem


def test_a_property_that_the_source_tells_may_be_new() -> None:
    source = dataclasses.replace(SOURCE, params={**SOURCE.params, "aws.s3.brand_new": "x"})
    assert list(mirrors.mirror_problems(mirror(source))) == []
    assert mirror(source).wanted.properties["aws.s3.brand_new"] == "x"
    (problem,) = mirrors.mirror_problems(mirror(source, overrides={"hot": {"aws.s3.brandnew": "x"}}))
    assert "has no aws.s3.brandnew" in problem


@pytest.mark.parametrize(("length", "count"), [(60, 0), (61, 1)])
def test_the_longest_name(length: int, count: int) -> None:
    use = uses.Use("v" * length, ("d.t",) * 5)
    problems = list(mirrors.use_problems(use, dataclasses.replace(SOURCE, name=use.volume)))
    assert len(problems) == count
    if count:
        assert "61 characters, and 60 is the most" in problems[0] and "and 2 more tables" in problems[0]


def test_a_volume_that_cannot_be_described() -> None:
    (problem,) = mirrors.use_problems(USE, None)
    assert "used by d.t, cannot be described" in problem


@pytest.mark.parametrize(
    ("rules", "destination"),
    [
        (uses.Destinations(), "hot"),
        (uses.Destinations(volume="all"), "all"),
        (uses.Destinations(builtin_only=True, volume="all"), BUILTIN),
    ],
)
def test_the_three_rules_of_the_destination(rules: uses.Destinations, destination: str) -> None:
    found = [mirror(destinations=rules), mirror(dataclasses.replace(SOURCE, name="cold"), destinations=rules)]
    assert found[0].destination == destination
    there = dataclasses.replace(SOURCE, enabled=True)
    assert mirrors.destination_problems(found, rules, {"hot": there, "cold": there, "all": there, BUILTIN: there}) == []
    missing = mirrors.destination_problems(found, rules, {})
    assert len(missing) == (2 if destination == "hot" else 1)
    assert all("does not exist on the target" in problem for problem in missing)
    assert (rules.volume or "2 tables" not in missing[0]) or "2 tables" in missing[0]


def test_a_disabled_destination() -> None:
    (problem,) = mirrors.destination_problems([mirror()], RULES, {"hot": SOURCE})
    assert "is disabled" in problem


@pytest.mark.parametrize(
    ("asked", "default", "found", "told"),
    [
        ("lake", "", dataclasses.replace(SOURCE, enabled=True), ""),
        ("", "main", dataclasses.replace(SOURCE, enabled=True), ""),
        ("lake_typo", "", None, "lake_typo does not exist on the target"),
        ("lake", "", SOURCE, "lake on the target, where all tables are to be made (target_cluster_storage_volume)"),
        ("", "", None, "no default storage volume"),
    ],
)
def test_where_tables_of_a_shared_nothing_source_go(
    asked: str, default: str, found: t.Optional[Volume], told: str
) -> None:
    problems = list(mirrors.table_volume_problems(asked, default, found))
    assert len(problems) == (1 if told else 0) and told in "".join(problems)


def config(*rows: t.Tuple[str, str, str, t.Any]) -> Rows:
    return Rows(("TABLE_SCHEMA", "TABLE_NAME", "TABLE_ENGINE", "PROPERTIES"), rows)


class Source:
    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        self.asked.append(sql)
        if sql == uses.TABLES_CONFIG:
            return self.rows
        text = 'CREATE TABLE `t` (...) PROPERTIES (\n"storage_volume" = "cold",\n"x" = "y")' if "`told`" in sql else "x"
        return Rows(("Table", "Create Table"), (("t", text),))


def test_the_volumes_in_use_of_the_selected_tables() -> None:
    rows = config(
        ("d", "b", "CLOUD_NATIVE", json.dumps({"storage_volume": "hot"})),
        ("d", "a", "CLOUD_NATIVE", json.dumps({"x": 1, "storage_volume": "hot"})),
        # Its data is never migrated, so its volume needs neither credentials nor a destination.
        ("d", "mv", "CLOUD_NATIVE_MATERIALIZED_VIEW", json.dumps({"storage_volume": "views"})),
        ("d", "told", "CLOUD_NATIVE", "{}"),
        ("d", "silent", "CLOUD_NATIVE", None),
        ("d", "sn", "OLAP", "{}"),
        ("e", "other", "CLOUD_NATIVE", json.dumps({"storage_volume": "elsewhere"})),
        ("sys", "x", "CLOUD_NATIVE", json.dumps({"storage_volume": "system"})),
    )
    source = Source(rows)
    found = uses.read_uses(source, Scope(exclude=frozenset({"e"})))
    assert found == [
        uses.Use(BUILTIN, ("d.silent",)),
        uses.Use("cold", ("d.told",)),
        uses.Use("hot", ("d.a", "d.b")),
    ]
    assert len(source.asked) == 3


@pytest.mark.parametrize("text", ["", None, "no json", "[]", '{"storage_volume": null}'])
def test_properties_that_name_no_volume(text: t.Optional[str]) -> None:
    assert uses.volume_of_properties(text) == ""
