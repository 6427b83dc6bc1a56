# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one module of the Pegasus engine as Ansible starts it, against a lab."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

from lab.client import LabClient

MODULES = "ansible_collections.dbops.migration.plugins.modules.pegasus_"
COLLECTIONS = pathlib.Path(__file__).resolve().parents[2] / "build" / "collections"

# What a person's shell may hold and a test must not see.
_DROPPED = ("PEGASUS_", "DBOPS_MIGRATION_", "AWS_")

Result = t.Dict[str, t.Any]


def run(module: str, options: t.Mapping[str, t.Any]) -> Result:
    """One run; options that are None are left out."""
    given = {name: value for name, value in options.items() if value is not None}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    # A module that refuses exits with 1 and tells why in its result.
    done = subprocess.run(
        [sys.executable, "-m", MODULES + module],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": given}),
        env={**environment, "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "{" in done.stdout, done.stdout + done.stderr
    result: Result = json.loads(done.stdout[done.stdout.index("{") :])
    assert result.get("code") != "internal.error", result
    return result


def clusters(lab: LabClient) -> dict[str, t.Any]:
    """Both clusters of a lab; lists as JSON text, as AWX would give them."""
    described = lab.describe["clusters"]
    return {
        "meta_servers": json.dumps(described["source"]["metas"]),
        "target_meta_servers": json.dumps(described["target"]["metas"]),
    }


def metaproxy(lab: LabClient) -> dict[str, t.Any]:
    """ZooKeeper and MetaProxies of a lab; nothing for a lab without."""
    described = lab.describe
    if not described["zookeeper"]:
        return {}
    return {
        "zookeeper_hosts": described["zookeeper"]["hosts"],
        "zookeeper_root": described["zookeeper"]["root"],
        "metaproxies": json.dumps(described["metaproxies"]),
    }
