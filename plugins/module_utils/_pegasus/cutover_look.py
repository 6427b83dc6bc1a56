# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading everything that a cutover has to know, from both clusters, ZooKeeper and the MetaProxies. Changes nothing."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import drain, model, rehearsal_forecast, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import (
    ACCEPT,
    CUT_OVER,
    LIFTED,
    CutoverRequest,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import POLL
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals, fenced_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.forecast import Pace
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import (
    TARGET_META_SERVERS,
    ConnectionSettings,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.progress_freshness import Freshness
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.two_clusters import require_two_clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import ZooKeeperPlace

SAMPLES = 4
SAMPLE_PAUSE = 1.0
_PER_PARTITION_AT_ONCE = 10
"""So many mutations of a partition go in the batches that are under way anyway."""
_DOUBT_SECONDS = 8.0
_GLANCE = 1.0
"""Seconds that a server has for an answer which is not worth a longer write block."""
_SWITCH_SECONDS = 0.5
"""A znode's watch reaches a MetaProxy within milliseconds; this is for a busy one."""


class Eyes:
    """The connections through which a cutover looks. Not for use by several threads."""

    def __init__(self, request: CutoverRequest, clock: Clock) -> None:
        connection = request.connection
        self.request = request
        self.clock = clock
        self.settings = connection.settings
        self.source = MetaClient(connection.meta_servers, self.settings, clock)
        self.target = MetaClient(connection.target_meta_servers, self.settings, clock, option=TARGET_META_SERVERS)
        self.replicas = ReplicaClient(self.settings, clock)
        self.target_replicas = ReplicaClient(self.settings, clock)
        self.glances = ReplicaClient(_hurried(self.settings), clock)
        """The source's replica servers again, for questions to which writes would wait for an answer."""
        self._freshness: t.Dict[str, Freshness] = {}
        self.blind = False
        """Whether the target did not answer, and that does not matter, because fences are only to be lifted."""

    def close(self) -> None:
        """Drop all connections."""
        for one in (self.source, self.target, self.replicas, self.target_replicas, self.glances):
            one.close()

    def clusters(self) -> Clusters:
        """Both clusters as wholes. ``pegasus.same_cluster`` when they are one, ``pegasus.same_name`` by their names."""
        source, target = self.source.cluster_info(), self._target_info()
        require_two_clusters(source, target)
        if source.cluster_name == target.cluster_name:
            raise MigrationError(
                "pegasus.same_name",
                f"Two clusters have the name {source.cluster_name}, by which the journal and the znodes of MetaProxy "
                "tell them apart. Give one of them another [replication] cluster_name and restart its servers "
                "(dup_cluster_name is not enough), then begin the migration with a new journal.",
            )
        profile = self.source.profile
        # Before the intervals are: whoever is fenced by now does not count on what we make of them.
        fenced = frozenset(fenced_tables(self.source, ()) if profile.config_sync_interval_mutable else ())
        nodes = tuple(sorted(node.address for node in self.source.list_nodes() if node.alive))
        began = self.clock.monotonic()
        self.replicas.replica_infos(nodes)
        round_trip = self.clock.monotonic() - began
        intervals: t.Dict[str, str] = {}
        if profile.config_sync_interval_mutable:
            intervals = self._intervals(source.cluster_name, nodes)
        usual = round(profile.config_sync_seconds * 1000)
        longest = max((int(intervals.get(node, usual)) for node in nodes), default=usual)
        return Clusters(
            source=source,
            target=target,
            profile=profile,
            nodes=nodes,
            intervals=intervals,
            config_sync=longest / 1000,
            remote=self.request.remote_cluster or target.cluster_name,
            duplication_sync=self._flag(nodes, "duplication_sync_period_second", profile.duplication_sync_seconds),
            group_check=self._flag(nodes, "group_check_interval_ms", profile.group_check_seconds * 1000) / 1000,
            round_trip=round_trip,
            fenced=fenced,
            metas=frozenset(self.request.connection.meta_servers),
        )

    def _intervals(self, cluster: str, nodes: t.Sequence[str]) -> t.Dict[str, str]:
        """By server. A silent one is left out where nothing is fenced any more, and counts as a usual one then."""
        intervals = Intervals(self.replicas, cluster)
        return intervals.read(nodes) if self.request.state == CUT_OVER else intervals.seen(nodes)

    def _target_info(self) -> model.ClusterInfo:
        """The target. When fences are only lifted it need not answer; then no more than its name is known, if given."""
        try:
            return self.target.cluster_info()
        except MigrationError:
            if self.request.state != LIFTED:
                raise
        self.blind = True
        connection = self.request.connection
        return model.ClusterInfo(self.request.remote_cluster, "", connection.target_meta_servers, "", "", "")

    def _flag(self, nodes: t.Sequence[str], name: str, default: float) -> float:
        """The largest value on any server; the default where a version does not show it."""
        if not nodes:
            return default
        found = self.replicas.get_config(nodes, name)
        values = [float(value.value) for value in found.good.values() if value.value.isdigit()]
        return max(values, default=default)

    def tables(self, clusters: Clusters, names: t.Sequence[str]) -> t.Dict[str, TableView]:
        """Every table, without its lag."""
        apps = {app.name: app for app in self.source.list_apps() if app.status != "DROPPED"}
        found = () if self.blind else self.target.list_apps()
        target_apps = {app.name: app for app in found if app.status != "DROPPED"}
        views = {name: self._table(clusters, name, apps.get(name), target_apps) for name in names}
        self._add_znodes(clusters, views)
        return views

    def sampled(
        self, clusters: Clusters, listed: t.Iterable[TableView], samples: int = SAMPLES
    ) -> t.Dict[str, TableView]:
        """The same tables with their lag, in several samples taken a second apart."""
        views = {view.name: view for view in listed}
        first: t.Dict[str, t.Dict[int, int]] = {}
        began = self.clock.monotonic()
        for number in range(samples if views else 0):
            if number:
                self.clock.sleep(SAMPLE_PAUSE)
            for name, view in views.items():
                views[name] = self._sample(clusters, view)
                if number == 0:
                    first[name] = self._shipped(views[name])
        for name, view in views.items():
            views[name] = self._settle_doubts(clusters, view)
        seconds = self.clock.monotonic() - began
        for name, view in views.items():
            last = self._shipped(view)
            moved = sum(last[index] - first[name][index] for index in last if index in first[name])
            rate = moved / seconds if samples > 1 and seconds > 0 else 0.0
            views[name] = dataclasses.replace(view, shipped_per_second=max(0.0, rate))
        return views

    def _table(
        self, clusters: Clusters, name: str, app: t.Optional[model.App], target_apps: t.Mapping[str, model.App]
    ) -> TableView:
        if app is None:
            return TableView(name)
        # A removed one can still be listed for a while.
        duplications = tuple(one for one in self.source.query_duplications(name) if one.status != "DS_REMOVED")
        ours = [one for one in duplications if one.remote == clusters.remote]
        duplication = max(ours, key=lambda one: (one.create_ts_ms, one.dupid)) if ours else None
        target_name = (duplication.remote_app_name if duplication is not None else None) or name
        return TableView(
            name,
            app=app,
            config=self.source.query_config(name),
            duplications=duplications,
            duplication=duplication,
            target_name=target_name,
            target_app=target_apps.get(target_name),
            same_id=next(
                (one.name for one in target_apps.values() if one.app_id == app.app_id and one.name != target_name), ""
            ),
            target_config=self.target.query_config(target_name) if target_name in target_apps else None,
        )

    def freshness(self, clusters: Clusters, table: str) -> Freshness:
        """What was seen of a table's progress in this call, from the first look to the last."""
        return self._freshness.setdefault(table, Freshness(clusters.duplication_sync))

    def _settle_doubts(self, clusters: Clusters, view: TableView) -> TableView:
        """Look in quick succession as long as it is not clear whether the progress is news."""
        end = self.clock.monotonic() + _DOUBT_SECONDS
        freshness = self.freshness(clusters, view.name)
        while freshness.doubtful() and not _on_record(view) and self.clock.monotonic() < end:
            view = self._sample(clusters, view, quick=True)
        return view

    def _sample(self, clusters: Clusters, view: TableView, quick: bool = False) -> TableView:
        if view.app is None or view.config is None or view.duplication is None:
            return view
        nodes, app_id, dupid = view.config.primaries, view.app.app_id, view.duplication.dupid
        began = self.clock.monotonic()
        before = self.replicas.replica_infos(nodes, app_id)
        progress = self.replicas.progress(nodes, app_id)
        after = self.replicas.replica_infos(nodes, app_id)
        freshness = self.freshness(clusters, view.name)
        freshness.looked(app_id, dupid, before, progress, after, began, self.clock.monotonic(), quick)
        found, unknown = drain.lag(view.config, dupid, progress)
        return dataclasses.replace(
            view,
            lag=view.lag + (found,),
            lag_unknown={**view.lag_unknown, **unknown},
            lag_repeated=frozenset() if _on_record(view) else frozenset(freshness.repeated()),
        )

    def _shipped(self, view: TableView) -> t.Dict[int, int]:
        """The decree that each partition has shipped up to, roughly: for a rate, not for a proof."""
        if view.app is None or view.config is None or not view.lag:
            return {}
        infos = self.replicas.replica_infos(view.config.primaries, view.app.app_id)
        return {
            info.index: info.last_committed_decree - view.lag[-1][info.index]
            for listed in infos.good.values()
            for info in listed
            if info.primary and info.index in view.lag[-1]
        }

    def _add_znodes(self, clusters: Clusters, views: t.Dict[str, TableView]) -> None:
        place = self.request.place
        if place is None:
            return
        lifting = self.request.state == LIFTED
        unread = dict(views)
        try:
            with ZooKeeper(place) as session:
                for name, view in views.items():
                    try:
                        views[name] = self._with_znode(clusters, view, place, session)
                        del unread[name]
                    except MigrationError as error:
                        if not lifting or error.code == "pegasus.zookeeper_unreachable":
                            raise
                        views[name] = dataclasses.replace(unread.pop(name), znode_problem=error)
        except MigrationError as error:
            if not lifting:
                raise
            # It matters only to a table of which the journal says that we began to switch it.
            for name, view in unread.items():
                views[name] = dataclasses.replace(view, znode_problem=error)
        for name, view in views.items():
            proxies = switch.look_at_proxies(
                self.request.proxies, name, view.config, view.target_config, self.settings, self.clock
            )
            views[name] = dataclasses.replace(view, proxies=proxies)

    def _with_znode(self, clusters: Clusters, view: TableView, place: ZooKeeperPlace, session: ZooKeeper) -> TableView:
        source, target = clusters.source.cluster_name, clusters.target.cluster_name
        znode = session.read(view.name)
        found = switch.side(znode, place.chroot + place.path(view.name), source, target)
        if znode is None:
            return dataclasses.replace(view, side=found)
        return dataclasses.replace(
            view,
            side=found,
            switch=switch.plan_switch(place, view.name, znode, target, self.request.meta_addrs),
            znode_writable=session.writable(view.name),
        )

    def rehearsed_pace(self, clusters: Clusters, views: t.Sequence[TableView]) -> t.Tuple[Pace, t.Dict[str, t.Any]]:
        """What the window of a group depends on, with what a rehearsal has measured; and where that comes from."""
        request = self.request
        here = rehearsal_forecast.Here(
            source=clusters.source.cluster_name,
            target=clusters.target.cluster_name,
            source_version=str(clusters.profile.version),
            target_version=str(self.target.profile.version) if request.rehearsed is not None else "",
            interval_ms=request.interval_ms if clusters.intervals else None,
            metaproxy=request.place is not None,
            held_back=clusters.profile.holds_back_last_mutation and request.last_mutation != ACCEPT,
            now=self.clock.now(),
        )
        return rehearsal_forecast.apply(self.pace(clusters, views), request.rehearsed, here)

    def pace(self, clusters: Clusters, views: t.Sequence[TableView]) -> Pace:
        """What the window of a group depends on, by what the servers tell."""
        request = self.request
        served: t.Dict[str, int] = {}
        for view in views:
            for node, indices in view.config.primaries.items() if view.config else ():
                served[node] = served.get(node, 0) + len(indices)
        sync = clusters.config_sync
        if clusters.intervals and request.interval_ms is not None:
            sync = min(sync, request.interval_ms / 1000)
        waited_for = clusters.profile.holds_back_last_mutation and request.last_mutation != ACCEPT
        return Pace(
            partitions=tuple(served.values()),
            config_sync=sync,
            duplication_sync=clusters.duplication_sync,
            held_back=clusters.group_check if waited_for else 0.0,
            backlog=max((backlog_seconds(view, clusters) for view in views), default=0.0),
            round_trip=clusters.round_trip,
            poll=POLL,
            switch=0.0 if request.place is None else _SWITCH_SECONDS + 4 * clusters.round_trip,
        )


def _hurried(settings: ConnectionSettings) -> ConnectionSettings:
    return ConnectionSettings(min(settings.connect_timeout, _GLANCE), min(settings.rpc_timeout, _GLANCE))


def _on_record(view: TableView) -> bool:
    """Whether the meta server tells what it has on record as confirmed (2.6), which is what the drain goes by."""
    return view.duplication is not None and bool(view.duplication.partition_states)


def backlog_seconds(view: TableView, clusters: Clusters) -> float:
    """How long what is behind now takes to ship at the rate that was seen; 0 where nothing worth counting waits."""
    partitions = view.config.partition_count if view.config is not None else 0
    excess = view.total_lag - partitions * (clusters.profile.resting_not_confirmed + _PER_PARTITION_AT_ONCE)
    if excess <= 0:
        return 0.0
    # Nothing shipped in the samples although much waits: that the rate is unknown must make the forecast long.
    return excess / max(view.shipped_per_second, 1.0)
