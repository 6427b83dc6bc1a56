# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate that every request goes through: record, breakpoint, fault, apply, fault, breakpoint, answer."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from lab.breakpoints import Breakpoints
from lab.clock import LabClock
from lab.faults import Faults, Rule
from lab.record import RequestRecord

T = t.TypeVar("T")
BEFORE_KINDS = frozenset(("drop_before_apply", "error_before"))
AFTER_KINDS = frozenset(("reply_slow", "error_5xx_after_apply", "reply_lost"))


class AnswerError(Exception):
    """An answer that is an error of the simulated server; the surfaces turn it into their protocol's form."""


class InjectedError(AnswerError):
    """An error given because a fault asked for it."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.message or "Internal error: 1003")
        self.status = rule.status or 500
        self.code = rule.code or "Internal"


class ConnectionDropped(Exception):
    """The connection is to be cut without an answer."""


@dataclass(frozen=True)
class Incoming:
    """One request as it arrives. ``gone`` tells whether its client has closed the connection.

    node, user: which server received it and who sent it, on surfaces where several servers and users look alike.
    """

    surface: str
    text: str
    mutating: bool
    gone: t.Callable[[], bool]
    node: str = ""
    user: str = ""


class Gate:
    """Joins record, faults and breakpoints; ``on_rule`` is told of the engine's own kinds that a request set off."""

    def __init__(self, clock: LabClock, record: RequestRecord, faults: Faults, breakpoints: Breakpoints) -> None:
        self.clock = clock
        self.record = record
        self.faults = faults
        self.breakpoints = breakpoints
        self.request_kinds: frozenset[str] = frozenset()
        self.on_rule: t.Callable[[Rule], None] = lambda rule: None

    async def run(self, request: Incoming, apply: t.Callable[[], t.Awaitable[T]]) -> T:
        """Apply one request as its faults and breakpoints allow.

        Raises ConnectionDropped when there is to be no answer, AnswerError when the answer is an error.
        """
        entry = self.record.add(request.surface, request.text, request.mutating, request.node, request.user)
        strikes = self.faults.for_request(
            BEFORE_KINDS | AFTER_KINDS,
            self.request_kinds,
            request.surface,
            request.text,
            request.mutating,
            request.node,
        )
        if not await self._hold("before", entry.seq, request):
            entry.outcome = "client gone before apply"
            raise ConnectionDropped()
        for rule in strikes:
            if rule.kind == "drop_before_apply":
                entry.outcome = "dropped before apply"
                raise ConnectionDropped()
            if rule.kind == "error_before":
                injected = InjectedError(rule)
                entry.outcome = "error before apply: %s" % injected
                raise injected
        failure: AnswerError | None = None
        result: list[T] = []
        try:
            result.append(await apply())
            entry.outcome = "ok"
        except AnswerError as error:
            failure = error
            entry.outcome = "error: %s" % error
        except ConnectionDropped:
            entry.outcome = "dropped"
            raise
        if not await self._hold("after", entry.seq, request):
            entry.outcome += "; client gone before reply"
            raise ConnectionDropped()
        for rule in strikes:
            if rule.kind in self.request_kinds:
                self.on_rule(rule)
            elif rule.kind == "reply_slow":
                entry.outcome += "; reply slow"
                await self.clock.sleep(rule.seconds)
            elif rule.kind == "error_5xx_after_apply":
                entry.outcome += "; replied with an error"
                failure = InjectedError(rule)
            elif rule.kind == "reply_lost":
                entry.outcome += "; reply lost"
                raise ConnectionDropped()
        if failure is not None:
            raise failure
        return result[0]

    async def _hold(self, when: str, seq: int, request: Incoming) -> bool:
        return await self.breakpoints.hold(when, seq, request.surface, request.text, request.mutating, request.gone)
