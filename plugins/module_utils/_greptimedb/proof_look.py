# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Takes the look that a proof is made of, in the order that makes its conclusions sound."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.ask_datanodes import ask_datanodes
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Placement
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.proof import Look

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Procedure, RegionInfo


def take_look(
    client: GreptimeClient, region_ids: t.Sequence[int], everything: bool, headed_for: t.Mapping[str, int]
) -> Look:
    """Procedures, then placement, then the datanodes' own word, then heartbeats.

    ``everything``: look at every region of the cluster, which the gate for an empty datanode needs. ``headed_for``: the
    targets that the journal knows, by procedure id; other migrations are looked up where the server keeps a history.
    """
    migrations = client.procedures(active_only=True)
    tables: t.Dict[int, str] = {}
    logical: t.Set[int] = set()
    if everything:
        placements: t.Dict[int, Placement] = {}
        for region in client.regions():
            tables[region.region_id] = region.qualified
            if region.logical:
                logical.add(region.region_id)
            placements[region.region_id] = Placement(
                region.region_id, region.leader_peer, region.leader_status, region.down_seconds, region.followers
            )
    else:
        placements = dict(client.placements(region_ids))
    answer = ask_datanodes(client, None if everything else region_ids)
    if answer.failure is not None:
        raise MigrationError(
            "greptimedb.unavailable",
            "Could not ask the datanodes for their regions, although all that are listed are alive; look at the log of "
            "the frontend.",
            server_text=answer.failure.server_text,
            details=answer.failure.details,
        )
    return Look(
        placements=placements,
        alive={node.id: node.alive for node in client.nodes() if node.kind == "datanode"},
        migrations=migrations,
        headed_for=_targets(client, migrations, headed_for) if everything else dict(headed_for),
        infos=None if answer.infos is None else _by_region(answer.infos),
        not_asked=answer.why,
        tables=tables,
        logical=frozenset(logical),
    )


def _by_region(infos: t.Iterable[RegionInfo]) -> t.Dict[int, t.List[RegionInfo]]:
    found: t.Dict[int, t.List[RegionInfo]] = {}
    for info in infos:
        found.setdefault(info.region_id, []).append(info)
    return found


def _targets(
    client: GreptimeClient, migrations: t.Optional[t.Sequence[Procedure]], known: t.Mapping[str, int]
) -> t.Dict[str, int]:
    """Where the active migrations go: from the journal, or from the server's durable history (0.16.0 and newer)."""
    targets = dict(known)
    if not client.dialect.has_events:
        return targets
    for procedure in migrations or ():
        if procedure.procedure_id in targets:
            continue
        for region_id in procedure.region_ids:
            try:
                events = client.events(region_id)
            except MigrationError:
                # The history is best effort and may not exist yet. Not knowing is safe: it counts as a move towards us.
                continue
            for event in events:
                if event.procedure_id == procedure.procedure_id and event.to_peer is not None:
                    targets[procedure.procedure_id] = event.to_peer
    return targets
