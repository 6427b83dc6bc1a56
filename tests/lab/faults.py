# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: rules given through the control port, each used up after ``times`` matches."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

REQUEST_KINDS = frozenset(
    ("reply_lost", "reply_slow", "error_before", "error_5xx_after_apply", "drop_before_apply", "refuse_connections")
)


@dataclass
class Rule:
    """One fault. Empty conditions match everything; ``times`` 0 means without end.

    surface: one surface's name. match: part of the request's text. regexp: searched in it. region_id: the region that
    the request or the procedure is about. after_requests: this many matches pass first. step: the step of a procedure
    at which the fault strikes. seconds: lab seconds (a delay, or how long it lasts). message/status: the error given.
    cluster, node, table: which of several clusters, which server's address, which table (where the engine has them).
    """

    id: int
    kind: str
    surface: str = ""
    match: str = ""
    regexp: str = ""
    region_id: int | None = None
    mutating: bool | None = None
    times: int = 1
    after_requests: int = 0
    step: str = ""
    seconds: float = 0.0
    message: str = ""
    status: int = 0
    code: str = ""
    cluster: str = ""
    node: str = ""
    table: str = ""
    seen: int = 0
    hits: int = 0

    @property
    def used_up(self) -> bool:
        """True when the rule has struck as often as it may."""
        return bool(self.times) and self.hits >= self.times

    @property
    def on_request(self) -> bool:
        """True when the rule waits for a certain request."""
        return bool(self.surface or self.match or self.regexp or self.after_requests)

    def fits(self, surface: str, text: str, mutating: bool) -> bool:
        """True when a request meets all conditions (whatever is left of ``after_requests``)."""
        if self.surface and self.surface != surface:
            return False
        if self.mutating is not None and self.mutating != mutating:
            return False
        if self.match and self.match not in text:
            return False
        if self.region_id is not None and not re.search(r"(?<!\d)%d(?!\d)" % self.region_id, text):
            return False
        return not self.regexp or re.search(self.regexp, text) is not None

    def strike(self) -> bool:
        """Count one match; True when the fault strikes this time."""
        self.seen += 1
        if self.seen <= self.after_requests or self.used_up:
            return False
        self.hits += 1
        return True

    def as_dict(self) -> dict[str, t.Any]:
        """The rule as the control port gives it."""
        return dict(vars(self), used_up=self.used_up)


class Faults:
    """All rules. ``engine_kinds`` are those that the engine itself looks for, beside the request kinds."""

    def __init__(self, engine_kinds: t.Iterable[str]) -> None:
        self.kinds = REQUEST_KINDS | frozenset(engine_kinds)
        self.rules: list[Rule] = []
        self._next = 1

    def add(self, data: t.Mapping[str, t.Any]) -> Rule:
        """Add a rule from the control port's JSON; ValueError with one sentence when it makes no sense."""
        kind = data.get("kind")
        if kind not in self.kinds:
            raise ValueError("kind: %r is not one of %s" % (kind, ", ".join(sorted(self.kinds))))
        known = set(Rule.__dataclass_fields__) - {"id", "seen", "hits"}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError("unknown keys: %s; known: %s" % (", ".join(unknown), ", ".join(sorted(known))))
        if data.get("regexp"):
            re.compile(data["regexp"])
        rule = Rule(self._next, **data)
        self._next += 1
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Remove all rules."""
        self.rules = []

    def for_request(
        self,
        kinds: t.Container[str],
        engine_kinds: t.Container[str],
        surface: str,
        text: str,
        mutating: bool,
        node: str = "",
    ) -> list[Rule]:
        """Rules of these kinds that strike for this request (each counted once), the engine's only if on request.

        ``node``: the server that received it, where the surface has several; the engine's own kinds name another one.
        """
        return [
            r
            for r in self.rules
            if ((r.kind in kinds and (not node or r.node in ("", node))) or (r.kind in engine_kinds and r.on_request))
            and not r.used_up
            and r.fits(surface, text, mutating)
            and r.strike()
        ]

    def for_region(self, kind: str, region_id: int, step: str = "") -> Rule | None:
        """The first rule of a kind that strikes for a procedure on this region (at this step)."""
        for rule in self.rules:
            if rule.kind != kind or rule.used_up or rule.on_request or rule.region_id not in (None, region_id):
                continue
            if step and rule.step and rule.step != step:
                continue
            if rule.strike():
                return rule
        return None

    def active(self, kind: str) -> bool:
        """True while a rule of a lasting kind is set."""
        return any(rule.kind == kind for rule in self.rules)
