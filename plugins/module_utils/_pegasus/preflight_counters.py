# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What replica servers count: atomic writes, sizes, room on disks. One question to each server, for all tables at once.

Up to 2.5 these are perf counters (src/server/pegasus_write_service.cpp, src/common/fs_manager.cpp), where requests are
rates, and refusals numbers, of the last seconds. In 2.6 they are metrics, all of them numbers since the start of the
server: only their growth tells of now.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import decode_error
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fan_out import fan_out
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.http_wire import http_get
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers, App
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import AtomicWrites, Growth
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile

KINDS = ("incr", "check_and_set", "check_and_mutate")
_COMMAND = "perf-counters-by-prefix"
_SIZE = "disk.storage.sst(MB)"
_REFUSED = "dup.disabled_non_idempotent_write_count"
_AVAILABLE = "disk.available.total(MB)"
_PREFIXES = (
    *(f"replica*app.pegasus*{kind}_qps@" for kind in KINDS),
    f"replica*app.pegasus*{_SIZE}@",
    f"replica*eon.replica*{_REFUSED}@",
    f"replica*eon.replica_stub*{_AVAILABLE}",
)
_METRIC_REFUSED = "dup_rejected_non_idempotent_write_requests"
_METRIC_SIZE = "rdb_total_sst_size_mb"
_METRIC_AVAILABLE = "disk_capacity_avail_mb"
_METRICS = (*(f"{kind}_requests" for kind in KINDS), _METRIC_REFUSED, _METRIC_SIZE, _METRIC_AVAILABLE)
_GPID = re.compile(r"(\d+)\.(\d+)", re.ASCII)

Gpid = t.Tuple[int, int]


class _RunsCommands(t.Protocol):
    def command(self, node: str, command: str, arguments: t.Sequence[str] = ()) -> str:
        """Run a remote command of one server."""


@dataclasses.dataclass
class Counted:
    """One server's numbers. ``atomic`` by app id, partition and kind; ``refused`` by name of the table or app id."""

    atomic: dict[int, dict[int, dict[str, float]]] = dataclasses.field(default_factory=dict)
    refused: dict[str, float] = dataclasses.field(default_factory=dict)
    size_mb: dict[int, dict[int, float]] = dataclasses.field(default_factory=dict)
    available_mb: float | None = None


def ask(
    nodes: t.Iterable[str], profile: Profile, client: _RunsCommands, settings: ConnectionSettings, clock: Clock
) -> Answers[Counted]:
    """Everything from every server, by the way of its version."""

    def old(node: str) -> Counted:
        return from_perf_counters(client.command(node, _COMMAND, _PREFIXES), node)

    def new(node: str) -> Counted:
        query = {"metrics": ",".join(_METRICS)}
        reply = http_get(node, "/metrics", query, settings, clock, "read the metrics")
        if reply.status != 200:
            raise decode_error(f"{node} answered with HTTP status {reply.status} when asked for metrics", address=node)
        return from_metrics(reply.document())

    return fan_out(nodes, new if profile.metrics == "metrics" else old)


def from_perf_counters(text: str, node: str) -> Counted:
    """The answer of ``perf-counters-by-prefix``: JSON with ``counters`` of ``name`` and ``value``."""
    found = Counted()
    try:
        listed = [(str(item["name"]), float(item["value"])) for item in json.loads(text)["counters"]]
    except (ValueError, TypeError, KeyError) as error:
        raise decode_error(f"{node} sent no perf counters ({text[:80]!r})", address=node) from error
    for name, value in listed:
        counter, _at, of = name.rpartition("*")[2].partition("@")
        gpid = _GPID.fullmatch(of)
        if counter == _AVAILABLE:
            found.available_mb = value
        elif counter == _REFUSED:
            found.refused[of] = found.refused.get(of, 0.0) + value
        elif gpid is not None:
            _per_partition(found, (int(gpid.group(1)), int(gpid.group(2))), counter, "_qps", _SIZE, value)
    return found


def from_metrics(document: t.Mapping[str, t.Any]) -> Counted:
    """The answer of ``/metrics`` (2.6): ``entities`` with ``attributes`` and ``metrics``. Oddities are left out."""
    found = Counted()
    for entity in document.get("entities") or ():
        attributes = entity.get("attributes") or {}
        for metric in entity.get("metrics") or ():
            name, value = str(metric.get("name")), metric.get("value")
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if name == _METRIC_AVAILABLE:
                found.available_mb = (found.available_mb or 0.0) + value
                continue
            try:
                gpid = int(attributes["table_id"]), int(attributes["partition_id"])
            except (KeyError, TypeError, ValueError):
                continue
            if name == _METRIC_REFUSED:
                found.refused[str(gpid[0])] = found.refused.get(str(gpid[0]), 0.0) + value
            else:
                _per_partition(found, gpid, name, "_requests", _METRIC_SIZE, float(value))
    return found


