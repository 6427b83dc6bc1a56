# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How often the sync tool looks, and what it drops when it does, by its properties. Pure; see the vendor's manual."""

from __future__ import annotations

import dataclasses
import typing as t

RENEWED_SWITCH = "ddl_job_allow_drop_inconsistent_time_partition"
"""Partitions "with inconsistent time": those that the source has made anew. It synchronizes them again."""
_EXTRA_SWITCH = "ddl_job_allow_drop_partition_target_only"
_META = ("meta_job_interval_seconds", 180.0)
_REPLICATION = ("replication_job_interval_seconds", 10.0)
_DDL = ("ddl_job_interval_seconds", 10.0)


@dataclasses.dataclass(frozen=True)
class Cycle:
    """In seconds. ``meta``: between two looks at the clusters. ``work``: from one to the last job that follows it.

    ``drops_*``: partitions that only the target has; copies of partitions that the source has made anew. Releases
    without the property are taken to do so.
    """

    meta: float
    work: float
    drops_extra: bool
    drops_renewed: bool

    @property
    def renewal(self) -> float:
        """Within which it has dropped the old copy of a partition: what came during a look is seen in the next."""
        return 2 * self.meta + self.work


def cycle_of(properties: t.Mapping[str, str], meta: t.Optional[float] = None) -> Cycle:
    """By the properties in effect. ``meta``: what somebody says who knows better."""
    return Cycle(
        meta=_seconds(properties, _META) if meta is None else meta,
        work=_seconds(properties, _REPLICATION) + _seconds(properties, _DDL),
        drops_extra=_on(properties, _EXTRA_SWITCH),
        drops_renewed=_on(properties, RENEWED_SWITCH),
    )


def _on(properties: t.Mapping[str, str], name: str) -> bool:
    return properties.get(name, "true").strip().lower() != "false"


def _seconds(properties: t.Mapping[str, str], known: t.Tuple[str, float]) -> float:
    name, default = known
    try:
        return max(0.0, float(properties.get(name) or default))
    except ValueError:
        return default
