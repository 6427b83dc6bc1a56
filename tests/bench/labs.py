# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs as measurements and kill tests see them: connection options, leaders, settings, spans of procedures."""

from __future__ import annotations

import time
import typing as t

from bench.timeline import Span, submitted_region
from lab.client import LabClient, LabError

HTTP_ERA = ("0.6",)
TERMINAL = ("Done", "Failed", "Poisoned")


def connection(lab: LabClient, transport: str = "mysql") -> dict[str, t.Any]:
    """The module's connection options for a lab; an HTTP-era server is reached through its metasrvs alone."""
    told = lab.describe
    options: dict[str, t.Any] = {
        "metasrv_addrs": [one["grpc"] for one in told["metasrv"]],
        "metasrv_http_addrs": [one["http"] for one in told["metasrv"]],
        "datanode_http_addrs": {node: one["http"] for node, one in told["datanodes"].items()},
    }
    if told["profile"] not in HTTP_ERA:
        options.update(
            frontend_host=told["frontend"]["host"],
            frontend_port=told["frontend"]["mysql_port" if transport == "mysql" else "http_port"],
            transport=transport,
        )
    return options


def leaders(state: t.Mapping[str, t.Any]) -> dict[int, int]:
    """Region id -> datanode id of its leader."""
    return {int(region): one["leader"] for region, one in state["regions"].items()}


def settings(state: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Everything on the cluster that an operator, or a migration, may switch."""
    return {
        "maintenance": state["maintenance"],
        "procedure_manager": state["procedure_manager"],
        "followers": {region: one["followers"] for region, one in state["regions"].items()},
        "config": {node: one["config"] for node, one in state["nodes"].items()},
    }


def spans(state: t.Mapping[str, t.Any], since: float = 0.0) -> list[Span]:
    """The finished region migrations that metasrv remembers, those that began at or after the lab time `since`."""
    return [
        Span(int(one["region_id"]), one["started"], one["ended"])
        for one in state["procedures"]
        if one["region_id"] and one["started"] is not None and one["ended"] is not None and one["started"] >= since
    ]


def at_rest(state: t.Mapping[str, t.Any]) -> bool:
    """True when no procedure runs, every route is sound and metasrv has a leader."""
    return (
        all(one["status"] in TERMINAL for one in state["procedures"])
        and all(one["status"] == "ALIVE" for one in state["regions"].values())
        and state["metasrv"]["leader"] is not None
        and state["frontend"]["up"]
    )


def rest(lab: LabClient, seconds: float = 20.0) -> dict[str, t.Any]:
    """Wait until the cluster is at rest, at most so many real seconds; return the last state in either case."""
    end = time.monotonic() + seconds
    while True:
        state = lab.state()
        if at_rest(state) or time.monotonic() > end:
            return state
        time.sleep(0.05)


def submissions(requests: t.Iterable[t.Mapping[str, t.Any]]) -> dict[int, int]:
    """Region id -> how many submissions of a migration the server accepted (whatever became of the reply)."""
    counts: dict[int, int] = {}
    for one in requests:
        region = submitted_region(one["request"])
        if region is not None and one["outcome"].startswith("ok"):
            counts[region] = counts.get(region, 0) + 1
    return counts


__all__ = [
    "LabClient",
    "LabError",
    "at_rest",
    "connection",
    "leaders",
    "rest",
    "settings",
    "spans",
    "submissions",
]
