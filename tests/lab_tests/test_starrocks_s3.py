# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's S3 server checks signatures and rights, and judges volumes as it does requests."""

from __future__ import annotations

import typing as t

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.starrocks.s3 import REGION, S3
from lab.starrocks.state import StorageVolume

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def s3() -> t.Iterator[S3]:
    """A running server."""
    server = S3()
    server.start()
    yield server
    server.close()


def _list(s3: S3, access_key: str, secret_key: str, bucket: str) -> str:
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}),
    )
    try:
        return "" if client.list_objects_v2(Bucket=bucket)["KeyCount"] else "empty"
    except ClientError as error:
        return str(error.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("user", "secret", "bucket", "code"),
    [
        ("source", "", "lab-source-a", ""),
        ("source", "", "lab-target", "AccessDenied"),
        ("stranger", "", "lab-source-a", "AccessDenied"),
        ("source", "wrong", "lab-source-a", "SignatureDoesNotMatch"),
        ("nobody", "x", "lab-source-a", "InvalidAccessKeyId"),
    ],
)
def test_server_and_judgement_agree(s3: S3, user: str, secret: str, bucket: str, code: str) -> None:
    key = s3.keys.get(user)
    access_key = key.access_key if key else "AKIA0000000000000000"
    secret_key = secret or (key.secret_key if key else "")
    assert _list(s3, access_key, secret_key, bucket) == code
    params = {**s3.params("source"), "aws.s3.access_key": access_key, "aws.s3.secret_key": secret_key}
    volume = StorageVolume(1, "v", "S3", ["s3://%s/path" % bucket], params)
    assert s3.problem(volume).partition(":")[0] == code
