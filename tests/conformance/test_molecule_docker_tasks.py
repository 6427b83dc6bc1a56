# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of pegasus_docker with its own variables, which choose another way than pegasus_lab, against the lab.

Only the addresses are the lab's. The clients make their table themselves, and are switched by tasks instead of
MetaProxy. The variables of the other two scenarios choose what those of the labs choose.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from lab import process
from tooling import paths, scenarios

NOTHING_CHANGED = re.compile(r"^localhost +: .* changed=0 ", re.MULTILINE)


@pytest.mark.thorough
@pytest.mark.cost(100)
def test_tasks_switch_the_clients_of_pegasus(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "cluster"
    home.mkdir()
    said = {}
    with process.start(
        "pegasus", "2.5", no_metaproxy=True, replica_servers=3, metas=2, partitions=4, clients=1, rate=1, factor=10
    ) as lab:
        metas = {side: lab.describe["clusters"][side]["metas"] for side in ("source", "target")}
        given = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "pegasus_meta_servers": metas["source"],
            "pegasus_target_meta_servers": metas["target"],
            # The lab's clock is faster than that of the role.
            "pegasus_poll_interval": "0.5s",
        }
        try:
            for action in ("prepare", "converge", "idempotence", "verify"):
                name = "converge" if action == "idempotence" else action
                path = scenarios.MOLECULE / "shared" / "pegasus" / f"{name}.yml"
                said[action] = scenarios.playbook("pegasus", tmp_path, "-e", json.dumps(given), str(path))
        finally:
            stop = [sys.executable, "-m", "clients", "stop", "--home", str(home)]
            subprocess.run(stop, env={**os.environ, "PYTHONPATH": str(paths.ROOT / "tests")}, check=True, timeout=120)
        assert json.loads((home / "place.json").read_text())["servers"] == metas["target"]
    assert NOTHING_CHANGED.search(said["idempotence"])
    assert not NOTHING_CHANGED.search(said["converge"])
