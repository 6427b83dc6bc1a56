# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the same in every trial of a workflow: nothing changes in check mode, and no secret is seen anywhere."""

from __future__ import annotations

import json
import os
import pathlib
import threading
import time
import typing as t

from bench.processes import descendants
from lab.client import LabClient
from system.awx_controller import FAILED, SUCCEEDED, Controller, Node
from system.awx_jobs import SMALL, Job

GOOD = ["preflight", "approve_migrate", "migrate", "approve_cutover", "cutover", "approve_restore", "restore"]


class CommandLines:
    """Watches the command lines of all processes below this one, but for those of the lab, which belongs to no job."""

    def __init__(self, lab: LabClient) -> None:
        self.seen: set[str] = set()
        self._lab = int(lab.describe["pid"])
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.is_set():
            for pid in set(descendants(os.getpid())) - {self._lab, *descendants(self._lab)}:
                try:
                    self.seen.add(pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
                except OSError:
                    continue
            time.sleep(0.1)


def check_first(
    controller: Controller, lab: LabClient, sent: t.Callable[[], t.Sequence[t.Any]] | None = None
) -> t.Callable[[Job, Node], Job]:
    """Runs every template as job type check before it runs it, and sees that nothing was sent.

    ``sent``: what was, where not every request that changes something counts.
    """
    counted = sent or (lambda: lab.requests(mutating=True))

    def run(job: Job, _node: Node) -> Job:
        before = len(counted())
        controller.relaunch(job).run(check=True).succeed()
        assert counted()[before:] == []
        return job.run()

    return run


def judge(controller: Controller, secrets: t.Sequence[str], lines: CommandLines, journal: str, role: str) -> None:
    """No secret is seen, and artifacts are small, say nothing twice, and are those of their phase."""
    assert any("ansible-runner" in line for line in lines.seen)
    for secret in secrets:
        assert [line for line in lines.seen if secret in line] == []
        assert secret not in journal
        for job in controller.jobs:
            if job.folder.exists():
                assert job.holding(secret) == []
                assert secret not in job.stdout
    for job in controller.jobs:
        if job.folder.exists():
            assert len(json.dumps(job.artifacts)) < SMALL
            phase = pathlib.PurePath(job.playbook).stem.removeprefix(f"{role}_")
            assert [name for name in job.artifacts if not name.startswith(f"{role}_{phase}_")] == []


def went_well(nodes: t.Mapping[str, Node]) -> None:
    """The whole good way was gone, and nothing else."""
    failed = [node.job.stdout for node in nodes.values() if node.job and node.status == FAILED]
    assert [name for name, node in nodes.items() if node.status == SUCCEEDED] == GOOD, "\n".join(failed)
