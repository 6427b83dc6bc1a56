# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether every frontend and node still has what this migration has set there: a restart forgets it, most of the time.

Asked are only those that the journal says we changed and have not put back, and each only for that.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import backend_config_plan as nodes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import frontend_config_restore as frontends
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import migration_standing as ms
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_read import NodeRow, read_nodes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import Past, recorded
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import (
    ConfigRow,
    read_config,
    unread,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node

FORGOTTEN = "starrocks.setting_forgotten"
_SHOWN = 20
_NAMED = 3
_AGAIN = (
    "Run the cutover again (the role's starrocks_cutover sets it first; without the role, set it yourself with this "
    "journal)."
)

Wanted = t.Dict[str, Past]
"""By key, what the journal says of one frontend or node."""


@dataclasses.dataclass(frozen=True)
class Forgotten:
    """A setting of ours that one frontend or node has no more. ``now``: None where it does not tell it.

    ``theirs``: it is not what was there before us either, so somebody has set it.
    """

    side: str
    address: str
    key: str
    wanted: str
    now: t.Optional[str]
    theirs: bool

    def as_evidence(self) -> t.Dict[str, t.Optional[str]]:
        """For findings."""
        return {"address": self.address, "key": self.key, "wanted": self.wanted, "now": self.now}


def find_forgotten(side: str, cluster: Cluster, entries: t.Sequence[Entry]) -> t.Tuple[Forgotten, ...]:
    """What is not ours any more on those that are alive. Nobody is asked where the journal has no change of ours.

    :param side: how findings call the cluster
    :raises MigrationError: one of them is alive and does not answer: unknown passes no gate
    """
    return (*_on_frontends(side, cluster, entries), *_on_nodes(side, cluster, entries))


def _on_frontends(side: str, cluster: Cluster, entries: t.Sequence[Entry]) -> t.Iterator[Forgotten]:
    cluster_id = cluster.cluster_id
    keys = ms.keys_to_restore(entries, cluster_id)
    if not keys:
        return
    past = recorded(entries, frontends.resource_prefix(cluster_id))
    wanted: t.Dict[Frontend, Wanted] = {}
    for frontend in cluster.frontends(refresh=True):
        mine = _of(past, {key: frontends.resource(cluster_id, frontend, key) for key in keys})
        if frontend.alive and mine:
            wanted[frontend] = mine
    good, failed = cluster.on_each(wanted, functools.partial(_read, cluster, wanted))
    if failed:
        raise unread(failed)
    for frontend, mine in wanted.items():
        yield from _compared(side, frontend.address, mine, good[frontend])


def _read(
    cluster: Cluster, wanted: t.Mapping[Frontend, Wanted], frontend: Frontend
) -> t.Dict[str, t.Optional[ConfigRow]]:
    return {key: read_config(cluster, frontend, key) for key in wanted[frontend]}


def _on_nodes(side: str, cluster: Cluster, entries: t.Sequence[Entry]) -> t.Iterator[Forgotten]:
    cluster_id = cluster.cluster_id
    keys = ms.node_keys_to_restore(entries, cluster_id)
    if not keys or not cluster.profile.be_configs:
        return
    past = recorded(entries, nodes.resource_prefix(cluster_id))
    wanted: t.Dict[Node, Wanted] = {}
    for node in cluster.nodes(refresh=True):
        mine = _of(past, {key: nodes.resource(cluster_id, node, key) for key in keys})
        if node.alive and mine:
            wanted[node] = mine
    table = read_nodes(cluster, list(wanted), keys)
    for node, mine in wanted.items():
        yield from _compared(side, node.address, mine, table[node])


def _of(past: t.Mapping[str, Past], names: t.Mapping[str, str]) -> Wanted:
    return {key: past[name] for key, name in names.items() if name in past}


def _compared(
    side: str, address: str, wanted: Wanted, rows: t.Mapping[str, t.Union[ConfigRow, NodeRow, None]]
) -> t.Iterator[Forgotten]:
    for key, past in wanted.items():
        row = rows[key]
        if row is None:
            yield Forgotten(side, address, key, past.ours, None, False)
            continue
        now = canonical(row.value, row.kind)
        if now != canonical(past.ours, row.kind):
            theirs = now != canonical(past.original, row.kind)
            yield Forgotten(side, address, key, past.ours, row.value, theirs)


def forgotten_findings(forgotten: t.Sequence[Forgotten], set_first: bool, again: str = _AGAIN) -> t.Iterator[Finding]:
    """One for each setting of a cluster.

    ``set_first``: a real run comes after something that sets them. ``again``: what sets them, in words.
    """
    for side, key in dict.fromkeys((one.side, one.key) for one in forgotten):
        found = [one for one in forgotten if (one.side, one.key) == (side, key)]
        places = [one.as_evidence() for one in found[:_SHOWN]]
        yield Finding(
            FORGOTTEN,
            "warning" if set_first else "blocker",
            f"{side} {key}",
            {"count": len(found), "settings": places},
            f"This migration has set {key} on the {side}, and it is not so any more on {_where(found)}: "
            f"{_why(found)} {again} Where another value is wanted there, accept this finding by its id, with its "
            "subject.",
        )


def _where(found: t.Sequence[Forgotten]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(one.address for one in found[:_NAMED]) + more


def _why(found: t.Sequence[Forgotten]) -> str:
    if any(one.theirs for one in found):
        return "somebody else has set another value."
    if any(one.now is None for one in found):
        return "it is not told there."
    return "it was started again and has forgotten it, or somebody has put it back."
