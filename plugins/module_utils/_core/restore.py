# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Putting a setting back without trampling on anybody."""

from __future__ import annotations

import dataclasses
import enum
import json
import typing as t


class Unknown(enum.Enum):
    """The state that could not be read: missing, stale or unreachable. It passes no gate."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@dataclasses.dataclass(frozen=True)
class Decision:
    """``action`` is restore, already_original, keep_theirs or unknown; ``reason`` says why, for people."""

    action: str
    reason: str


def three_way(original: t.Any, ours: t.Any, now: t.Any) -> Decision:
    """What to do about a state that was ``original``, that we made ``ours``, and that is found as ``now``.

    The original goes back only over our own value. States are JSON-able data (None: absent), or UNKNOWN.
    """
    if UNKNOWN in (original, ours, now):
        return Decision("unknown", "the state could not be read, so nothing is touched")
    if _same(now, original):
        return Decision("already_original", "it is as it was before the migration")
    if _same(now, ours):
        return Decision("restore", "it is still what the migration made it")
    return Decision("keep_theirs", "somebody else changed it since, so their value stays")


def _same(one: t.Any, two: t.Any) -> bool:
    # By their JSON, as the journal keeps them: true is not 1, and a tuple is the list it became.
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
