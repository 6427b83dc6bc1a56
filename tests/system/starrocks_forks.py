# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs StarRocks modules as forks of one process that has loaded them all: many runs, and their imports paid for once.

Started as a program it reads a JSON request a line, {"module", "arguments", "output": path}, and answers "done" when
the run has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import typing as t

from tooling.lazy import load_whole

MODULES = "ansible_collections.dbops.migration.plugins.modules.starrocks_"
TESTS = pathlib.Path(__file__).resolve().parents[1]
COLLECTIONS = TESTS.parent / "build" / "collections"
_DROPPED = ("STARROCKS_", "DBOPS_MIGRATION_", "AWS_")
"""What a person's shell may hold and a test must not see."""


class Forks:
    """``run`` is one run to its end. ``close`` ends the process."""

    def __init__(self, modules: t.Sequence[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
        self._folder = tempfile.TemporaryDirectory(prefix="forks-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "system.starrocks_forks", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, "PYTHONPATH": os.pathsep.join((str(COLLECTIONS), str(TESTS)))},
            text=True,
        )

    def run(self, module: str, options: t.Mapping[str, t.Any], check: bool = False) -> str:
        """Everything that the module has written. Options that are None are left out."""
        path = pathlib.Path(self._folder.name) / "output"
        given = {name: value for name, value in options.items() if value is not None}
        arguments = {**given, "_ansible_check_mode": check, "_ansible_diff": True}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"module": module, "arguments": arguments, "output": str(path)}) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"
        return path.read_text(encoding="utf-8")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._folder.cleanup()


def _child(main: t.Callable[[], None], basic: t.Any, request: t.Mapping[str, t.Any]) -> t.NoReturn:
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for there, here in ((null, 0), (output, 1), (output, 2)):
        os.dup2(there, here)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": request["arguments"]}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    status = 1
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve(modules: t.Sequence[str]) -> None:
    """Until standard input ends."""
    from ansible.module_utils import basic

    importlib.import_module("pymysql")
    mains = {name: load_whole(MODULES + name).main for name in modules}
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if not pid:
            _child(mains[request["module"]], basic, request)
        os.waitpid(pid, 0)
        print("done", flush=True)


if __name__ == "__main__":
    serve(sys.argv[1:])
