# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One frontend: its own config values and fe.conf, its MySQL sessions, its three ports, its life and death."""

from __future__ import annotations

import asyncio
import ssl
import typing as t
from pathlib import Path

from lab.gate import Incoming, InjectedError
from lab.http_server import HttpRequest, HttpResponse, HttpServer
from lab.listener import Listener
from lab.mysql_packets import CLIENT_CONNECT_ATTRS, CLIENT_DEPRECATE_EOF, ResultSet
from lab.mysql_server import INSECURE_TRANSPORT, MysqlError, MysqlServer
from lab.mysql_wire import MysqlWire
from lab.starrocks import writers
from lab.starrocks.accounts import Rights
from lab.starrocks.configs import Catalogue
from lab.starrocks.errors import SqlError, unknown_database
from lab.starrocks.profiles import Profile
from lab.starrocks.records import LEADER, OBSERVER, Frontend
from lab.starrocks.sql_tokens import split
from lab.starrocks.statements import Call, Context

if t.TYPE_CHECKING:
    from lab.mysql_packets import Login
    from lab.starrocks.front import Front

CLIENT_LONG_FLAG = 0x4


class FrontendPort(MysqlServer):
    """The query port: StarRocks' capabilities, and its refusal of a login without TLS."""

    @property
    def _capabilities(self) -> int:
        flags = super()._capabilities | CLIENT_LONG_FLAG | CLIENT_CONNECT_ATTRS
        return flags & ~CLIENT_DEPRECATE_EOF

    async def _log_in(self, wire: MysqlWire) -> Login:
        try:
            return await super()._log_in(wire)
        except MysqlError as error:
            if error.errno == INSECURE_TRANSPORT:
                raise MysqlError(5205, "42000", "Connections using insecure transport are prohibited") from None
            raise


async def _swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The rpc port takes connections and never says a word: thrift is not simulated."""
    while await reader.read(4096):
        continue


class FrontendServer:
    """Backend of the MySQL server and handler of the HTTP server of one FE, which ``record`` describes.

    The sockets are on 127.0.0.1, whatever the record's host.
    """

    def __init__(self, front: Front, record: Frontend, directory: Path) -> None:
        self.front = front
        self.record = record
        self.catalogue = front.catalogue
        self.changed_at = -front.settings.heartbeat
        self.fe_conf = directory / "conf" / "fe.conf"
        self.version_file = directory / "meta" / "image" / "VERSION"
        self.mysql: MysqlServer = FrontendPort(self)
        self.http_server = HttpServer(self.http)
        self.rpc = Listener(_swallow)

    # --- life ---

    async def start(self, tls: ssl.SSLContext | None, require_tls: bool) -> None:
        """Listen on three free ports and read fe.conf."""
        self.mysql = FrontendPort(self, tls, require_tls)
        for listener in self.listeners:
            await listener.start()
        record = self.record
        record.query_port, record.http_port, record.rpc_port = (listener.port for listener in self.listeners)
        self.fe_conf.parent.mkdir(parents=True)
        self.version_file.parent.mkdir(parents=True)
        lines = ["# fe.conf of %s" % record.host, "priority_networks = %s/24" % self.record.host]
        if self.front.profile.since("3.0"):
            lines.append("run_mode = %s" % self.front.profile.run_mode)
        lines += ["%s = %d" % (key, getattr(record, key)) for key in ("http_port", "query_port", "rpc_port")]
        lines += ["%s = %s" % item for item in self.front.settings.fe_conf.items()]
        self.fe_conf.write_text("\n".join(lines) + "\n", encoding="utf-8")
        front = self.front
        stated = {"clusterId": front.cluster_id, "token": front.token, "runMode": front.profile.run_mode}
        self.version_file.write_text("".join("%s=%s\n" % item for item in stated.items()), encoding="utf-8")
        self.load_config()

    @property
    def listeners(self) -> tuple[Listener, Listener, Listener]:
        """Query port, http port, rpc port."""
        return self.mysql, self.http_server, self.rpc

    def load_config(self) -> None:
        """What a start does: defaults, then fe.conf; whatever was set at run time is forgotten."""
        catalogue = self.catalogue
        config = catalogue.defaults()
        self.record.fe_conf = {}
        for line in self.fe_conf.read_text(encoding="utf-8").splitlines():
            key, equals, value = line.partition("=")
            item = catalogue.find(key.strip())
            if equals and item is not None and not line.lstrip().startswith("#"):
                try:
                    self.record.fe_conf[item.key] = item.normalise(value)
                except ValueError:
                    continue  # a real FE would not start; the lab keeps the default
        self.record.config = {**config, **self.record.fe_conf}
        self.record.started = self.front.clock.now()

    def become(self, profile: Profile) -> None:
        """Start again as another version, in the middle of an upgrade: other config items, the same statements."""
        self.catalogue = Catalogue(profile)
        self.record.version = profile.node_version
        self.load_config()

    def die(self) -> None:
        """The process ends."""
        self.record.alive = False
        self.changed_at = self.front.clock.now()
        for listener in self.listeners:
            listener.pause()

    async def revive(self) -> None:
        """The process starts again."""
        self.load_config()
        self.record.alive = True
        self.changed_at = self.front.clock.now()
        for listener in self.listeners:
            await listener.resume()

    def close(self) -> None:
        """Stop for good."""
        for listener in self.listeners:
            listener.close()

    # --- identity ---

    @property
    def host(self) -> str:
        """The address under which the cluster knows it."""
        return self.record.host

    @property
    def observer(self) -> bool:
        """An observer never leads and never votes."""
        return self.record.role == OBSERVER

    @property
    def leads(self) -> bool:
        """True for the leader, dead or alive."""
        return self.record.role == LEADER

    @property
    def seen_alive(self) -> bool:
        """What the leader's heartbeats say, which come every few seconds."""
        fresh = self.front.clock.now() - self.changed_at < self.front.settings.heartbeat
        return self.record.alive != fresh

    @property
    def version_shown(self) -> str:
        """The Version column; another than the cluster's in the middle of an upgrade."""
        return self.record.version or self.front.version_shown

    @property
    def address(self) -> str:
        """host:query port, as the cluster knows it."""
        return "%s:%d" % (self.record.host, self.record.query_port)

    # --- MySQL ---

    @property
    def mysql_version(self) -> str:
        """Version string of the greeting."""
        return self.front.profile.facade

    @property
    def mysql_status(self) -> int:
        """Status flags of every answer."""
        return 0

    def password_of(self, user: str) -> str | None:
        """A user's password; None for an unknown one."""
        found = self.front.accounts.users.get(user)
        return found.password if found else None

    def check_passwords(self) -> bool:
        """Every login is checked."""
        return True

    def auth_failed(self, user: str, with_password: bool) -> MysqlError:
        """The error of a failed login."""
        text = "Access denied for user '%s' (using password: %s)" % (user, "YES" if with_password else "NO")
        return MysqlError(1045, "28000", text)

    def open_session(self, user: str, database: str) -> Session:
        """A MySQL session."""
        session = Session(self, Context(Rights(self.front.accounts, user)))
        if database:
            session.use(database)
        return session

    # --- HTTP ---

    async def http(self, request: HttpRequest) -> HttpResponse:
        """One HTTP request."""
        return await self.front.frontend_http.answer(self, request)


