# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3 server (moto's, in a process of its own) with buckets and users whose signatures and policies are checked."""

from __future__ import annotations

import json
import typing as t
import urllib.request
from dataclasses import dataclass

from lab.s3_process import S3Process
from lab.starrocks.state import StorageVolume

REGION = "us-east-1"
BUCKETS = ("lab-source-a", "lab-source-b", "lab-target")
SOURCE, TARGET, STRANGER = "source", "target", "stranger"
RIGHTS = {SOURCE: BUCKETS[:2], TARGET: BUCKETS[2:], STRANGER: ()}
"""user -> the buckets that it may read and write"""


@dataclass(frozen=True)
class Key:
    """A user's access key."""

    access_key: str
    secret_key: str


class S3:
    """``start`` blocks for a second or two, so it is for a thread. ``problem`` judges a storage volume."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.keys: dict[str, Key] = {}
        self._process: S3Process | None = None

    def start(self) -> None:
        """The server runs, with buckets, an object in each, and users."""
        self._process = S3Process()
        self.endpoint = self._process.endpoint
        self._furnish()
        # From here on every request needs a signature and a right.
        request = urllib.request.Request(
            self.endpoint + "/moto-api/reset-auth", data=b"0", headers={"content-type": "text/plain"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def _client(self, service: str) -> t.Any:
        import boto3  # only here: it costs the lab's start 0.2 s

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="first",
            aws_secret_access_key="first",
        )

    def _furnish(self) -> None:
        storage, iam = self._client("s3"), self._client("iam")
        for bucket in BUCKETS:
            storage.create_bucket(Bucket=bucket)
            storage.put_object(Bucket=bucket, Key="data/first", Body=b"a file of StarRocks")
        for user, buckets in RIGHTS.items():
            iam.create_user(UserName=user)
            resources = [text % bucket for bucket in buckets for text in ("arn:aws:s3:::%s", "arn:aws:s3:::%s/*")]
            if resources:
                statement = {"Effect": "Allow", "Action": "s3:*", "Resource": resources}
                document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
                iam.put_user_policy(UserName=user, PolicyName="buckets", PolicyDocument=document)
            made = iam.create_access_key(UserName=user)["AccessKey"]
            self.keys[user] = Key(made["AccessKeyId"], made["SecretAccessKey"])

    def params(self, user: str) -> dict[str, str]:
        """What a storage volume of these buckets says, as the server stores it."""
        key = self.keys[user]
        return {
            "aws.s3.region": REGION,
            "aws.s3.endpoint": self.endpoint,
            "aws.s3.use_aws_sdk_default_behavior": "false",
            "aws.s3.use_instance_profile": "false",
            "aws.s3.access_key": key.access_key,
            "aws.s3.secret_key": key.secret_key,
        }

    def problem(self, volume: StorageVolume) -> str:
        """Why the volume's credentials cannot read its bucket, in the S3 server's words; empty when they can."""
        if volume.params.get("aws.s3.endpoint", "").rstrip("/") != self.endpoint:
            return "Could not connect to the endpoint %s" % volume.params.get("aws.s3.endpoint", "")
        asked = volume.params.get("aws.s3.access_key", "")
        user = next((name for name, key in self.keys.items() if key.access_key == asked), "")
        if not user:
            return "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records."
        if self.keys[user].secret_key != volume.params.get("aws.s3.secret_key", ""):
            return "SignatureDoesNotMatch: The request signature we calculated does not match."
        bucket = volume.locations[0].partition("://")[2].partition("/")[0]
        return "" if bucket in RIGHTS[user] else "AccessDenied: Access Denied"

    def describe(self) -> dict[str, t.Any]:
        """What the describe file tells of it; the source's key at the top, as whoever migrates has it."""
        return {
            "endpoint": self.endpoint,
            "region": REGION,
            "buckets": list(BUCKETS),
            "access_key": self.keys[SOURCE].access_key,
            "secret_key": self.keys[SOURCE].secret_key,
            "users": {
                user: {"access_key": key.access_key, "secret_key": key.secret_key, "buckets": list(RIGHTS[user])}
                for user, key in self.keys.items()
            },
        }

    def close(self) -> None:
        """End the server."""
        if self._process is not None:
            self._process.close()
            self._process = None
