# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Finding the primary among the meta servers, and following it (facts 2.3).

Any other meta server answers ERR_FORWARD_TO_OTHERS and does nothing, so even a request that changes something may be
taken on to the next one. What was possibly carried out is never sent again.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import channel as wire
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import decode, errors, messages
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.framing import Reply
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings

_PAUSE = 0.2
"""Between two rounds over all meta servers, in seconds."""
_LEAST_SHARE = 0.5
"""A read leaves time for the other meta servers, but gives each of them at least so many seconds."""


class MetaLeader:
    """Sends requests to whichever meta server is the primary."""

    def __init__(self, addresses: t.Sequence[str], settings: ConnectionSettings, clock: Clock, option: str) -> None:
        if not addresses:
            raise ValueError("at least one meta server")
        self.clock = clock
        self.option = option
        self.primary = ""
        self._addresses = tuple(addresses)
        self._settings = settings
        self._channels: dict[str, wire.Channel] = {}

    def close(self) -> None:
        """Drop all connections."""
        for channel in self._channels.values():
            channel.close()

    def ask(self, rpc: messages.Rpc, fields: t.Mapping[str, t.Any], doing: str, *, patient: bool = True) -> Reply:
        """The primary's answer, be it an error. ``patient``: a read waits for a leader that is still starting.

        :raises MigrationError: there is none, see :class:`MetaClient`; ``pegasus.ambiguous`` for a request that changes
            something and may have been seen
        """
        deadline = Deadline(self.clock, self._settings.rpc_timeout, doing)
        return _Question(self, rpc, fields, doing, deadline, patient and not rpc.mutating).answer()

    def candidates(self) -> list[str]:
        """Everybody to ask, the primary of the last answer first."""
        rest = [address for address in self._addresses if address != self.primary]
        return [self.primary, *rest] if self.primary else rest

    def channel(self, address: str) -> wire.Channel:
        """The connection to one meta server."""
        if address not in self._channels:
            self._channels[address] = wire.Channel(address, self._settings)
        return self._channels[address]

    def exchange(self, address: str, rpc: messages.Rpc, fields: t.Mapping[str, t.Any], deadline: Deadline) -> Reply:
        """One request to one meta server.

        What changes something gets a connection of its own: on one that was kept, it could be lost unseen because the
        server has closed it in the meantime, and nobody would know. Only for reads is that tried once more.
        """
        channel = self.channel(address)
        if rpc.mutating:
            channel.close()
        kept = channel.connected
        call = wire.Call(rpc, fields)
        try:
            return channel.call(call, deadline)
        except wire.Broken as broken:
            if not kept or broken.kind != wire.LOST:
                raise
        return channel.call(call, deadline)


