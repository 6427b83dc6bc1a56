# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flow of the vendor's ``table-migrator`` (admin-cli 2.4 and 2.5), step by step with its own waits, for comparison.

It speaks with the lab through sockets only, as the real tool does, and all its pauses are lab seconds. Order, texts and
conditions are those of its sources; nothing is added that it does not do, and nothing left out that helps it:

* it is run as if some command before it had dialled every node (else it ends with a nil pointer after the duplication);
* where an answer is lost, the lab's fast clock is not held against it: no timeout is shorter than ``LEAST_TIMEOUT``.
"""

from __future__ import annotations

import asyncio
import json
import typing as t
from dataclasses import dataclass, field

from lab.client import LabClient
from lab.pegasus.reference_calls import Calls, Ended
from lab.pegasus.reference_switch import MetaProxyEntry

DENY = "replica.deny_client_request"
POLL = 10.0
SETTLE = 10.0
BEFORE_SWITCH = 30.0


@dataclass(frozen=True)
class Flags:
    """The command's flags. ``zookeeper`` "" is the source cluster's own; ``root`` "": no switch."""

    table: str
    cluster: str
    metas: str
    zookeeper: str = ""
    root: str = ""
    threshold: float = 100000.0


@dataclass
class Record:
    """What a run did, in lab seconds; None for what it did not reach.

    blocked: the write block was set at the meta server. below: pending mutations were below the threshold. drained: no
    node seemed to ship any more. switched: the entry in ZooKeeper was written. done: the run ended. ``error``: its last
    words, "" when it reported success. ``log``: (time, line) as it printed them.
    """

    started: float = 0.0
    added: float | None = None
    below: float | None = None
    blocked: float | None = None
    drained: float | None = None
    switched: float | None = None
    released: float | None = None
    done: float = 0.0
    error: str = ""
    log: list[tuple[float, str]] = field(default_factory=list)

    @property
    def reported_success(self) -> bool:
        """True when it told its user that all was well."""
        return not self.error


def flags_of(describe: t.Mapping[str, t.Any], **other: t.Any) -> Flags:
    """The flags with which somebody would migrate a lab's table, from its describe file."""
    target, zookeeper = describe["clusters"]["target"], describe.get("zookeeper")
    values: dict[str, t.Any] = {
        "table": describe["table"],
        "cluster": target["name"],
        "metas": ",".join(target["metas"]),
    }
    if zookeeper:
        values.update(zookeeper=zookeeper["hosts"], root=zookeeper["root"])
    return Flags(**{**values, **other})


def run(lab: LabClient, flags: Flags | None = None, reads_host_ports: bool = False, limit: float = 3600.0) -> Record:
    """Run the tool against a lab; ``flags`` are those of ``flags_of`` unless given.

    ``reads_host_ports``: as if it had been built with a client library that can decode 2.6 servers. ``limit``: lab
    seconds after which whoever started it loses patience (it has no limit of its own).
    """
    described = lab.describe
    calls_at = float(lab.state()["time"])
    return asyncio.run(migrate(described, flags or flags_of(described), calls_at, reads_host_ports, limit))


async def migrate(
    describe: t.Mapping[str, t.Any], flags: Flags, lab_time: float, reads_host_ports: bool, limit: float
) -> Record:
    """As ``run``, in an event loop that runs already; ``lab_time`` is the lab's time now."""
    source = describe["clusters"]["source"]["metas"]
    calls = Calls(source, float(describe["factor"]), lab_time, reads_host_ports)
    tool = _Tool(calls, flags)
    tool.record.started = calls.now()
    try:
        async with asyncio.timeout(limit / calls.factor):
            await tool.migrate()
    except Ended as error:
        tool.record.error = str(error)
    except asyncio.TimeoutError:
        tool.record.error = "interrupted after %g s" % limit
    finally:
        calls.close()
    tool.record.done = calls.now()
    return tool.record


