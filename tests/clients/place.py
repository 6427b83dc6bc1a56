# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients of all engines share: how a cluster is told, and what a client of it can do."""

from __future__ import annotations

import json
import pathlib
import typing as t

Place = t.Mapping[str, t.Any]
"""Where to write, as ``place.json`` has it: ``engine``, and what the client of that engine documents."""


class Refused(Exception):
    """A write was refused, or its answer did not come: the same write may be sent again."""


class Client(t.Protocol):
    """A client of one cluster. A key that is written twice is there once."""

    def make(self) -> None:
        """Make the table unless it is there; Refused when the cluster is not ready."""

    def write(self, keys: t.Sequence[int]) -> None:
        """Returns when all keys are acknowledged, Refused otherwise."""

    def held(self, keys: t.Collection[int]) -> set[int]:
        """Those of the keys that the cluster holds now; Refused when it cannot be asked."""

    def close(self) -> None:
        """End all connections."""


def connect(place: Place) -> Client:
    """A client of the place's engine; its driver is imported here, so that the others need not be there."""
    engine = place["engine"]
    if engine == "greptimedb":
        from clients.greptimedb import GreptimeClient

        return GreptimeClient(place)
    if engine == "pegasus":
        from clients.pegasus import PegasusClient

        return PegasusClient(place)
    if engine == "starrocks":
        from clients.starrocks import StarRocksClient

        return StarRocksClient(place)
    raise ValueError(f"engine: {engine!r} is neither greptimedb, pegasus nor starrocks")


def read(path: pathlib.Path) -> Place:
    """The place that a file tells."""
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found
