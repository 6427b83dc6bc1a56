# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Fold the entries of a journal into one report record. Pure: the same entries give the same report."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.legality import SwitchJudgement
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold_changes import ChangesFold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold_cutovers import CutoversFold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold_happenings import happening
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold_items import (
    Planned,
    fold_items,
    plan_key,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold_settings import FENCING
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold_waits import WaitsFold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import (
    COMMITTED,
    CONTROL,
    HANDED_OVER,
    HOOK,
    LIFTED,
    NOTIFICATION,
    Happening,
    Plan,
    Progress,
    Proof,
    Report,
    Run,
    Verification,
    Words,
)

Data = t.Mapping[str, t.Any]
# Entries that are further apart are not of one spell of work.
_SPELL = 30.0


class EntryLike(t.Protocol):
    """What is read of a journal entry."""

    @property
    def at(self) -> str:
        """When it was written, ISO 8601."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def data(self) -> t.Any:
        """What it holds."""


def fold(
    entries: t.Iterable[EntryLike],
    verification: Verification,
    words: t.Optional[Words] = None,
    extra: t.Optional[Data] = None,
    switch: t.Optional[SwitchJudgement] = None,
) -> Report:
    """Return the report of a journal's entries, in journal order. ``switch``: whether its switches were legal."""
    folding = _Fold()
    for entry in entries:
        folding.take(entry.kind, v.mapping(entry.data), v.moment(entry.at))
    return dataclasses.replace(folding.report(verification, words or Words(), extra or {}), switch=switch)


class _Fold:
    def __init__(self) -> None:
        self.opened: Data = {}
        self.first: t.Optional[float] = None
        self.last: t.Optional[float] = None
        self.plans: t.Dict[str, Plan] = {}
        self.planned: t.List[Planned] = []
        self.changes = ChangesFold()
        self.cutovers = CutoversFold()
        self.runs: t.Dict[str, Run] = {}
        self.run_id = ""
        self.last_seen: t.Dict[str, float] = {}
        self.findings: t.Dict[str, t.Tuple[bool, t.List[Data]]] = {}
        self.waits = WaitsFold()
        self.active: t.List[t.Tuple[float, float]] = []
        self.happenings: t.List[Happening] = []
        self.evidence: t.Dict[str, t.Dict[str, t.Tuple[float, Data]]] = {}
        self.proofs: t.List[Proof] = []
        self.progress: t.List[Progress] = []
        self.notes: t.List[t.Tuple[float, str]] = []
        self.repairs = 0
        self.handlers: t.Mapping[str, t.Callable[[Data, float], None]] = {
            "journal.opened": self._opened,
            "journal.repaired": self._repaired,
            "run.started": self._run_started,
            "run.finished": self._run_finished,
            "findings": self._findings,
            "plan": self._plan,
            "change.intent": self._intent,
            "change.accepted": self.changes.accepted,
            "change.outcome": self.changes.outcome,
            "progress": self._progress,
            "wait": self.waits.take,
            "proof": self._proof,
            "restore": self.changes.settings.restore,
            "note": self._note,
            "cutover.committed": functools.partial(self.cutovers.ended, COMMITTED),
            "cutover.handed_over": functools.partial(self.cutovers.ended, HANDED_OVER),
            "cutover.lifted": functools.partial(self.cutovers.ended, LIFTED),
            "cutover.started": self.cutovers.started,
            "freeze.lifted": self.cutovers.thawed,
            **{kind: functools.partial(self._happening, kind) for kind in (CONTROL, HOOK, NOTIFICATION)},
        }

    def take(self, kind: str, data: Data, at: t.Optional[float]) -> None:
        if at is None:
            at = self.last or 0.0
        self.first = at if self.first is None else self.first
        self.last = at if self.last is None else max(self.last, at)
        if self.active and at - self.active[-1][1] <= _SPELL:
            self.active[-1] = (self.active[-1][0], max(at, self.active[-1][1]))
        else:
            self.active.append((at, at))
        self.waits.follow(kind, at)
        handler = self.handlers.get(kind)
        if handler is not None:
            handler(data, at)
        if self.run_id:
            self.last_seen[self.run_id] = max(at, self.last_seen.get(self.run_id, at))

    def _opened(self, data: Data, at: float) -> None:
        self.opened = self.opened or data

    def _repaired(self, data: Data, at: float) -> None:
        self.repairs += 1

    def _run_started(self, data: Data, at: float) -> None:
        self.run_id = v.word(data.get("run_id")) or f"run {len(self.runs) + 1}"
        phase = v.word(data.get("phase"))
        self.cutovers.named(v.mapping(data.get("options")))
        known = self.runs.get(self.run_id)
        if known is None:
            self.runs[self.run_id] = Run(self.run_id, phase, at, None, at, "", "")
        else:
            # A run that goes on in steps writes its start again; it is over when its last step is.
            self.runs[self.run_id] = dataclasses.replace(known, ended=None, status="", last_seen=at)

    def _run_finished(self, data: Data, at: float) -> None:
        run_id = v.word(data.get("run_id")) or self.run_id
        run = self.runs.get(run_id) or Run(run_id, v.word(data.get("phase")), at, None, at, "", "")
        told = v.mapping(data.get("summary"))
        summary = self.cutovers.summary(told) if told else v.word(data.get("summary"))
        self.runs[run_id] = dataclasses.replace(
            run, ended=at, last_seen=at, status=v.word(data.get("status")), summary=summary
        )
        if run_id == self.run_id:
            self.run_id = ""

    def _findings(self, data: Data, at: float) -> None:
        # The newest judgement of a phase replaces its earlier ones.
        self.findings[v.word(data.get("phase"))] = (data.get("passed") is True, v.mappings(data.get("findings")))

    def _intent(self, data: Data, at: float) -> None:
        if data.get("action") in FENCING:
            self.cutovers.fence(at)
        self.changes.intent(data, at)

    def _plan(self, data: Data, at: float) -> None:
        content = v.mapping(data.get("plan")) or data
        moves = v.mappings(content.get("moves"))
        plan_id = v.word(data.get("plan_id")) or f"plan {len(self.plans) + 1}"
        before, after = v.mapping(content.get("before")), v.mapping(content.get("after"))
        places = sorted({str(name) for name in before} | {str(name) for name in after}, key=v.natural)
        by_name = [{str(name): v.mapping(load) for name, load in side.items()} for side in (before, after)]
        if plan_id in self.plans:
            return
        self.plans[plan_id] = Plan(
            plan_id=plan_id,
            at=at,
            strategy=v.word(content.get("strategy")),
            moves=len(moves),
            limits=v.mapping(content.get("limits")),
            ordering=v.word(content.get("ordering")),
            lower_bound=v.mapping(content.get("lower_bound")),
            loads=[(name, by_name[0].get(name, {}), by_name[1].get(name, {})) for name in places],
            excluded=v.sequence(content.get("excluded")),
            unplaceable=v.sequence(content.get("unplaceable")),
        )
        self.planned.append(Planned(at, self.plans[plan_id].strategy == "reverse", moves))

    def _progress(self, data: Data, at: float) -> None:
        self.waits.progress(data, at)
        done, total = v.number(data.get("done")), v.number(data.get("total"))
        if done is not None and total is not None:
            rate = v.number(data.get("rate_per_minute"))
            self.progress.append(
                Progress(at, int(done), int(total), v.number(data.get("eta_seconds")), _lag(data), rate)
            )

    def _proof(self, data: Data, at: float) -> None:
        kind, items = v.word(data.get("kind")), v.mappings(data.get("items"))
        self.proofs.append(Proof(kind, data.get("passed") is True, at, items))
        newest = self.evidence.setdefault(kind, {})
        newest.update((v.word(item.get("subject")), (at, item)) for item in items)
        if kind == "cutover":
            self.cutovers.compared(items)

    def _happening(self, kind: str, data: Data, at: float) -> None:
        self.happenings.append(happening(kind, data, at))

    def _note(self, data: Data, at: float) -> None:
        self.notes.append((at, v.word(data.get("text"))))

    def report(self, verification: Verification, words: Words, extra: Data) -> Report:
        runs = [
            dataclasses.replace(run, last_seen=max(run.last_seen, self.last_seen.get(run.run_id, run.last_seen)))
            for run in self.runs.values()
        ]
        attempts = self.changes.sent()
        items = fold_items(self.planned, attempts, runs)
        engine = v.word(self.opened.get("engine"))
        item = words.item or self._item_word()
        return Report(
            migration_id=v.word(self.opened.get("migration_id")),
            engine=engine,
            version=v.word(self.opened.get("collection_version")),
            words=dataclasses.replace(
                words,
                engine=words.engine or engine,
                item=item,
                items=words.items or item + "s",
                place=words.place or next(iter(self.changes.place_words), "place"),
            ),
            first=self.first,
            last=self.last,
            plans=list(self.plans.values()),
            items=items,
            attempts=attempts,
            runs=runs,
            findings=[{"phase": phase, **one} for phase, (_passed, found) in self.findings.items() for one in found],
            findings_passed=all(passed for passed, _found in self.findings.values()) if self.findings else None,
            settings=self.changes.settings.settings(self.cutovers.first_commit),
            waits=self.waits.waits(self.last),
            proofs=self.proofs,
            helpers=self.changes.helpers(),
            progress=self.progress,
            notes=self.notes,
            repairs=self.repairs,
            verification=verification,
            extra=extra,
            cutovers=self.cutovers.cutovers(),
            first_commit=self.cutovers.first_commit,
            active=self.active,
            fenced=self.cutovers.fenced(self.last),
            changed=self.changes.settings.changed,
            happenings=self.happenings,
            evidence={kind: list(newest.values()) for kind, newest in self.evidence.items()},
        )

    def _item_word(self) -> str:
        kind = next(iter(self.changes.item_kinds), "")
        if not kind:
            key = next((plan_key(move) for plan in self.planned for move in plan.moves), "")
            return key[: -len("_id")] if key.endswith("_id") else "item"
        return kind.rpartition(".")[2] or "item"


def _lag(data: Data) -> t.Optional[float]:
    """How far the target is behind, by a ``progress`` entry: its backlog by table, or a lag that is told as a whole."""
    numbers = [v.number(one) for one in v.mapping(data.get("backlog")).values()]
    known = [number for number in numbers if number is not None]
    return sum(known) if known else v.number(v.mapping(data.get("lag")).get("total"))
