# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The guard itself: it listens, watches the clock, and does what its state asks for. One thread, no shared state."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import selectors
import signal
import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace

_TURN = 0.05
"""Real seconds between two looks at the clock."""
_LONGEST_LIFE = 7 * 86400.0
_OTHERS_SECONDS = 3600.0
"""How long the fences of others are waited for before settings are put back."""
_LONGEST_PAUSE = 5.0


class StillNeeded(MigrationError):
    """Settings that this guard would put back are counted on by somebody else's fence."""


class Deeds(t.Protocol):
    """What a guard can do; every method is one short step that may be repeated. MigrationError: try again later."""

    def self_test(self) -> None:
        """Prove that the guard could lift now."""

    def settle_switch(self) -> t.Optional[str]:
        """Make a switch that was not made impossible. SWITCHED (all of it), IMPOSSIBLE, or None: not known yet."""

    def lift(self) -> bool:
        """Take the fence off; True once every server has been seen to let writes through."""

    def watch(self) -> None:
        """Take the fence off again if a request that was late has set it."""

    def restore_settings(self) -> None:
        """Put back what was set for the window and is still ours. StillNeeded: others count on it."""

    def told(self) -> t.Mapping[str, t.Any]:
        """What is to be remembered of it, JSON-able."""


@dataclasses.dataclass(frozen=True)
class Patience:
    """Seconds: ``silence`` of the module before it counts as gone; ``watch`` after a lift; ``pause`` between tries."""

    silence: float
    watch: float
    pause: float = 0.2


@dataclasses.dataclass
class _Line:
    """A connection. The one that fenced is the ``owner``: its end is the module's end."""

    connection: socket.socket
    buffer: bytes = b""
    owner: bool = False


