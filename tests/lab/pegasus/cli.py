# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pegasus part of the lab's command line."""

from __future__ import annotations

import argparse
import typing as t

from lab.pegasus.model import LEVELS
from lab.pegasus.profiles import PROFILES, Profile
from lab.pegasus.zookeeper import missing

if t.TYPE_CHECKING:
    from lab.pegasus.server import PegasusLab

ENGINE = "pegasus"
HELP = "two Pegasus clusters, between which a table is migrated"


def add_options(start: argparse.ArgumentParser) -> None:
    """The options of ``start`` that only this engine has."""
    start.add_argument("--profile", default="2.6", help="one of %s, or an exact version" % ", ".join(PROFILES))
    start.add_argument("--target-profile", default="", help="another version for the target cluster")
    start.add_argument(
        "--table", default="temp", help="tables of the source, separated by commas; clients use the first"
    )
    start.add_argument("--partitions", type=int, default=64, help="partitions of each table")
    start.add_argument("--replicas", type=int, default=3, help="replicas of each partition")
    start.add_argument("--records", type=int, default=50, help="records per partition at the start")
    start.add_argument("--more-tables", type=int, default=0, help="further, empty tables: more_00000, ...")
    start.add_argument("--replica-servers", type=int, default=5, help="replica servers of each cluster")
    start.add_argument("--metas", type=int, default=3, help="meta servers of each cluster")
    start.add_argument("--meta-level", default="steady", choices=sorted(LEVELS), help="meta level of both clusters")
    start.add_argument("--clients", type=int, default=8, help="writing clients")
    start.add_argument("--rate", type=float, default=200.0, help="writes per lab second, all clients together")
    start.add_argument("--seed", type=int, default=7)
    start.add_argument("--copy-seconds", type=float, default=None, help="longest copy of a partition's checkpoint")
    start.add_argument("--no-metaproxy", action="store_true", help="no ZooKeeper and no MetaProxy")


def problem(args: argparse.Namespace) -> str:
    """Why the options make no lab; empty when they do."""
    for option in ("profile", "target_profile"):
        value = getattr(args, option)
        try:
            if value:
                Profile.choose(value)
        except ValueError as error:
            name = option.replace("_", "-")
            return "--%s: %s; give one of %s, or an exact version" % (name, error, ", ".join(PROFILES))
    for name in ("partitions", "replicas", "replica_servers", "metas"):
        if getattr(args, name) < 1:
            return "--%s must be 1 or more" % name.replace("_", "-")
    if not all(args.table.split(",")):
        return "--table: a name is missing"
    lacking = "" if args.no_metaproxy else missing()
    return "%s, or give --no-metaproxy" % lacking if lacking else ""


def create(args: argparse.Namespace, directory: str) -> PegasusLab:
    """The lab that the arguments ask for, not started yet."""
    from lab.pegasus.server import Options, PegasusLab  # loaded only where a lab runs

    names = ("profile", "target_profile", "factor", "partitions", "replicas", "clients", "rate", "seed", "metas")
    values: dict[str, t.Any] = {name: getattr(args, name) for name in names}
    values.update(tables=args.table.split(","), metaproxy=not args.no_metaproxy, records=args.records)
    values.update(replica_servers=args.replica_servers, meta_level=args.meta_level, copy_seconds=args.copy_seconds)
    values.update(more_tables=args.more_tables)
    return PegasusLab(Options(**values))


def connect_text(describe: t.Mapping[str, t.Any]) -> str:
    """How a person looks at it with ordinary tools."""
    lines = ["Pegasus lab (profile %s, %g times faster than real time)" % (describe["profile"], describe["factor"])]
    for key, cluster in describe["clusters"].items():
        lines += [
            "  %s %s, Pegasus %s" % (key, cluster["name"], cluster["version"]),
            "    meta servers     %s" % ",".join(cluster["metas"]),
            "    replica servers  %s" % ",".join(cluster["replicas"]),
            "    curl -L 'http://%s/meta/apps?detail'" % cluster["metas"][0],
        ]
    if describe["zookeeper"]:
        lines.append("  ZooKeeper %(hosts)s, root %(root)s" % describe["zookeeper"])
        lines.append("  MetaProxy %s" % ",".join(describe["metaproxies"]))
    lines += [
        "  curl %s/state        (tables, partitions, duplications)" % describe["control"],
        "  curl %s/ledger       (acknowledged and missing writes)" % describe["control"],
    ]
    return "\n".join(lines)


def status_text(state: t.Mapping[str, t.Any]) -> str:
    """One line about a running lab."""
    clusters = ", ".join(
        "%s %s: %s" % (key, c["version"], " ".join("%s %s" % (n, a["status"]) for n, a in c["apps"].items()))
        for key, c in state["clusters"].items()
    )
    return "%s, lab time %.1f s, %s" % (state["engine"], state["time"], clusters)
