# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Fenced cutovers: how each ended, how long its steps took, and what had been forecast."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import COMMITTED, LIFTED, Cutover

Data = t.Mapping[str, t.Any]

_MOST_TOLD = 10
# One name for one thing, whatever an engine calls it in its forecast.
_FORECASTS = (("window_p50", "held_p50"), ("window_p95", "held_p95"))


class CutoversFold:
    """Collects ``cutover.*`` entries and what runs tell at their end; the newest word on each subject holds.

    A subject is a table, or where a whole cluster is cut over at once, ``source to target``.
    """

    def __init__(self) -> None:
        self._cutovers: t.Dict[str, Cutover] = {}
        self._begun: t.Dict[str, float] = {}
        self._current = ""
        self.first_commit: t.Optional[float] = None
        self._fence: t.Optional[float] = None
        self._ended = False
        self._fenced: t.List[t.Tuple[float, float]] = []

    def named(self, options: Data) -> None:
        """Take the options of a run: the tables that it is about."""
        for name in v.sequence(options.get("tables")):
            self._known(v.word(name))

    def _known(self, name: str) -> Cutover:
        return self._cutovers.setdefault(name, Cutover(name, "", None, {}, {}))

    def started(self, data: Data, at: float) -> None:
        """Take a ``cutover.started`` entry: writes to the whole source are about to be stopped."""
        self._current = _subject(data)
        self._cutovers[self._current] = dataclasses.replace(self._known(self._current), state="", at=None, window={})
        self._begun[self._current] = at

    def fence(self, at: float) -> None:
        """Take the intent of a request that stops writes."""
        if self._fence is None or self._ended:
            self._fence, self._ended = at, False

    def fenced(self, last: t.Optional[float]) -> t.List[t.Tuple[float, float]]:
        """From when to when writes were refused, oldest first; until the last entry where nothing tells of its end."""
        if self._fence is None or self._ended or last is None:
            return self._fenced
        return [*self._fenced, (self._fence, last)]

    def compared(self, items: t.Sequence[Data]) -> None:
        """Take what the last comparison before the switch comprised."""
        if self._current and items:
            counts = {name: int(v.number(items[0].get(name)) or 0) for name in ("tables", "partitions")}
            known = self._known(self._current)
            self._cutovers[self._current] = dataclasses.replace(
                known, tables=counts["tables"], parts=counts["partitions"]
            )

    def ended(self, state: str, data: Data, at: float) -> None:
        """Take a ``cutover.committed``, ``cutover.handed_over`` or ``cutover.lifted`` entry."""
        name = v.word(data.get("table")) or _subject(data)
        known = self._known(name)
        window = _numbers(data.get("window")) or dict(known.window)
        if name in self._begun and state in (COMMITTED, LIFTED):
            window["refused"] = window[state] = at - self._begun.pop(name)
        if state in (COMMITTED, LIFTED) and self._fence is not None:
            # Of several under one fence, each ends a span of its own; the next fence begins a new one.
            self._fenced.append((self._fence, at))
            self._ended = True
        self._cutovers[name] = dataclasses.replace(known, state=state, at=at, window=window)
        if state == COMMITTED and self.first_commit is None:
            self.first_commit = at

    def thawed(self, data: Data, at: float) -> None:
        """Take a ``freeze.lifted`` entry; one that no cutover had begun is none of a cutover."""
        current = self._cutovers.get(self._current)
        if current is not None and current.state != COMMITTED:
            self.ended(LIFTED, {"table": self._current}, at)

    def summary(self, data: Data) -> str:
        """Take what a run of cutovers tells at its end; returns the same in words."""
        if all(isinstance(one, t.Mapping) for one in data.values()):
            return self._by_table(data)
        if not self._current or "window" not in data:
            return v.word(data)
        known = self._known(self._current)
        window = {**known.window, **_numbers(data.get("window"))}
        forecast = _numbers(data.get("forecast")) or known.forecast
        self._cutovers[self._current] = dataclasses.replace(known, window=window, forecast=forecast)
        deadline = f"; deadline {v.word(data.get('deadline'))}" if data.get("deadline") else ""
        return f"{v.word(data.get('state')) or 'not known'}{deadline}"

    def _by_table(self, data: Data) -> str:
        parts = []
        for name, value in data.items():
            told = v.mapping(value)
            known = self._known(str(name))
            window, forecast = _numbers(told.get("window")), _numbers(told.get("forecast"))
            self._cutovers[str(name)] = dataclasses.replace(
                known, window=window or known.window, forecast=forecast or known.forecast
            )
            text = f"{name}: {v.word(told.get('state')) or 'not known'}"
            if "refused" in window:
                text += f", writes refused for {w.seconds(window['refused'])}"
            parts.append(text)
        more = [f"and {len(parts) - _MOST_TOLD:,} more"] if len(parts) > _MOST_TOLD else []
        return "; ".join([*parts[:_MOST_TOLD], *more])

    def cutovers(self) -> t.List[Cutover]:
        """One for each subject, in the order in which they were first named."""
        return list(self._cutovers.values())


def _subject(data: Data) -> str:
    return f"{v.word(data.get('source')) or 'source'} to {v.word(data.get('target')) or 'target'}"


def _numbers(value: t.Any) -> t.Dict[str, float]:
    numbers = ((str(name), v.number(one)) for name, one in v.mapping(value).items())
    found = {name: number for name, number in numbers if number is not None}
    for name, other in _FORECASTS:
        if name not in found and other in found:
            found[name] = found[other]
    return found
