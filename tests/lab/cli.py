# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: ``python -m lab greptimedb start|stop|status ...``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import typing as t

from lab import process
from lab.client import LabClient
from lab.greptimedb.profiles import PROFILES
from lab.greptimedb.settings import Settings
from lab.greptimedb.versions import Version

if t.TYPE_CHECKING:
    from lab.greptimedb.server import GreptimeLab

PARENT_POLL = 0.5


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="Simulated clusters that speak the real wire protocols.")
    commands = parser.add_subparsers(dest="command", required=True)
    engine = commands.add_parser("greptimedb", help="a GreptimeDB cluster")
    actions = engine.add_subparsers(dest="action", required=True)
    _add_start(actions.add_parser("start", help="start a lab"))
    for owner in (actions, commands):
        for name in ("stop", "status"):
            sub = owner.add_parser(name, help="%s a lab" % name)
            sub.add_argument("--describe", required=True, metavar="FILE")
            sub.set_defaults(action=name)
    return parser


def _add_start(start: argparse.ArgumentParser) -> None:
    defaults = Settings()
    start.add_argument("--profile", default="1.1", help="one of %s, or an exact version" % ", ".join(PROFILES))
    start.add_argument("--metasrv-version", default="", help="metasrv of another version than the profile's")
    start.add_argument("--factor", type=float, default=1.0, help="lab seconds per real second")
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
    start.add_argument("--describe", default="", metavar="FILE", help="write how to connect to this file")
    start.add_argument("--detach", action="store_true", help="run in the background")
    start.add_argument("--exit-with", type=int, default=0, metavar="PID", help="stop when that process has ended")


def _problem(args: argparse.Namespace) -> str:
    """Why the options make no lab; empty when they do."""
    try:
        if args.profile not in PROFILES:
            Version(args.profile)
        if args.metasrv_version:
            Version(args.metasrv_version)
    except ValueError as error:
        return "--profile: %s; give one of %s, or an exact version" % (error, ", ".join(PROFILES))
    if args.factor <= 0:
        return "--factor must be greater than 0"
    for name in ("datanodes", "metasrvs", "regions"):
        if getattr(args, name) < 1:
            return "--%s must be 1 or more" % name
    if args.detach and not args.describe:
        return "--detach needs --describe FILE"
    return ""


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    args = parse(argv)
    if args.action == "stop":
        stopped = process.stop(args.describe)
        print("stopped" if stopped else "no lab was running")
        return 0
    if args.action == "status":
        return _status(args.describe)
    problem = _problem(args)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    if args.detach:
        return _detach(argv, args.describe)
    try:
        asyncio.run(_serve(args))
    except OSError as error:
        print("The lab cannot listen: %s" % error, file=sys.stderr)
        return 1
    return 0


def _status(describe_file: str) -> int:
    try:
        state = LabClient(describe_file).state()
    except (OSError, ValueError) as error:
        print("no lab is running: %s" % error)
        return 1
    nodes = ", ".join("%s: %d leaders" % (n, v["leaders"]) for n, v in state["nodes"].items())
    print("%s %s, lab time %.1f s, datanodes %s" % (state["engine"], state["version"], state["time"], nodes))
    return 0


def _detach(argv: t.Sequence[str], describe_file: str) -> int:
    arguments = [a for a in argv if a != "--detach"]
    try:
        client = process.spawn(arguments, describe_file)
    except (process.LabProcessError, OSError) as error:
        print("The lab did not start: %s" % error, file=sys.stderr)
        return 1
    print("the lab is up, pid %d; connections are in %s" % (client.describe["pid"], describe_file))
    return 0


def parse(argv: t.Sequence[str]) -> argparse.Namespace:
    """Parse a command line."""
    return _parser().parse_args(argv)


async def launch(args: argparse.Namespace, directory: str) -> GreptimeLab:
    """Start the lab that the arguments ask for; returns when everything listens and the describe file is written."""
    from lab.greptimedb.server import GreptimeLab, Options  # the engine's code is loaded only where it runs

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
    lab = GreptimeLab(options, settings)
    await lab.start()
    if args.describe:
        _write_describe(args.describe, lab.describe)
    return lab


async def _serve(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="lab-tls-") as directory:
        lab = await launch(args, directory)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lab.stop)
        print(connect_text(lab.describe), flush=True)
        if args.exit_with:
            lab.cluster.spawn(_watch(args.exit_with, lab.stop))
        await lab.stopped.wait()
        lab.close()


async def _watch(pid: int, stop: t.Callable[[], None]) -> None:
    while os.path.exists("/proc/%d" % pid):
        await asyncio.sleep(PARENT_POLL)
    stop()


def _write_describe(path: str, describe: t.Mapping[str, t.Any]) -> None:
    temporary = "%s.%d" % (path, os.getpid())
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        json.dump(describe, stream, indent=2)
        stream.write("\n")
    os.replace(temporary, path)


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
    return "\n".join(lines + ["Ctrl-C stops it."])
