# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""What a cutover writes into its journal, in words for who watches it."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.control import Acknowledgement
from ansible_collections.dbops.migration.plugins.plugin_utils._cutover_words import Words


class CutoverLines:
    """Entry by entry; each line begins with the seconds since the first entry."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._began: t.Optional[datetime.datetime] = None
        self._intents: t.Dict[str, t.Tuple[str, str]] = {}
        self.acknowledged: t.Set[str] = set()
        """What was told of wishes, as the module's result has it."""

    def line(self, entry: t.Mapping[str, t.Any]) -> str:
        """The line for an entry, "" for one that tells a person nothing."""
        text = self._text(str(entry.get("kind")), entry["data"])
        passed = self._passed(str(entry.get("at")))
        return f"[{passed:6.1f} s] {text}" if text else ""

    def _text(self, kind: str, data: t.Mapping[str, t.Any]) -> str:
        if kind == "wait":
            return f"waiting for {data.get('waiting_for')} ({data.get('ends_when')})"
        if kind == "proof":
            return self._words.proved.get(str(data.get("kind")), "").format(count=len(data.get("items") or ()))
        if kind == "control":
            said = Acknowledgement(*(str(data.get(name)) for name in Acknowledgement._fields)).line
            self.acknowledged.add(said)
            return said
        if kind == "change.intent":
            self._intents[str(data.get("id"))] = (
                str(data.get("action")),
                self._words.subject(str(data.get("resource"))),
            )
            return ""
        if kind == "change.outcome":
            action, subject = self._intents.pop(str(data.get("id")), ("", ""))
            if action not in self._words.done:
                return ""
            if data.get("status") == "done":
                return self._words.done[action].format(subject=subject)
            return f"{subject}: {action} was answered with {data.get('status')}"
        return self._words.ends.get(kind, "").format(subject=data.get("table"))

    def _passed(self, at: str) -> float:
        """Seconds since the first entry; 0 for a time that cannot be read."""
        try:
            now = datetime.datetime.strptime(at[:19], "%Y-%m-%dT%H:%M:%S")
            now += datetime.timedelta(milliseconds=int(at[20:23] or 0))
        except ValueError:
            return 0.0
        self._began = self._began or now
        return (now - self._began).total_seconds()
