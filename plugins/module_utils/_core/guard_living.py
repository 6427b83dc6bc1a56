# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Finding the guard that an earlier run has left, if it still lives."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace, last_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer, GuardLink, GuardLost


@dataclasses.dataclass(frozen=True)
class LivingGuard:
    """A guard of an earlier run that still answers: its link, and what it said."""

    link: GuardLink
    answer: Answer


def living_guard(place: GuardPlace) -> t.Optional[LivingGuard]:
    """The guard that was started last with this journal, if it is still there."""
    lines = last_guard(place.read())
    path = next((str(line["socket"]) for line in lines if line.get("event") == "started"), "")
    if not path or any(line.get("event") == "ended" for line in lines):
        return None
    try:
        link = GuardLink.connect(path)
        return LivingGuard(link, link.ask(gs.STATUS))
    except GuardLost:
        return None