class _Question:
    """One request on its way from meta server to meta server."""

    def __init__(
        self,
        leader: MetaLeader,
        rpc: messages.Rpc,
        fields: t.Mapping[str, t.Any],
        doing: str,
        deadline: Deadline,
        patient: bool,
    ) -> None:
        self._leader = leader
        self._rpc = rpc
        self._fields = fields
        self._doing = doing
        self._deadline = deadline
        self._patient = patient
        self._problems: dict[str, MigrationError] = {}
        self._not_ready: Reply | None = None

    def answer(self) -> Reply:
        while True:
            reply = self._round()
            if reply is not None:
                return reply
            forwarded = any(problem.code == "pegasus.no_primary_meta" for problem in self._problems.values())
            if not (forwarded or self._not_ready) or self._deadline.remaining() <= _PAUSE:
                break
            self._deadline.sleep(_PAUSE)
        if self._not_ready is not None:
            return self._not_ready
        raise self._failure()

    def _round(self) -> Reply | None:
        """Ask one after another. None: nobody is the primary, or it is not ready yet."""
        self._not_ready = None
        waiting = collections.deque(self._leader.candidates())
        asked: set[str] = set()
        while waiting:
            address = waiting.popleft()
            if address in asked:
                continue
            asked.add(address)
            reply = self._one(address, last=not waiting)
            if reply is None:
                continue
            if reply.err == errors.FORWARD:
                self._problems[address] = errors.server_error(reply.err, self._doing, address=address)
                told = self._told_leader(address, reply)
                if told and told not in asked:
                    waiting.appendleft(told)
            elif reply.err == errors.HANDLER_NOT_FOUND and address != self._leader.primary:
                # Of a server that is not known to be a meta server this may mean that it is none.
                self._problems[address] = errors.server_error(
                    reply.err, self._doing, address=address, option=self._leader.option
                )
            else:
                self._leader.primary = address
                if reply.err not in errors.NOT_READY or not self._patient:
                    return reply
                self._not_ready = reply
                return None
        return None

    def _one(self, address: str, *, last: bool) -> Reply | None:
        """The answer of one meta server; None if it has none and the next one may be asked."""
        deadline = self._deadline
        if not last and not self._rpc.mutating:
            share = max(_LEAST_SHARE, deadline.remaining() / 2)
            deadline = Deadline(self._leader.clock, min(share, deadline.remaining()), self._doing)
        try:
            reply = self._leader.exchange(address, self._rpc, self._fields, deadline)
        except wire.Broken as broken:
            self._problems[address] = self._broken(address, broken)
            if self._problems[address].code == "pegasus.ambiguous":
                raise self._problems[address] from broken
            return None
        except MigrationError as error:
            if self._rpc.mutating:
                raise errors.ambiguous(
                    self._doing, address, f"its answer cannot be read ({error.message})", details={"cause": error.code}
                ) from error
            error.details.update(address=address, doing=self._doing)
            raise
        if reply.err == "ERR_UNAUTHENTICATED":
            raise errors.server_error(reply.err, self._doing, address=address, option=self._leader.option)
        return reply

    def _broken(self, address: str, broken: wire.Broken) -> MigrationError:
        return broken_error(
            broken,
            self._doing,
            address,
            seconds=self._deadline.seconds,
            mutating=self._rpc.mutating,
            option=self._leader.option,
        )

    def _told_leader(self, address: str, reply: Reply) -> str:
        """Only this one request is answered with the leader's address. Empty if it is not known."""
        if self._rpc is not messages.QUERY_CONFIG:
            fields = {"app_name": "", "partition_indices": []}
            try:
                reply = self._leader.exchange(address, messages.QUERY_CONFIG, fields, self._deadline)
            except (wire.Broken, MigrationError):
                return ""
        return decode.leader(reply.value) if isinstance(reply.value, dict) else ""

    def _failure(self) -> MigrationError:
        """The one problem, or the most telling of several with all of them in one sentence."""
        problems = list(self._problems.values())
        if len(problems) == 1:
            return problems[0]
        order = ("pegasus.timeout", "pegasus.no_primary_meta", "pegasus.handler_not_found", "pegasus.not_pegasus")
        codes = [problem.code for problem in problems]
        code = next((name for name in order if name in codes), codes[0])
        told = {address: str(problem.details.get("reason") or problem.details.get("err") or problem.code)
                for address, problem in self._problems.items()}  # fmt: skip
        listed = "; ".join(f"{address}: {why}" for address, why in told.items())
        return MigrationError(
            code,
            f"Could not {self._doing}: no primary meta server found in {self._leader.option} ({listed}).",
            details={"servers": told, "doing": self._doing},
        )


def broken_error(
    broken: wire.Broken, doing: str, address: str, *, seconds: float, mutating: bool, option: str
) -> MigrationError:
    """What a broken connection means. Only a request that changes something and may have been seen is ambiguous."""
    stranger = broken.kind == wire.NOT_PEGASUS
    if mutating and broken.sent:
        # Also where the answer is none of Pegasus: something between may have spoilt that of a server which did it.
        return errors.ambiguous(doing, address, f"{broken.why}, which is not Pegasus" if stranger else broken.why)
    if stranger:
        return errors.not_pegasus(doing, address, broken.why, option)
    if broken.kind == wire.TIMEOUT:
        return errors.timed_out(doing, address, seconds, option)
    return errors.unreachable(doing, address, broken.why, option)
