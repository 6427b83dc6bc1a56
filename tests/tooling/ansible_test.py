# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-test on a copy of the tree, one HOME per ansible-core so that two releases can run side by side."""

from __future__ import annotations

import os
import typing as t

from tooling import cores, pip_bootstrap, process, pythons, tree, venvs


def run(
    core: cores.Core,
    kind: str,
    *arguments: str,
    label: str = "",
    timeout: float = 900,
    leave_out: t.Sequence[str] = (),
) -> process.Done:
    """Run `ansible-test <kind> <arguments>` with that core on this machine's Python for it, in a copy of its own.

    ``leave_out``: folders that the copy does not have.
    """
    __tracebackhide__ = True
    version = core.python()
    assert version is not None
    bins = venvs.ensure(core.venv, version)
    pip_bootstrap.prime(core.venv, bins)
    name = f"{kind}-{core.name}{label}"
    laid = tree.lay(name, leave_out)
    env = process.environment(core.venv, bins=[bins])
    argv: list[str | os.PathLike[str]] = [bins / "ansible-test", kind, "--color", "no", *arguments]
    return process.run(argv, log=name, cwd=laid.path, env=env, timeout=timeout)


def python_of(core: cores.Core) -> str:
    """The version of the controller's Python, such as "3.11"."""
    version = core.python()
    assert version is not None
    return pythons.text(version)
