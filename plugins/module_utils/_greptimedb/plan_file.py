# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Plans as files: YAML that a person may edit, or JSON."""

from __future__ import annotations

import importlib
import json
import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan_lines import read_lines

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Plan

HEADER = """\
# A plan of GreptimeDB region moves. Read it, change it, then give it to greptimedb_region_migration as plan_file.
#
# You may delete moves, reorder them (they are submitted in this order), change to_peer, and change limits
# (null is no limit; per_source:3 is a limit for datanode 3 alone). Add a move as
#   - {"region_id": 4398046511104, "from_peer": 1, "to_peer": 2}
# Everything else explains the plan and is not read when it is carried out.
#   ordering: planned = strictly in this order; eager = a move that a limit blocks is passed over.
# The plan is checked before anything happens, and all mistakes are reported at once. To check it only:
#   greptimedb_region_plan with strategy=validate and plan_file=<this file>
"""


def dump(plan: Plan, as_json: bool = False) -> str:
    """The text of a plan file. The same plan gives the same bytes, whatever libraries are installed."""
    data = plan.as_data()
    if as_json:
        return json.dumps(data, indent=2) + "\n"
    lines = [HEADER]
    for key, value in data.items():
        if isinstance(value, list) and value:
            lines.append(f"{key}:\n" + "".join(f"  - {json.dumps(item)}\n" for item in value))
        elif isinstance(value, dict) and value:
            lines.append(f"{key}:\n" + "".join(f"  {_key(name)}: {json.dumps(item)}\n" for name, item in value.items()))
        else:
            lines.append(f"{key}: {json.dumps(value)}\n")
    return "".join(lines)


def _key(name: str) -> str:
    # Node ids and exact limits ("per_source:3") stay text only within quotes.
    return name if name.isidentifier() else json.dumps(name)


def is_json_path(path: str) -> bool:
    """Whether a plan file of that name holds JSON rather than YAML."""
    return path.lower().endswith(".json")


def read(path: str, option: str = "plan_file") -> t.Any:
    """The data in a plan file.

    :raises InvalidOption: the file cannot be read, or is neither YAML nor JSON
    """
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise InvalidOption(
            option,
            f"{path} cannot be read ({error.strerror})",
            "Give the path of a plan file on the host that runs this",
        ) from None
    except UnicodeDecodeError:
        raise InvalidOption(option, f"{path} is not a text file", "Give a plan file as YAML or JSON") from None
    return loads(text, option, path)


def loads(text: str, option: str, name: str) -> t.Any:
    """The data in the text of a plan file; ``name`` is what messages call it.

    :raises InvalidOption: it is neither YAML nor JSON, or PyYAML is not installed and it is not JSON
    """
    try:
        return json.loads(text)
    except ValueError as error:
        not_json = error
    as_written = read_lines(text)
    if as_written:
        return as_written
    try:
        yaml: t.Any = importlib.import_module("yaml")
    except ImportError:
        raise InvalidOption(
            option,
            f"{name} is not JSON ({not_json}), and PyYAML is not installed for the Python that runs this",
            "Install PyYAML, or give the plan as JSON",
        ) from None
    try:
        return yaml.load(text, Loader=_loader(yaml))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise InvalidOption(option, f"{name} is not valid YAML{where}: {problem}", "Correct the file") from None


def _loader(yaml: t.Any) -> t.Any:
    """A safe loader which refuses a key that stands twice: YAML would silently take the last one."""

    class PlanLoader(yaml.SafeLoader):
        def construct_mapping(self, node: t.Any, deep: bool = False) -> t.Any:
            seen: t.Set[str] = set()
            for key_node, _value in node.value:
                key = str(key_node.value)
                if key in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice", key_node.start_mark)
                seen.add(key)
            return super().construct_mapping(node, deep)

    return PlanLoader
