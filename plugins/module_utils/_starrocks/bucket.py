# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether a bucket can be reached and read with the credentials that a storage volume is to get.

The server tests nothing when a volume is created: a wrong key is found only when files are copied, hours later. So the
same key lists one object of the place and reads one byte of it here. Every look ends, whatever the network does.
"""

from __future__ import annotations

import dataclasses
import threading
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known

READABLE, EMPTY, NOT_CHECKED, UNREADABLE = "readable", "empty", "not_checked", "unreadable"

_CREDENTIALS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "AuthFailure")
_PLACE = ("NoSuchBucket", "404", "NotFound")
_REGION = ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "400")


Way = t.Tuple[str, str]
"""The URL of the endpoint ("" for AWS) and how the bucket stands in it: ``auto``, ``path`` or ``virtual``."""
Connect = t.Callable[[t.Mapping[str, str], Way, float], t.Any]
"""Makes an S3 client of properties, a way and seconds."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A bucket and a path in it, without slashes at its ends."""

    bucket: str
    path: str

    @classmethod
    def of(cls, location: str) -> Place:
        """Of ``s3://bucket/path``."""
        bucket, _slash, path = location.partition("://")[2].partition("/")
        return cls(bucket, path.strip("/"))

    def __str__(self) -> str:
        return f"{self.bucket}/{self.path}".rstrip("/")


@dataclasses.dataclass(frozen=True)
class Look:
    """What was seen of one location. ``status`` as above; ``reason`` is a sentence, "" when it is readable."""

    location: str
    status: str
    reason: str = ""

    def as_result(self) -> t.Dict[str, str]:
        """The look in a module's result."""
        return {"location": self.location, "status": self.status, "reason": self.reason}


def not_checkable(volume_type: str, properties: t.Mapping[str, str]) -> str:
    """Why a volume cannot be looked into from here, "" when it can. ``properties`` with the credentials."""
    if volume_type != "S3":
        return f"volumes of type {volume_type} cannot be looked into from here"
    if properties.get(known.ROLE):
        return "the role it assumes belongs to the hosts of the nodes"
    if not (properties.get(known.ACCESS_KEY) and properties.get(known.SECRET_KEY)):
        return "its credentials are those of the hosts of the nodes (no access key)"
    return ""


def look_into(
    volume_type: str,
    locations: t.Sequence[str],
    properties: t.Mapping[str, str],
    seconds: float,
    connect: t.Optional[Connect] = None,
) -> t.List[Look]:
    """A look at each location, all within ``seconds``; ``connect`` makes the S3 clients.

    :raises MigrationError: ``starrocks.boto3_missing``
    """
    why = not_checkable(volume_type, properties)
    if why:
        return [Look(location, NOT_CHECKED, why) for location in locations]
    maker = connect or _client
    if connect is None:
        _require_boto3()
    found: t.Dict[str, Look] = {}

    def work() -> None:
        for location in locations:
            found[location] = _look(location, properties, seconds, maker)

    # A name that does not resolve can hold a thread far beyond every timeout of the library; a daemon holds nobody.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    late = f"nothing was answered within {seconds:g} s; check the endpoint and the network"
    return [found.get(location, Look(location, UNREADABLE, late)) for location in locations]


def _look(location: str, properties: t.Mapping[str, str], seconds: float, connect: Connect) -> Look:
    place = Place.of(location)
    worst: t.Optional[Look] = None
    refused = False
    for way in ways(properties.get(known.ENDPOINT, "")):
        try:
            return _read_one(connect(properties, way, seconds), place, location)
        except Exception as error:  # pylint: disable=broad-except
            # A refusal of the store tells more than a host name that nobody has.
            if worst is None or (_code(error) and not refused):
                worst = Look(location, UNREADABLE, explain(error, place))
                refused = bool(_code(error))
    return worst or Look(location, UNREADABLE, "it was not looked at")


def ways(endpoint: str) -> t.Tuple[Way, ...]:
    """How the store may be spoken to. AWS has one way; others take the bucket in the path, or before the host only.

    An endpoint without ``https://`` may be meant either way, since that is a setting of the nodes.
    """
    if not endpoint:
        return (("", "auto"),)
    urls = [endpoint] if "://" in endpoint else ["https://" + endpoint, "http://" + endpoint]
    if ".amazonaws.com" in endpoint:
        return ((urls[0], "auto"),)
    return tuple((url, style) for url in urls for style in ("path", "virtual"))


def _read_one(client: t.Any, place: Place, location: str) -> Look:
    prefix = place.path + "/" if place.path else ""
    answer = client.list_objects_v2(Bucket=place.bucket, Prefix=prefix, MaxKeys=10)
    objects = answer.get("Contents") or []
    if not objects:
        return Look(location, EMPTY, "it can be listed, but holds no object; check that it is the place of the source")
    filled = [one for one in objects if one.get("Size")] or objects
    wanted: t.Dict[str, t.Any] = {"Bucket": place.bucket, "Key": filled[0]["Key"]}
    if filled[0].get("Size"):
        wanted["Range"] = "bytes=0-0"
    client.get_object(**wanted)["Body"].read(1)
    return Look(location, READABLE)


def explain(error: Exception, place: Place) -> str:
    """One sentence of what is wrong and where to look. It holds no credentials: botocore's texts do not either."""
    code = _code(error)
    if code in _CREDENTIALS:
        return f"the store does not accept the access key ({code}); check the credentials of this volume"
    if code in _PLACE:
        return f"there is no bucket {place.bucket} there ({code}); check location and endpoint"
    if code in ("AccessDenied", "403", "AllAccessDisabled"):
        return f"the access key may not list or read {place} ({code}); grant it both"
    if code in _REGION:
        return f"the store wants another region or endpoint ({code}); check {known.REGION} and {known.ENDPOINT}"
    if code:
        return f"the store refused it ({code}: {error})"
    return f"the store cannot be reached ({type(error).__name__}: {error}); check {known.ENDPOINT} and the network"


def _code(error: Exception) -> str:
    """The error code of a botocore ClientError, "" for anything else."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""


def _require_boto3() -> None:
    try:
        import boto3  # noqa: F401  (loaded here: it costs 200 ms, and only this needs it)
    except ImportError as error:
        raise MigrationError(
            "starrocks.boto3_missing",
            f"Looking into buckets needs the Python library boto3 ({error}). Install it for the Python that runs this "
            "module, or set check_buckets to false and look yourself.",
        ) from error


def _client(properties: t.Mapping[str, str], way: Way, seconds: float) -> t.Any:
    import boto3
    from botocore.config import Config

    endpoint, style = way
    return boto3.client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=properties.get(known.REGION) or "us-east-1",
        aws_access_key_id=properties.get(known.ACCESS_KEY),
        aws_secret_access_key=properties.get(known.SECRET_KEY),
        config=Config(
            connect_timeout=min(5.0, seconds),
            read_timeout=min(10.0, seconds),
            retries={"mode": "standard", "total_max_attempts": 2},
            s3={"addressing_style": style},
        ),
    )
