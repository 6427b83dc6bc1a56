# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The process in which a shadow table's clients run, apart from the module's own.

The module forks the guard of its fence, and must have no other threads then. This process ends when it is told to, and
by itself as soon as the module is gone: the pipe between them closes.
"""

from __future__ import annotations

import json
import os
import select
import signal
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_clients import Seen, ShadowClient

LET_IN_SECONDS = 10.0
"""So long a client that was refused is waited for, until it is led to the target and let in there."""
_LED_AWAY, _STAYS = b"e", b"s"
_ANSWER_SECONDS = 60.0
_LOOK = 0.1


class Crew:
    """Clients in a process of their own. ``begin``, later ``end``; ``close`` in any case."""

    def __init__(self, clients: t.Sequence[ShadowClient], clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._pid = 0
        self._orders = -1
        self._answers = -1

    def begin(self) -> None:
        """Let them write. The caller must have no other threads."""
        orders_read, orders_write = os.pipe()
        answers_read, answers_write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(orders_write)
            os.close(answers_read)
            self._child(orders_read, answers_write)
        os.close(orders_read)
        os.close(answers_write)
        self._orders, self._answers = orders_write, answers_read

    def end(self, led_away: bool) -> t.Dict[str, Seen]:
        """Wait until those that were refused are let in, as long as that may take, and get what all saw, by route.

        ``led_away``: whether their routes will lead to the target, though perhaps they have not noticed yet.
        """
        os.write(self._orders, _LED_AWAY if led_away else _STAYS)
        text = b""
        deadline = Deadline(self._clock, _ANSWER_SECONDS, "the rehearsal's clients")
        while True:
            ready, _write, _other = select.select([self._answers], [], [], deadline.remaining())
            part = os.read(self._answers, 65536) if ready else b""
            if not part:
                break
            text += part
        self.close()
        try:
            return {route: _seen(told) for route, told in json.loads(text.decode("utf-8")).items()}
        except ValueError as error:
            raise MigrationError(
                "pegasus.rehearsal_clients",
                "The clients of the shadow table ended without telling what they saw. Run the rehearsal again.",
            ) from error

    def close(self) -> None:
        """Let go of the process; it ends by itself."""
        for number in (self._orders, self._answers):
            if number >= 0:
                os.close(number)
        self._orders = self._answers = -1
        if self._pid:
            os.waitpid(self._pid, 0)
            self._pid = 0

    def _child(self, orders: int, answers: int) -> t.NoReturn:
        try:
            # The order to end is the pipe: a terminal's interrupt goes to the module, which then lets go of it.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            for client in self._clients:
                client.start()
            order = os.read(orders, 1)
            if order:
                self._await_let_in(order == _LED_AWAY)
                text = json.dumps({one.route: vars(one.seen) for one in self._clients})
                _write_all(answers, text.encode("utf-8"))
        finally:
            # Neither exit handlers nor buffers of the module are this process's to run or to flush.
            os._exit(0)

    def _await_let_in(self, led_away: bool) -> None:
        """What does not come is missing in the figures."""
        deadline = Deadline(self._clock, LET_IN_SECONDS, "the rehearsal's clients")
        while led_away and not deadline.expired:
            seen = [one.seen for one in self._clients]
            if all(one.led_away is not None and set(one.refused) <= set(one.let_in) for one in seen):
                break
            deadline.sleep(_LOOK)
        for client in self._clients:
            client.finish()


def _write_all(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]


def _seen(told: t.Mapping[str, t.Any]) -> Seen:
    """JSON knows no numbers as keys."""
    numbered = {name: {int(key): at for key, at in told[name].items()} for name in ("refused", "let_in")}
    return Seen(**{**told, **numbered})
