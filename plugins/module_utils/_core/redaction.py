# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Keeping secrets out of everything that leaves the process."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
import shlex
import sys
import typing as t
from urllib.parse import quote, quote_plus

MASK = "********"
_SHORTEST = 3
"""Shorter secrets are ignored: masking every "a" would leave nothing to read, and hide nothing."""
_SHORTEST_ENCODED = 6
"""Below this the inside of a base64 text is so short that it turns up by chance."""
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#\"'<>]*@")
_AUTHORIZATION = re.compile(r"\b((?i:basic|bearer))(\s+)(?=[A-Za-z0-9+/=._~-]*[A-Z0-9+/=])[A-Za-z0-9+/=._~-]{8,}")
_BASE64_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")


class Redactor:
    """Masks known secrets, in plain and in their common encodings, anywhere in nested data."""

    def __init__(self, secrets: t.Iterable[str]) -> None:
        known = {secret for secret in secrets if isinstance(secret, str) and len(secret) >= _SHORTEST}
        self._exact = frozenset(known)
        forms: set[str] = set()
        cores: set[str] = set()
        for secret in known:
            forms.update(_forms(secret))
            if len(secret.encode("utf-8", "surrogatepass")) >= _SHORTEST_ENCODED:
                cores.update(_base64_cores(secret))
        # Longest first, or a secret that begins another one would leave the other's tail readable.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._any_form = re.compile("|".join(re.escape(form) for form in self._forms))
        self._cores = sorted(cores)
        self._shortest = min((len(form) for form in forms | cores), default=sys.maxsize)

    @property
    def secrets(self) -> frozenset[str]:
        """What is masked, in plain."""
        return self._exact

    def mask(self, obj: t.Any) -> t.Any:
        """A copy of ``obj`` without secrets, as JSON-able data: tuples and sets become lists, dataclasses mappings."""
        if obj is None or isinstance(obj, bool):
            return obj
        if isinstance(obj, str):
            return self._mask_text(obj)
        if isinstance(obj, (int, float)):
            return MASK if str(obj) in self._exact else obj
        if isinstance(obj, (bytes, bytearray)):
            return self._mask_text(bytes(obj).decode("utf-8", "replace"))
        if isinstance(obj, t.Mapping):
            return {self.mask(key) if isinstance(key, str) else key: self.mask(item) for key, item in obj.items()}
        if isinstance(obj, (list, tuple)):
            return [self.mask(item) for item in obj]
        if isinstance(obj, (set, frozenset)):
            return sorted((self.mask(item) for item in obj), key=str)
        if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
            return self.mask({field.name: getattr(obj, field.name) for field in dataclasses.fields(obj)})
        return self._mask_text(str(obj))

    def _mask_text(self, text: str) -> str:
        # Plain substring searches first: nearly every text is clean, and a result may hold 100,000 of them.
        if len(text) >= self._shortest:
            for core in self._cores:
                if core in text:
                    text = _mask_runs(text, core)
            if any(form in text for form in self._forms):
                text = self._any_form.sub(MASK, text)
        if "://" in text:
            text = _USERINFO.sub(r"\1" + MASK + "@", text)
        if len(text) > 12:
            text = _AUTHORIZATION.sub(r"\1\2" + MASK, text)
        return text


def _forms(secret: str) -> t.Iterator[str]:
    """The secret as URLs, JSON, SQL, shells, HTML and Python show it."""
    raw = secret.encode("utf-8", "surrogatepass")
    everything = "".join(f"%{byte:02X}" for byte in raw)
    for form in (quote(raw), quote(raw, safe=""), quote_plus(raw), everything):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), form)
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(json.dumps(secret))[3:-3]
    yield repr(secret)[1:-1]
    yield repr(raw)[2:-1]
    yield secret.replace("'", "''")
    yield secret.replace("\\", "\\\\").replace("'", "\\'")
    yield shlex.quote(secret).strip("'")
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    yield html.escape(secret, quote=False).replace('"', "&#34;").replace("'", "&#39;")
    yield raw.hex()
    yield raw.hex().upper()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(raw).decode("ascii")
        if len(raw) >= _SHORTEST_ENCODED or text.endswith("="):
            yield text


def _base64_cores(secret: str) -> t.Iterator[str]:
    """What base64 always holds of the secret, whatever stands before and after it (``user:secret``)."""
    raw = secret.encode("utf-8", "surrogatepass")
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * lead + raw).decode("ascii").rstrip("=")
            # A character carries 6 bits; those that share bits with a neighbour's byte are cut off.
            first = -(-lead * 8 // 6)
            last = (lead + len(raw)) * 8 // 6
            yield text[first:last]


def _mask_runs(text: str, core: str) -> str:
    """Mask the whole run of base64 characters around each core: its ends still carry bits of the secret."""
    pieces: t.List[str] = []
    done = 0
    found = text.find(core)
    while found >= 0:
        start, end = found, found + len(core)
        while start > done and text[start - 1] in _BASE64_CHARS:
            start -= 1
        while end < len(text) and text[end] in _BASE64_CHARS:
            end += 1
        pieces.extend((text[done:start], MASK))
        done = end
        found = text.find(core, done)
    pieces.append(text[done:])
    return "".join(pieces)
