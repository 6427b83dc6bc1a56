# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m sync_tool HOME: runs the synchronisation until it is stopped, or once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
import typing as t

from .cluster import Cluster, ClusterError
from .lab import Lab
from .log import Log
from .settings import SettingsError, load
from .sync import Sync, Terminated

TICK = 0.02
"""Real seconds between two looks at what is due or ordered."""


def main(home: str) -> int:
    """The exit code: 0 after one run in one-time mode, 1 when it cannot go on, 143 after SIGTERM."""
    lab = Lab(os.path.join(home, "lib", "lab.json"))
    lines = Log(os.path.join(home, "log"), lab.rotate_bytes)
    stopped = threading.Event()

    def on_term(_number: int, _frame: t.Any) -> None:
        if not lab.orders().get("ignore_term"):
            stopped.set()

    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        settings, hosts = load(os.path.join(home, "conf"))
        source, target = (Cluster(side, settings, hosts) for side in ("source", "target"))
        source.open()
        target.open()
        sync = Sync(source, target, settings, lab, lines)
        sync.check()
    except (SettingsError, ClusterError, Terminated) as problem:
        lines.error("main", "main(SyncMain.java:58)", "Failed to start cluster sync: %s" % problem)
        sys.stderr.write("%s\n" % problem)
        return 1
    lines.info("main", "main(SyncMain.java:71)", "Cluster sync started")
    while not stopped.wait(TICK):
        crash = lab.once("crash")
        if crash:
            sys.stderr.write('Exception in thread "main" java.lang.OutOfMemoryError: Java heap space\n')
            sys.stderr.flush()
            os._exit(int(crash))
        if lab.orders().get("stall"):
            continue
        if lab.once("rotate"):
            lines.rotate()
        if lab.once("truncate"):
            lines.truncate()
        try:
            if sync.turn():
                lines.info("main", "main(SyncMain.java:96)", "One time run mode, all tables are synchronized, exit")
                return 0
        except Terminated as problem:
            lines.error("main", "main(SyncMain.java:101)", str(problem))
            return 1
        except Exception:  # as the real one's executors do: logged, tried again next time
            lines.error("main", "main(SyncMain.java:105)", traceback.format_exc().strip().replace("\n", " | "))
    return 143


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
