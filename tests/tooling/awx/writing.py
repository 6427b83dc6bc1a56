# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as the files below awx/ hold it."""

from __future__ import annotations

import typing as t

import yaml

HEADER = """\
# Copyright (c) 2026, the dbops.migration contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Made by `make awx`: change tests/tooling/awx/choices.yml or a role's argument specs, not this file.

---
"""


class Unsafe(str):
    """Text that Ansible must not take for a template of its own, because AWX fills it in."""


class _Dumper(yaml.SafeDumper):
    """Indents lists as .yamllint wants it, and never refers to an earlier part of a file."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: t.Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Unsafe, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value), style="'"))


class Loader(yaml.SafeLoader):
    """Reads the files back."""


Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(t.cast(yaml.ScalarNode, node))))


def dump(data: t.Any) -> str:
    """The text of a file."""
    return HEADER + yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=116, allow_unicode=True)


def load(text: str) -> t.Any:
    """The data of such a text."""
    return yaml.load(text, Loader=Loader)  # noqa: S506  (it is a safe one)
