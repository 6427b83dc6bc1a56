# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

"""The journal on a real S3 server (moto's), over HTTP, with boto3."""

import socket
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_s3 import S3Options, make_client
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from lab.s3_process import S3Process

LOCATION = "s3://migrations/runs/one"


@pytest.fixture(scope="module")
def options() -> t.Iterator[S3Options]:
    server = S3Process()
    yield S3Options(server.endpoint, "eu-central-1", "AKIAEXAMPLE", "secret-of-the-lab")
    server.close()


@pytest.fixture
def bucket(options: S3Options) -> t.Iterator[t.Any]:
    client = make_client(options)
    client.create_bucket(Bucket="migrations", CreateBucketConfiguration={"LocationConstraint": options.region})
    yield client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="migrations"):
        for item in page.get("Contents", []):
            client.delete_object(Bucket="migrations", Key=item["Key"])
    client.delete_bucket(Bucket="migrations")


def open_journal(options: S3Options, location: str = LOCATION, **kwargs: t.Any) -> Journal:
    settings: t.Dict[str, t.Any] = {"migration_id": "m1", "engine": "greptimedb", **kwargs}
    return Journal.open(location, clock=SystemClock(), redactor=Redactor([options.secret_key]), s3=options, **settings)


def keys(client: t.Any) -> t.List[str]:
    return [item["Key"] for item in client.list_objects_v2(Bucket="migrations").get("Contents", [])]


def test_append_reopen_read(bucket: t.Any, options: S3Options) -> None:
    with open_journal(options) as journal:
        journal.append_many([("note", {"text": str(number)}) for number in range(200)])
        journal.append("note", {"text": f"key {options.secret_key}"})
        entries = list(journal.entries)
    assert keys(bucket) == [
        "runs/one/000000000000.jsonl",
        "runs/one/000000000001.jsonl",
        "runs/one/000000000201.jsonl",
        "runs/one/head.json",
    ]
    view = Journal.read(LOCATION, s3=options)
    assert list(view.entries) == entries
    assert view.problems == ()
    with open_journal(options) as journal:
        assert journal.entries == entries
        journal.append("note", {"text": "the next run"})
    assert Journal.read(LOCATION, s3=options).valid
    bodies = [bucket.get_object(Bucket="migrations", Key=key)["Body"].read() for key in keys(bucket)]
    assert options.secret_key.encode() not in b"".join(bodies)


def test_the_store_refuses_to_overwrite(bucket: t.Any, options: S3Options) -> None:
    first, second = open_journal(options), open_journal(options)
    first.append("note", {"text": "first"})
    with pytest.raises(MigrationError) as caught:
        second.append("note", {"text": "second"})
    assert caught.value.code == "journal.conflict"
    first.append("note", {"text": "goes on"})
    assert [entry.data.get("text") for entry in Journal.read(LOCATION, s3=options).entries] == [
        None,
        "first",
        "goes on",
    ]


def test_a_deleted_object_is_noticed(bucket: t.Any, options: S3Options) -> None:
    with open_journal(options) as journal:
        journal.append("note", {"text": "a"})
        journal.append("note", {"text": "b"})
    for number in (2, 1):
        bucket.delete_object(Bucket="migrations", Key=f"runs/one/{number:012d}.jsonl")
        with pytest.raises(MigrationError) as caught:
            open_journal(options)
        assert caught.value.code == "journal.truncated"


def test_of_another_migration(bucket: t.Any, options: S3Options) -> None:
    open_journal(options).close()
    with pytest.raises(MigrationError) as caught:
        open_journal(options, migration_id="m2")
    assert caught.value.code == "journal.other_migration"


def test_none_there(bucket: t.Any, options: S3Options) -> None:
    for use in (lambda: Journal.read(LOCATION, s3=options), lambda: open_journal(options, create=False)):
        with pytest.raises(MigrationError) as caught:
            use()
        assert caught.value.code == "journal.missing"
    assert keys(bucket) == []


def test_no_such_bucket(options: S3Options) -> None:
    with pytest.raises(MigrationError) as caught:
        open_journal(options, "s3://absent/run")
    assert caught.value.code == "journal.not_accessible"
    assert "NoSuchBucket" in caught.value.message


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = S3Options(f"http://127.0.0.1:{taken.getsockname()[1]}", "eu-central-1", "a", "secret-of-the-lab")
        with pytest.raises(MigrationError) as caught:
            open_journal(dead)
    assert caught.value.code == "journal.not_accessible"
    assert "s3_endpoint_url" in caught.value.message
    assert dead.secret_key not in caught.value.message
