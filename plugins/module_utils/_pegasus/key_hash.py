# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which hash key belongs to which partition.

Every client of Pegasus sends a record to the partition with the index ``crc64(hash key) % partition count`` (CRC-64
with the polynomial 0x9a6c9329ac4bc9b5), and says that checksum in the header of the request. After a partition split
servers refuse what does not belong to the partition by that (ERR_PARENT_PARTITION_MISUSED).
"""

from __future__ import annotations

import functools
import itertools
import typing as t

_POLYNOMIAL = 0x9A6C9329AC4BC9B5
_MASK = (1 << 64) - 1


def crc64(data: bytes) -> int:
    """The checksum that chooses a partition, without a sign."""
    table, crc = _table(), _MASK
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc ^ _MASK


@functools.lru_cache(maxsize=1)
def _table() -> t.Tuple[int, ...]:
    """By a byte, what it does to the checksum."""
    found = []
    for crc in range(256):
        for _bit in range(8):
            crc = (crc >> 1) ^ _POLYNOMIAL if crc & 1 else crc >> 1
        found.append(crc)
    return tuple(found)


@functools.lru_cache(maxsize=64)
def hash_keys(prefix: bytes, partition_count: int) -> t.Tuple[bytes, ...]:
    """A hash key that begins with ``prefix`` for each partition, in order of the index."""
    found: t.Dict[int, bytes] = {}
    for number in itertools.count():
        key = prefix + str(number).encode("ascii")
        found.setdefault(crc64(key) % partition_count, key)
        if len(found) == partition_count:
            break
    return tuple(found[index] for index in range(partition_count))
