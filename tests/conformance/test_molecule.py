# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every molecule scenario with a lab converges, is idempotent and verifies."""

from __future__ import annotations

import pytest

from lab.pegasus import zookeeper
from tooling import content, process, stages

# Those that differ from the others in how long they take, when they run, or what they need.
MARKS = {
    "pegasus_lab": [
        pytest.mark.cost(70),
        pytest.mark.thorough,
        pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here"),
    ],
    "starrocks_lab": [pytest.mark.cost(120), pytest.mark.thorough],
}
SCENARIOS = [
    pytest.param(name, marks=MARKS.get(name, [pytest.mark.cost(100)])) for name in content.molecule_scenarios()
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str) -> None:
    stage = stages.prepare(f"molecule-{scenario}")
    where = stage.tree.path / "extensions"
    try:
        stage.run("molecule", "test", "--scenario-name", scenario, cwd=where, timeout=1800)
    except process.ToolFailed:
        # One that was not done in time has left its lab running.
        log = f"{stage.name}-destroy"
        stage.run("molecule", "destroy", "--scenario-name", scenario, cwd=where, check=False, log=log)
        raise
