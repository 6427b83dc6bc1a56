# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""StarRocks labs as measurements see them: options of the modules, a sync tool at work, runs of modules."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import subprocess
import sys
import typing as t

from bench import guards, modules, places
from bench.workshop import RunFailed
from lab import process
from lab.client import LabClient

MODULES = "ansible_collections.dbops.migration.plugins.modules.starrocks_"
DROPS = (
    "schema_change_table",
    "inconsistent_partition",
    "inconsistent_time_partition",
    "partition_target_only",
)
"""What the tool drops on the target by default, and its module wants to hear by name."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """A lab. One table in ten has one partition, the others `partitions`. `rate`: rows per lab second, all clients."""

    seed: int
    tables: int
    partitions: int
    factor: float = 1.0
    rate: float = 0.0
    profile: str = "4.1"
    mode: str = "shared_nothing"
    databases: int = 10
    copied: bool = True


@contextlib.contextmanager
def laboratory(shape: Shape, **more: t.Any) -> t.Iterator[LabClient]:
    """The two clusters. No S3 server: nothing that is measured looks into a bucket."""
    options = {name: value for name, value in dataclasses.asdict(shape).items() if name != "profile"}
    with process.start("starrocks", shape.profile, **{"no_s3": True, **options, **more}) as lab:
        yield lab


def connection(lab: LabClient, side: str = "source", prefix: str = "") -> dict[str, t.Any]:
    """The options with which one side is reached. A busy machine is not to look like a server that does not answer."""
    cluster = lab.describe["clusters"][side]
    return {
        f"{prefix}frontends": json.dumps(cluster["address"]),
        f"{prefix}address_map": json.dumps(cluster["address_map"]),
        f"{prefix}username": "root",
        f"{prefix}connect_timeout": "10s",
        f"{prefix}read_timeout": "2m",
    }


def both(lab: LabClient) -> dict[str, t.Any]:
    """The options with which source and target are reached."""
    return {**connection(lab), **connection(lab, "target", "target_")}


class Runs:
    """Runs of StarRocks modules, forked from one server for each module. Their guards end with it."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self._servers: dict[str, modules.ModuleServer] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *unused: object) -> None:
        self._stack.close()
        guards.kill_below(self.home)

    def run(self, name: str, options: t.Mapping[str, t.Any], check: bool = False) -> modules.Ended:
        """One run to its end."""
        server = self._servers.get(name)
        if server is None:
            server = self._stack.enter_context(modules.ModuleServer(self.home / "servers" / name, MODULES + name))
            self._servers[name] = server
        return server.run(options, self.home / f"{name}.txt", check=check)

    def good(self, name: str, options: t.Mapping[str, t.Any], check: bool = False) -> dict[str, t.Any]:
        """The result of a run that must succeed; RunFailed with its end."""
        ended = self.run(name, options, check)
        if not ended.ok:
            raise RunFailed(f"{self.home}: {name}: {ended.result.get('msg', ended.output[-2000:])}")
        return ended.result


@dataclasses.dataclass(frozen=True)
class Fresh:
    """One module in a process of its own, as Ansible starts it. `megabytes`: the kernel's peak of its resident set."""

    result: dict[str, t.Any]
    seconds: float
    megabytes: float


LAUNCHER = """
import os, subprocess, sys, time
began = time.monotonic()
child = subprocess.Popen([sys.executable, "-m", sys.argv[2]])
_pid, status, usage = os.wait4(child.pid, 0)
with open(sys.argv[1], "w") as told:
    told.write("%f %d" % (time.monotonic() - began, usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process between us and the module: the kernel begins a child's peak with that of who started it."""


def fresh(name: str, options: t.Mapping[str, t.Any], home: pathlib.Path) -> Fresh:
    """Run one; RunFailed when it fails."""
    output, told = home / f"{name}.txt", home / f"{name}.usage"
    with output.open("wb") as sink:
        ended = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, str(told), MODULES + name],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": dict(options)}).encode(),
            stdout=sink,
            stderr=sink,
            env=places.environment(home / "environment"),
            check=False,
        )
    text = output.read_text(encoding="utf-8", errors="replace")
    if ended.returncode or "{" not in text:
        raise RunFailed(f"{home}: {name}: {text[-2000:]}")
    seconds, kilobytes = told.read_text(encoding="utf-8").split()
    return Fresh(json.loads(text[text.index("{") :]), float(seconds), int(kilobytes) / 1024)


class SyncTool:
    """The stand-in for the vendor's tool, installed and run by the collection. A context manager that ends it."""

    def __init__(self, lab: LabClient, runs: Runs, **properties: t.Any) -> None:
        self._lab = lab
        self._runs = runs
        self._properties = properties
        self.directory = runs.home / "tool"

    def __enter__(self) -> SyncTool:
        self.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._runs.run("sync_tool", {"directory": str(self.directory), "state": "stopped", "adopt": True})

    def start(self) -> None:
        """Install, configure, start. What the manual wants of the target is done too."""
        lab, describe = self._lab, self._lab.describe
        config = {"enable_legacy_compatibility_for_replication": "true"}
        if describe["clusters"]["target"]["run_mode"] == "shared_data":
            config["lake_compaction_max_tasks"] = "0"
        lab.foreign(cluster="target", config=config)
        given: dict[str, t.Any] = {
            "directory": str(self.directory),
            "state": "started",
            "archive": describe["tool"]["archive"],
            "archive_sha256": describe["tool"]["sha256"],
            "supervisor": "session",
            "start_wait": "0.5s",
            "journal": str(self._runs.home / "tool.jsonl"),
            "source_cluster_token": describe["clusters"]["source"]["token"],
            **{f"ddl_job_allow_drop_{name}": True for name in DROPS},
            **self._properties,
        }
        for side, prefix in (("source", ""), ("target", "target_")):
            cluster = describe["clusters"][side]
            given[f"{side}_fe_host"] = cluster["frontends"][0]["host"]
            given[f"{side}_fe_query_port"] = cluster["frontends"][0]["query_port"]
            given[f"{side}_cluster_user"] = "tool"
            given[f"{side}_cluster_password"] = describe["users"]["tool"]
            given[f"{side}_run_mode"] = cluster["run_mode"]
            given[f"{prefix}address_map"] = json.dumps(cluster["address_map"])
        self._runs.good("sync_tool", given)

    @property
    def log(self) -> pathlib.Path:
        """Where it tells what it does."""
        return self.directory / "log" / "sync.INFO.log"


def clusters(lab: LabClient) -> dict[str, t.Any]:
    """The lab's state without its tables, which are many."""
    return dict(lab.call("GET", "/state?tables=0"))
