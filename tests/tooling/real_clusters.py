# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a molecule scenario with real servers in containers: `python -m tooling.real_clusters greptimedb [STEP]`.

Without a step it is all of them, and the containers are removed at the end, also after a failure. Nothing is pulled or
started before everything that the scenario needs is there.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

from tooling import paths, process, stages

ENGINES = ("greptimedb", "pegasus", "starrocks")
IMAGE = "PEGASUS_IMAGE"
ARCHIVE, CHECKSUM = "STARROCKS_SYNC_ARCHIVE", "STARROCKS_SYNC_SHA256"
GUIDE = "See docs/docsite/rst/guide_real_clusters.rst."
HOURS = 3600.0
STEPS = ("test", "create", "prepare", "converge", "idempotence", "verify", "destroy")
"""What molecule calls them; `converge` begins with what has not been done yet."""


class Missing(Exception):
    """One sentence that says what is missing and what to do."""


def scenario(engine: str) -> str:
    """The name of its molecule scenario."""
    return f"{engine}_docker"


def require(engine: str, env: t.Mapping[str, str], step: str = "test") -> None:
    """Raise Missing for the first thing that is not there. What is there already can be removed without it."""
    if shutil.which("docker", path=env.get("PATH")) is None:
        raise Missing(f"There is no docker command on PATH, so {scenario(engine)} cannot run. {GUIDE}")
    problem = _problem(["docker", "info", "--format", "{{.ServerVersion}}"], env)
    if problem:
        raise Missing(f"The docker daemon cannot be reached, so {scenario(engine)} cannot run ({problem}).")
    problem = _problem(["docker", "compose", "version", "--short"], env)
    if problem:
        raise Missing(f"Docker has no compose plugin, so {scenario(engine)} cannot run ({problem}). {GUIDE}")
    if step == "destroy":
        return
    if engine == "pegasus":
        image = env.get(IMAGE) or "pegasus:2.5.0"
        if _problem(["docker", "image", "inspect", "--format", "{{.Id}}", image], env):
            raise Missing(
                f"There is no image {image}, and Apache Pegasus publishes none: make it, or set {IMAGE}. {GUIDE}"
            )
    if engine == "starrocks":
        _require_archive(env)


def _require_archive(env: t.Mapping[str, str]) -> None:
    archive = env.get(ARCHIVE, "")
    if not re.match(r"https?://", archive) and not pathlib.Path(archive).is_file():
        raise Missing(
            f"Set {ARCHIVE} to the vendor's starrocks-cluster-sync.tar.gz, a file or a URL: it is not part of this "
            f"collection. {GUIDE}"
        )
    if not re.fullmatch(r"[0-9a-fA-F]{64}", env.get(CHECKSUM, "")):
        raise Missing(f"Set {CHECKSUM} to the SHA-256 checksum of that archive, 64 hexadecimal digits.")
    if shutil.which("java", path=env.get("PATH")) is None:
        raise Missing("There is no java on PATH, and the sync tool is a Java program that runs on this host.")


def _problem(command: t.Sequence[str], env: t.Mapping[str, str]) -> str:
    """The last line that a command had to say when it failed; "" when it did not."""
    try:
        done = subprocess.run(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stdout.strip().splitlines() or [f"it ended with code {done.returncode}"]
    return lines[-1].strip().rstrip(".") if done.returncode else ""


def run(engine: str, step: str = "test") -> int:
    """Run the scenario; its output goes to build/logs, and the end of it here. Raises process.ToolFailed when it is not
    done in time. When it was to remove what it starts, that is removed then, too, and when the user interrupts it.
    """
    stage = stages.prepare(f"molecule-{scenario(engine)}")
    # Which daemon is meant, and the plugins, are told in the user's own home; the stage has another one.
    config = os.environ.get("DOCKER_CONFIG") or str(pathlib.Path.home() / ".docker")
    told = {"DOCKER_CONFIG": config}
    archive = os.environ.get(ARCHIVE, "")
    if pathlib.Path(archive).is_file():
        # It may be given as seen from here; molecule works in another folder.
        told[ARCHIVE] = str(pathlib.Path(archive).absolute())
    print(f"Running {step} of {scenario(engine)}; its output goes to {paths.LOGS / stage.name}.log", flush=True)
    where = stage.tree.path / "extensions"
    name = ("--scenario-name", scenario(engine))
    try:
        done = stage.run("molecule", step, *name, cwd=where, timeout=2 * HOURS, check=False, extra=told)
    except (process.ToolFailed, KeyboardInterrupt):
        if step == "test":
            print("It was cut off. What it has started is removed.", flush=True)
            log = f"{stage.name}-destroy"
            stage.run("molecule", "destroy", *name, cwd=where, timeout=HOURS / 4, check=False, extra=told, log=log)
        raise
    print("\n".join(done.output.splitlines()[-60:]))
    return done.code


def main(arguments: t.Sequence[str]) -> int:
    """The command line."""
    engine, step = [*arguments, "test"][:2] if arguments else ("", "test")
    if len(arguments) > 2 or engine not in ENGINES or step not in STEPS:
        print(f"usage: python -m tooling.real_clusters {'|'.join(ENGINES)} [{'|'.join(STEPS)}]", file=sys.stderr)
        return 2
    try:
        require(engine, os.environ, step)
        return run(engine, step)
    except (Missing, process.ToolFailed) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
