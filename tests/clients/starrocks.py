# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to StarRocks with INSERT over the MySQL protocol."""

from __future__ import annotations

import typing as t

import pymysql

from clients.place import Place, Refused

TIMEOUT = 30.0
DAYS = ("2026-11-10", "2026-12-10")
"""Keys go to two partitions in turn."""
TABLE = """CREATE TABLE IF NOT EXISTS {table} (`id` BIGINT NOT NULL, `day` DATE NOT NULL, `note` VARCHAR(64))
DUPLICATE KEY (`id`, `day`) PARTITION BY RANGE (`day`) (
  PARTITION p202611 VALUES [('2026-11-01'), ('2026-12-01')),
  PARTITION p202612 VALUES [('2026-12-01'), ('2027-01-01'))
) DISTRIBUTED BY HASH (`id`) BUCKETS 2 PROPERTIES ('replication_num' = '1')"""


class StarRocksClient:
    """Place: ``host`` and ``port`` of a frontend, ``user``, ``password``, ``database``, ``table``. A key is the row's
    ``id``; one that was written twice, because the first answer was lost, counts once.
    """

    def __init__(self, place: Place) -> None:
        self._database = f"`{place['database']}`"
        self._table = f"{self._database}.`{place['table']}`"
        try:
            self._connection = pymysql.connect(
                host=place["host"],
                port=int(place["port"]),
                user=place["user"],
                password=place["password"],
                connect_timeout=5,
                read_timeout=TIMEOUT,
                write_timeout=TIMEOUT,
                autocommit=None,
            )
        except (pymysql.Error, OSError) as error:
            raise Refused(str(error)) from error

    def make(self) -> None:
        """A table of two partitions."""
        self._sql(f"CREATE DATABASE IF NOT EXISTS {self._database}")
        self._sql(TABLE.format(table=self._table))

    def write(self, keys: t.Sequence[int]) -> None:
        """One INSERT, which is one transaction."""
        rows = ", ".join(f"({key}, '{DAYS[key % len(DAYS)]}', 'written')" for key in keys)
        self._sql(f"INSERT INTO {self._table} (`id`, `day`, `note`) VALUES {rows}")

    def held(self, keys: t.Collection[int]) -> set[int]:
        """Reads the whole table."""
        return {int(row[0]) for row in self._sql(f"SELECT `id` FROM {self._table}")} & set(keys)

    def close(self) -> None:
        """Close the connection."""
        try:
            self._connection.close()
        except pymysql.Error:
            return

    def _sql(self, text: str) -> t.Sequence[t.Sequence[t.Any]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall()
        except (pymysql.Error, OSError) as error:
            raise Refused(str(error)) from error
