# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's clients lose nothing that was acknowledged, whatever happens to the frontends."""

from __future__ import annotations

import time

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs

pytestmark = pytest.mark.thorough


def _grow(lab: LabClient, more: int) -> None:
    """Wait until that many more rows are acknowledged."""
    start, end = lab.ledger()["acknowledged"], time.monotonic() + 20
    while lab.ledger()["acknowledged"] < start + more:
        assert time.monotonic() < end, lab.ledger()
        time.sleep(0.05)


def test_a_change_of_leader_a_death_and_a_freeze_lose_nothing() -> None:
    labs = EmbeddedLabs()
    try:
        lab = labs.start("starrocks", "3.5", tables=4, databases=2, rate=50, factor=20)
        _grow(lab, 200)
        lab.call("POST", "/frontends/source/failover")
        _grow(lab, 200)
        lab.call("POST", "/frontends/source/1/kill")
        _grow(lab, 200)
        lab.call("POST", "/foreign", {"config": {"disable_load_job": "true"}})
        time.sleep(0.5)
        frozen = lab.ledger()
        time.sleep(0.5)
        assert lab.ledger()["acknowledged"] == frozen["acknowledged"]
        assert lab.ledger()["refused_windows"][-1][0] <= frozen["refused_windows"][-1][1]
        lab.call("POST", "/foreign", {"config": {"disable_load_job": "false"}})
        _grow(lab, 200)
        found = lab.ledger()
        assert found["missing"] == 0
        assert found["missing_on"]["target"] == found["acknowledged"]
    finally:
        labs.close()
