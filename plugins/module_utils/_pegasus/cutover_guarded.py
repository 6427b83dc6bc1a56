# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The guard of a group of tables: what it is told, and how patient it is."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.guard import Guard, Patience
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_process import start_guard
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import IntervalKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import CutoverRequest
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.guard_deeds import (
    Guarded,
    GuardedTable,
    SourceDeeds,
)


def start(
    request: CutoverRequest,
    clusters: Clusters,
    place: GuardPlace,
    keeper: IntervalKeeper,
    tracks: t.Sequence[Track],
    clock: Clock,
) -> GuardLink:
    """Start the guard that these tables get, and return once it is proved alive."""
    settings = request.connection.settings
    guarded = Guarded(
        meta_servers=request.connection.meta_servers,
        settings=settings,
        cluster=clusters.source.cluster_name,
        target=clusters.target.cluster_name,
        tables=tuple(GuardedTable(track.name, track.view.switch) for track in tracks),
        place=request.place,
        intervals=keeper.all,
        lift_seconds=clusters.config_sync + 5.0,
        round_trip=clusters.round_trip,
    )
    patience = Patience(
        silence=settings.connect_timeout + 2 * settings.rpc_timeout + 5.0, watch=1.5 * settings.rpc_timeout
    )

    def run(listener: socket.socket, name: str, path: str) -> None:
        Guard(SourceDeeds(guarded, clock), clock, patience, place, listener, name, path).run()

    return start_guard(place, run)
