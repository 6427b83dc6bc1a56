# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clusters in order, to be changed by each test where it matters."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import Native, Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight import evaluate
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_tool import SHIPPED_ON
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    SOURCE,
    TARGET,
    Answer,
    ClusterView,
    Details,
    View,
    Written,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version

NOTHING, DATA = "shared_nothing", "shared_data"
NO_DROPS = dict.fromkeys(SHIPPED_ON, "false")


def frontend(number: int, role: str, **more: t.Any) -> Frontend:
    host = f"10.{1 if role == SOURCE else 2}.0.{number}"
    ports = {"query_port": 9030, "http_port": 8030, "rpc_port": 9020}
    kind = "LEADER" if number == 1 else "FOLLOWER"
    made = Frontend(f"fe-{number}", host, role=kind, alive=True, cluster_id="x", version="", error="", **ports)
    return dataclasses.replace(made, **more)


def node(number: int, role: str, **more: t.Any) -> Node:
    host = f"10.{1 if role == SOURCE else 2}.1.{number}"
    return dataclasses.replace(Node("BE", str(number), host, 9050, 9060, 8040, True, False, "", 10.0, ""), **more)


def cluster(role: str, version: str = "3.5.9", mode: str = NOTHING, **more: t.Any) -> ClusterView:
    """A cluster in order with tables ``d.a`` and ``d.b`` (source) or none (target)."""
    parsed = parse_version(version)
    assert parsed is not None
    members = more.pop("frontends", tuple(frontend(number, role, version=version) for number in (1, 2, 3)))
    addresses = [one.address for one in members if one.alive]
    names = ("a", "b") if role == SOURCE else ()
    engine = "CLOUD_NATIVE" if mode == DATA else "OLAP"
    values: t.Dict[str, t.Any] = {
        "role": role,
        "cluster_id": "1" if role == SOURCE else "2",
        "version": parsed,
        "profile": Profile.choose(parsed, mode),
        "frontends": members,
        "nodes": tuple(node(number, role, version=version) for number in (1, 2, 3)),
        "given": tuple(addresses),
        "reached_at": {address: address for address in addresses},
        "answers": {address: Answer(9030, 0.0) for address in addresses},
        "config": {"disable_load_job": "false", "catalog_trash_expire_second": "86400"},
        "databases": {"d": len(names)} if names else {},
        "tables": tuple(Table("d", name, "BASE TABLE", "StarRocks") for name in names),
        "natives": tuple(Native("d", name, engine, "HASH", "", ()) for name in names),
        **more,
    }
    return ClusterView(**values)


def view(source: t.Optional[ClusterView] = None, target: t.Optional[ClusterView] = None, **more: t.Any) -> View:
    """A view in which nothing is wrong."""
    values: t.Dict[str, t.Any] = {
        "source": source or cluster(SOURCE),
        "target": target or cluster(TARGET),
        "scope": Scope(),
        "properties": NO_DROPS,
        "token_given": True,
        "duration": 3600.0,
        "details": Details(partitions=2),
        "written": Written({}),
        **more,
    }
    return View(**values)


def judged(
    source: t.Optional[ClusterView] = None, target: t.Optional[ClusterView] = None, **more: t.Any
) -> t.List[Finding]:
    """The findings of a view."""
    return evaluate(view(source, target, **more))


def ids(findings: t.Iterable[Finding], *severities: str) -> t.List[str]:
    """Ids without ``starrocks.``; of these severities only, blockers and warnings by default."""
    wanted = severities or ("blocker", "warning")
    return [one.id[len("starrocks.") :] for one in findings if one.severity in wanted]


def only(findings: t.Iterable[Finding], name: str) -> Finding:
    """The one finding of an id."""
    (found,) = [one for one in findings if one.id == f"starrocks.{name}"]
    return found
