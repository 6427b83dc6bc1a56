# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changelog and the documentation, as the tools of the Ansible documentation read them."""

from __future__ import annotations

import pytest

from tooling import content, docsite, options, stages

needs_modules = pytest.mark.skipif(not content.modules(), reason="There are no modules yet.")


@pytest.mark.cost(5)
def test_changelog() -> None:
    stage = stages.prepare("changelog", "docs")
    stage.run("antsibull-changelog", "lint")
    stage.run("antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml", log="changelog-yaml")


def test_the_version_has_a_changelog_entry() -> None:
    released = content.load_yaml("changelogs/changelog.yaml")["releases"]
    assert content.load_yaml("galaxy.yml")["version"] in released


def test_the_first_version_names_everything_that_came_with_it() -> None:
    entry = content.load_yaml("changelogs/changelog.yaml")["releases"]["1.0.0"]
    modules = {name for name in content.modules() if options.version_added(name) == "1.0.0"}
    assert {one["name"] for one in entry["modules"]} == modules
    roles = {role for role in content.roles() if options.specs(role).get("main", {}).get("version_added") == "1.0.0"}
    assert {one["name"] for one in entry["objects"]["role"]} == roles


@needs_modules
@pytest.mark.cost(25)
def test_collection_docs() -> None:
    stages.prepare("collection-docs", "docs").run(
        *["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=all"],
        *["--disallow-unknown-collection-refs", "."],
    )


@needs_modules
@pytest.mark.cost(30)
def test_site_builds_without_a_warning() -> None:
    stage = stages.prepare("docsite", "docs")
    html = docsite.build(stage, stage.tree.root / "site")
    pages = {path.name for path in html.glob("*.html")}
    assert {f"{module}_module.html" for module in content.modules()} <= pages
