# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Records of a shadow table: which hash key belongs to which partition, and how a key and a put look on the wire.

A key is the length of the hash key (u16), the hash key, and the sort key. Every client of Pegasus sends a record to the
partition with the index ``crc64(hash key) % partition count`` (CRC-64 with the polynomial 0x9a6c9329ac4bc9b5), and a
duplication does the same on the target, so records are made to belong where they are written.
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import messages
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.channel import Call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import OK
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.framing import Reply
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import Gpid

_POLYNOMIAL = 0x9A6C9329AC4BC9B5
_MASK = (1 << 64) - 1
_PREFIX = b"dbops.migration.rehearsal."
STORED = "stored"


def crc64(data: bytes) -> int:
    """The checksum that chooses a partition. Bit by bit, for a handful of short keys."""
    crc = _MASK
    for byte in data:
        crc ^= byte
        for _bit in range(8):
            crc = (crc >> 1) ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return crc ^ _MASK


def hash_keys(partition_count: int) -> t.List[bytes]:
    """A hash key for each partition, in order of the index."""
    found: t.Dict[int, bytes] = {}
    for number in itertools.count():
        key = _PREFIX + str(number).encode("ascii")
        found.setdefault(crc64(key) % partition_count, key)
        if len(found) == partition_count:
            break
    return [found[index] for index in range(partition_count)]


def put(app_id: int, index: int, hash_key: bytes, number: int) -> Call:
    """The request that writes one record."""
    key = len(hash_key).to_bytes(2, "big") + hash_key + number.to_bytes(8, "big")
    fields = {"key": key, "value": str(number).encode("ascii"), "expire_ts_seconds": 0}
    return Call(messages.PUT, fields, Gpid(app_id, index))


def outcome(reply: Reply) -> str:
    """``stored``, the name of the server's error, or ``storage error <number>``."""
    if reply.err != OK:
        return reply.err
    error = reply.value.get("error", 0)
    return f"storage error {error}" if error else STORED
