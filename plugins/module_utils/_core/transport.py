# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What SQL transports share: their results, and the two ways in which a request fails."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Rows:
    """A result set. Names and order as the server sends them; integers are int, absent values None."""

    columns: tuple[str, ...]
    rows: tuple[tuple[t.Any, ...], ...]

    def records(self) -> t.Iterator[dict[str, t.Any]]:
        """The rows by column name, in lower case."""
        names = [name.lower() for name in self.columns]
        for row in self.rows:
            yield dict(zip(names, row))

    def single(self) -> t.Any:
        """The first column of the first row; None for an empty result. Column names of functions vary by version."""
        return self.rows[0][0] if self.rows and self.rows[0] else None


class ServerError(Exception):
    """The server answered with an error: it has definitely seen the request.

    ``status`` is the engine's own status by name where it is told, ``errno`` MySQL's number,
    ``http_status`` the HTTP status. ``text`` is the server's own text, unchanged.
    """

    def __init__(
        self,
        text: str,
        *,
        errno: int | None = None,
        status: str | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.errno = errno
        self.status = status
        self.http_status = http_status


class ConnectionLost(Exception):
    """No answer. ``sent`` tells whether the server may have seen (and carried out) the request.

    ``kind``: ``unreachable``, ``timeout``, ``lost``, ``tls_not_offered``, ``tls_failed`` or ``not_the_protocol``.
    ``timeout`` and ``lost`` come without ``sent`` when the server was to speak first and did not.
    """

    def __init__(self, text: str, *, sent: bool, address: str, kind: str = "lost") -> None:
        super().__init__(text)
        self.text = text
        self.sent = sent
        self.address = address
        self.kind = kind

    @property
    def greeted(self) -> bool:
        """False when the connection was accepted, and then closed or left silent before the server spoke."""
        return self.sent or self.kind not in ("lost", "timeout")


class SqlTransport(t.Protocol):
    """A way to send one SQL statement. It never sends a statement twice."""

    @property
    def address(self) -> str:
        """Where it connects to, for messages: ``host:port``."""

    def query(self, sql: str, *, mutating: bool = False) -> Rows:
        """The result of one statement.

        :raises ServerError: the server refused it
        :raises ConnectionLost: no answer; after this, the next call uses a fresh connection
        """

    def close(self) -> None:
        """Give the connection back."""
