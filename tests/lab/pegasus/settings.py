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

    meta_write: Span = (0.01, 0.03)
    create_table: Span = (1.0, 3.0)
    learn: Span = (1.0, 4.0)
    checkpoint: Span = (0.5, 2.0)
    copy: Span = (4.0, 12.0)
    move_primary: Span = (0.2, 0.6)
    failure_detection: Span = (18.0, 22.0)
    election: Span = (2.0, 4.0)
    meta_starting: Span = (0.5, 1.0)
    meta_recovery: Span = (0.5, 1.0)
    ship: float = 0.1
    ship_retry: float = 1.0
    counter_snapshot: float = 10.0
    balance: float = 30.0


@dataclass
class Settings:
    """Shape of one cluster, and what its servers' ini files say.

    group: [duplication-group], cluster name -> id. clusters: [pegasus.clusters], name -> meta servers. access: "" for
    everybody, "sasl" (clients must negotiate), "acl" (nobody is allowed anything). ship_rate: mutations per second and
    partition. disk_*: of each replica server. host: the host name in 2.6's host_port fields.
    """

    name: str = "onebox-a"
    replica_servers: int = 5
    metas: int = 3
    meta_level: str = "steady"
    ship_rate: float = 2000.0
    disk_total_mb: int = 1_000_000
    disk_available_mb: int = 600_000
    host: str = "127.0.0.1"
    duplication_enabled: bool = True
    access: str = ""
    group: t.Dict[str, int] = field(default_factory=dict)
    clusters: t.Dict[str, str] = field(default_factory=dict)
    zookeeper_hosts: str = "127.0.0.1:2181"
    zookeeper_root: str = "/pegasus/onebox"
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
