# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Configs that are as wanted although this migration has not set them. Pure.

No change is made of them, so no restore of this migration touches them; but that of another one may, whose they are.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import Setting
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import Past
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_restore import recorded_keys
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_steps import Step

WARNING, INFO = "warning", "info"
END_THAT_FIRST = "its restore will take it away while this one copies: end that one first."


@dataclasses.dataclass(frozen=True)
class InPlace:
    """One config. ``severity``: a warning where the value is not the server's default, an info where nobody knows."""

    key: str
    value: str
    frontends: t.Tuple[str, ...]
    severity: str

    @property
    def text(self) -> str:
        """For people."""
        found = f"{self.key} is {self.value} already on {', '.join(self.frontends)}, and this migration has not set it"
        if self.severity == WARNING:
            return f"{found}. Somebody else has; if that is another migration, {END_THAT_FIRST}"
        return f"{found}. If that is no default of the server but the doing of another migration, {END_THAT_FIRST}"

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results."""
        return {**dataclasses.asdict(self), "frontends": list(self.frontends), "text": self.text}

    def as_note(self) -> t.Dict[str, t.Any]:
        """For the journal."""
        return {"about": "in_place", **self.as_result()}


def in_place(steps: t.Iterable[Step], past: t.Mapping[str, Past], defaults: t.Mapping[str, Setting]) -> t.List[InPlace]:
    """What of the wanted configs is not ours.

    :param past: what the journal knows as changed by us, of this cluster. Where it has a change of a config on one
        frontend, the config is ours on all of them, as one statement sets it everywhere
    :param defaults: by key, as this version has them; a value that is the default was set by nobody
    """
    ours = set(recorded_keys(past, ()))
    found: t.List[InPlace] = []
    for step in steps:
        right = [target for target in step.targets if target.right]
        if step.key in ours or not right:
            continue
        default = defaults.get(step.key)
        if default is not None and all(_is(default.default, one.wanted, one.kind) for one in right):
            continue
        severity = INFO if default is None else WARNING
        addresses = tuple(target.frontend.address for target in right)
        found.append(InPlace(step.key, right[0].now, addresses, severity))
    return found


def _is(one: str, other: str, kind: str) -> bool:
    return canonical(one, kind) == canonical(other, kind)
