# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the lab's writing clients: which partition a hash key belongs to, and the sequences that a cluster holds.

A key on the wire is u16 length of the hash key, hash key, sort key. The writers' sort key is the partition's running
number, so what a cluster holds of their writes can be read from its keys alone.
"""

from __future__ import annotations

import itertools
import struct
import typing as t

from lab.intervals import IntervalSet

PREFIX = b"writer-"
_LENGTH = struct.Struct(">H")
_SEQUENCE = struct.Struct(">Q")
_U32 = struct.Struct(">I")
_FIELD_1, _FIELD_2 = b"\x0c\x00\x01", b"\x0c\x00\x02"
_END = b"\x08\x00\x03" + bytes(4) + b"\x00"
"""Field 3 expire_ts_seconds 0, and the end of the struct."""
_POLYNOMIAL = 0x9A6C9329AC4BC9B5
_MASK = (1 << 64) - 1


def _table() -> list[int]:
    found = []
    for byte in range(256):
        for _bit in range(8):
            byte = (byte >> 1) ^ _POLYNOMIAL if byte & 1 else byte >> 1
        found.append(byte)
    return found


_TABLE = _table()


def crc64(data: bytes) -> int:
    """The checksum by which every Pegasus client chooses the partition of a hash key (CRC-64/NVME)."""
    crc = _MASK
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ _MASK


def hash_keys(client: int, partitions: int) -> list[tuple[bytes, int]]:
    """(hash key, its checksum) for each partition in order, different ones for each client."""
    found: dict[int, tuple[bytes, int]] = {}
    for number in itertools.count():
        key = b"%s%d-%d" % (PREFIX, client, number)
        checksum = crc64(key)
        found.setdefault(checksum % partitions, (key, checksum))
        if len(found) == partitions:
            return [found[index] for index in range(partitions)]
    raise AssertionError("not reached")


def key(hash_key: bytes, sequence: int) -> bytes:
    """The key on the wire."""
    return _LENGTH.pack(len(hash_key)) + hash_key + _SEQUENCE.pack(sequence)


def update_request(hash_key: bytes, sequence: int, value: bytes) -> bytes:
    """An encoded update_request, put together by hand because it is made thousands of times per second."""
    parts = (_FIELD_1, _U32.pack(len(hash_key) + 10), key(hash_key, sequence), _FIELD_2, _U32.pack(len(value)), value)
    return b"".join(parts) + _END


def sequences(keys: t.Iterable[bytes]) -> IntervalSet:
    """The running numbers of those keys that the writers made."""
    # The lab stands still meanwhile, so nothing is done key by key, and no hole, the usual case, needs no loop.
    tails = [k[-8:] for k in keys if k.startswith(PREFIX, 2)]
    numbers = sorted(struct.unpack(">%dQ" % len(tails), b"".join(tails)))
    if numbers and numbers[-1] - numbers[0] == len(numbers) - 1:
        return IntervalSet([(numbers[0], numbers[-1] + 1)])
    found = IntervalSet()
    for number in numbers:
        found.add(number)
    return found
