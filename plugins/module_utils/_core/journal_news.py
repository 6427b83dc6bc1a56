# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether something is worth an entry: a second run that finds everything as it was adds nothing to the journal, and a
run that lives says so."""

from __future__ import annotations

import datetime
import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso

SIGN_OF_LIFE = 30.0
"""Seconds after which the same is told again: whoever watches the journal must tell a wait from a dead run."""


def silent(entries: t.Sequence[t.Any], now: datetime.datetime) -> bool:
    """Whether nothing was written for so long that a run which lives has to say so."""
    return not entries or (now - parse_iso(entries[-1].at)).total_seconds() >= SIGN_OF_LIFE


def already_told(entries: t.Sequence[t.Any], records: t.Iterable[t.Tuple[str, t.Mapping[str, t.Any]]]) -> bool:
    """Whether the journal says all of ``records`` (kind, data) already, and no change was made since.

    What was proved or found before the last change says nothing of the time after it.
    """
    known = set()
    for entry in reversed(entries):
        if entry.kind.startswith("change."):
            break
        known.add(_mark(entry.kind, entry.data))
    return all(_mark(kind, data) in known for kind, data in records)


def _mark(kind: str, data: t.Mapping[str, t.Any]) -> str:
    return kind + json.dumps(data, sort_keys=True, separators=(",", ":"))
