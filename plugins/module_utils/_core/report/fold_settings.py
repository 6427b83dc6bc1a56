# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Settings that were changed, in three ways: as found, as we left them, as they are now."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Setting

Data = t.Mapping[str, t.Any]

CHANGED = "changed"
UNCHANGED = "unchanged"
RESTORED = "restored"
UNKNOWN = "unknown"
KEPT = "kept"

# What a migration does for good: always, and once a cutover was committed.
_FOR_GOOD = ("drop", "rename")
_FOR_GOOD_ONCE_COMMITTED = ("close", "switch", "freeze", "freeze_again", "pause")
FENCING = ("fence", "freeze", "freeze_again")
"""Actions that stop writes."""

# What a restore decided -> the state it leaves the setting in.
_DECISIONS = {"restore": RESTORED}


class SettingsFold:
    """Collects intents and outcomes of everything that is no move, and the decisions of restores."""

    def __init__(self) -> None:
        self._settings: t.Dict[str, Setting] = {}
        self._open: t.Dict[str, t.Tuple[str, t.Any, float]] = {}
        self.changed: t.List[t.Tuple[float, str]] = []
        """When something was changed, and by which action."""

    def intent(self, change_id: str, resource: str, data: Data, at: float) -> None:
        self._open[change_id] = (resource, data.get("after"), at)
        self.changed.append((at, v.word(data.get("action"))))
        if resource not in self._settings:
            before = data.get("before")
            self._settings[resource] = Setting(resource, before, None, before, UNCHANGED, "", at)
        # Until its outcome is written, a change may or may not have taken effect.
        self._put(resource, state=UNKNOWN, action=v.word(data.get("action")))

    def outcome(self, change_id: str, status: str) -> None:
        if change_id not in self._open:
            return
        resource, after, at = self._open.pop(change_id)
        setting = self._settings[resource]
        if status == "done":
            if after is None:
                self._gone_with(resource, at)
            if after == setting.original:
                self._put(resource, now=after, state=RESTORED, at=at)
            else:
                self._put(resource, ours=after, now=after, state=CHANGED, reason="", at=at)
        elif status in ("failed", "skipped", "abandoned"):
            self._put(resource, state=UNCHANGED if setting.ours is None else CHANGED, reason=f"change {status}")

    def _gone_with(self, resource: str, at: float) -> None:
        """What belongs to a thing is gone with it: the files and the process of a tool that is removed."""
        for name in self._settings:
            if name.startswith((resource + "/", resource + ":")):
                self._put(name, now=None, state=RESTORED, reason="", at=at)

    def restore(self, data: Data, at: float) -> None:
        """Take the decision of a three-way restore; the change that follows it has its own intent and outcome."""
        resource, action = v.word(data.get("resource")), v.word(data.get("action"))
        if resource not in self._settings:
            self._settings[resource] = Setting(resource, data.get("original"), None, None, UNKNOWN, "", at)
        self._put(
            resource,
            original=data.get("original"),
            ours=data.get("ours"),
            now=data.get("original") if action == "restore" else data.get("now"),
            state=_DECISIONS.get(action, action or UNKNOWN),
            reason=v.word(data.get("reason")),
            at=at,
        )

    def _put(self, resource: str, **fields: t.Any) -> None:
        self._settings[resource] = dataclasses.replace(self._settings[resource], **fields)

    def settings(self, committed: t.Optional[float] = None) -> t.List[Setting]:
        """The settings in the order in which they were first touched. ``committed``: since when a cutover is."""
        for resource, _after, _at in self._open.values():
            self._put(resource, reason="no outcome is recorded")
        return [
            dataclasses.replace(one, state=KEPT) if one.state == CHANGED and _for_good(one, committed) else one
            for one in self._settings.values()
        ]


def _for_good(one: Setting, committed: t.Optional[float]) -> bool:
    """Whether it is not to be put back: what has served its time is cleared away once the clients are elsewhere."""
    if one.action in _FOR_GOOD:
        return True
    if committed is None:
        return False
    return one.action in _FOR_GOOD_ONCE_COMMITTED or (one.ours is None and one.at >= committed)
