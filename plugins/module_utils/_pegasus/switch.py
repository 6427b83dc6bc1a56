# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Pointing the MetaProxies' clients at the target: the znode by compare-and-set, and every proxy's own word for it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import metaproxy_document as md
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers, TableConfig
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.proxy_client import ask_proxies
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import ZooKeeperPlace

SOURCE = "source"
TARGET = "target"
OTHER = "other"
MISSING = "missing"
WATCH_SECONDS = 10.0
"""So long after a change of its znode a MetaProxy has read it, or never will by itself; see :class:`Unmoved`."""


@dataclasses.dataclass(frozen=True)
class Switch:
    """One table's znode: what it held (``before``, in ``version``) and what is to be written."""

    table: str
    path: str
    resource: str
    before: bytes
    version: int
    after: bytes

    def change(self) -> Change:
        """The change as results and the journal show it. ``before`` holds the very bytes, to be put back."""
        return Change(
            self.resource,
            "switch",
            state(self.before),
            state(self.after),
            {"zookeeper": f"set {self.path}", "version": self.version, "data": text(self.after)},
        )


def plan_switch(place: ZooKeeperPlace, table: str, znode: Znode, cluster: str, meta_addrs: t.Sequence[str]) -> Switch:
    """What would be written. MigrationError ``pegasus.znode_malformed``."""
    path = place.chroot + place.path(table)
    after = md.pointing_at(znode.data, cluster, meta_addrs, path)
    return Switch(table, path, place.resource(table), znode.data, znode.version, after)


def side(znode: t.Optional[Znode], path: str, source: str, target: str) -> str:
    """Which cluster a znode sends clients to: source, target, other or missing. MigrationError when malformed."""
    if znode is None:
        return MISSING
    name = md.parse(znode.data, path).cluster_name
    return {target: TARGET, source: SOURCE}.get(name, OTHER)


def state(data: t.Optional[bytes]) -> t.Any:
    """The bytes of a znode as JSON-able state from which they come back exactly; None for no znode."""
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def data_of(told: t.Any) -> t.Optional[bytes]:
    """The bytes of a state."""
    if told is None:
        return None
    return bytes.fromhex(told["hex"]) if isinstance(told, dict) else str(told).encode("utf-8")


def text(data: bytes) -> str:
    """For people."""
    return data.decode("utf-8", "backslashreplace")


@dataclasses.dataclass(frozen=True)
class ProxyLook:
    """Which cluster each proxy sends clients to: ``sides`` by address (source, target, other), ``silent`` with why."""

    sides: t.Mapping[str, str]
    silent: t.Mapping[str, str]

    def all_say(self, wanted: str) -> bool:
        """Whether every proxy answered, and said so."""
        return not self.silent and all(found == wanted for found in self.sides.values())

    def not_saying(self, wanted: str) -> t.List[str]:
        """The others, each with what it said."""
        told = {address: f"says {found}" for address, found in self.sides.items() if found != wanted}
        told.update(self.silent)
        return [f"{address} {why}" for address, why in sorted(told.items())]


class Unmoved:
    """Whether, behind the switch of a table, every MetaProxy has lost its watch.

    A proxy that watches reads the znode when it is told of the change, at once or when it is connected again. Its
    session lasts a second by its example configuration, which ZooKeeper makes four by default; when it has ended, the
    proxy watches no more, and keeps what it has until it is restarted (pegasus-kv/meta-proxy, meta/client.go).
    """

    def __init__(self) -> None:
        self._since: t.Optional[float] = None
        self._moved = False
        self.lost = False
        """Every look for so long that a proxy which watches must have read the znode showed all of them at the
        source, and none ever elsewhere."""

    def saw(self, look: ProxyLook, began: float) -> None:
        """A look that began then, seconds of the clock, after the znode was written."""
        self._moved = self._moved or any(side != SOURCE for side in look.sides.values())
        if self._moved or not look.all_say(SOURCE):
            self.unknown()
            return
        self._since = began if self._since is None else self._since
        self.lost = began - self._since >= WATCH_SECONDS

    def unknown(self) -> None:
        """What the proxies say was not seen, so what they have said before counts no more."""
        self._since, self.lost = None, False


def look_at_proxies(
    proxies: t.Sequence[str],
    table: str,
    source: t.Optional[TableConfig],
    target: t.Optional[TableConfig],
    settings: ConnectionSettings,
    clock: Clock,
) -> ProxyLook:
    """Ask every proxy as a client would, and compare with what the two clusters themselves say at this moment."""
    return judge_proxies(ask_proxies(proxies, table, settings, clock), source, target)


def judge_proxies(
    answers: Answers[t.Optional[TableConfig]], source: t.Optional[TableConfig], target: t.Optional[TableConfig]
) -> ProxyLook:
    """App id and primaries decide. Two clusters can have given the same app id, so the primaries are what tells."""
    sides: t.Dict[str, str] = {}
    silent = {address: f"gives no answer ({error.code})" for address, error in answers.failed.items()}
    for address, config in answers.good.items():
        if config is None:
            sides[address] = OTHER
        elif target is not None and config.same_primaries(target):
            sides[address] = TARGET
        elif source is not None and config.app_id == source.app_id and _overlap(config, source):
            sides[address] = SOURCE
        else:
            sides[address] = OTHER
    return ProxyLook(sides, silent)


def _overlap(config: TableConfig, source: TableConfig) -> bool:
    return bool(set(config.primaries) & set(source.primaries))


def unswitched(tables: t.Sequence[str], looks: t.Iterable[ProxyLook]) -> MigrationError:
    """After the switch: proxies that still send clients elsewhere, and what to do about them."""
    rest = sorted({one for look in looks for one in look.not_saying(TARGET)})
    return MigrationError(
        "pegasus.metaproxy_not_switched",
        f"The znode of {' and '.join(tables)} points at the target, but not every MetaProxy followed: "
        f"{'; '.join(rest)}. The fence on the source stays, because clients of the other proxies may have written to "
        "the target. Restart the proxies named here (one that has lost its watch serves the old cluster until then), "
        "and run the cutover again: it goes on from here.",
        details={"tables": list(tables), "proxies": rest},
    )
