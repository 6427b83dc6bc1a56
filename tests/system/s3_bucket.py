# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3 store for journals, with a key whose secret must not be seen anywhere."""

from __future__ import annotations

import contextlib
import typing as t

import boto3

from lab.s3_process import S3Process

ACCESS_KEY = "AKIAEXAMPLE"
SECRET_KEY = "canary-of-the-bucket"
BUCKET = "migrations"


class Bucket:
    """The bucket ``migrations`` of a store of its own."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        self._client.create_bucket(Bucket=BUCKET)

    @property
    def credential(self) -> dict[str, str]:
        """The inputs of the credential that leads here."""
        return {
            "s3_endpoint_url": self.endpoint,
            "s3_region": "us-east-1",
            "s3_access_key": ACCESS_KEY,
            "s3_secret_key": SECRET_KEY,
        }

    def put(self, key: str, body: bytes) -> None:
        """Lay an object into it."""
        self._client.put_object(Bucket=BUCKET, Key=key, Body=body)

    @property
    def text(self) -> str:
        """All that lies in it."""
        listed = self._client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        bodies = [self._client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed]
        return b"".join(bodies).decode()


@contextlib.contextmanager
def serving() -> t.Iterator[Bucket]:
    """A store that runs."""
    server = S3Process()
    try:
        yield Bucket(server.endpoint)
    finally:
        server.close()
