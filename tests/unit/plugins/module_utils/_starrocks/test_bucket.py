# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look into a bucket: what each refusal means, and that it always ends."""

from __future__ import annotations

import io
import threading
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks import bucket
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known

KEYS = {known.ACCESS_KEY: "a", known.SECRET_KEY: "s", known.ENDPOINT: "http://store"}


class Refusal(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


class Store:
    def __init__(self, objects: t.Sequence[t.Dict[str, t.Any]] = (), listing: str = "", reading: str = "") -> None:
        self.objects = list(objects)
        self.listing = listing
        self.reading = reading
        self.calls: t.List[t.Dict[str, t.Any]] = []

    def list_objects_v2(self, **call: t.Any) -> t.Dict[str, t.Any]:
        self.calls.append(call)
        if self.listing:
            raise Refusal(self.listing)
        return {"Contents": self.objects} if self.objects else {}

    def get_object(self, **call: t.Any) -> t.Dict[str, t.Any]:
        self.calls.append(call)
        if self.reading:
            raise Refusal(self.reading)
        return {"Body": io.BytesIO(b"x")}


def look(store: Store, location: str = "s3://b/p") -> bucket.Look:
    (found,) = bucket.look_into("S3", [location], KEYS, 5, lambda *_given: store)
    return found


def test_an_object_is_listed_and_one_byte_of_it_is_read() -> None:
    store = Store([{"Key": "p/empty", "Size": 0}, {"Key": "p/full", "Size": 9}])
    assert look(store) == bucket.Look("s3://b/p", bucket.READABLE)
    assert store.calls[0]["Prefix"] == "p/" and store.calls[0]["Bucket"] == "b"
    assert store.calls[1] == {"Bucket": "b", "Key": "p/full", "Range": "bytes=0-0"}


def test_a_place_without_an_object_is_told() -> None:
    store = Store()
    assert look(store, "s3://b/").status == bucket.EMPTY
    assert store.calls[0]["Prefix"] == ""


@pytest.mark.parametrize(
    ("listing", "reading", "words"),
    [
        ("InvalidAccessKeyId", "", "does not accept the access key"),
        ("SignatureDoesNotMatch", "", "does not accept the access key"),
        ("NoSuchBucket", "", "there is no bucket b"),
        ("AccessDenied", "", "may not list or read b/p"),
        ("", "AccessDenied", "may not list or read b/p"),
        ("PermanentRedirect", "", "another region or endpoint"),
        ("SlowDown", "", "the store refused it"),
    ],
)
def test_what_a_refusal_means(listing: str, reading: str, words: str) -> None:
    found = look(Store([{"Key": "p/x", "Size": 1}], listing, reading))
    assert found.status == bucket.UNREADABLE and words in found.reason


def test_a_refusal_tells_more_than_a_name_that_nobody_has() -> None:
    def connect(_properties: t.Any, way: bucket.Way, _seconds: float) -> Store:
        if way[1] == "virtual":
            raise OSError("no such host")
        return Store(listing="InvalidAccessKeyId")

    (found,) = bucket.look_into("S3", ["s3://b"], KEYS, 5, connect)
    assert "does not accept the access key" in found.reason


def test_a_store_that_takes_only_one_of_the_two_ways() -> None:
    def connect(_properties: t.Any, way: bucket.Way, _seconds: float) -> Store:
        return Store([{"Key": "p/x", "Size": 1}]) if way[1] == "virtual" else Store(listing="400")

    assert bucket.look_into("S3", ["s3://b"], KEYS, 5, connect)[0].status == bucket.READABLE


def test_it_never_hangs() -> None:
    release = threading.Event()

    def connect(*_given: t.Any) -> Store:
        release.wait(60)
        return Store()

    begun = time.monotonic()
    found = bucket.look_into("S3", ["s3://b", "s3://c"], KEYS, 0.1, connect)
    release.set()
    assert time.monotonic() - begun < 5
    assert [one.status for one in found] == [bucket.UNREADABLE] * 2 and "nothing was answered" in found[0].reason


@pytest.mark.parametrize(
    ("kind", "properties"),
    [("HDFS", KEYS), ("S3", {}), ("S3", {**KEYS, known.ROLE: "arn"}), ("S3", {known.INSTANCE_PROFILE: "true"})],
)
def test_what_cannot_be_looked_into_is_said(kind: str, properties: t.Dict[str, str]) -> None:
    (found,) = bucket.look_into(kind, ["s3://b"], properties, 5)
    assert found.status == bucket.NOT_CHECKED and found.reason


@pytest.mark.parametrize(
    ("endpoint", "ways"),
    [
        ("", [("", "auto")]),
        ("https://s3.eu-west-1.amazonaws.com", [("https://s3.eu-west-1.amazonaws.com", "auto")]),
        ("http://minio:9000", [("http://minio:9000", "path"), ("http://minio:9000", "virtual")]),
    ],
)
def test_the_ways_to_a_store(endpoint: str, ways: t.List[bucket.Way]) -> None:
    assert list(bucket.ways(endpoint)) == ways
    assert [way[0] for way in bucket.ways("minio:9000")[::2]] == ["https://minio:9000", "http://minio:9000"]


def test_places() -> None:
    assert bucket.Place.of("s3://b/p/q/") == bucket.Place("b", "p/q")
    assert bucket.Place.of("s3://b") == bucket.Place("b", "")
