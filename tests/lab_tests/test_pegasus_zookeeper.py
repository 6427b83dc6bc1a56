# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's ZooKeeper is a real one that ends with the lab; its watches are those that MetaProxy's library has."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from lab.pegasus import zookeeper
from lab.pegasus.zookeeper import ZooKeeper
from lab.pegasus.zookeeper_znodes import CHANGED, DELETED, NOT_WATCHING, ZnodeMissing, Znodes
from lab_tests.pegasus_small import eventually

# A server that is restarted under load needs its time, and make test has no time to give.
pytestmark = [pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing()), pytest.mark.thorough]


@pytest.fixture(scope="module")
def server() -> t.Iterator[ZooKeeper]:
    with zookeeper.running() as running:
        yield running


def _ended(pid: int) -> bool:
    try:
        return Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_killed_lab_leaves_no_server_behind(tmp_path: Path) -> None:
    code = "from lab.pegasus import zookeeper as z\nwith z.running() as s: print(s.pid, flush=True); input()"
    path = str(Path(zookeeper.__file__).parents[2])
    lab = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)},
    )
    assert lab.stdout is not None
    with lab:
        pid = int(lab.stdout.readline())
        assert not _ended(pid)
        lab.send_signal(signal.SIGKILL)
    end = time.monotonic() + 5
    while not _ended(pid):
        assert time.monotonic() < end, "the server outlived the lab"
        time.sleep(0.01)


def test_missing_packages_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zookeeper, "JAR", "/nowhere/zookeeper.jar")
    assert zookeeper.missing() == (
        "ZooKeeper cannot be started without /nowhere/zookeeper.jar: "
        "install it with apt-get install libzookeeper-java default-jre-headless"
    )


def test_a_port_that_was_taken_meanwhile_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1]])
        free = zookeeper._free_port
        monkeypatch.setattr(zookeeper, "_free_port", lambda: next(ports, None) or free())
        with zookeeper.running() as running:
            assert running.port != taken.getsockname()[1]


def test_data_versions_and_watches(server: ZooKeeper) -> None:
    async def scenario() -> None:
        znodes = Znodes(server.hosts)
        await znodes.start()
        with pytest.raises(ZnodeMissing):
            await znodes.get("/a/b")
        await znodes.put("/a/b", b"1")
        await znodes.put("/a/b", b"2")
        assert await znodes.get("/a/b") == (b"2", 1)
        _data, watch = await znodes.get_and_watch("/a/b")
        await znodes.put("/a/b", b"3")
        assert await asyncio.wait_for(watch.event, 5) == CHANGED
        data, watch = await znodes.get_and_watch("/a/b")
        assert data == b"3"
        await znodes.delete("/a/b")
        assert await asyncio.wait_for(watch.event, 5) == DELETED
        znodes.close()

    asyncio.run(scenario())


def test_a_lost_session_ends_its_watches_and_work_goes_on(server: ZooKeeper) -> None:
    async def scenario() -> None:
        znodes = Znodes(server.hosts)
        await znodes.start()
        await znodes.put("/lost", b"1")
        _data, watch = await znodes.get_and_watch("/lost")
        await znodes.expire()
        assert await asyncio.wait_for(watch.event, 5) == NOT_WATCHING
        _data, watch = await znodes.get_and_watch("/lost")
        await znodes.put("/lost", b"2")
        assert await asyncio.wait_for(watch.event, 5) == CHANGED
        znodes.close()

    asyncio.run(scenario())


@pytest.mark.thorough
@pytest.mark.parametrize("changed", [False, True])
def test_a_restart_of_the_server_costs_no_watch(changed: bool) -> None:
    async def scenario() -> None:
        server = ZooKeeper()
        await server.start()
        znodes = Znodes(server.hosts)
        await znodes.start()
        await znodes.put("/kept", b"1")
        _data, watch = await znodes.get_and_watch("/kept")
        server.stop()
        await eventually(lambda: watch in znodes._interrupted)
        if changed:
            watch.modified -= 1  # as if what was read had been replaced while nobody could look
        await server.start()
        if not changed:
            await eventually(lambda: watch not in znodes._interrupted, 10)
            assert not watch.event.done()
            await znodes.put("/kept", b"2")
        assert await asyncio.wait_for(watch.event, 10) == CHANGED
        znodes.close()
        server.close()

    asyncio.run(scenario())
