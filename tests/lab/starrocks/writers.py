# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's writing clients: threads that INSERT over MySQL sockets and keep account of what was acknowledged."""

from __future__ import annotations

import random
import threading
import typing as t
from dataclasses import dataclass, field

import pymysql

from lab.clock import LabClock
from lab.starrocks.state import Cluster
from lab.starrocks.table_ledger import Place, TableLedger

USER, PASSWORD = "writer", "write-42"
FIRST_KEY = 10**9
"""Clients number their rows from here on, partition by partition."""
MOST_STATEMENTS = 20.0
"""Real statements per second of all clients: a faster lab puts more rows into one statement."""
MOST_ROWS = 500
RETRY_PAUSE = 0.05
"""Real seconds between two tries of a refused statement."""
TABLES_WRITTEN = 16
TIMEOUT = 10.0


@dataclass
class Figures:
    """What a client saw."""

    statements: int = 0
    rows: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    last_error: str = ""


class Writers:
    """``run`` replaces the clients; ``point_to`` is what the operator's switch does to all of them."""

    def __init__(
        self,
        clock: LabClock,
        clusters: t.Mapping[str, Cluster],
        ports: t.Callable[[str], list[int]],
        ledger: TableLedger,
        seed: int,
    ) -> None:
        self._clock = clock
        self._clusters = clusters
        self._ports = ports
        self.ledger = ledger
        self._rng = random.Random("writers %d" % seed)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._next: dict[Place, int] = {}
        self._lock = threading.Lock()
        self.figures: list[Figures] = []
        self.rate = 0.0

    @property
    def count(self) -> int:
        """Clients at work."""
        return len(self._threads)

    def point_to(self, key: str) -> None:
        """Let the clients write to "source" or "target" from their next statement on."""
        if key not in self._clusters:
            raise ValueError("writers: %r is neither source nor target" % key)
        self.ledger.writes_to = key

    def places(self) -> list[Place]:
        """The partitions that clients write: the newest ones of the first tables."""
        tables = [(d, x) for d in self._clusters["source"].user_databases() for x in d.tables.values()]
        step = max(1, len(tables) // TABLES_WRITTEN)
        return [
            (database.name, table.name, name)
            for database, table in tables[::step][:TABLES_WRITTEN]
            for name in list(table.partitions)[-2:]
        ]

    def run(self, count: int, rate: float) -> None:
        """``count`` clients that share ``rate`` rows per lab second."""
        self.close()
        self.rate = rate
        self.figures = []
        self._stop = threading.Event()
        places = self.places()
        if rate <= 0 or not places:
            return
        for number in range(count):
            share = places[number::count] or places
            figures = Figures()
            self.figures.append(figures)
            arguments = (number, share, rate / count, MOST_STATEMENTS / count, figures, self._stop)
            thread = threading.Thread(target=self._write, args=arguments, daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop all clients; what is on its way is answered or lost."""
        self._stop.set()
        for thread in self._threads:
            thread.join(0.5)
        self._threads = []

    # --- one client, in its thread ---

    def _write(
        self,
        number: int,
        places: list[Place],
        rate: float,
        statements: float,
        figures: Figures,
        stop: threading.Event,
    ) -> None:
        pause = max(1 / statements, 1 / rate / self._clock.factor)
        connection: t.Any = None
        connected = ""
        turn = number
        due = self._clock.now()
        while not stop.wait(pause):
            now = self._clock.now()
            rows = min(MOST_ROWS, int((now - due) * rate))
            if rows < 1:
                continue
            due = now if now - due > 60 else due + rows / rate
            place = places[turn % len(places)]
            turn += 1
            keys = self._take(place, rows)
            text = self._statement(place, keys)
            if not text:
                continue
            while not stop.is_set():
                key = self.ledger.writes_to
                try:
                    if connection is None or connected != key:
                        _close(connection)
                        connection, connected = self._connect(key, number), key
                    with connection.cursor() as cursor:
                        cursor.execute(text)
                    self.ledger.acknowledge(place, keys)
                    figures.statements += 1
                    figures.rows += rows
                    break
                except (pymysql.Error, OSError) as problem:
                    # The same rows again: a row is its key, so one that had arrived after all does not count twice.
                    self.ledger.refuse(place, rows)
                    code = str(problem.args[0]) if problem.args else type(problem).__name__
                    figures.errors[code] = figures.errors.get(code, 0) + 1
                    figures.last_error = str(problem)
                    if not isinstance(problem, (pymysql.ProgrammingError, pymysql.OperationalError)) or code in LOST:
                        _close(connection)
                        connection = None
                        number += 1
                    stop.wait(RETRY_PAUSE)
        _close(connection)

    def _take(self, place: Place, rows: int) -> range:
        with self._lock:
            first = self._next.get(place, FIRST_KEY)
            self._next[place] = first + rows
        return range(first, first + rows)

    def _statement(self, place: Place, keys: range) -> str:
        database = self._clusters["source"].databases.get(place[0])
        table = database.tables.get(place[1]) if database is not None else None
        partition = table.partitions.get(place[2]) if table is not None else None
        if partition is None:
            return ""  # somebody dropped it: its turn is skipped
        day = partition.lower or "2026-11-21"
        values = ", ".join("(%d, '%s', %d.50, 'written')" % (key, day, key % 1000) for key in keys)
        return "INSERT INTO `%s`.`%s` (`id`, `day`, `amount`, `note`) VALUES %s" % (*place[:2], values)

    def _connect(self, key: str, number: int) -> t.Any:
        ports = self._ports(key)
        return pymysql.connect(
            host="127.0.0.1",
            port=ports[number % len(ports)],
            user=USER,
            password=PASSWORD,
            connect_timeout=2,
            read_timeout=TIMEOUT,
            write_timeout=TIMEOUT,
            autocommit=None,
        )


LOST = ("2003", "2006", "2013", "2014", "0")
"""Client errors after which a connection is no good."""


def _close(connection: t.Any) -> None:
    if connection is not None:
        try:
            connection.close()
        except (pymysql.Error, OSError):
            return
