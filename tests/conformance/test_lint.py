# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Style, types, licences and lint, each by its own tool."""

from __future__ import annotations

import os
import pathlib

import pytest

from tooling import content, paths, stages

ALL = bool(os.environ.get("DBOPS_TEST_ALL"))


@pytest.mark.cost(5)
@pytest.mark.parametrize("arguments", [("check", "--no-cache"), ("format", "--check", "--diff", "--no-cache")])
def test_ruff(arguments: tuple[str, ...]) -> None:
    stages.prepare(f"ruff-{arguments[0]}").run("ruff", *arguments, ".")


def _mypy(stage: stages.Stage, path: str, folder: pathlib.Path, *arguments: str) -> None:
    config = stage.tree.path / ".mypy.ini"
    # The copy is laid anew each time; what mypy knows of it is kept.
    extra = {"MYPYPATH": path, "MYPY_CACHE_DIR": str(paths.BUILD / "mypy_cache" / stage.name)}
    stage.run("mypy", "--config-file", str(config), *arguments, cwd=folder, extra=extra)


@pytest.mark.cost(40)
def test_mypy_collection() -> None:
    """Plugins and unit tests, under the names by which they import each other."""
    stage = stages.prepare("mypy-collection")
    collection = stage.tree.path.relative_to(stage.tree.root)
    parts = [str(collection / part) for part in ("plugins", "tests/unit") if (stage.tree.path / part).is_dir()]
    _mypy(stage, str(stage.tree.root), stage.tree.root, *parts)


@pytest.mark.cost(45)
def test_mypy_tests() -> None:
    """All else below tests/, under the names they have on PYTHONPATH=tests."""
    stage = stages.prepare("mypy-tests")
    tests = stage.tree.path / "tests"
    _mypy(stage, f"{stage.tree.root}:{tests}", tests, "--exclude", "^(unit|integration)/", ".")


@pytest.mark.cost(6)
def test_yamllint() -> None:
    stages.prepare("yamllint").run("yamllint", "--strict", ".")


@pytest.mark.cost(8)
def test_every_file_has_its_licence() -> None:
    stages.prepare("reuse").run("reuse", "lint")


@pytest.mark.cost(60)
def test_ansible_lint() -> None:
    """What people install; with `make test-all` the playbooks of tests too."""
    if not content.modules():
        pytest.skip("There are no modules yet.")
    # A syntax check of every playbook takes long, and the tests' own are run, or checked, by these.
    left_out = () if ALL else ("--exclude", "extensions/", "--exclude", "tests/")
    stages.prepare("ansible-lint", "quality").run(
        "ansible-lint", "--offline", "--format", "pep8", *left_out, timeout=600
    )
