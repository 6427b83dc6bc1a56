# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The sync tool's archive: from a path or a URL, and used only if it has the SHA-256 that the operator gave.

The tool is closed source and not this collection's to ship or to choose, so there is no default for either.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import tempfile
import typing as t
import urllib.error
from urllib.parse import urlsplit

from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import SSLValidationError, open_url

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError

_CHUNK = 1 << 20
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")


def read_checksum(value: t.Any, option: str) -> str:
    """64 hexadecimal digits in lower case, from text that may begin with ``sha256:``."""
    match = _SHA256.fullmatch(str(value or "").strip())
    if match is None:
        raise InvalidOption(
            option, f"{value!r} is no SHA-256 checksum", "Give the 64 hexadecimal digits that sha256sum prints"
        )
    return match.group(1).lower()


def read_location(value: str, option: str) -> str:
    """An absolute path or an https URL (plain http too: what comes is judged by its checksum)."""
    text = value.strip()
    scheme = urlsplit(text).scheme.lower() if "://" in text else ""
    if scheme and scheme not in ("https", "http"):
        raise InvalidOption(option, f"{scheme} is not supported", "Give a path on this host, or an https URL")
    if not scheme and not os.path.isabs(text):
        raise InvalidOption(option, f"{value!r} is neither an absolute path nor a URL", "Give one of them")
    return text


@contextlib.contextmanager
def verified_archive(location: str, sha256: str, folder: str, timeout: float) -> t.Iterator[t.BinaryIO]:
    """A file without a name in ``folder`` that holds the archive, at its beginning. ``timeout`` in seconds.

    It is a copy even of a local file, so that what was checked is what is unpacked.

    :raises MigrationError: ``starrocks.tool_archive_unreachable`` or ``starrocks.tool_checksum``
    """
    with tempfile.TemporaryFile(dir=folder) as copy:
        digest = hashlib.sha256()
        with _opened(location, timeout) as source:
            for chunk in _chunks(source, location):
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != sha256:
            raise MigrationError(
                "starrocks.tool_checksum",
                f"The archive {location} has the SHA-256 {digest.hexdigest()}, and not {sha256}; nothing was unpacked. "
                "Get the right archive, or correct archive_sha256 if this release is the one you mean.",
                details={"expected": sha256, "found": digest.hexdigest()},
            )
        copy.seek(0)
        yield t.cast(t.BinaryIO, copy)


def _opened(location: str, timeout: float) -> t.ContextManager[t.BinaryIO]:
    try:
        if "://" not in location:
            return open(location, "rb")
        return contextlib.closing(t.cast(t.BinaryIO, open_url(location, timeout=timeout, http_agent="dbops.migration")))
    except urllib.error.HTTPError as error:
        raise _unreachable(location, f"the server answered {error.code} {error.reason}") from error
    except (OSError, UrlConnectionError, SSLValidationError, ValueError) as error:
        raise _unreachable(location, _reason(error)) from error


def _chunks(source: t.BinaryIO, location: str) -> t.Iterator[bytes]:
    while True:
        try:
            chunk = source.read(_CHUNK)
        except (OSError, socket.timeout) as error:
            raise _unreachable(location, _reason(error)) from error
        if not chunk:
            return
        yield chunk


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error)


def _unreachable(location: str, why: str) -> MigrationError:
    return MigrationError(
        "starrocks.tool_archive_unreachable",
        f"The archive {location} cannot be read ({why}); correct archive.",
        details={"archive": location},
    )
