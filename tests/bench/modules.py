# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's side of `bench.module_server`: start module runs, kill them, read their results."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import typing as t

from bench import places

REGION_MIGRATION = "ansible_collections.dbops.migration.plugins.modules.greptimedb_region_migration"


@dataclasses.dataclass(frozen=True)
class Ended:
    """How one module run ended. `result` is empty when it was killed."""

    killed: bool
    result: dict[str, t.Any]
    output: str

    @property
    def ok(self) -> bool:
        """True when the module ended with success."""
        return bool(self.result) and not self.result.get("failed")


class ModuleRun:
    """One run that has begun."""

    def __init__(self, server: ModuleServer, pid: int, output: pathlib.Path) -> None:
        self._server = server
        self.pid = pid
        self._output = output

    def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Wait for the end."""
        status = self._server.answer()["status"]
        output = self._output.read_text(encoding="utf-8", errors="replace")
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return Ended(killed, {} if killed else _result(output), output)


def _result(output: str) -> dict[str, t.Any]:
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                return dict(json.loads(line))
    return {}


class ModuleServer:
    """Forks runs of one module, one after another. A context manager.

    `clock` is how much faster than the machine's time passes in them.
    """

    def __init__(self, home: pathlib.Path, module: str = REGION_MIGRATION, clock: float = 1.0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.module_server", module, f"{clock:g}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=places.environment(home),
            text=True,
        )

    def __enter__(self) -> ModuleServer:
        return self

    def __exit__(self, *unused: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def start(
        self,
        arguments: t.Mapping[str, t.Any],
        output: pathlib.Path,
        *,
        check: bool = False,
        death: t.Mapping[str, t.Any] | None = None,
        count: pathlib.Path | None = None,
    ) -> ModuleRun:
        """Begin a run with these module arguments, in check mode if asked."""
        request = {
            "arguments": {**arguments, "_ansible_check_mode": check, "_ansible_remote_tmp": str(output.parent)},
            "output": str(output),
            "death": dict(death) if death else None,
            "count": str(count) if count else None,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return ModuleRun(self, int(self.answer()["pid"]), output)

    def run(self, arguments: t.Mapping[str, t.Any], output: pathlib.Path, **more: t.Any) -> Ended:
        """Begin a run and wait for its end."""
        return self.start(arguments, output, **more).wait()

    def answer(self) -> dict[str, t.Any]:
        """The next answer of the server process."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the module server has ended")
        return dict(json.loads(line))
