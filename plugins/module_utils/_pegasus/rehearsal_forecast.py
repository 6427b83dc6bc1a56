# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a rehearsal has measured, put into the forecast of a real cutover, where it can be compared.

* ``config_sync``: the longest propagation that was seen, scaled by (n + 1) / n for n samples (what the largest of n
  equal chances says of the whole interval), but no more than what the servers tell, and never less than what was seen.
* ``switch``: from drained to the last MetaProxy's proof, as it was.
* ``duplication_sync``: only where the drain took longer than what the servers tell explains.

What is kept for lifting the fence stays what the servers tell, or becomes longer: a rehearsal makes a forecast nearer,
and no reserve smaller. How long a last mutation is held back (up to 2.5) comes from the group check, as without one.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import Rehearsed
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.forecast import SHIP_DELAY, Pace

FROM_REHEARSAL = "rehearsal"
FROM_SETTINGS = "settings"


@dataclasses.dataclass(frozen=True)
class Here:
    """The real cutover, as far as a rehearsal must fit to it. ``interval_ms`` None: intervals are left as they are."""

    source: str
    target: str
    source_version: str
    target_version: str
    interval_ms: t.Optional[int]
    metaproxy: bool
    held_back: bool
    now: datetime.datetime


def apply(told: Pace, rehearsed: t.Optional[Rehearsed], here: Here) -> t.Tuple[Pace, t.Dict[str, t.Any]]:
    """The pace with what was measured, and where its figures come from (``from``, ``text`` and the figures)."""
    if rehearsed is None:
        return told, _basis(FROM_SETTINGS, "what the servers tell, and the defaults of their version", told)
    why = rehearsed.why or _unfit(rehearsed, here)
    data = rehearsed.data
    if why or data is None:
        text = f"what the servers tell; the rehearsal in {rehearsed.location} was not used: {why}"
        return told, _basis(FROM_SETTINGS, text, told)
    changed: t.Dict[str, t.Any] = {"lift_sync": told.config_sync}
    propagation = data["propagation"]
    if propagation["servers"]:
        changed["config_sync"] = interval_of(propagation, told.config_sync)
        changed["lift_sync"] = max(told.config_sync, changed["config_sync"])
    phases = data["phases"]
    if here.metaproxy and phases.get("switch") is not None:
        changed["switch"] = float(phases["switch"])
    drain = phases.get("drain")
    if drain is not None and not here.held_back:
        changed["duplication_sync"] = max(told.duplication_sync, float(drain) - SHIP_DELAY - told.round_trip)
    pace = dataclasses.replace(told, **changed)
    text = f"the rehearsal of {data['at']} with {data['table']} in {rehearsed.location}"
    basis = _basis(FROM_REHEARSAL, text, pace)
    return pace, {**basis, "measured_at": data["at"], "told_config_sync": round(told.config_sync, 2)}


def interval_of(propagation: t.Mapping[str, t.Any], bound: float) -> float:
    """The config-sync interval that the measured propagation speaks for; ``bound`` is what the servers tell."""
    longest = float(propagation["longest"])
    count = sum(len(values) for values in propagation["by_node"].values())
    return max(longest, min(bound, longest * (count + 1) / count))


def _basis(source: str, text: str, pace: Pace) -> t.Dict[str, t.Any]:
    return {
        "from": source,
        "text": text,
        "config_sync": round(pace.config_sync, 2),
        "duplication_sync": round(pace.duplication_sync, 2),
        "switch": round(pace.switch, 2),
    }


def _unfit(rehearsed: Rehearsed, here: Here) -> str:
    """Why a rehearsal says nothing about this cutover, "" when it does."""
    data = rehearsed.data or {}
    for name, found, wanted in (
        ("the source", data.get("source"), here.source),
        ("the target", data.get("target"), here.target),
        ("the source's version", data.get("source_version"), here.source_version),
        ("the target's version", data.get("target_version"), here.target_version),
    ):
        if found != wanted:
            return f"{name} was {found} then, and is {wanted} now"
    if data.get("config_sync_interval_ms") != here.interval_ms:
        return (
            f"it ran with config_sync_interval={_interval(data.get('config_sync_interval_ms'))}, and this cutover "
            f"has {_interval(here.interval_ms)}"
        )
    return rehearsed.too_old(here.now)


def _interval(milliseconds: t.Any) -> str:
    return "keep" if milliseconds is None else f"{int(milliseconds) / 1000:g}s"
