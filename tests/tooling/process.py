# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one tool with a clean environment, keeps its output in build/logs, and kills all its children on a timeout."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import signal
import subprocess
import time
import typing as t

from tooling import packages, paths, pip_settings, pythons

# What the caller's environment may not decide: a stray setting here makes a tool pass or fail for reasons of its own.
_DROPPED = ("ANSIBLE_", "PYTEST_", "COVERAGE_", "GIT_", "MOLECULE_", "GREPTIMEDB_", "AWS_ACCESS", "AWS_SECRET")
_DROPPED_NAMES = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "HOME", "PATH", "NO_COLOR", "FORCE_COLOR"}
_SHOWN_LINES = 300


class ToolFailed(AssertionError):
    """A tool ended with a non-zero code, or did not end in time; the message holds the end of its output."""


@dataclasses.dataclass(frozen=True)
class Done:
    """How one tool ended."""

    code: int
    output: str
    seconds: float
    log: pathlib.Path


def environment(
    home: str, *, bins: t.Sequence[pathlib.Path] = (), extra: t.Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a tool: a HOME of its own below build/home, real Pythons on PATH, the user's pip settings."""
    folder = paths.HOMES / home
    folder.mkdir(parents=True, exist_ok=True)
    pip_settings.write(folder)
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_DROPPED) and name not in _DROPPED_NAMES
    }
    env.update(
        HOME=str(folder),
        PATH=pythons.bins(bins),
        LANG="C.UTF-8",
        LC_ALL="C.UTF-8",
        NO_COLOR="1",
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_HOME=str(folder / ".ansible"),
        ANSIBLE_LOCALHOST_WARNING="False",
        ANSIBLE_DEVEL_WARNING="False",
        PIP_CACHE_DIR=str(pip_settings.cache_dir()),
        UV_CACHE_DIR=packages.cache_dir(),
        GIT_CEILING_DIRECTORIES=str(paths.BUILD),
    )
    env.update(extra or {})
    return env


def run(
    argv: t.Sequence[str | os.PathLike[str]],
    *,
    log: str,
    cwd: pathlib.Path,
    env: t.Mapping[str, str],
    timeout: float,
    check: bool = True,
) -> Done:
    """Run argv and return how it ended; with `check`, raise ToolFailed unless it ended with 0."""
    __tracebackhide__ = True
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    logfile = paths.LOGS / f"{log}.log"
    started = time.monotonic()
    late = False
    with logfile.open("wb") as sink:
        process = subprocess.Popen(
            [os.fspath(arg) for arg in argv],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    output = logfile.read_text(encoding="utf-8", errors="replace")
    done = Done(process.returncode, output, time.monotonic() - started, logfile)
    if late:
        raise ToolFailed(_describe(argv, f"did not end within {timeout:.0f} s", done))
    if check and done.code:
        raise ToolFailed(_describe(argv, f"ended with code {done.code} after {done.seconds:.0f} s", done))
    return done


def _describe(argv: t.Sequence[str | os.PathLike[str]], what: str, done: Done) -> str:
    lines = done.output.splitlines()
    shown = lines[-_SHOWN_LINES:]
    left_out = f"[{len(lines) - len(shown)} earlier lines in {done.log}]\n" if len(lines) > len(shown) else ""
    command = " ".join(os.fspath(arg) for arg in argv)
    return f"{command}\n{what}. Output:\n{left_out}" + "\n".join(shown)
