# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Configs of frontends that are as wanted although this migration has not set them. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_in_place import InPlace, severity
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import Setting
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import Past
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_restore import recorded_keys
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_steps import Step


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
        found_here = severity(None if default is None else _is(default.default, one.wanted, one.kind) for one in right)
        if found_here is not None:
            addresses = tuple(target.frontend.address for target in right)
            found.append(InPlace(step.key, right[0].now, found_here, addresses, "frontends"))
    return found


def _is(one: str, other: str, kind: str) -> bool:
    return canonical(one, kind) == canonical(other, kind)
