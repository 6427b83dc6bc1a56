# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two healthy clusters with a table to be moved, and short ways to make something wrong with them."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import (
    Answers,
    App,
    ClusterInfo,
    ConfigValue,
    Duplication,
    Node,
    Partition,
    TableConfig,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight import evaluate

SILENT = MigrationError("pegasus.unreachable", "It cannot be reached.")
SOURCE_NODES = tuple(f"10.0.0.{number}:34801" for number in (11, 12, 13))
TARGET_NODES = tuple(f"10.0.1.{number}:34801" for number in (11, 12, 13))
SOURCE_METAS = ("10.0.0.1:34601", "10.0.0.2:34601", "10.0.0.3:34601")
TARGET_METAS = ("10.0.1.1:34601", "10.0.1.2:34601", "10.0.1.3:34601")
ITSELF = v.ProbeAnswer(v.ITSELF, "ERR_INVALID_PARAMETERS: illegal operation: adding duplication to itself")
KNOWN = v.ProbeAnswer(v.KNOWN, "ERR_APP_NOT_EXIST")


def app(name: str = "temp", **more: t.Any) -> App:
    given: t.Dict[str, t.Any] = {
        "app_id": 2,
        "status": "AVAILABLE",
        "partition_count": 4,
        "envs": {},
        "max_replica_count": 3,
        "duplicating": False,
        "bulk_loading": False,
    }
    given.update(more)
    return App(name, **given)


def partition(index: int, members: t.Sequence[str] = SOURCE_NODES) -> Partition:
    primary = members[index % len(members)] if members else ""
    return Partition(index, 5, 3, primary, tuple(one for one in members if one != primary), 1000)


def routing(count: int = 4, app_id: int = 2, **members: t.Sequence[str]) -> TableConfig:
    """``p1=(...)``: the members of partition 1."""
    return TableConfig(
        app_id, count, tuple(partition(index, members.get(f"p{index}", SOURCE_NODES)) for index in range(count))
    )


def duplication(**more: t.Any) -> Duplication:
    given: t.Dict[str, t.Any] = {"dupid": 1700000000, "status": "DS_LOG", "remote": "west", "create_ts_ms": 1}
    given.update(more)
    return Duplication(**given)


def flag(nodes: t.Iterable[str], name: str, value: t.Any) -> Answers[ConfigValue]:
    """A flag that has the same value everywhere, or one by node."""
    values = value if isinstance(value, dict) else dict.fromkeys(nodes, value)
    return Answers({node: ConfigValue(name, str(one)) for node, one in values.items()})


def configs(nodes: t.Sequence[str], **more: t.Any) -> t.Dict[str, Answers[ConfigValue]]:
    values = {
        v.WRITE_SIZE: 1048576,
        v.CONFIG_SYNC: 30000,
        v.GROUP_CHECK: 100000,
        v.NFS_COPY_RATE: 0,
        v.NFS_SEND_RATE: 100,
        **more,
    }
    return {name: flag(nodes, name, value) for name, value in values.items()}


def cluster(role: str, version: str = "2.6.0", **more: t.Any) -> v.ClusterView:
    ours = role == v.SOURCE
    metas, nodes = (SOURCE_METAS, SOURCE_NODES) if ours else (TARGET_METAS, TARGET_NODES)
    name = "east" if ours else "west"
    info = ClusterInfo(name, metas[0], metas, f"zk-{name}:2181", f"/pegasus/{name}", "steady")
    given: t.Dict[str, t.Any] = {
        "name": name,
        "version": Version.parse(version),
        "given": metas,
        "info": dataclasses.replace(info, **more.pop("info", {})),
        "nodes": tuple(Node(address, True) for address in nodes),
        "apps": (app(),) if ours else (),
        "own": ITSELF,
        "other": KNOWN,
        "configs": configs(nodes, **more.pop("flags", {})),
        "disk_available_mb": Answers(dict.fromkeys(nodes, 100000.0)),
    }
    given.update(more)
    return v.ClusterView(role, **given)


def znode(text: t.Any = None) -> v.ZnodeView:
    document = {"cluster_name": "east", "meta_addrs": ",".join(SOURCE_METAS)} if text is None else text
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return v.ZnodeView("/metaproxy/temp", data)


def table(**more: t.Any) -> v.TableView:
    given: t.Dict[str, t.Any] = {
        "request": v.TableRequest("temp", more.pop("remote", "temp"), more.pop("copies", 0)),
        "app": app(**more.pop("with_app", {})),
        "config": routing(),
        "duplications": (),
        "splitting": {},
        "bulk_load": "",
        "data_versions": Answers({node: dict.fromkeys(range(4), 1) for node in SOURCE_NODES}),
        "decrees": dict.fromkeys(range(4), 1000),
        "atomic": v.AtomicWrites({"incr": 0.0}, cumulative=True),
        "size_mb": 1000.0,
        "znode": znode(),
        "proxies": {"10.0.2.1:34601": v.ProxyAnswer(routing())},
    }
    given.update(more)
    return v.TableView(**given)


PROXIED = v.MetaProxyView("zk:2181", "/metaproxy", ("10.0.2.1:34601",), TARGET_METAS)


def view(**more: t.Any) -> v.View:
    """``source``, ``target``: views or versions; ``tables`` or what is special about the one table."""
    source = more.pop("source", "2.6.0")
    target = more.pop("target", "2.6.0")
    metaproxy = more.pop("metaproxy", v.MetaProxyView())
    tables = more.pop("tables", None)
    return v.View(
        cluster(v.SOURCE, source) if isinstance(source, str) else source,
        cluster(v.TARGET, target) if isinstance(target, str) else target,
        tables if tables is not None else (table(**more),),
        metaproxy,
    )


def judged(**more: t.Any) -> t.List[Finding]:
    return evaluate(view(**more))


def only(findings: t.Sequence[Finding], finding_id: str) -> Finding:
    same = [finding for finding in findings if finding.id == "pegasus." + finding_id]
    assert len(same) == 1, [finding.id for finding in findings]
    return same[0]


def ids(findings: t.Sequence[Finding], severity: str = "blocker") -> t.List[str]:
    """Sorted ids without ``pegasus.``."""
    return sorted(one.id.replace("pegasus.", "", 1) for one in findings if one.severity == severity)
