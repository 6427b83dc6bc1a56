# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading what a duplication task needs to know: the source's tables, what their primaries say, and the target."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_arrival import Said
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_doubts import Settled, settle
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Seen, Wanted
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import (
    ProgressView,
    gone,
    judge,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import Source, TargetView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    App,
    ClusterInfo,
    Duplication,
    TableConfig,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import (
    TARGET_META_SERVERS,
    Connection,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.two_clusters import require_two_clusters


class _Target(t.NamedTuple):
    """The target as one look has seen it, for all tables. ``problem``: why it has not."""

    info: t.Optional[ClusterInfo] = None
    alive: int = 0
    apps: t.Mapping[str, App] = {}
    problem: t.Optional[MigrationError] = None


class Clusters:
    """The two clusters of one call. A context manager. ``refresh`` before each look, so that nothing stale is used."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._clock = clock
        self.client = MetaClient(connection.meta_servers, connection.settings, clock)
        self._replicas = ReplicaClient(connection.settings, clock)
        self._target = (
            MetaClient(connection.target_meta_servers, connection.settings, clock, option=TARGET_META_SERVERS)
            if connection.target_meta_servers
            else None
        )
        self._info: t.Optional[ClusterInfo] = None
        self._apps: t.Optional[t.Dict[str, App]] = None
        self._seen_target: t.Optional[_Target] = None

    def __enter__(self) -> Clusters:
        return self

    def __exit__(
        self,
        kind: t.Optional[t.Type[BaseException]],
        error: t.Optional[BaseException],
        trace: t.Optional[types.TracebackType],
    ) -> None:
        self.client.close()
        self._replicas.close()
        if self._target is not None:
            self._target.close()

    @property
    def profile(self) -> Profile:
        """How the source behaves."""
        return self.client.profile

    @property
    def source(self) -> Source:
        """By what a follower names the source."""
        info = self._source_info()
        return Source(info.cluster_name, info.meta_servers)

    def _source_info(self) -> ClusterInfo:
        if self._info is None:
            self._info = self.client.cluster_info()
        return self._info

    def refresh(self) -> None:
        """Forget what was read before."""
        self._apps = None
        self._seen_target = None

    def app(self, table: str) -> t.Optional[App]:
        """A table of the source that is not dropped."""
        if self._apps is None:
            self._apps = {app.name: app for app in self.client.list_apps() if app.status != "DROPPED"}
        return self._apps.get(table)

    def duplications(self, table: str) -> t.Tuple[Duplication, ...]:
        """The table's duplications; none if there is no such table (any more)."""
        try:
            return self.client.query_duplications(table)
        except MigrationError as error:
            if error.code in ("pegasus.app_not_found", "pegasus.object_not_found"):
                return ()
            raise

    def seen(self, wanted: Wanted) -> Seen:
        """What planning needs; the target's side only where something is to be added, and only if it can be seen.

        :raises MigrationError: the source cannot be read, or the target is given and cannot
        """
        app = self.app(wanted.table)
        duplications = self.duplications(wanted.table) if app is not None else ()
        if (
            wanted.state != "present"
            or self._target is None
            or any(one.remote == wanted.remote and one.status != "DS_REMOVED" for one in duplications)
        ):
            return Seen(app, duplications)
        view = self.target(wanted.remote_name, with_config=False)
        if view is not None and view.problem is not None:
            raise view.problem
        return Seen(app, duplications, None if view is None else view.app, target_seen=True)

    def target(self, name: str, *, with_config: bool) -> t.Optional[TargetView]:
        """The target, and its table of this name; None if nobody said where the target is.

        :raises MigrationError: ``pegasus.same_cluster``, as its tables would be taken for the target's
        """
        if self._target is None:
            return None
        if self._seen_target is None:
            self._seen_target = _look_at(self._target)
        seen = self._seen_target
        if seen.info is not None:
            require_two_clusters(self._source_info(), seen.info)
        app = seen.apps.get(name)
        config: t.Optional[TableConfig] = None
        problem = seen.problem
        if with_config and app is not None and app.available:
            try:
                config = self._target.query_config(name)
            except MigrationError as error:
                problem = error
        return TargetView(app, config, seen.info.meta_level if seen.info else "", seen.alive, problem)

    def target_name(self) -> str:
        """The target's own name for itself, "" if it is not given or cannot be asked."""
        try:
            return self._target.cluster_info().cluster_name if self._target is not None else ""
        except MigrationError:
            return ""

    def config(self, table: str) -> TableConfig:
        """Who serves the source's table. :raises MigrationError: ``pegasus.app_not_found``"""
        config = self.client.query_config(table)
        if config is None:
            raise MigrationError("pegasus.app_not_found", f"{table}: the source cluster has no such table any more.")
        return config

    def progress(self, table: str, dupid: int, *, with_decrees: bool) -> ProgressView:
        """What the primaries say of one duplication."""
        config = self.config(table)
        # In this order: what was committed before the counters were read, less what they say is missing, is shipped.
        infos = self._replicas.replica_infos(config.primaries, config.app_id) if with_decrees else None
        reports = self._replicas.progress(config.primaries, config.app_id)
        return judge(config, dupid, reports, infos)

    def said(self, table: str) -> Said:
        """How far the table's primaries are. In this order: less can be computed from it than is true, but not more."""
        config = self.config(table)
        before = self._replicas.replica_infos(config.primaries, config.app_id)
        progress = self._replicas.progress(config.primaries, config.app_id)
        return Said(config, before, progress, self._replicas.replica_infos(config.primaries, config.app_id))

    def settle(self, table: str, dupid: int, doubted: t.Collection[int]) -> Settled:
        """What looks in quick succession tell of partitions whose counters are in doubt."""
        sync = self.profile.duplication_sync_seconds
        return settle(doubted, dupid, lambda: self.said(table), sync, self._clock)

    def left_over(self, table: str, dupid: int) -> t.Tuple[t.Tuple[int, ...], t.Tuple[str, ...]]:
        """After a removal: partitions that still report it, and primaries' servers that do not tell."""
        config = self.client.query_config(table)
        if config is None:
            return (), ()
        return gone(config, dupid, self._replicas.progress(config.primaries, config.app_id))


def _look_at(target: MetaClient) -> _Target:
    try:
        return _Target(
            target.cluster_info(),
            sum(1 for node in target.list_nodes() if node.alive),
            {app.name: app for app in target.list_apps() if app.status != "DROPPED"},
        )
    except MigrationError as error:
        return _Target(problem=error)
