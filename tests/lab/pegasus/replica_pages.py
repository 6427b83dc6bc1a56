# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP pages that only replica servers have: progress of duplications, data versions, counters, metrics."""

from __future__ import annotations

import typing as t

from lab.http_server import HttpRequest, HttpResponse
from lab.pegasus import model
from lab.pegasus.counters import Counters

if t.TYPE_CHECKING:
    from lab.pegasus.node import ReplicaServer


class ReplicaPages:
    """Pages of one server."""

    def __init__(self, node: ReplicaServer, counters: Counters) -> None:
        self._node = node
        self._counters = counters
        self._stale: dict[str, HttpResponse] = {}

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The page of a path."""
        page = {
            "/replica/duplication": self._duplication,
            "/replica/data_version": self._data_version,
            "/replica/manual_compaction": lambda query: HttpResponse(200, {"status": {"idle": "0"}}),
            "/perfCounter": self._perf_counter,
            "/metrics": self._metrics,
        }.get(request.path.rstrip("/"))
        return page(request.query) if page is not None else HttpResponse(404, "not found")

    def _app_id(self, query: t.Mapping[str, str], name: str) -> int | HttpResponse:
        text = query.get(name, "")
        if not text:
            return HttpResponse(400, "%s should not be empty" % name)
        if not text.isdigit():
            return HttpResponse(400, "invalid %s: %s" % (name, text))
        return int(text)

    def _duplication(self, query: t.Mapping[str, str]) -> HttpResponse:
        cluster = self._node.cluster
        if not cluster.settings.duplication_enabled:
            return HttpResponse(404, cluster.profile.duplication_disabled())
        app_id = self._app_id(query, "appid")
        if isinstance(app_id, HttpResponse):
            return app_id
        app = cluster.apps.get(app_id)
        stale = cluster.fault("stale_progress", table=app.name if app else "", node=self._node.address)
        key = "%d" % app_id
        if stale is not None and key in self._stale:
            return self._stale[key]
        response = self._progress(app_id)
        self._stale[key] = response
        return response

    def _progress(self, app_id: int) -> HttpResponse:
        node, cluster = self._node, self._node.cluster
        found: dict[str, dict[str, t.Any]] = {}
        primaries = 0
        for partition, primary in node.hosted():
            if not primary or partition.app.id != app_id:
                continue
            primaries += 1
            missing = cluster.fault("partition_missing_in_progress", table=partition.app.name, index=partition.index)
            if missing is not None and partition.index == (missing.region_id or 0):
                continue
            for known in partition.duplicators.values():
                state: dict[str, t.Any] = {
                    "duplicating": known.running,
                    "not_confirmed_mutations_num": partition.decree - known.confirmed,
                    "not_duplicated_mutations_num": partition.decree - known.shipped,
                    "fail_mode": model.FAIL_MODE[known.fail_mode],
                }
                if cluster.profile.newest:
                    duplication = partition.app.duplications.get(known.dupid)
                    state["remote_app_name"] = duplication.remote_table if duplication else partition.app.name
                found.setdefault(str(known.dupid), {})[partition.gpid_text] = state
        if not primaries:
            return HttpResponse(404, "no primary for app [appid=%d]" % app_id)
        if not found:
            return HttpResponse(404, "no duplication assigned for app [appid=%d]" % app_id)
        return HttpResponse(200, found)

    def _data_version(self, query: t.Mapping[str, str]) -> HttpResponse:
        app_id = self._app_id(query, "app_id")
        if isinstance(app_id, HttpResponse):
            return app_id
        hosted = [p for p, _primary in self._node.hosted() if p.app.id == app_id]
        if not hosted:
            return HttpResponse(404, "app_id=%d not found" % app_id)
        return HttpResponse(200, {str(p.index): {"data_version": str(p.app.data_version)} for p in hosted})

    def _perf_counter(self, query: t.Mapping[str, str]) -> HttpResponse:
        if self._node.cluster.profile.newest:
            return HttpResponse(404, "not found")
        name = query.get("name", "")
        found = self._counters.values().get(name)
        if found is None:
            return HttpResponse(200, {})
        kind = "RATE" if "_ops@" in name or "_qps@" in name else "NUMBER"
        value = "%.2f" % found
        return HttpResponse(200, {"name": name, "value": value, "type": kind, "description": name})

    def _metrics(self, query: t.Mapping[str, str]) -> HttpResponse:
        profile, node = self._node.cluster.profile, self._node
        if not profile.run_time_flags:
            return HttpResponse(404, "not found")
        if not profile.newest:
            return HttpResponse(200, [])
        host, port = node.address.rsplit(":", 1)
        head = {"cluster": node.cluster.name, "role": "replica", "host": host, "port": int(port)}
        stamp = int(node.cluster.clock.epoch() * 1e9)
        return HttpResponse(200, {**head, "timestamp_ns": stamp, "entities": list(self._entities(query))})

    def _entities(self, query: t.Mapping[str, str]) -> t.Iterator[dict[str, t.Any]]:
        """Entities that fit types, ids and attributes, with the metrics that are asked for; none without any."""
        types, ids, wanted = (set(filter(None, query.get(n, "").split(","))) for n in ("types", "ids", "metrics"))
        pairs = query.get("attributes", "").split(",")
        attributes = dict(zip(pairs[::2], pairs[1::2]))
        for kind, name, own, values in self._all_entities():
            if (types and kind not in types) or (ids and name not in ids):
                continue
            if any(own.get(key) != value for key, value in attributes.items()):
                continue
            metrics = [{"name": n, "value": v} for n, v in values.items() if not wanted or n in wanted]
            if metrics:
                yield {"type": kind, "id": name, "attributes": own, "metrics": metrics}

    def _all_entities(self) -> t.Iterator[tuple[str, str, dict[str, str], dict[str, float]]]:
        settings = self._node.cluster.settings
        disk = {"disk_capacity_total_mb": settings.disk_total_mb, "disk_capacity_avail_mb": settings.disk_available_mb}
        yield "disk", "disk1", {"tag": "disk1", "data_dir": "/data/disk1"}, dict(disk)
        for gpid, values in self._counters.metrics():
            table, index = gpid.split(".")
            yield "replica", "replica@" + gpid, {"table_id": table, "partition_id": index}, values
