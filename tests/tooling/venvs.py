# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments below build/venvs, one per file of pinned requirements and Python, made once."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import pathlib
import shutil
import subprocess
import typing as t

from tooling import packages, paths, process, pythons


@contextlib.contextmanager
def locked(name: str) -> t.Iterator[None]:
    """Only one process at a time makes or fills the thing called `name`."""
    paths.VENVS.mkdir(parents=True, exist_ok=True)
    with (paths.VENVS / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure(name: str, version: pythons.Version) -> pathlib.Path:
    """The bin folder of the environment for requirements/<name>.txt on that Python; made when it is not there yet."""
    requirements = paths.REQUIREMENTS / f"{name}.txt"
    python = pythons.found()[version]
    key = hashlib.sha256(requirements.read_bytes() + str(python).encode()).hexdigest()[:10]
    folder = paths.VENVS / f"{name}-py{pythons.text(version)}-{key}"
    ready = folder / ".ready"
    with locked(folder.name):
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            # --without-pip: saves unpacking one per environment.
            subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
            try:
                packages.install(folder / "bin" / "python", requirements, process.environment("pip"))
            except subprocess.CalledProcessError as exception:
                raise process.ToolFailed(f"{exception}\n{exception.stdout}") from exception
            ready.touch()
    return folder / "bin"
