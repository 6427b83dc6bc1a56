# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metasrv's procedure manager: locks, retries, rollback, retention, what survives a change of leader (facts 3, 7)."""

from __future__ import annotations

import asyncio
import random
import typing as t
import uuid
from dataclasses import dataclass, field

from lab.greptimedb.cluster import Cluster
from lab.greptimedb.errors import ServerError
from lab.greptimedb.locks import Key, KeyLocks

TERMINAL = ("Done", "Failed", "Poisoned")


class RetryLater(Exception):
    """The step failed and is tried again after a pause."""


class Body(t.Protocol):
    """What a procedure does."""

    persisted: bool

    async def step(self) -> bool:
        """Do the next step; True when finished. Raises RetryLater or ServerError (failed for good)."""

    async def rollback(self) -> None:
        """Undo what must not stay when retries are exhausted."""

    def resume(self) -> None:
        """Go back to the persisted state, forgetting what was only in memory."""

    def ended(self, status: str, error: str) -> None:
        """The procedure has a new status."""


@dataclass
class Procedure:
    """One procedure; ``started`` and ``ended`` are lab seconds, None while it has not."""

    pid: str
    type: str
    locks: list[Key]
    body: Body
    region: int = 0
    status: str = "Running"
    error: ServerError | None = None
    started: float | None = None
    ended: float | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def lock_keys(self) -> str:
        """The lock keys as procedure_info shows them."""
        return ",".join('%s("%s")' % key for key in self.locks)


class ProcedureManager:
    """The manager on the metasrv leader. Everything in it is memory, except what ``persisted`` procedures left."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.locks = KeyLocks()
        self.procedures: dict[str, Procedure] = {}
        self.paused = False
        self.leading = True
        self._pids = random.Random(cluster.settings.seed)

    @property
    def limit(self) -> int:
        """How many unfinished procedures there may be; 0 is no limit."""
        override = self.cluster.settings.max_running_procedures
        return self.cluster.meta.max_running_procedures if override is None else override

    def running(self) -> list[Procedure]:
        """Procedures that have not ended, queued ones included."""
        return [p for p in self.procedures.values() if p.status not in TERMINAL]

    def new_pid(self) -> str:
        """A fresh procedure id, reproducible with the lab's seed."""
        return str(uuid.UUID(int=self._pids.getrandbits(128), version=4))

    async def register(self, procedure: Procedure, rejected: t.Callable[[], None]) -> None:
        """The submission in the background: the pid exists only after it, or never (paused, too many)."""
        await self.cluster.pause("register")
        if self.paused or not self.leading or (self.limit and len(self.running()) >= self.limit):
            rejected()
            return
        self.procedures[procedure.pid] = procedure
        self._start(procedure)

    def _start(self, procedure: Procedure) -> None:
        procedure.task = self.cluster.spawn(self._run(procedure))

    async def _run(self, procedure: Procedure) -> None:
        async with self.locks.hold(procedure.locks):
            if procedure.started is None:
                procedure.started = self.cluster.clock.now()
            procedure.body.ended("Running", "")
            try:
                await self._loop(procedure)
                self._end(procedure, "Done")
            except ServerError as error:
                procedure.error = error
                self._end(procedure, "Failed")

    async def _loop(self, procedure: Procedure) -> None:
        settings = self.cluster.settings
        retries = 0
        while True:
            try:
                if await procedure.body.step():
                    return
                procedure.status, procedure.error = "Running", None
            except RetryLater as reason:
                error = ServerError("Internal", "Expected to retry later, reason: %s" % reason)
                procedure.error = error
                if retries >= settings.max_retry_times:
                    await self._give_up(procedure, error)
                procedure.status = "Retrying"
                durations = settings.durations
                await self.cluster.clock.sleep(min(durations.retry_cap, durations.retry_delay * 2**retries))
                retries += 1

    async def _give_up(self, procedure: Procedure, error: ServerError) -> t.NoReturn:
        if self.cluster.meta.procedure_rollback:
            procedure.status = "RollingBack"
            await procedure.body.rollback()
        raise error

    def _end(self, procedure: Procedure, status: str) -> None:
        procedure.status = status
        procedure.ended = self.cluster.clock.now()
        procedure.body.ended(status, procedure.error.masked().text if procedure.error else "")

    def error_text(self, procedure: Procedure) -> str:
        """The error as procedure_state gives it: generic before 0.14, then the masked root of the chain."""
        if procedure.error is None:
            return ""
        if self.cluster.meta.version >= "0.17.0":
            return procedure.error.text
        if self.cluster.meta.version >= "0.14.0":
            return procedure.error.masked().text
        return (
            "Procedure exec failed"
            if procedure.status == "Retrying"
            else "Failed to execute procedure due to external error"
        )

    # --- memory ---

    async def sweep_forever(self) -> None:
        """Every ten minutes forget what ended more than ten minutes ago."""
        ttl = self.cluster.settings.durations.meta_ttl
        while True:
            await self.cluster.clock.sleep(ttl)
            self.forget(self.cluster.clock.now() - ttl)

    def forget(self, before: float) -> int:
        """Drop procedures that ended before a lab time. Returns how many."""
        gone = [p.pid for p in self.procedures.values() if p.ended is not None and p.ended < before]
        for pid in gone:
            del self.procedures[pid]
        return len(gone)

    def stop(self) -> list[Procedure]:
        """The leader is gone: everything stops where it is. Returns what the kv store still knows."""
        self.leading = False
        unfinished = self.running()
        for procedure in unfinished:
            if procedure.task is not None:
                procedure.task.cancel()
        self.procedures = {}
        self.locks = KeyLocks()
        return [p for p in unfinished if p.body.persisted]

    def lead(self, procedures: list[Procedure]) -> None:
        """A new leader loads the unfinished procedures and goes on with them under their old pids."""
        self.leading = True
        for procedure in procedures:
            procedure.body.resume()
            procedure.status, procedure.error = "Running", None
            procedure.started = None
            self.procedures[procedure.pid] = procedure
            self._start(procedure)
