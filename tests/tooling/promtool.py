# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus's own tool, which says whether Prometheus takes metrics and rules. setup.sh puts it into .venv."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import pytest

from tooling import paths


def find() -> str | None:
    """Its path, None where it is not there."""
    own = paths.ROOT / ".venv" / "bin" / "promtool"
    return str(own) if own.is_file() else shutil.which("promtool")


def run(*arguments: str, cwd: pathlib.Path, stdin: str = "") -> tuple[int, str]:
    """Its exit code and what it said. Skips the test where it is not there."""
    tool = find()
    if tool is None:
        pytest.skip("promtool is not there; `make venv` takes it from the Debian package prometheus where apt-get is.")
    done = subprocess.run(
        [tool, *arguments],
        cwd=cwd,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
    )
    return done.returncode, done.stdout
