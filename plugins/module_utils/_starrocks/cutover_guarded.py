# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Starting the guard of a cutover."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.guard import Guard, Patience
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_process import start_guard
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.guard_deeds import FreezeDeeds, Guarded
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection

_PAUSE = 1.0
"""Seconds between two tries to lift, or two looks after it: each asks every frontend."""


def start(
    connection: Connection,
    cluster_id: str,
    ours: t.Mapping[str, Recorded],
    stopped_before: t.FrozenSet[str],
    silence: float,
    place: GuardPlace,
    redactor: Redactor,
    clock: Clock,
) -> GuardLink:
    """Start it, and return once it is proved alive. ``silence``: the longest that the module may be busy, seconds."""
    guarded = Guarded(connection, cluster_id, ours, stopped_before)
    patience = Patience(silence=silence, watch=2 * connection.read_timeout, pause=_PAUSE)

    def run(listener: socket.socket, name: str, path: str) -> None:
        Guard(FreezeDeeds(guarded, redactor, clock), clock, patience, place, listener, name, path).run()

    return start_guard(place, run)
