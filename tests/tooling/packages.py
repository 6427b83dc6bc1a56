# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts pinned requirements into a virtual environment: with uv, and with pip where uv does not get along.

`make test` fills five environments; pip needs a minute of CPU for each, uv some seconds. uv does not read pip's
settings, which say how this machine reaches a package index, so they are handed to it.

Also a script, which setup.sh runs before anything is installed: the standard library only.
"""

from __future__ import annotations

import ast
import os
import pathlib
import re
import subprocess
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
UV = ROOT / "requirements" / "uv.txt"
PIP = (sys.executable, "-m", "pip")
TIMEOUT = 900

# pip's name -> uv's variable. Several values stand with spaces between them in pip's.
_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
_COMMAS = {"UV_FIND_LINKS"}
# Later ones win, as with pip.
_SECTIONS = ("global", "install", ":env:")


def uv_settings(listed: str) -> dict[str, str]:
    """The environment for uv that says the same as these lines of `pip config list`."""
    found: dict[str, str] = {}
    lines = re.findall(r"^([^\s.]+)\.([^=\s]+)=(.*)$", listed, re.M)
    for section in _SECTIONS:
        for where, name, value in lines:
            variable = _SETTINGS.get(name)
            if where == section and variable:
                words = str(ast.literal_eval(value)).split()
                found[variable] = ("," if variable in _COMMAS else " ").join(words)
    # As pip does: the pinned version may be in any of the indexes.
    return {**found, "UV_INDEX_STRATEGY": "unsafe-best-match", "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}


def cache_dir() -> str:
    """The folder where the user's own uv keeps what it downloaded."""
    default = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "uv"
    return os.environ.get("UV_CACHE_DIR", str(default))


def uv_path() -> pathlib.Path:
    """Where our own environment has uv, or will have it."""
    return pathlib.Path(sys.executable).with_name("uv")


def install(python: pathlib.Path, requirements: pathlib.Path, env: t.Mapping[str, str]) -> str:
    """Install a file of pinned requirements into the environment of that interpreter; returns what was used.

    Raises subprocess.CalledProcessError, with the output in it, when pip cannot do it either.
    """
    uv = uv_path()
    listed = _run([*PIP, "config", "list"], env).stdout
    wanted = ["--quiet", "--requirement", str(requirements)]
    with_uv = {"UV_CACHE_DIR": cache_dir(), **env, **uv_settings(listed)}
    try:
        if not uv.exists():
            _run([*PIP, "install", "--quiet", "--no-deps", "--requirement", str(UV)], env)
        _run([str(uv), "pip", "install", "--python", str(python), *wanted], with_uv)
    except (OSError, subprocess.SubprocessError) as exception:
        said = str(getattr(exception, "stdout", "") or exception).strip().splitlines()
        print(f"Going on with pip, which takes longer: uv does not get along here ({said[-1] if said else ''}).")
        _run([*PIP, "--python", str(python), "install", *wanted], env)
        return "pip"
    return "uv"


def _run(argv: t.Sequence[str], env: t.Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, env=env, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT
    )


if __name__ == "__main__":
    try:
        install(pathlib.Path(sys.executable), pathlib.Path(sys.argv[1]), os.environ)
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed}\n{failed.stdout}")
