# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases in parallel: each worker thread has a module server of its own, results come as they are ready."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import pathlib
import threading
import typing as t

from bench import modules

Result = t.TypeVar("Result")
Job = t.Callable[[modules.ModuleServer], t.Iterable[Result]]


class Workers:
    """A pool of threads with a module server each. A context manager; it ends the servers that it has started."""

    def __init__(self, count: int, home: pathlib.Path) -> None:
        self._home = home
        self._pool = concurrent.futures.ThreadPoolExecutor(count)
        self._local = threading.local()
        self._numbers = itertools.count()
        self._stack = contextlib.ExitStack()
        self._guard = threading.Lock()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *unused: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._stack.close()

    def _server(self) -> modules.ModuleServer:
        server: modules.ModuleServer | None = getattr(self._local, "server", None)
        if server is None:
            with self._guard:
                number = str(next(self._numbers))
                server = self._stack.enter_context(modules.ModuleServer(self._home / "servers" / number))
            self._local.server = server
        return server

    def _do(self, job: Job[Result]) -> list[Result]:
        return list(job(self._server()))

    def results(self, jobs: t.Iterable[Job[Result]]) -> t.Iterator[Result]:
        """Everything that the jobs yield, job by job as they end."""
        futures = [self._pool.submit(self._do, job) for job in jobs]
        for future in concurrent.futures.as_completed(futures):
            yield from future.result()
