# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What people and the calendar say to a cutover: before it refuses writes they may forbid it, and then only end it."""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.control import (
    CONTROL,
    NOT_APPLICABLE,
    NOTHING,
    TAKEN,
    Answer,
    Control,
    usual_answer,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_store
from ansible_collections.dbops.migration.plugins.module_utils._core.control_store import ControlStore, Kept
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import CUTOVER, RUN, Wish
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.window import Windows, parse_windows

Append = t.Callable[[str, t.Mapping[str, t.Any]], object]
"""Writes an entry (kind, data) into the journal."""

COMMITTED_ALREADY = Answer(NOT_APPLICABLE, "too late: the clients had been switched, and the cutover is committed")
LIFTED_NOW = Answer(TAKEN, "writes go on at the source")
POSTPONED_TOO_LATE = Answer(NOT_APPLICABLE, "too late for this cutover, which has begun; a later one begins only then")
_PATIENCE = 3.0


class Behind:
    """A store that is read in the background while ``waits`` is false: a store that hangs must not hold a fence."""

    def __init__(self, store: ControlStore) -> None:
        self.location = store.location
        self.pause = store.pause
        self.waits = True
        self._store = store
        self._last: t.Union[Kept, MigrationError, None] = None
        self._reader: t.Optional[threading.Thread] = None

    def read(self) -> t.Optional[Kept]:
        """What is there, or while nothing is waited for, what was there when it was last heard of."""
        if self.waits:
            self._look()
        else:
            self.ask(0.0)
        last = self._last
        if isinstance(last, MigrationError):
            raise last
        return last

    def write(self, raw: bytes) -> None:
        """See ``ControlStore``."""
        self._store.write(raw)

    def remove(self) -> None:
        """See ``ControlStore``."""
        self._store.remove()

    def ask(self, seconds: float) -> bool:
        """Read it in the background, and wait for that so long at the most; whether it was read."""
        self.waits = False
        reader = self._reader
        if reader is None or not reader.is_alive():
            reader = self._reader = threading.Thread(target=self._look, daemon=True)
            reader.start()
        reader.join(seconds)
        return not reader.is_alive()

    def _look(self) -> None:
        try:
            self._last = self._store.read()
        except MigrationError as error:
            self._last = error


class CutoverControl:
    """``require`` before anything is touched, ``beat`` at every look while writes are refused."""

    def __init__(self, store: t.Optional[ControlStore], windows: Windows, entries: t.Iterable[t.Any], clock: Clock):
        """``entries``: the journal's, which tell what was acknowledged before."""
        self._behind = None if store is None else Behind(store)
        self._control = Control(self._behind, clock, self._answer, entries)
        self._abort: t.Optional[Answer] = None
        self._begun = False
        self._windows = windows
        self._clock = clock
        self.events: t.List[str] = []
        """What was acknowledged, for the result."""

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any], entries: t.Iterable[t.Any], clock: Clock) -> CutoverControl:
        """The one of a module's parameters. InvalidOption; nothing is contacted."""
        windows = parse_windows(params.get("cutover_window"), "cutover_window")
        return cls(control_store(params), windows, entries, clock)

    def refusal(self, seconds: float, append: t.Optional[Append], done: str = NOTHING) -> t.Optional[MigrationError]:
        """Why no cutover may begin now that may take so many seconds; None where it may.

        ``append``: writes acknowledgements into the journal, None in check mode. ``done``: what was begun so far.
        ``control.aborted``, ``.unreadable``, ``.paused``, ``.postponed``, or ``cutover.outside_window``.
        """
        if self._behind is not None:
            self._behind.waits = True
        self._begun = False
        self._poll(append, at_once=True)
        closed = self._windows.refusal(self._clock.now(), seconds, "the cutover", done)
        return self._control.refusal(done) or closed

    def require(self, seconds: float, append: Append, done: str = NOTHING) -> None:
        """Raise what ``refusal`` returns."""
        refused = self.refusal(seconds, append, done)
        if refused is not None:
            raise refused

    def beat(self, append: Append, lifted: str) -> None:
        """Raise ``control.aborted`` when somebody said so; ``lifted``: what is done then. Anything else waits for the
        end of the cutover. Returns at once, whatever the store does."""
        if self._behind is None:
            return
        self._behind.waits = False
        self._begun = True
        self._poll(append)
        if self._control.wish.aborted:
            raise self._control.aborted(lifted)

    def at_the_end(self, append: Append, abort: Answer) -> None:
        """Take note of what is wished when a handed-over cutover has ended; ``abort``: what becomes of one.

        A store that does not answer within a few seconds is left alone: the end has to be told.
        """
        if self._behind is not None and self._behind.ask(_PATIENCE):
            self._abort = abort
            try:
                self._poll(append, at_once=True)
            except MigrationError:
                # What has ended has ended, whatever becomes of the word about it.
                return

    def _answer(self, kind: str, wish: Wish) -> Answer:
        if self._abort is not None and wish.aborted and kind == RUN:
            return self._abort
        too_late = self._begun or self._abort == COMMITTED_ALREADY
        return (
            POSTPONED_TOO_LATE if too_late and kind == CUTOVER and wish.until is not None else usual_answer(kind, wish)
        )

    def _poll(self, append: t.Optional[Append], at_once: bool = False) -> None:
        news = self._control.poll(at_once)
        if append is not None:
            for one in news:
                append(CONTROL, one.as_entry())
                self.events.append(one.line)
