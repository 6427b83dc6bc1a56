# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the Pegasus modules as Ansible starts them, against a lab, and what the lab's record must say of it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

from lab.client import LabClient
from lab.pegasus import texts

MODULES = "ansible_collections.dbops.migration.plugins.modules.pegasus_"
COLLECTIONS = pathlib.Path(__file__).resolve().parents[2] / "build" / "collections"
PROFILES = ("2.4", "2.5", "2.6")
SMALL: dict[str, t.Any] = {
    "engine": "pegasus",
    "partitions": 8,
    "clients": 2,
    "rate": 40,
    "factor": 20,
    "no_metaproxy": True,
}

Result = t.Dict[str, t.Any]


def metas(lab: LabClient, side: str = "source") -> str:
    """The meta servers of one side, as JSON text, as AWX would give them."""
    return json.dumps(lab.describe["clusters"][side]["metas"])


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


def run(module: str, lab: LabClient, check: bool = False, side: str = "source", **options: t.Any) -> Result:
    """One run to its end; its result, which may be a failure but no fault of the collection."""
    process = start(module, {"meta_servers": metas(lab, side), **options}, check)
    out, err = process.communicate(timeout=120)
    assert "{" in out, out + err
    result: Result = json.loads(out[out.index("{") :])
    assert result.get("code") != "internal.error", result
    result.pop("invocation", None)
    return result


def sent(lab: LabClient) -> list[str]:
    """The requests that change something, in order, as the lab has recorded them."""
    return [one["request"] for one in lab.requests(mutating=True)]


def told(result: Result) -> list[str]:
    """The calls that a result tells of, in the words of the lab's record; several changes can share one call."""
    calls = result["calls"] if "calls" in result else [change["request"] for change in result["changes"]]
    return [texts.describe(call["rpc"], call["fields"]) for call in calls]
