# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the cutover, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import (
    MAX_AGE,
    Rehearsed,
    read_max_age,
    read_rehearsed,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.metaproxy_document import LEAST_ADDRESSES
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import (
    Connection,
    connection_argument_spec,
    parse_addresses,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_request import read_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import ENGINE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import (
    ZooKeeperPlace,
    read_place,
    zookeeper_argument_spec,
)

CUT_OVER = "cut_over"
COMMITTED = "committed"
LIFTED = "lifted"
METAPROXY = "metaproxy"
HAND_OVER = "hand_over"
STRICT = "strict"
ACCEPT = "accept"
KEEP = "keep"


@dataclasses.dataclass(frozen=True)
class CutoverRequest:
    """What is asked for; times in seconds. ``interval_ms`` None: config-sync intervals are left as they are.

    ``place`` None: the operator switches. ``meta_addrs``: what MetaProxies are to use. ``remote_cluster``: the target's
    name for duplication, "" for the one that the cluster tells.
    """

    connection: Connection
    tables: t.Tuple[str, ...]
    state: str
    switch: str
    place: t.Optional[ZooKeeperPlace]
    proxies: t.Tuple[str, ...]
    meta_addrs: t.Tuple[str, ...]
    budget: float
    remote_cluster: str
    max_lag: int
    last_mutation: str
    interval_ms: t.Optional[int]
    group_size: int
    rehearsed: t.Optional[Rehearsed] = None
    """What a rehearsal has measured, None when none is given."""

    @property
    def groups(self) -> t.List[t.Tuple[str, ...]]:
        """The tables in groups that share one fence, in order."""
        size = self.group_size
        return [self.tables[start : start + size] for start in range(0, len(self.tables), size)]


def cutover_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal."""
    spec = ArgumentSpec(
        {
            "tables": {"type": "raw", "required": True},
            "state": {"type": "str", "default": CUT_OVER, "choices": [CUT_OVER, COMMITTED, LIFTED]},
            "switch": {"type": "str", "default": METAPROXY, "choices": [METAPROXY, HAND_OVER]},
            "metaproxies": {"type": "raw"},
            "target_meta_addrs": {"type": "raw"},
            "remote_cluster": {"type": "str"},
            "budget": {"type": "str", "default": "60s"},
            "max_lag": {"type": "int", "default": 10000},
            "last_mutation": {"type": "str", "default": STRICT, "choices": [STRICT, ACCEPT]},
            "config_sync_interval": {"type": "str", "default": "1s"},
            "group_size": {"type": "int"},
            "rehearsal_journal": {"type": "str"},
            "rehearsal_max_age": {"type": "str", "default": MAX_AGE},
        }
    )
    return spec.merge(connection_argument_spec(target=True)).merge(zookeeper_argument_spec())


def read_group_size(params: t.Mapping[str, t.Any], tables: int, problems: OptionProblems) -> int:
    """How many of so many tables share one fence: one, but all where the operator switches the clients, once."""
    by_hand = params["switch"] == HAND_OVER
    default = max(1, tables) if by_hand else 1
    if params.get("group_size") is None:
        return default
    size = problems.attempt(lambda: as_int(params["group_size"], "group_size", 1), default)
    if by_hand and size < tables:
        problems.add(
            "group_size",
            f"with switch=hand_over all tables share one fence, and {size} is fewer than the {tables} tables",
            "Leave it out, or give only the tables that you switch together",
        )
    return size


def read_request(params: t.Mapping[str, t.Any]) -> CutoverRequest:
    """The request of a module's parameters.

    :raises InvalidOption: one option is wrong
    :raises InvalidInput: several are; all are told at once
    """
    return _Reader(params).request()


class _Reader:
    """Reads every option and remembers every problem."""

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self._params = params
        self._problems = OptionProblems()

    def request(self) -> CutoverRequest:
        params = self._params
        if not params.get("journal"):
            self._problems.add(
                "journal",
                "it is not given",
                "Give the path (or s3://bucket/prefix) of the migration's journal; without it a cutover that is "
                "killed could not be put right",
            )
        connection = self._problems.attempt(lambda: Connection.from_params(params))
        tables = self._problems.attempt(lambda: tuple(one.name for one in read_tables(params["tables"])))
        budget = self._problems.attempt(lambda: parse_duration(params["budget"], "budget", minimum=1, maximum=86400))
        max_lag = self._problems.attempt(lambda: as_int(params["max_lag"], "max_lag", 0))
        group_size = read_group_size(params, len(tables or ()), self._problems)
        max_age = self._problems.attempt(lambda: read_max_age(params))
        interval = self._interval()
        place, proxies, meta_addrs = self._proxies(connection)
        if connection is None or tables is None or budget is None or max_lag is None:
            raise self._problems.error()
        self._problems.raise_all()
        return CutoverRequest(
            connection=connection,
            tables=tables,
            state=str(params["state"]),
            switch=str(params["switch"]),
            place=place,
            proxies=proxies,
            meta_addrs=meta_addrs,
            budget=budget,
            remote_cluster=str(params.get("remote_cluster") or "").strip(),
            max_lag=max_lag,
            last_mutation=str(params["last_mutation"]),
            interval_ms=interval,
            group_size=group_size,
            rehearsed=read_rehearsed(params, max_age or 0.0, ENGINE),
        )

    def _interval(self) -> t.Optional[int]:
        given = str(self._params["config_sync_interval"]).strip()
        if given == KEEP:
            return None
        seconds = self._problems.attempt(
            lambda: parse_duration(given, "config_sync_interval", minimum=0.1, maximum=300)
        )
        return None if seconds is None else round(seconds * 1000)

    def _proxies(
        self, connection: t.Optional[Connection]
    ) -> t.Tuple[t.Optional[ZooKeeperPlace], t.Tuple[str, ...], t.Tuple[str, ...]]:
        if self._params["switch"] == HAND_OVER:
            return None, (), ()
        place = self._problems.attempt(lambda: read_place(self._params))
        proxies = self._problems.attempt(lambda: parse_addresses(self._params.get("metaproxies"), "metaproxies"))
        if proxies == ():
            self._problems.add(
                "metaproxies",
                "no MetaProxy is given",
                "Give host:port of every instance, because each is asked whether it has switched; or set "
                "switch=hand_over to switch the clients yourself",
            )
        given = self._problems.attempt(
            lambda: parse_addresses(self._params.get("target_meta_addrs"), "target_meta_addrs")
        )
        addresses = given or (connection.target_meta_servers if connection is not None else ())
        option = "target_meta_addrs" if given else "target_meta_servers"
        if given is not None and addresses and len(addresses) < LEAST_ADDRESSES:
            self._problems.add(
                option,
                f"there is only one address ({addresses[0]}), and a MetaProxy refuses fewer than {LEAST_ADDRESSES}",
                "Give all meta servers of the target",
            )
        return place, proxies or (), addresses
