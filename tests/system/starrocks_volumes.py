# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the storage volume modules against a lab with an S3 server."""

from __future__ import annotations

import json
import typing as t

from lab.client import LabClient
from system.starrocks_modules import SMALL, Result, connection, finish, start

LAKE = {**SMALL, "profile": "4.1", "mode": "shared_data", "tables": 4}
MASKED = "********"


def keys(lab: LabClient, user: str = "source") -> dict[str, str]:
    found = lab.describe["s3"]["users"][user]
    return {"aws.s3.access_key": found["access_key"], "aws.s3.secret_key": found["secret_key"]}


def volume(lab: LabClient, check: bool = False, **options: t.Any) -> Result:
    return finish(start("storage_volume", {**connection(lab, "target"), **options}, check))


def mirror(lab: LabClient, check: bool = False, **options: t.Any) -> Result:
    both = {**connection(lab), **connection(lab, "target", "target_")}
    if options.get("state") == "absent":
        both = connection(lab, "target", "target_")
    return finish(start("storage_volume_mirror", {**both, **options}, check))


def masked(requests: t.Iterable[str], lab: LabClient) -> list[str]:
    """What was sent, as results show it."""
    secrets = [value for user in lab.describe["s3"]["users"].values() for value in user.values() if value != []]
    found = []
    for request in requests:
        for secret in filter(None, (one for one in secrets if isinstance(one, str))):
            request = request.replace(secret, MASKED)
        found.append(request)
    return found


def told(result: Result) -> list[str]:
    return [change["request"] for change in result["changes"]]


def one(lab: LabClient, **more: t.Any) -> str:
    properties = {"aws.s3.region": "us-east-1", "aws.s3.endpoint": lab.describe["s3"]["endpoint"]}
    made = {"name": "extra", "type": "S3", "locations": ["s3://lab-target/extra"], "properties": properties, **more}
    return json.dumps([made])
