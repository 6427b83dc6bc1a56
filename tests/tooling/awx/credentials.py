# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credential types whose injectors set the environment variables that the modules fall back on. No secret becomes an
extra variable that way.
"""

from __future__ import annotations

import typing as t

from tooling.awx import sources
from tooling.awx.markup import plain
from tooling.awx.survey import label
from tooling.awx.writing import Unsafe


def types() -> list[dict[str, t.Any]]:
    """``controller_credential_types``."""
    return [_type(key, said) for key, said in sources.choices()["credentials"].items()]


def fields(key: str) -> list[dict[str, t.Any]]:
    """The inputs of one type, each with the variable it is for in ``env``, and whether it is the content of a file."""
    said = sources.choices()["credentials"][key]
    if "variables" in said:
        return [{**one, "file": False, "option": {}} for one in said["variables"]]
    found: dict[str, dict[str, t.Any]] = {}
    for role in sources.roles():
        for name in sources.brought(role).get(key, []):
            if name not in found:
                found[name] = _field(role, name, said.get("renamed", {}).get(name, name))
    return list(found.values())


def _field(role: str, name: str, its_name: str) -> dict[str, t.Any]:
    behind = sources.fallback(role, its_name)
    if behind is None:
        raise ValueError(f"{role}_{name} cannot come with a credential: {its_name} of its modules reads no variable")
    option = sources.options(role)[name]
    is_file = option.get("type") == "path"
    return {
        "id": name,
        "label": label(name),
        "help": _help(option, is_file),
        "env": behind.variables[0],
        "secret": bool(option.get("no_log")) or name in sources.choices()["secret_files"],
        "file": is_file,
        "option": option,
    }


def _help(option: sources.Option, is_file: bool) -> str:
    """The first sentence, which says what it is; those that follow tell where else it could be given."""
    first = plain(str(option["description"][0])).split(". ")[0].rstrip(".")
    return f"The contents of this file: {first[:1].lower()}{first[1:]}." if is_file else f"{first}."


def _type(key: str, said: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    inputs = []
    env: dict[str, t.Any] = {}
    files: dict[str, t.Any] = {}
    for one in fields(key):
        made: dict[str, t.Any] = {"id": one["id"], "label": one["label"], "type": "string"}
        if one.get("help"):
            made["help_text"] = one["help"]
        if one["secret"]:
            made["secret"] = True
        choices = one["option"].get("choices")
        if choices:
            made["choices"] = list(choices)
        if one["file"] or (one["option"].get("type") == "raw" and one["secret"]):
            made["multiline"] = True
        inputs.append(made)
        if one["file"]:
            files[f"template.{one['id']}"] = Unsafe(f"{{{{ {one['id']} }}}}")
            # A file is made even for an input that was left empty; nobody may be told of that.
            path = f"{{{{ tower.filename.{one['id']} }}}}"
            env[one["env"]] = Unsafe(f"{{% if {one['id']} %}}{path}{{% endif %}}")
        else:
            env[one["env"]] = Unsafe(f"{{{{ {one['id']} }}}}")
    return {
        "name": said["name"],
        "description": said["description"],
        "kind": "cloud",
        "inputs": {"fields": inputs},
        "injectors": {"env": env, **({"file": files} if files else {})},
    }


def credentials() -> list[dict[str, t.Any]]:
    """``controller_credentials``: one of each type, filled from the environment of who loads the files first."""
    made = []
    for key, said in sources.choices()["credentials"].items():
        inputs = {one["id"]: _from_environment(one) for one in fields(key)}
        made.append(
            {
                "name": said["name"],
                "description": said["description"],
                "organization": "{{ dbops_migration_organization }}",
                "credential_type": said["name"],
                # Whoever loads the files again changes none that is there. update_secrets cannot say that: the API
                # replaces all inputs of a credential as soon as one that it shows differs (awx.awx 24.6.1,
                # ControllerAPIModule.fields_could_be_same and Credential.save).
                "state": "exists",
                "inputs": inputs,
            }
        )
    return made


def _from_environment(one: t.Mapping[str, t.Any]) -> str:
    """A template. Without the last filter, ansible-core up to 2.18 makes a mapping, a list or a boolean of a text that
    looks like one."""
    value = f"lookup('ansible.builtin.env', '{one['env']}')"
    if one["file"]:
        value = f"(lookup('ansible.builtin.file', {value}) if {value} else '')"
    elif one["option"].get("choices"):
        value = f"{value} | default('{one['option']['default']}', true)"
    return f"{{{{ {value} | string }}}}"
