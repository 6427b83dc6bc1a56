# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pegasus labs as measurements and kill tests see them: tables under duplication, options, windows, module runs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import time
import typing as t

from bench import guards, modules
from lab import process
from lab.client import LabClient, LabError

MODULES = "ansible_collections.dbops.migration.plugins.modules.pegasus_"
REMOTE = "onebox-b"
DENY = "replica.deny_client_request"
TIMEOUT = 5.0
"""Real seconds for every call: a busy machine is not to look like a server that does not answer."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """A lab. `clients` and `rate` (writes per lab second) are those of each table."""

    profile: str
    seed: int
    tables: int = 1
    factor: float = 10.0
    partitions: int = 8
    clients: int = 2
    rate: float = 40.0

    @property
    def names(self) -> list[str]:
        """Its tables."""
        return [f"t{number}" for number in range(self.tables)]


@contextlib.contextmanager
def server(home: pathlib.Path, factor: float, module: str = "cutover") -> t.Iterator[modules.ModuleServer]:
    """Runs of one Pegasus module whose clock goes as fast as the lab's. Guards beside ``home`` end with it."""
    try:
        with modules.ModuleServer(home, MODULES + module, factor) as found:
            yield found
    finally:
        guards.kill_below(home.parent)


@contextlib.contextmanager
def laboratory(shape: Shape, *, duplicated: bool = True, **more: t.Any) -> t.Iterator[LabClient]:
    """A lab with writers; unless told otherwise, all its tables are duplicated to the target already."""
    with process.start(
        "pegasus",
        shape.profile,
        factor=shape.factor,
        table=",".join(shape.names),
        partitions=shape.partitions,
        clients=shape.clients * shape.tables,
        rate=shape.rate * shape.tables,
        seed=shape.seed,
        **more,
    ) as lab:
        keep_ids_apart(lab)
        if duplicated:
            duplicate(lab, shape.names)
        yield lab


def keep_ids_apart(lab: LabClient) -> None:
    """Let no table of the target have the app id of a table of the source.

    A Java client that is refused, and retries behind the switch, still sends the id that its table has on the source
    (`client_operator.get_gpid` is not renewed). Where another table of the target has it, the write ends up there, and
    is acknowledged: true, but of clients, and not what is measured here.
    """
    state = lab.state()["clusters"]
    highest = max(app["id"] for app in state["source"]["apps"].values())
    for name in state["target"]["apps"]:
        lab.foreign(cluster="target", drop_table=name)
    while True:
        created = lab.foreign(cluster="target", create_table={"name": "spare", "partitions": 1})["create_table"]
        lab.foreign(cluster="target", drop_table="spare")
        if int(created) >= highest:
            return


def duplicate(lab: LabClient, tables: t.Sequence[str], *, ready: bool = True) -> None:
    """Begin to duplicate tables, as an operator would; `ready`: one who has waited until the log is shipped."""
    for table in tables:
        answer = lab.foreign(table=table, add_duplication={"remote": REMOTE, "ready": ready})
        if "error" in answer:
            raise LabError(f"{table}: {answer['error']}")


def clusters(lab: LabClient) -> dict[str, t.Any]:
    """Options of every module that talks to both clusters."""
    described = lab.describe["clusters"]
    seconds = f"{TIMEOUT * float(lab.describe['factor']):g}s"
    return {
        "meta_servers": described["source"]["metas"],
        "target_meta_servers": described["target"]["metas"],
        "connect_timeout": seconds,
        "rpc_timeout": seconds,
    }


def cutover(lab: LabClient, tables: t.Sequence[str], journal: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    """Options of the cutover."""
    zookeeper = lab.describe["zookeeper"]
    switch = (
        {
            "zookeeper_hosts": zookeeper["hosts"],
            "zookeeper_root": zookeeper["root"],
            "metaproxies": lab.describe["metaproxies"],
        }
        if zookeeper
        else {"switch": "hand_over"}
    )
    return {
        **clusters(lab),
        **switch,
        "tables": list(tables),
        "journal": str(journal),
        "migration_id": journal.parent.name,
        **more,
    }


def ledgers(lab: LabClient, names: t.Sequence[str]) -> dict[str, dict[str, t.Any]]:
    """The ledger of each table."""
    found = lab.ledger()
    return dict(found["tables"]) if "tables" in found else {names[0]: found}


def znode(state: t.Mapping[str, t.Any], table: str) -> str:
    """The cluster that MetaProxy's entry of a table names, "" for none."""
    text = state["znodes"].get(table)
    return str(json.loads(text)["cluster_name"]) if text else ""


def settings(state: t.Mapping[str, t.Any], tables: t.Sequence[str]) -> dict[str, t.Any]:
    """Everything on both clusters that a migration may switch, the fences of these tables too."""
    found: dict[str, t.Any] = {}
    for key, cluster in state["clusters"].items():
        found[f"{key} meta_level"] = cluster["meta_level"]
        for address, node in cluster["nodes"].items():
            found[f"{key} {address}"] = node["config"]
        for name in tables:
            app = cluster["apps"].get(name)
            if app is not None:
                found[f"{key} {name} envs"] = app["envs"]
    return found


def writable(lab: LabClient, table: str, seconds: float) -> bool:
    """Wait, at most so many real seconds, until no partition of a table refuses its clients any more."""
    end = time.monotonic() + seconds
    while True:
        accounts = ledgers(lab, [table])[table]["per_partition"].values()
        if not any(account["refused_now"] for account in accounts):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.1)


def freed(lab: LabClient, table: str, seconds: float) -> bool:
    """Wait, at most so many real seconds, until clients can write again: here, or on the target."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = lab.state()
        app = state["clusters"]["source"]["apps"].get(table)
        open_again = app is not None and DENY not in app["envs"]
        if (open_again and not any(one["deny"] for one in app["partitions"].values())) or _on_target(state, table):
            return writable(lab, table, max(2.0, end - time.monotonic()))
        time.sleep(0.1)
    return False


def _on_target(state: t.Mapping[str, t.Any], table: str) -> bool:
    """Whether clients of a table are sent to the target: by its znode, or by their operator."""
    return znode(state, table) == REMOTE or state["authority"][table] == "target"
