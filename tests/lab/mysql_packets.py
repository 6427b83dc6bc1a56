# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MySQL packets: handshake, login, OK/EOF/ERR and text result sets, as bytes."""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass, field

CLIENT_CONNECT_WITH_DB = 0x8
CLIENT_PROTOCOL_41 = 0x200
CLIENT_SSL = 0x800
CLIENT_TRANSACTIONS = 0x2000
CLIENT_SECURE_CONNECTION = 0x8000
CLIENT_PLUGIN_AUTH = 0x80000
CLIENT_CONNECT_ATTRS = 0x100000
CLIENT_PLUGIN_AUTH_LENENC = 0x200000
CLIENT_DEPRECATE_EOF = 0x1000000
NATIVE_PASSWORD = "mysql_native_password"
UTF8 = 0x21
BINARY = 63
UNSIGNED_FLAG = 0x20
NOT_NULL_FLAG = 0x1
MAX_PAYLOAD = 0xFFFFFF

COLUMN_TYPES: dict[str, tuple[int, int, int, int]] = {
    # kind: (MYSQL_TYPE, flags, charset, display length)
    "u64": (0x08, UNSIGNED_FLAG, BINARY, 20),
    "i64": (0x08, 0, BINARY, 20),
    "u32": (0x03, UNSIGNED_FLAG, BINARY, 10),
    "i32": (0x03, 0, BINARY, 11),
    "f64": (0x05, 0, BINARY, 22),
    "bool": (0x01, 0, BINARY, 1),
    "string": (0xFD, 0, UTF8, 1024),
    "timestamp": (0x07, 0, BINARY, 26),
}


@dataclass(frozen=True)
class Column:
    """One result column; ``kind`` is a key of COLUMN_TYPES."""

    name: str
    kind: str = "string"
    nullable: bool = True


@dataclass
class ResultSet:
    """Rows of a query; a result without columns is a plain OK."""

    columns: t.Sequence[Column] = ()
    rows: t.Sequence[tuple[t.Any, ...]] = ()
    affected: int = 0


@dataclass
class Login:
    """What a client said in its handshake response."""

    capabilities: int
    user: str
    scramble: bytes
    database: str
    plugin: str = field(default=NATIVE_PASSWORD)


def lenenc(value: int) -> bytes:
    """A length-encoded integer."""
    if value < 251:
        return bytes((value,))
    if value < 1 << 16:
        return b"\xfc" + struct.pack("<H", value)
    if value < 1 << 24:
        return b"\xfd" + struct.pack("<I", value)[:3]
    return b"\xfe" + struct.pack("<Q", value)


def lenenc_text(value: bytes) -> bytes:
    """A length-encoded string."""
    return lenenc(len(value)) + value


def handshake(version: str, connection_id: int, nonce: bytes, capabilities: int, status: int) -> bytes:
    """Protocol::HandshakeV10 with a 20 byte nonce."""
    low, high = capabilities & 0xFFFF, capabilities >> 16
    return b"".join(
        (
            b"\x0a" + version.encode() + b"\x00",
            struct.pack("<I", connection_id),
            nonce[:8] + b"\x00",
            struct.pack("<HBHHB", low, UTF8, status, high, len(nonce) + 1),
            b"\x00" * 10,
            nonce[8:] + b"\x00",
            NATIVE_PASSWORD.encode() + b"\x00",
        )
    )


