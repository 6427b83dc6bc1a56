# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Messages as tables of fields, and the one encoder and the one decoder that work by them.

A value of a struct is a mapping from field name to value. Fields that are absent are absent in the mapping; they are
neither invented nor defaulted here. ``since`` is documentation of the tables only, the decoder takes every known field.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import thrift_binary as tb
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import decode_error


class Kind:
    """A type: how it is announced in a field's head (``wire``), written and read. ``least``: its fewest bytes."""

    wire = tb.STRUCT
    least = 1

    def write(self, out: tb.Writer, value: t.Any) -> None:
        """Append ``value``; ValueError or TypeError if it is none of this type."""
        raise NotImplementedError

    def read(self, source: tb.Reader) -> t.Any:
        """The next value."""
        raise NotImplementedError


class _Bool(Kind):
    wire = tb.BOOL

    def write(self, out: tb.Writer, value: t.Any) -> None:
        out.byte(1 if value else 0)

    def read(self, source: tb.Reader) -> bool:
        return source.byte() != 0


class _I32(Kind):
    wire = tb.I32
    least = 4

    def write(self, out: tb.Writer, value: t.Any) -> None:
        out.i32(value)

    def read(self, source: tb.Reader) -> int:
        return source.i32()


class _I64(Kind):
    wire = tb.I64
    least = 8

    def write(self, out: tb.Writer, value: t.Any) -> None:
        out.i64(value)

    def read(self, source: tb.Reader) -> int:
        return source.i64()


class _Text(Kind):
    wire = tb.STRING
    least = 4

    def write(self, out: tb.Writer, value: t.Any) -> None:
        out.binary(value.encode("utf-8"))

    def read(self, source: tb.Reader) -> str:
        return source.text()


class _ErrorCode(_Text):
    """Announced as STRUCT, written as a string: the error's name."""

    wire = tb.STRUCT


class _Blob(Kind):
    """Announced as STRUCT, written as binary."""

    least = 4

    def write(self, out: tb.Writer, value: t.Any) -> None:
        out.binary(value)

    def read(self, source: tb.Reader) -> bytes:
        return source.binary()


class Gpid(t.NamedTuple):
    """A partition of a table."""

    app_id: int
    partition: int


class _GpidKind(Kind):
    """Announced as STRUCT, written as i64: app id in the lower half, partition index in the upper."""

    least = 8

    def write(self, out: tb.Writer, value: t.Any) -> None:
        app_id, index = value
        out.u32(index & 0xFFFFFFFF)
        out.u32(app_id & 0xFFFFFFFF)

    def read(self, source: tb.Reader) -> Gpid:
        index, app_id = source.i32(), source.i32()
        return Gpid(app_id, index)


class _Address(Kind):
    """Announced as STRUCT, written as i64: IPv4 address, port, and 1 for "valid". The text is ``ip:port`` or empty."""

    least = 8

    def write(self, out: tb.Writer, value: t.Any) -> None:
        if not value:
            out.i64(0)
            return
        host, _colon, port = value.partition(":")
        out.raw(ipaddress.IPv4Address(host).packed)
        out.u32((int(port) << 16) + 1)

    def read(self, source: tb.Reader) -> str:
        ip, rest = source.u32(), source.u32()
        if rest & 0x3 == 0:
            return ""
        if rest & 0x3 != 1:
            raise decode_error(f"an address has the type {rest & 0x3}, which is no IPv4 address")
        return f"{ipaddress.IPv4Address(ip)}:{rest >> 16}"


def literal_address(address: str) -> str:
    """``address`` if it can be told as an ADDRESS, which a name cannot; else the empty text, the invalid address."""
    host, _colon, port = address.partition(":")
    try:
        ipaddress.IPv4Address(host)
        return address if 0 < int(port) <= 0xFFFF else ""
    except ValueError:
        return ""


