# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The datanodes' own word on their regions, or the reason why it cannot be had.

The frontend asks every datanode that is listed, and fails the whole query when one does not answer. A dead datanode
stays listed for up to a day (``node_max_idle_time``), so it must neither end a run nor keep it from ending.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import PASSING
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import ALIVE

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
    from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import RegionInfo

# What the query fails with when a datanode does not answer; everything else (a missing permission, say) is raised.
_SILENCE = PASSING | {"greptimedb.other"}
_OLD = "Some datanodes are too old to be asked for their regions, so routes and heartbeats are the evidence."


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the datanodes said.

    ``infos``: None where they cannot be asked, so that the placement is the strongest evidence; ``why`` says why, and
    is empty where this server never lets anybody ask them. ``alive``: the datanodes with a fresh heartbeat, where that
    had to be looked up. ``failure``: all are alive and the query failed nevertheless, so another look may do better.
    """

    infos: t.Optional[t.Sequence[RegionInfo]] = None
    why: str = ""
    alive: t.Optional[t.FrozenSet[int]] = None
    failure: t.Optional[MigrationError] = None


def ask_datanodes(client: GreptimeClient, region_ids: t.Optional[t.Collection[int]]) -> Answer:
    """Ask for the given regions; None asks for all.

    :raises MigrationError: the cluster is out of reach, or the query is refused for good
    """
    if not client.dialect.has_region_info:
        return Answer(why=_OLD if client.dialect.has_old_datanodes else "")
    try:
        return Answer(client.region_info(region_ids))
    except MigrationError as error:
        if error.code not in _SILENCE:
            raise
        failure = error
    listed = {node.id: node.alive for node in client.nodes() if node.kind == "datanode"}
    alive = frozenset(one for one, liveness in listed.items() if liveness == ALIVE)
    silent = sorted(set(listed) - alive)
    if not silent:
        return Answer(alive=alive, failure=failure)
    names = ", ".join(str(one) for one in silent)
    return Answer(
        why=f"No datanode could be asked for its regions, because datanode {names} is listed and not alive; routes and"
        " heartbeats are the evidence.",
        alive=alive,
    )
