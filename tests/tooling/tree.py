# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean copies of the working tree in the place where Ansible's tools want a collection.

ansible-test refuses symlinks and paths other than ansible_collections/<namespace>/<name>; several tools write into the
tree they check. So every stage gets its own copy of what git knows or would take.
"""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import subprocess
import typing as t

from tooling import paths


@dataclasses.dataclass(frozen=True)
class Tree:
    """One copy: `path` is the collection, `root` the folder above ansible_collections/."""

    root: pathlib.Path
    path: pathlib.Path


def files() -> list[pathlib.PurePath]:
    """Files of the working tree that are tracked, or are new and not ignored; relative to the root, sorted."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=paths.ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    names = {name for name in done.stdout.decode().split("\0") if name}
    return sorted(pathlib.PurePath(name) for name in names)


_TOOLS = ("bench", "chaos", "clients", "conformance", "demo", "lab", "lab_tests", "system", "tooling")
OWN_TOOLS = tuple(f"tests/{name}" for name in _TOOLS)
"""What only this repository's own tests run: neither plugins, nor what ansible-test runs."""


def lay(stage: str, leave_out: t.Sequence[str] = ()) -> Tree:
    """Copy the tree to build/work/<stage>/ansible_collections/dbops/migration, as a git work tree of its own.

    ``leave_out``: folders that are not copied.
    """
    root = paths.WORK / stage
    shutil.rmtree(root, ignore_errors=True)
    path = root / "ansible_collections" / paths.NAMESPACE / paths.NAME
    # antsibull-docs refuses folders that others may write to.
    path.mkdir(parents=True, mode=0o755)
    for name in files():
        if any(name.is_relative_to(folder) for folder in leave_out):
            continue
        source = paths.ROOT / name
        target = path / name
        # A tracked file that was deleted and not yet committed is listed, but not there.
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    # Without a repository of their own the copies would be judged by the rules of the outer one, which ignores build/.
    for command in (["-c", "init.defaultBranch=main", "init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=path, check=True, stdout=subprocess.DEVNULL)
    return Tree(root, path)
