# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether something is worth an entry: a second run that finds everything as it was adds nothing to the journal."""

from __future__ import annotations

import json
import typing as t


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
