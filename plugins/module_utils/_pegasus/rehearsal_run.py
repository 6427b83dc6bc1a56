# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The shadow table's cutover: the one of a real table, with clients that write to it, and what both have seen."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_options as co
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_figures as rf
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_task import CutoverTask
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import HANDED_OVER
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence, Proof
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.proxy_client import ask_proxies
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_clients import Seen, ShadowClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_crew import Crew
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_options import cutover_params

FENCE_ACTION = "fence"
MEASURE_ACTION = "measure"
_SLACK = 30.0
_SETTLE = 1.0
"""Seconds for which the clients write before anything is fenced."""


class Rehearser:
    """One cutover of a shadow table. ``measure`` first, then ``cut_over``, then ``figures``."""

    def __init__(self, params: t.Mapping[str, t.Any], table: str, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._table = table
        self._redactor = redactor
        self._clock = clock
        self._request = co.read_request(cutover_params(params, table))
        self.eyes = Eyes(self._request, clock)
        self.clusters: Clusters = self.eyes.clusters()
        self._rounds: t.List[t.Mapping[str, t.Sequence[float]]] = []
        self._window: t.Mapping[str, t.Any] = {}
        self._forecast: t.Mapping[str, t.Any] = {}
        self._seen: t.Mapping[str, Seen] = {}
        self.task: t.Optional[CutoverTask] = None
        # What the journal tells is in the clock's time of day, what clients see is in its seconds.
        self._offset = clock.monotonic() - clock.now().timestamp()

    def close(self) -> None:
        """Drop all connections."""
        self.eyes.close()

    @property
    def shortens(self) -> bool:
        """Whether the cutover makes the config-sync intervals short, so that the old ones do not matter."""
        return bool(self.clusters.intervals) and self._request.interval_ms is not None

    def measure(self, journal: Journal) -> None:
        """Set and lift the shadow table's fence once, where the cutover leaves the intervals as they are.

        The lift comes right after the last server has pulled, so the last to take it shows nearly the whole interval.
        """
        if self.shortens:
            return
        record = CutoverRecord(journal, self._clock)
        eyes, clusters = self.eyes, self.clusters
        fence = Fence(
            eyes.source, eyes.replicas, self._clock, clusters.source.cluster_name, self._table, clusters.round_trip
        )
        deadline = Deadline(self._clock, 2 * self.clusters.config_sync + _SLACK, "the propagation of an app env")
        for wanted, word in ((DENY_WRITE, model.WRITES_DENIED), (None, model.WRITES_OPEN)):
            record.send(fence.call(fence.value(), wanted, MEASURE_ACTION))
            sent = self._clock.monotonic()
            self._rounds.append(_by_node(fence.prove(word, deadline), sent))

    def cut_over(self) -> t.Dict[str, t.Any]:
        """The cutover's result. The clients write from before it until they are let in on the target."""
        crew = Crew(self._clients(), self._clock)
        crew.begin()
        try:
            self._clock.sleep(_SETTLE)
            self.task = CutoverTask(cutover_params(self._params, self._table), False, self._redactor, self._clock)
            result = self.task.body()
            row = result["tables"][0]
            self._window, self._forecast = row["window"], row["forecast"] or {}
            if row["state"] == HANDED_OVER:
                done = cutover_params(self._params, self._table, co.COMMITTED)
                CutoverTask(done, False, self._redactor, self._clock).body()
            self._seen = crew.end(led_away=bool(self._request.proxies))
        finally:
            crew.close()
        return result

    def figures(self, entries: t.Sequence[Entry]) -> t.Dict[str, t.Any]:
        """What was measured, as the journal keeps it."""
        sent = self._fenced_at(entries)
        switched = self._window.get("switched")
        self._rounds.append(rf.first_refusals(self._seen.values(), sent))
        routes = {
            route: rf.route_figures(seen, None if switched is None else sent + switched)
            for route, seen in sorted(self._seen.items())
        }
        told = [one["refused"] for one in routes.values() if one["refused"] is not None]
        return {
            "table": self._table,
            "at": iso(self._clock.now()),
            "source": self.clusters.source.cluster_name,
            "target": self.clusters.target.cluster_name,
            "source_version": str(self.clusters.profile.version),
            "target_version": str(self.eyes.target.profile.version),
            "switch": self._request.switch,
            "last_mutation": self._request.last_mutation,
            "config_sync_interval_ms": self._request.interval_ms if self.shortens else None,
            "propagation": rf.merged(self._rounds).as_result(),
            "phases": rf.phases(self._window),
            "refused": self._window.get("refused"),
            "refused_clients": max(told, default=None),
            "routes": routes,
            "forecast": dict(self._forecast),
        }

    def _fenced_at(self, entries: t.Sequence[Entry]) -> float:
        """When the fence was asked for, in the clock's seconds."""
        times = [entry.at for entry in entries if entry.kind == INTENT and entry.data.get("action") == FENCE_ACTION]
        if not times:
            raise MigrationError("internal.error", "the rehearsal's journal knows of no fence")
        return parse_iso(times[-1]).timestamp() + self._offset

    def _clients(self) -> t.List[ShadowClient]:
        home = frozenset(self.clusters.nodes)
        settings, clock, table = self.eyes.settings, self._clock, self._table

        def by_proxy(address: str) -> t.Optional[model.TableConfig]:
            answers = ask_proxies([address], table, settings, clock)
            for error in answers.failed.values():
                raise error
            return answers.good[address]

        if self._request.proxies:
            return [
                ShadowClient(address, home, functools.partial(by_proxy, address), settings, clock)
                for address in self._request.proxies
            ]

        def by_meta() -> t.Optional[model.TableConfig]:
            with MetaClient(self._request.connection.meta_servers, settings, clock) as meta:
                return meta.query_config(table)

        return [ShadowClient("meta servers", home, by_meta, settings, clock)]


def _by_node(proof: Proof, sent: float) -> t.Dict[str, t.List[float]]:
    """By server, how long after ``sent`` all its partitions had the word first."""
    found: t.Dict[str, float] = {}
    for partition in proof.config.partitions:
        took = max(0.0, proof.seen[partition.index] - sent)
        found[partition.primary] = min(found.get(partition.primary, took), took)
    return {node: [took] for node, took in found.items()}
