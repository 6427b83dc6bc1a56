# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A journal on S3, for runners whose disk vanishes: one object per append, never overwritten."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_chain import Head, Problem, Stored

OBJECT = re.compile(r"[0-9]{12}\.jsonl")
_WORKERS = 16
LEAST_BOTO3 = "1.35.2"
"""The first release whose PutObject takes IfNoneMatch (botocore's changelog: 1.35.2, conditional writes)."""
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_RACE_PAUSES = (0.2, 0.5, 1.0, 2.0)
"""While another request for the same object is under way: our own, when boto repeats one that it got no answer to."""
_ABSENT = ("NoSuchKey", "404", "NotFound")


@dataclasses.dataclass(frozen=True)
class S3Options:
    """How to reach the store. What is empty is left to boto3: its own variables, files and instance roles."""

    endpoint_url: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = dataclasses.field(default="", repr=False)
    session_token: str = dataclasses.field(default="", repr=False)


def make_client(options: S3Options) -> t.Any:
    """A boto3 S3 client. MigrationError ``journal.boto3_missing`` when the library is not installed."""
    try:
        # Here and not above: it costs 200 ms, and only those who keep their journal on S3 need it.
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise MigrationError(
            "journal.boto3_missing",
            f"journal: an s3:// journal needs the Python library boto3 ({error}). Install it for the Python that runs "
            "this module, or give a path.",
        ) from error
    try:
        return boto3.client(
            "s3",
            endpoint_url=options.endpoint_url or None,
            region_name=options.region or None,
            aws_access_key_id=options.access_key or None,
            aws_secret_access_key=options.secret_key or None,
            aws_session_token=options.session_token or None,
            config=Config(
                connect_timeout=5,
                read_timeout=20,
                retries={"mode": "standard", "total_max_attempts": 4},
                max_pool_connections=_WORKERS,
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise MigrationError(
            "journal.not_accessible",
            f"journal: the S3 options cannot work ({error}). Correct s3_endpoint_url, s3_region or the credentials.",
        ) from error


def split_location(location: str) -> t.Tuple[str, str]:
    """Bucket and prefix (with its slash) of ``s3://bucket/prefix``; InvalidOption without one of them."""
    match = re.fullmatch(r"s3://([^/]+)/(.*[^/])/*", location)
    if match is None:
        raise InvalidOption("journal", f"{location!r} names no bucket or no prefix", "Give s3://bucket/prefix")
    return match.group(1), match.group(2) + "/"


class S3Store:
    """Objects ``prefix/<first seq, 12 digits>.jsonl`` and ``prefix/head.json`` in a bucket.

    No lock: an object is put only where none is, so a second writer fails at its first append.
    """

    def __init__(self, location: str, client: t.Any, clock: t.Optional[Clock] = None) -> None:
        """InvalidOption for a location without bucket or prefix."""
        self.location = location
        self._bucket, self._prefix = split_location(location)
        self._client = client
        self._clock = clock or SystemClock()
        self._poisoned = False

    def load(self) -> Stored:
        """Every object in order. MigrationError ``journal.not_accessible``.

        The head comes first: a writer replaces it last, so the entry it names is among the objects listed after it.
        """
        try:
            raw = self._get("head.json")
            firsts = self._firsts()
            with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
                bodies = list(pool.map(lambda first: self._get(_name(first)), firsts))
        except Exception as error:
            raise self._not_accessible(error) from error
        head = None if raw is None else Head.decode(raw)
        found: t.List[bytes] = []
        count = 0
        for first, body in zip(firsts, bodies):
            if first > count:
                return Stored(b"".join(found), head, (self._gap(count, first),))
            found.append(body or b"")
            count = first + found[-1].count(b"\n")
        return Stored(b"".join(found), head)

    def append(self, first_seq: int, payload: bytes) -> None:
        """Put one new object.

        MigrationError ``journal.conflict`` when another run was first, ``.boto3_too_old`` or ``.write_failed``.
        """
        if self._poisoned:
            raise self._write_failed("an earlier write has an unknown end")
        race = self._put_once(first_seq, payload)
        for pause in _RACE_PAUSES:
            if race is None:
                break
            self._clock.sleep(pause)
            race = self._put_once(first_seq, payload)
        if race is not None:
            # What it raced with may still land, and every later append would meet it.
            self._poisoned = True
            raise self._write_failed(f"{race}; and nothing is there") from race
        if not first_seq:
            self._require_conditional_writes(payload)

    def write_head(self, head: Head) -> None:
        """Replace the head. MigrationError ``journal.write_failed``."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + "head.json", Body=head.encode())
        except Exception as error:
            raise self._write_failed(str(error)) from error

    def cut(self, size: int, torn: bytes, seq: int) -> str:
        """Objects arrive whole, so a torn one is a damaged one: MigrationError ``journal.chain_broken``."""
        raise MigrationError(
            "journal.chain_broken",
            f"{self.location}: the object of entry {seq} is damaged at its end. Put an undamaged copy back, "
            "or begin a new migration with a new journal after checking what was already done.",
        )

    def close(self) -> None:
        """Nothing to let go of."""

    def _firsts(self) -> t.List[int]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        names = [item["Key"][len(self._prefix) :] for page in pages for item in page.get("Contents", [])]
        return sorted(int(name.split(".")[0]) for name in names if OBJECT.fullmatch(name))

    def _get(self, name: str) -> t.Optional[bytes]:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        except Exception as error:
            if _code(error) in _ABSENT:
                return None
            raise
        return bytes(answer["Body"].read())

    def _put_new(self, name: str, payload: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=payload, IfNoneMatch="*")

    def _put_once(self, first_seq: int, payload: bytes) -> t.Optional[Exception]:
        """None when it is there; the answer of a race that nobody has won yet: the same put again tells who does."""
        try:
            self._put_new(_name(first_seq), payload)
        except Exception as error:
            if type(error).__name__ == "ParamValidationError":
                raise _too_old(error) from error
            return None if self._is_ours(first_seq, payload, error) else error
        return None

    def _is_ours(self, first_seq: int, payload: bytes, error: Exception) -> bool:
        """After a failed put: True for the object as we sent it, since a repeated request finds its own first one.

        False while a race is open. MigrationError ``journal.conflict`` for another object.
        """
        try:
            found = self._get(_name(first_seq))
        except Exception as second:
            self._poisoned = True
            raise self._write_failed(f"{error}; then {second}") from second
        if found == payload:
            return True
        if found is not None:
            raise self._conflict() from error
        if _code(error) in _TAKEN:
            return False
        # A request that timed out may still be on its way, so nothing may be sent behind it.
        self._poisoned = True
        raise self._write_failed(str(error)) from error

    def _require_conditional_writes(self, payload: bytes) -> None:
        """The first object is put twice: a store that takes it twice would let two runs overwrite each other."""
        try:
            self._put_new(_name(0), payload)
        except Exception as error:
            if _code(error) in _TAKEN:
                return
            raise self._write_failed(str(error)) from error
        raise MigrationError(
            "journal.conditional_writes_unsupported",
            f"{self.location}: the store ignores If-None-Match, so two runs could overwrite each other's entries. "
            "Use a store that honours it, or give a path.",
        )

    def _gap(self, count: int, first: int) -> Problem:
        return Problem(
            "journal.truncated",
            f"{self.location}: entries {count} to {first - 1} are missing. Put the missing objects back, "
            "or begin a new migration with a new journal after checking what was already done.",
            fatal=True,
        )

    def _conflict(self) -> MigrationError:
        return MigrationError(
            "journal.conflict", f"{self.location}: another run writes to this journal. Wait for it to end, or end it."
        )

    def _write_failed(self, why: str) -> MigrationError:
        return MigrationError(
            "journal.write_failed",
            f"{self.location}: the journal could not be written ({why}), so nothing more was started. "
            "See to the store and the credentials, then run again.",
        )

    def _not_accessible(self, error: Exception) -> MigrationError:
        return MigrationError(
            "journal.not_accessible",
            f"{self.location}: the journal cannot be read ({error}). Correct the bucket, s3_endpoint_url, s3_region "
            "or the credentials.",
        )


def _too_old(error: Exception) -> MigrationError:
    """Nothing was sent: the library itself refuses an argument that it does not know."""
    return MigrationError(
        "journal.boto3_too_old",
        f"journal: an s3:// journal needs the Python library boto3 {LEAST_BOTO3} or newer, and the one that is "
        "installed knows no conditional writes. Install a newer one for the Python that runs this module, or give a "
        f"path. Nothing more was started. ({' '.join(str(error).split())[:300]})",
    )


def _name(first_seq: int) -> str:
    return f"{first_seq:012d}.jsonl"


def _code(error: Exception) -> str:
    """The error code of a botocore ClientError, "" for anything else (which is not imported here)."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""
