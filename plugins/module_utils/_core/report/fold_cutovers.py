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
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import COMMITTED, Cutover

Data = t.Mapping[str, t.Any]


class CutoversFold:
    """Collects ``cutover.*`` entries and what runs tell at their end; the newest word on each table holds."""

    def __init__(self) -> None:
        self._cutovers: t.Dict[str, Cutover] = {}
        self.first_commit: t.Optional[float] = None

    def named(self, options: Data) -> None:
        """Take the options of a run: the tables that it is about."""
        for name in v.sequence(options.get("tables")):
            self._cutovers.setdefault(v.word(name), Cutover(v.word(name), "", None, {}, {}))

    def ended(self, state: str, data: Data, at: float) -> None:
        """Take a ``cutover.committed``, ``cutover.handed_over`` or ``cutover.lifted`` entry."""
        name = v.word(data.get("table"))
        known = self._cutovers.get(name) or Cutover(name, "", None, {}, {})
        window = _numbers(data.get("window"))
        self._cutovers[name] = dataclasses.replace(known, state=state, at=at, window=window or known.window)
        if state == COMMITTED and self.first_commit is None:
            self.first_commit = at

    def summary(self, data: Data) -> str:
        """Take what a run of cutovers tells at its end, by table; returns the same in words."""
        parts = []
        for name, value in data.items():
            told = v.mapping(value)
            known = self._cutovers.get(str(name)) or Cutover(str(name), "", None, {}, {})
            window, forecast = _numbers(told.get("window")), _numbers(told.get("forecast"))
            self._cutovers[str(name)] = dataclasses.replace(
                known, window=window or known.window, forecast=forecast or known.forecast
            )
            text = f"{name}: {v.word(told.get('state')) or 'not known'}"
            if "refused" in window:
                text += f", writes refused for {w.seconds(window['refused'])}"
            parts.append(text)
        return "; ".join(parts)

    def cutovers(self) -> t.List[Cutover]:
        """One for each table, in the order in which they were first named."""
        return list(self._cutovers.values())


def _numbers(value: t.Any) -> t.Dict[str, float]:
    numbers = ((str(name), v.number(one)) for name, one in v.mapping(value).items())
    return {name: number for name, number in numbers if number is not None}