class _HostPort(Kind):
    """Announced as STRUCT (2.6), written as host, port and a type byte. The text is ``host:port`` or empty."""

    least = 7

    def write(self, out: tb.Writer, value: t.Any) -> None:
        host, _colon, port = value.partition(":")
        number = int(port or 0)
        out.binary(host.encode("utf-8"))
        out.i16(number - 0x10000 if number > 0x7FFF else number)
        out.byte(1 if host else 0)

    def read(self, source: tb.Reader) -> str:
        host, port, kind = source.text(), source.i16() & 0xFFFF, source.byte()
        return f"{host}:{port}" if kind and host else ""


class ListOf(Kind):
    """A list of one type."""

    wire = tb.LIST
    least = 5

    def __init__(self, element: Kind) -> None:
        self.element = element

    def write(self, out: tb.Writer, value: t.Any) -> None:
        out.byte(self.element.wire)
        out.i32(len(value))
        for item in value:
            self.element.write(out, item)

    def read(self, source: tb.Reader) -> list[t.Any]:
        kind = source.byte()
        count = source.size(self.element.least)
        if kind != self.element.wire and count:
            raise decode_error(f"a list holds {_type(kind)} instead of {_type(self.element.wire)}")
        return [self.element.read(source) for _index in range(count)]


class MapOf(Kind):
    """A map from one type to another."""

    wire = tb.MAP
    least = 6

    def __init__(self, key: Kind, value: Kind) -> None:
        self.key = key
        self.value = value

    def write(self, out: tb.Writer, value: t.Any) -> None:
        out.byte(self.key.wire)
        out.byte(self.value.wire)
        out.i32(len(value))
        for key, item in value.items():
            self.key.write(out, key)
            self.value.write(out, item)

    def read(self, source: tb.Reader) -> dict[t.Any, t.Any]:
        kinds = (source.byte(), source.byte())
        count = source.size(self.key.least + self.value.least)
        if count and kinds != (self.key.wire, self.value.wire):
            raise decode_error(
                f"a map holds {_type(kinds[0])}/{_type(kinds[1])} instead of "
                f"{_type(self.key.wire)}/{_type(self.value.wire)}"
            )
        found: dict[t.Any, t.Any] = {}
        for _index in range(count):
            key = self.key.read(source)
            found[key] = self.value.read(source)
        return found


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a struct. ``since``: the first version that sends it; empty for all of them."""

    number: int
    name: str
    kind: Kind
    since: str = ""


class Struct(Kind):
    """A real struct: fields by number, in the order in which they are written."""

    def __init__(self, name: str, *fields: Field) -> None:
        self.name = name
        self.fields = fields
        self._by_number = {field.number: field for field in fields}
        self.by_name = {field.name: field for field in fields}

    def write(self, out: tb.Writer, value: t.Any) -> None:
        unknown = sorted(set(value) - set(self.by_name))
        if unknown:
            raise ValueError(f"{self.name} has no field {', '.join(unknown)}")
        for field in self.fields:
            if field.name in value:
                out.field(field.kind.wire, field.number)
                field.kind.write(out, value[field.name])
        out.byte(tb.STOP)

    def read(self, source: tb.Reader) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {}
        while True:
            wire = source.byte()
            if wire == tb.STOP:
                return found
            number = source.i16()
            field = self._by_number.get(number)
            if field is None:
                source.skip(wire, f"field {number} of {self.name}")
            elif wire != field.kind.wire:
                raise decode_error(
                    f"field {number} ({field.name}) of {self.name} has the type {_type(wire)} instead of "
                    f"{_type(field.kind.wire)}",
                    struct=self.name,
                    field=number,
                )
            else:
                found[field.name] = field.kind.read(source)


def _type(number: int) -> str:
    return tb.TYPE_NAMES.get(number, str(number))


BOOL = _Bool()
I32 = _I32()
I64 = _I64()
TEXT = _Text()
ERROR_CODE = _ErrorCode()
BLOB = _Blob()
GPID = _GpidKind()
ADDRESS = _Address()
HOST_PORT = _HostPort()
EMPTY = Struct("empty")
