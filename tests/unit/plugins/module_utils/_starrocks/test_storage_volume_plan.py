# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent so that storage volumes are as wanted, and what is refused before anything is."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import BUILTIN, Volume, Wanted

CREDENTIALS = {known.ACCESS_KEY: "AKIA-of-test", known.SECRET_KEY: 'se"cr\\et'}
WANTED = Wanted("v", "S3", ("s3://b/p",), {known.REGION: "r"}, CREDENTIALS)
FOUND = Volume("v", "S3", ("s3://b/p",), {known.REGION: "r", known.INSTANCE_PROFILE: "false"}, frozenset(CREDENTIALS))


def plan(wanted: Wanted, found: t.Optional[Volume], update: str = plans.ON_CREATE, default: str = "") -> plans.Plan:
    return plans.plan_present("7", [wanted], {wanted.name: found}, update, default)


def test_a_volume_that_is_missing_is_created_with_enabled_and_masked_in_what_is_shown() -> None:
    (step,) = plan(WANTED, None).steps
    assert step.sql == (
        'CREATE STORAGE VOLUME `v` TYPE = S3 LOCATIONS = ("s3://b/p") PROPERTIES ("enabled" = "true", '
        '"aws.s3.region" = "r", "aws.s3.access_key" = "AKIA-of-test", "aws.s3.secret_key" = "se\\"cr\\\\et")'
    )
    assert step.change.resource == "starrocks:7/storage_volume/v"
    assert step.change.before is None
    assert '"aws.s3.secret_key" = "********"' in step.change.request
    for secret in CREDENTIALS.values():
        assert secret not in repr(step) + repr(step.change)


def test_what_is_as_wanted_needs_nothing() -> None:
    assert plan(WANTED, FOUND) == plans.Plan()


def test_credentials_are_never_compared_and_written_only_when_asked() -> None:
    (step,) = plan(WANTED, FOUND, plans.ALWAYS).steps
    assert step.sql == (
        'ALTER STORAGE VOLUME `v` SET ("aws.s3.access_key" = "AKIA-of-test", "aws.s3.secret_key" = '
        '"se\\"cr\\\\et", "enabled" = "true")'
    )
    assert step.change.after["credentials"] == "written anew"


def test_only_what_differs_is_altered_and_credentials_are_left() -> None:
    (step,) = plan(dataclasses.replace(WANTED, properties={known.REGION: "x"}, comment="c"), FOUND).steps
    assert step.sql == ('ALTER STORAGE VOLUME `v` SET ("aws.s3.region" = "x", "enabled" = "true"), COMMENT = "c"')
    assert step.change.after["params"] == {known.REGION: "x", known.INSTANCE_PROFILE: "false"}


def test_a_comment_alone_needs_no_set() -> None:
    (step,) = plan(dataclasses.replace(WANTED, comment="c"), FOUND).steps
    assert step.sql == 'ALTER STORAGE VOLUME `v` COMMENT = "c"'
    assert plan(dataclasses.replace(WANTED, comment=""), FOUND) == plans.Plan()


def test_a_volume_is_disabled_but_not_the_default_one() -> None:
    off = dataclasses.replace(WANTED, enabled=False)
    (step,) = plan(off, FOUND).steps
    assert step.sql == 'ALTER STORAGE VOLUME `v` SET ("enabled" = "false")'
    refused = plan(off, dataclasses.replace(FOUND, is_default=True))
    assert "cannot be disabled" in refused.problems[0]
    assert "while it is disabled" in plan(dataclasses.replace(off, default=True), FOUND).problems[0]


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ({"type": "HDFS"}, "type"),
        ({"locations": ("s3://b/other",)}, "locations"),
        ({"locations": ("s3://b/p", "s3://c")}, "locations"),
        ({"properties": {known.PARTITIONED_PREFIX: "true"}}, known.PARTITIONED_PREFIX),
    ],
)
def test_what_cannot_be_altered_is_refused_with_the_way_out(wanted: t.Dict[str, t.Any], word: str) -> None:
    (problem,) = plan(dataclasses.replace(WANTED, **wanted), FOUND).problems
    assert word in problem and "cannot be altered" in problem and "drop it first" in problem


def test_a_slash_at_the_end_is_no_other_location() -> None:
    assert plan(dataclasses.replace(WANTED, locations=("s3://b/p/",)), FOUND) == plans.Plan()


def test_a_volume_without_type_or_locations_can_be_altered_and_not_created() -> None:
    bare = Wanted("v", properties={known.REGION: "r"})
    assert plan(bare, FOUND) == plans.Plan()
    assert "needs a type and locations" in plan(bare, None).problems[0]


def test_the_default_is_set_last_and_only_once() -> None:
    wanted = [dataclasses.replace(WANTED, default=True), dataclasses.replace(WANTED, name="w")]
    steps = plans.plan_present("7", wanted, {}, default="old").steps
    assert [step.change.action for step in steps] == ["create", "create", "set_default"]
    assert steps[-1].sql == "SET `v` AS DEFAULT STORAGE VOLUME"
    assert (steps[-1].change.before, steps[-1].change.after) == ({"default": "old"}, {"default": "v"})
    assert plan(wanted[0], dataclasses.replace(FOUND, is_default=True)) == plans.Plan()


def test_dropping() -> None:
    found = {"v": FOUND, "gone": None}
    (step,) = plans.plan_absent("7", ["v", "gone"], found).steps
    assert step.sql == "DROP STORAGE VOLUME `v`" and step.change.after is None
    default = plans.plan_absent("7", ["v"], {"v": dataclasses.replace(FOUND, is_default=True)})
    assert not default.steps and "default volume" in default.problems[0]
    builtin = plans.plan_absent("7", [BUILTIN], {BUILTIN: dataclasses.replace(FOUND, name=BUILTIN)})
    assert not builtin.steps and "fe.conf" in builtin.problems[0]


def test_a_created_volume_is_known_again_though_the_server_adds_properties() -> None:
    (step,) = plan(dataclasses.replace(WANTED, properties={**WANTED.properties, known.FIXED[0]: "false"}), None).steps
    assert plans.is_as(step.change.after, FOUND)
    assert not plans.is_as(step.change.after, None)
    assert not plans.is_as(step.change.after, dataclasses.replace(FOUND, comment="theirs"))
    assert not plans.is_as(step.change.after, dataclasses.replace(FOUND, params={known.REGION: "theirs"}))
    assert plans.is_as(None, None) and not plans.is_as(None, FOUND)
