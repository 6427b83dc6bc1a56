# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The config-sync interval of the source's replica servers: shortened for the window, put back three-way.

A server's timer takes a new interval after its next tick (src/runtime/task/task.cpp: the delay is set when it has run),
so shortening it helps only after one old interval.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import three_way
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import (
    CONFIG_SYNC_FLAG,
    DENY_KEY,
    DENY_WRITE,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call

STANDING = "fenced_before"
"""Under this name the journal keeps ``Interval.standing`` beside the change that made an interval short."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """One server's interval, as text in milliseconds: what we found, and what we make it.

    ``standing``: the tables that were fenced before we made it short. Their fences do not count on that, whether they
    belong to another cutover or to somebody who keeps a table read-only for good.
    """

    node: str
    original: str
    ours: str
    standing: t.FrozenSet[str] = frozenset()


class Intervals:
    """The intervals of one cluster's replica servers. ``glances``: asks the same servers, but not for long."""

    def __init__(self, replicas: ReplicaClient, cluster: str, glances: t.Optional[ReplicaClient] = None) -> None:
        self._replicas = replicas
        self._cluster = cluster
        self._glances = replicas if glances is None else glances

    def read(self, nodes: t.Iterable[str]) -> t.Dict[str, str]:
        """The value of each server, before anything is changed. MigrationError when one of them does not tell."""
        found = self._replicas.get_config(nodes, CONFIG_SYNC_FLAG)
        for node, error in sorted(found.failed.items()):
            raise MigrationError(
                "pegasus.config_sync_unknown",
                f"The config-sync interval of {node} could not be read ({error.message}), so it cannot be said how "
                "long a fence takes to reach it. Nothing was changed.",
                server_text=error.server_text,
                details={"node": node, "cause": error.code},
            )
        return {node: value.value for node, value in sorted(found.good.items())}

    def seen(self, nodes: t.Iterable[str]) -> t.Dict[str, str]:
        """The value of each server that tells."""
        return {node: value.value for node, value in self._replicas.get_config(nodes, CONFIG_SYNC_FLAG).good.items()}

    def glanced(self, nodes: t.Iterable[str]) -> t.Dict[str, str]:
        """The value of each server that tells at once."""
        return {node: value.value for node, value in self._glances.get_config(nodes, CONFIG_SYNC_FLAG).good.items()}

    def now(self, node: str) -> str:
        """The value of one server. MigrationError with the server's own reason when it does not tell."""
        found = self._replicas.get_config([node], CONFIG_SYNC_FLAG)
        for error in found.failed.values():
            raise error
        return found.good[node].value

    def shorten(self, one: Interval) -> Call:
        """The request that makes an interval ours; the journal keeps who does not count on that."""
        call = self.call(one.node, one.original, one.ours, "shorten")
        return dataclasses.replace(call, context={STANDING: sorted(one.standing)})

    def call(self, node: str, before: str, after: str, action: str) -> Call:
        """The request that changes one server's interval."""
        change = Change(
            self.resource(node),
            action,
            before,
            after,
            {"http": f"GET http://{node}/updateConfig?{CONFIG_SYNC_FLAG}={after}"},
        )
        return Call((change,), lambda: self._replicas.update_config(node, CONFIG_SYNC_FLAG, after),
                    lambda: [self.now(node)])  # fmt: skip

    def resource(self, node: str) -> str:
        """The name of a server's interval in changes and in the journal."""
        return f"{resource_prefix(self._cluster)}{node}/config/{CONFIG_SYNC_FLAG}"

    def put_back(self, intervals: t.Iterable[Interval]) -> t.Dict[str, str]:
        """Restore those that are still ours, without a journal; what was done by server. For the guard."""
        done: t.Dict[str, str] = {}
        for interval in intervals:
            now = self.now(interval.node)
            decision = three_way(interval.original, interval.ours, now)
            if decision.action == "restore":
                self._replicas.update_config(interval.node, CONFIG_SYNC_FLAG, interval.original)
            done[interval.node] = decision.action
        return done


def fenced_tables(meta: MetaClient, ours: t.Collection[str]) -> t.List[str]:
    """The tables of a cluster, other than ours, that are fenced for a cutover now."""
    return sorted(app.name for app in meta.list_apps()
                  if app.available and app.name not in ours and app.envs.get(DENY_KEY) == DENY_WRITE)  # fmt: skip


def standing(intervals: t.Iterable[Interval]) -> t.FrozenSet[str]:
    """The tables whose fences count on none of these intervals."""
    found = [one.standing for one in intervals]
    return frozenset.intersection(*found) if found else frozenset()


def resource_prefix(cluster: str) -> str:
    """What the names of all servers' settings begin with."""
    return f"pegasus:{cluster}/node/"


def node_of(cluster: str, resource: str) -> str:
    """The server that a resource belongs to, "" when it is not an interval of this cluster."""
    prefix, suffix = resource_prefix(cluster), f"/config/{CONFIG_SYNC_FLAG}"
    if resource.startswith(prefix) and resource.endswith(suffix):
        return resource[len(prefix) : -len(suffix)]
    return ""


def to_shorten(found: t.Mapping[str, str], wanted_ms: int, fenced: t.FrozenSet[str]) -> t.List[Interval]:
    """The servers whose interval is longer than wanted, in order. ``fenced``: the tables that were so before."""
    return [
        Interval(node, value, str(wanted_ms), fenced) for node, value in sorted(found.items()) if int(value) > wanted_ms
    ]
