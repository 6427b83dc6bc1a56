# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Region failover: metasrv itself migrates the regions of a datanode that has been gone for long (facts 1.6)."""

from __future__ import annotations

from lab.gate import AnswerError
from lab.greptimedb.datanode import Datanode
from lab.greptimedb.metasrv import Metasrv

LOOK_EVERY = 1.0
PATIENCE = 15.0
"""Lab seconds without a heartbeat after which the failure detector gives a datanode up."""
TIMEOUT = 120.0


async def failover_forever(metasrv: Metasrv) -> None:
    """Watch the datanodes; does nothing unless ``region_failover`` is on, and nothing in maintenance mode."""
    cluster = metasrv.cluster
    while True:
        await cluster.clock.sleep(LOOK_EVERY)
        if not cluster.settings.region_failover or metasrv.maintenance or metasrv.leader is None:
            continue
        for node in cluster.nodes.values():
            if cluster.clock.now() - node.last_heartbeat > PATIENCE and node.config.wal_provider == "kafka":
                await _move_all(metasrv, node)


async def _move_all(metasrv: Metasrv, lost: Datanode) -> None:
    cluster = metasrv.cluster
    for region in list(cluster.regions.values()):
        if region.leader != lost.id or region.id in metasrv.migrating:
            continue
        targets = [n for n in cluster.nodes.values() if n.leased and n.id not in region.followers and n is not lost]
        if not targets:
            return
        target = min(targets, key=lambda n: len(n.regions))
        try:
            await metasrv.submit(region.id, lost.id, target.id, TIMEOUT, trigger="Failover")
        except AnswerError:
            continue
