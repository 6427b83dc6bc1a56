# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ZooKeeper server, as Debian packages it: one child process on a free port of 127.0.0.1, data in a folder.

The kernel ends the child when the thread that started it ends, so it outlives no lab, killed or not.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
import typing as t
from contextlib import contextmanager
from pathlib import Path

JAR = "/usr/share/java/zookeeper.jar"
PACKAGES = "libzookeeper-java default-jre-headless"
START_SECONDS = 30.0
ATTEMPTS = 5
_JVM = ("-Xms16m", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
# No fsync and no 64 MiB log file: this data need not survive a power cut.
_PROPERTIES = ("-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=256")
_MAIN = "org.apache.zookeeper.server.ZooKeeperServerMain"


class ZooKeeperError(Exception):
    """ZooKeeper cannot run here; the message is one sentence."""


def missing() -> str:
    """Why no ZooKeeper can be started on this machine, in one sentence with the remedy; empty when one can."""
    lacking = [name for name in ("java", "setpriv") if shutil.which(name) is None]
    lacking += [] if os.path.exists(JAR) else [JAR]
    if not lacking:
        return ""
    return "ZooKeeper cannot be started without %s: install it with apt-get install %s" % (
        " and ".join(lacking),
        PACKAGES,
    )


class ZooKeeper:
    """One server. It keeps its port and its data over ``stop`` and ``start``."""

    def __init__(self, tick_time: int = 2000) -> None:
        self._tick_time = tick_time
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self.port = 0

    @property
    def hosts(self) -> str:
        """The connection string, host:port."""
        return "127.0.0.1:%d" % self.port

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Return when the server answers. Must be called in a thread that lives as long as the server shall.

        Raises ZooKeeperError when the packages are missing, or with the last line of the server's log.
        """
        problem = missing()
        if problem:
            raise ZooKeeperError(problem)
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="lab-zookeeper-", ignore_cleanup_errors=True)
        for _attempt in range(1 if self.port else ATTEMPTS):
            port = self.port or _free_port()
            self._spawn(port)
            if await self._answers(port):
                self.port = port
                return
        raise ZooKeeperError("ZooKeeper did not start: %s" % self._last_words())

    def _spawn(self, port: int) -> None:
        folder = Path(self._data())
        lines = {
            "tickTime": self._tick_time,
            "dataDir": folder / "data",
            "clientPort": port,
            "clientPortAddress": "127.0.0.1",
            "maxClientCnxns": 0,
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "ruok",
        }
        config = folder / "zoo.cfg"
        config.write_text("".join("%s=%s\n" % item for item in lines.items()), encoding="utf-8")
        with open(folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "java", *_JVM, *_PROPERTIES, "-cp", JAR, _MAIN, str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
            )

    def _data(self) -> str:
        assert self._directory is not None
        return self._directory.name

    async def _answers(self, port: int) -> bool:
        """True when the server says that it is well; False when it ended instead, as it does when the port is taken."""
        process = self._process
        assert process is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                return False
            if await _says_ok(port):
                return process.poll() is None
            await asyncio.sleep(0.02)
        self.stop()
        return False

    def _last_words(self) -> str:
        lines = Path(self._data(), "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it ended without output"

    def stop(self) -> None:
        """End the server; sessions and data are there again after ``start``."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End the server and remove its data."""
        self.stop()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _says_ok(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"ruok")
        async with asyncio.timeout(1.0):
            return await reader.read() == b"imok"
    except (OSError, asyncio.TimeoutError):
        return False
    finally:
        writer.close()


@contextmanager
def running(tick_time: int = 2000) -> t.Iterator[ZooKeeper]:
    """A server for the duration of a ``with``, for code that runs no event loop."""
    server = ZooKeeper(tick_time)
    try:
        asyncio.run(server.start())
        yield server
    finally:
        server.close()
