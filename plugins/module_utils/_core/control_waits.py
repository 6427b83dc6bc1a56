# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Why a migration is held by people or by the calendar: the waits of live control."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.control import Control, used_up
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import ReasonRegistry
from ansible_collections.dbops.migration.plugins.module_utils._core.window import Windows

PAUSED = "control.paused"
POSTPONED = "control.postponed"
HELD = "control.held"
ABORTING = "control.aborting"
CANNOT_READ = "control.unreadable"
WINDOW_CLOSED = "window.closed"

ENDS_WHEN = {
    PAUSED: "the control text says resume, or is removed",
    POSTPONED: "the time is over, or the control text says proceed",
    HELD: "the control text says proceed",
    ABORTING: "what runs has ended; then the run fails with control.aborted",
    CANNOT_READ: "the control text can be read",
    WINDOW_CLOSED: "the window opens",
}
REASONS = ReasonRegistry(frozenset(ENDS_WHEN))


class Hold(t.NamedTuple):
    """What holds: the reason of the wait, and what is waited for in words."""

    reason: str
    waiting_for: str


def stopped_by(control: Control) -> t.Optional[Hold]:
    """What keeps work that goes on for days from beginning anything new; None when nothing does.

    A text that cannot be taken may be a stop. A store that does not answer is none: what was wished before stays.
    """
    if control.garbled:
        return Hold(CANNOT_READ, f"{control.location}, which cannot be read: {control.garbled}")
    if control.wish.paused:
        return Hold(PAUSED, f"{control.location} to say resume")
    return None


def held_by(
    control: Control,
    windows: Windows,
    now: datetime.datetime,
    *,
    hold: bool,
    needed: float = 0.0,
    entries: t.Sequence[t.Any] = (),
) -> t.Optional[Hold]:
    """What holds a cutover now; None when it may begin. ``hold``: it needs a ``proceed`` that by the journal's
    ``entries`` has let no earlier cutover begin. ``needed``: how many seconds of the window it needs. An abort is no
    wait: see ``Control.refusal``."""
    wish = control.wish
    if control.problem:
        return Hold(CANNOT_READ, f"{control.location}, which cannot be read: {control.problem}")
    stopped = stopped_by(control)
    if stopped is not None:
        return stopped
    if wish.until is not None and wish.until > now:
        return Hold(POSTPONED, f"{iso(wish.until)}, to which it was postponed")
    if hold and not wish.proceed:
        return Hold(HELD, f"{control.location} to say proceed")
    if hold and control.written is not None and used_up(control.written, entries):
        was = f"what it says since {iso(control.written)} let an earlier cutover begin"
        return Hold(HELD, f"{control.location} to say proceed anew ({was})")
    if windows.refusal(now, needed, "what comes now") is not None:
        return Hold(WINDOW_CLOSED, _window(windows, now, needed))
    return None


def _window(windows: Windows, now: datetime.datetime, needed: float) -> str:
    closes, opens = windows.closes(now), windows.opens(now)
    late = ""
    if closes is not None:
        late = f"; what is left until {iso(closes)} is less than the {format_duration(needed)} that may be needed"
    if opens is None:
        return f"a window that does not open again{late}"
    return f"the window, which opens at {iso(opens)}{late}"
