# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a MetaProxy reads in ZooKeeper about one table: JSON with ``cluster_name`` and ``meta_addrs``.

A MetaProxy that is running dies of a document which is not JSON, and answers ERR_INVALID_DATA for fewer than two
addresses or for ones with spaces around them, which it does not trim.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

LEAST_ADDRESSES = 2


@dataclasses.dataclass(frozen=True)
class Document:
    """One document. ``fields`` holds every key in its order, those of others too."""

    cluster_name: str
    meta_addrs: t.Tuple[str, ...]
    fields: t.Mapping[str, t.Any]

    def as_result(self) -> t.Dict[str, t.Any]:
        """JSON-able, for results and the journal."""
        return dict(self.fields)


def parse(raw: bytes, path: str) -> Document:
    """The document in these bytes. MigrationError ``pegasus.znode_malformed`` says what a MetaProxy would choke on."""
    try:
        fields = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _malformed(path, f"it is not JSON ({error})") from error
    if not isinstance(fields, dict):
        raise _malformed(path, "it is not a JSON object")
    name, addresses = fields.get("cluster_name"), fields.get("meta_addrs")
    if not isinstance(name, str) or not name:
        raise _malformed(path, "it has no cluster_name")
    if not isinstance(addresses, str):
        raise _malformed(path, "it has no meta_addrs, or they are not text")
    listed = tuple(addresses.split(","))
    if any(not part or part != part.strip() for part in listed):
        raise _malformed(path, f"meta_addrs {addresses!r} holds an empty address or white space, which is not trimmed")
    if len(listed) < LEAST_ADDRESSES:
        raise _malformed(path, f"meta_addrs {addresses!r} holds fewer than {LEAST_ADDRESSES} addresses")
    return Document(name, listed, fields)


def pointing_at(former: t.Optional[bytes], cluster_name: str, meta_addrs: t.Sequence[str], path: str) -> bytes:
    """The bytes that point a table at a cluster. Other keys of the former document stay, each in its place.

    The former bytes themselves come back when they say the same already. ``former`` None: there is no document yet.
    """
    fields: t.Dict[str, t.Any] = {}
    if former is not None:
        fields.update(parse(former, path).fields)
    wanted = dict(fields, cluster_name=cluster_name, meta_addrs=",".join(meta_addrs))
    if former is not None and wanted == fields:
        return former
    raw = json.dumps(wanted, ensure_ascii=False, allow_nan=False).encode("utf-8")
    parse(raw, path)
    return raw


def says(raw: t.Optional[bytes], path: str) -> t.Optional[t.Dict[str, t.Any]]:
    """The document for people, as far as it can be read; None when there is none."""
    if raw is None:
        return None
    try:
        return parse(raw, path).as_result()
    except MigrationError:
        return {"raw": raw.decode("utf-8", "backslashreplace")}


def _once(pairs: t.List[t.Tuple[str, t.Any]]) -> t.Dict[str, t.Any]:
    found: t.Dict[str, t.Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice")
        found[key] = value
    return found


def _no_constant(text: str) -> t.NoReturn:
    raise ValueError(f"{text} is no JSON")


def _malformed(path: str, why: str) -> MigrationError:
    return MigrationError(
        "pegasus.znode_malformed",
        f"The MetaProxy document {path} cannot be used: {why}. Correct it in ZooKeeper first.",
        details={"path": path},
    )
