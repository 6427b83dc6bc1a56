# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Sending one call that changes settings: written down before, read back after, sent again only on evidence.

A meta server changes app envs by reading the whole map, altering it and writing it, so a change made at the same time
by somebody else can undo ours without a word. And a reply can be lost while the change was made. Both are told apart
from success by reading the settings back, never by the reply.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal

ATTEMPTS = 3
PAUSE = 0.5
REPLY_LOST = "pegasus.ambiguous"
OUTCOME = "outcome"
"""Detail of an error of ``send_call`` whose changes may have been made: ``unknown``, as in the journal."""
UNKNOWN = "unknown"
CONTESTED = "pegasus.setting_contested"
"""The outcome of the setting that is somebody else's is ``failed``, but the server took the change before that."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One request to the server. All ``changes`` carry this same request; ``look`` reads their states, in order.

    ``context``: what the journal keeps beside the intents, for a later run.
    """

    changes: t.Tuple[Change, ...]
    send: t.Callable[[], t.Any]
    look: t.Callable[[], t.Sequence[t.Any]]
    context: t.Optional[t.Mapping[str, t.Any]] = None


def send_call(call: Call, journal: t.Optional[Journal], clock: Clock) -> t.Dict[str, t.Any]:
    """Send it until its changes are read back, at most three times; returns the evidence that went to the journal.

    :raises MigrationError: the server refused (its own code), somebody else changed a setting meanwhile
        (``pegasus.setting_contested``), or it was never found in place (``pegasus.setting_not_kept``)
    """
    ids = journal.intents(call.changes, [call.context] * len(call.changes)) if journal is not None else []

    def conclude(statuses: t.Union[str, t.Sequence[str]], data: t.Mapping[str, t.Any]) -> None:
        if journal is not None:
            each = [statuses] * len(ids) if isinstance(statuses, str) else statuses
            journal.outcomes((change_id, status, data) for change_id, status in zip(ids, each))

    lost: t.List[MigrationError] = []
    now: t.Sequence[t.Any] = ()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            call.send()
        except MigrationError as error:
            if error.code != REPLY_LOST:
                status = "failed" if attempt == 1 else UNKNOWN
                conclude(status, {"code": error.code, "server_text": error.server_text or ""})
                if status == UNKNOWN:
                    error.details[OUTCOME] = UNKNOWN
                raise
            lost.append(error)
        try:
            now = call.look()
        except MigrationError as error:
            conclude(UNKNOWN, {"code": error.code, "server_text": error.server_text or ""})
            error.details[OUTCOME] = UNKNOWN
            raise
        verdict = _verdict(call.changes, now)
        evidence = {"read_back": list(now), "sent": attempt, "replies_lost": len(lost)}
        if verdict == "ours":
            conclude("done", {"evidence": evidence})
            return evidence
        if verdict == "theirs":
            conclude(_contested_statuses(call.changes, now, bool(lost)), {"code": CONTESTED, "evidence": evidence})
            raise _contested(call.changes, now)
        clock.sleep(PAUSE * attempt)
    conclude(UNKNOWN, {"code": "pegasus.setting_not_kept", "evidence": {"read_back": list(now), "sent": ATTEMPTS}})
    raise _not_kept(call.changes, now, lost)


def _not_kept(changes: t.Sequence[Change], now: t.Sequence[t.Any], lost: t.Sequence[MigrationError]) -> MigrationError:
    names = ", ".join(change.resource for change in changes)
    sent = f"{names}: the change was sent {ATTEMPTS} times, and each time the old value was read back."
    if len(lost) == ATTEMPTS:
        why = f"No answer was clear, the last one neither: {lost[-1].message}"
    else:
        why = "Somebody may be setting envs of the same table at the same time; stop that, and run again."
    return MigrationError(
        "pegasus.setting_not_kept",
        f"{sent} {why}",
        server_text=lost[-1].server_text if lost else None,
        details={"expected": [change.after for change in changes], "found": list(now), OUTCOME: UNKNOWN},
    )


def perhaps_made(error: MigrationError) -> bool:
    """Whether the changes of a ``send_call`` that ended so have been made, or may have been or may still be made."""
    return error.code == CONTESTED or error.details.get(OUTCOME) == UNKNOWN


def _verdict(changes: t.Sequence[Change], now: t.Sequence[t.Any]) -> str:
    """``ours``: all as wanted. ``before``: some are still as found. ``theirs``: one is neither."""
    verdict = "ours"
    for change, state in zip(changes, now):
        if _same(state, change.after):
            continue
        if not _same(state, change.before):
            return "theirs"
        verdict = "before"
    return verdict


def _contested_statuses(changes: t.Sequence[Change], now: t.Sequence[t.Any], lost: bool) -> t.List[str]:
    """The outcome of each change of a call of which one is somebody else's by now; the others are as they are found.

    What has not come, or was asked for without an answer, may still come.
    """

    def status(change: Change, state: t.Any) -> str:
        if _same(state, change.after):
            return "done"
        return UNKNOWN if lost or _same(state, change.before) else "failed"

    return [status(change, state) for change, state in zip(changes, now)]


def _contested(changes: t.Sequence[Change], now: t.Sequence[t.Any]) -> MigrationError:
    others = [
        (change, state)
        for change, state in zip(changes, now)
        if not _same(state, change.after) and not _same(state, change.before)
    ]
    change, state = others[0]
    return MigrationError(
        CONTESTED,
        f"{change.resource} was changed by somebody else in the same moment: {json.dumps(change.after)} was set, and "
        f"{json.dumps(state)} is there now. It is left as it is; agree on who sets it, and run again.",
        details={"expected": change.after, "found": state, "resources": [one.resource for one, _state in others]},
    )


def _same(one: t.Any, two: t.Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
