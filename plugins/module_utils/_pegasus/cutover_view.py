# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a cutover looks at before it does anything, as records. The reading is in :mod:`cutover_look`."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY, Profile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.switch import ProxyLook, Switch


@dataclasses.dataclass(frozen=True)
class Clusters:
    """Both clusters. ``intervals``: config-sync interval in ms by replica server of the source, as text; empty where
    the version does not tell, and without silent servers where nothing is fenced any more. ``fenced``: the source's
    tables that were fenced before these were read. ``remote``: the target's name for duplication. ``metas``: the
    source's meta servers as they were given, besides those that it tells. Seconds otherwise."""

    source: model.ClusterInfo
    target: model.ClusterInfo
    profile: Profile
    nodes: t.Tuple[str, ...]
    intervals: t.Mapping[str, str]
    config_sync: float
    duplication_sync: float
    remote: str
    group_check: float
    round_trip: float
    fenced: t.FrozenSet[str] = frozenset()
    metas: t.FrozenSet[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class TableView:
    """One table. None: there is no such thing.

    ``lag``: mutations not shipped, by partition, in each sample; ``lag_unknown``: why a partition's lag is not known;
    ``lag_repeated``: the partitions whose answers are repeated from earlier.
    ``same_id``: another table of the target that has the source's app id. ``side``: where its znode points, "" without
    MetaProxy; ``znode_writable``: whether its ACL lets us write, None when that is not known; ``znode_problem``: why
    it could not be read, where fences are only lifted. ``skipped``: whether the journal knows that the duplication was
    in FAIL_SKIP.
    """

    name: str
    app: t.Optional[model.App] = None
    config: t.Optional[model.TableConfig] = None
    duplications: t.Tuple[model.Duplication, ...] = ()
    duplication: t.Optional[model.Duplication] = None
    lag: t.Tuple[t.Mapping[int, int], ...] = ()
    lag_unknown: t.Mapping[int, str] = dataclasses.field(default_factory=dict)
    lag_repeated: t.FrozenSet[int] = frozenset()
    shipped_per_second: float = 0.0
    target_name: str = ""
    target_app: t.Optional[model.App] = None
    target_config: t.Optional[model.TableConfig] = None
    same_id: str = ""
    side: str = ""
    switch: t.Optional[Switch] = None
    znode_writable: t.Optional[bool] = None
    znode_problem: t.Optional[MigrationError] = None
    proxies: t.Optional[ProxyLook] = None
    skipped: bool = False

    @property
    def deny(self) -> t.Optional[str]:
        """The deny env on the source."""
        return None if self.app is None else self.app.envs.get(DENY_KEY)

    @property
    def total_lag(self) -> int:
        """Mutations not shipped in the last sample."""
        return sum(self.lag[-1].values()) if self.lag else 0
