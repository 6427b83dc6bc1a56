# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control port's GET /state tells of a cluster."""

from __future__ import annotations

import typing as t

from lab.pegasus import model
from lab.pegasus.cluster import Cluster
from lab.pegasus.model import App, Partition
from lab.pegasus.node import ReplicaServer

LEVEL_NAMES = {number: name for name, number in model.LEVELS.items()}


def cluster(found: Cluster) -> dict[str, t.Any]:
    """One cluster: meta servers, nodes, tables by name (dropped ones by "name#id")."""
    return {
        "name": found.name,
        "version": found.profile.version,
        "meta": {"leader": found.meta.leader_address, "state": found.meta.state, "addresses": found.meta.addresses},
        "meta_level": LEVEL_NAMES[found.meta.level],
        "nodes": {address: node(n) for address, n in found.nodes.items()},
        "apps": {
            a.name if a.status != model.DROPPED else "%s#%d" % (a.name, a.id): app(found, a)
            for a in found.apps.values()
        },
    }


def node(found: ReplicaServer) -> dict[str, t.Any]:
    """One replica server."""
    roles = [primary for _partition, primary in found.hosted()]
    return {
        "alive": found.alive,
        "cluster": found.cluster.key,
        "primaries": sum(roles),
        "replicas": len(roles),
        "last_config_sync": found.last_sync,
        "config": dict(found.flags),
    }


def app(owner: Cluster, found: App) -> dict[str, t.Any]:
    """One table."""
    return {
        "id": found.id,
        "status": model.APP_STATUS[found.status],
        "partition_count": found.partition_count,
        "replicas": found.replicas,
        "envs": found.envs,
        "duplicating": found.duplicating,
        "records": sum(len(p.store) for p in found.partitions),
        "outside_writes": found.outside_writes,
        "partitions": {str(p.index): partition(owner, p) for p in found.partitions},
        "duplications": {
            str(d.id): {
                "status": model.DUP_STATUS[d.status],
                "remote": d.remote,
                "remote_table": d.remote_table,
                "fail_mode": model.FAIL_MODE[d.fail_mode],
                "prepared": len(d.prepared),
                "follower_error": d.follower_error,
                "not_shipped": sum(p.decree - k.shipped for p in found.partitions for k in _known(p, d.id)),
                "lost": sum(k.lost for p in found.partitions for k in _known(p, d.id)),
            }
            for d in found.duplications.values()
        },
    }


def _known(found: Partition, dupid: int) -> list[model.Duplicator]:
    known = found.duplicators.get(dupid)
    return [known] if known is not None else []


def partition(owner: Cluster, found: Partition) -> dict[str, t.Any]:
    """One partition; ``deny`` is the effective state at its primary, as of that server's last config sync."""
    primary = owner.nodes.get(found.primary)
    known = primary.known.get(found.app.id) if primary is not None else None
    return {
        "primary": found.primary,
        "secondaries": found.secondaries,
        "ballot": found.ballot,
        "decree": found.decree,
        "records": len(found.store),
        "deny": "*".join(known.deny).strip("*") if known is not None else "",
        "duplicators": {
            str(k.dupid): {
                "status": model.DUP_STATUS[k.status],
                "shipped": k.shipped,
                "confirmed": k.confirmed,
                "lost": k.lost,
            }
            for k in found.duplicators.values()
        },
    }
