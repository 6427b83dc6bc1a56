# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What is known of the properties of storage volumes: which are secret, dropped, fixed, or of one type only.

A server rebuilds the properties from its own record, so what it shows is not what was typed: defaults appear, ``false``
vanishes, credentials are masked (StorageVolume, CloudConfigurationConstants).
"""

from __future__ import annotations

import typing as t

SERVER_MASK = "******"
ENABLED = "enabled"
PARTITIONED_PREFIX = "aws.s3.enable_partitioned_prefix"
PARTITIONED_PREFIX_NUMBER = "aws.s3.num_partitioned_prefix"
FIXED = (PARTITIONED_PREFIX, PARTITIONED_PREFIX_NUMBER)
"""``Storage volume property '<k>' is immutable!``; known from 3.2.4 and 3.3 on, and an error before."""

ACCESS_KEY = "aws.s3.access_key"
SECRET_KEY = "aws.s3.secret_key"  # noqa: S105  (the name of a property)
REGION = "aws.s3.region"
ENDPOINT = "aws.s3.endpoint"
INSTANCE_PROFILE = "aws.s3.use_instance_profile"
SDK_DEFAULT = "aws.s3.use_aws_sdk_default_behavior"
WEB_IDENTITY = "aws.s3.use_web_identity_token_file"
ROLE = "aws.s3.iam_role_arn"
EXTERNAL_ID = "aws.s3.external_id"

_S3_KEYS = frozenset(
    {
        *(REGION, ENDPOINT, SDK_DEFAULT, INSTANCE_PROFILE, WEB_IDENTITY, ACCESS_KEY, SECRET_KEY, ROLE, EXTERNAL_ID),
        *FIXED,
    }
)
_AZBLOB_KEYS = frozenset({"azure.blob.endpoint", "azure.blob.shared_key", "azure.blob.sas_token"})
_ADLS2_KEYS = frozenset(
    "azure.adls2." + name
    for name in (
        *("endpoint", "shared_key", "sas_token", "oauth2_tenant_id", "oauth2_client_id", "oauth2_client_secret"),
        "oauth2_use_managed_identity",
    )
)
_GS_KEYS = frozenset(
    "gcp.gcs." + name
    for name in (
        *("service_account_email", "service_account_private_key_id", "service_account_private_key", "endpoint"),
        "use_compute_engine_service_account",
        "impersonation_service_account",
    )
)
TYPES: t.Mapping[str, t.Optional[t.FrozenSet[str]]] = {
    "S3": _S3_KEYS,
    "HDFS": None,
    "AZBLOB": _AZBLOB_KEYS,
    "ADLS2": _ADLS2_KEYS,
    "GS": _GS_KEYS,
}
"""By type, the keys that the server knows; None: it takes any (arbitrary Hadoop settings)."""

SCHEMES: t.Mapping[str, t.Tuple[str, ...]] = {
    "S3": ("s3://",),
    "HDFS": ("hdfs://", "viewfs://", "ofs://", "file://", "oss://", "cosn://"),
    "AZBLOB": ("azblob://", "wasb://", "wasbs://"),
    "ADLS2": ("adls2://", "abfs://", "abfss://"),
    "GS": ("gs://",),
}
"""By type, how its locations begin."""

_SECRETS = frozenset(
    {
        ACCESS_KEY,
        SECRET_KEY,
        "aws.s3.session_token",
        "azure.blob.shared_key",
        "azure.blob.sas_token",
        "azure.adls2.shared_key",
        "azure.adls2.sas_token",
        "azure.adls2.oauth2_client_secret",
        "gcp.gcs.service_account_email",
        "gcp.gcs.service_account_private_key_id",
        "gcp.gcs.service_account_private_key",
    }
)
# Hadoop keys are many and free, and DESC masks none of them.
_SECRET_WORDS = (
    "password",
    "passwd",
    "secret",
    "keytab_content",
    "sas_token",
    "private_key",
    "access.key",
    "accesskey",
    "account.key",
)


def is_secret(key: str) -> bool:
    """Whether the value may never be shown or compared, masked by the server or not."""
    lowered = key.lower()
    return lowered in _SECRETS or any(word in lowered for word in _SECRET_WORDS)


def dropped(key: str) -> str:
    """Whether the server takes the property without an error and forgets it: ``refuse``, ``warn``, "" if it keeps it.

    Refused are those without which the credentials that came with them cannot work.
    """
    if key == "aws.s3.session_token" or key.startswith("aws.s3.sts."):
        return "refuse"
    return "warn" if key in ("aws.s3.enable_path_style_access", "aws.s3.enable_ssl") else ""


def is_known(key: str, volume_type: str) -> bool:
    """Whether a server may know the key for this type. False answers ``Invalid properties <k>``."""
    keys = TYPES.get(volume_type)
    return keys is None or key in keys


def boolean(value: bool) -> str:
    """As the server wants it: anything but true and false would silently mean false (Java's parseBoolean)."""
    return "true" if value else "false"


def text(value: t.Any) -> str:
    """A property's value as it is sent. YAML's ``true`` is a boolean, and ``TRUE`` means the same to the server."""
    if isinstance(value, bool):
        return boolean(value)
    found = str("" if value is None else value)
    return found.lower() if found.lower() in ("true", "false") else found


def same(wanted: str, found: t.Optional[str]) -> bool:
    """Whether a visible property is as wanted. What is off or empty need not appear at all."""
    if found is None:
        return wanted in ("", "false")
    return text(wanted) == text(found)


def same_all(wanted: t.Mapping[str, str], found: t.Mapping[str, str]) -> t.List[str]:
    """The wanted keys whose values differ, in order. The number of prefixes means nothing while they are off."""
    off = not any(text(of.get(PARTITIONED_PREFIX, "false")) == "true" for of in (wanted, found))
    return [
        key
        for key, value in wanted.items()
        if not same(value, found.get(key)) and not (off and key == PARTITIONED_PREFIX_NUMBER)
    ]
