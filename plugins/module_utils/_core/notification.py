# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What is told to people and machines about a migration: one event, its stable id, its body and its signature. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import typing as t

FORMAT = 1
"""The version of the generic body. It is raised only when a receiver would have to change."""
GENERIC = "generic"
SLACK = "slack"
FORMATS = (GENERIC, SLACK)
STATUSES = ("started", "ok", "failed", "waiting", "info")
LARGEST = 64 * 1024
"""Bytes of a body; the texts of a larger one are shortened."""
_LONGEST, _SHORTEST = 32 * 1024, 64
_EXTRA = "shortened"

ID_HEADER = "X-Dbops-Event-Id"
TIMESTAMP_HEADER = "X-Dbops-Timestamp"
SIGNATURE_HEADER = "X-Dbops-Signature"
SCHEME = "v1"


@dataclasses.dataclass(frozen=True)
class Event:
    """One thing that has happened. Texts are empty where nothing is known; ``time`` is ISO 8601."""

    id: str
    event: str
    migration_id: str
    engine: str
    phase: str
    status: str
    summary: str
    time: str
    run: str
    report: str
    extra: t.Mapping[str, t.Any]


def event_id(migration_id: str, event: str, run: str) -> str:
    """32 hex digits, the same for the same event of the same run: by it a receiver tells a second delivery."""
    text = json.dumps(["dbops.migration", migration_id, event, run])
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def payload(event: Event, form: str) -> t.Dict[str, t.Any]:
    """The body as data, by its format."""
    if form == SLACK:
        return {"text": _slack_text(event)}
    return {"version": FORMAT, **dataclasses.asdict(event)}


def fitting(event: Event, form: str) -> Event:
    """The event, or one with shorter texts where its body would be larger than ``LARGEST``: it is told all the same."""
    found, most = event, _LONGEST
    while len(encode(payload(found, form))) > LARGEST and most >= _SHORTEST:
        extra = {name: _short(value, most) for name, value in event.extra.items()}
        found = dataclasses.replace(
            event, summary=_short(event.summary, most), report=_short(event.report, most), extra=extra
        )
        most //= 2
    if len(encode(payload(found, form))) > LARGEST:
        # So many, or such names, that no shortening of the values helps.
        return dataclasses.replace(found, extra={_EXTRA: f"{len(event.extra):,} values of extra were left out"})
    return found


def encode(body: t.Mapping[str, t.Any]) -> bytes:
    """The very bytes that are sent and signed: compact JSON with sorted keys, in ASCII."""
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """``v1=`` and the HMAC-SHA256, in hex, of the Unix seconds, a full stop and the body, under the secret."""
    signed = str(timestamp).encode("ascii") + b"." + body
    return f"{SCHEME}=" + hmac.new(secret.encode("utf-8"), signed, hashlib.sha256).hexdigest()


def headers(event: Event, secret: str, timestamp: int, body: bytes) -> t.Dict[str, str]:
    """The headers of one attempt; without a secret, it is not signed."""
    found = {
        "Content-Type": "application/json",
        ID_HEADER: event.id,
        TIMESTAMP_HEADER: str(timestamp),
        "User-Agent": "dbops.migration",
    }
    if secret:
        found[SIGNATURE_HEADER] = signature(secret, timestamp, body)
    return found


def _slack_text(event: Event) -> str:
    """What incoming webhooks of Slack show; its three control characters are escaped as its documentation demands."""
    subject = event.migration_id or "migration"
    head = f"{subject}{f' ({event.engine})' if event.engine else ''}"
    said = " ".join(word for word in (event.phase, event.status) if word) or event.event
    lines = [f"*{_escaped(head)}*: {_escaped(said)}"]
    lines += [_escaped(text) for text in (event.summary, event.report) if text]
    lines += [_escaped(f"{name}: {value}") for name, value in event.extra.items()]
    return "\n".join(lines)


def _short(value: t.Any, most: int) -> t.Any:
    """A value whose text has so many characters at most; it says how many it had."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return value if len(text) <= most else f"{text[:most]}... (shortened, it has {len(text):,} characters)"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
