# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What speaks against switching the clients through MetaProxy: its znodes, and what each MetaProxy answers. Pure."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.metaproxy_document import (
    LEAST_ADDRESSES,
    Document,
    parse,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import (
    ClusterView,
    MetaProxyView,
    TableView,
    View,
    ZnodeView,
)

CLIENTS = "clients"


def metaproxy_findings(view: View) -> t.Iterator[Finding]:
    """All of them; without MetaProxy only what that means."""
    way = view.metaproxy
    if not way.used:
        yield Finding(
            "pegasus.metaproxy.none",
            "info",
            CLIENTS,
            "No zookeeper_hosts are given, so the clients are not switched through MetaProxy.",
            "The cutover stops when the table is drained and hands over to your own switch (DNS, configuration, load "
            "balancer) within the same budget; have it ready and tried out. Clients that were told to resolve anew ask "
            "the meta servers they know.",
        )
        yield from _old_go_clients(view)
        return
    yield Finding(
        "pegasus.metaproxy.clients_that_cannot_follow",
        "info",
        CLIENTS,
        "Java and Go clients follow when they ask again. C++ clients keep a partition whose ballot did not grow, and "
        "the fresh copy starts with small ones; C++ and Python clients do not support MetaProxy at all.",
        "List the applications that use the tables. Those with C++ or Python clients, and those configured with the "
        "addresses of meta servers, must be restarted with the new addresses by hand at the switch.",
    )
    if not way.proxies:
        yield Finding(
            "pegasus.metaproxy.not_listed",
            "warning",
            CLIENTS,
            {"zookeeper_root": way.root},
            "No MetaProxy is named in metaproxies, so none can be asked. A MetaProxy that lost its watch goes on "
            "sending clients to the source, and nobody would notice. Name every instance.",
        )
    if view.target.profile.generation == "2.6" and not _read_2_6(view):
        yield Finding(
            "pegasus.metaproxy.cannot_read_target",
            "warning",
            view.target.subject,
            {"version": str(view.target.version), "source_version": str(view.source.version)},
            "The MetaProxy of 2021 cannot decode answers of meta servers of 2.6 (they hold host names besides "
            "addresses), and neither can Go clients of 2022 and before, if they ask meta servers themselves. Make sure "
            "that yours are newer builds: create a table on the target that does not matter, and read it through "
            "MetaProxy with a client of each kind.",
        )
    yield from _published(view.target, way)
    yield from _zookeeper(way)
    if not way.problem and way.root_exists:
        for table in view.tables:
            if table.app is not None and table.app.available:
                yield from _table(table, view)


def _read_2_6(view: View) -> bool:
    """Whether every MetaProxy has shown that it reads a cluster of 2.6, which then is the source."""
    read = {
        address
        for table in view.tables
        for address, answer in table.proxies.items()
        if answer.config is not None and table.usable and answer.config.app_id == table.usable.app_id
    }
    return view.source.profile.generation == "2.6" and bool(read) and set(view.metaproxy.proxies) <= read


def _old_go_clients(view: View) -> t.Iterator[Finding]:
    """Those that were content with a source before 2.6, and are sent to meta servers of 2.6 now."""
    if view.target.profile.generation == "2.6" and view.source.profile.generation != "2.6":
        yield Finding(
            "pegasus.clients.cannot_read_target",
            "warning",
            CLIENTS,
            {"source": str(view.source.version), "target": str(view.target.version)},
            "Go clients of 2022 and before cannot decode answers of meta servers of 2.6 (they hold host names besides "
            "addresses). Let a client of each application read a table of the target that does not matter, and upgrade "
            "those that cannot before the switch.",
        )


def _published(target: ClusterView, way: MetaProxyView) -> t.Iterator[Finding]:
    if len(way.meta_addrs) < LEAST_ADDRESSES:
        yield Finding(
            "pegasus.metaproxy.too_few_addresses",
            "blocker",
            target.subject,
            {"given": list(way.meta_addrs), "cluster": list(target.info.meta_servers)},
            f"MetaProxy refuses a table whose znode names fewer than {LEAST_ADDRESSES} addresses: every client would "
            "get an error. Name all meta servers of the target in target_meta_servers or target_meta_addrs.",
        )


def _zookeeper(way: MetaProxyView) -> t.Iterator[Finding]:
    subject = f"ZooKeeper {way.hosts}"
    if way.problem:
        yield Finding(
            "pegasus.zookeeper.unreachable",
            "blocker",
            subject,
            way.problem,
            "Correct zookeeper_hosts, or make ZooKeeper reachable from here. It is the one of MetaProxy, which need "
            "not be the one of the cluster.",
        )
    elif not way.root_exists:
        yield Finding(
            "pegasus.zookeeper.root_missing",
            "blocker",
            subject,
            {"root": way.root},
            "There is no such znode. Correct zookeeper_root, or the chroot at the end of zookeeper_hosts; MetaProxy's "
            "own configuration has both (zookeeper.address, zookeeper.root).",
        )


def _table(table: TableView, view: View) -> t.Iterator[Finding]:
    if table.request.renamed:
        yield Finding(
            "pegasus.metaproxy.renamed_table",
            "blocker",
            table.subject,
            {"remote_app_name": table.request.remote_app_name},
            "Clients ask MetaProxy for a table by the name they know, and MetaProxy asks the target for the same name. "
            "Leave it out of remote_tables, or move this table without MetaProxy.",
        )
    if table.znode is not None:
        yield from _znode(table, table.znode, view)
    yield from _proxies(table)


