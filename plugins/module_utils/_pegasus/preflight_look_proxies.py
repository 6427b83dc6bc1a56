# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Looks at the way of the clients: the znodes of MetaProxy, and what each MetaProxy answers."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers, TableConfig
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_request import PreflightRequest
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import (
    MetaProxyView,
    ProxyAnswer,
    TableView,
    ZnodeView,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.proxy_client import ask_proxies_for
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import ZooKeeperPlace

_UNKNOWN_TABLE = "It knows no such table (ERR_OBJECT_NOT_FOUND): there is no znode below its root."


def look_at_znodes(request: PreflightRequest) -> tuple[MetaProxyView, dict[str, ZnodeView]]:
    """The znodes by table, in one session. Without a place there is no MetaProxy.

    :raises MigrationError: ``library.missing``
    """
    place = request.place
    if place is None:
        return MetaProxyView(), {}
    root = place.chroot + place.root or "/"
    view = MetaProxyView(",".join(place.hosts), root, request.metaproxies, request.meta_addrs)
    znodes: dict[str, ZnodeView] = {}
    try:
        with ZooKeeper(place) as session:
            for table in request.tables:
                znodes[table.name] = _read(session, place, table.name)
    except MigrationError as error:
        if error.code == "library.missing":
            raise
        if error.code in ("pegasus.zookeeper_chroot", "pegasus.znode_missing"):
            return dataclasses.replace(view, root_exists=False), {}
        return dataclasses.replace(view, problem=error.message), {}
    return view, znodes


def _read(session: ZooKeeper, place: ZooKeeperPlace, table: str) -> ZnodeView:
    path = place.chroot + place.path(table)
    try:
        znode = session.read(table)
    except MigrationError as error:
        if error.code != "pegasus.zookeeper_denied":
            raise
        return ZnodeView(path, None, error.message)
    if znode is None:
        return ZnodeView(path, None)
    return ZnodeView(path, znode.data, writable=session.writable(table))


def with_clients(
    tables: t.Sequence[TableView],
    view: MetaProxyView,
    znodes: t.Mapping[str, ZnodeView],
    settings: ConnectionSettings,
    clock: Clock,
) -> tuple[TableView, ...]:
    """The tables with their znodes and the answers of all MetaProxies."""
    usable = [table.request.name for table in tables if table.usable]
    answers = ask_proxies_for(view.proxies, usable, settings, clock)
    return tuple(
        dataclasses.replace(
            table, znode=znodes.get(table.request.name), proxies=_proxies(answers.get(table.request.name, Answers({})))
        )
        for table in tables
    )


def _proxies(answers: Answers[t.Optional[TableConfig]]) -> dict[str, ProxyAnswer]:
    proxies = {
        address: ProxyAnswer(config, "" if config is not None else _UNKNOWN_TABLE)
        for address, config in answers.good.items()
    }
    proxies.update({address: ProxyAnswer(None, error.message) for address, error in answers.failed.items()})
    return proxies
