# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Storage volumes as records: as a cluster has them, as somebody wants them, and what a name may be."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_names import MIRROR_PREFIX

BUILTIN = "builtin_storage_volume"
"""Comes from fe.conf only (``enable_load_volume_from_conf``); nobody can create one of that name."""
LONGEST_NAME = 64
LONGEST_MIRRORED = LONGEST_NAME - len(MIRROR_PREFIX)

# FeNameFormat: Java's \w is ASCII.
_NAME = re.compile(r"[a-zA-Z]\w{0,63}|_[a-zA-Z0-9]\w{0,62}", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Volume:
    """A storage volume as ``DESC STORAGE VOLUME`` shows it. ``params`` holds visible values only, as the server does.

    ``hidden``: the keys whose values are masked, here or by the server.
    """

    name: str
    type: str
    locations: t.Tuple[str, ...]
    params: t.Mapping[str, str]
    hidden: t.FrozenSet[str] = frozenset()
    enabled: bool = True
    is_default: bool = False
    comment: str = ""

    def as_state(self) -> t.Dict[str, t.Any]:
        """What changes, diffs and the journal hold of it. Without ``is_default``: that is a matter of two volumes."""
        return {
            "type": self.type,
            "locations": list(self.locations),
            "params": dict(sorted(self.params.items())),
            "enabled": self.enabled,
            "comment": self.comment,
        }

    def as_result(self) -> t.Dict[str, t.Any]:
        """The volume in a module's result."""
        return {
            "name": self.name,
            **self.as_state(),
            "is_default": self.is_default,
            "hidden": sorted(self.hidden),
        }


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A volume as it shall be. ``type`` and ``locations`` empty: whatever it has. ``comment`` None: likewise.

    ``properties``: visible ones; ``credentials``: those that no server shows. ``default``: make it the default one.
    """

    name: str
    type: str = ""
    locations: t.Tuple[str, ...] = ()
    properties: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    credentials: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    enabled: bool = True
    comment: t.Optional[str] = None
    default: bool = False

    def all_properties(self) -> t.Dict[str, str]:
        """Everything that a CREATE sends, ``enabled`` first since servers and manuals disagree on its default."""
        return {"enabled": known.boolean(self.enabled), **self.properties, **self.credentials}


def name_problem(name: str) -> str:
    """Why the server would not take the name for a new volume, "" when it would."""
    if name == BUILTIN:
        return f"{BUILTIN} is a reserved name"
    if not _NAME.fullmatch(name):
        if len(name) > LONGEST_NAME:
            return f"{name!r} has {len(name)} characters, and {LONGEST_NAME} is the most"
        return f"{name!r} is not a letter (or an underscore and one letter or digit) followed by letters, digits or _"
    return ""


def mirror_name(source: str) -> str:
    """How the sync tool looks the volume up on the target."""
    return MIRROR_PREFIX + source


def decode_volume(record: t.Mapping[str, t.Any]) -> Volume:
    """One row of ``DESC STORAGE VOLUME`` by column name in lower case; secrets that the server shows are taken out.

    :raises MigrationError: ``starrocks.unexpected_answer``
    """
    try:
        params = decode_params(record["params"])
        hidden = frozenset(key for key, value in params.items() if known.is_secret(key) or value == known.SERVER_MASK)
        return Volume(
            name=str(record["name"]),
            type=str(record["type"]).upper(),
            locations=tuple(part for part in str(record["location"]).split(", ") if part),
            params={key: value for key, value in params.items() if key not in hidden},
            hidden=hidden,
            enabled=str(record["enabled"]).lower() == "true",
            is_default=str(record["isdefault"]).lower() == "true",
            comment=str(record.get("comment") or ""),
        )
    except (KeyError, ValueError) as error:
        raise MigrationError(
            "starrocks.unexpected_answer",
            "DESC STORAGE VOLUME gave no row that can be read. The server may be of a version that is not supported.",
            details={"columns": sorted(str(key) for key in record), "problem": type(error).__name__},
        ) from None


def decode_params(text: t.Any) -> t.Dict[str, str]:
    """The JSON of column Params (Gson, in hash order) as a mapping of texts. ValueError if it is none.

    The error says nothing of the text, which may hold secrets.
    """
    if text in (None, "", "NULL", "\\N"):
        return {}
    try:
        found = json.loads(str(text))
    except ValueError:
        raise ValueError("not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("not a mapping")
    return {
        str(key): known.boolean(value) if isinstance(value, bool) else str("" if value is None else value)
        for key, value in found.items()
    }
