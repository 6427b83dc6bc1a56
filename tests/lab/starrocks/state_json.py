# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters as JSON, for GET /state."""

from __future__ import annotations

import dataclasses
import typing as t

from lab.starrocks.front import Front
from lab.starrocks.frontend import FrontendServer
from lab.starrocks.nodes import NodeServer
from lab.starrocks.state_tables import Partition, Table


def frontend(server: FrontendServer) -> dict[str, t.Any]:
    """One frontend; ``config`` only where it differs from the version's defaults and its ports."""
    record = server.record
    defaults = server.catalogue.defaults()
    changed = {key: value for key, value in record.config.items() if value != defaults[key]}
    return {
        "name": record.name,
        "host": record.host,
        "query_port": record.query_port,
        "http_port": record.http_port,
        "role": record.role,
        "alive": record.alive,
        "config": changed,
    }


def node(server: NodeServer) -> dict[str, t.Any]:
    """One backend or compute node."""
    return dataclasses.asdict(server.record)


def partition(record: Partition) -> dict[str, t.Any]:
    """One physical partition."""
    return {
        "id": record.id,
        "visible_version": record.visible_version,
        "data_version": record.data_version,
        "version_epoch": record.version_epoch,
        "version_txn_type": record.version_txn_type,
        "compact_version": record.compact_version,
        "rows": record.rows,
        "history": len(record.history),
    }


def table(record: Table) -> dict[str, t.Any]:
    """One table."""
    return {
        "id": record.id,
        "engine": record.engine,
        "state": record.state,
        "storage_volume": record.storage_volume,
        "partitions": {p.name: partition(p) for p in record.all_partitions()},
    }


def cluster(front: Front, with_tables: bool) -> dict[str, t.Any]:
    """One cluster."""
    state = front.cluster
    leader = front.leader
    found: dict[str, t.Any] = {
        "version": front.profile.version,
        "run_mode": front.profile.run_mode,
        "leader": leader.address if leader else None,
        "frontends": [frontend(server) for server in front.frontends],
        "nodes": [node(server) for server in front.nodes],
        "globals": state.globals,
        "storage_volumes": {
            volume.name: {
                "type": volume.type,
                "locations": volume.locations,
                "params": volume.params,
                "enabled": volume.enabled,
                "default": volume.name == state.default_volume,
            }
            for volume in state.storage_volumes.values()
        },
        "users": {
            account.name: {
                "roles": sorted(account.roles),
                "grants": sorted(" ".join((g.privilege, g.kind, *g.scope)) for g in account.grants),
            }
            for account in front.accounts.users.values()
        },
        "routine_loads": {"%s.%s" % (job.database, job.name): job.state for job in state.routine_loads},
        "pipes": {"%s.%s" % (pipe.database, pipe.name): pipe.state for pipe in state.pipes},
        "replications": {
            job.id: {
                "state": job.state,
                "table_id": job.table_id,
                "error": job.error,
                "created": job.created,
                "finished": job.finished,
            }
            for job in state.replications.values()
        },
        "compactions": [dataclasses.asdict(job) for job in state.compactions[-100:]],
        "old_versions": {"kept": front.engine.vacuum.debt(), "destroyed": front.engine.vacuum.destroyed},
        "recycled_tables": ["%s.%s" % (r.database.name, r.table.name) for r in state.recycled_tables],
        "running_transactions": {
            database.name: [
                {"id": txn.id, "type": txn.source_type, "status": txn.status} for txn in database.running.values()
            ]
            for database in state.databases.values()
            if database.running
        },
    }
    if with_tables:
        found["databases"] = {
            database.name: {name: table(record) for name, record in database.tables.items()}
            for database in state.databases.values()
        }
    return found