class Session:
    """One MySQL session on one frontend."""

    def __init__(self, frontend: FrontendServer, context: Context) -> None:
        self._frontend = frontend
        self._context = context

    def use(self, database: str) -> None:
        """COM_INIT_DB."""
        front = self._frontend.front
        name = database.rpartition(".")[2]
        if not front.has_database(name):
            error = unknown_database(front.profile, name)
            raise MysqlError(error.errno, error.sqlstate, str(error))
        self._context.database = name

    async def query(self, text: str, gone: t.Callable[[], bool]) -> ResultSet:
        """COM_QUERY."""
        frontend = self._frontend
        front = frontend.front
        mutating = front.dispatcher.mutating(text)
        user = self._context.rights.name
        if user == writers.USER:
            return await self._answer_writer(text)
        incoming = Incoming("%s-mysql" % front.key, text, mutating, gone, frontend.address, user)
        try:
            return await front.gate.run(incoming, lambda: self._answer(text))
        except SqlError as error:
            raise MysqlError(error.errno, error.sqlstate, str(error)) from None
        except InjectedError as injected:
            errno = int(injected.code) if injected.code.isdigit() else 1064
            raise MysqlError(errno, "HY000", str(injected)) from None

    async def _answer_writer(self, text: str) -> ResultSet:
        """The lab's own client: past record, faults and breakpoints."""
        try:
            return await self._answer(text)
        except SqlError as error:
            raise MysqlError(error.errno, error.sqlstate, str(error)) from None

    async def _answer(self, text: str) -> ResultSet:
        """Every statement of the text is run, as the server does; the client gets the last one's result."""
        result = ResultSet()
        for tokens in split(text):
            statement, cursor = self._frontend.front.dispatcher.find(tokens, text)
            runner = self._frontend.front.forward(self._frontend) if statement.forwarded else self._frontend
            result = await statement.run(Call(cursor, self._context, self._frontend, runner))
        return result
