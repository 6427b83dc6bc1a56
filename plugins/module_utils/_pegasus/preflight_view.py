# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What preflight has seen: two clusters, the tables, the way of the clients. Pure records; None means "not known"."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    Answers,
    App,
    ClusterInfo,
    ConfigValue,
    Duplication,
    Node,
    TableConfig,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile

SOURCE = "source"
TARGET = "target"

KNOWN = "known"
"""The meta server knows the other cluster's id and addresses."""
NO_ID = "no_id"
"""Its [duplication-group] lacks the other cluster."""
NO_ADDRESS = "no_address"
"""It has the id, but its [pegasus.clusters] lacks the other cluster."""
ITSELF = "itself"
"""The name is its own."""
DISABLED = "disabled"
UNCLEAR = "unclear"

WRITE_SIZE = "max_allowed_write_size"
CONFIG_SYNC = "config_sync_interval_ms"
GROUP_CHECK = "group_check_interval_ms"
# As flags these two have no section in their names; the remote commands that change them begin with "nfs.".
NFS_COPY_RATE = "max_copy_rate_megabytes_per_disk"
NFS_SEND_RATE = "max_send_rate_megabytes_per_disk"


@dataclasses.dataclass(frozen=True)
class TableRequest:
    """A table to be moved. ``remote_replica_count`` 0: as on the source."""

    name: str
    remote_app_name: str
    remote_replica_count: int = 0

    @property
    def renamed(self) -> bool:
        """Whether it gets another name on the target."""
        return self.remote_app_name != self.name


@dataclasses.dataclass(frozen=True)
class ProbeAnswer:
    """What a meta server said when asked about another cluster's name: one of the words above, and its own text."""

    outcome: str
    text: str


@dataclasses.dataclass(frozen=True)
class ClusterView:
    """One cluster. ``name`` is the one that duplication knows it by; ``given`` the meta servers of the options.

    ``probes`` holds the answers about ``own`` and ``other`` name; ``configs`` the flags of the replica servers, by the
    name of the flag (absent: not asked for, because this version does not tell it).
    """

    role: str
    name: str
    version: Version
    given: tuple[str, ...]
    info: ClusterInfo
    nodes: tuple[Node, ...]
    apps: tuple[App, ...]
    own: ProbeAnswer
    other: ProbeAnswer
    configs: t.Mapping[str, Answers[ConfigValue]] = dataclasses.field(default_factory=dict)
    disk_available_mb: Answers[float] | None = None
    server_versions: Answers[Version] | None = None

    @property
    def profile(self) -> Profile:
        """How a cluster of this version behaves."""
        return Profile.choose(self.version)

    @property
    def subject(self) -> str:
        """How findings call it."""
        return f"{self.role} cluster {self.name}" if self.name else f"{self.role} cluster"

    @property
    def alive(self) -> tuple[str, ...]:
        """The replica servers that the meta server takes for alive."""
        return tuple(node.address for node in self.nodes if node.alive)

    def app(self, name: str) -> App | None:
        """The table of this name. One that is not dropped comes before dropped ones of the same name."""
        same = sorted(
            (app for app in self.apps if app.name == name), key=lambda app: (app.status == "DROPPED", -app.app_id)
        )
        return same[0] if same else None


@dataclasses.dataclass(frozen=True)
class Growth:
    """By how much numbers since the start of the servers grew while they were watched for ``seconds``."""

    seconds: float
    seen: t.Mapping[str, float]
    refused: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.refused) or any(self.seen.values())


@dataclasses.dataclass(frozen=True)
class AtomicWrites:
    """What tells of incr, check_and_set and check_and_mutate.

    ``seen`` by kind: rates per second up to 2.5, numbers since the start of the servers from 2.6 on (``cumulative``).
    ``refused``: how many were refused already because the table is duplicating, up to 2.5 in the last seconds only.
    ``grown`` None: not looked at a second time. ``failed``: servers that did not tell.
    """

    seen: t.Mapping[str, float]
    refused: float = 0.0
    cumulative: bool = False
    grown: Growth | None = None
    told: bool = True
    failed: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def counted(self) -> bool:
        """Whether any of the numbers is not 0."""
        return bool(self.refused) or any(self.seen.values())

    @property
    def in_use(self) -> bool:
        """Whether there are some now: a rate, or a number that grows. A number that was seen once may be growing."""
        return self.counted and (not self.cumulative or self.grown is None or bool(self.grown))

    @property
    def complete(self) -> bool:
        """Whether every partition was told of by every server."""
        return self.told and not self.failed


@dataclasses.dataclass(frozen=True)
class ProxyAnswer:
    """What a MetaProxy answered for a table: the routing, or why there is none."""

    config: TableConfig | None
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class ZnodeView:
    """What lies in ZooKeeper for a table. ``data`` None: there is no such znode. ``problem``: it could not be read.

    ``writable``: whether its ACL lets this host switch it.
    """

    path: str
    data: bytes | None
    problem: str = ""
    writable: bool | None = True


@dataclasses.dataclass(frozen=True)
class TableView:
    """One table on the source. What could not be read is None, with the reason in ``problems`` under the field's name.

    ``app`` None: there is none. ``data_versions`` by server: the version of each partition that it hosts.
    ``decrees``: the last committed decree of each partition by its primary's own account. ``own_dupids``: duplications
    that the journal knows as ours, and ``journaled`` whether there is a journal to know them.
    """

    request: TableRequest
    app: App | None
    config: TableConfig | None = None
    duplications: tuple[Duplication, ...] | None = None
    splitting: t.Mapping[int, str] | None = None
    bulk_load: str | None = None
    data_versions: Answers[t.Mapping[int, int]] | None = None
    decrees: t.Mapping[int, int] | None = None
    atomic: AtomicWrites | None = None
    size_mb: float | None = None
    znode: ZnodeView | None = None
    proxies: t.Mapping[str, ProxyAnswer] = dataclasses.field(default_factory=dict)
    own_dupids: frozenset[int] = frozenset()
    journaled: bool = False
    problems: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def subject(self) -> str:
        """How findings call it."""
        return f"table {self.request.name}"

    @property
    def usable(self) -> App | None:
        """The table as the cluster lists it, if there is one that is available."""
        return self.app if self.app is not None and self.app.available else None

    def to(self, cluster: str) -> tuple[Duplication, ...]:
        """Its duplications to that cluster."""
        return tuple(one for one in self.duplications or () if one.remote == cluster)


@dataclasses.dataclass(frozen=True)
class MetaProxyView:
    """The way of the clients. ``hosts`` empty: without MetaProxy. ``problem``: ZooKeeper could not be read.

    ``meta_addrs``: the target's addresses that are to be written into znodes.
    """

    hosts: str = ""
    root: str = ""
    proxies: tuple[str, ...] = ()
    meta_addrs: tuple[str, ...] = ()
    root_exists: bool = True
    problem: str = ""

    @property
    def used(self) -> bool:
        """Whether the switch is made in ZooKeeper."""
        return bool(self.hosts)


@dataclasses.dataclass(frozen=True)
class View:
    """All of it."""

    source: ClusterView
    target: ClusterView
    tables: tuple[TableView, ...]
    metaproxy: MetaProxyView = MetaProxyView()
