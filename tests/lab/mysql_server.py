# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MySQL protocol server for simulated databases: connection phase, COM_QUERY, COM_INIT_DB, COM_PING."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import ssl
import typing as t

from lab import mysql_packets as packets
from lab.gate import ConnectionDropped
from lab.listener import Listener
from lab.mysql_wire import MysqlWire

COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST, COM_STATISTICS, COM_PING = 0x01, 0x02, 0x03, 0x04, 0x09, 0x0E
COM_RESET_CONNECTION, COM_STMT_CLOSE = 0x1F, 0x19
INSECURE_TRANSPORT = 3159
logger = logging.getLogger(__name__)


class MysqlError(Exception):
    """An error answer in MySQL's own terms."""

    def __init__(self, errno: int, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.errno = errno
        self.sqlstate = sqlstate


class MysqlSession(t.Protocol):
    """One client's session, as the simulated database sees it."""

    async def query(self, text: str, gone: t.Callable[[], bool]) -> packets.ResultSet:
        """Answer one statement; raises MysqlError or ConnectionDropped."""

    def use(self, database: str) -> None:
        """Change the current database; raises MysqlError."""


class MysqlBackend(t.Protocol):
    """The simulated database behind the server."""

    @property
    def mysql_version(self) -> str:
        """The version string of the handshake."""

    @property
    def mysql_status(self) -> int:
        """Status flags of every answer."""

    def password_of(self, user: str) -> str | None:
        """The user's password; None when the user is unknown."""

    def check_passwords(self) -> bool:
        """False when any user and password is accepted."""

    def auth_failed(self, user: str, with_password: bool) -> MysqlError:
        """The error of a failed login."""

    def open_session(self, user: str, database: str) -> MysqlSession:
        """A session for a user who has logged in; raises MysqlError."""


def native_scramble(password: str, nonce: bytes) -> bytes:
    """What mysql_native_password sends for a password."""
    if not password:
        return b""
    stage1 = hashlib.sha1(password.encode()).digest()
    stage2 = hashlib.sha1(nonce + hashlib.sha1(stage1).digest()).digest()
    return bytes(a ^ b for a, b in zip(stage1, stage2))


class MysqlServer(Listener):
    """Serves one backend. With a TLS context TLS is offered; with ``require_tls`` a plain login is refused."""

    def __init__(self, backend: MysqlBackend, tls: ssl.SSLContext | None = None, require_tls: bool = False) -> None:
        super().__init__(self._connection)
        self._backend = backend
        self._tls = tls
        self._require_tls = require_tls
        self._connections = 0

    @property
    def _capabilities(self) -> int:
        flags = packets.CLIENT_PROTOCOL_41 | packets.CLIENT_SECURE_CONNECTION | packets.CLIENT_PLUGIN_AUTH
        flags |= packets.CLIENT_PLUGIN_AUTH_LENENC | packets.CLIENT_CONNECT_WITH_DB | packets.CLIENT_DEPRECATE_EOF
        return flags | packets.CLIENT_SSL if self._tls else flags

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = MysqlWire(reader, writer)
        try:
            login = await self._log_in(wire)
            session = self._backend.open_session(login.user, login.database)
            await self._send(wire, packets.ok(self._backend.mysql_status))
        except MysqlError as error:
            await self._send(wire, packets.err(error.errno, error.sqlstate, str(error)))
            return
        except ValueError as error:
            logger.warning("malformed login: %s", error)
            return
        await self._commands(wire, session, bool(login.capabilities & packets.CLIENT_DEPRECATE_EOF))

    async def _log_in(self, wire: MysqlWire) -> packets.Login:
        self._connections += 1
        nonce = bytes(33 + byte % 90 for byte in os.urandom(20))
        version, status = self._backend.mysql_version, self._backend.mysql_status
        greeting = packets.handshake(version, self._connections, nonce, self._capabilities, status)
        await self._send(wire, greeting, sequence=0)
        login = packets.parse_login(await wire.read_packet())
        if login is None:
            if self._tls is None:
                raise ValueError("TLS asked for and not offered")
            await wire.start_tls(self._tls)
            login = packets.parse_login(await wire.read_packet())
            if login is None:
                raise ValueError("TLS asked for twice")
        elif self._require_tls:
            text = "Connections using insecure transport are prohibited while --require_secure_transport=ON."
            raise MysqlError(INSECURE_TRANSPORT, "HY000", text)
        if self._backend.check_passwords():
            if login.plugin != packets.NATIVE_PASSWORD:
                await self._send(wire, packets.auth_switch(nonce))
                login.scramble = await wire.read_packet()
            password = self._backend.password_of(login.user)
            if password is None or native_scramble(password, nonce) != login.scramble:
                raise self._backend.auth_failed(login.user, bool(login.scramble))
        return login

    async def _send(self, wire: MysqlWire, payload: bytes, sequence: int | None = None) -> None:
        out = packets.PacketWriter(wire.sequence if sequence is None else sequence)
        out.add(payload)
        await wire.write(out.buffer)

    async def _commands(self, wire: MysqlWire, session: MysqlSession, deprecate_eof: bool) -> None:
        while True:
            packet = await wire.read_packet()
            command, argument = packet[0], packet[1:]
            if command == COM_QUIT:
                return
            if command == COM_STMT_CLOSE:
                continue
            out = packets.PacketWriter(wire.sequence)
            status = self._backend.mysql_status
            try:
                if command == COM_QUERY:
                    result = await session.query(argument.decode("utf-8", "replace"), wire.gone)
                    out.result_set(result, status, deprecate_eof)
                elif command == COM_INIT_DB:
                    session.use(argument.decode("utf-8", "replace"))
                    out.add(packets.ok(status))
                elif command in (COM_PING, COM_RESET_CONNECTION):
                    out.add(packets.ok(status))
                elif command == COM_FIELD_LIST:
                    out.add(packets.eof(status))
                elif command == COM_STATISTICS:
                    out.add(b"Uptime: 1")
                else:
                    raise MysqlError(1047, "08S01", "Unknown command: 0x%02x" % command)
            except MysqlError as error:
                out = packets.PacketWriter(wire.sequence)
                out.add(packets.err(error.errno, error.sqlstate, str(error)))
            except ConnectionDropped:
                wire.abort()
                return
            await wire.write(out.buffer)
