# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GreptimeDB part of the lab's command line."""

from __future__ import annotations

import argparse
import typing as t

from lab.greptimedb.profiles import PROFILES
from lab.greptimedb.settings import Settings
from lab.greptimedb.versions import Version

if t.TYPE_CHECKING:
    from lab.greptimedb.server import GreptimeLab

ENGINE = "greptimedb"
HELP = "a GreptimeDB cluster"


def add_options(start: argparse.ArgumentParser) -> None:
    """The options of ``start`` that only this engine has."""
    defaults = Settings()
    start.add_argument("--profile", default="1.1", help="one of %s, or an exact version" % ", ".join(PROFILES))
    start.add_argument("--metasrv-version", default="", help="metasrv of another version than the profile's")
    for name in ("datanodes", "metasrvs", "regions", "followers", "writers", "seed"):
        start.add_argument("--" + name, type=int, default=getattr(defaults, name))
    start.add_argument("--rate", type=float, default=defaults.rate, help="writes per lab second, all writers together")
    start.add_argument("--wal", default=defaults.wal, choices=("kafka", "raft_engine", "noop"))
    start.add_argument("--storage", default=defaults.storage, choices=("S3", "Oss", "Azblob", "Gcs", "File"))
    start.add_argument("--user", default="")
    start.add_argument("--password", default="")
    start.add_argument("--readonly-user", default="", help="a second user, read-only from 1.0 on")
    start.add_argument("--readonly-password", default="")
    start.add_argument("--tls", nargs="?", const="prefer", default="", choices=("prefer", "require"))


def problem(args: argparse.Namespace) -> str:
    """Why the options make no lab; empty when they do."""
    try:
        if args.profile not in PROFILES:
            Version(args.profile)
        if args.metasrv_version:
            Version(args.metasrv_version)
    except ValueError as error:
        return "--profile: %s; give one of %s, or an exact version" % (error, ", ".join(PROFILES))
    for name in ("datanodes", "metasrvs", "regions"):
        if getattr(args, name) < 1:
            return "--%s must be 1 or more" % name
    return ""


def create(args: argparse.Namespace, directory: str) -> GreptimeLab:
    """The lab that the arguments ask for, not started yet; certificates go to the directory."""
    from lab.greptimedb.server import GreptimeLab, Options  # loaded only where a lab runs

    names = ("datanodes", "metasrvs", "regions", "followers", "writers", "seed", "rate", "wal", "storage")
    settings = Settings(**{name: getattr(args, name) for name in names})
    options = Options(
        args.profile,
        args.metasrv_version,
        args.factor,
        args.user,
        args.password,
        args.readonly_user,
        args.readonly_password,
        args.tls,
        directory,
    )
    return GreptimeLab(options, settings)


def connect_text(describe: t.Mapping[str, t.Any]) -> str:
    """How a person connects with ordinary clients."""
    frontend = describe["frontend"]
    user = describe["username"]
    mysql_user = " -u %s -p" % user if user else ""
    tls = " --ssl-ca=%s" % describe["ca_cert"] if describe["ca_cert"] else ""
    curl_user = " -u %s" % user if user else ""
    lines = [
        "GreptimeDB lab %s (profile %s, %g times faster than real time)"
        % (describe["version"], describe["profile"], describe["factor"]),
        "  mysql -h 127.0.0.1 -P %d%s%s public" % (frontend["mysql_port"], mysql_user, tls),
        "  curl%s http://127.0.0.1:%d/v1/sql --data-urlencode 'sql=SELECT version()'"
        % (curl_user, frontend["http_port"]),
        "  curl %s/state        (regions, procedures, nodes)" % describe["control"],
        "  curl %s/ledger       (acknowledged and missing writes)" % describe["control"],
    ]
    lines += ["  metasrv: gRPC port %s, HTTP port %s" % (m["grpc"], m["http"]) for m in describe["metasrv"]]
    lines += ["  datanode %s: curl http://%s/config" % (n, d["http"]) for n, d in describe["datanodes"].items()]
    return "\n".join(lines)


def status_text(state: t.Mapping[str, t.Any]) -> str:
    """One line about a running lab."""
    nodes = ", ".join("%s: %d leaders" % (n, v["leaders"]) for n, v in state["nodes"].items())
    return "%s %s, lab time %.1f s, datanodes %s" % (state["engine"], state["version"], state["time"], nodes)
