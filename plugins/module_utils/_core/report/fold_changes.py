# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Changes of a journal: moves (what a migration is about), preparing calls, and settings (everything else)."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold_settings import SettingsFold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Attempt, Helper

Data = t.Mapping[str, t.Any]


def _is_move(context: Data) -> bool:
    purpose = context.get("purpose")
    if purpose is not None:
        return bool(purpose == "move")
    return bool(v.place(context, "from") and v.place(context, "to"))


class ChangesFold:
    """Collects intents, acceptances and outcomes.

    A change is a move when its context has the purpose ``move``, or none and says where from and where to. It is a
    preparing call when the purpose is ``flush`` or ``prepare``, or when it is about a thing that moves.
    """

    def __init__(self) -> None:
        self.settings = SettingsFold()
        self.item_kinds: t.Dict[str, None] = {}
        self.place_words: t.Dict[str, None] = {}
        self._attempts: t.Dict[str, Attempt] = {}
        self._helpers: t.Dict[str, str] = {}
        self._helper_ends: t.Dict[str, str] = {}

    def sent(self) -> t.List[Attempt]:
        """The attempts in the order of their intents, without those that were never sent."""
        return [attempt for attempt in self._attempts.values() if attempt.status not in ("skipped", "abandoned")]

    def intent(self, data: Data, at: float) -> None:
        """Take a change.intent entry."""
        resource, change_id = v.word(data.get("resource")), v.word(data.get("id"))
        context = v.mapping(data.get("context"))
        kind = resource.partition("/")[0]
        if _is_move(context):
            self.item_kinds[kind] = None
            self.place_words.update((str(key)[5:], None) for key in context if str(key).startswith("from_"))
            self._attempts[change_id] = Attempt(
                key=v.tail(resource),
                source=v.place(context, "from"),
                target=v.place(context, "to"),
                group=v.word(context.get("table")),
                started=at,
                ended=None,
                status="",
                code="",
                message="",
                server_text="",
                request=v.word(data.get("request")),
                duration=None,
                refused_least=None,
                refused_most=None,
                procedure_id="",
                attached=False,
                evidence={},
            )
        elif context.get("purpose") in ("flush", "prepare") or kind in self.item_kinds:
            self._helpers[change_id] = v.word(data.get("action")) or "prepare"
        else:
            self.settings.intent(change_id, resource, data, at)

    def accepted(self, data: Data, at: float) -> None:
        """Take a change.accepted entry."""
        change_id = v.word(data.get("id"))
        attempt = self._attempts.get(change_id)
        if attempt is not None:
            self._attempts[change_id] = dataclasses.replace(
                attempt,
                procedure_id=v.word(data.get("procedure_id")) or attempt.procedure_id,
                attached=attempt.attached or data.get("attached") is True,
            )

    def outcome(self, data: Data, at: float) -> None:
        """Take a change.outcome entry."""
        change_id, status = v.word(data.get("id")), v.word(data.get("status"))
        attempt = self._attempts.get(change_id)
        if attempt is None:
            if change_id in self._helpers:
                self._helper_ends[change_id] = status
            else:
                self.settings.outcome(change_id, status)
            return
        measured, evidence = v.mapping(data.get("measured")), v.mapping(data.get("evidence"))
        refused = v.number(measured.get("refused_seconds"))
        most = v.number(measured.get("refused_seconds_at_most"))
        least = v.number(measured.get("refused_seconds_at_least"))
        self._attempts[change_id] = dataclasses.replace(
            attempt,
            ended=max(at, attempt.started),
            status=status,
            code=v.word(data.get("code")),
            message=v.word(evidence.get("reason")),
            server_text=v.word(data.get("server_text")),
            duration=v.number(measured.get("duration_seconds")),
            refused_least=refused if least is None else least,
            refused_most=refused if most is None else most,
            evidence=evidence,
        )

    def helpers(self) -> t.List[Helper]:
        """The preparing calls by action."""
        counts: t.Dict[str, t.List[int]] = {}
        for change_id, action in self._helpers.items():
            end = self._helper_ends.get(change_id)
            row = counts.setdefault(action, [0, 0, 0])
            row[0] += 1
            row[1] += end == "done"
            row[2] += end == "failed"
        return [Helper(action, *row) for action, row in sorted(counts.items())]
