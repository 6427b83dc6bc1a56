# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Meta clients for several threads: each takes one that nobody uses, and gives it back."""

from __future__ import annotations

import collections
import contextlib
import types
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient


class MetaPool:
    """As many clients as are used at once. A context manager, to be left when no client is in use."""

    def __init__(self, make: t.Callable[[], MetaClient]) -> None:
        self._make = make
        # Its two ends are safe for threads.
        self._idle: collections.deque[MetaClient] = collections.deque()

    def __enter__(self) -> MetaPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextlib.contextmanager
    def client(self) -> t.Iterator[MetaClient]:
        """One of them, for the thread that asks."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._make()
        try:
            yield client
        finally:
            self._idle.append(client)
