# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary PyMySQL against the frontends of a StarRocks lab."""

from __future__ import annotations

import typing as t

import pymysql
import pytest

from lab.client import LabClient

Row = t.Dict[str, t.Any]


class Sql:
    """One connection to one frontend (number from 0) as one user."""

    def __init__(self, lab: LabClient, cluster: str = "source", frontend: int = 0, user: str = "root", **more: t.Any):
        host, port = lab.describe["clusters"][cluster]["address"][frontend].split(":")
        more.setdefault("password", lab.describe["users"].get(user, ""))
        if "ssl" not in more:
            more["ssl_disabled"] = True
        self.connection = pymysql.connect(host=host, port=int(port), user=user, **more)

    def rows(self, text: str) -> list[Row]:
        """The rows of a statement, by column name."""
        with self.connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(text)
            return list(cursor.fetchall())

    def column(self, text: str) -> list[t.Any]:
        """The first column of a statement's rows."""
        return [next(iter(row.values())) for row in self.rows(text)]

    def names(self, text: str) -> list[str]:
        """The column names of a statement's result."""
        with self.connection.cursor() as cursor:
            cursor.execute(text)
            return [column[0] for column in cursor.description]

    def error(self, text: str) -> tuple[int, str]:
        """(number, text) of the error that a statement gives."""
        with pytest.raises(pymysql.err.Error) as caught:
            self.rows(text)
        return int(caught.value.args[0]), str(caught.value.args[1])

    def config(self, key: str) -> str:
        """A frontend's own value of a config item."""
        [row] = self.rows("ADMIN SHOW FRONTEND CONFIG LIKE '%s'" % key.replace("_", "\\_"))
        return str(row["Value"])

    def close(self) -> None:
        """End the connection."""
        self.connection.close()


def config_on_each(lab: LabClient, key: str, cluster: str = "source") -> list[str]:
    """The item's value on every frontend."""
    values = []
    for number in range(len(lab.describe["clusters"][cluster]["address"])):
        sql = Sql(lab, cluster, number)
        values.append(sql.config(key))
        sql.close()
    return values
