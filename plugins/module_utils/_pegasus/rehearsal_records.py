# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Records of a shadow table: which hash key belongs to which partition, and how a key and a put look on the wire.

A key is the length of the hash key (u16), the hash key, and the sort key. A duplication sends a record to the partition
of the target that its hash key belongs to, as every client does, so records are made to belong where they are written.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import messages
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.channel import Call
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import OK
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.framing import Reply
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.key_hash import crc64
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.key_hash import hash_keys as _hash_keys
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import Gpid

_PREFIX = b"dbops.migration.rehearsal."
STORED = "stored"


def hash_keys(partition_count: int) -> t.List[bytes]:
    """A hash key for each partition, in order of the index."""
    return list(_hash_keys(_PREFIX, partition_count))


def put(app_id: int, index: int, hash_key: bytes, number: int) -> Call:
    """The request that writes one record."""
    key = len(hash_key).to_bytes(2, "big") + hash_key + number.to_bytes(8, "big")
    fields = {"key": key, "value": str(number).encode("ascii"), "expire_ts_seconds": 0}
    return Call(messages.PUT, fields, Gpid(app_id, index), crc64(hash_key))


def outcome(reply: Reply) -> str:
    """``stored``, the name of the server's error, or ``storage error <number>``."""
    if reply.err != OK:
        return reply.err
    error = reply.value.get("error", 0)
    return f"storage error {error}" if error else STORED
