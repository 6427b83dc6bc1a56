# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether values go to fe.conf too is decided before anything is sent, by what can be known then."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_persisting import (
    decide_persisting,
    memory_only,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.kubernetes_names import is_kubernetes_name
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend

POD = "fe-1.fe-search.prod.svc.cluster.local"


def frontend(host: str) -> Frontend:
    return Frontend(host, host, 9030, 8030, 9020, "FOLLOWER", True, "1", "3.5.0", "")


@pytest.mark.parametrize(
    "host",
    [
        POD,
        POD.upper() + ".",
        "fe-0.starrocks.svc.cluster.local",
        "frontend-0.frontend.mynamespace.svc.cluster.local",
        "starrocks-fe-service.prod.svc",
        "fe-0.fe-search.prod.svc",
        "10-244-1-7.prod.pod.cluster.local",
        "fe-0.fe-search.prod.svc.k8s.example.com",
    ],
)
def test_names_that_only_kubernetes_gives(host: str) -> None:
    assert is_kubernetes_name(host)


@pytest.mark.parametrize(
    "host",
    [
        "10.1.0.11",
        "fd00::11",
        "",
        "fe-0",
        "fe-0.example.com",
        "svc",
        "fe-0.svc",
        "db.svc.example.com",
        "fe-0.svc.example.com",
        "fe-0.db.svc.example.com",
        "fe.db.prod.svc.example.com",
        "fe-x.fe-search.prod.svc.example.com",
        "svc.cluster.local",
        "fe-0.prod.svc.cluster.local.example.com",
        "fe 0.fe-search.prod.svc",
        "fe-0..svc",
    ],
)
def test_names_that_a_host_may_have_too(host: str) -> None:
    assert not is_kubernetes_name(host)


@pytest.mark.parametrize(
    ("wish", "with_persistent", "host", "refused", "tried", "code"),
    [
        ("auto", True, "10.1.0.11", False, True, ""),
        ("auto", True, "10.1.0.11", True, False, "refused"),
        ("auto", True, POD, False, False, "kubernetes"),
        ("auto", True, POD, True, False, "refused"),
        ("auto", False, POD, False, False, "version"),
        ("never", True, "10.1.0.11", False, False, "not_wanted"),
        ("never", False, "10.1.0.11", False, False, "not_wanted"),
        ("always", True, POD, True, True, ""),
        ("always", False, "10.1.0.11", False, False, "version"),
    ],
)
def test_what_decides(wish: str, with_persistent: bool, host: str, refused: bool, tried: bool, code: str) -> None:
    frontends = [frontend("10.1.0.12"), frontend(host)]
    found = decide_persisting(wish, with_persistent, "3.5.0", frontends, refused)
    assert (found.tried, found.code, bool(found.reason)) == (tried, code, not tried)
    assert found.or_memory == (tried and wish == "auto")
    if code == "kubernetes":
        assert POD in found.reason


def test_what_a_restart_forgets_is_said_with_the_servers_words_where_it_was_asked() -> None:
    assert memory_only("k", "").startswith("k is set in memory only, and a frontend that restarts forgets it.")
    assert memory_only("k", "no way").startswith("k could not be written to fe.conf (no way); it is set in memory, and")
