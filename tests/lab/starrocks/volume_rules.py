# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a storage volume may be: names, types, locations, properties, and what the server keeps of them (facts 3)."""

from __future__ import annotations

import json
import re
import typing as t

from lab.starrocks.errors import SqlError, analyzing_error
from lab.starrocks.profiles import Profile

BUILTIN = "builtin_storage_volume"
MASK = "******"
PREFIX_ENABLED, PREFIX_COUNT = "aws.s3.enable_partitioned_prefix", "aws.s3.num_partitioned_prefix"
_NAME = re.compile(r"[a-zA-Z]\w{0,63}|_[a-zA-Z0-9]\w{0,62}", re.A)
_AWS = "aws.s3."
_S3 = (
    "region",
    "endpoint",
    "use_aws_sdk_default_behavior",
    "use_instance_profile",
    "use_web_identity_token_file",
    "access_key",
    "secret_key",
    "iam_role_arn",
    "external_id",
)
_S3_DROPPED = ("session_token", "enable_path_style_access", "enable_ssl", "sts.region", "sts.endpoint")
_BLOB = ("azure.blob.endpoint", "azure.blob.shared_key", "azure.blob.sas_token")
_ADLS2 = tuple(
    "azure.adls2." + name
    for name in (
        "endpoint",
        "shared_key",
        "sas_token",
        "oauth2_tenant_id",
        "oauth2_client_id",
        "oauth2_client_secret",
        "oauth2_use_managed_identity",
    )
)
_GS = tuple("gcp.gcs." + name for name in ("service_account_email", "service_account_private_key_id")) + (
    "gcp.gcs.service_account_private_key",
    "gcp.gcs.endpoint",
    "gcp.gcs.use_compute_engine_service_account",
)
_SCHEMES = {"S3": ("s3",), "AZBLOB": ("wasb", "wasbs"), "ADLS2": ("abfs", "abfss"), "GS": ("gs",)}


def parse_boolean(text: str) -> bool:
    """Java's Boolean.parseBoolean: everything but "true" is false."""
    return text.strip().lower() == "true"


def check_name(name: str) -> None:
    """Raise 5063 for a name that is none."""
    if not _NAME.fullmatch(name):
        raise SqlError("Incorrect storage volume name '%s'" % name, 5063, "42000")


def check_type(profile: Profile, kind: str) -> str:
    """The type in upper case."""
    if kind.upper() not in profile.volume_types:
        raise SqlError("Unknown storage volume type: %s" % kind)
    return kind.upper()


def check_locations(kind: str, locations: t.Sequence[str]) -> None:
    """Each location must have a scheme of the type."""
    for location in locations:
        found = re.match(r"([a-z][a-z0-9+.-]*)://([^/]*)", location, re.I)
        if not location or not found:
            raise SqlError("Invalid location %s" % location)
        if kind in _SCHEMES and found[1].lower() not in _SCHEMES[kind]:
            raise SqlError("Invalid location %s" % location)
        if not found[2]:
            raise SqlError(
                "Invalid location %s, error: Expected authority at index %d: %s" % (location, found.end(), location)
            )


def _known(profile: Profile, kind: str) -> tuple[str, ...]:
    prefix = (PREFIX_ENABLED, PREFIX_COUNT) if profile.partitioned_prefix else ()
    return {
        "S3": tuple(_AWS + name for name in _S3 + _S3_DROPPED) + prefix,
        "AZBLOB": _BLOB,
        "ADLS2": _ADLS2,
        "GS": _GS,
    }[kind]


def kept_params(profile: Profile, kind: str, properties: t.Mapping[str, str]) -> dict[str, str]:
    """What the server keeps of the properties (without "enabled"), in clear."""
    if kind != "HDFS":
        known = _known(profile, kind)
        for key in properties:
            if key in (PREFIX_ENABLED, PREFIX_COUNT) and profile.partitioned_prefix and kind != "S3":
                raise SqlError("Invalid property '%s' for storage volume type '%s'" % (key, kind))
            if key not in known:
                raise SqlError("Invalid properties %s" % key)
    if kind == "HDFS":
        return dict(properties)
    kept = {"S3": _s3, "AZBLOB": _azure_blob, "ADLS2": _adls2, "GS": _google}[kind](profile, properties)
    if kept is None:
        shown = masked(profile, properties) if profile.masks_invalid_params else dict(properties)
        raise analyzing_error("Storage params is not valid %s" % json.dumps(shown, separators=(",", ":")))
    return kept


