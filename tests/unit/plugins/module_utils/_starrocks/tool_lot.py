# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder for the sync tool with a made-up archive, and calls of the module on it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pathlib
import signal
import tarfile
import time
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_options import tool_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import Processes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_systemd import Systemd
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_task import ToolTask

SHIPPED = """\
# If true, all tables will be synchronized only once.
one_time_run_mode=false
source_fe_host=
source_fe_query_port=9030
source_cluster_user=root
source_cluster_password=
source_cluster_token=
target_fe_host=
target_fe_query_port=9030
target_cluster_password=
ddl_job_allow_drop_schema_change_table=true
ddl_job_allow_drop_inconsistent_time_partition = true
enable_view_sync=false
ddl_job_allow_drop_inconsistent_view=true
report_interval_seconds=300
"""
HOSTS = "# <SOURCE/TARGET>_<host>=<mappedHost>[;<srcPort>:<dstPort>[,<srcPort>:<dstPort>...]]\n"
SLEEPS = "#!/bin/sh\necho begun\nsleep 600 &\nwait\n"
NO_INTERPRETER = "echo begun\nsleep 600 &\nwait\n"
STUBBORN = "#!/bin/sh\ntrap '' TERM\n: > ready\nwhile :; do sleep 0.2; done\n"
DIES = "#!/bin/sh\necho no java here\nexit 7\n"
ONCE = """#!/bin/sh
mkdir -p log
exec >> log/sync.INFO.log
at=$(date '+%y/%m/%d %H:%M:%S')
echo "$at INFO [r] report(S.java:1): Sync job progress: 100.00%, total: 4, finished: {done}, failed: 0"
exit 1
"""
PASSWORD = "s3cr\\et \u00e9=#"

OPTIONS = {
    "source_fe_host": "10.1.0.11",
    "target_fe_host": "10.2.0.11",
    "source_cluster_password": PASSWORD,
    "source_cluster_token": "0f0f-token",
    "ddl_job_allow_drop_schema_change_table": True,
    "ddl_job_allow_drop_inconsistent_time_partition": False,
}


class Lot:
    """One folder for the tool."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.home = folder / "opt" / "sync"
        self.journal = folder / "journal.jsonl"
        self.given: dict[str, t.Any] = {}
        self.failed: t.Mapping[str, t.Any] = {}

    def archive(self, start: str = SLEEPS, stop: str = "", shipped: str = SHIPPED) -> None:
        """Make the archive that the next calls name."""
        path = self.folder / "tool.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            contents = {
                "bin/start.sh": start,
                "bin/stop.sh": stop,
                "conf/sync.properties": shipped,
                "conf/hosts.properties": HOSTS,
            }
            for name, text in contents.items():
                if text:
                    info = tarfile.TarInfo("starrocks-cluster-sync/" + name)
                    info.size, info.mode = len(text.encode()), 0o755
                    tar.addfile(info, io.BytesIO(text.encode()))
        self.given = {"archive": str(path), "archive_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}

    def call(
        self, state: str, check: bool = False, systemd: t.Optional[Systemd] = None, **more: t.Any
    ) -> dict[str, t.Any]:
        """One call of the module; its result."""
        spec = tool_argument_spec().argument_spec
        params: dict[str, t.Any] = {name: option.get("default") for name, option in spec.items()}
        params.update(
            directory=str(self.home), state=state, start_wait="0.3s", stop_timeout="0.5s", supervisor="session",
            journal=str(self.journal), migration_id="m", **OPTIONS,
        )  # fmt: skip
        params.update(self.given)
        params.update(more)
        redactor = Redactor([PASSWORD, "0f0f-token"])
        task = ToolTask(params, check, redactor, SystemClock(), systemd=systemd)
        try:
            result = task.body()
        except MigrationError:
            self.failed = task.partial()
            raise
        told = json.dumps(redactor.mask(result), ensure_ascii=False)
        assert told == json.dumps(result, ensure_ascii=False), "a secret had to be masked that should not be there"
        return result

    @staticmethod
    def actions(result: t.Mapping[str, t.Any]) -> list[str]:
        """What was changed, in order."""
        return [change["action"] for change in result["changes"]]


def make_lot(folder: pathlib.Path) -> t.Iterator[Lot]:
    """For a fixture: a lot with an archive, whose processes are ended."""
    lot = Lot(folder)
    lot.archive()
    yield lot
    for process in Processes().all():
        if process.cwd.startswith(str(folder)):
            os.kill(process.pid, signal.SIGKILL)


def wait_for(condition: t.Callable[[], bool]) -> None:
    """Wait for what a process does soon, on a busy host too."""
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    process = Processes().get(pid)
    return process is not None and process.alive
