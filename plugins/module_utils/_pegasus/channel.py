# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One connection to one server, and what it means when it breaks."""

from __future__ import annotations

import dataclasses
import socket
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import framing
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.messages import Rpc
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.schema import Gpid

UNREACHABLE = "unreachable"
LOST = "lost"
TIMEOUT = "timeout"
NOT_PEGASUS = "not_pegasus"

_CHUNK = 256 * 1024


class Broken(Exception):
    """No answer. ``sent``: the server may have seen the request. ``kind``: unreachable, lost, timeout, not_pegasus."""

    def __init__(self, kind: str, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.kind = kind
        self.why = why
        self.sent = sent


@dataclasses.dataclass(frozen=True)
class Call:
    """One request as it is handed to a channel. ``partition_hash``: the checksum of the hash key that it is about."""

    rpc: Rpc
    fields: t.Mapping[str, t.Any]
    gpid: Gpid = framing.NO_PARTITION
    partition_hash: int = 0


class Channel:
    """A TCP connection that carries any number of requests at once. Not for use by several threads at once.

    After any :class:`Broken` it is closed; the next call connects anew.
    """

    def __init__(self, address: str, settings: ConnectionSettings) -> None:
        self.address = address
        self._settings = settings
        self._socket: socket.socket | None = None
        self._seqid = 0
        self._buffer = b""

    @property
    def connected(self) -> bool:
        """Whether there is a connection that a request could be sent on."""
        return self._socket is not None

    def close(self) -> None:
        """Drop the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._buffer = b""

    def call(self, call: Call, deadline: Deadline) -> framing.Reply:
        """Send one request and wait for its answer.

        :raises Broken: there is none
        :raises MigrationError: ``pegasus.decode``
        """
        found, broken = self.call_many([call], deadline)
        if broken is not None:
            raise broken
        return found[0]

    def call_many(self, calls: t.Sequence[Call], deadline: Deadline) -> tuple[dict[int, framing.Reply], Broken | None]:
        """Send all requests and collect their answers, in whatever order they come, by position in ``calls``.

        With fewer answers than requests there is also what went wrong with the rest.
        """
        found: dict[int, framing.Reply] = {}
        try:
            self._connect(deadline)
            positions = self._send(calls, deadline)
            rpcs = {seqid: calls[position].rpc for seqid, position in positions.items()}
            while len(found) < len(calls):
                reply = self._receive(rpcs, deadline)
                if reply is not None:
                    found[positions[reply.seqid]] = reply
        except Broken as broken:
            self.close()
            return found, broken
        except Exception:
            self.close()
            raise
        return found, None

    def _connect(self, deadline: Deadline) -> None:
        if self._socket is not None:
            return
        host, _colon, port = self.address.rpartition(":")
        span = min(self._settings.connect_timeout, deadline.remaining())
        try:
            if span <= 0:
                raise socket.timeout()
            connection = socket.create_connection((host, int(port)), timeout=span)
        except socket.timeout as error:
            raise Broken(UNREACHABLE, f"no connection within {span:.3g} s", sent=False) from error
        except (OSError, UnicodeError) as error:
            raise Broken(UNREACHABLE, _reason(error), sent=False) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._buffer = b""

    def _send(self, calls: t.Sequence[Call], deadline: Deadline) -> dict[int, int]:
        timeout_ms = int(deadline.remaining() * 1000)
        positions: dict[int, int] = {}
        frames: list[bytes] = []
        for position, call in enumerate(calls):
            self._seqid = self._seqid % 0x7FFFFFFF + 1
            positions[self._seqid] = position
            frames.append(
                framing.encode_request(
                    call.rpc,
                    call.fields,
                    seqid=self._seqid,
                    timeout_ms=timeout_ms,
                    gpid=call.gpid,
                    partition_hash=call.partition_hash,
                )
            )
        connection = self._ready(deadline, sent=False)
        try:
            connection.sendall(b"".join(frames))
        except socket.timeout as error:
            raise Broken(TIMEOUT, "the request could not be sent in time", sent=True) from error
        except OSError as error:
            raise Broken(LOST, _reason(error), sent=True) from error
        return positions

    def _receive(self, rpcs: t.Mapping[int, Rpc], deadline: Deadline) -> framing.Reply | None:
        try:
            self._fill(4, deadline)
            length = framing.check_length(self._buffer)
            self._fill(length, deadline)
            frame, self._buffer = self._buffer[:length], self._buffer[length:]
            return framing.decode_reply(frame, rpcs)
        except framing.NotPegasus as error:
            raise Broken(NOT_PEGASUS, str(error), sent=True) from error

    def _fill(self, size: int, deadline: Deadline) -> None:
        parts, have = [self._buffer], len(self._buffer)
        while have < size:
            connection = self._ready(deadline, sent=True)
            try:
                data = connection.recv(_CHUNK)
            except socket.timeout as error:
                raise Broken(TIMEOUT, "no answer in time", sent=True) from error
            except OSError as error:
                raise Broken(LOST, _reason(error), sent=True) from error
            if not data:
                middle = " in the middle of an answer" if have else " without an answer"
                raise Broken(LOST, f"it closed the connection{middle}", sent=True)
            parts.append(data)
            have += len(data)
        self._buffer = b"".join(parts)

    def _ready(self, deadline: Deadline, *, sent: bool) -> socket.socket:
        """The socket, set to end with the deadline."""
        left = deadline.remaining()
        if left <= 0 or self._socket is None:
            raise Broken(TIMEOUT, "no answer in time", sent=sent)
        self._socket.settimeout(left)
        return self._socket


def _reason(error: BaseException) -> str:
    """``Connection refused`` rather than ``[Errno 111] Connection refused``."""
    text = getattr(error, "strerror", None)
    return str(text or error or type(error).__name__)