class _Tool:
    def __init__(self, calls: Calls, flags: Flags) -> None:
        self._calls = calls
        self._flags = flags
        self.record = Record()

    def _say(self, text: str) -> None:
        self.record.log.append((self._calls.now(), text))

    async def migrate(self) -> None:
        """The whole sequence."""
        calls, flags, record = self._calls, self._flags, self.record
        nodes = await calls.nodes()
        self._say(
            "set pendingMutationThreshold = %d means that server will reject all write and ready to switch cluster "
            "if the pending less the value" % flags.threshold
        )
        self._say("check the table data version")
        await self._check_data_version(nodes)
        self._say("create the table duplication to %s" % flags.cluster)
        added = await calls.meta(
            "RPC_CM_ADD_DUPLICATION", {"app_name": flags.table, "remote_cluster_name": flags.cluster}
        )
        self._say("successfully add duplication [dupid: %d]" % added.get("dupid", 0))
        record.added = calls.now()
        self._say("check pending mutation count if less %d" % flags.threshold)
        await self._wait_pending(nodes)
        self._say("set env config deny write request")
        await self._deny("timeout*write")
        record.blocked = calls.now()
        self._say("check duplicate qps if equal 0")
        await self._wait_shipped(nodes, await calls.app_id(flags.table))
        self._say("switch table addrs in metaproxy")
        if not flags.root:
            self._say(
                "can't switch cluster via metaproxy for you don't specify enough meta proxy info, "
                "please manual-switch the table cluster!"
            )
            return
        await self._switch()

    async def _check_data_version(self, nodes: t.Sequence[str]) -> None:
        """Every node is asked, also those without a replica of the table; one error ends the run."""
        app_id = await self._calls.app_id(self._flags.table)
        path = "/replica/data_version?app_id=%d" % app_id
        pages = await asyncio.gather(*(self._calls.page(node, path) for node in nodes))
        found: set[str] = set()
        for page in pages:
            found.update(str(value["data_version"]) for value in json.loads(page).values())
        if len(found) > 1:
            raise Ended("replica versions are not consistent")
        version = "".join(found)
        if version != "1":
            raise Ended("not support migrate table with data_version = %s by duplication" % version)

    async def _wait_pending(self, nodes: t.Sequence[str]) -> None:
        """Per server over all tables; nothing is asked about the duplication's status."""
        completed = False
        while not completed:
            completed = True
            await self._calls.sleep(POLL)
            for node in nodes:
                counters = await self._calls.counters(node, "pending_mutations_count")
                if len(counters) != 1:
                    raise Ended("get pending_mutations_count perfcounter size must be 1, but now is %d" % len(counters))
                value = next(iter(counters.values()))
                if value > self._flags.threshold:
                    completed = False
                    self._say("%s has pending_mutations_count %d" % (node, value))
                    break
        self._say("all the node pending_mutations_count has less %d" % self._flags.threshold)
        self.record.below = self._calls.now()
        await self._calls.sleep(SETTLE)

    async def _wait_shipped(self, nodes: t.Sequence[str], app_id: int) -> None:
        """A rate of successful shipments from a snapshot; no counter at all counts as zero."""
        completed = False
        while not completed:
            completed = True
            await self._calls.sleep(POLL)
            for node in nodes:
                counters = await self._calls.counters(node, "dup_shipped_ops@%d" % app_id)
                for name, rate in counters.items():
                    if rate > 0:
                        completed = False
                        partition = name.split("@")[1]
                        self._say("%s[%s] still sending pending mutation %d" % (node, partition, rate))
                        break
        self.record.drained = self._calls.now()
        self._say("all the node has stop duplicate the pending wal and wait 30s to switch cluster")
        await self._calls.sleep(BEFORE_SWITCH)

    async def _switch(self) -> None:
        calls, flags = self._calls, self._flags
        cluster = await calls.cluster_info()
        hosts = flags.zookeeper or cluster.get("zookeeper_hosts", "")
        entry = MetaProxyEntry(hosts, "%s/%s" % (flags.root, flags.table))
        try:
            await entry.connect()
            before = await entry.read()
            if before["cluster_name"] != cluster["cluster_name"]:
                raise Ended(
                    "current remote table is not `current local cluster`, remote vs expect= %s : %s"
                    % (before["cluster_name"], cluster["cluster_name"])
                )
            target = calls.of(flags.metas.split(","))
            try:
                await target.nodes()
                name = (await target.cluster_info())["cluster_name"]
            finally:
                target.close()
            after = await entry.write(name, flags.metas)
            self.record.switched = calls.now()
        finally:
            entry.close()
        await self._deny("reconfig*all")
        self.record.released = calls.now()
        self._say(
            "%s has updated metaproxy addr from %s to %s, current table env is map[%s:reconfig*all]"
            % (flags.table, before, after, DENY)
        )

    async def _deny(self, value: str) -> None:
        await self._calls.meta(
            "RPC_CM_UPDATE_APP_ENV", {"app_name": self._flags.table, "op": 1, "keys": [DENY], "values": [value]}
        )
