# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Asking MetaProxies what their clients would be told. They answer this one request only (facts 6)."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import channel as wire
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import decode, messages, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import NO_SUCH_APP, OK, server_error
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fan_out import ask_in_turn
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_leader import broken_error
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings

_OPTION = "the list of MetaProxies"


def ask_proxies(
    addresses: t.Iterable[str],
    name: str,
    settings: ConnectionSettings | None = None,
    clock: Clock | None = None,
) -> model.Answers[t.Optional[model.TableConfig]]:
    """What each MetaProxy answers to a client that asks for the table; see :func:`ask_proxies_for`."""
    return ask_proxies_for(addresses, (name,), settings, clock)[name]


def ask_proxies_for(
    addresses: t.Iterable[str],
    names: t.Iterable[str],
    settings: ConnectionSettings | None = None,
    clock: Clock | None = None,
) -> dict[str, model.Answers[t.Optional[model.TableConfig]]]:
    """By table, what each MetaProxy answers to a client that asks for it; None where it knows no such table.

    ``pegasus.refused`` with ``ERR_INVALID_DATA``: the znode is no valid JSON or has fewer than two addresses; with
    ``ERR_ZOOKEEPER_OPERATION``: the proxy has trouble with ZooKeeper.
    """
    waiting, ticking = settings or ConnectionSettings(), clock or SystemClock()

    def ask(address: str, name: str) -> model.TableConfig | None:
        doing = f"ask the MetaProxy for the table {name}"
        call = wire.Call(messages.QUERY_CONFIG, {"app_name": name, "partition_indices": []})
        channel = wire.Channel(address, waiting)
        try:
            reply = channel.call(call, Deadline(ticking, waiting.rpc_timeout, doing))
        except wire.Broken as broken:
            raise broken_error(
                broken, doing, address, seconds=waiting.rpc_timeout, mutating=False, option=_OPTION
            ) from broken
        except MigrationError as error:
            error.details.update(address=address, doing=doing)
            raise
        finally:
            channel.close()
        if reply.err in NO_SUCH_APP:
            return None
        if reply.err != OK:
            raise server_error(reply.err, doing, address=address, hint=reply.hint)
        return decode.table_config(reply.value)

    listed = tuple(addresses)
    return ask_in_turn(dict.fromkeys(names, listed), ask)
