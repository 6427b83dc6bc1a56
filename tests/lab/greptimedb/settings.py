# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person may set when the lab starts or later through the control port; times are lab seconds."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

Span = t.Union[float, t.Tuple[float, float]]


@dataclass
class Durations:
    """How long things take: a number, or a pair of which each occurrence draws one value."""

    register: Span = 0.02
    start: Span = (0.01, 0.03)
    open_candidate: Span = (0.15, 0.5)
    route_update: Span = (0.02, 0.04)
    downgrade: Span = (0.03, 0.08)
    flush: Span = (0.15, 0.4)
    flush_bytes_per_second: Span = 40e6
    catch_up: Span = (0.1, 0.3)
    replay_bytes_per_second: Span = 60e6
    cache_invalidation: Span = (0.01, 0.05)
    close_region: Span = (0.05, 0.2)
    election: Span = (3.0, 6.0)
    restart: Span = (2.0, 3.0)
    event_delay: Span = (0.5, 1.5)
    query: Span = 0.0
    heartbeat: float = 3.0
    lease: float = 10.0
    retry_delay: float = 0.5
    retry_cap: float = 60.0
    meta_ttl: float = 600.0


@dataclass
class Settings:
    """Shape of the cluster and its load."""

    datanodes: int = 4
    metasrvs: int = 3
    regions: int = 60
    followers: int = 0
    writers: int = 4
    rate: float = 200.0
    write_bytes: int = 60_000
    rows_per_write: int = 1
    memtable_writes: int = 500
    auto_flush_bytes: int = 128_000_000
    seed: int = 7
    max_retry_times: int = 12
    max_running_procedures: int | None = None
    region_failover: bool = False
    wal: str = "kafka"
    storage: str = "S3"
    durations: Durations = field(default_factory=Durations)


def update(target: t.Any, values: t.Mapping[str, t.Any]) -> None:
    """Set fields of a settings dataclass from JSON; ValueError with one sentence for an unknown name."""
    known = {f.name for f in dataclasses.fields(target)}
    for name, value in values.items():
        if name not in known:
            raise ValueError("%s: not one of %s" % (name, ", ".join(sorted(known))))
        current = getattr(target, name)
        if dataclasses.is_dataclass(current):
            update(current, value)
        else:
            setattr(target, name, tuple(value) if isinstance(value, list) else value)