def parse_login(packet: bytes) -> Login | None:
    """The client's handshake response; None when it is only the request to start TLS. ValueError when malformed."""
    if len(packet) < 32:
        raise ValueError("handshake response too short")
    (capabilities,) = struct.unpack_from("<I", packet)
    if not capabilities & CLIENT_PROTOCOL_41:
        raise ValueError("client does not speak protocol 4.1")
    if len(packet) == 32 and capabilities & CLIENT_SSL:
        return None
    end = packet.index(b"\x00", 32)
    user = packet[32:end].decode("utf-8", "replace")
    at = end + 1
    if capabilities & (CLIENT_PLUGIN_AUTH_LENENC | CLIENT_SECURE_CONNECTION):
        length = packet[at]
        scramble = packet[at + 1 : at + 1 + length]
        at += 1 + length
    else:
        end = packet.index(b"\x00", at)
        scramble, at = packet[at:end], end + 1
    database, plugin = "", NATIVE_PASSWORD
    if capabilities & CLIENT_CONNECT_WITH_DB and at < len(packet):
        end = packet.index(b"\x00", at)
        database, at = packet[at:end].decode("utf-8", "replace"), end + 1
    if capabilities & CLIENT_PLUGIN_AUTH and at < len(packet):
        end = packet.find(b"\x00", at)
        plugin = packet[at : end if end >= 0 else len(packet)].decode("ascii", "replace")
    return Login(capabilities, user, scramble, database, plugin)


def auth_switch(nonce: bytes) -> bytes:
    """Protocol::AuthSwitchRequest to mysql_native_password."""
    return b"\xfe" + NATIVE_PASSWORD.encode() + b"\x00" + nonce + b"\x00"


def ok(status: int, affected: int = 0, header: int = 0x00) -> bytes:
    """An OK packet (header 0xfe: the one that ends a result set when EOF packets are deprecated)."""
    return bytes((header,)) + lenenc(affected) + lenenc(0) + struct.pack("<HH", status, 0)


def eof(status: int) -> bytes:
    """An EOF packet."""
    return b"\xfe" + struct.pack("<HH", 0, status)


def err(errno: int, sqlstate: str, message: str) -> bytes:
    """An ERR packet."""
    return b"\xff" + struct.pack("<H", errno) + b"#" + sqlstate.encode() + message.encode()


def column_definition(column: Column) -> bytes:
    """Protocol::ColumnDefinition41."""
    code, flags, charset, length = COLUMN_TYPES[column.kind]
    if not column.nullable:
        flags |= NOT_NULL_FLAG
    name = lenenc_text(column.name.encode())
    fixed = struct.pack("<BHIBHBH", 0x0C, charset, length, code, flags, 0, 0)
    return b"\x03def" + b"\x00\x00\x00" + name + name + fixed


_SHORT = [bytes((n,)) for n in range(251)]


def text_value(value: t.Any) -> bytes:
    """One value of a text result row. This is where large results spend their time."""
    if value is None:
        return b"\xfb"
    kind = type(value)
    if kind is int:
        data = b"%d" % value
    elif kind is str:
        data = value.encode()
    elif kind is bool:
        return b"\x011" if value else b"\x010"
    else:  # datetime reads as MySQL writes it
        data = str(value).encode()
    return _SHORT[len(data)] + data if len(data) < 251 else lenenc_text(data)


class PacketWriter:
    """Collects packets with running sequence numbers into one buffer."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.buffer = bytearray()

    def add(self, payload: bytes) -> None:
        """Append one packet, split when it is too long for one."""
        while True:
            part = payload[:MAX_PAYLOAD]
            self.buffer += struct.pack("<I", len(part))[:3] + bytes((self.sequence & 0xFF,)) + part
            self.sequence += 1
            payload = payload[MAX_PAYLOAD:]
            if len(part) < MAX_PAYLOAD:
                return

    def result_set(self, result: ResultSet, status: int, deprecate_eof: bool) -> None:
        """Append a text result set, or an OK when it has no columns."""
        if not result.columns:
            self.add(ok(status, result.affected))
            return
        self.add(lenenc(len(result.columns)))
        for column in result.columns:
            self.add(column_definition(column))
        if not deprecate_eof:
            self.add(eof(status))
        for row in result.rows:
            self.add(b"".join([text_value(value) for value in row]))
        self.add(ok(status, header=0xFE) if deprecate_eof else eof(status))
