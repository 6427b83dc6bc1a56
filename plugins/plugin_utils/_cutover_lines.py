# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""What a cutover writes into its journal, in words for who watches it."""

from __future__ import annotations

import datetime
import typing as t

_DONE = {
    "fence": "{table}: the fence is set; every replica server refuses writes from its next config sync on",
    "switch": "{table}: the znode points at the target",
    "close": "{table}: the source is closed for readers too",
}
_PROVED = {
    "fence": "every primary refuses writes ({count} partitions)",
    "drain": "drained: all that was written before the fence is on the target ({count} partitions)",
    "lift": "the fence is off: every primary takes writes ({count} partitions)",
    "switch": "every MetaProxy sends clients to the target",
    "target": "the target is whole and serves ({count} partitions)",
}
_ENDS = {
    "cutover.committed": "{table}: committed",
    "cutover.handed_over": "{table}: drained and handed over, still fenced",
    "cutover.lifted": "{table}: writes go to the source again",
}


class CutoverLines:
    """Entry by entry; each line begins with the seconds since the first entry."""

    def __init__(self) -> None:
        self._began: t.Optional[datetime.datetime] = None
        self._intents: t.Dict[str, t.Tuple[str, str]] = {}

    def line(self, entry: t.Mapping[str, t.Any]) -> str:
        """The line for an entry, "" for one that tells a person nothing."""
        text = self._text(str(entry.get("kind")), entry["data"])
        passed = self._passed(str(entry.get("at")))
        return f"[{passed:6.1f} s] {text}" if text else ""

    def _text(self, kind: str, data: t.Mapping[str, t.Any]) -> str:
        if kind == "wait":
            return f"waiting for {data.get('waiting_for')} ({data.get('ends_when')})"
        if kind == "proof" and data.get("kind") in _PROVED:
            return _PROVED[str(data["kind"])].format(count=len(data.get("items") or ()))
        if kind == "change.intent":
            self._intents[str(data.get("id"))] = (str(data.get("action")), _table(str(data.get("resource"))))
            return ""
        if kind == "change.outcome":
            action, table = self._intents.pop(str(data.get("id")), ("", ""))
            if data.get("status") == "done":
                return _DONE.get(action, "").format(table=table)
            return f"{table}: {action} was answered with {data.get('status')}" if action in _DONE else ""
        return _ENDS.get(kind, "").format(table=data.get("table"))

    def _passed(self, at: str) -> float:
        """Seconds since the first entry; 0 for a time that cannot be read."""
        try:
            now = datetime.datetime.strptime(at[:19], "%Y-%m-%dT%H:%M:%S")
            now += datetime.timedelta(milliseconds=int(at[20:23] or 0))
        except ValueError:
            return 0.0
        self._began = self._began or now
        return (now - self._began).total_seconds()


def _table(resource: str) -> str:
    """``pegasus:<cluster>/table/<name>/env/<key>`` and ``zookeeper:<root>/<name>``."""
    _before, found, rest = resource.partition("/table/")
    return rest.split("/")[0] if found else resource.rsplit("/", 1)[-1]
