# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted SQL transport and a clock that does not wait."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.client import GreptimeClient
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import (
    Connection,
    connection_argument_spec,
)

Answer = t.Union[Rows, Exception]

NODE_COLUMNS = ("peer_id", "peer_type", "peer_addr", "version", "active_time")
PEER_COLUMNS = ("region_id", "peer_id", "is_leader", "status", "down_seconds")


class Clock:
    """Sleeping is free."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime.datetime:
        return datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class FakeSql:
    """Answers by what the statement contains: the first match whose list still holds an answer.

    The last answer of a list is given again and again.
    """

    address = "db:4002"

    def __init__(self, version: str, answers: t.Optional[t.Mapping[str, t.Sequence[Answer]]] = None) -> None:
        self.sent: t.List[t.Tuple[str, bool]] = []
        self._answers = {key: list(value) for key, value in (answers or {}).items()}
        self._answers.setdefault("version()", [Rows(("version()",), ((f"8.4.2-GreptimeDB-{version}",),))])
        self._answers.setdefault("cluster_info", [nodes(version)])

    def query(self, sql: str, *, mutating: bool = False) -> Rows:
        self.sent.append((sql, mutating))
        for key, answers in self._answers.items():
            if key in sql:
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise AssertionError(f"unexpected statement: {sql}")

    def close(self) -> None:
        pass

    def texts(self, word: str = "") -> t.List[str]:
        return [sql for sql, _mutating in self.sent if word in sql]


class FakeAdmin:
    """A metasrv that takes submissions and holds a maintenance mode."""

    def __init__(self, submissions: t.Sequence[t.Union[str, Exception, None]] = (), maintenance: t.Any = False) -> None:
        self.addresses: t.Tuple[Address, ...] = (Address("meta", 3002),)
        self.asked: t.List[str] = []
        self.enabled = maintenance
        self.sent: t.List[str] = []
        self.set_error: t.Optional[Exception] = None
        self.applies = True
        self.reads_behind: t.List[t.Any] = []
        """What is read of the maintenance mode once it was set, before what it is; the last answer stays."""
        self._submissions = list(submissions)

    def discover(self, _addresses: t.Iterable[str]) -> None:
        pass

    def versions(self) -> t.List[t.Any]:
        return []

    def submission_addresses(self) -> t.List[Address]:
        self.sent.append("leader")
        return list(self.addresses)

    def submit(self, path: str, address: Address) -> t.Optional[str]:
        self.sent.append(path)
        self.asked.append(address.host)
        answer = self._submissions.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def maintenance(self, _dialect: t.Any) -> t.Any:
        if self.sent and self.reads_behind:
            answer = self.reads_behind.pop(0) if len(self.reads_behind) > 1 else self.reads_behind[0]
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self.enabled

    def set_maintenance(self, _dialect: t.Any, enabled: bool) -> None:
        self.sent.append(f"set {enabled}")
        if self.applies:
            self.enabled = enabled
        if self.set_error is not None:
            raise self.set_error

    def close(self) -> None:
        pass


def nodes(version: str, active: t.Sequence[str] = ("1s", "1s")) -> Rows:
    """Datanodes 0, 1, ... with these times since their heartbeats, and a metasrv."""
    datanodes = tuple((index, "DATANODE", f"dn-{index}:3001", version, time) for index, time in enumerate(active))
    return Rows(NODE_COLUMNS, datanodes + ((-1, "METASRV", "meta:3002", version, None),))


def connection(**given: t.Any) -> Connection:
    """Connection options with defaults."""
    params = {name: option.get("default") for name, option in connection_argument_spec().argument_spec.items()}
    params.update({"frontend_host": "db", **given})
    return Connection.from_params(params)


def client(sql: t.Optional[FakeSql], admin: t.Optional[FakeAdmin] = None, **given: t.Any) -> GreptimeClient:
    """A client over the fakes."""
    metasrv: t.Any = admin or FakeAdmin()
    return GreptimeClient(connection(**given), Redactor(["hunter22"]), Clock(), transport=sql, admin=metasrv)
