# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo: drain one datanode of a simulated GreptimeDB cluster under load, and show what came of it.

The lab is left running, so that the same command can be given again (it then changes nothing) and a person can look
around. `make demo ARGS=--stop` ends it, `make demo ARGS=--fresh` starts over.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from demo import summary
from lab.client import LabClient
from tooling import linked, paths

HOME = paths.BUILD / "demo"
DESCRIBE = HOME / "lab.json"
MIGRATION = "demo-drain-datanode-1"
DRAINED = 1


def main() -> int:
    options = read_arguments()
    HOME.mkdir(parents=True, exist_ok=True)
    if options.stop or options.fresh:
        stop_lab()
    if options.stop:
        print("The lab is stopped.")
        return 0
    if options.fresh:
        shutil.rmtree(HOME)
        HOME.mkdir()
    client = running_lab() or start_lab(options.profile)
    first = next_request(client)
    written = client.ledger()["acknowledged"]
    started = time.monotonic()
    code = subprocess.run(playbook_command(), env=linked.ansible_environment(), cwd=HOME, check=False).returncode
    took = time.monotonic() - started
    print()
    print(summary.text(client, HOME, first, written, seconds=took, ok=code == 0, drained=DRAINED))
    return code


def next_request(client: LabClient) -> int:
    """Return the number that the next request to the lab will have."""
    return max((one["seq"] + 1 for one in client.requests()), default=0)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--profile", default="1.1", help="the simulated GreptimeDB version (default: 1.1)")
    parser.add_argument("--fresh", action="store_true", help="stop a running lab and start with a new one")
    parser.add_argument("--stop", action="store_true", help="stop the lab and do nothing else")
    return parser.parse_args()


def running_lab() -> LabClient | None:
    """Return the lab that an earlier demo left running, if it still answers."""
    if not DESCRIBE.exists():
        return None
    client = LabClient(str(DESCRIBE))
    try:
        client.state()
    except OSError:
        # Its journal and plan speak of a cluster that is gone.
        shutil.rmtree(HOME)
        HOME.mkdir()
        return None
    print(f"Using the lab that runs already (process {client.describe['pid']}).")
    return client


def start_lab(profile: str) -> LabClient:
    print("Starting the lab: metasrv, frontend, four datanodes, 60 regions, writers ...", flush=True)
    command = [sys.executable, "-m", "lab", "greptimedb", "start", "--detach", "--describe", str(DESCRIBE)]
    command += ["--profile", profile, "--datanodes", "4", "--regions", "60", "--writers", "4", "--seed", "7"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(paths.ROOT / "tests")}, cwd=paths.ROOT)
    client = LabClient(str(DESCRIBE))
    frontend = client.describe["frontend"]
    print(
        f"GreptimeDB {client.describe['version']} (simulated): mysql -h {frontend['host']} -P {frontend['mysql_port']}"
        f" -u {client.describe.get('username') or 'root'} public"
    )
    return client


def stop_lab() -> None:
    if DESCRIBE.exists():
        command = [sys.executable, "-m", "lab", "stop", "--describe", str(DESCRIBE)]
        subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(paths.ROOT / "tests")})


def playbook_command() -> list[str]:
    """Return the ansible-playbook call; a person could give the same against a real cluster."""
    described = json.loads(DESCRIBE.read_text())
    extra = {
        "greptimedb_frontend_host": described["frontend"]["host"],
        "greptimedb_frontend_port": described["frontend"]["mysql_port"],
        "greptimedb_metasrv_addrs": [one["grpc"] for one in described["metasrv"]],
        "greptimedb_metasrv_http_addrs": [one["http"] for one in described["metasrv"]],
        "greptimedb_datanode_http_addrs": {number: one["http"] for number, one in described["datanodes"].items()},
        "greptimedb_migration_id": MIGRATION,
        "greptimedb_strategy": "drain",
        "greptimedb_datanodes": [DRAINED],
        "greptimedb_journal": str(HOME / "journal.jsonl"),
        "greptimedb_plan_file": str(HOME / "plan.yml"),
        "greptimedb_report": str(HOME / "report.html"),
    }
    (HOME / "vars.json").write_text(json.dumps(extra, indent=2) + "\n")
    playbook = str(pathlib.Path(sys.executable).with_name("ansible-playbook"))
    return [playbook, "dbops.migration.greptimedb", "-e", f"@{HOME / 'vars.json'}"]


if __name__ == "__main__":
    sys.exit(main())
