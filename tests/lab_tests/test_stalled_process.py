# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A busy machine that lets the lab wait is no event in the cluster that the lab plays."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing

from lab import process
from lab_tests.support import FIRST, connect


def test_datanodes_keep_their_lease_while_the_process_stands_still() -> None:
    with process.start("greptimedb", "0.12", factor=100, writers=0) as lab:
        pid = lab.describe["pid"]
        for region, target in ((FIRST, 1), (FIRST + 1, 2), (FIRST + 2, 0)):
            with closing(connect(lab)) as connection, connection.cursor() as cursor:
                os.kill(pid, signal.SIGSTOP)
                # A lease and a half of the lab's time; the statement is there when the process goes on.
                threading.Timer(0.15, os.kill, (pid, signal.SIGCONT)).start()
                cursor.execute("ADMIN migrate_region(%d, %d, %d, 60)" % (region, (target - 1) % 3, target))
                assert cursor.fetchone()


def test_a_datanode_that_is_dead_loses_its_lease() -> None:
    with process.start("greptimedb", "0.12", factor=100, writers=0) as lab:
        lab.node(1, alive=False)
        lab.wait_for(lambda state: not state["nodes"]["1"]["leased"])
        lab.node(1, alive=True)
        assert lab.state()["nodes"]["1"]["leased"]
