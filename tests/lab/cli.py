# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: ``python -m lab greptimedb|pegasus|starrocks start|stop|status ...``."""

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
from lab.greptimedb import cli as greptimedb
from lab.pegasus import cli as pegasus
from lab.starrocks import cli as starrocks

PARENT_POLL = 0.5


class Lab(t.Protocol):
    """What every engine's lab is to the command line."""

    describe: dict[str, t.Any]
    stopped: asyncio.Event

    async def start(self) -> None:
        """Listen everywhere and fill ``describe``."""

    def stop(self) -> None:
        """Set ``stopped``."""

    def close(self) -> None:
        """End everything."""


class Engine(t.Protocol):
    """One engine's part of the command line: a module."""

    ENGINE: str
    HELP: str

    def add_options(self, start: argparse.ArgumentParser) -> None:
        """The options of ``start`` that only this engine has."""

    def problem(self, args: argparse.Namespace) -> str:
        """Why the options make no lab; empty when they do."""

    def create(self, args: argparse.Namespace, directory: str) -> Lab:
        """The lab that the arguments ask for, not started yet."""

    def connect_text(self, describe: t.Mapping[str, t.Any]) -> str:
        """How a person connects."""

    def status_text(self, state: t.Mapping[str, t.Any]) -> str:
        """One line about a running lab."""


ENGINES: dict[str, Engine] = {engine.ENGINE: engine for engine in (greptimedb, pegasus, starrocks)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="Simulated clusters that speak the real wire protocols.")
    commands = parser.add_subparsers(dest="command", required=True)
    owners = [commands]
    for engine in ENGINES.values():
        actions = commands.add_parser(engine.ENGINE, help=engine.HELP).add_subparsers(dest="action", required=True)
        start = actions.add_parser("start", help="start a lab")
        engine.add_options(start)
        _add_common(start)
        owners.append(actions)
    for owner in owners:
        for name in ("stop", "status"):
            sub = owner.add_parser(name, help="%s a lab" % name)
            sub.add_argument("--describe", required=True, metavar="FILE")
            sub.set_defaults(action=name)
    return parser


def _add_common(start: argparse.ArgumentParser) -> None:
    start.add_argument("--factor", type=float, default=1.0, help="lab seconds per real second")
    start.add_argument("--describe", default="", metavar="FILE", help="write how to connect to this file")
    start.add_argument("--detach", action="store_true", help="run in the background")
    start.add_argument("--exit-with", type=int, default=0, metavar="PID", help="stop when that process has ended")


def problem(args: argparse.Namespace) -> str:
    """Why the options make no lab; empty when they do."""
    found = ENGINES[args.command].problem(args)
    if found:
        return found
    if args.factor <= 0:
        return "--factor must be greater than 0"
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
    trouble = problem(args)
    if trouble:
        print(trouble, file=sys.stderr)
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
    print(ENGINES[state["engine"]].status_text(state))
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


async def launch(args: argparse.Namespace, directory: str) -> Lab:
    """Start the lab that the arguments ask for; returns when everything listens and the describe file is written."""
    lab = ENGINES[args.command].create(args, directory)
    await lab.start()
    if args.describe:
        _write_describe(args.describe, lab.describe)
    return lab


async def _serve(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="lab-") as directory:
        lab = await launch(args, directory)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lab.stop)
        print(ENGINES[args.command].connect_text(lab.describe) + "\nCtrl-C stops it.", flush=True)
        watch = loop.create_task(_watch(args.exit_with, lab.stop)) if args.exit_with else None
        await lab.stopped.wait()
        if watch is not None:
            watch.cancel()
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
