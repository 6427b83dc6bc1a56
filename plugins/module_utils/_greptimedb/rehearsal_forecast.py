# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a rehearsal has measured, put into the forecast of a real plan, where it can be compared."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration, parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import s3_options

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Node

ENGINE = "greptimedb"
MAX_AGE = "30d"
MEASURED = "rehearsal.measured"
"""The journal entry with what was measured; :mod:`rehearsal_run` makes it."""


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """The last rehearsal of a journal that measured something; ``data`` None: there is none, and ``why``."""

    location: str
    max_age: float
    data: t.Optional[t.Mapping[str, t.Any]]
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Here:
    """The cluster of the plan. ``metasrv``: the addresses of its metasrv. ``version``: what it runs."""

    metasrv: t.Tuple[str, ...]
    version: str
    now: datetime.datetime


def read_max_age(params: t.Mapping[str, t.Any]) -> float:
    """Seconds. InvalidOption when it is no length of time."""
    return parse_duration(params.get("rehearsal_max_age") or MAX_AGE, "rehearsal_max_age")


def read_rehearsed(params: t.Mapping[str, t.Any], max_age: float) -> t.Optional[Rehearsed]:
    """The rehearsal of the options; None when none is given. MigrationError ``journal.*`` for one that is damaged."""
    location = str(params.get("rehearsal_journal") or "").strip()
    if not location:
        return None
    try:
        view = Journal.read(location, s3=s3_options(params)).expecting("", ENGINE).require_valid()
    except MigrationError as error:
        if error.code != "journal.missing":
            raise
        return Rehearsed(location, max_age, None, "there is no journal")
    measured = view.of_kind(MEASURED)
    if not measured:
        return Rehearsed(location, max_age, None, "no rehearsal in it came to its end")
    return Rehearsed(location, max_age, measured[-1].data)


def unfit(rehearsed: Rehearsed, here: Here) -> str:
    """Why a rehearsal says nothing about this plan, "" when it does."""
    data = rehearsed.data
    if data is None:
        return rehearsed.why
    if not set(data.get("metasrv") or ()) & set(here.metasrv):
        return "it was on another cluster"
    if data.get("version") != here.version:
        return f"the cluster ran {data.get('version')} then, and runs {here.version} now"
    age = (here.now - parse_iso(str(data.get("at")))).total_seconds()
    if age > rehearsed.max_age:
        return f"it is {format_duration(age)} old, and rehearsal_max_age is {format_duration(rehearsed.max_age)}"
    return ""


def version_of(client: GreptimeClient) -> str:
    """What the cluster runs, as far as it tells: frontend, then metasrv."""
    return f"{client.versions.frontend or 'unknown'}/{client.versions.metasrv or 'unknown'}"


def metasrv_of(client: GreptimeClient, nodes: t.Iterable[Node]) -> t.Tuple[str, ...]:
    """The addresses of the cluster's metasrv, by which it is known again: as it lists them, and as they were given."""
    listed = {node.addr for node in nodes if node.kind == "metasrv"}
    listed |= {str(address) for address in client.connection.metasrv}
    return tuple(sorted(listed))
