# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The same question to many servers at once. One that does not answer costs nobody else anything."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers

Value = t.TypeVar("Value")

_MOST_THREADS = 128


def fan_out(addresses: t.Iterable[str], ask: t.Callable[[str], Value]) -> Answers[Value]:
    """Call ``ask`` with every address in a thread of its own; it must end by itself, and may raise MigrationError."""
    names = list(dict.fromkeys(addresses))
    if not names:
        return Answers({}, {})
    good: dict[str, Value] = {}
    failed: dict[str, MigrationError] = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(len(names), _MOST_THREADS)) as pool:
        futures = {name: pool.submit(ask, name) for name in names}
        for name, future in futures.items():
            try:
                good[name] = future.result()
            except MigrationError as error:
                failed[name] = error
    return Answers(good, failed)
