# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import ReasonRegistry, Wait


def test_only_the_worst_five_are_shown() -> None:
    wait = Wait("x.lag", "20 regions", "all leaders moved", "2026-11-21T00:00:00.000Z", [str(n) for n in range(20)], 20)
    result = wait.as_result()
    assert result["worst"] == ["0", "1", "2", "3", "4"]
    assert result["count"] == 20
    assert set(result) == {"reason", "waiting_for", "ends_when", "since", "worst", "count"}


def test_only_known_reasons() -> None:
    registry = ReasonRegistry(frozenset({"x.lag"}))
    assert registry.check("x.lag") == "x.lag"
    with pytest.raises(MigrationError) as caught:
        registry.check("x.other")
    assert caught.value.code == "wait.unknown_reason"
    assert "x.other" in caught.value.message
