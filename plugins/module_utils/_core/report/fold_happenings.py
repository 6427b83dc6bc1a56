# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What came from people while a migration ran, and what went to them: wishes, hooks, notifications."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Happening

Data = t.Mapping[str, t.Any]

_GOOD = frozenset(("taken", "ok", "done", "passed", "delivered", "sent"))
_BAD = frozenset(("unreadable", "failed", "vetoed", "veto", "undelivered"))
# Under these names their entries say what it was, what became of it, and why.
_WHAT = ("wish", "edge", "event", "kind")
_OUTCOME = ("effect", "status", "outcome", "result")
_DETAIL = ("detail", "reason", "file", "to", "problem")
_WITHDRAWN = "none"


def happening(kind: str, data: Data, at: float) -> Happening:
    """The record of one entry."""
    outcome = _first(data, _OUTCOME)
    tone = "good" if outcome in _GOOD else "bad" if outcome in _BAD else "plain"
    details = [v.word(data.get(name)) for name in _DETAIL if data.get(name) not in (None, "")]
    what = _first(data, _WHAT)
    topic = v.word(data.get("kind"))
    if what == _WITHDRAWN:
        what = f"{topic or 'wish'} withdrawn"
    return Happening(at, kind, what, w.human(outcome).lower(), tone, "; ".join(details), topic)


def _first(data: Data, names: t.Sequence[str]) -> str:
    return next((v.word(data.get(name)) for name in names if data.get(name) not in (None, "", {}, [])), "")
