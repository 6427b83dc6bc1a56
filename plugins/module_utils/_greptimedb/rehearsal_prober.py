# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A client that writes to the shadow table all the time, and what it saw of a move."""

from __future__ import annotations

import dataclasses
import datetime
import threading
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost, ServerError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.rehearsal_past import insert_sql
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.sql_http import HttpSqlTransport
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.sql_mysql import FrontendTransport

INTERVAL = 0.02
"""Seconds between two writes, which is how finely the refused window is seen."""
_JOIN_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Write:
    """One write: when it was sent and answered, seconds of the clock, and whether it was accepted."""

    sent: float
    answered: float
    accepted: bool


class Prober(threading.Thread):
    """``start`` it, move the region, ``finish`` it; ``writes`` may be read meanwhile. It writes to one table only."""

    def __init__(self, connection: Connection, table: str, clock: Clock) -> None:
        super().__init__(name="the rehearsal's client", daemon=True)
        self.writes: t.List[Write] = []
        self.errors: t.Dict[str, int] = {}
        self._table = table
        self._clock = clock
        self._over = threading.Event()
        self._stamp = clock.now().replace(tzinfo=None)
        self._number = 0
        self._transport = (
            HttpSqlTransport(connection) if connection.transport == "http" else FrontendTransport(connection)
        )

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self.write()
                self._clock.sleep(INTERVAL)
        finally:
            self._transport.close()

    def write(self) -> bool:
        """One row; whether it was accepted."""
        self._number += 1
        self._stamp += datetime.timedelta(milliseconds=1)
        sent = self._clock.monotonic()
        accepted = False
        try:
            self._transport.query(insert_sql(self._table, self._stamp, self._number), mutating=True)
            accepted = True
        except (ServerError, ConnectionLost) as error:
            text = error.text[:120]
            self.errors[text] = self.errors.get(text, 0) + 1
        self.writes.append(Write(sent, self._clock.monotonic(), accepted))
        return accepted

    def finish(self) -> None:
        """Let it end."""
        self._over.set()
        self.join(_JOIN_SECONDS)


@dataclasses.dataclass(frozen=True)
class Window:
    """What was seen of one move, in seconds. ``refused``: from the first refused write to the first accepted one behind
    it, 0 for none. ``gap``: the longest time without an accepted write. ``accepted_again``: when the first was accepted
    behind a refusal, in seconds of the clock.
    """

    refused: float
    refusals: int
    gap: float
    accepted_again: t.Optional[float]


def window(writes: t.Sequence[Write], begin: float, end: float) -> Window:
    """What the writes between two times say; refusals that go on behind ``end`` count until they end."""
    first: t.Optional[float] = None
    again: t.Optional[float] = None
    last_accepted: t.Optional[float] = None
    refusals, refused, gap = 0, 0.0, 0.0
    for write in writes:
        if write.answered < begin:
            last_accepted = write.answered if write.accepted else last_accepted
            continue
        if write.sent > end and first is None:
            break
        if not write.accepted:
            refusals += 1
            first = write.sent if first is None else first
            continue
        if last_accepted is not None:
            gap = max(gap, write.answered - last_accepted)
        last_accepted = write.answered
        if first is not None:
            refused, again, first = refused + write.answered - first, write.answered, None
    return Window(round(refused, 3), refusals, round(gap, 3), again)
