# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the module that writes a wish: from its options to its result."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import control_text as ct
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.control import in_force, used_up
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import OBEY_NOTHING, control_store
from ansible_collections.dbops.migration.plugins.module_utils._core.control_store import ControlStore
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import read_journal

STATES = ("present", "absent")
WISHES = ("running", "paused", "aborted")
_LINES = {"running": "", "paused": ct.PAUSE, "aborted": ct.ABORT}


class ControlTask:
    """Reads, edits and writes one text."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._clock = clock

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        store = self._store()
        lines = self._wanted()
        view = read_journal(self._params)
        if view is not None:
            view = view.expecting(self._params.get("migration_id") or "").require_valid()
        kept = store.read()
        written = kept.written if kept is not None else self._clock.now()
        before, wish, problem = _read(kept.raw if kept is not None else b"", written)
        found = before
        if self._params["state"] == STATES[1]:
            found = ""
        elif lines:
            found = self._edited(before, wish, problem, lines)
        # A proceed opens one hold. Who says it again means the next one, and only a text that is written anew tells.
        entries = view.entries if view is not None else ()
        anew = kept is not None and wish.proceed and lines.get(ct.CUTOVER) == ct.PROCEED and used_up(written, entries)
        # An empty text of a person is as good as none, and stays; with absent it goes.
        gone = kept is not None and self._params["state"] == STATES[1]
        changes = ChangeList()
        if found != before or gone or anew:
            changes.add(_change(store.location, kept is not None, before, found))
            if not self._check_mode:
                if found:
                    store.write(found.encode("utf-8"))
                else:
                    store.remove()
            _text, wish, problem = _read(found.encode("utf-8"), self._clock.now())
            # Nobody can have taken note of it yet.
            written = self._clock.now()
        return {
            "changed": changes.changed,
            "changes": changes.as_result(),
            "diff": {
                "before": before, "after": found,
                "before_header": store.location, "after_header": store.location,
            },
            "control": store.location,
            "text": found,
            "in_force": wish.as_result(),
            "wishes": in_force(wish, entries, written),
            "unreadable": problem,
        }  # fmt: skip

    def _store(self) -> ControlStore:
        if str(self._params.get("control") or "").strip().lower() == OBEY_NOTHING:
            raise InvalidOption("control", "with none there is nothing to write", "Give a path or s3://bucket/key")
        store = control_store(self._params)
        if store is None:
            raise InvalidOption(
                "control", "it is not given, nor is a journal", "Give one of both, the same as to the migration"
            )
        return store

    def _wanted(self) -> t.Dict[str, str]:
        """By kind, the line that is wished for, "" to withdraw it; what is not named is not in it."""
        params = self._params
        lines: t.Dict[str, str] = {}
        reason = str(params.get("reason") or "").strip()
        if params.get("wish"):
            lines[ct.RUN] = _LINES[params["wish"]]
        if reason:
            if params.get("wish") != "aborted":
                raise InvalidOption("reason", "nothing is aborted", "Leave it out, or set wish=aborted")
            lines[ct.RUN] = ct.parse_wish(f"{ct.ABORT} {' '.join(reason.split())}", self._clock.now()).line(ct.RUN)
        if params.get("limits") not in (None, ""):
            lines[ct.LIMITS] = _limits(params["limits"])
        if str(params.get("postpone") or "").strip():
            lines[ct.CUTOVER] = _postpone(str(params["postpone"]).strip())
        if params.get("proceed") is not None:
            lines[ct.CUTOVER] = ct.PROCEED if params["proceed"] else ""
        if lines and params["state"] == STATES[1]:
            raise InvalidOption(
                "state", "absent withdraws everything, and something is wished", "Leave one of them out"
            )
        return lines

    def _edited(self, before: str, wish: ct.Wish, problem: str, lines: t.Dict[str, str]) -> str:
        """The new text. What nobody can read is replaced; what is wished already is not written again."""
        if problem:
            before = ""
        wanted: t.Dict[str, str] = {}
        for kind, line in lines.items():
            if line and not _says(before, kind, line):
                wanted[kind] = line
            elif not line and self._to_withdraw(kind, wish):
                wanted[kind] = ""
        if wanted and ct.CUTOVER not in wanted and wish.until is not None and not problem:
            # The text gets a new time, from which a length of time would count anew.
            wanted[ct.CUTOVER] = wish.line(ct.CUTOVER)
        return ct.edit(before, wanted) if wanted else before

    def _to_withdraw(self, kind: str, wish: ct.Wish) -> bool:
        """Whether there is something that these options withdraw: proceed=false takes no postponement away."""
        if kind == ct.RUN:
            return wish.paused or wish.aborted
        if kind == ct.LIMITS:
            return wish.limits is not None
        return wish.proceed if self._params.get("proceed") is not None else wish.until is not None


def _read(raw: bytes, written: datetime.datetime) -> t.Tuple[str, ct.Wish, str]:
    """The text, its wish, and why it has none."""
    try:
        text = ct.decode(raw)
    except ct.Unreadable as error:
        return raw[: ct.MOST_BYTES].decode("utf-8", "replace"), ct.NO_WISH, error.message
    try:
        return text, ct.parse_wish(text, written), ""
    except ct.Unreadable as error:
        return text, ct.NO_WISH, error.message


def _says(text: str, kind: str, line: str) -> bool:
    """Whether the last line of a kind is this one already, however it is written."""
    said = [one for one in text.splitlines() if ct.kind_of(one) == kind]
    epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return bool(said) and ct.parse_wish(said[-1], epoch) == ct.parse_wish(line, epoch)


def _limits(value: t.Any) -> str:
    pairs = as_mapping(value, "limits")
    if not pairs:
        return ""
    try:
        limits = ct.limits_of(
            " ".join(f"{key}={ct.NONE if number is None else number}" for key, number in pairs.items())
        )
    except ValueError as error:
        raise InvalidOption("limits", str(error), "Give a mapping such as {global: 4, per_source: 1}") from None
    return ct.Wish(limits=limits).line(ct.LIMITS)


def _postpone(text: str) -> str:
    fix = "Give a length of time such as 2h, or a time such as 2026-11-22T01:00:00Z"
    try:
        return f"postpone until {iso(parse_iso(text))}"
    except ValueError:
        pass
    try:
        nothing = not parse_duration(text, "postpone", minimum=0, maximum=ct.LONGEST)
    except InvalidOption:
        raise InvalidOption("postpone", f"{text!r} is neither a length of time nor a time", fix) from None
    return "" if nothing else f"postpone {' '.join(text.split())}"


def _change(location: str, there: bool, before: str, after: str) -> Change:
    action = "remove" if not after else ("replace" if there else "write")
    return Change(f"control:{location}", action, before if there else None, after or None, {"text": after})
