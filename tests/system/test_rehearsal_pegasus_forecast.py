# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal makes the forecast of the real cutover nearer to what it then takes.

The source is a 2.4 whose operator has set another config-sync interval in its configuration, which a 2.4 does not show:
without a rehearsal the version's default is assumed.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system.pegasus_cutover_lab import ENVIRONMENT, Cutovers, duplicate

DRIVER = str(pathlib.Path(__file__).with_name("pegasus_rehearsal_driver.py"))
FACTOR = 5
pytestmark = [pytest.mark.cost(80), pytest.mark.thorough]


def rehearse(lab: LabClient, options: dict[str, t.Any], state: str) -> dict[str, t.Any]:
    given = {"options": {**options, "state": state}, "factor": FACTOR}
    done = subprocess.run(
        [sys.executable, DRIVER, json.dumps(given)],
        capture_output=True,
        env=ENVIRONMENT,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.stdout, done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout)
    assert not result["failed"], result
    return result


def rehearsed(lab: LabClient, cutovers: Cutovers, folder: pathlib.Path) -> str:
    """A rehearsal from its beginning to its end; where its journal is."""
    journal = str(folder / "rehearsal.jsonl")
    options = cutovers.options("temp", journal=journal, migration_id="rehearsal", last_mutation="accept")
    for name in ("tables", "state", "group_size"):
        options.pop(name)
    table = rehearse(lab, options, "present")["table"]
    lab.foreign(table=table, znode={"cluster": "source"})
    duplicate(lab, [table])
    rehearse(lab, options, "cut_over")
    lab.foreign(table=table, znode={"data": None})
    return journal


@pytest.mark.parametrize(
    ("seed", "interval"),
    [(3, 6), (11, 12), (29, 4)],
)
def test_the_forecast_is_nearer_with_a_rehearsal(seed: int, interval: int, tmp_path: pathlib.Path) -> None:
    options: dict[str, t.Any] = {
        "engine": "pegasus",
        "partitions": 8,
        "clients": 2,
        "rate": 20,
        "seed": seed,
        "factor": FACTOR,
    }
    with process.start(profile="2.4", **options) as lab:
        lab.foreign(config={"config_sync_interval_ms": interval * 1000})
        cutovers = Cutovers(lab, tmp_path, budget="200s")
        journal = rehearsed(lab, cutovers, tmp_path)
        duplicate(lab, ["temp"])
        accept: dict[str, t.Any] = {"last_mutation": "accept"}
        (without,) = cutovers.run("temp", check=True, **accept)["tables"]
        real = cutovers.run("temp", rehearsal_journal=journal, rehearsal_max_age="1d", **accept)
        assert not real["failed"], real
        (table,) = real["tables"]
        took = table["window"]["refused"]
        basis = table["forecast"]["basis"]
        assert basis["from"] == "rehearsal"
        assert journal in basis["text"]
        assert without["forecast"]["basis"]["from"] == "settings"
        assert without["forecast"]["basis"]["config_sync"] == 30.0
        assert abs(table["forecast"]["window_p50"] - took) < abs(without["forecast"]["window_p50"] - took)
        assert table["forecast"]["window_p95"] < without["forecast"]["window_p95"]
        # What is kept for lifting the fence does not become shorter.
        assert table["forecast"]["lift_reserve"] >= without["forecast"]["lift_reserve"] - 1.0
