# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the collection exists already, so that a stage without material says so instead of failing."""

from __future__ import annotations

import pathlib
import typing as t

import yaml

from tooling import paths


def modules() -> list[str]:
    """Names of the modules, sorted."""
    folder = paths.ROOT / "plugins" / "modules"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def roles() -> list[str]:
    """Names of the roles that people use, sorted: those with an argument spec."""
    return sorted(path.parent.parent.name for path in (paths.ROOT / "roles").glob("*/meta/argument_specs.yml"))


def integration_targets() -> list[str]:
    """Names of the integration targets, sorted."""
    return sorted(path.name for path in (paths.ROOT / "tests/integration/targets").glob("*") if path.is_dir())


def thorough_integration_targets() -> list[str]:
    """Those whose aliases say that they are for `make test-all`, because they take long."""
    folder = paths.ROOT / "tests/integration/targets"
    return [name for name in integration_targets() if _has_alias(folder / name / "aliases", "thorough")]


def _has_alias(file: pathlib.Path, alias: str) -> bool:
    return file.is_file() and alias in file.read_text(encoding="utf-8").splitlines()


def unit_tests() -> list[pathlib.Path]:
    """Files of unit tests, sorted."""
    return sorted((paths.ROOT / "tests/unit").rglob("test_*.py"))


def molecule_scenarios() -> list[str]:
    """Names of the molecule scenarios that need no container engine, sorted."""
    return sorted(path.parent.name for path in (paths.ROOT / "extensions/molecule").glob("*_lab/molecule.yml"))


def load_yaml(*parts: str) -> t.Any:
    """The data of one YAML file of the tree."""
    return yaml.safe_load(paths.ROOT.joinpath(*parts).read_text(encoding="utf-8"))
