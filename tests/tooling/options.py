# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules and roles, as they are documented in the tree."""

from __future__ import annotations

import ast
import functools
import re
import typing as t

import yaml

from tooling import content, paths


def specs(role: str) -> dict[str, t.Any]:
    """The argument specs of a role, by entry point."""
    return dict(content.load_yaml(f"roles/{role}/meta/argument_specs.yml")["argument_specs"])


@functools.cache
def _document(module: str) -> dict[str, t.Any]:
    source = (paths.ROOT / "plugins/modules" / f"{module}.py").read_text()
    text = re.search(r'^DOCUMENTATION = r"""(.*?)^"""', source, re.MULTILINE | re.DOTALL)
    assert text is not None
    return dict(yaml.safe_load(text.group(1)))


def version_added(module: str) -> str:
    """The version of the collection that a module came with."""
    return str(_document(module)["version_added"])


@functools.cache
def documented(module: str) -> dict[str, t.Any]:
    """The options of a module with those of its fragments of this collection."""
    found: dict[str, t.Any] = {}
    document = _document(module)
    for fragment in document.get("extends_documentation_fragment") or []:
        name, _dot, part = fragment[len("dbops.migration.") :].partition(".")
        if not fragment.startswith("dbops.migration._") or name == "_attributes":
            continue
        for node in ast.parse((paths.ROOT / "plugins/doc_fragments" / f"{name}.py").read_text()).body:
            if isinstance(node, ast.ClassDef):
                for statement in node.body:
                    wanted = part.upper() or "DOCUMENTATION"
                    if isinstance(statement, ast.Assign) and statement.targets[0].id == wanted:  # type: ignore[attr-defined]
                        found.update(yaml.safe_load(ast.literal_eval(statement.value))["options"])
    for name, option in document["options"].items():
        # A module may add to what a fragment says.
        found[name] = {**found.get(name, {}), **option}
    return found
