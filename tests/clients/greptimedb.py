# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to GreptimeDB through the HTTP SQL API of a frontend, which needs no driver."""

from __future__ import annotations

import http.client
import json
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta

from clients.place import Place, Refused

EPOCH = datetime(2026, 1, 1)
HOSTS = 12
"""Rows go to that many hosts in turn, so that they spread over all regions."""
TIMEOUT = 10.0
TABLE = """CREATE TABLE IF NOT EXISTS {table} (host STRING, ts TIMESTAMP TIME INDEX, val DOUBLE, PRIMARY KEY(host))
PARTITION ON COLUMNS (host) (
  host < 'host-02', host >= 'host-02' AND host < 'host-04', host >= 'host-04' AND host < 'host-06',
  host >= 'host-06' AND host < 'host-08', host >= 'host-08' AND host < 'host-10', host >= 'host-10'
)"""
"""The syntax of tests/cases/standalone/common/create of GreptimeDB's repository at v1.1.4."""


class GreptimeClient:
    """Place: ``url`` of a frontend's HTTP port, ``table``. A key is the row's value; host and time follow from it, so
    that the same key written twice is one row.
    """

    def __init__(self, place: Place) -> None:
        self._url = f"{place['url']}/v1/sql?db=public"
        self._table = place["table"]

    def make(self) -> None:
        """Six regions, one host range each."""
        self._sql(TABLE.format(table=self._table))

    def write(self, keys: t.Sequence[int]) -> None:
        """One INSERT."""
        rows = ", ".join(f"('host-{key % HOSTS:02}', '{EPOCH + timedelta(seconds=key)}', {key})" for key in keys)
        self._sql(f"INSERT INTO {self._table} (host, ts, val) VALUES {rows}")

    def held(self, keys: t.Collection[int]) -> set[int]:
        """Reads the whole table."""
        (output,) = self._sql(f"SELECT val FROM {self._table}")
        return {int(row[0]) for row in output["records"]["rows"]} & set(keys)

    def close(self) -> None:
        """Every request has a connection of its own."""

    def _sql(self, text: str) -> t.Any:
        data = urllib.parse.urlencode({"sql": text}).encode()
        try:
            with urllib.request.urlopen(self._url, data, timeout=TIMEOUT) as reply:
                found = json.loads(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.read().decode("utf-8", "replace")) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Refused(str(error) or type(error).__name__) from error
        if "error" in found:
            raise Refused(str(found["error"]))
        return found["output"]
