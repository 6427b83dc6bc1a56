# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rDSN's framing: requests with header v0 or v1, and responses."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lab.pegasus import structs, thrift

MAGIC = b"THFT"
HEADER = struct.Struct(">4sIIIIIiiiiQ")
HEADER_BYTES = 48
MAX_FRAME = 64 * 1024 * 1024
U32 = struct.Struct(">I")
_HEAD_V1 = struct.Struct(">4sIII")
VERSION_1 = 0x80010000

Address = str
"""host:port"""


@dataclass
class Header:
    """What precedes the body of a request; ``timeout`` is milliseconds, all 0 for meta servers but the timeout."""

    app_id: int = 0
    partition_index: int = 0
    timeout: int = 10000
    thread_hash: int = 0
    partition_hash: int = 0
    version: int = 0


class RpcError(Exception):
    """The response's header holds an error name instead of ERR_OK: there is no body."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def encode_request(rpc: str, seq: int, argument: bytes, header: Header, kind: int = thrift.STRUCT) -> bytes:
    """One request frame. ``argument`` is the encoded value of field 1 (its type on the wire is ``kind``)."""
    body = bytearray(U32.pack(VERSION_1 | thrift.CALL))
    thrift.write_string(body, rpc)
    body += U32.pack(seq & 0xFFFFFFFF)
    thrift.write_field(body, kind, 1)
    body += argument
    body.append(thrift.STOP)
    if header.version == 1:
        meta = structs.encode(
            "request_meta_v1",
            {
                "app_id": header.app_id,
                "partition_index": header.partition_index,
                "client_timeout": header.timeout,
                "client_partition_hash": header.partition_hash - (header.partition_hash >> 63 << 64),
                "is_backup_request": False,
            },
        )
        return _HEAD_V1.pack(MAGIC, 1, len(meta), len(body)) + meta + bytes(body)
    head = HEADER.pack(
        MAGIC,
        0,
        HEADER_BYTES,
        0,
        len(body),
        0,
        header.app_id,
        header.partition_index,
        header.timeout,
        header.thread_hash or header.app_id * 7919 + header.partition_index,
        header.partition_hash & 0xFFFFFFFFFFFFFFFF,
    )
    return head + bytes(body)


def encode_response(rpc: str, seq: int, error: str, result: bytes, kind: int = thrift.STRUCT) -> bytes:
    """One response frame: total length, error name, message; a body only if the error is ERR_OK."""
    out = bytearray(4)
    thrift.write_string(out, error)
    out += U32.pack(VERSION_1 | thrift.REPLY)
    thrift.write_string(out, rpc + "_ACK")
    out += U32.pack(seq & 0xFFFFFFFF)
    if error == "ERR_OK":
        thrift.write_field(out, kind, 0)
        out += result
    out.append(thrift.STOP)
    U32.pack_into(out, 0, len(out))
    return bytes(out)


def header_v1(data: bytes) -> Header:
    """What a request of version 1 tells in its meta struct."""
    meta = structs.decode("request_meta_v1", data)
    app_id, index = meta.get("app_id", 0), meta.get("partition_index", 0)
    hashed = meta.get("client_partition_hash", 0)
    return Header(app_id, index, meta.get("client_timeout", 0), app_id * 7919 + index, hashed, 1)
