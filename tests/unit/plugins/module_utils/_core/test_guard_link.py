# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard that answers too late: the link to it is lost for good, so that no answer is taken for another one's."""

from __future__ import annotations

import contextlib
import json
import pathlib
import socket
import threading
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_link
from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink, GuardLost


class SlowGuard:
    """It answers the first request when it is let go on, and every other one at once. ``heard``: what came."""

    def __init__(self, folder: pathlib.Path, state: str) -> None:
        self.path = str(folder / "guard")
        self.heard: t.List[t.Tuple[str, bool]] = []
        self._state = state
        self._go_on = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        connection, _address = self._listener.accept()
        with contextlib.suppress(OSError), connection, connection.makefile("rwb") as lines:
            for line in lines:
                self._go_on.wait(10)
                request = str(json.loads(line)["op"])
                found = gs.step(self._state, request)
                self._state = found.state
                self.heard.append((request, found.granted))
                answer = {"granted": found.granted, "state": found.state, "left": None}
                lines.write(json.dumps(answer).encode("ascii") + b"\n")
                lines.flush()

    def go_on(self) -> None:
        self._go_on.set()

    def ended(self) -> t.List[t.Tuple[str, bool]]:
        """What it has heard when the link was closed."""
        self._thread.join(10)
        self._listener.close()
        return self.heard


def lost(link: GuardLink, request: str) -> str:
    with pytest.raises(GuardLost) as caught:
        link.ask(request)
    return str(caught.value.details["reason"])


def test_a_late_answer_is_not_taken_for_the_next(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_link, "ANSWER_SECONDS", 0.2)
    guard = SlowGuard(tmp_path, gs.LIFTING)
    link = GuardLink.connect(guard.path)
    why = lost(link, gs.STATUS)
    guard.go_on()
    assert lost(link, gs.COMMIT) == lost(link, gs.STATUS) == why
    with pytest.raises(GuardLost):
        link.require(gs.SWITCH)
    link.close()
    assert guard.ended() == [(gs.STATUS, True)]


def test_a_guard_that_was_late_still_hears_what_was_lifted(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_link, "ANSWER_SECONDS", 0.2)
    guard = SlowGuard(tmp_path, gs.ARMED)
    link = GuardLink.connect(guard.path)
    lost(link, gs.HAND_OVER)
    guard.go_on()
    lost(link, gs.LIFTED_BY_MODULE)
    end = time.monotonic() + 10
    while len(guard.heard) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    link.close()
    assert guard.ended() == [(gs.HAND_OVER, True), (gs.LIFTED_BY_MODULE, True)]


def test_an_answer_that_cannot_be_read_ends_the_link() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b"nonsense\n" + json.dumps({"granted": True, "state": gs.ARMED, "left": None}).encode() + b"\n")
        link = GuardLink(ours)
        assert lost(link, gs.STATUS) == lost(link, gs.STATUS) == "its answer cannot be read"
        link.close()
