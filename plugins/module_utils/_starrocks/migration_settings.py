# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which settings a migration needs on which cluster, by its path and its versions. Pure.

In the order of the vendor's manual: auto-vacuum on the source, compaction and legacy compatibility on the target, then
what the operator wants to tune.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.known_bugs import applicable
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import COLUMN_FILTER
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.known_bugs import BUGS, NOTHING_TO_DATA
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile

AUTO, YES, NO = "auto", "yes", "no"

COMPACTION = "lake_compaction_max_tasks"
GRACE = "lake_autovacuum_grace_period_minutes"
LEGACY = "enable_legacy_compatibility_for_replication"

LONG_GRACE = "10000000"
"""Minutes, as in the manual: about 19 years. Above 29.6 million, what the server reckons with would be negative."""
_PUBLISH_BUG = "starrocks.bug.publish_mismatched_version"

Setting = t.Dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What the operator wants. ``compaction_off``: AUTO, YES or NO. The rest: his own settings, each a list."""

    compaction_off: str = AUTO
    source: t.Tuple[Setting, ...] = ()
    target: t.Tuple[Setting, ...] = ()


@dataclasses.dataclass(frozen=True)
class Settings:
    """FE configs in the order in which they are set, global variables of the target, and what becomes of compaction."""

    source: t.Tuple[Setting, ...]
    target: t.Tuple[Setting, ...]
    target_variables: t.Mapping[str, str]
    compaction_off: bool
    compaction_reason: str

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results."""
        return {
            "source": [dict(one) for one in self.source],
            "target": [dict(one) for one in self.target],
            "target_variables": dict(self.target_variables),
            "compaction_off": self.compaction_off,
            "compaction_reason": self.compaction_reason,
        }


def plan_settings(source: Profile, target: Profile, wishes: Wishes) -> Settings:
    """The settings of a migration from one cluster to the other."""
    off, reason = compaction_off(source, target, wishes.compaction_off)
    ours: t.List[Setting] = []
    if source.shared_data:
        # The target reads old versions of files that the source would remove.
        ours.append(_setting(GRACE, LONG_GRACE))
    theirs: t.List[Setting] = []
    if off:
        theirs.append(_setting(COMPACTION, "0"))
    # From 3.1.10, 3.2.5 and 3.3.0 on; an older target makes its tables in the old way anyhow.
    theirs.append(_setting(LEGACY, "true", optional=True))
    variables = {COLUMN_FILTER: "false"} if target.unused_column_filter_crashes else {}
    return Settings(_joined(ours, wishes.source), _joined(theirs, wishes.target), variables, off, reason)


def compaction_off(source: Profile, target: Profile, wish: str) -> t.Tuple[bool, str]:
    """Whether new compactions are stopped on the target meanwhile, and why (facts 2.2)."""
    if not target.shared_data:
        return False, "A shared-nothing target goes on with its compactions."
    if wish != AUTO:
        return wish == YES, f"It is {'off' if wish == YES else 'left on'} as asked for."
    if source.shared_data:
        return True, "Between shared-data clusters, compactions on the target are in the way of replications."
    if not target.compaction_safe_in_docs:
        return True, f"On a shared-data target of version {target.version}, compactions during a replication crash BEs."
    found = [one for one in applicable(BUGS, target.version, {NOTHING_TO_DATA}) if one.id == _PUBLISH_BUG]
    if found:
        return True, f"{target.version} may have the bug {found[0].reference} (mismatched version)."
    return False, f"A shared-data target of version {target.version} can compact during replications."


def _setting(key: str, value: str, optional: bool = False) -> Setting:
    return {"key": key, "value": value, "optional": optional}


def _joined(ours: t.Sequence[Setting], more: t.Sequence[Setting]) -> t.Tuple[Setting, ...]:
    """Ours first; what the operator says of the same key counts."""
    said = {str(one.get("key")): one for one in more}
    kept = [said.pop(str(one["key"]), one) for one in ours]
    return (*kept, *(one for one in more if str(one.get("key")) in said))
