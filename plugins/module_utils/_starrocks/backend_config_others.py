# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Configs of backends and compute nodes that are as wanted although this migration has not set them. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_plan import (
    NodeStep,
    NodeTarget,
    recorded_keys,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_read import NodeRow, Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_in_place import InPlace, severity
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import Past
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical


def nodes_in_place(steps: t.Iterable[NodeStep], past: t.Mapping[str, Past], table: Table) -> t.List[InPlace]:
    """What of the wanted configs is not ours.

    :param past: what the journal knows as changed by us, of this cluster's nodes. Where it has a change of a config on
        one node, the config is ours on all of them
    :param table: as it was read; from 3.1 on each node tells its default too
    """
    ours = set(recorded_keys(past, ()))
    found: t.List[InPlace] = []
    for step in steps:
        right = [target for target in step.targets if target.holds(target.now)]
        if step.key in ours or not right:
            continue
        found_here = severity(_is_default(target, table[target.node].get(step.key)) for target in right)
        if found_here is not None:
            addresses = tuple(target.node.address for target in right)
            found.append(InPlace(step.key, right[0].now, found_here, addresses, "nodes"))
    return found


def _is_default(target: NodeTarget, row: t.Optional[NodeRow]) -> t.Optional[bool]:
    if row is None or row.default is None:
        return None
    return canonical(row.default, target.kind) == canonical(target.now, target.kind)