def _per_partition(found: Counted, gpid: Gpid, name: str, ending: str, size: str, value: float) -> None:
    kind = name[: -len(ending)]
    if name == size:
        found.size_mb.setdefault(gpid[0], {})[gpid[1]] = value
    elif kind in KINDS and name == kind + ending:
        found.atomic.setdefault(gpid[0], {}).setdefault(gpid[1], {})[kind] = value


def needs_second_look(answers: Answers[Counted], app: App, profile: Profile) -> bool:
    """Whether numbers since the start were told that would matter if they grew."""
    return profile.metrics == "metrics" and not app.atomic_idempotent and atomic_writes(answers, app, profile).counted


def atomic_writes(
    first: Answers[Counted], app: App, profile: Profile, again: tuple[Answers[Counted], float] | None = None
) -> AtomicWrites:
    """Of one table. Secondaries count what they apply, too, so the highest number of a partition is the one.

    ``again``: the answers to a second question, and the seconds between the two.
    """
    last = first if again is None else again[0]
    seen, refused = _numbers(last.good.values(), app)
    failed = {**first.failed, **last.failed}
    return AtomicWrites(
        seen=seen,
        refused=refused,
        cumulative=profile.metrics == "metrics",
        grown=None if again is None else _growth(first, again[0], again[1], app),
        told=_told(first, app) and _told(last, app),
        failed={node: error.message for node, error in sorted(failed.items())},
    )


def _numbers(listed: t.Iterable[Counted], app: App) -> tuple[dict[str, float], float]:
    """How many of each kind, and how many were refused."""
    highest: dict[tuple[int, str], float] = {}
    refused = 0.0
    for counted in listed:
        refused += counted.refused.get(app.name, 0.0) + counted.refused.get(str(app.app_id), 0.0)
        for index, kinds in counted.atomic.get(app.app_id, {}).items():
            for kind, value in kinds.items():
                highest[index, kind] = max(value, highest.get((index, kind), 0.0))
    seen: dict[str, float] = {}
    for (_index, kind), value in sorted(highest.items()):
        seen[kind] = seen.get(kind, 0.0) + value
    return seen, refused


def _told(answers: Answers[Counted], app: App) -> bool:
    """Whether some server counts each partition."""
    everything = {(index, kind) for index in range(app.partition_count) for kind in KINDS}
    return everything <= {
        (index, kind)
        for counted in answers.good.values()
        for index, kinds in counted.atomic.get(app.app_id, {}).items()
        for kind in kinds
    }


def _growth(first: Answers[Counted], last: Answers[Counted], seconds: float, app: App) -> Growth:
    """What was counted between two answers. A server that did not answer first has nothing to be compared with."""
    grown = [_since(first.good[node], counted, app) for node, counted in last.good.items() if node in first.good]
    return Growth(seconds, *_numbers(grown, app))


def _since(before: Counted, after: Counted, app: App) -> Counted:
    """What one server has counted of the table since."""
    old = before.atomic.get(app.app_id, {})
    atomic = {
        index: {kind: _more(old.get(index, {}).get(kind, 0.0), value) for kind, value in kinds.items()}
        for index, kinds in after.atomic.get(app.app_id, {}).items()
    }
    refused = {
        name: _more(before.refused.get(name, 0.0), after.refused[name])
        for name in (app.name, str(app.app_id))
        if name in after.refused
    }
    return Counted({app.app_id: atomic}, refused)


def _more(before: float, after: float) -> float:
    """A number that became smaller began anew: the server was restarted, or the replica came back."""
    return after - before if after >= before else after


def size_mb(answers: Answers[Counted], app: App) -> float | None:
    """One copy of the table, in MiB of SST files; None unless every partition is known."""
    largest: dict[int, float] = {}
    for counted in answers.good.values():
        for index, size in counted.size_mb.get(app.app_id, {}).items():
            largest[index] = max(size, largest.get(index, 0.0))
    return sum(largest.values()) if set(range(app.partition_count)) <= set(largest) else None


def available_mb(answers: Answers[Counted]) -> Answers[float]:
    """Room on the disks of each server; one that does not count it has failed."""
    good: dict[str, float] = {}
    failed = dict(answers.failed)
    for node, counted in answers.good.items():
        if counted.available_mb is None:
            failed[node] = MigrationError("pegasus.not_counted", f"{node} does not tell the room on its disks.")
        else:
            good[node] = counted.available_mb
    return Answers(good, failed)