def _znode(table: TableView, znode: ZnodeView, view: View) -> t.Iterator[Finding]:
    source = view.source
    subject = f"znode {znode.path}"
    if znode.problem:
        yield Finding(
            "pegasus.znode.unknown",
            "blocker",
            subject,
            znode.problem,
            "Make sure that the znode can be read from here (its access control list), and run preflight again.",
        )
        return
    if znode.data is None:
        yield Finding(
            "pegasus.znode.missing",
            "blocker",
            subject,
            {"table": table.request.name},
            "MetaProxy does not know this table, so its clients do not come through MetaProxy. Correct zookeeper_root "
            "or the name; or create the znode with the source's cluster_name and meta_addrs and move the clients to "
            "MetaProxy first; or move this table without MetaProxy.",
        )
        return
    yield from _permission(znode, subject)
    try:
        document = parse(znode.data, znode.path)
    except MigrationError as error:
        few = _few(znode.data)
        yield Finding(
            "pegasus.znode.few_addresses" if few else "pegasus.znode.malformed",
            "blocker",
            subject,
            {"problem": error.message, "data": znode.data.decode("utf-8", "backslashreplace")[:500]},
            f"MetaProxy refuses fewer than {LEAST_ADDRESSES} addresses. Write all meta servers of {source.name} into "
            "meta_addrs."
            if few
            else f"Correct it: a MetaProxy that reads it anew fails. It must be JSON with cluster_name {source.name!r} "
            f"and meta_addrs {','.join(source.info.meta_servers)!r}, without spaces.",
        )
        return
    yield from _pointing(document, subject, view)


def _permission(znode: ZnodeView, subject: str) -> t.Iterator[Finding]:
    if znode.writable is False:
        yield Finding(
            "pegasus.znode.read_only",
            "blocker",
            subject,
            "Its access control list lets nobody write who has not authenticated, as this collection does not.",
            "The cutover could not switch it. Let everybody write this znode for the migration (setAcl with "
            "world:anyone:cdrwa), or move the table without MetaProxy and switch the znode yourself.",
        )
    elif znode.writable is None:
        yield Finding(
            "pegasus.znode.acl_unknown",
            "warning",
            subject,
            "Its access control list could not be read, or lets only some addresses write.",
            "Make sure that the host which runs the cutover may write this znode: if it may not, the cutover ends with "
            "the fence lifted and nothing switched.",
        )


def _few(data: bytes) -> bool:
    try:
        fields = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    addresses = fields.get("meta_addrs") if isinstance(fields, dict) else None
    return isinstance(addresses, str) and len(addresses.split(",")) < LEAST_ADDRESSES


def _pointing(document: Document, subject: str, view: View) -> t.Iterator[Finding]:
    source, target = view.source, view.target
    shown = document.as_result()
    own = set(source.info.meta_servers) | set(source.given)
    others = set(target.info.meta_servers) | set(target.given) | set(view.metaproxy.meta_addrs)
    names = {source.name, source.info.cluster_name}
    if document.cluster_name in {target.name, target.info.cluster_name} - names or others & set(document.meta_addrs):
        yield Finding(
            "pegasus.znode.points_at_target",
            "blocker",
            subject,
            shown,
            "The clients are on the target already. If a former cutover switched them, go on with restore; if not, "
            "find out who did before anything else is done: writes may be going to both clusters.",
        )
    elif document.cluster_name not in names:
        yield Finding(
            "pegasus.znode.points_elsewhere",
            "blocker",
            subject,
            shown,
            f"The clients of this table are sent to {document.cluster_name}, not to {source.name}. Two tables of one "
            "name cannot share a zookeeper_root. Correct zookeeper_root, the table or meta_servers.",
        )
    elif not own & set(document.meta_addrs):
        yield Finding(
            "pegasus.znode.other_addresses",
            "warning",
            subject,
            {**shown, "cluster": list(source.info.meta_servers)},
            f"It names {source.name}, but none of the meta servers that this cluster lists. If these are other names "
            "of them, nothing is to be done; if not, clients are on another cluster of the same name.",
        )


def _proxies(table: TableView) -> t.Iterator[Finding]:
    silent = {address: answer.problem for address, answer in sorted(table.proxies.items()) if answer.config is None}
    if silent:
        yield Finding(
            "pegasus.metaproxy.no_answer",
            "blocker",
            table.subject,
            silent,
            "These MetaProxies do not tell where the table is. Correct metaproxies (host:port of each instance), or "
            "repair or retire them: the cutover can be proved only by those that answer.",
        )
    if table.config is None:
        return
    for address, answer in sorted(table.proxies.items()):
        config = answer.config
        if config is None:
            continue
        if config.app_id != table.config.app_id or config.partition_count != table.config.partition_count:
            yield Finding(
                "pegasus.metaproxy.other_answer",
                "blocker",
                f"MetaProxy {address}",
                {
                    "table": table.request.name,
                    "source": {"app_id": table.config.app_id, "partition_count": table.config.partition_count},
                    "metaproxy": {"app_id": config.app_id, "partition_count": config.partition_count},
                    "primaries": sorted(config.primaries)[:5],
                },
                "It sends clients to another table than the one on the source. It has another root, or has lost its "
                "watch of ZooKeeper and serves an old cluster: compare its configuration and restart it.",
            )