class Guard:
    """``run`` returns when nothing is left to guard."""

    def __init__(
        self,
        deeds: Deeds,
        clock: Clock,
        patience: Patience,
        place: GuardPlace,
        listener: socket.socket,
        name: str,
        path: str,
    ) -> None:
        self.state = gs.READY
        self._deeds = deeds
        self._clock = clock
        self._patience = patience
        self._place = place
        self._name = name
        self._path = path
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._lines: t.List[_Line] = []
        self._owned = False
        self._deadline: t.Optional[float] = None
        self._heard = clock.monotonic()
        self._born = clock.monotonic()
        self._ended: t.Optional[float] = None
        self._next_try = 0.0
        self._next_restore = 0.0
        self._restores = 0
        self._settings_left = True
        self._bye = False
        self._failures = 0
        self._problem = ""
        self._unfit = ""
        self._terminated = False

    def run(self) -> None:
        """Guard until the end. Nothing that goes wrong in a step ends it."""
        signal.signal(signal.SIGTERM, self._on_term)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        try:
            self._deeds.self_test()
        except MigrationError as error:
            self._unfit = error.message
        self._heard = self._clock.monotonic()
        self._record("started", {"pid": os.getpid(), "socket": self._path, **self._deeds.told()})
        while not self._over():
            for key, _mask in self._selector.select(_TURN):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._hear(t.cast(_Line, key.data))
            self._look_at_clock()
            self._act()
        self._record("ended", {"state": self.state})
        try:
            os.unlink(self._path)
        except OSError:
            return

    # What happens.

    def _on_term(self, number: int, frame: t.Any) -> None:
        # A machine that goes down, or somebody who ends the guard: whoever is fenced is let go while there is time.
        self._terminated = True

    def _accept(self) -> None:
        connection, _address = self._listener.accept()
        connection.settimeout(5.0)
        line = _Line(connection)
        if not self._owned:
            # The first to come is the module that has started this guard.
            self._owned = line.owner = True
        self._lines.append(line)
        self._selector.register(connection, selectors.EVENT_READ, line)

    def _hear(self, line: _Line) -> None:
        try:
            data = line.connection.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._hang_up(line)
            return
        line.buffer += data
        while b"\n" in line.buffer:
            request, _newline, line.buffer = line.buffer.partition(b"\n")
            try:
                answer = self._answer(json.loads(request.decode("ascii")), line)
                line.connection.sendall(json.dumps(answer).encode("ascii") + b"\n")
            except (OSError, ValueError):
                self._hang_up(line)
                return

    def _hang_up(self, line: _Line) -> None:
        self._selector.unregister(line.connection)
        line.connection.close()
        self._lines.remove(line)
        if line.owner:
            self._happens(gs.GONE, {"why": "the module has ended"})

    def _answer(self, request: t.Mapping[str, t.Any], line: _Line) -> t.Dict[str, t.Any]:
        if line.owner:
            self._heard = self._clock.monotonic()
        operation = str(request.get("op"))
        granted = False
        if operation in gs.REQUESTS:
            if operation == gs.FENCE and self.state == gs.READY:
                self._deadline = self._clock.monotonic() + float(request["seconds"])
            if operation == gs.BYE:
                self._settings_left = self._settings_left and not request.get("settings_restored")
            granted = self._happens(operation, {})
            self._bye = self._bye or (operation == gs.BYE and granted)
        return {
            "granted": granted,
            "state": self.state,
            "left": self._left(),
            "pid": os.getpid(),
            "problem": self._unfit or self._problem,
            "guard": self._name,
            **self._deeds.told(),
        }

    def _look_at_clock(self) -> None:
        now = self._clock.monotonic()
        if self._terminated:
            self._terminated = False
            self._happens(gs.DEADLINE, {"why": "the guard was told to end"})
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self._happens(gs.DEADLINE, {"why": "the time is up"})
        silent = now - self._heard > self._patience.silence
        if silent and self.state in (gs.ARMED, gs.SWITCHING) and any(line.owner for line in self._lines):
            self._happens(gs.GONE, {"why": "the module is silent"})

    def _happens(self, event: str, facts: t.Mapping[str, t.Any]) -> bool:
        after = gs.step(self.state, event)
        if after.state != self.state:
            self.state = after.state
            self._next_try = 0.0
            facts = dict(facts)
            if event == gs.FENCE and self._left() is not None:
                facts["lifts_at"] = self._lifts_at()
            self._record(after.state, {"event_was": event, **facts, **self._deeds.told()})
            if after.state in gs.ENDS:
                self._ended = self._clock.monotonic()
        return after.granted

    # What it does about it.

    def _act(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_try:
            return
        self._next_try = now + self._patience.pause
        try:
            if self.state == gs.DECIDING:
                outcome = self._deeds.settle_switch()
                if outcome is not None:
                    self._happens(outcome, {})
            elif self.state == gs.LIFTING:
                if self._deeds.lift():
                    self._happens(gs.LIFT_PROVED, {})
            elif self.state == gs.LIFTED and not self._bye:
                self._deeds.watch()
            self._problem = ""
            self._failures = 0
        except Exception as error:  # pylint: disable=broad-except
            # Clusters that are gone for good are not to be asked five times a second for days.
            self._failures += 1
            self._next_try = now + min(_LONGEST_PAUSE, self._patience.pause * max(1, self._failures // 50))
            # Whatever it is, giving up would leave the table fenced. It is told once, and tried again.
            problem = error.message if isinstance(error, MigrationError) else f"{type(error).__name__}: {error}"
            if problem != self._problem:
                self._record("problem", {"problem": problem, "state": self.state})
            self._problem = problem

    def _over(self) -> bool:
        now = self._clock.monotonic()
        if now - self._born > _LONGEST_LIFE:
            return True
        if self.state not in gs.ENDS or self._ended is None:
            return False
        if self._lines and not self._bye:
            # Whoever is there puts the settings back itself, with the journal.
            return False
        if self._settings_left and not self._restored(now):
            return False
        return self._bye or self.state != gs.LIFTED or now - self._ended > self._patience.watch

    def _restored(self, now: float) -> bool:
        """Put settings back once; a server that does not answer then is left to the next run, after some tries."""
        if now < self._next_restore:
            return False
        self._restores += 1
        # Others may take an hour; they are not to be asked for five times a second.
        self._next_restore = now + min(_LONGEST_PAUSE, self._patience.pause * self._restores)
        try:
            self._deeds.restore_settings()
        except Exception as error:  # pylint: disable=broad-except
            patience = _OTHERS_SECONDS if isinstance(error, StillNeeded) else self._patience.watch
            if self._ended is not None and now - self._ended < patience:
                return False
            self._record("problem", {"problem": str(error), "state": self.state})
        self._settings_left = False
        self._record("settings_restored", self._deeds.told())
        return True

    def _left(self) -> t.Optional[float]:
        return None if self._deadline is None else max(0.0, self._deadline - self._clock.monotonic())

    def _lifts_at(self) -> str:
        return iso(self._clock.now() + datetime.timedelta(seconds=self._left() or 0.0))

    def _record(self, event: str, data: t.Mapping[str, t.Any]) -> None:
        try:
            self._place.append(self._clock, self._name, event, data)
        except OSError:
            # A full disk must not keep the guard from lifting.
            self._problem = "its record cannot be written"
