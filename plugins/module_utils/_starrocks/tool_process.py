# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which processes are the sync tool's, told by what a process cannot lose: its environment, session and start.

A name proves nothing, and a number is given again. What this collection started has a mark in its environment, which
every child inherits; its record has number, start time and boot. What a person started by hand is found by what it runs
and where, and is never taken for a shell or a pager that merely stands in the tool's folder.

Linux's /proc is needed. Source: proc(5).
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso

MARK = "DBOPS_MIGRATION_SYNC_TOOL"
"""Environment variable that holds the mark of one start."""

_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh")


@dataclasses.dataclass(frozen=True)
class Process:
    """One process. ``started``: clock ticks since boot; with ``pid`` and the boot it names one process for ever."""

    pid: int
    group: int
    session: int
    started: int
    state: str
    argv: t.Tuple[str, ...]
    cwd: str
    mark: str

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie only waits for its parent."""
        return self.state not in ("Z", "X", "x")


@dataclasses.dataclass(frozen=True)
class Start:
    """What was recorded about a start. ``at`` in ISO 8601; ``config``: digest of the files that it read."""

    pid: int
    started: int
    boot: str
    mark: str
    at: str
    config: str
    supervisor: str

    def as_record(self) -> t.Dict[str, t.Any]:
        """The start as its file holds it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, data: t.Mapping[str, t.Any]) -> t.Optional[Start]:
        """The start of a file's content; None if that is no record."""
        values: t.Dict[str, t.Any] = {}
        for field in dataclasses.fields(cls):
            value = data.get(field.name)
            if not isinstance(value, int if field.name in ("pid", "started") else str):
                return None
            values[field.name] = value
        try:
            parse_iso(values["at"])
        except ValueError:
            return None
        return cls(**values)


class Processes:
    """The processes of this host."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc

    def boot(self) -> str:
        """Names the time since the host was started; "" where it cannot be told."""
        return self._text("sys/kernel/random/boot_id").strip()

    def get(self, pid: int) -> t.Optional[Process]:
        """One process; None when there is none."""
        stat = self._text(f"{pid}/stat")
        # The name, in brackets, may hold anything; what follows the last bracket are numbers. proc(5), from field 3.
        fields = stat.rpartition(")")[2].split()
        if len(fields) < 20:
            return None
        mark = ""
        for entry in self._text(f"{pid}/environ").split("\0"):
            if entry.startswith(MARK + "="):
                mark = entry[len(MARK) + 1 :]
        argv = self._text(f"{pid}/cmdline").split("\0")
        return Process(
            pid=pid,
            group=int(fields[2]),
            session=int(fields[3]),
            started=int(fields[19]),
            state=fields[0],
            argv=tuple(argv[:-1] if argv[-1:] == [""] else argv),
            cwd=self._link(f"{pid}/cwd"),
            mark=mark,
        )

    def all(self) -> t.List[Process]:
        """Every process that could be read, except this one."""
        try:
            names = os.listdir(self._proc)
        except OSError:
            return []
        found = (self.get(int(name)) for name in names if name.isdigit() and int(name) != os.getpid())
        return sorted((one for one in found if one is not None and one.alive), key=lambda one: one.pid)

    def _text(self, name: str) -> str:
        try:
            with open(os.path.join(self._proc, name), "rb") as file:
                return file.read().decode("utf-8", "surrogateescape")
        except OSError:
            return ""

    def _link(self, name: str) -> str:
        try:
            return os.readlink(os.path.join(self._proc, name))
        except OSError:
            return ""


def of_start(processes: t.Iterable[Process], start: t.Optional[Start], boot: str, directory: str) -> t.List[Process]:
    """The processes that a recorded start made and that still run.

    By their mark, or where the environment of another user's process cannot be read, by the session of the recorded
    process together with the folder or the program.
    """
    if start is None or start.boot != boot:
        return []
    listed = list(processes)
    leader = next((one for one in listed if one.pid == start.pid), None)
    # A leader of another start has been given the number again, and its session is not ours.
    reused = leader is not None and leader.started != start.started
    return [
        one
        for one in listed
        if one.mark == start.mark
        or (
            not one.mark
            and not reused
            and one.session == start.pid
            and one.started >= start.started
            and (one.pid == start.pid or is_at_home(one, directory) or runs_tool(one, directory))
        )
    ]


def by_hand(processes: t.Iterable[Process], ours: t.Collection[Process], directory: str) -> t.List[Process]:
    """The processes that run the tool of this folder, but not by the recorded start."""
    known = {one.pid for one in ours}
    return [one for one in processes if one.pid not in known and runs_tool(one, directory)]


def runs_tool(process: Process, directory: str) -> bool:
    """Whether it is a shell that runs bin/start.sh, or Java with the folder's own classes."""
    if not process.argv:
        return False
    program = os.path.basename(process.argv[0]).lstrip("-")
    if program in _SHELLS or program == "start.sh":
        arguments = [one for one in process.argv[1:] if not one.startswith("-")] if program in _SHELLS else process.argv
        return bool(arguments) and _path(process, arguments[0]) == os.path.join(directory, "bin", "start.sh")
    if program != "java":
        return False
    return is_at_home(process, directory) or any(
        part == directory or part.startswith(directory + os.sep)
        for argument in process.argv[1:]
        for part in argument.partition("=")[2].split(":") + argument.split(":")
    )


def is_at_home(process: Process, directory: str) -> bool:
    """Whether its working directory is the folder or inside."""
    return process.cwd == directory or process.cwd.startswith(directory + os.sep)


def _path(process: Process, argument: str) -> str:
    return os.path.normpath(os.path.join(process.cwd or "/", argument))
