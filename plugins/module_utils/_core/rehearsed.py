# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The last rehearsal of a journal, for the forecast of the real run. Whether it fits to that is the engine's to say."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration, parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import s3_options

MAX_AGE = "30d"
MEASURED = "rehearsal.measured"
"""The journal entry with what was measured, ``at`` among it."""


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """The last rehearsal of a journal that measured something; ``data`` None: there is none, and ``why``.

    ``max_age``: seconds.
    """

    location: str
    max_age: float
    data: t.Optional[t.Mapping[str, t.Any]]
    why: str = ""

    def too_old(self, now: datetime.datetime) -> str:
        """Why it is too long ago, "" when it is not."""
        data = self.data or {}
        age = (now - parse_iso(str(data.get("at")))).total_seconds()
        if age <= self.max_age:
            return ""
        return f"it is {format_duration(age)} old, and rehearsal_max_age is {format_duration(self.max_age)}"


def read_max_age(params: t.Mapping[str, t.Any]) -> float:
    """Seconds. InvalidOption when it is no length of time."""
    return parse_duration(params.get("rehearsal_max_age") or MAX_AGE, "rehearsal_max_age")


def read_rehearsed(params: t.Mapping[str, t.Any], max_age: float, engine: str) -> t.Optional[Rehearsed]:
    """The rehearsal of the options; None when none is given. MigrationError ``journal.*`` for one that is damaged."""
    location = str(params.get("rehearsal_journal") or "").strip()
    if not location:
        return None
    try:
        view = Journal.read(location, s3=s3_options(params)).expecting("", engine).require_valid()
    except MigrationError as error:
        if error.code != "journal.missing":
            raise
        return Rehearsed(location, max_age, None, "there is no journal")
    measured = view.of_kind(MEASURED)
    if not measured:
        return Rehearsed(location, max_age, None, "no rehearsal in it came to its end")
    return Rehearsed(location, max_age, measured[-1].data)
