# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How far a migration is and what of it is still changed, as its journal tells. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file_past import FilesPast
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import recorded
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_switch import KEY as LOAD_SWITCH
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_restore import (
    recorded_keys,
    resource_prefix,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.global_variable import variable_prefix
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import COMPACTION, GRACE

STALE = "lake_autovacuum_stale_partition_threshold"
"""Hours; partitions without a write for so long are never vacuumed (lake/vacuum/AutovacuumDaemon)."""
STALE_HOURS = 12
"""Its default."""

NOT_STARTED, MIGRATING, FROZEN, HANDED_OVER, CUT_OVER = (
    "not_started", "migrating", "frozen", "handed_over", "cut_over",
)  # fmt: skip
STAGES = (NOT_STARTED, MIGRATING, FROZEN, HANDED_OVER, CUT_OVER)
_MARGIN = 3600.0
"""Seconds; the daemon comes round to a partition every few minutes."""
_SETTING = re.compile(r"starrocks:(?P<cluster>[^/]+)/(?P<part>fe|node|user|variable)/(?:.*/)?(?P<name>[^/]+)")
_STAGE_OF = {cp.COMMITTED_KIND: CUT_OVER, cp.HANDED_OVER_KIND: HANDED_OVER, cp.STARTED_KIND: FROZEN}


@dataclasses.dataclass(frozen=True)
class Vacuum:
    """The debt that a long grace period leaves: partitions idle for ``threshold`` hours would never be vacuumed.

    ``needed``: whether one pass with ``wanted_threshold`` (hours) is to be made. ``seconds_left``: of that pass.
    """

    needed: bool
    wanted_threshold: int
    seconds_left: float

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results. Milliseconds are enough, and no time is written as 5e-05."""
        return {**dataclasses.asdict(self), "seconds_left": round(self.seconds_left, 3)}


NO_DEBT = Vacuum(False, 0, 0.0)


@dataclasses.dataclass(frozen=True)
class RampStep:
    """So many compaction ``tasks`` at a time, for ``seconds_left``."""

    tasks: int
    seconds_left: float

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results. Milliseconds are enough, and no time is written as 5e-05."""
        return {**dataclasses.asdict(self), "seconds_left": round(self.seconds_left, 3)}


def stage_of(entries: t.Sequence[Entry]) -> str:
    """One of STAGES."""
    found = _STAGE_OF.get(cp.last_end(entries))
    if found is not None:
        return found
    return MIGRATING if any(entry.kind == INTENT for entry in entries) else NOT_STARTED


def keys_to_restore(entries: t.Sequence[Entry], cluster_id: str) -> t.List[str]:
    """FE configs of a cluster that the journal knows as changed, the last one first.

    Without the switch of the freeze, whose matter is the cutover's, and the threshold of the vacuum pass.
    """
    past = recorded(entries, resource_prefix(cluster_id))
    return [key for key in recorded_keys(past, ()) if key not in (LOAD_SWITCH, STALE)]


def node_keys_to_restore(entries: t.Sequence[Entry], cluster_id: str) -> t.List[str]:
    """Configs of BEs and CNs that the journal knows as changed, the last one first."""
    past = recorded(entries, f"starrocks:{cluster_id}/node/")
    order: t.Dict[str, int] = {}
    for name, one in past.items():
        key = name.rpartition("/config/")[2]
        order[key] = min(one.order, order.get(key, one.order))
    return sorted(order, key=lambda key: -order[key])


def variables_to_restore(entries: t.Sequence[Entry], cluster_id: str) -> t.List[str]:
    """Global variables that the journal knows as changed."""
    prefix = variable_prefix(cluster_id)
    return sorted(name[len(prefix) :] for name in recorded(entries, prefix))


def users_to_drop(entries: t.Sequence[Entry], cluster_id: str) -> t.List[str]:
    """Users that the journal knows as made."""
    prefix = f"starrocks:{cluster_id}/user/"
    return sorted(name[len(prefix) :] for name in recorded(entries, prefix))


def left_elsewhere(entries: t.Sequence[Entry], known: t.Collection[str]) -> t.Dict[str, t.List[str]]:
    """What is still changed on other clusters than these, by cluster, for people, the last one changed first.

    Without what the cutover has stopped, which stays so when the clients were switched.
    """
    past = recorded(entries, "starrocks:")
    found: t.Dict[str, t.Dict[str, None]] = {}
    for name in sorted(past, key=lambda one: -past[one].order):
        match = _SETTING.fullmatch(name)
        if match is None or match.group("cluster") in known or match.group("name") == LOAD_SWITCH:
            continue
        text = f"the user {match.group('name')}" if match.group("part") == "user" else match.group("name")
        found.setdefault(match.group("cluster"), {})[text] = None
    for other in _clusters(past):
        for one in () if other in known else FilesPast(entries, other).left():
            found.setdefault(other, {})[f"the block in {one.path} of {one.host}"] = None
    return {cluster: list(texts) for cluster, texts in found.items()}


def vacuum_owed_elsewhere(
    entries: t.Sequence[Entry], known: t.Collection[str], span: float, now: datetime.datetime
) -> bool:
    """Whether another cluster than these, which cannot be asked, owes a pass if its threshold is the default."""
    changed = (str(entry.data.get("resource", "")) for entry in entries if entry.kind == INTENT)
    others = set(_clusters(name for name in changed if name.startswith("starrocks:"))) - set(known)
    return any(vacuum_debt(entries, other, STALE_HOURS, span, now).needed for other in others)


def _clusters(resources: t.Iterable[str]) -> t.List[str]:
    """The clusters that resources are of."""
    return list(dict.fromkeys(name.partition("/")[0].partition(":")[2] for name in resources))


def ramp_left(
    entries: t.Sequence[Entry], cluster_id: str, steps: t.Sequence[int], span: float, now: datetime.datetime
) -> t.List[RampStep]:
    """The steps of the ramp by which compaction comes back that are still to be gone.

    The present one is told again, with what is left of its time, so that it is set where it was lost meanwhile.

    :param span: seconds that each step lasts
    """
    prefix = resource_prefix(cluster_id)
    ours = {
        int(one.ours)
        for name, one in recorded(entries, prefix).items()
        if name.endswith(f"/config/{COMPACTION}") and one.ours.lstrip("-").isdigit()
    }
    if not ours:
        return []
    reached = max(ours)
    if reached not in steps:
        return [RampStep(step, span) for step in steps]
    since = _in_place_since(entries, prefix, COMPACTION, str(reached))
    gone = 0.0 if since is None else (now - since).total_seconds()
    later = steps[steps.index(reached) + 1 :]
    return [RampStep(reached, max(0.0, span - gone)), *(RampStep(step, span) for step in later)]


def _in_place_since(entries: t.Sequence[Entry], prefix: str, key: str, value: str) -> t.Optional[datetime.datetime]:
    """Since when a config has this value by our doing; None if that was never seen, or another value came since.

    What is set again with the same value, because a frontend had lost it, does not begin anew.
    """
    wanted: t.Dict[str, str] = {}
    since: t.Optional[datetime.datetime] = None
    for entry in entries:
        data = entry.data
        resource = str(data.get("resource", ""))
        if entry.kind == INTENT and resource.startswith(prefix) and resource.endswith(f"/config/{key}"):
            wanted[str(data["id"])] = str(data.get("after"))
        elif entry.kind == OUTCOME and data.get("status") == "done" and str(data.get("id")) in wanted:
            if wanted[str(data["id"])] != value:
                since = None
            elif since is None:
                since = parse_iso(entry.at)
    return since


def vacuum_debt(
    entries: t.Sequence[Entry], cluster_id: str, threshold: t.Optional[int], span: float, now: datetime.datetime
) -> Vacuum:
    """Whether a pass is to be made, seen when writes have moved away or the migration is given up.

    :param threshold: hours, as the source has it; None when it was not asked
    :param span: seconds that the pass is given
    """
    prefix = resource_prefix(cluster_id)
    ended = _restored(entries, prefix, STALE)
    held = [at for at in _moments(entries, prefix, GRACE) if not ended or at > ended[-1]]
    if not held or threshold is None:
        return NO_DEBT
    # Nothing that was written while the grace period was long has been left alone for longer than this.
    hours = math.ceil(((now - held[0]).total_seconds() + span) / 3600) + 1
    raised = [at for at in _moments(entries, prefix, STALE) if at > held[0]]
    if raised:
        return Vacuum(True, hours, max(0.0, span - (now - raised[0]).total_seconds()))
    short = [at for at in _restored(entries, prefix, GRACE) if at > held[0]]
    idle = ((short[0] if short else now) - held[0]).total_seconds()
    if idle + _MARGIN < threshold * 3600:
        return NO_DEBT
    return Vacuum(True, hours, span)


def _moments(entries: t.Sequence[Entry], prefix: str, key: str) -> t.List[datetime.datetime]:
    """When a config was changed by us, in order."""
    return [
        parse_iso(entry.at)
        for entry in entries
        if entry.kind == INTENT
        and str(entry.data.get("resource", "")).startswith(prefix)
        and str(entry.data.get("resource", "")).endswith(f"/config/{key}")
        and entry.data.get("action") != RESTORE
    ]


def _restored(entries: t.Sequence[Entry], prefix: str, key: str) -> t.List[datetime.datetime]:
    """When its matter was closed, in order."""
    return [
        parse_iso(entry.at)
        for entry in entries
        if entry.kind == RESTORE
        and str(entry.data.get("resource", "")).startswith(prefix)
        and str(entry.data.get("resource", "")).endswith(f"/config/{key}")
    ]
