# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The frame around a message: rDSN's request header v0, which every version accepts, and its answers (facts 2.1)."""

from __future__ import annotations

import dataclasses
import re
import struct
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import thrift_binary as tb
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import OK, decode_error
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.messages import Rpc
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import Gpid

LARGEST_REPLY = 256 * 1024 * 1024
"""Longer answers are taken for another protocol's greeting, of which the first bytes were read as a length."""
SMALLEST_REPLY = 4 + 4 + 6 + 4 + 4 + 4
"""Length, error name (``ERR_OK`` is the shortest), and message begin with an empty name."""

_HEADER = struct.Struct(">4s7I2IQ")
_HEADER_LENGTH = 48
_ERROR_NAME = re.compile(rb"ERR_[A-Z0-9_]{1,60}")
NO_PARTITION = Gpid(0, 0)


class NotPegasus(Exception):
    """The bytes are no answer of a Pegasus server at all."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """One answer. ``header_error`` other than ERR_OK: there is no ``value``."""

    seqid: int
    header_error: str
    value: t.Any = None

    @property
    def err(self) -> str:
        """The error's name, from the header or else from the answer's own field ``err``."""
        if self.header_error == OK and isinstance(self.value, dict):
            return str(self.value.get("err", OK))
        return self.header_error

    @property
    def hint(self) -> str:
        """What the server says beside, under the several names that it has; empty for nothing."""
        if not isinstance(self.value, dict):
            return ""
        return next((str(self.value[key]) for key in ("hint_message", "hint", "hint_msg") if self.value.get(key)), "")


def encode_request(
    rpc: Rpc,
    fields: t.Mapping[str, t.Any],
    *,
    seqid: int,
    timeout_ms: int,
    gpid: Gpid = NO_PARTITION,
    partition_hash: int = 0,
) -> bytes:
    """The whole frame. ``timeout_ms`` is at least 1: servers may drop requests that say 0 (#2304)."""
    body = tb.Writer()
    name = rpc.name.encode("ascii")
    body.u32(tb.CALL)
    body.binary(name)
    body.i32(seqid)
    body.field(tb.STRUCT, 1)
    rpc.request.write(body, fields)
    body.byte(tb.STOP)
    payload = body.joined()
    header = _HEADER.pack(
        b"THFT",
        0,
        _HEADER_LENGTH,
        0,
        len(payload),
        0,
        gpid.app_id,
        gpid.partition,
        max(1, timeout_ms) & 0x7FFFFFFF,
        (gpid.app_id * 7919 + gpid.partition) & 0xFFFFFFFF,
        partition_hash,
    )
    return header + payload


def check_length(start: bytes) -> int:
    """The length that an answer's first four bytes announce (these four included); NotPegasus if it cannot be one."""
    length = int.from_bytes(start[:4], "big")
    if not SMALLEST_REPLY <= length <= LARGEST_REPLY:
        raise NotPegasus(f"it answers with {_preview(start)}")
    return length


def decode_reply(frame: bytes, rpcs: t.Mapping[int, Rpc]) -> Reply | None:
    """The answer in a whole frame, by the requests that are open (sequence number to RPC).

    None: it answers none of them.

    :raises NotPegasus: the envelope is not Pegasus's
    :raises MigrationError: ``pegasus.decode`` if the envelope is, but the content cannot be read
    """
    check_length(frame)
    source = tb.Reader(frame)
    source.u32()
    error = _error_name(source, frame)
    kind = source.u32()
    if kind != tb.REPLY:
        raise decode_error(f"it is a message of the kind {kind:#010x} and no answer")
    name, seqid = source.text(), source.i32()
    rpc = rpcs.get(seqid)
    if rpc is None:
        return None
    if name != rpc.name + "_ACK":
        raise decode_error(f"it answers {name[:80]!r} to {rpc.name}")
    if error != OK:
        return Reply(seqid, error)
    wire, number = source.byte(), source.i16()
    if number != 0 or wire != rpc.response.wire:
        raise decode_error(f"{name} holds field {number} of type {wire} instead of its result")
    value = rpc.response.read(source)
    if source.byte() != tb.STOP or source.remaining:
        raise decode_error(f"{name} does not end where it should")
    return Reply(seqid, error, value)


def _error_name(source: tb.Reader, frame: bytes) -> str:
    length = source.u32()
    text = frame[8 : 8 + length] if length <= source.remaining else b""
    if not _ERROR_NAME.fullmatch(text):
        raise NotPegasus(f"it answers with {_preview(frame)}")
    return source.take(length).decode("ascii")


def _preview(data: bytes) -> str:
    shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data[:24])
    return repr(shown)
