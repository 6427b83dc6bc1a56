# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs inside the calling process: an event loop in a thread runs any number of them, which is cheap for tests."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import typing as t

from lab import cli, process
from lab.client import LabClient


class EmbeddedLabs:
    """``start`` takes the command line's options; ``close`` ends all labs."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="labs-")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._labs: list[cli.Lab] = []

    def start(self, engine: str = "greptimedb", profile: str = "1.1", **options: t.Any) -> LabClient:
        """Start one more lab."""
        directory = os.path.join(self._directory.name, str(len(self._labs)))
        os.mkdir(directory)
        describe_file = os.path.join(directory, "lab.json")
        arguments = process.arguments(engine, profile, dict(options, describe=describe_file))
        coroutine = cli.launch(cli.parse(arguments), directory)
        lab = asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)
        self._labs.append(lab)
        return LabClient(describe_file)

    def stop(self, client: LabClient) -> None:
        """End one lab."""
        for lab in self._labs:
            if lab.describe["control"] == client.describe["control"]:
                self._loop.call_soon_threadsafe(lab.close)

    def close(self) -> None:
        """End all labs and the loop."""

        async def end() -> None:
            for lab in self._labs:
                lab.close()
            await asyncio.sleep(0)
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._directory.cleanup()
