# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the module for MetaProxy's znodes, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.app_env_options import read_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.metaproxy_document import LEAST_ADDRESSES
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import (
    META_SERVERS,
    Connection,
    connection_argument_spec,
    parse_addresses,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import (
    ZooKeeperPlace,
    read_place,
    zookeeper_argument_spec,
)

PRESENT = "present"
RESTORED = "restored"


@dataclasses.dataclass(frozen=True)
class TableRequest:
    """``connection`` None with ``restored``, for which no cluster is asked. ``timeout`` in seconds."""

    connection: t.Optional[Connection]
    place: ZooKeeperPlace
    tables: t.Tuple[str, ...]
    state: str
    meta_addrs: t.Tuple[str, ...]
    expected_cluster: str
    create: bool
    proxies: t.Tuple[str, ...]
    timeout: float


def metaproxy_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal."""
    spec = ArgumentSpec(
        {
            "tables": {"type": "raw", "required": True},
            "state": {"type": "str", "default": PRESENT, "choices": [PRESENT, RESTORED]},
            "meta_addrs": {"type": "raw"},
            "expected_cluster": {"type": "str"},
            "create": {"type": "bool", "default": False},
            "metaproxies": {"type": "raw"},
            "timeout": {"type": "str", "default": "30s"},
        }
    )
    return spec.merge(connection_argument_spec()).merge(zookeeper_argument_spec())


def read_table_request(params: t.Mapping[str, t.Any]) -> TableRequest:
    """The request of a module's parameters; InvalidOption, or InvalidInput with all problems of a kind at once."""
    place = read_place(params)
    restoring = params["state"] == RESTORED
    connection = None if restoring else Connection.from_params(params)
    problems: t.List[InvalidOption] = []
    tables = read_tables(params["tables"], problems)
    timeout = 30.0
    try:
        timeout = parse_duration(params["timeout"], "timeout", maximum=3600)
    except InvalidOption as problem:
        problems.append(problem)
    if restoring and not params.get("journal"):
        problems.append(InvalidOption("journal", "it is not given", "state=restored needs the journal with the former "
                                      "bytes"))  # fmt: skip
    given = parse_addresses(params.get("meta_addrs"), "meta_addrs")
    addresses = given or (connection.meta_servers if connection is not None else ())
    if not restoring and len(addresses) < LEAST_ADDRESSES:
        problems.append(
            InvalidOption(
                "meta_addrs" if given else META_SERVERS,
                f"there is only one address ({addresses[0]}), and a MetaProxy refuses fewer than {LEAST_ADDRESSES}",
                "Give all meta servers of the cluster",
            )
        )
    proxies = parse_addresses(params.get("metaproxies"), "metaproxies")
    raise_problems(problems)
    return TableRequest(
        connection=connection,
        place=place,
        tables=tables,
        state=str(params["state"]),
        meta_addrs=addresses,
        expected_cluster=str(params.get("expected_cluster") or "").strip(),
        create=bool(params["create"]),
        proxies=() if restoring else proxies,
        timeout=timeout,
    )
