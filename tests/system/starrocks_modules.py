# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the StarRocks modules as Ansible starts them, against a lab, and what the lab's record must say of it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t
from urllib.parse import unquote_plus

from lab.client import LabClient

MODULES = "ansible_collections.dbops.migration.plugins.modules.starrocks_"
COLLECTIONS = pathlib.Path(__file__).resolve().parents[2] / "build" / "collections"
SMALL: dict[str, t.Any] = {
    "engine": "starrocks",
    "databases": 1,
    "tables": 2,
    "partitions": 1,
    "rate": 0,
    "factor": 20,
}

Result = t.Dict[str, t.Any]


def connection(lab: LabClient, side: str = "source", prefix: str = "") -> dict[str, t.Any]:
    """The connection options of one side, as JSON text, as AWX would give them."""
    cluster = lab.describe["clusters"][side]
    return {
        f"{prefix}frontends": json.dumps(cluster["address"]),
        f"{prefix}address_map": json.dumps(cluster["address_map"]),
        f"{prefix}username": "root",
        f"{prefix}password": lab.describe["users"]["root"] or None,
        f"{prefix}connect_timeout": "2s",
        f"{prefix}read_timeout": "10s",
    }


def start(module: str, options: t.Mapping[str, t.Any], check: bool = False) -> subprocess.Popen[str]:
    """Start one module; what is None is left out."""
    given = {name: value for name, value in options.items() if value is not None}
    process = subprocess.Popen(
        [sys.executable, "-m", MODULES + module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**given, "_ansible_check_mode": check}}))
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[str]) -> Result:
    """Wait for its end; its result, which may be a failure but no fault of the collection."""
    out, err = process.communicate(timeout=120)
    assert "{" in out, out + err
    result: Result = json.loads(out[out.index("{") :])
    assert result.get("code") != "internal.error", result
    result.pop("invocation", None)
    return result


def run(module: str, lab: LabClient, check: bool = False, side: str = "source", **options: t.Any) -> Result:
    """One run to its end against one cluster."""
    return finish(start(module, {**connection(lab, side), **options}, check))


def _plain(request: str) -> str:
    """A request as a person reads it. Only what goes over HTTP is encoded; a plus in SQL is a plus."""
    return unquote_plus(request) if request.startswith(("GET ", "POST ", "/")) else request


def sent(lab: LabClient) -> list[str]:
    """The requests that change something, in order, as the lab has recorded them: SQL, or ``GET /path?query``."""
    return [_plain(one["request"]) for one in lab.requests(mutating=True)]


def told(result: Result) -> list[str]:
    """The calls that a result tells of, in the same words."""
    return [_plain(call.get("sql") or call["http"]) for call in result["calls"]]
