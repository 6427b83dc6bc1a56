# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of this collection that no tool checks by itself."""

from __future__ import annotations

import ast
import re

import pytest
import yaml

from tooling import content, paths, tree

MODULES = content.modules()


def _documentation(module: str) -> dict[str, object]:
    source = (paths.ROOT / "plugins/modules" / f"{module}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            loaded = yaml.safe_load(ast.literal_eval(node.value))
            assert isinstance(loaded, dict)
            return loaded
    raise AssertionError(f"{module} has no DOCUMENTATION")


def _fragments(module: str) -> list[str]:
    fragments = _documentation(module).get("extends_documentation_fragment") or []
    assert isinstance(fragments, list)
    return fragments


def _connects(module: str, engine: str) -> bool:
    """Whether it takes the connection options of the engine, which the group's defaults are."""
    return f"dbops.migration._{engine}" in _fragments(module)


def test_the_collection_depends_on_no_other_collection() -> None:
    assert not content.load_yaml("galaxy.yml").get("dependencies")
    assert not list(paths.ROOT.glob("**/meta/requirements.yml")) or not MODULES


def test_sanity_ignore_files_are_empty() -> None:
    files = sorted((paths.ROOT / "tests/sanity").glob("ignore-*.txt"))
    assert [path.name for path in files] == [f"ignore-2.{minor}.txt" for minor in range(17, 22)]
    assert [path.name for path in files if path.read_bytes()] == []


def test_supported_versions_agree() -> None:
    assert content.load_yaml("meta/runtime.yml")["requires_ansible"] == ">=2.17.0"
    assert content.load_yaml("tests/config.yml")["modules"]["python_requires"] == ">=3.8"


@pytest.mark.skipif(not MODULES, reason="There are no modules yet.")
@pytest.mark.parametrize("engine", ["greptimedb", "pegasus", "starrocks"])
def test_action_group_lists_the_modules_that_connect_to_its_engine(engine: str) -> None:
    listed = content.load_yaml("meta/runtime.yml")["action_groups"][engine]
    assert listed == sorted(listed)
    assert listed == [module for module in MODULES if _connects(module, engine)]


@pytest.mark.parametrize("module", MODULES)
def test_module_says_what_it_supports(module: str) -> None:
    fragments = _fragments(module)
    assert "dbops.migration._attributes" in fragments
    attributes = _documentation(module).get("attributes") or {}
    assert isinstance(attributes, dict)
    if "dbops.migration._attributes.info_module" not in fragments:
        assert {"check_mode", "diff_mode", "idempotent"} <= set(attributes)
    engine = module.split("_")[0]
    assert (f"dbops.migration._attributes.actiongroup_{engine}" in fragments) == _connects(module, engine)


@pytest.mark.parametrize("module", MODULES)
def test_info_modules_have_check_mode(module: str) -> None:
    if not module.endswith("_info"):
        pytest.skip("Not an info module.")
    source = (paths.ROOT / "plugins/modules" / f"{module}.py").read_text(encoding="utf-8")
    assert re.search(r"supports_check_mode\s*=\s*True", source)


def test_every_wait_is_explained_to_who_waits() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (paths.ROOT / "plugins").rglob("*.py"))
    guide = (paths.ROOT / "docs/docsite/rst/guide_waits.rst").read_text(encoding="utf-8")
    used = set(re.findall(r'"((?:greptimedb|pegasus|starrocks)\.wait\.[a-z_0-9]+)"', code))
    people = (paths.ROOT / "plugins/module_utils/_core/control_waits.py").read_text(encoding="utf-8")
    used |= set(re.findall(r'^[A-Z_]+ = "([a-z]+\.[a-z]+)"$', people, re.MULTILINE))
    explained = re.findall(r"^``([a-z]+\.[a-z_0-9.]+)``$", guide, re.MULTILINE)
    assert sorted(used) == sorted(explained)


def _imports(path: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse((paths.ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


SOURCES = [str(name) for name in tree.files() if name.suffix == ".py" and (paths.ROOT / name).is_file()]


def test_core_knows_no_engine_and_engines_do_not_know_each_other() -> None:
    base = "plugins/module_utils/"
    found = []
    for path in SOURCES:
        match = re.match(re.escape(base) + r"(_\w+)/", path)
        if match:
            for name in _imports(path):
                other = re.search(r"plugins\.module_utils\.(_\w+)", name)
                # What reads the journals of any engine finds the engine's own rules; nothing in an engine needs it.
                if other and other.group(1) not in ("_core", match.group(1)) and match.group(1) != "_journals":
                    found.append(f"{path} imports {name}")
    assert found == []


def test_the_lab_imports_nothing_from_the_collection() -> None:
    found = [
        f"{path} imports {name}"
        for path in SOURCES
        if path.startswith("tests/lab/")
        for name in _imports(path)
        if name.startswith("ansible_collections")
    ]
    assert found == []
