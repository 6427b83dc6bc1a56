# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One cluster: its frontends found and followed, reads repeated where that is safe, changes sent once, ever."""

from __future__ import annotations

import concurrent.futures
import threading
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import http_wire
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.channel import (
    Connect,
    FrontendChannel,
    connect_mysql,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import (
    NO_REPLY,
    UNREACHABLE,
    frontend_shared,
    not_starrocks,
    unexpected_answer,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.identity import (
    cluster_id,
    leader_of,
    lowest_version,
    read_run_mode,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import (
    Frontend,
    Node,
    decode_frontends,
    decode_nodes,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile

Item = t.TypeVar("Item", bound=t.Hashable)
Result = t.TypeVar("Result")

_PATIENCE = 30.0
"""Seconds for which a read is repeated while the frontends choose a leader."""
_PAUSE = 0.5
_MOST_THREADS = 32
_FOREIGN = ("starrocks.syntax", "starrocks.refused")
_PASSING = (UNREACHABLE, "starrocks.not_leader")


class Cluster:
    """One cluster. Nothing is contacted before the first question. A context manager; thread-safe."""

    def __init__(
        self,
        connection: Connection,
        redactor: Redactor,
        clock: Clock,
        *,
        connect: Connect = connect_mysql,
        patience: float = _PATIENCE,
    ) -> None:
        """``patience``: seconds for which reads are repeated once the cluster has answered at all."""
        self.connection = connection
        self.redactor = redactor
        self.clock = clock
        self.requests = 0
        """Statements and HTTP requests sent so far."""
        self._connect = connect
        self._patience = patience
        self._guard = threading.RLock()
        self._channels: t.Dict[Address, FrontendChannel] = {}
        self._frontends: t.Tuple[Frontend, ...] = ()
        self._outdated = False
        self._nodes: t.Optional[t.Tuple[Node, ...]] = None
        self._profile: t.Optional[Profile] = None

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back."""
        with self._guard:
            channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            channel.close()

    # What it is

    @property
    def profile(self) -> Profile:
        """How it behaves; the first use asks it."""
        with self._guard:
            if self._profile is None:
                version = self.version
                early = Profile.choose(version, "shared_nothing")  # an old version is told before anything else
                self._profile = Profile.choose(version, read_run_mode(self.query, early))
            return self._profile

    @property
    def version(self) -> Version:
        """The lowest version of its living frontends, since any of them may come to carry a statement out."""
        return self.connection.assume_version or lowest_version(self.frontends(), self.connection.prefix)

    @property
    def run_mode(self) -> str:
        """``shared_nothing`` or ``shared_data``."""
        return self.profile.run_mode

    @property
    def cluster_id(self) -> str:
        """Its ClusterId, the same on all frontends."""
        return cluster_id(self.frontends())

    def frontends(self, refresh: bool = False) -> t.Tuple[Frontend, ...]:
        """All frontends, the dead ones too, in the server's order."""
        with self._guard:
            if refresh or not self._frontends:
                self._frontends = self._discover()
            return self._frontends

    def nodes(self, refresh: bool = False) -> t.Tuple[Node, ...]:
        """All BEs and CNs. In shared-data mode nodes can be listed as either, so both are asked for."""
        with self._guard:
            if refresh or self._nodes is None:
                backends = self.query("SHOW BACKENDS", "list the backends")
                computing = self.query("SHOW COMPUTE NODES", "list the compute nodes")
                self._nodes = self._decoded(
                    "list the nodes", lambda: decode_nodes(backends, "BE") + decode_nodes(computing, "CN")
                )
            return self._nodes

    def leader(self) -> Frontend:
        """The frontend that leads; ``starrocks.not_leader`` when none does."""
        return leader_of(self.frontends())

    # Talking to it

    def query(self, sql: str, doing: str) -> Rows:
        """A read, asked of the leader; repeated while the leader changes, until ``patience`` is over."""
        return self._led(doing, lambda leader: self.query_on(leader, sql, doing))

    def query_on(self, frontend: Frontend, sql: str, doing: str) -> Rows:
        """A read, asked of one frontend, once more if the connection had broken."""
        channel = self._channel(self.reach(frontend))
        try:
            return channel.ask(sql, doing)
        except MigrationError as error:
            if error.code != UNREACHABLE or error.details.get("kind") != "lost":
                raise
        return channel.ask(sql, doing)

    def execute(self, sql: str, doing: str) -> Rows:
        """A change, sent once to the leader; if it could not be sent to it, to the next one.

        :raises MigrationError: ``starrocks.no_reply``: look before anything else is done
        """
        return self._led(doing, lambda leader: self.execute_on(leader, sql, doing))

    def execute_on(self, frontend: Frontend, sql: str, doing: str) -> Rows:
        """A change, sent once to one frontend (which may forward it)."""
        try:
            return self._channel(self.reach(frontend)).ask(sql, doing, mutating=True)
        except MigrationError as error:
            # It was perhaps forwarded: who leads by now shows what became of it first.
            self._outdated = self._outdated or (error.code == NO_REPLY and "errno" in error.details)
            raise

    def on_each(
        self, items: t.Iterable[Item], call: t.Callable[[Item], Result]
    ) -> t.Tuple[t.Dict[Item, Result], t.Dict[Item, MigrationError]]:
        """``call`` for every frontend (or node), each in a thread of its own: what came back, and what failed.

        Frontends that are reached at one place fail unasked (``starrocks.frontend_shared``): who would answer?
        """
        asked = list(dict.fromkeys(items))
        good: t.Dict[Item, Result] = {}
        failed = {item: error for item in asked for error in self._shared(item)}
        listed = [item for item in asked if item not in failed]
        if not listed:
            return good, failed
        with concurrent.futures.ThreadPoolExecutor(max_workers=min(len(listed), _MOST_THREADS)) as pool:
            futures = [(item, pool.submit(call, item)) for item in listed]
            for item, future in futures:
                try:
                    good[item] = future.result()
                except MigrationError as error:
                    failed[item] = error
        return good, failed

    def http(
        self,
        place: t.Union[Frontend, Node],
        method: str,
        path: str,
        doing: str,
        *,
        mutating: bool = False,
        anonymous: bool = False,
    ) -> http_wire.HttpReply:
        """One HTTP request to a frontend (as the user) or to a BE or CN (as nobody), sent once. Any status is fine.

        ``path`` is sent as it is, so its query must be encoded already. ``anonymous``: as nobody to a frontend, too.
        """
        connection = self.connection
        login = http_wire.HttpLogin(
            username=connection.username if isinstance(place, Frontend) and not anonymous else None,
            password=connection.password,
            connect_timeout=connection.connect_timeout,
            read_timeout=connection.read_timeout,
            prefix=connection.prefix,
        )
        self._count()
        return http_wire.send(
            connection.reach(place.host, place.http_port), login, method, path, doing, mutating=mutating
        )

    def reach(self, frontend: Frontend) -> Address:
        """Where the query port of a frontend is reached from here."""
        return self.connection.reach(frontend.host, frontend.query_port)

    # Inside

    def _led(self, doing: str, call: t.Callable[[Frontend], Rows]) -> Rows:
        """Ask the leader, and look for another one while it cannot be reached or leads no more.

        One that is silent has perhaps begun, so it is not asked again. Neither is a change repeated that a frontend
        could not forward: the leader may have got it all the same (``no_reply``).
        """
        deadline = Deadline(self.clock, self._patience, doing)
        refresh, self._outdated = self._outdated, False
        while True:
            try:
                if refresh:
                    self.frontends(refresh=True)
                return call(self.leader())
            except MigrationError as error:
                silent = error.details.get("kind") == "timeout" and error.details.get("sent")
                if error.code not in _PASSING or silent or not self._frontends or deadline.remaining() <= _PAUSE:
                    raise
            refresh = True
            self.clock.sleep(_PAUSE)

    def _shared(self, item: t.Hashable) -> t.List[MigrationError]:
        """Why a frontend cannot be asked by itself; nothing if it can."""
        if not isinstance(item, Frontend):
            return []
        place = self.reach(item)
        sharing = [one.address for one in self._frontends if one.alive and self.reach(one) == place]
        return [frontend_shared(sharing, str(place), self.connection.prefix)] if len(sharing) > 1 else []

    def _count(self) -> None:
        with self._guard:
            self.requests += 1

    def _channel(self, address: Address) -> FrontendChannel:
        with self._guard:
            if address not in self._channels:
                self._channels[address] = FrontendChannel(self.connection, address, self._connect, self._count)
            return self._channels[address]

    def _discover(self) -> t.Tuple[Frontend, ...]:
        """Ask the given addresses in turn, then those known already; the error of the first one if none answers."""
        doing = "list the frontends"
        known = [self.reach(frontend) for frontend in self._frontends if frontend.alive]
        errors: t.List[MigrationError] = []
        for address in dict.fromkeys([*self.connection.frontends, *known]):
            channel = self._channel(address)
            try:
                rows = channel.ask("SHOW FRONTENDS", doing)
            except MigrationError as error:
                if error.code in _FOREIGN:
                    why = "it does not know SHOW FRONTENDS"
                    raise not_starrocks(str(address), why, self.connection.prefix, error.server_text) from error
                if error.code not in _PASSING:
                    raise
                errors.append(error)
                continue
            return self._decoded(doing, lambda rows=rows: decode_frontends(rows))  # type: ignore[misc]
        raise self._none_answers(errors)

    def _none_answers(self, errors: t.Sequence[MigrationError]) -> MigrationError:
        first = errors[0]
        if len(errors) == 1:
            return first
        asked = ", ".join(str(error.details.get("address") or error.details.get("frontend")) for error in errors)
        return MigrationError(
            first.code,
            f"{first.message} None of these answers: {asked}.",
            server_text=first.server_text,
            details={**first.details, "asked": asked},
        )

    def _decoded(self, doing: str, decode: t.Callable[[], Result]) -> Result:
        try:
            return decode()
        except (KeyError, ValueError, TypeError) as error:
            raise unexpected_answer(error, doing, str(self.connection.frontends[0])) from error
