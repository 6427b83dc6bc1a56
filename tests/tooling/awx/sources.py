# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the surveys and credentials are made from: the roles' argument specs, and the modules' environment variables."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pathlib
import sys
import typing as t
from unittest import mock

import yaml

from tooling import content, linked

CHOICES = pathlib.Path(__file__).with_name("choices.yml")
DEFAULT_ENTRY = "main"
"""The entry point that does what another one does, and that no playbook has."""
COMMON = "common"

Option = t.Mapping[str, t.Any]


@functools.cache
def choices() -> dict[str, t.Any]:
    """What is asked in which order, and what comes with credentials."""
    return dict(yaml.safe_load(CHOICES.read_text(encoding="utf-8")))


def roles() -> list[str]:
    """The roles, in the order of the data file."""
    return list(choices()["roles"])


@functools.cache
def specs(role: str) -> dict[str, t.Any]:
    """The argument specs of a role by entry point, in their order; without the default one."""
    found = content.load_yaml("roles", role, "meta", "argument_specs.yml")["argument_specs"]
    return {name: spec for name, spec in found.items() if name != DEFAULT_ENTRY}


def options(role: str) -> dict[str, Option]:
    """Every option of a role, by its name without the role's prefix."""
    found: dict[str, Option] = {}
    for spec in specs(role).values():
        for name, option in spec["options"].items():
            found[name.removeprefix(f"{role}_")] = option
    return found


def asked(role: str) -> list[str]:
    """The options that are asked, in their order; those of several roles only where this one has them."""
    found: list[str] = []
    for name in choices()["roles"][role]["asked"]:
        more = [one for one in choices()[COMMON]["asked"] if one in options(role)]
        found += more if name == COMMON else [name]
    return found


def textarea(role: str) -> set[str]:
    """Those of them whose answers have several lines."""
    return {*choices()["roles"][role]["textarea"], *choices()[COMMON]["textarea"]}


def brought(role: str) -> dict[str, list[str]]:
    """The options that come with credentials, by the type of credential; a role needs one of each type."""
    own: dict[str, list[str]] = choices()["roles"][role]["credentials"]
    common: dict[str, list[str]] = choices()[COMMON]["credentials"]
    return {
        key: [*own.get(key, []), *(name for name in common.get(key, []) if name in options(role))]
        for key in {**own, **common}
    }


def left_out(role: str) -> list[str]:
    """The options that are neither asked nor come with a credential."""
    common = [name for one in choices()[COMMON]["left_out"] for name in one["options"] if name in options(role)]
    return [*(name for one in choices()["roles"][role]["left_out"] for name in one["options"]), *common]


class _SpecCaught(Exception):
    """Carries a module's argument spec out of its ``main``."""

    def __init__(self, options_: t.Mapping[str, Option]) -> None:
        super().__init__()
        self.options = options_


@functools.cache
def module_options(module: str) -> dict[str, Option]:
    """The options of a module as it gives them to Ansible, with their ``fallback``."""
    root = str(linked.collections_root())
    if root not in sys.path:
        sys.path.insert(0, root)
    base = "ansible_collections.dbops.migration.plugins"
    argspec: t.Any = importlib.import_module(f"{base}.module_utils._core.argspec")

    def catch(self: t.Any, **_more: object) -> t.NoReturn:
        raise _SpecCaught(self.argument_spec)

    loaded = importlib.import_module(f"{base}.modules.{module}")
    with mock.patch.object(argspec.ArgumentSpec, "create_ansible_module", catch):
        try:
            # One that is wholly an action plugin has none.
            getattr(loaded, "main", dict)()
        except _SpecCaught as caught:
            return dict(caught.options)
    return {}


@dataclasses.dataclass(frozen=True)
class Fallback:
    """The environment variables of an option, the first one first, and how the module declares it."""

    variables: tuple[str, ...]
    option: Option


def fallback(role: str, name: str) -> Fallback | None:
    """What an option of the role's own modules, or else of those for all engines, falls back on."""
    found = None
    for module in content.modules():
        if module.startswith((f"{role}_", "migration_")):
            option = module_options(module).get(name, {})
            if option.get("fallback"):
                found = Fallback(tuple(option["fallback"][1]), option)
                if module.startswith(f"{role}_"):
                    break
    return found