def check_prefix(name: str, locations: t.Sequence[str], properties: t.Mapping[str, str]) -> None:
    """The rules of the partitioned prefix at CREATE."""
    count = properties.get(PREFIX_COUNT)
    if count is not None:
        text = "Invalid property value '%s' for property '%s', expecting a %s integer string."
        if not re.fullmatch(r"[+-]?\d+", count):
            raise SqlError(text % (count, PREFIX_COUNT, "valid"))
        if int(count) <= 0:
            raise SqlError(text % (count, PREFIX_COUNT, "positive"))
    if parse_boolean(properties.get(PREFIX_ENABLED, "")):
        for location in locations:
            if re.match(r"[^:]+://[^/]+/+[^/]", location):
                text = "Storage volume '%s' has '%s'='true', the location '%s'" % (name, PREFIX_ENABLED, location)
                raise SqlError(text + " should not contain sub path after bucket name!")


def _s3(profile: Profile, given: t.Mapping[str, str]) -> dict[str, str] | None:
    def value(name: str, default: str = "") -> str:
        return given.get(_AWS + name, default)

    sdk, instance = parse_boolean(value("use_aws_sdk_default_behavior")), parse_boolean(value("use_instance_profile"))
    kept = {"region": value("region", "us-east-1"), "endpoint": value("endpoint")}
    if sdk:
        kept["use_aws_sdk_default_behavior"] = "true"
    elif instance or (value("access_key") and value("secret_key")):
        if not instance:
            kept.update(access_key=value("access_key"), secret_key=value("secret_key"))
        kept.update(use_instance_profile=str(instance).lower(), use_aws_sdk_default_behavior="false")
        if profile.web_identity_token:
            kept["use_web_identity_token_file"] = "false"
    elif parse_boolean(value("use_web_identity_token_file")) and profile.web_identity_token:
        kept.update(
            use_web_identity_token_file="true", use_instance_profile="false", use_aws_sdk_default_behavior="false"
        )
    else:
        return None
    for name in ("iam_role_arn", "external_id"):
        if value(name):
            kept[name] = value(name)
    found = {_AWS + name: text for name, text in kept.items()}
    if parse_boolean(given.get(PREFIX_ENABLED, "")):
        found[PREFIX_ENABLED] = "true"
        found[PREFIX_COUNT] = given.get(PREFIX_COUNT, "256")
    return found


def _azure_blob(profile: Profile, given: t.Mapping[str, str]) -> dict[str, str] | None:
    if not given.get("azure.blob.endpoint") or not (
        given.get("azure.blob.shared_key") or given.get("azure.blob.sas_token")
    ):
        return None
    return {key: text for key, text in given.items() if key in _BLOB}


def _adls2(profile: Profile, given: t.Mapping[str, str]) -> dict[str, str] | None:
    def has(*names: str) -> bool:
        return all(given.get("azure.adls2." + name) for name in names)

    sets = (("shared_key",), ("sas_token",), ("oauth2_tenant_id", "oauth2_client_id"))
    complete = any(has(*names) for names in sets)
    return dict(given) if has("endpoint") and complete else None


def _google(profile: Profile, given: t.Mapping[str, str]) -> dict[str, str] | None:
    account = all(given.get(key) for key in _GS[:3])
    return dict(given) if account or parse_boolean(given.get(_GS[4], "")) else None


def masked(profile: Profile, params: t.Mapping[str, str]) -> dict[str, str]:
    """Params as DESC shows them; what the version does not mask stays in clear."""
    secret = ["aws.s3.access_key", "aws.s3.secret_key", "azure.blob.shared_key", "azure.blob.sas_token"]
    if profile.since("3.4"):
        secret += ["azure.adls2.shared_key", "azure.adls2.sas_token"]
    if profile.since("4.0"):
        secret += _GS[:3]
    return {key: MASK if key in secret else text for key, text in params.items()}
