# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demos of all engines share: the lab that is kept, the playbook that is run, the summary that is shown."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import typing as t

from lab.client import LabClient
from tooling import linked, paths


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a demo's playbook. ``first_request``, ``written``: where the lab's counters stood before it."""

    client: LabClient
    home: pathlib.Path
    first_request: int
    written: int
    seconds: float
    ok: bool

    @property
    def mutating(self) -> list[dict[str, t.Any]]:
        """The requests of this run that change something, by the lab's own record."""
        return [one for one in self.client.requests(since=self.first_request) if one["mutating"]]


@dataclasses.dataclass(frozen=True)
class Demo:
    """One engine's demo. ``lab``: options of its lab. ``variables``: what the playbook is given, from what the lab
    tells of itself and the folder of the demo. ``summary``: the closing words. ``wrong``: what they must not say.
    """

    engine: str
    profile: str
    starting: str
    lab: tuple[str, ...]
    variables: t.Callable[[t.Mapping[str, t.Any], pathlib.Path], dict[str, t.Any]]
    connect: t.Callable[[t.Mapping[str, t.Any]], str]
    summary: t.Callable[[Run], str]
    wrong: t.Callable[[Run], t.Sequence[str]] = lambda _run: ()

    @property
    def home(self) -> pathlib.Path:
        """The folder of the demo."""
        return paths.BUILD / "demo" / self.engine

    @property
    def describe(self) -> pathlib.Path:
        """Where its lab tells how to reach it."""
        return self.home / "lab.json"


def main(demo: Demo) -> int:
    """The command line of one engine's demo."""
    parser = argparse.ArgumentParser(prog=f"make demo-{demo.engine}")
    parser.add_argument("--profile", default=demo.profile, help=f"the simulated version (default: {demo.profile})")
    add_arguments(parser)
    options = parser.parse_args()
    return show(demo, options.profile, stop=options.stop, fresh=options.fresh)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all demos have."""
    parser.add_argument("--fresh", action="store_true", help="stop a running lab and start with a new one")
    parser.add_argument("--stop", action="store_true", help="stop the lab and do nothing else")


def show(demo: Demo, profile: str, *, stop: bool, fresh: bool) -> int:
    """Run the demo and print its summary; the playbook's return code, or 1 when something is wrong in the summary."""
    demo.home.mkdir(parents=True, exist_ok=True)
    if stop or fresh:
        stop_lab(demo)
    if stop:
        print(f"The {demo.engine} lab is stopped.")
        return 0
    if fresh:
        empty(demo)
    client = running_lab(demo) or start_lab(demo, profile)
    first = max((one["seq"] + 1 for one in client.requests()), default=0)
    written = client.ledger()["acknowledged"]
    started = time.monotonic()
    environment = linked.ansible_environment()
    code = subprocess.run(playbook_command(demo, client), env=environment, cwd=demo.home, check=False).returncode
    took = time.monotonic() - started
    print()
    run = Run(client, demo.home, first, written, took, code == 0)
    print(demo.summary(run), flush=True)
    wrong = demo.wrong(run)
    for one in wrong:
        print(f"WRONG: {one}", flush=True)
    return code or int(bool(wrong))


def empty(demo: Demo) -> None:
    """Forget what earlier runs have left: their journal speaks of clusters that are gone."""
    shutil.rmtree(demo.home)
    demo.home.mkdir()


def running_lab(demo: Demo) -> LabClient | None:
    """The lab that an earlier demo left running, if it still answers; without it, nothing is left of that demo."""
    if not demo.describe.exists():
        empty(demo)
        return None
    client = LabClient(str(demo.describe))
    try:
        client.state()
    except OSError:
        empty(demo)
        return None
    print(f"Using the lab that runs already (process {client.describe['pid']}).", flush=True)
    return client


def start_lab(demo: Demo, profile: str) -> LabClient:
    """A new lab, in the background."""
    print(demo.starting, flush=True)
    command = [sys.executable, "-m", "lab", demo.engine, "start", "--detach", "--describe", str(demo.describe)]
    command += ["--profile", profile, "--seed", "7", *demo.lab]
    subprocess.run(command, check=True, env=environment_of_lab(), cwd=paths.ROOT)
    client = LabClient(str(demo.describe))
    print(demo.connect(client.describe), flush=True)
    return client


def stop_lab(demo: Demo) -> None:
    """End the lab, if it runs."""
    if demo.describe.exists():
        command = [sys.executable, "-m", "lab", "stop", "--describe", str(demo.describe)]
        subprocess.run(command, check=False, env=environment_of_lab())


def environment_of_lab() -> dict[str, str]:
    """Where the lab's own code is found."""
    return {**os.environ, "PYTHONPATH": str(paths.ROOT / "tests")}


def playbook_command(demo: Demo, client: LabClient) -> list[str]:
    """The ansible-playbook call; a person could give the same against a real cluster."""
    variables = demo.home / "vars.json"
    variables.write_text(json.dumps(demo.variables(client.describe, demo.home), indent=2) + "\n")
    playbook = str(pathlib.Path(sys.executable).with_name("ansible-playbook"))
    return [playbook, f"dbops.migration.{demo.engine}", "-e", f"@{variables}"]
