# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync tool's stand-in unpacked, configured and run as a person would by the manual."""

from __future__ import annotations

import os
import signal
import subprocess
import tarfile
import time
import typing as t
from pathlib import Path

from lab.client import LabClient


class Tool:
    """One unpacked tool for the two clusters of a lab."""

    def __init__(self, lab: LabClient, directory: Path, **values: str) -> None:
        with tarfile.open(lab.describe["tool"]["archive"]) as archive:
            archive.extractall(directory, filter="data")
        self.home = directory / "starrocks-cluster-sync"
        self.process: subprocess.Popen[bytes] | None = None
        clusters = lab.describe["clusters"]
        known = {"source_cluster_token": clusters["source"]["token"]}
        for side in ("source", "target"):
            host, port = clusters[side]["address"][0].split(":")
            known.update({"%s_fe_host" % side: host, "%s_fe_query_port" % side: port})
            known["%s_cluster_user" % side] = "tool"
            known["%s_cluster_password" % side] = lab.describe["users"]["tool"]
        known.update(values)
        file = self.home / "conf" / "sync.properties"
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines):
            key = line.partition("=")[0].strip()
            if key in known:
                lines[number] = "%s=%s" % (key, known[key])
        file.write_text("\n".join(lines) + "\n")
        with (self.home / "conf" / "hosts.properties").open("a") as stream:
            for side in ("source", "target"):
                for host, mapped in clusters[side]["address_map"].items():
                    stream.write("%s_%s=%s\n" % (side.upper(), host, mapped))

    def start(self) -> None:
        """bin/start.sh, in a process group of its own."""
        with (self.home / "log" / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [str(self.home / "bin" / "start.sh")], start_new_session=True, stdout=out, stderr=out
            )

    def wait(self, seconds: float = 20.0) -> int:
        """The exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """A signal to its process group."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def close(self) -> None:
        """End it however it is."""
        if self.running:
            self.signal(signal.SIGKILL)
            self.wait()

    @property
    def log(self) -> str:
        """log/sync.INFO.log"""
        path = self.home / "log" / "sync.INFO.log"
        return path.read_text() if path.exists() else ""

    def until(self, told: t.Callable[[str], bool], seconds: float = 20.0) -> str:
        """The log as soon as it satisfies; AssertionError with its end when it does not in time."""
        end = time.monotonic() + seconds
        while not told(self.log):
            assert time.monotonic() < end, self.log[-3000:]
            time.sleep(0.02)
        return self.log
