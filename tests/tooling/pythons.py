# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the CPython interpreters of this machine: on PATH, in the system's folders, and in pyenv's versions folder."""

from __future__ import annotations

import functools
import os
import pathlib
import re
import subprocess
import sys
import typing as t

Version = t.Tuple[int, int]

_NAME = re.compile(r"python3(\.\d+)?$")
# ensurepip is what Debian leaves out of python3 without python3-venv: such an interpreter cannot make an environment.
_PROBE = "import sys, ensurepip, venv; print(sys.implementation.name, *sys.version_info[:2], sys.executable)"


def _folders() -> t.Iterator[pathlib.Path]:
    # The Python that .venv was made of has shown that it works.
    yield pathlib.Path(sys.base_prefix, "bin")
    pyenv_roots = [os.environ.get("PYENV_ROOT"), str(pathlib.Path.home() / ".pyenv")]
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        path = pathlib.Path(entry)
        # A shim of pyenv for a version that is not selected exits with 127, and ansible-test takes it for a Python.
        if path.name == "shims":
            pyenv_roots.append(str(path.parent))
        elif entry:
            yield path
    yield from (pathlib.Path("/usr/local/bin"), pathlib.Path("/usr/bin"))
    for root in filter(None, pyenv_roots):
        yield from sorted(pathlib.Path(root, "versions").glob("3.*/bin"))


def _probe(executable: pathlib.Path) -> tuple[Version, pathlib.Path] | None:
    try:
        done = subprocess.run([executable, "-IEc", _PROBE], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split(None, 3)
    if done.returncode or len(words) != 4 or words[0] != "cpython":
        return None
    return (int(words[1]), int(words[2])), pathlib.Path(words[3].strip())


@functools.cache
def found() -> dict[Version, pathlib.Path]:
    """Version -> interpreter, oldest first; of several with one version the first found wins; no environments."""
    result: dict[Version, pathlib.Path] = {}
    seen: set[pathlib.Path] = set()
    for folder in _folders():
        if (folder.parent / "pyvenv.cfg").exists() or not folder.is_dir():
            continue
        for executable in sorted(folder.glob("python3*")):
            real = executable.resolve()
            if not _NAME.match(executable.name) or real in seen:
                continue
            seen.add(real)
            probed = _probe(executable)
            if probed:
                result.setdefault(probed[0], probed[1])
    return dict(sorted(result.items()))


def bins(first: t.Sequence[pathlib.Path] = ()) -> str:
    """A PATH on which every found Python is the real one and no shim is left."""
    entries = [str(path) for path in first]
    entries += [str(path.parent) for path in found().values()]
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = pathlib.Path(entry)
        if entry and path.name != "shims" and not (path.parent / "pyvenv.cfg").exists():
            entries.append(entry)
    return os.pathsep.join(dict.fromkeys(entries))


def text(version: Version) -> str:
    """(3, 11) -> "3.11"."""
    return f"{version[0]}.{version[1]}"
