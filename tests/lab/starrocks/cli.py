# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StarRocks part of the lab's command line."""

from __future__ import annotations

import argparse
import typing as t

from lab.starrocks.profiles import PROFILES, RUN_MODES, SHARED_NOTHING, Profile
from lab.starrocks.tool_files import GENERATIONS

if t.TYPE_CHECKING:
    from lab.starrocks.server import StarRocksLab

ENGINE = "starrocks"
HELP = "two StarRocks clusters, between which the sync tool copies tables"
_SAME = "another one for the target cluster"


def add_options(start: argparse.ArgumentParser) -> None:
    """The options of ``start`` that only this engine has."""
    start.add_argument("--profile", default="4.1", help="one of %s, or an exact version" % ", ".join(PROFILES))
    start.add_argument("--target-profile", default="", help=_SAME)
    start.add_argument("--mode", default=SHARED_NOTHING, choices=RUN_MODES, help="run mode of the source cluster")
    start.add_argument("--target-mode", default="", choices=("", *RUN_MODES), help=_SAME)
    start.add_argument("--databases", type=int, default=4, help="databases of the source")
    start.add_argument("--tables", type=int, default=200, help="tables of the source, over all databases")
    start.add_argument("--partitions", type=int, default=4, help="partitions of each table")
    start.add_argument("--copied", action="store_true", help="the target holds all of them already")
    start.add_argument("--clients", type=int, default=4, help="clients that insert rows over MySQL")
    start.add_argument("--rate", type=float, default=20.0, help="rows per lab second, all clients together")
    start.add_argument("--frontends", type=int, default=3, help="frontends of each cluster")
    start.add_argument("--observers", type=int, default=0, help="how many of them are observers")
    start.add_argument("--nodes", type=int, default=3, help="backends or compute nodes of each cluster")
    start.add_argument("--same-host", action="store_true", help="the first two frontends share a host")
    start.add_argument("--host-names", action="store_true", help="nodes are known by names, not by addresses")
    start.add_argument("--container", action="store_true", help="/.dockerenv exists: nothing can be persisted")
    start.add_argument(
        "--tls", nargs="?", const="prefer", default="", choices=("", "prefer", "require"), help="offer or require TLS"
    )
    start.add_argument("--version-text", default="", help="the version that nodes report, as a custom build would")
    start.add_argument("--fe-conf", default="", metavar="KEY=VALUE,...", help="further lines of every fe.conf")
    start.add_argument("--no-s3", action="store_true", help="no S3 server: volumes say what nobody checks")
    start.add_argument("--tool-generation", default="2026", help="one of %s" % ", ".join(GENERATIONS))
    start.add_argument("--tool-background", action="store_true", help="the tool's start.sh returns at once")
    start.add_argument("--seed", type=int, default=7)


def problem(args: argparse.Namespace) -> str:
    """Why the options make no lab; empty when they do."""
    for name, mode in (("profile", args.mode), ("target_profile", args.target_mode or args.mode)):
        try:
            Profile.choose(getattr(args, name) or args.profile, mode)
        except ValueError as error:
            text = "--%s: %s; give one of %s, or an exact version"
            return text % (name.replace("_", "-"), error, ", ".join(PROFILES))
    for name in ("databases", "frontends", "nodes"):
        if getattr(args, name) < 1:
            return "--%s must be 1 or more" % name
    if args.tool_generation not in GENERATIONS:
        return "--tool-generation: one of %s" % ", ".join(GENERATIONS)
    if args.observers >= args.frontends:
        return "--observers must be fewer than --frontends"
    if not all("=" in pair for pair in args.fe_conf.split(",") if pair):
        return "--fe-conf: KEY=VALUE expected"
    return ""


def create(args: argparse.Namespace, directory: str) -> StarRocksLab:
    """The lab that the arguments ask for, not started yet."""
    from lab.starrocks.server import Options, StarRocksLab  # loaded only where a lab runs

    names = [name for name in Options.__dataclass_fields__ if name not in ("fe_conf", "s3")]
    values: dict[str, t.Any] = {name: getattr(args, name) for name in names}
    values["s3"] = not args.no_s3
    pairs = [pair.partition("=") for pair in args.fe_conf.split(",") if pair]
    values["fe_conf"] = {key: value for key, _equals, value in pairs}
    return StarRocksLab(Options(**values), directory)


def connect_text(describe: t.Mapping[str, t.Any]) -> str:
    """How a person looks at it with ordinary tools."""
    lines = ["StarRocks lab (%g times faster than real time)" % describe["factor"]]
    for key, cluster in describe["clusters"].items():
        lines.append("  %s: StarRocks %s, %s" % (key, cluster["version"], cluster["run_mode"]))
        for frontend in cluster["frontends"]:
            text = "    %-8s known as %s:%d   mysql -h 127.0.0.1 -P %d -u root   http://127.0.0.1:%d"
            ports = frontend["query_port"], frontend["query_port"], frontend["http_port"]
            lines.append(text % (frontend["role"].lower(), frontend["host"], *ports))
    lines.append("  the sync tool's archive: %s" % describe["tool"]["archive"])
    lines.append("  users (password): %s" % ", ".join("%s (%s)" % item for item in describe["users"].items()))
    lines.append("  curl %s/state        (frontends, nodes, tables, volumes)" % describe["control"])
    lines.append("  curl %s/ledger       (acknowledged and missing rows)" % describe["control"])
    lines.append("  curl %s/requests     (every request received)" % describe["control"])
    return "\n".join(lines)


def status_text(state: t.Mapping[str, t.Any]) -> str:
    """One line about a running lab."""
    clusters = ", ".join(
        "%s %s %s with %d frontends" % (key, c["version"], c["run_mode"], len(c["frontends"]))
        for key, c in state["clusters"].items()
    )
    return "%s, lab time %.1f s, %s" % (state["engine"], state["time"], clusters)
