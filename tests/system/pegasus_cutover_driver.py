# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cutover module's task in a process of its own, on a clock as fast as the lab's, which kills itself where told.

``python pegasus_cutover_driver.py JSON``: {"options", "check", "factor", "began", "kill": {"at", "who"} or null}.
``who`` is module, guard or both. Prints the result as JSON.
"""

from __future__ import annotations

import datetime
import functools
import json
import os
import signal
import sys
import time
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_guarded, cutover_task
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import IntervalKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.drain_watch import DrainWatch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper

START_GUARD = "start_guard"
# point: (class or module, function, the value that its arguments must hold)
POINTS: dict[str, tuple[t.Any, str, t.Any]] = {
    "guard": (cutover_guarded, START_GUARD, None),
    "interval": (ReplicaClient, "update_config", "1000"),
    "settle": (IntervalKeeper, "shorten", None),
    "arm": (GuardLink, "require", "fence"),
    "fence": (MetaClient, "update_app_env", ("reconfig*write",)),
    "prove": (Fence, "prove", "denied"),
    "drain": (DrainWatch, "step", None),
    "grant": (GuardLink, "require", "switch"),
    "hand_over": (GuardLink, "require", "hand_over"),
    "znode": (ZooKeeper, "compare_and_set", None),
    "close": (MetaClient, "update_app_env", ("reconfig*all",)),
    "commit": (GuardLink, "ask", "commit"),
    "restore": (ReplicaClient, "update_config", "30000"),
}


class FastClock:
    """Time as the lab has it. ``began``: when it did, in Unix seconds, so that no process is behind the one before."""

    def __init__(self, factor: float, began: float | None = None) -> None:
        self._factor = factor
        self._epoch = time.time() if began is None else began

    def monotonic(self) -> float:
        return time.monotonic() * self._factor

    def now(self) -> datetime.datetime:
        passed = (time.time() - self._epoch) * self._factor
        return datetime.datetime.fromtimestamp(self._epoch + passed, datetime.timezone.utc)

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds / self._factor)


class Killer:
    """Kills module, guard or both, once, at a point: ``before:fence``, ``after:znode``, ..."""

    def __init__(self, at: str, who: str) -> None:
        self.when, self.point = at.split(":")
        self.who = who
        self.main = os.getpid()
        self.guard = 0
        self.done = False

    def install(self) -> None:
        start: t.Callable[..., GuardLink] = getattr(cutover_guarded, START_GUARD)

        @functools.wraps(start)
        def remember(*arguments: t.Any) -> GuardLink:
            link = start(*arguments)
            self.guard = link.pid
            return link

        setattr(cutover_guarded, START_GUARD, remember)
        owner, name, wanted = POINTS[self.point]
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*arguments: t.Any, **more: t.Any) -> t.Any:
            # The guard has inherited this; it is not the one to be struck by its own deeds.
            here = os.getpid() == self.main and (wanted is None or wanted in arguments)
            if here and self.when == "before":
                self.strike()
            result = original(*arguments, **more)
            if here and self.when == "after":
                self.strike()
            return result

        setattr(owner, name, wrapped)

    def strike(self) -> None:
        if self.done:
            return
        self.done = True
        if self.who in ("guard", "both") and self.guard:
            os.kill(self.guard, signal.SIGKILL)
            end = time.monotonic() + 5
            while os.path.exists(f"/proc/{self.guard}") and time.monotonic() < end:
                with open(f"/proc/{self.guard}/stat", encoding="ascii") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                        break
                time.sleep(0.002)
        if self.who in ("module", "both"):
            os.kill(self.main, signal.SIGKILL)


def main() -> None:
    given = json.loads(sys.argv[1])
    if given.get("kill"):
        Killer(given["kill"]["at"], given["kill"]["who"]).install()
    clock = FastClock(given["factor"], given["began"])
    task = cutover_task.CutoverTask(given["options"], given["check"], Redactor([]), clock)
    try:
        result = {"failed": False, **task.body()}
    except MigrationError as error:
        result = {**task.partial(), **error.as_result(), "failed": True}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
