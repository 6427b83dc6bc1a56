# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Every difference between GreptimeDB versions, in one object that is chosen once.

Statement forms, table names and columns follow the frontend's version; checks, locks, texts and the admin API follow
the metasrv's. Both are normal to differ during a rolling upgrade. Nothing else in this package asks for a version.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version

OLDEST = Version(0, 5, 1)
"""The first release with region migration."""

_INSPECT = Version(1, 1, 0)

HTTP = "http"
SELECT = "select"
ADMIN = "admin"


def _v(text: str) -> Version:
    return Version.parse(text)


@dataclasses.dataclass(frozen=True)
class Dialect:
    """What this cluster speaks and how it behaves. See each field; ``choose`` makes one."""

    frontend: Version | None
    metasrv: Version | None
    generation: str
    """For people: ``http``, ``select`` or ``admin``; the same as ``submit_form``."""

    # How to ask.
    submit_form: str
    """``http`` (metasrv leader, up to 0.6), ``select`` (0.7.0 - 0.9.2) or ``admin`` (0.9.3 and newer)."""
    state_form: str | None
    """``select``, ``admin``, or None: the HTTP generation has no procedure state at all."""
    region_peers_table: str | None
    """Name within information_schema; None: placement is read from the metasrv's ``/admin/route``."""
    peers_have_table_names: bool
    """``region_peers`` has the table's catalog, schema and name, and ``WHERE table_name`` is safe (0.14.0)."""
    followers_listed: bool
    safe_region_predicate: bool
    """``WHERE region_id IN (...)`` on ``region_peers`` loses no rows (1.0.0; lost rows from 0.7.0 to 1.0.0-rc.2)."""
    route_is_text: bool
    """``/admin/route`` answers a JSON string that holds JSON (before 0.7.0)."""
    has_cluster_info: bool
    has_procedure_info: bool
    has_region_statistics: bool
    statistics_have_disk_size: bool
    has_region_info: bool
    """The datanodes can be asked for their regions through the frontend (1.1.0, frontend and datanodes)."""
    has_old_datanodes: bool
    """Only datanodes that are older than the frontend stand in the way of asking them."""
    has_events: bool
    can_flush_region: bool
    lease_needs_cluster_id: bool
    """``/admin/node-lease`` wants ``cluster_id=0`` (up to 0.12)."""
    has_config_api: bool
    """Datanodes answer ``/config`` (0.7.0)."""
    has_user_modes: bool
    """Users can be read-only, and ADMIN counts as a write (1.0.0-beta.1)."""

    # How it behaves.
    degraded_word: str
    sends_timeout: bool
    timeout_meaning: str
    """What the timeout bounds: ``wal_replay`` (up to 0.9.3) or ``downgrade_and_upgrade`` (0.9.4 and newer)."""
    default_timeout: int
    """The server's own default in seconds; it is never relied on."""
    already_there: str
    """Answer to a move that has been made: ``null`` (a NULL id, up to 0.14.4) or ``error`` (0.15.0 and newer)."""
    server_preflushes: bool
    """The source is flushed while it still takes writes (0.15.0)."""
    flushes_on_downgrade: bool
    """The source is flushed before the switch, which is what makes a local WAL usable (0.9.4)."""
    one_per_table: bool
    """The server holds an exclusive table lock per migration: later ones of the table queue (0.11.1 - 0.14.4)."""
    route_updates_race: bool
    """Migrations of one table overlap, and may overwrite each other's route update (0.6.0 - 0.11.0)."""
    recommended_per_table: int | None
    duplicate_guard: bool
    """A second migration of a region is refused while one runs (0.9.0)."""
    rolls_back: bool
    """Exhausted retries restore the old leader (0.11.1); before, the route may stay degraded."""
    rejects_follower_target: bool
    logical_tables_have_own_ids: bool
    """Logical tables list region ids of their own, which cannot be migrated (0.9.0)."""
    max_running_procedures: int | None
    """Beyond it an id is handed out for a procedure that never starts (128, from 0.14.0)."""
    masks_dead_peer: bool
    """A dead or unknown peer is reported as ``Internal error: 1003`` only (0.9.0 - 0.16)."""
    refuses_local_storage: bool
    """The target refuses a region whose directory it cannot see, at once (1.1.0), instead of retrying for minutes."""

    # The admin API of the metasrv.
    maintenance_form: str | None
    """``set_path`` (0.7.2), ``put_query`` (0.8.0 - 0.14.4), ``json_query`` (0.15.0 - 0.15.4), ``post_path`` (0.15.5
    and newer), or None (before 0.7.2)."""
    has_manager_api: bool
    """``/admin/procedure-manager/status`` (0.15.5)."""
    admin_port: str
    """Where ``/admin/*`` is asked: ``grpc`` (before 0.15.5) or ``http``."""

    @classmethod
    def choose(cls, frontend: Version | None, metasrv: Version | None, datanode: Version | None = None) -> Dialect:
        """The dialect of a cluster; a version that is None is taken to be the other one.

        :param datanode: the oldest datanode's version; None where it is not told
        :raises MigrationError: ``greptimedb.version_too_old``, ``greptimedb.mixed_generations``
        """
        front = frontend if frontend is not None else metasrv
        meta = metasrv if metasrv is not None else frontend
        if front is None or meta is None:
            raise ValueError("neither the frontend's nor the metasrv's version is known")
        for what, version in (("frontend", front), ("metasrv", meta)):
            if version < OLDEST:
                raise MigrationError(
                    "greptimedb.version_too_old",
                    f"The {what} runs GreptimeDB {version}, and region migration exists only from {OLDEST} on; upgrade "
                    "the cluster first.",
                    details={what: str(version)},
                )
        both = min(front, meta)
        form = SELECT if front < _v("0.9.3") else ADMIN
        if front < _v("0.7.0") or meta < _v("0.7.0") or (frontend is None and meta < _v("0.8.0")):
            form = HTTP
        if form == HTTP and meta >= _v("0.8.0"):
            raise MigrationError(
                "greptimedb.mixed_generations",
                f"The frontend runs GreptimeDB {front}, which has no SQL form of region migration, and the metasrv "
                f"runs {meta}, which has dropped the HTTP form; upgrade the frontend to the metasrv's version first.",
                details={"frontend": str(front), "metasrv": str(meta)},
            )
        can_inspect = form != HTTP and front >= _INSPECT
        old_datanodes = can_inspect and datanode is not None and datanode < _INSPECT
        return cls(
            frontend=frontend,
            metasrv=metasrv,
            generation=form,
            submit_form=form,
            state_form=None if form == HTTP else form,
            region_peers_table=_region_peers_table(form, front),
            peers_have_table_names=front >= _v("0.14.0"),
            followers_listed=front >= _v("0.14.0"),
            safe_region_predicate=front >= _v("1.0.0"),
            route_is_text=meta < _v("0.7.0"),
            has_cluster_info=form != HTTP and both >= _v("0.8.0"),
            has_procedure_info=form != HTTP and both >= _v("0.9.4"),
            has_region_statistics=form != HTTP and both >= _v("0.9.4"),
            statistics_have_disk_size=both >= _v("0.10.0"),
            has_region_info=can_inspect and not old_datanodes,
            has_old_datanodes=old_datanodes,
            has_events=form != HTTP and both >= _v("0.16.0"),
            can_flush_region=form != HTTP,
            lease_needs_cluster_id=meta < _v("0.13.0"),
            has_config_api=both >= _v("0.7.0"),
            has_user_modes=front >= _v("1.0.0-beta.1"),
            **_behaviour(meta),
        )

    def as_result(self) -> dict[str, t.Any]:
        """What a person wants to know of it."""
        result = dataclasses.asdict(self)
        for name in ("frontend", "metasrv"):
            version = getattr(self, name)
            result[name] = None if version is None else str(version)
        return result


