# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What one server tells over HTTP (facts 3), as records. Numbers come as text in some of its answers."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import ambiguous, decode_error
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.http_wire import HttpReply, http_get
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import ConfigValue, PartitionProgress
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.version import parse_version

_HAS_NONE = re.compile(r"no primary for app|no duplication assigned for app|app_id=\d+ not found")
_GPID = re.compile(r"(\d+)\.(\d+)")


def version(address: str, settings: ConnectionSettings, clock: Clock) -> Version:
    """``/version``."""
    reply = http_get(address, "/version", {}, settings, clock, "ask for the version")
    found = parse_version(reply.text) if reply.status == 200 else None
    if found is None:
        raise _refused(reply, "ask for the version")
    return found


def data_versions(address: str, app_id: int, settings: ConnectionSettings, clock: Clock) -> dict[int, int]:
    """``/replica/data_version``: by partition index; empty if the server hosts no replica of the table."""
    doing = f"ask for the data version of the table with id {app_id}"
    reply = http_get(address, "/replica/data_version", {"app_id": app_id}, settings, clock, doing)
    if _has_none(reply):
        return {}
    document = _document(reply, doing)
    return {
        _int(index, reply): _int(_mapping(item, reply).get("data_version"), reply) for index, item in document.items()
    }


def progress(address: str, app_id: int, settings: ConnectionSettings, clock: Clock) -> tuple[PartitionProgress, ...]:
    """``/replica/duplication``: for the partitions of which the server is primary; empty if there are none."""
    doing = f"ask for the duplication progress of the table with id {app_id}"
    reply = http_get(address, "/replica/duplication", {"appid": app_id}, settings, clock, doing)
    if _has_none(reply):
        return ()
    found: list[PartitionProgress] = []
    for dupid, partitions in _document(reply, doing).items():
        for gpid, state in _mapping(partitions, reply).items():
            match = _GPID.fullmatch(str(gpid))
            if match is None or int(match.group(1)) != app_id:
                raise decode_error(f"{address} tells of a partition {gpid!r}", address=address)
            fields = _mapping(state, reply)
            found.append(
                PartitionProgress(
                    index=int(match.group(2)),
                    node=address,
                    duplicating=_bool(fields.get("duplicating"), reply),
                    not_confirmed=_int(fields.get("not_confirmed_mutations_num"), reply),
                    not_duplicated=_int(fields.get("not_duplicated_mutations_num"), reply),
                    fail_mode=str(fields.get("fail_mode", "")),
                    dupid=_int(dupid, reply),
                )
            )
    return tuple(sorted(found, key=lambda item: (item.dupid, item.index)))


def get_config(address: str, name: str, settings: ConnectionSettings, clock: Clock) -> ConfigValue:
    """``/config?name=``. Only flags that the server declares as such are visible, and more of them with every version.

    :raises MigrationError: ``pegasus.config_unknown``
    """
    doing = f"read the setting {name}"
    reply = http_get(address, "/config", {"name": name}, settings, clock, doing)
    try:
        document = reply.document()
    except MigrationError:
        # An unknown name is answered with a sentence.
        document = {}
    if "value" not in document:
        raise MigrationError(
            "pegasus.config_unknown",
            f"Could not {doing} at {address}: the server has no setting of this name that can be read while it runs.",
            server_text=reply.text[:200],
            details={"address": address, "name": name, "status": reply.status},
        )
    return ConfigValue(
        name=name,
        value=str(document["value"]),
        section=str(document.get("section", "")),
        kind=str(document.get("type", "")),
        mutable="FT_MUTABLE" in str(document.get("tags", "")),
    )


def update_config(address: str, name: str, value: str, settings: ConnectionSettings, clock: Clock) -> None:
    """``/updateConfig?name=value``; lasts until the server is restarted.

    :raises MigrationError: ``pegasus.config_refused``; ``pegasus.ambiguous`` for an answer that does not say whether it
        was carried out, as that of a server or a proxy with troubles of its own (5xx)
    """
    doing = f"set {name} to {value}"
    reply = http_get(address, "/updateConfig", {name: value}, settings, clock, doing, mutating=True)
    status = _update_status(reply)
    if status is None:
        why = f"it answered with HTTP status {reply.status} and no word about the update"
        raise ambiguous(doing, address, why, server_text=reply.text[:200], details={"status": reply.status})
    if not re.match(r"ERR_OK\b", status):
        raise MigrationError(
            "pegasus.config_refused",
            f"Could not {doing} at {address}: the server does not allow it while it runs.",
            server_text=reply.text[:200],
            details={"address": address, "name": name, "status": reply.status},
        )


def _update_status(reply: HttpReply) -> str | None:
    """What became of an update: the server's own word, "" for a request that was not taken (4xx), None if unknown."""
    if 400 <= reply.status < 500:
        return ""
    try:
        word = reply.document().get("update_status") if reply.status == 200 else None
    except MigrationError:
        return None
    return None if word is None else str(word)


def _has_none(reply: HttpReply) -> bool:
    """404 with the words that say so; another 404 is a server that does not know the path, which proves nothing."""
    return reply.status == 404 and _HAS_NONE.search(reply.text) is not None


def _document(reply: HttpReply, doing: str) -> dict[str, t.Any]:
    if reply.status != 200:
        raise _refused(reply, doing)
    return reply.document()


def _refused(reply: HttpReply, doing: str) -> MigrationError:
    return MigrationError(
        "pegasus.refused",
        f"Could not {doing} at {reply.address}: it answered with HTTP status {reply.status}.",
        server_text=reply.text[:200],
        details={"address": reply.address, "status": reply.status},
    )


def _mapping(value: t.Any, reply: HttpReply) -> dict[str, t.Any]:
    if not isinstance(value, dict):
        raise decode_error(f"{reply.address} sent {value!r} where an object belongs", address=reply.address)
    return value


def _int(value: t.Any, reply: HttpReply) -> int:
    try:
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return int(value)
    except ValueError:
        pass
    raise decode_error(f"{reply.address} sent {value!r} where a number belongs", address=reply.address)


def _bool(value: t.Any, reply: HttpReply) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    word = str(value).lower()
    if word not in words:
        raise decode_error(f"{reply.address} sent {value!r} where true or false belongs", address=reply.address)
    return words[word]
