# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a rehearsal has measured, from what its cutover and its clients saw. Nothing here talks to anybody. Seconds."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_clients import Seen


@dataclasses.dataclass(frozen=True)
class Propagation:
    """How long changed app envs took to each replica server, in every round, by server."""

    by_node: t.Mapping[str, t.Sequence[float]]

    @property
    def samples(self) -> t.List[float]:
        """All of them, the shortest first."""
        return sorted(value for values in self.by_node.values() for value in values)

    def as_result(self) -> t.Dict[str, t.Any]:
        """JSON-able, rounded; ``servers``: how many were measured."""
        samples = self.samples
        return {
            "by_node": {node: [round(value, 2) for value in values] for node, values in sorted(self.by_node.items())},
            "servers": len(self.by_node),
            "p50": _rounded(quantile(samples, 0.5)),
            "p95": _rounded(quantile(samples, 0.95)),
            "longest": _rounded(max(samples, default=None)),
        }


def first_refusals(clients: t.Iterable[Seen], sent: float) -> t.Dict[str, t.List[float]]:
    """By server, how long after the request to fence its first refusal was seen by whichever client saw it first."""
    found: t.Dict[str, float] = {}
    for seen in clients:
        for node, at in seen.refused_by.items():
            found[node] = min(found.get(node, at), at)
    return {node: [max(0.0, at - sent)] for node, at in found.items()}


def merged(rounds: t.Iterable[t.Mapping[str, t.Sequence[float]]]) -> Propagation:
    """The rounds together."""
    found: t.Dict[str, t.List[float]] = {}
    for one in rounds:
        for node, values in one.items():
            found.setdefault(node, []).extend(values)
    return Propagation(found)


def route_figures(seen: Seen, switched: t.Optional[float]) -> t.Dict[str, t.Any]:
    """One client: how long it was refused, partition by partition the longest, and when its MetaProxy had noticed."""
    refused = [at - seen.refused[index] for index, at in seen.let_in.items() if index in seen.refused]
    noticed = None if switched is None or seen.led_away is None else max(0.0, seen.led_away - switched)
    return {
        "refused": _rounded(max(refused, default=None)),
        "noticed": _rounded(noticed),
        "stored": seen.stored,
        "errors": dict(seen.errors),
    }


def phases(window: t.Mapping[str, t.Optional[float]]) -> t.Dict[str, t.Optional[float]]:
    """A cutover's window in its parts: fenced everywhere, drained, switched and proved."""
    return {
        "fence": window.get("all_denied"),
        "drain": _between(window, "all_denied", "drained"),
        "switch": _between(window, "drained", "proved") if window.get("switched") is not None else None,
    }


def quantile(ordered: t.Sequence[float], share: float) -> t.Optional[float]:
    """Of values in order; None for none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _between(window: t.Mapping[str, t.Optional[float]], first: str, last: str) -> t.Optional[float]:
    begin, end = window.get(first), window.get(last)
    return None if begin is None or end is None else round(end - begin, 3)


def _rounded(value: t.Optional[float]) -> t.Optional[float]:
    return None if value is None else round(value, 2)
