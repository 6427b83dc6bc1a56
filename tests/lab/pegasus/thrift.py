# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thrift's binary protocol as Pegasus speaks it: plain types, and the placeholder types whose payload is raw.

``dsn.thrift`` declares error codes, gpids, addresses and blobs as empty structs: the field header says STRUCT, but what
follows is a bare string or integer. So nothing here can be skipped without knowing the table of its struct.
"""

from __future__ import annotations

import struct
import typing as t

STOP, BOOL, BYTE, DOUBLE, I16, I32, I64, STRING, STRUCT, MAP, SET, LIST = 0, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15
CALL, REPLY, ONEWAY = 1, 2, 4

_I16 = struct.Struct(">h")
_U16 = struct.Struct(">H")
_I32 = struct.Struct(">i")
_U32 = struct.Struct(">I")
_I64 = struct.Struct(">q")
_U64 = struct.Struct(">Q")
_DOUBLE = struct.Struct(">d")
_FIELD = struct.Struct(">bh")

Write = t.Callable[[bytearray, t.Any], None]
Read = t.Callable[["Reader"], t.Any]


class DecodeError(Exception):
    """Bytes that are not what the tables say; the message names the struct and the field."""


class Reader:
    """A position in received bytes; every method reads one value there."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def byte(self) -> int:
        """A signed byte."""
        value = self.data[self.at]
        self.at += 1
        return value - 256 if value > 127 else value

    def bool(self) -> bool:
        """A bool."""
        return self.byte() != 0

    def i16(self) -> int:
        """A signed 16-bit integer."""
        self.at += 2
        return int(_I16.unpack_from(self.data, self.at - 2)[0])

    def i32(self) -> int:
        """A signed 32-bit integer."""
        self.at += 4
        return int(_I32.unpack_from(self.data, self.at - 4)[0])

    def i64(self) -> int:
        """A signed 64-bit integer."""
        self.at += 8
        return int(_I64.unpack_from(self.data, self.at - 8)[0])

    def double(self) -> float:
        """A double."""
        self.at += 8
        return float(_DOUBLE.unpack_from(self.data, self.at - 8)[0])

    def binary(self) -> bytes:
        """A length and that many bytes."""
        length = self.i32()
        start = self.at
        if length < 0 or start + length > len(self.data):
            raise DecodeError("a string of %d bytes does not fit" % length)
        self.at = start + length
        return self.data[start : self.at]

    def string(self) -> str:
        """A length and text."""
        return self.binary().decode("utf-8", "replace")

    def field(self) -> tuple[int, int]:
        """(type, id) of the next field; (0, 0) at the end of the struct."""
        kind = self.data[self.at]
        if kind == STOP:
            self.at += 1
            return 0, 0
        self.at += 3
        return kind, int(_I16.unpack_from(self.data, self.at - 2)[0])

    def skip(self, kind: int, what: str) -> None:
        """Pass over an unknown value; a STRUCT cannot be passed over, for it may be a placeholder."""
        if kind in (BOOL, BYTE):
            self.at += 1
        elif kind == I16:
            self.at += 2
        elif kind == I32:
            self.at += 4
        elif kind in (I64, DOUBLE):
            self.at += 8
        elif kind == STRING:
            self.binary()
        elif kind in (LIST, SET):
            element, count = self.data[self.at], _I32.unpack_from(self.data, self.at + 1)[0]
            self.at += 5
            for _dummy in range(count):
                self.skip(element, what)
        elif kind == MAP:
            key, value, count = self.data[self.at], self.data[self.at + 1], _I32.unpack_from(self.data, self.at + 2)[0]
            self.at += 6
            for _dummy in range(count):
                self.skip(key, what)
                self.skip(value, what)
        else:
            raise DecodeError("%s: unknown field of type %d" % (what, kind))


def write_binary(out: bytearray, value: bytes) -> None:
    """A length and the bytes."""
    out += _I32.pack(len(value))
    out += value


def write_string(out: bytearray, value: str) -> None:
    """A length and the text."""
    write_binary(out, value.encode())


def write_field(out: bytearray, kind: int, number: int) -> None:
    """The header of a field."""
    out += _FIELD.pack(kind, number)


def _write_bool(out: bytearray, value: t.Any) -> None:
    out.append(1 if value else 0)


def _write_byte(out: bytearray, value: int) -> None:
    out.append(value & 255)


def _packer(form: struct.Struct) -> Write:
    def write(out: bytearray, value: t.Any) -> None:
        out += form.pack(value)

    return write


def address_number(address: str) -> int:
    """``rpc_address`` as a number: ipv4 << 32, port << 16, 1; 0 is no address."""
    if not address:
        return 0
    host, port = address.rsplit(":", 1)
    parts = [int(x) for x in host.split(".")]
    return (parts[0] << 56) + (parts[1] << 48) + (parts[2] << 40) + (parts[3] << 32) + (int(port) << 16) + 1


def address_text(number: int) -> str:
    """The address of a number, "" for 0."""
    if not number:
        return ""
    ip = number >> 32
    return "%d.%d.%d.%d:%d" % (ip >> 24 & 255, ip >> 16 & 255, ip >> 8 & 255, ip & 255, number >> 16 & 65535)


def _write_address(out: bytearray, value: str) -> None:
    out += _U64.pack(address_number(value))


def _read_address(reader: Reader) -> str:
    reader.at += 8
    return address_text(_U64.unpack_from(reader.data, reader.at - 8)[0])


def _write_host_port(out: bytearray, value: str) -> None:
    host, _colon, port = value.rpartition(":")
    write_string(out, host)
    out += _U16.pack(int(port or 0))
    out.append(1 if value else 0)


def _read_host_port(reader: Reader) -> str:
    host = reader.string()
    port = reader.i16() & 65535
    return "%s:%d" % (host, port) if reader.byte() else ""


def _write_gpid(out: bytearray, value: tuple[int, int]) -> None:
    out += _I64.pack(value[0] + (value[1] << 32))


def _read_gpid(reader: Reader) -> tuple[int, int]:
    number = reader.i64()
    app_id = number & 0xFFFFFFFF
    return (app_id - (1 << 32) if app_id >> 31 else app_id), number >> 32


TYPES: dict[str, tuple[int, Write, Read]] = {
    "bool": (BOOL, _write_bool, Reader.bool),
    "byte": (BYTE, _write_byte, Reader.byte),
    "i16": (I16, _packer(_I16), Reader.i16),
    "i32": (I32, _packer(_I32), Reader.i32),
    "i64": (I64, _packer(_I64), Reader.i64),
    "double": (DOUBLE, _packer(_DOUBLE), Reader.double),
    "string": (STRING, write_string, Reader.string),
    "error_code": (STRUCT, write_string, Reader.string),
    "task_code": (STRUCT, write_string, Reader.string),
    "blob": (STRUCT, write_binary, Reader.binary),
    "gpid": (STRUCT, _write_gpid, _read_gpid),
    "address": (STRUCT, _write_address, _read_address),
    "host_port": (STRUCT, _write_host_port, _read_host_port),
}
"""Type name -> (type on the wire, writer, reader). Addresses are "host:port" or "", gpids (app id, partition)."""
