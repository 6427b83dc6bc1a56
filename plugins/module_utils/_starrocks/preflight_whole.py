# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Looking at both clusters and everything between them, for one verdict."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_mirror as mirrors
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_read import (
    DATABASES_AT_MOST,
    Asker,
    read_objects,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import (
    BASE_TABLE,
    Native,
    Table,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_details import (
    index_objects,
    read_details,
    read_written,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_login import try_login, try_token
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_look import look_at
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_ports import probe, wanted_ports
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_request import PreflightRequest
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    SOURCE,
    TARGET,
    ClusterView,
    Details,
    Objects,
    Port,
    View,
    Written,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_send import VolumeReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_use import LAKE_ENGINE, Use


def take_view(request: PreflightRequest, source: Cluster, target: Cluster, clock: Clock) -> View:
    """Everything, the two clusters at once. Reads only.

    :raises MigrationError: a cluster is out of reach
    """
    asking = {SOURCE: Asker(source), TARGET: Asker(target)}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        looks = [
            pool.submit(look_at, cluster, role, asking[role], clock, request.inventory)
            for role, cluster in ((SOURCE, source), (TARGET, target))
        ]
        here, there = [look.result() for look in looks]
    natives = _natives(request, here)
    databases = sorted({name for name in here.databases or {} if request.scope.touches(name)})
    asked = (databases if request.deep else databases[:DATABASES_AT_MOST]) if request.inventory else []
    details: t.Optional[Details] = None
    if natives is not None:
        details = read_details(asking[SOURCE], here.profile, request.scope, natives, asked, request.deep)
    objects: t.Tuple[Objects, ...] = ()
    if request.inventory:
        objects = read_objects(asking[SOURCE], asked, request.scope.touches, here.profile) + index_objects(details)
    problems, volumes = _volumes(request, source, target, here, there)
    clusters = {SOURCE: source, TARGET: target}
    logins = [try_login(clusters[one.role], one, request.create_sync_users) for one in request.logins]
    token_state, token_said = try_token(source, request.token) if request.token else ("", "")
    return View(
        source=here,
        target=there,
        scope=request.scope,
        properties=request.properties,
        token_given=bool(request.token),
        duration=request.duration,
        ports=_ports(request, here, there),
        objects=objects,
        unasked=len(databases) - len(asked) if request.inventory else 0,
        details=details or Details(),
        written=_written(asking[TARGET], here, there),
        volume_problems=problems,
        volumes=volumes,
        switch_tasks_found=request.switch_tasks_found,
        logins=tuple(logins),
        token_state=token_state,
        token_said=token_said,
    )


def _natives(request: PreflightRequest, here: ClusterView) -> t.Optional[t.Sequence[t.Union[Native, Table]]]:
    """The selected tables whose data is the cluster's own; where only newer versions list them, by their type."""
    if here.natives is not None:
        return [table for table in here.natives if request.scope.takes(table.database, table.name)]
    if here.tables is None:
        return None
    return [
        table
        for table in here.tables
        if table.type == BASE_TABLE and not table.external and request.scope.takes(table.database, table.name)
    ]


def _ports(request: PreflightRequest, here: ClusterView, there: ClusterView) -> t.Tuple[Port, ...]:
    if not request.probe_ports:
        return ()
    # Between shared-data clusters, data goes by the object storage, and no node talks to the source's nodes.
    nodes = () if here.profile.shared_data else here.nodes
    wanted = wanted_ports(SOURCE, request.source, here.frontends, nodes)
    return probe(wanted + wanted_ports(TARGET, request.target, there.frontends, ()), request.port_timeout)


def _written(asker: Asker, here: ClusterView, there: ClusterView) -> Written:
    names = {table.full for table in there.tables or ()}
    if not any(table.full in names for table in here.tables or ()):
        return Written({})
    return read_written(asker, there.profile)


def _volumes(
    request: PreflightRequest, source: Cluster, target: Cluster, here: ClusterView, there: ClusterView
) -> t.Tuple[t.Tuple[str, ...], t.Dict[str, int]]:
    """Problems of the target's volumes that need no credentials to be seen, and tables by volume."""
    if there.profile.shared_data and not here.profile.shared_data:
        return _table_volume(request, VolumeReader(target)), {}
    if not (here.profile.shared_data and there.profile.shared_data) or here.natives is None:
        return (), {}
    by_volume = tables_by_volume(here.natives, request.scope)
    reader, target_reader = VolumeReader(source), VolumeReader(target)
    problems: t.List[str] = []
    found: t.List[mirrors.Mirror] = []
    for name, tables in sorted(by_volume.items()):
        use = Use(name, tuple(sorted(tables)))
        volume = reader.get(name)
        problems.extend(mirrors.use_problems(use, volume))
        if volume is not None:
            found.append(mirrors.mirror_of(use, volume, request.destinations, there.profile, {}, {}))
    destinations = target_reader.several(mirrors.destination_names(found))
    problems.extend(mirrors.destination_problems(found, request.destinations, destinations))
    return tuple(problems), {name: len(tables) for name, tables in sorted(by_volume.items())}


def tables_by_volume(natives: t.Iterable[Native], scope: Scope) -> t.Dict[str, t.List[str]]:
    """The tables that move, by the volume that they are in, where it is told."""
    found: t.Dict[str, t.List[str]] = {}
    for table in natives:
        if table.volume and table.engine.upper() == LAKE_ENGINE and scope.takes(table.database, table.name):
            found.setdefault(table.volume, []).append(table.full)
    return found


def _table_volume(request: PreflightRequest, reader: VolumeReader) -> t.Tuple[str, ...]:
    asked = request.destinations.volume
    default = "" if asked else reader.default()
    return tuple(mirrors.table_volume_problems(asked, default, reader.get(asked or default)))
