# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a test where the documents have hosts, folders and secrets of a reader."""

from __future__ import annotations

import typing as t

from system import pegasus_playbooks, playbooks, starrocks_playbooks
from system.documented_steps import Labs

if t.TYPE_CHECKING:
    import pathlib


def variables(labs: Labs, folder: pathlib.Path) -> dict[str, t.Any]:
    """What leads the documented variables to the labs; everything else is as documented."""
    found: dict[str, t.Any] = {}
    if "greptimedb" in labs:
        found.update(playbooks.connection(labs["greptimedb"]))
    if "pegasus" in labs:
        theirs = pegasus_playbooks.variables(labs["pegasus"], folder)
        places = ("meta_servers", "target_meta_servers", "metaproxies", "zookeeper_hosts", "zookeeper_root")
        found.update({f"pegasus_{name}": theirs[f"pegasus_{name}"] for name in places})
        # The lab's clock runs, ours does not, so the forecast in our seconds is larger.
        found.update(pegasus_budget="6m", pegasus_config_sync_interval="keep", pegasus_poll_interval="0.5s")
    if "starrocks" in labs:
        theirs = starrocks_playbooks.variables(labs["starrocks"], folder)
        documented = ("starrocks_journal", "starrocks_migration_id", "starrocks_report", "starrocks_tool_directory")
        found.update({name: value for name, value in theirs.items() if name not in documented})
        found.update(
            starrocks_password="", starrocks_target_password="", starrocks_include_data_list=["sales", "logistics"]
        )
        found.update(starrocks_compaction_ramp_time="1s")
    return found


def replacements(labs: Labs, folder: pathlib.Path) -> dict[str, str]:
    """Documented places, and what stands there in a test."""
    found = {place: f"{folder}{place}" for place in ("/var/lib/dbops", "/srv/migration", "/opt/starrocks-cluster-sync")}
    found["/tmp/lab.json"] = f"{folder}/lab.json"
    found["GREPTIMEDB_USER=admin GREPTIMEDB_PASSWORD=..."] = "GREPTIMEDB_HOST=127.0.0.1"
    if "greptimedb" in labs:
        found["greptimedb.example.com"] = "127.0.0.1"
        found["http://127.0.0.1:40801"] = labs["greptimedb"].describe["control"]
    if "pegasus" in labs:
        for prefix, side in (("old", "source"), ("new", "target")):
            metas = labs["pegasus"].describe["clusters"][side]["metas"]
            for separator in (",", ", "):
                places = separator.join(f"{prefix}-meta-{number}.example.com:34601" for number in range(2))
                found[places] = separator.join(metas)
    if "starrocks" in labs:
        for prefix, side in (("old", "source"), ("new", "target")):
            frontends = labs["starrocks"].describe["clusters"][side]["address"]
            places = ", ".join(f"{prefix}-fe-{number}.example.com:9030" for number in range(3))
            found[places] = ", ".join(frontends)
        source = labs["starrocks"].describe["clusters"]["source"]
        found["old-fe-0.example.com -P 9030"] = "{} -P {}".format(*source["address"][0].rsplit(":", 1))
        http = ",".join(f"127.0.0.1:{one['http_port']}" for one in source["frontends"])
        found["{" + ",".join(f"old-fe-{number}.example.com" for number in range(3)) + "}:8030"] = "{" + http + "}"
    return found


def module_defaults(labs: Labs) -> dict[str, t.Any]:
    """Options that lead documented tasks to the labs, where the documents do not give them."""
    found: dict[str, t.Any] = {}
    if "greptimedb" in labs:
        given = {name[len("greptimedb_") :]: value for name, value in playbooks.connection(labs["greptimedb"]).items()}
        given.pop("frontend_host")
        found["group/dbops.migration.greptimedb"] = given
    if "starrocks" in labs:
        clusters = labs["starrocks"].describe["clusters"]
        sides = (("", "source"), ("target_", "target"))
        found["group/dbops.migration.starrocks"] = {
            f"{prefix}address_map": clusters[side]["address_map"] for prefix, side in sides
        }
    return found
