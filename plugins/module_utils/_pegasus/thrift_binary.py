# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Values of Thrift's binary protocol, read with a check of every length. Knows no message; ``schema`` does."""

from __future__ import annotations

import struct

from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import decode_error

STOP = 0
BOOL = 2
BYTE = 3
DOUBLE = 4
I16 = 6
I32 = 8
I64 = 10
STRING = 11
STRUCT = 12
MAP = 13
SET = 14
LIST = 15

TYPE_NAMES = {
    BOOL: "BOOL", BYTE: "BYTE", DOUBLE: "DOUBLE", I16: "I16", I32: "I32", I64: "I64", STRING: "STRING",
    STRUCT: "STRUCT", MAP: "MAP", SET: "SET", LIST: "LIST",
}  # fmt: skip

CALL = 0x80010001
REPLY = 0x80010002

_I16 = struct.Struct(">h")
_I32 = struct.Struct(">i")
_U32 = struct.Struct(">I")
_I64 = struct.Struct(">q")
_DEEPEST = 16
_FIXED = {BOOL: 1, BYTE: 1, DOUBLE: 8, I16: 2, I32: 4, I64: 8}


class Writer:
    """Collects bytes. A number that does not fit its type is a ValueError."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def joined(self) -> bytes:
        """All that was written."""
        return b"".join(self._parts)

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._parts.append(data)

    def _number(self, form: struct.Struct, value: int) -> None:
        try:
            self._parts.append(form.pack(value))
        except struct.error as error:
            raise ValueError(f"{value!r} does not fit {form.size * 8} bits") from error

    def byte(self, value: int) -> None:
        self._parts.append(bytes((value & 0xFF,)))

    def i16(self, value: int) -> None:
        self._number(_I16, value)

    def i32(self, value: int) -> None:
        self._number(_I32, value)

    def u32(self, value: int) -> None:
        self._number(_U32, value)

    def i64(self, value: int) -> None:
        self._number(_I64, value)

    def binary(self, value: bytes) -> None:
        """Length and bytes."""
        self._number(_I32, len(value))
        self._parts.append(value)

    def field(self, kind: int, number: int) -> None:
        """The head of a field."""
        self.byte(kind)
        self.i16(number)


class Reader:
    """Reads from the front. Whatever is missing or impossible is MigrationError ``pegasus.decode``."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if count < 0 or count > self.remaining:
            raise decode_error(f"it ends early ({count} bytes expected at byte {self._at}, {self.remaining} left)")
        start, self._at = self._at, self._at + count
        return self._data[start : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def i16(self) -> int:
        return int(_I16.unpack(self.take(2))[0])

    def i32(self) -> int:
        return int(_I32.unpack(self.take(4))[0])

    def u32(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def i64(self) -> int:
        return int(_I64.unpack(self.take(8))[0])

    def binary(self) -> bytes:
        """Length and bytes."""
        return self.take(self.i32())

    def text(self) -> str:
        """Length and text. Bytes that are no UTF-8 come through as replacement characters."""
        return self.binary().decode("utf-8", "replace")

    def size(self, least: int) -> int:
        """The number of elements of a container, each at least ``least`` bytes long."""
        count = self.i32()
        if count < 0 or count * least > self.remaining:
            raise decode_error(f"it announces {count} elements and has {self.remaining} bytes left")
        return count

    def skip(self, kind: int, what: str, depth: int = 0) -> None:
        """Pass over a value of an unknown field.

        Impossible for structs, at any depth: rDSN writes STRUCT for types that are no struct on the wire (error codes,
        addresses, partition ids), so their length is unknown. Going on would read garbage as data.
        """
        if depth > _DEEPEST:
            raise decode_error(f"{what} is nested too deep")
        if kind in _FIXED:
            self.take(_FIXED[kind])
        elif kind == STRING:
            self.binary()
        elif kind in (LIST, SET):
            self._skip_elements((self.byte(),), what, depth)
        elif kind == MAP:
            self._skip_elements((self.byte(), self.byte()), what, depth)
        elif kind == STRUCT:
            raise decode_error(
                f"{what} is unknown and of type STRUCT, which cannot be skipped; the server is newer than this "
                "collection"
            )
        else:
            raise decode_error(f"{what} has the impossible type {kind}")

    def _skip_elements(self, kinds: tuple[int, ...], what: str, depth: int) -> None:
        count = self.size(len(kinds))
        if STRUCT in kinds:
            self.skip(STRUCT, what)
        for _index in range(count):
            for kind in kinds:
                self.skip(kind, what, depth + 1)
