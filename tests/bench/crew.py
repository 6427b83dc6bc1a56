# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs in parallel, each job with a lab of its own. A job that fails is told and counted; the others go on."""

from __future__ import annotations

import concurrent.futures
import time
import traceback
import typing as t

Result = t.TypeVar("Result")


class Crew:
    """So many jobs at the same time. `failed`: one line for each job that raised something."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self.failed: list[str] = []

    def results(
        self, jobs: t.Sequence[t.Callable[[], Result]], tell: t.Callable[[Result], None] = lambda result: None
    ) -> list[Result]:
        """What the jobs return, as they end; each is told at once, as a long run may not come to its end."""
        found: list[Result] = []
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self._workers) as pool:
            for future in concurrent.futures.as_completed([pool.submit(job) for job in jobs]):
                try:
                    found.append(future.result())
                    tell(found[-1])
                except Exception as error:
                    self.failed.append(f"{type(error).__name__}: {str(error)[:600]}")
                    print(f"A LAB FAILED: {self.failed[-1]}", flush=True)
                    traceback.print_exc(limit=3)
                print(f"... {len(found)} of {len(jobs)} labs, {time.monotonic() - began:.0f} s", flush=True)
        return found
