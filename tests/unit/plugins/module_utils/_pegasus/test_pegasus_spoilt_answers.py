# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer to a change that was cut off or spoilt on its way: the change may have been made, and is not sent on."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Interval, Intervals
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import CONFIG_SYNC_FLAG
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import send_call
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.fake_server import (
    QUICK,
    Received,
    Server,
    answer,
    page,
)

SPOILT = [b"HTTP/1.1 2\r\n", b"no such thing\r\n", b"HTTP/9.9 200 OK\r\n\r\n"]


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_answer_to_a_changed_setting_is_ambiguous(spoilt: bytes) -> None:
    with Server(lambda _one: spoilt) as server, ReplicaClient(QUICK) as client:
        with pytest.raises(MigrationError) as caught:
            client.update_config(server.address, "x", "1")
        read = client.get_config([server.address], "x").failed[server.address]
    assert caught.value.code == "pegasus.ambiguous" and "its answer is not HTTP" in caught.value.message
    assert read.code == "pegasus.not_pegasus"


def test_an_interval_is_ours_although_the_answer_was_spoilt() -> None:
    values = ["30000"]

    def handle(received: Received) -> bytes:
        if received.name.startswith("/updateConfig"):
            values.append(received.name.partition("=")[2])
            return b"HTTP/1.1 2\r\n"
        return page(json.dumps({"name": CONFIG_SYNC_FLAG, "value": values[-1]}))

    with Server(handle) as server, ReplicaClient(QUICK) as client:
        intervals = Intervals(client, "onebox-a")
        done = send_call(intervals.shorten(Interval(server.address, "30000", "1000")), None, SystemClock())
    assert done == {"read_back": ["1000"], "sent": 1, "replies_lost": 1} and values == ["30000", "1000"]


@pytest.mark.parametrize("spoilt", [b"HTTP/1.1 502 Bad Gateway\r\n\r\n", b"\0\0\0\x20\0\0\0\x04oops" + bytes(24)])
def test_a_change_with_a_spoilt_answer_is_not_sent_on_to_the_next_meta_server(spoilt: bytes) -> None:
    def good(received: Received) -> bytes:
        return answer(received, {"infos": []} if received.name == "RPC_CM_LIST_APPS" else {"old_level": 500})

    with Server(lambda _one: spoilt) as first, Server(good) as second:
        addresses: t.List[str] = [first.address, second.address]
        with MetaClient(addresses, QUICK) as meta:
            with pytest.raises(MigrationError) as caught:
                meta.update_app_env("temp", "set", ["k"], ["v"])
            assert second.seen("RPC_CM_UPDATE_APP_ENV") == []
            assert meta.list_apps() == ()
    assert caught.value.code == "pegasus.ambiguous" and "which is not Pegasus" in caught.value.message
    assert len(first.seen("RPC_CM_UPDATE_APP_ENV")) == 1
