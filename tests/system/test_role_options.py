# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the role are those of the modules: same defaults, same choices, and every one is handed on."""

from __future__ import annotations

import ast
import re
import typing as t

import pytest
import yaml

from tooling import content, paths

SPECS = content.load_yaml("roles/greptimedb/meta/argument_specs.yml")["argument_specs"]
TASKS = [path.read_text() for path in sorted((paths.ROOT / "roles/greptimedb/tasks").rglob("*.yml"))]
VARS = (paths.ROOT / "roles/greptimedb/vars/main.yml").read_text()
# Options of the role that are no option of a module, or have another name there.
OTHER_NAMES = {
    "allow_incomplete": None,
    "cutover_timeout": ("greptimedb_region_proof", "timeout"),
    "edited_plan": ("greptimedb_region_plan", "plan"),
    "edited_plan_file": ("greptimedb_region_plan", "plan_file"),
    "maintenance_mode": None,
    "plan_file": ("greptimedb_region_plan", "dest"),
    "report": ("migration_report", "dest"),
}
LOOKED_UP = ("greptimedb_region_migration", "greptimedb_region_plan", "greptimedb_region_proof", "greptimedb_preflight")


def documented(module: str) -> dict[str, t.Any]:
    """The options of a module with those of its fragments of this collection."""
    source = (paths.ROOT / "plugins/modules" / f"{module}.py").read_text()
    found: dict[str, t.Any] = {}
    text = re.search(r'^DOCUMENTATION = r"""(.*?)^"""', source, re.MULTILINE | re.DOTALL)
    assert text is not None
    document = yaml.safe_load(text.group(1))
    for fragment in document.get("extends_documentation_fragment") or []:
        name = fragment.split(".")[2]
        if not fragment.startswith("dbops.migration._") or name == "_attributes":
            continue
        for node in ast.parse((paths.ROOT / "plugins/doc_fragments" / f"{name}.py").read_text()).body:
            if isinstance(node, ast.ClassDef):
                for statement in node.body:
                    if isinstance(statement, ast.Assign) and statement.targets[0].id == "DOCUMENTATION":  # type: ignore[attr-defined]
                        found.update(yaml.safe_load(ast.literal_eval(statement.value))["options"])
    found.update(document["options"])
    return found


MODULES = {module: documented(module) for module in (*LOOKED_UP, "migration_report")}
OPTIONS = sorted(
    {
        (name[len("greptimedb_") :], yaml.safe_dump(option, sort_keys=True))
        for spec in SPECS.values()
        for name, option in spec["options"].items()
    }
)


def test_every_entry_point_has_a_playbook_and_a_spec() -> None:
    entries = {path.stem for path in (paths.ROOT / "roles/greptimedb/tasks").glob("*.yml")}
    assert entries == set(SPECS)
    playbooks = {path.stem for path in (paths.ROOT / "playbooks").glob("greptimedb*.yml")}
    assert playbooks == {"greptimedb", *(f"greptimedb_{entry}" for entry in entries - {"main"})}


@pytest.mark.parametrize(("name", "text"), OPTIONS, ids=[name for name, _text in OPTIONS])
def test_an_option_means_what_it_means_in_the_module(name: str, text: str) -> None:
    option = yaml.safe_load(text)
    used = f"greptimedb_{name}"
    assert any(re.search(rf"\b{used}\b", part) for part in [VARS, *TASKS])
    target = OTHER_NAMES.get(name, ())
    if target is None:
        return
    if not target:
        target = next((module, name) for module in LOOKED_UP if name in MODULES[module])
    module, its_name = target
    theirs = MODULES[module][its_name]
    assert str(option.get("default")) == str(theirs.get("default"))
    choices = theirs.get("choices")
    if name == "strategy":
        # The way back has an entry point of its own.
        choices = [choice for choice in choices if choice != "reverse"]
    assert option.get("choices") == choices


def test_secrets_are_marked() -> None:
    for spec in SPECS.values():
        for name, option in spec["options"].items():
            secret = re.search(r"password|secret_key|token", name) is not None
            assert bool(option.get("no_log")) == secret, name
