# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a rehearsal has measured, put into the forecast of a real plan, where it can be compared."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import Rehearsed

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Node


@dataclasses.dataclass(frozen=True)
class Here:
    """The cluster of the plan. ``metasrv``: the addresses of its metasrv. ``version``: what it runs."""

    metasrv: t.Tuple[str, ...]
    version: str
    now: datetime.datetime


def unfit(rehearsed: Rehearsed, here: Here) -> str:
    """Why a rehearsal says nothing about this plan, "" when it does."""
    data = rehearsed.data
    if data is None:
        return rehearsed.why
    if not set(data.get("metasrv") or ()) & set(here.metasrv):
        return "it was on another cluster"
    if data.get("version") != here.version:
        return f"the cluster ran {data.get('version')} then, and runs {here.version} now"
    return rehearsed.too_old(here.now)


def version_of(client: GreptimeClient) -> str:
    """What the cluster runs, as far as it tells: frontend, then metasrv."""
    return f"{client.versions.frontend or 'unknown'}/{client.versions.metasrv or 'unknown'}"


def metasrv_of(client: GreptimeClient, nodes: t.Iterable[Node]) -> t.Tuple[str, ...]:
    """The addresses of the cluster's metasrv, by which it is known again: as it lists them, and as they were given."""
    listed = {node.addr for node in nodes if node.kind == "metasrv"}
    listed |= {str(address) for address in client.connection.metasrv}
    return tuple(sorted(listed))
