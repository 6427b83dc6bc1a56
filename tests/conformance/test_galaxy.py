# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built tarball, as Galaxy would import it and as a user would install it."""

from __future__ import annotations

import configparser
import os
import re

import pytest

from tooling import content, stages, tarball

RULES = {
    "CHECK_CHANGELOG": True,
    "CHECK_REQUIRED_TAGS": True,
    "OFFLINE_ANSIBLE_LINT": True,
    "REQUIRE_V1_OR_GREATER": True,
    "RUN_ANSIBLE_DOC": True,
    # tests/conformance/test_lint.py asks more of more files; with `make test-all` the importer asks once more.
    "RUN_ANSIBLE_LINT": bool(os.environ.get("DBOPS_TEST_ALL")),
    # Would start a container; tests/conformance/test_ansible_test.py runs the same.
    "RUN_ANSIBLE_TEST": False,
    # ruff is the judge of style: its formatter writes what flake8 calls E203 and W503.
    "RUN_FLAKE8": False,
}


@pytest.mark.cost(30)
def test_galaxy_importer_has_nothing_to_say() -> None:
    stage = stages.prepare("galaxy-importer", "quality")
    made = tarball.build(stage, stage.tree.root / "dist")
    config = configparser.RawConfigParser()
    config["galaxy-importer"] = {name: str(value) for name, value in RULES.items()}
    place = stage.tree.root / "import"
    place.mkdir()
    with (place / "importer.cfg").open("w", encoding="utf-8") as sink:
        config.write(sink)
    done = stage.run(
        *["python", "-m", "galaxy_importer.main", str(made)],
        cwd=place,
        extra={"GALAXY_IMPORTER_CONFIG": str(place / "importer.cfg")},
        timeout=600,
    )
    # Warnings leave its exit code at 0.
    said = [line for line in done.output.splitlines() if re.match(r"(WARNING|ERROR|CRITICAL)\b", line)]
    assert said == [], done.output
    assert (place / "importer_result.json").exists(), done.output


@pytest.mark.cost(8)
def test_tarball_installs_and_lists_its_modules() -> None:
    stage = stages.prepare("install")
    made = tarball.build(stage, stage.tree.root / "dist")
    target = stage.tree.root / "installed"
    extra = {"ANSIBLE_COLLECTIONS_PATH": str(target)}
    stage.run(
        *["ansible-galaxy", "collection", "install", "--offline", "--force", "-p", str(target), str(made)], extra=extra
    )
    stage.run("ansible-galaxy", "collection", "verify", "--offline", "dbops.migration", extra=extra, log="verify")
    listed = stage.run("ansible-doc", "--list", "dbops.migration", extra=extra, log="ansible-doc-list").output
    for module in content.modules():
        assert f"dbops.migration.{module}" in listed
    shipped = {path.relative_to(target).parts[3] for path in target.glob("ansible_collections/dbops/migration/*")}
    assert not shipped & {"build", ".venv", ".ci", ".git", "collections"}
