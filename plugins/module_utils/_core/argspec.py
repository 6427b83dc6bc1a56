# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A module's options as an object that is merged from parts (connection, journal, the module's own)."""

from __future__ import annotations

import copy
import typing as t

from ansible.module_utils.basic import AnsibleModule

Names = t.Sequence[str]
Condition = t.Sequence[t.Any]


class ArgumentSpec:
    """Options and the rules between them, in the shape AnsibleModule takes."""

    def __init__(
        self,
        argument_spec: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
        *,
        mutually_exclusive: t.Iterable[Names] = (),
        required_together: t.Iterable[Names] = (),
        required_one_of: t.Iterable[Names] = (),
        required_if: t.Iterable[Condition] = (),
        required_by: t.Mapping[str, str | Names] | None = None,
    ) -> None:
        self.argument_spec: dict[str, dict[str, t.Any]] = {
            name: copy.deepcopy(dict(option)) for name, option in (argument_spec or {}).items()
        }
        self.mutually_exclusive: list[Names] = list(mutually_exclusive)
        self.required_together: list[Names] = list(required_together)
        self.required_one_of: list[Names] = list(required_one_of)
        self.required_if: list[Condition] = list(required_if)
        self.required_by: dict[str, str | Names] = dict(required_by or {})

    def update(self, **options: t.Mapping[str, t.Any]) -> ArgumentSpec:
        """Add or replace options by name; returns itself."""
        for name, option in options.items():
            self.argument_spec[name] = copy.deepcopy(dict(option))
        return self

    def merge(self, other: ArgumentSpec) -> ArgumentSpec:
        """Add another spec's options and rules; returns itself. ValueError if both define an option differently."""
        for name, option in other.argument_spec.items():
            if self.argument_spec.get(name, option) != option:
                raise ValueError(f"option {name!r} is defined twice")
            self.argument_spec[name] = copy.deepcopy(option)
        self.mutually_exclusive.extend(other.mutually_exclusive)
        self.required_together.extend(other.required_together)
        self.required_one_of.extend(other.required_one_of)
        self.required_if.extend(other.required_if)
        self.required_by.update(other.required_by)
        return self

    def create_ansible_module(self, **kwargs: t.Any) -> AnsibleModule:
        """The AnsibleModule of these options; ``kwargs`` such as ``supports_check_mode`` are passed on."""
        module_class: t.Any = AnsibleModule  # its constructor has no annotations
        module: AnsibleModule = module_class(
            argument_spec=self.argument_spec,
            mutually_exclusive=self.mutually_exclusive,
            required_together=self.required_together,
            required_one_of=self.required_one_of,
            required_if=self.required_if,
            required_by=self.required_by,
            **kwargs,
        )
        self._fill_in(module.params)
        return module

    def _fill_in(self, params: t.Dict[str, t.Any]) -> None:
        """Empty text is no length of time: a survey of AWX delivers it for an answer that was cleared, so the default
        holds. Only options whose default begins with a digit are lengths of time or numbers as text."""
        for name, option in self.argument_spec.items():
            default = option.get("default")
            if isinstance(default, str) and default[:1].isdigit() and params.get(name) == "":
                params[name] = default
