# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a run that was killed together with its guard has left, where the next cutover is refused.

Whatever speaks against another fence, nothing speaks for the old one: it is taken off first, and what was switched is
finished.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY


def perhaps_fenced(past: cp.Past, tables: t.Iterable[str]) -> bool:
    """Whether the journal has a fence on one of these tables that it has not off; of whatever cluster."""
    ends = tuple(f"/table/{table}/env/{DENY_KEY}" for table in tables)
    return any(record.changes and resource.endswith(ends) for resource, record in past.changes.items())


def put_right_first(refused: MigrationError, todo: t.Mapping[str, str], check_mode: bool) -> MigrationError:
    """The refusal, with what was done before it; ``todo`` as of :func:`cutover_past.begin`."""
    lifted = [name for name, what in todo.items() if what == cp.LIFT_FIRST]
    finished = [name for name, what in todo.items() if what == cp.FINISH]
    done = [
        *([f"the fence of {' and '.join(lifted)} taken off"] if lifted else []),
        *([f"the cutover of {' and '.join(finished)} finished"] if finished else []),
    ]
    if not done:
        return refused
    would = "would be" if check_mode else "was"
    return MigrationError(
        refused.code,
        f"What an earlier run had left {would} put right first: {' and '.join(done)}. {refused.message}",
        server_text=refused.server_text,
        details={**refused.details, "lifted": lifted, "finished": finished},
    )
