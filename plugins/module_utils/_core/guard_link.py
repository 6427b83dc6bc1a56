# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How a module talks with its guard, or a later run with the guard of an earlier one: one line there, one line back."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

ANSWER_SECONDS = 45.0
"""Real seconds. A guard that is just lifting answers when the request that it has sent is answered."""
_LONGEST = 1 << 20
_REPORTS = frozenset((gs.NOT_SWITCHED, gs.LIFTED_BY_MODULE))
"""Requests whose answer nobody needs, as they tell what the module has done. A guard that still lives is told."""


class Answer(t.NamedTuple):
    """``left``: seconds until the guard lifts, None while there is no deadline. ``more``: see the guard."""

    granted: bool
    state: str
    left: t.Optional[float]
    more: t.Mapping[str, t.Any]

    def as_proof(self, subject: str, pid: int, now: datetime.datetime) -> t.Dict[str, t.Any]:
        """For the proof ``guard`` of a journal: who watches over the fence of ``subject``, and when it is lifted."""
        lifts_at = None if self.left is None else iso(now + datetime.timedelta(seconds=self.left))
        return {"subject": subject, "pid": pid, "state": self.state, "lifts_at": lifts_at, "at": iso(now)}


class GuardLost(MigrationError):
    """The guard does not answer any more."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "guard.lost",
            f"The guard of the fence is gone ({why}), so the cutover must not go on.",
            details={"reason": why},
        )


class GuardLink:
    """A connection to a guard. ``ask`` raises GuardLost when nobody is there, and from then on every time.

    An answer that comes too late would be taken for that to the next request: a granted status for a granted switch.
    """

    def __init__(self, connection: socket.socket, pid: int = 0) -> None:
        self.pid = pid
        self._connection = connection
        self._buffer = b""
        self._lost = ""

    @classmethod
    def connect(cls, path: str) -> GuardLink:
        """The guard that listens on this socket; GuardLost when none does."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(ANSWER_SECONDS)
        try:
            with_short_path(path, connection.connect)
        except OSError as error:
            connection.close()
            raise GuardLost(error.strerror or str(error)) from error
        return cls(connection)

    def ask(self, request: str, **more: t.Any) -> Answer:
        """Send a request of :mod:`guard_state` and return the answer."""
        if self._lost:
            if request in _REPORTS:
                with contextlib.suppress(OSError):
                    self._send(request, more)
            raise GuardLost(self._lost)
        try:
            return self._answer(request, more)
        except GuardLost as error:
            self._lost = str(error.details["reason"])
            raise

    def _send(self, request: str, more: t.Mapping[str, t.Any]) -> None:
        self._connection.sendall(json.dumps({"op": request, **more}).encode("ascii") + b"\n")

    def _answer(self, request: str, more: t.Mapping[str, t.Any]) -> Answer:
        try:
            self._send(request, more)
            while b"\n" not in self._buffer:
                data = self._connection.recv(65536)
                if not data or len(self._buffer) > _LONGEST:
                    raise GuardLost("it has closed the connection")
                self._buffer += data
        except OSError as error:
            raise GuardLost(error.strerror or str(error)) from error
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        try:
            told = json.loads(line.decode("ascii"))
        except ValueError as error:
            raise GuardLost("its answer cannot be read") from error
        self.pid = int(told.pop("pid", self.pid))
        return Answer(bool(told.pop("granted")), str(told.pop("state")), told.pop("left"), told)

    def require(self, request: str, **more: t.Any) -> Answer:
        """As ``ask``; MigrationError ``guard.refused`` when the guard does not allow it."""
        answer = self.ask(request, **more)
        if not answer.granted:
            raise MigrationError(
                "guard.refused",
                f"The guard of the fence did not allow {request!r}: its state is {answer.state}. "
                + _MEANING.get(answer.state, "The cutover cannot go on."),
                details={"request": request, "state": answer.state},
            )
        return answer

    def require_armed(self) -> Answer:
        """Look whether the fence may still be held; ``guard.refused`` once the guard has begun to lift it."""
        answer = self.ask(gs.STATUS)
        if answer.state not in (gs.ARMED, gs.SWITCHING):
            raise MigrationError(
                "guard.refused",
                f"The guard does not hold the fence any more: its state is {answer.state}. "
                + _MEANING.get(answer.state, "The cutover cannot go on."),
                details={"state": answer.state},
            )
        return answer

    def close(self) -> None:
        """Hang up. A guard that is armed takes that for the end of the module, and lifts."""
        self._connection.close()


_MEANING = {
    gs.LIFTING: "The time is up, and writes are being let through again.",
    gs.LIFTED: "The time was up, so writes go to the source again.",
    gs.DECIDING: "The time is up; it looks whether the switch was made.",
    gs.KEPT: "Clients are on the target; the fence on the source stays.",
}


def with_short_path(path: str, call: t.Callable[[str], t.Any]) -> None:
    """Call with a path to the same socket that fits into an address, which holds 107 bytes."""
    if len(os.fsencode(path)) <= 100:
        call(path)
        return
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        call(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    finally:
        os.close(folder)