def _region_peers_table(form: str, front: Version) -> str | None:
    if form == HTTP:
        return None
    return "greptime_region_peers" if front < _v("0.8.0") else "region_peers"


def _behaviour(meta: Version) -> dict[str, t.Any]:
    """The fields that the metasrv's version decides."""
    locks_table = _v("0.11.1") <= meta < _v("0.15.0")
    return {
        "degraded_word": "DOWNGRADED" if meta < _v("0.9.4") else "DOWNGRADING",
        "sends_timeout": meta >= _v("0.6.0"),
        "timeout_meaning": "wal_replay" if meta < _v("0.9.4") else "downgrade_and_upgrade",
        "default_timeout": _default_timeout(meta),
        "already_there": "null" if meta < _v("0.15.0") else "error",
        "server_preflushes": meta >= _v("0.15.0"),
        "flushes_on_downgrade": meta >= _v("0.9.4"),
        "one_per_table": locks_table,
        "route_updates_race": meta < _v("0.11.1"),
        "recommended_per_table": 1 if meta < _v("0.15.0") else None,
        "duplicate_guard": meta >= _v("0.9.0"),
        "rolls_back": meta >= _v("0.11.1"),
        "rejects_follower_target": meta >= _v("0.14.0"),
        "logical_tables_have_own_ids": meta >= _v("0.9.0"),
        "max_running_procedures": 128 if meta >= _v("0.14.0") else None,
        "masks_dead_peer": _v("0.9.0") <= meta < _v("0.17.0"),
        "refuses_local_storage": meta >= _v("1.1.0"),
        "maintenance_form": _maintenance_form(meta),
        "has_manager_api": meta >= _v("0.15.5"),
        "admin_port": "grpc" if meta < _v("0.15.5") else "http",
    }


def _default_timeout(meta: Version) -> int:
    for below, seconds in (("0.7.0", 1), ("0.9.4", 10), ("0.14.0", 30)):
        if meta < _v(below):
            return seconds
    return 300


def _maintenance_form(meta: Version) -> str | None:
    if meta < _v("0.7.2"):
        return None
    for below, form in (("0.8.0", "set_path"), ("0.15.0", "put_query"), ("0.15.5", "json_query")):
        if meta < _v(below):
            return form
    return "post_path"
