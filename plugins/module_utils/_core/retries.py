# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Repeating a read that failed for a passing reason. Never for anything that changes a server."""

from __future__ import annotations

import random
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline

Result = t.TypeVar("Result")


def retry(
    call: t.Callable[[], Result],
    *,
    is_transient: t.Callable[[Exception], bool],
    clock: Clock,
    attempts: int = 4,
    base: float = 0.2,
    cap: float = 5.0,
    jitter: t.Callable[[], float] = random.random,
    deadline: t.Optional[Deadline] = None,
) -> Result:
    """The result of an idempotent read, or its last error.

    Up to ``attempts`` calls; between them ``base`` seconds, doubled each time up to ``cap``, of which ``jitter``
    (0 to 1) decides the second half, so that many clients do not come back at once. No call after ``deadline``.
    """
    if attempts < 1:
        raise ValueError("at least one attempt")
    pause = min(base, cap)
    for _attempt in range(attempts - 1):
        try:
            return call()
        except Exception as error:
            span = pause * (0.5 + 0.5 * jitter())
            if not is_transient(error) or (deadline is not None and deadline.remaining() <= span):
                raise
            clock.sleep(span)
            pause = min(pause * 2, cap)
    return call()
