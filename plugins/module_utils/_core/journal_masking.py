# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Keeping secrets out of a journal, and in it what binds its entries together.

A password may be a part of our own words (``greptime``) or of a number (``123``). Ids, names of resources and the like
are no secrets, and a journal in which they were masked would have forgotten what was done.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OPENED, OUTCOME
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor

_PLAN = "plan"
_WORDS: t.Mapping[str, t.Sequence[str]] = {
    OPENED: ("migration_id", "engine"),
    INTENT: ("id", "resource", "action"),
    "change.accepted": ("id", "procedure_id"),
    OUTCOME: ("id", "status"),
    _PLAN: ("plan_id",),
    "run.started": ("run_id", "phase"),
    "run.finished": ("run_id", "phase", "status"),
}
_NUMBERED: t.Mapping[str, t.Sequence[str]] = {INTENT: ("before", "after", "context"), _PLAN: ("plan",)}
"""Where numbers are ids and counts. Secrets are text, or they are left out before they come here."""
_FIXED = ("engine", "ordering", "purpose", "strategy")
# Passwords in addresses are masked everywhere, whether they are known or not.
_ONLY_ADDRESSES = Redactor(())


def masked(redactor: Redactor, kind: str, data: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """The data of an entry as it may be written."""
    found: t.Dict[str, t.Any] = {}
    for key, value in data.items():
        if key in _WORDS.get(kind, ()):
            found[key] = _ONLY_ADDRESSES.mask(value)
        elif key in _NUMBERED.get(kind, ()):
            found[key] = _with_numbers(redactor, value)
        else:
            found[key] = redactor.mask(value)
    return found


def _with_numbers(redactor: Redactor, value: t.Any) -> t.Any:
    if isinstance(value, t.Mapping):
        return {
            key: _ONLY_ADDRESSES.mask(item) if key in _FIXED else _with_numbers(redactor, item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_with_numbers(redactor, item) for item in value]
    if isinstance(value, (int, float)):
        return value
    return redactor.mask(value)
