# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: all that belongs to one run lies in one folder, with ``place.json`` in it."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from clients import place as places
from clients.ledger import Ledger
from clients.writer import Writer

PLACE, LEDGER, PID, LOG = "place.json", "ledger.jsonl", "clients.pid", "clients.log"
STOPPED = 20.0
"""Seconds for the write that is under way."""


def _load(home: pathlib.Path, options: argparse.Namespace) -> str:
    writer = Writer(home / PLACE, Ledger(home / LEDGER))
    writer.load(options.count, options.seconds)
    writer.close()
    return f"{options.count} keys are loaded."


def _start(home: pathlib.Path, options: argparse.Namespace) -> str:
    if _runs(home):
        return "It runs."
    command = [sys.executable, "-m", "clients", "write", "--home", str(home), "--rate", str(options.rate)]
    with (home / LOG).open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=home, start_new_session=True
        )
    (home / PID).write_text(str(process.pid), encoding="utf-8")
    return "Started."


def _write(home: pathlib.Path, options: argparse.Namespace) -> str:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    writer = Writer(home / PLACE, Ledger(home / LEDGER))
    writer.run(options.rate, stop)
    writer.close()
    return "Stopped."


def _advance(home: pathlib.Path, options: argparse.Namespace) -> str:
    ledger = Ledger(home / LEDGER)
    before = len(ledger.read().keys)
    end = time.monotonic() + options.seconds
    while len(ledger.read().keys) < before + options.count:
        if time.monotonic() > end:
            told = f"The clients got fewer than {options.count} writes acknowledged in {options.seconds:.0f} s."
            raise SystemExit(f"{told} {_last_line(home / LOG) or 'They have not said why.'}")
        time.sleep(0.2)
    return f"{options.count} more writes are acknowledged."


def _last_line(log: pathlib.Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else ""


def _stop(home: pathlib.Path, _options: argparse.Namespace) -> str:
    process = _runs(home)
    if process:
        os.kill(process, signal.SIGTERM)
        end = time.monotonic() + STOPPED
        while _runs(home) and time.monotonic() < end:
            time.sleep(0.1)
        if _runs(home):
            # It waits for an answer. A write without one is not in the ledger, so nothing is lost with it.
            os.kill(process, signal.SIGKILL)
    (home / PID).unlink(missing_ok=True)
    return "Stopped."


def _check(home: pathlib.Path, _options: argparse.Namespace) -> str:
    account = Ledger(home / LEDGER).read()
    client = places.connect(places.read(home / PLACE))
    try:
        missing = sorted(account.keys - client.held(account.keys))
    finally:
        client.close()
    return json.dumps(
        {
            "acknowledged": len(account.keys),
            "missing": len(missing),
            "missing_keys": missing[:10],
            "refused_tries": account.refused,
            "longest_refusal_seconds": account.longest,
        }
    )


def _runs(home: pathlib.Path) -> int:
    """The process number of the writer of this folder, 0 when there is none."""
    try:
        number = int((home / PID).read_text(encoding="utf-8"))
        line = pathlib.Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return 0
    return number if b"clients" in line and os.fsencode(home) in line else 0


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m clients", description=sys.modules["clients"].__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run, words in (
        ("load", _load, "make the table and write the first keys"),
        ("start", _start, "begin to write, in the background"),
        ("write", _write, "write until SIGTERM comes"),
        ("advance", _advance, "wait until more writes are acknowledged, or fail"),
        ("stop", _stop, "end the one in the background"),
        ("check", _check, "ask the cluster for every acknowledged key; prints JSON"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--home", type=pathlib.Path, required=True, help="the folder")
        command.add_argument("--count", type=int, default=1000, help="keys")
        command.add_argument("--rate", type=float, default=5.0, help="keys per second")
        command.add_argument("--seconds", type=float, default=240.0, help="how long that may take")
        command.set_defaults(run=run)
    options = parser.parse_args()
    try:
        print(options.run(options.home.resolve(), options))
    except places.Refused as error:
        raise SystemExit(f"The cluster refused it: {error}") from error


if __name__ == "__main__":
    main()
