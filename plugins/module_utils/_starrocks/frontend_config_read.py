# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What configs are on every frontend: each one tells only its own memory, and no statement asks for others'."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import unexpected_answer
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, truth
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import like_literal


@dataclasses.dataclass(frozen=True)
class ConfigRow:
    """A config as one frontend tells it. ``key`` is its own name, although it may have been asked for by an alias."""

    key: str
    aliases: t.Tuple[str, ...]
    value: str
    kind: str
    mutable: bool


Table = t.Dict[Frontend, t.Dict[str, t.Optional[ConfigRow]]]
"""By frontend and key as it was asked for; None where the frontend does not know the key."""


def read_config(cluster: Cluster, frontend: Frontend, key: str) -> t.Optional[ConfigRow]:
    """One config of one frontend. Never without LIKE: the server would print its secrets in clear."""
    doing = f"read the config {key}"
    rows = cluster.query_on(frontend, f"ADMIN SHOW FRONTEND CONFIG LIKE {like_literal(key)}", doing)
    try:
        return decode_config(rows, key)
    except (KeyError, ValueError) as error:
        raise unexpected_answer(error, doing, frontend.address) from error


def decode_config(rows: Rows, key: str) -> t.Optional[ConfigRow]:
    """The row of this key or alias, if there is one: LIKE also finds what only looks alike."""
    found = [
        ConfigRow(
            key=str(row["key"]),
            aliases=tuple(
                part.strip() for part in str(row["aliasnames"] or "").strip("[] ").split(",") if part.strip()
            ),
            value="" if row["value"] is None else str(row["value"]),
            kind=str(row["type"]),
            mutable=truth(row["ismutable"]),
        )
        for row in rows.records()
    ]
    for one in found:
        if one.key == key:
            return one
    return next((one for one in found if key in one.aliases), None)


def read_all(cluster: Cluster, frontends: t.Sequence[Frontend], keys: t.Sequence[str]) -> Table:
    """These configs of these frontends, all frontends at once.

    :raises MigrationError: ``starrocks.frontend_unreachable`` when one of them does not answer: unknown passes no gate
    """
    good, failed = cluster.on_each(frontends, functools.partial(_read_one, cluster, keys))
    if failed:
        raise unread(failed)
    return good


def _read_one(cluster: Cluster, keys: t.Sequence[str], frontend: Frontend) -> t.Dict[str, t.Optional[ConfigRow]]:
    return {key: read_config(cluster, frontend, key) for key in keys}


def unread(failed: t.Mapping[Frontend, MigrationError]) -> MigrationError:
    """Frontends that could not be read; their own error when it is something else than silence."""
    for error in failed.values():
        if error.code != "starrocks.unreachable":
            return error
    names = ", ".join(frontend.address for frontend in failed)
    first = next(iter(failed.values()))
    return MigrationError(
        "starrocks.frontend_unreachable",
        f"{names}: every frontend must be asked by itself, and this one does not answer: {first.message}",
        server_text=first.server_text,
        details={"frontends": [frontend.address for frontend in failed]},
    )
