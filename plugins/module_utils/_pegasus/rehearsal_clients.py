# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Clients of a shadow table: they write to it as a program would, and note when they were refused and let in again.

Each comes by a route of its own: a MetaProxy, or, where there is none, the source's meta servers. So what is seen is
what a client sees that comes by that MetaProxy. They end with the process, and write to no other table.
"""

from __future__ import annotations

import dataclasses
import threading
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_records as rr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.channel import Channel
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import TableConfig
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings

ROUND = 0.2
"""Seconds between two rounds of writes, each one record into every partition."""
_ANSWER = 2.0
_REFUSED = "ERR_INVALID_STATE"

Resolve = t.Callable[[], t.Optional[TableConfig]]
"""Asks the route who serves the table; None where it knows none. May raise MigrationError."""


@dataclasses.dataclass
class Seen:
    """What one client saw; seconds of the clock. By partition index when it was first refused on the source, and by the
    server that refused; when its route first led elsewhere; by index when it was first let in there."""

    refused: t.Dict[int, float] = dataclasses.field(default_factory=dict)
    refused_by: t.Dict[str, float] = dataclasses.field(default_factory=dict)
    led_away: t.Optional[float] = None
    let_in: t.Dict[int, float] = dataclasses.field(default_factory=dict)
    stored: int = 0
    errors: t.Dict[str, int] = dataclasses.field(default_factory=dict)


class ShadowClient(threading.Thread):
    """One client. ``start`` it, let the cutover run, ``finish`` it; then ``seen`` holds what it saw."""

    def __init__(
        self, route: str, home: t.Collection[str], resolve: Resolve, settings: ConnectionSettings, clock: Clock
    ) -> None:
        """``home``: the replica servers of the source. App ids tell nothing, as the target may give the same."""
        super().__init__(name=f"client by {route}", daemon=True)
        self.route = route
        self.seen = Seen()
        self._home = home
        self._resolve = resolve
        self._settings = settings
        self._clock = clock
        self._channels: t.Dict[str, Channel] = {}
        self._config: t.Optional[TableConfig] = None
        self._keys: t.List[bytes] = []
        self._number = 0
        self._over = threading.Event()

    def finish(self) -> None:
        """Let it end; what is on its way is not waited for long."""
        self._over.set()
        self.join(_ANSWER * 2)

    def run(self) -> None:
        try:
            while not self._over.is_set():
                if self._config is None:
                    self._look()
                if self._config is not None:
                    self._write(self._config)
                self._clock.sleep(ROUND)
        finally:
            for channel in self._channels.values():
                channel.close()

    def _look(self) -> None:
        try:
            config = self._resolve()
        except MigrationError as error:
            self._count(error.code)
            return
        if config is None or config.without_primary:
            return
        if self._elsewhere(config) and self.seen.led_away is None:
            self.seen.led_away = self._clock.monotonic()
        if len(self._keys) != config.partition_count:
            self._keys = rr.hash_keys(config.partition_count)
        self._config = config

    def _elsewhere(self, config: TableConfig) -> bool:
        return not any(node in self._home for node in config.primaries)

    def _write(self, config: TableConfig) -> None:
        self._number += 1
        elsewhere = self._elsewhere(config)
        for node, indices in sorted(config.primaries.items()):
            channel = self._channels.setdefault(node, Channel(node, self._settings))
            calls = [rr.put(config.app_id, index, self._keys[index], self._number) for index in indices]
            replies, _broken = channel.call_many(calls, Deadline(self._clock, _ANSWER, "a client's writes"))
            now = self._clock.monotonic()
            for position, index in enumerate(indices):
                said = rr.outcome(replies[position]) if position in replies else "no answer"
                self._note(node, index, said, elsewhere, now)

    def _note(self, node: str, index: int, said: str, elsewhere: bool, now: float) -> None:
        if said == rr.STORED:
            self.seen.stored += 1
            if elsewhere:
                self.seen.let_in.setdefault(index, now)
            return
        # A client asks anew who serves the table when it was refused.
        self._config = None
        if said == _REFUSED and not elsewhere:
            self.seen.refused.setdefault(index, now)
            self.seen.refused_by.setdefault(node, now)
        else:
            self._count(said)

    def _count(self, error: str) -> None:
        self.seen.errors[error] = self.seen.errors.get(error, 0) + 1
