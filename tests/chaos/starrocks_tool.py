# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync tool of a lab: started once, and again where a case ended it; its processes by their folder."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import time

from bench import modules
from chaos import starrocks_scenes as scenes
from chaos.starrocks_labs import Servers, must
from lab.client import LabClient

PATIENCE = 90.0
"""Real seconds until the target has every table."""


def processes(directory: pathlib.Path) -> list[int]:
    """The processes whose working folder is the tool's or below it, without zombies."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(directory):
                found.append(int(entry.name))
    return found


def kill(directory: pathlib.Path) -> int:
    """SIGKILL them; how many."""
    found = processes(directory)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


class Tool:
    """One lab's. Leaving the `with` block kills it."""

    def __init__(self, lab: LabClient, servers: Servers, folder: pathlib.Path) -> None:
        self.directory = folder / "sync"
        self._lab = lab
        self._servers = servers
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Tool:
        return self

    def __exit__(self, *unused: object) -> None:
        kill(self.directory)

    @property
    def runs(self) -> bool:
        """Whether it runs, in one process or more."""
        return bool(processes(self.directory))

    def start(self) -> modules.Ended:
        """Let it run, as the role does before a cutover; nothing changes if it does."""
        options = scenes.tool_options(self._lab, self.directory, self._folder / "tool.jsonl", "started")
        return self._servers.of("sync_tool").run(options, self._folder / "tool.out")

    def catch_up(self) -> None:
        """Prepare the target as the manual wants it, start the tool, and wait until the target has every table."""
        config = {"enable_legacy_compatibility_for_replication": "true"}
        if self._lab.describe["clusters"]["target"]["run_mode"] == "shared_data":
            config["lake_compaction_max_tasks"] = "0"
        must(self._lab.foreign(cluster="target", config=config))
        started = self.start()
        if not started.ok:
            raise RuntimeError(f"the sync tool does not start: {started.output[-1500:]}")
        end = time.monotonic() + PATIENCE
        while True:
            found = self._servers.of("comparison_info").run(scenes.clusters(self._lab), self._folder / "compare.out")
            if found.ok and not found.result["counts"]["missing_on_target"]:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"the target does not get every table: {found.output[-1500:]}")
            time.sleep(0.5)
