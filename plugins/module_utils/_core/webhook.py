# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Bringing a body to a webhook: again after failures that pass, within a deadline, and never to anybody else.

The URL is a secret: those of chats carry their token in the path. Nothing here shows more of it than scheme and host.
"""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import hashlib
import http.client
import os
import random
import socket
import ssl
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

_LEAST_SECRET = 12
"""Parts of a path that are shorter are words such as "services", which a summary may hold, too."""
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524))
"""Answers after which the same request may be taken."""

Headers = t.Callable[[int], t.Mapping[str, str]]


@dataclasses.dataclass(frozen=True)
class Webhook:
    """Where to send to. ``shown``: scheme and host, for people; ``mark``: tells two URLs of one host apart."""

    url: str = dataclasses.field(repr=False)
    shown: str
    mark: str

    def secrets(self) -> t.Iterator[str]:
        """Everything of the URL that must not be shown."""
        parts = urllib.parse.urlsplit(self.url)
        behind = urllib.parse.urlunsplit(("", "", parts.path, parts.query, parts.fragment))
        yield self.url
        if len(behind) >= _LEAST_SECRET:
            yield behind
        yield from (part for part in (parts.username, parts.password) if part)
        pieces = parts.path.split("/") + [value for _name, value in urllib.parse.parse_qsl(parts.query)]
        yield from (piece for piece in pieces if len(piece) >= _LEAST_SECRET)


@dataclasses.dataclass(frozen=True)
class Patience:
    """Seconds: ``attempt`` for one answer; the first ``pause`` between two, doubled up to ``cap``."""

    attempt: float = 10.0
    pause: float = 0.5
    cap: float = 10.0


@dataclasses.dataclass(frozen=True)
class Delivery:
    """How it ended. ``problem`` is empty when it was taken; ``status`` is the last HTTP status, 0 without an answer."""

    attempts: int
    status: int
    problem: str = ""


def webhook(url: str, option: str) -> Webhook:
    """A URL of the options. InvalidOption without showing it, since a wrong one may be nearly right."""
    fix = "Give an http(s) URL such as https://chat.example.com/hooks/..., without spaces"
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidOption(option, "one of the URLs cannot be read", fix) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidOption(option, "one of the values is not an http(s) URL with a host", fix)
    if any(ord(character) <= 32 or ord(character) >= 127 for character in url):
        raise InvalidOption(option, "one of the URLs has a space or a letter that must be percent-encoded", fix)
    if parts.username or parts.password:
        raise InvalidOption(
            option, f"the URL of {parts.hostname} has a user", "Give a URL whose path or query carries the token"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    return Webhook(url, shown, hashlib.sha256(url.encode("ascii")).hexdigest()[:12])


def tls_context(ca_cert: str, option: str) -> ssl.SSLContext:
    """Certificates and host names are always checked, against the given authority or those of the system."""
    if not ca_cert:
        return ssl.create_default_context()
    path = os.path.expanduser(ca_cert)
    try:
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        why = error.strerror or "it holds no certificate"
        raise InvalidOption(option, f"{path} cannot be read ({why})", "Give the path of a PEM file") from error


class Sender:
    """Sends one body to webhooks, each until it is taken, refused, or the time is up."""

    def __init__(
        self, body: bytes, headers: Headers, context: ssl.SSLContext, clock: Clock, patience: Patience
    ) -> None:
        """``headers``: given the Unix seconds of an attempt, what is sent with it."""
        self._body = body
        self._headers = headers
        self._clock = clock
        self._patience = patience
        # Proxies of the environment are used as everywhere.
        self._opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=context))

    def deliver(self, hook: Webhook, until: float) -> Delivery:
        """Send until the clock's monotonic time ``until`` at the latest. Never raises for what a network does."""
        pause = self._patience.pause
        attempts = 0
        while True:
            left = until - self._clock.monotonic()
            attempts += 1
            answer = self._attempt(hook, max(0.1, min(self._patience.attempt, left)))
            if not answer.problem or not answer.passes:
                return Delivery(attempts, answer.status, answer.problem)
            wait = pause * (0.5 + 0.5 * random.random())  # noqa: S311 - no secret
            pause = min(pause * 2, self._patience.cap)
            left = until - self._clock.monotonic()
            if answer.retry_after is not None:
                wait = max(wait, answer.retry_after)
                if wait >= left:
                    asked = format_duration(answer.retry_after)
                    problem = f"{answer.problem}, and asks for a pause of {asked}, which is longer than the time left"
                    return Delivery(attempts, answer.status, problem)
            if wait >= left:
                return Delivery(attempts, answer.status, f"{answer.problem}, and the time is up")
            self._clock.sleep(wait)

    def _attempt(self, hook: Webhook, timeout: float) -> _Answer:
        timestamp = int(self._clock.now().timestamp())
        request = urllib.request.Request(hook.url, self._body, dict(self._headers(timestamp)), method="POST")
        try:
            with self._opener.open(request, timeout=timeout) as response:
                return _Answer(int(response.status))
        except urllib.error.HTTPError as error:
            with error:
                return self._refused(hook, error)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _no_answer(hook, error)

    def _refused(self, hook: Webhook, error: urllib.error.HTTPError) -> _Answer:
        problem = f"{hook.shown} answered with HTTP status {error.code}"
        if 300 <= error.code < 400:
            problem += ", which sends elsewhere; it is not followed, so give the final URL"
            return _Answer(error.code, problem)
        pause = _retry_after(error.headers.get("Retry-After"), self._clock.now())
        return _Answer(error.code, problem, error.code in _PASSING, pause)


@dataclasses.dataclass(frozen=True)
class _Answer:
    """One attempt. ``passes``: whether another one may be taken; ``retry_after`` in seconds, None when not told."""

    status: int
    problem: str = ""
    passes: bool = False
    retry_after: t.Optional[float] = None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Whoever answers must not decide who else learns of a migration."""

    def redirect_request(self, req: t.Any, fp: t.Any, code: t.Any, msg: t.Any, headers: t.Any, newurl: t.Any) -> None:
        """Never a new request: the answer is treated as an error."""
        return


def _no_answer(hook: Webhook, error: Exception) -> _Answer:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        why = f"the certificate of {hook.shown} is not trusted ({reason.verify_message}); see ca_cert"
        return _Answer(0, why)
    # The text of such an error may hold the path, so only what the system says of a socket is shown.
    told = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
    if isinstance(reason, socket.timeout):
        told = "nothing came in time"
    return _Answer(0, f"{hook.shown} did not answer ({told})", True)


def _retry_after(value: t.Optional[str], now: datetime.datetime) -> t.Optional[float]:
    """Seconds, or an HTTP date (RFC 9110, 10.2.3); None for anything else."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        return None
    return max(0.0, (when - now).total_seconds())
