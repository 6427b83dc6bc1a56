# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a person must know first: how the migration stands, and what is left to do."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import legality as le
from ansible_collections.dbops.migration.plugins.module_utils._core.report import figures
from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold_settings import FENCING

GOOD, CARE, BAD, PLAIN = "good", "care", "bad", "plain"
_COPYING = "migrate"
_POSTPONED = "postpone until "
_AGAIN = ("run", "start")
BACK = ("restored", "already_original", "unchanged")

# The one figure of the caller that has a place of its own; the rest is listed.
LOST = "acknowledged_writes_lost"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``tone`` is good, care, bad or plain; ``sentence`` says how it stands, ``todo`` what is left to do."""

    tone: str
    sentence: str
    todo: t.Sequence[str]


def lost_writes(report: r.Report) -> t.Optional[int]:
    """The caller's count of acknowledged writes that are missing, None when it was not measured."""
    value = report.extra.get(LOST)
    if isinstance(value, str):
        return v.index(value.strip())
    known = v.number(value)
    return None if known is None else int(known)


def open_blockers(report: r.Report) -> t.List[t.Mapping[str, t.Any]]:
    """The blockers of the newest judgements that nobody has accepted."""
    return [one for one in report.findings if one.get("severity") == "blocker" and one.get("accepted") is not True]


def failed_proofs(report: r.Report) -> t.List[r.Proof]:
    """Proofs whose newest try did not pass."""
    newest = {proof.kind: proof for proof in report.proofs}
    return [proof for proof in newest.values() if not proof.passed]


def unfinished_run(report: r.Report) -> str:
    """A sentence about the last run when it did not end well, "" otherwise."""
    last = report.runs[-1] if report.runs else None
    if last is None or last.status == "ok":
        return ""
    how = {"failed": "failed", "interrupted": "was interrupted"}.get(last.status, "has no recorded end")
    return f"The last run ({last.phase or 'no phase'}) {how}."


def verdict(report: r.Report) -> Verdict:
    """How the migration stands by its journal."""
    tone, sentence = _standing(report)
    todo = todo_list(report)
    if not report.verification.valid:
        return Verdict(BAD, "The journal is damaged, so nothing below can be relied on. " + sentence, todo)
    if lost_writes(report):
        return Verdict(BAD, sentence + f" {w.counted(lost_writes(report) or 0, 'acknowledged write')} lost.", todo)
    if tone in (GOOD, PLAIN) and failed_proofs(report):
        kinds = ", ".join(proof.kind for proof in failed_proofs(report))
        return Verdict(BAD, f"{sentence} But this was not proved: {kinds}.", todo)
    doubt = _doubt(report)
    if doubt is not None:
        return Verdict(BAD if doubt[0] == BAD else CARE if tone == GOOD else tone, f"{sentence} {doubt[1]}", todo)
    ending = unfinished_run(report)
    if tone == GOOD and ending:
        return Verdict(CARE, f"{sentence} {ending}", todo)
    left = [one for one in report.settings if one.state in ("changed", "unknown")]
    if tone == GOOD and left:
        return Verdict(CARE, f"{sentence} {w.counted(len(left), 'setting')} not back to the original yet.", todo)
    return Verdict(tone, sentence, todo)


def _doubt(report: r.Report) -> t.Optional[t.Tuple[str, str]]:
    """A tone and a sentence where something was switched without the proof that it was legal."""
    switch = report.switch
    if switch is None or not any(one.state in (r.COMMITTED, r.HANDED_OVER) for one in report.cutovers):
        return None
    if switch.legal == le.NO:
        return BAD, "The switch was not legal by this journal."
    if switch.legal == le.UNKNOWN and any(one.state == r.COMMITTED for one in report.cutovers):
        return CARE, "That the switch was legal is not proved by this journal."
    return None


def _standing(report: r.Report) -> t.Tuple[str, str]:
    if report.first is None:
        return PLAIN, "The journal is empty: nothing has been recorded yet."
    if not report.items:
        return _cut_over(report) if about_cutovers(report) else _before_any_move(report)
    one, many = report.words.item, report.words.items
    total = len(report.items) - report.count(r.DROPPED)
    moved, already = report.count(r.DONE), report.count(r.ALREADY)
    if moved + already == total:
        return GOOD, _all_there(report, total, moved, already)
    there = f"{moved + already:,} of {w.counted(total, one, many)} {'is' if moved + already == 1 else 'are'} on target"
    if report.count(r.FAILED):
        return BAD, f"{w.counted(report.count(r.FAILED), one, many)} failed to move; {there}."
    if report.runs and report.runs[-1].ended is None:
        return CARE, f"Not finished: {there}. The last run is still at work or was interrupted."
    if not report.current:
        return PLAIN, f"Planned, not started: {w.counted(total, one, many)} to move."
    return CARE, f"Not finished: {there}."


def _all_there(report: r.Report, total: int, moved: int, already: int) -> str:
    one, many = report.words.item, report.words.items
    every = f"The one {one}" if total == 1 else f"All {total:,} {many}"
    if not moved:
        return f"{every} {'was' if total == 1 else 'were'} on target already: nothing was sent."
    if report.reversed:
        return f"Rolled back: {every[0].lower() + every[1:]} moved back."
    done = [item.last for item in report.items if item.state == r.DONE]
    proved = all(last is not None and last.evidence for last in done)
    text = f"{every} moved" if not already else f"{every} on target, {moved:,} of them moved by this migration"
    return text + (", each proved on its target." if proved else ".")


def about_cutovers(report: r.Report) -> bool:
    """Whether what moves is copied and then switched by a cutover, and not moved one by one."""
    return report.plan is None and bool(report.cutovers or report.progress)


def _cut_over(report: r.Report) -> t.Tuple[str, str]:
    one, many = report.words.item, report.words.items
    total = len(report.cutovers)
    committed = [each for each in report.cutovers if each.state == r.COMMITTED]
    if committed:
        refused = figures.spread(each.refused for each in committed)
        span = f"; writes were refused for {w.seconds(refused.largest)} at most" if refused is not None else ""
        if len(committed) == total:
            return GOOD, f"{_everything(report, committed)} cut over{span}."
        are = "was" if len(committed) == 1 else "were"
        return CARE, f"{len(committed):,} of {w.counted(total, one, many)} {are} cut over{span}."
    if open_blockers(report):
        return _before_any_move(report)
    handed_over = [each for each in report.cutovers if each.state == r.HANDED_OVER]
    if handed_over:
        return (
            CARE,
            f"Handed over: writes are stopped, and the switch of {_what(report, handed_over)} is yours to make.",
        )
    if report.settings and all(each.state in (*BACK, "kept") for each in report.settings):
        return GOOD, "Given up: everything that was changed is as it was before."
    lifted = [each for each in report.cutovers if each.state == r.LIFTED]
    if lifted:
        return CARE, f"Not cut over: the {report.words.fence} of {_what(report, lifted)} was lifted."
    if is_copied(report):
        return PLAIN, "Copied, and kept in step; not cut over yet."
    return CARE, "Not finished: nothing was cut over yet."


def is_copied(report: r.Report) -> bool:
    """Whether all is on the target: by the last look, or because the run that waited for it ended well."""
    last = report.progress[-1] if report.progress else None
    runs = [run for run in report.runs if run.phase == _COPYING]
    return (last is not None and last.done >= last.total) or bool(runs and runs[-1].status == "ok")


def _everything(report: r.Report, committed: t.Sequence[r.Cutover]) -> str:
    """``All 200 tables (740 partitions) were``, for the sentence that all is done."""
    tables = sum(each.tables for each in committed)
    if tables:
        parts = w.counted(sum(each.parts for each in committed), report.words.part)
        every = f"The one {report.words.item}" if tables == 1 else f"All {tables:,} {report.words.items}"
        return f"{every} ({parts}) {'was' if tables == 1 else 'were'}"
    if len(committed) == 1:
        return f"{report.words.item.capitalize()} {committed[0].subject} was"
    return f"All {len(committed):,} {report.words.items} were"


def _what(report: r.Report, some: t.Sequence[r.Cutover]) -> str:
    """How many tables these cutovers are of; the whole source where one is of all."""
    whole = any(" to " in each.subject for each in some)
    return "the whole source" if whole else w.counted(len(some), report.words.item, report.words.items)


def _before_any_move(report: r.Report) -> t.Tuple[str, str]:
    if report.plan is not None:
        return GOOD, f"The plan is empty: no {report.words.item} had to move."
    blockers = len(open_blockers(report))
    if blockers:
        return BAD, f"Preflight found {w.counted(blockers, 'open blocker')}; nothing was moved."
    if report.findings_passed:
        return PLAIN, "Preflight passed; nothing has been planned or moved yet."
    return PLAIN, "Nothing has been planned or moved yet."


def todo_list(report: r.Report) -> t.List[str]:
    """What a person has to do, most pressing first; empty when nothing is left."""
    one, many = report.words.item, report.words.items
    todo = []
    if not report.verification.valid:
        todo.append("Find out what happened to the journal: " + report.verification.problem)
    if lost_writes(report):
        todo.append("Find out why acknowledged writes are missing before anything else is moved.")
    blockers = open_blockers(report)
    if blockers:
        ids = ", ".join(sorted({v.word(finding.get("id")) for finding in blockers}))
        todo.append(f"Remedy or accept {w.counted(len(blockers), 'open blocker')}: {ids}.")
    held = _held(report)
    if held:
        todo.append(f"The migration was asked to {_some(held)}: take that back when it is to go on.")
    # Whether a run without an end was killed or is at work, its journal does not tell.
    alive = bool(report.runs) and report.runs[-1].ended is None
    again, start = (f"Unless the last run is still at work, {word}" if alive else word.capitalize() for word in _AGAIN)
    failed = report.count(r.FAILED)
    if failed:
        todo.append(
            f"Remedy what made {w.counted(failed, one, many)} fail (see Failures), then run the same plan again:"
            " what has moved stays."
        )
    unknown = report.count(r.UNKNOWN, r.RUNNING)
    if unknown:
        todo.append(
            f"{again} the migration again with this journal: it finds out how {w.counted(unknown, one, many)}"
            " ended whose outcome is not recorded."
        )
    waiting = report.count(r.WAITING)
    if waiting:
        todo.append(f"{start} the move of {w.counted(waiting, one, many)}: run the same plan again with this journal.")
    if not (failed or unknown or waiting or blockers) and unfinished_run(report):
        how = "has no recorded end" if alive else "did not end well"
        todo.append(f"{again} {report.runs[-1].phase or 'the last phase'} again: its last run {how}.")
    handed_over = [each.subject for each in report.cutovers if each.state == r.HANDED_OVER]
    if handed_over:
        todo.insert(0, f"Commit the cutover, or lift the {report.words.fence}: {_some(handed_over)}.")
    stopped = [setting.resource for setting in report.settings if _still_stops_writes(setting)]
    still = ", unless the last run is still at work" if alive else ""
    if stopped and not handed_over:
        todo.insert(
            0,
            f"Writes may still be refused: run the cutover again, or the rollback, with this journal{still}; the"
            f" command that lifts the {report.words.fence} by hand is among the notes.",
        )
    if report.switch is not None and report.switch.legal == le.NO:
        todo.insert(0, f"Find out why the switch was not legal: {'; '.join(report.switch.reasons[:2])}.")
    todo.extend(f"Prove again what did not pass: {proof.kind}." for proof in failed_proofs(report))
    ours = [setting.resource for setting in report.settings if setting.state == "changed"]
    if ours and not handed_over:
        todo.append(f"Run restore to put back {w.counted(len(ours), 'setting')}: {_grouped(ours)}.")
    unclear = [setting.resource for setting in report.settings if setting.state == "unknown"]
    if unclear:
        todo.append(f"Look at {w.counted(len(unclear), 'setting')} whose state is not known: {_grouped(unclear)}.")
    theirs = [setting.resource for setting in report.settings if setting.state == "keep_theirs"]
    if theirs:
        todo.append(f"Check what somebody else has changed meanwhile; it was left as it is: {_some(theirs)}.")
    return todo


def _held(report: r.Report) -> t.List[str]:
    """What is wished that keeps a run from going on: no postponement that is over, nor one of what is done."""
    newest = {one.topic: one for one in report.happenings if one.kind == r.CONTROL}
    wishes = [one.what for one in newest.values() if one.outcome == "taken"]
    switched = bool(report.cutovers) and all(one.state == r.COMMITTED for one in report.cutovers)
    found = [what for what in wishes if what.startswith(("pause", "abort"))]
    for what in wishes:
        until = v.moment(what[len(_POSTPONED) :]) if what.startswith(_POSTPONED) else None
        if until is not None and until > (report.last or 0.0) and not switched:
            found.append(what)
    return found


def _grouped(resources: t.Sequence[str]) -> str:
    """What is the same on several servers once, with how many there are."""
    groups: t.Dict[str, t.List[str]] = {}
    for resource in resources:
        groups.setdefault(resource.rpartition("/")[2], []).append(resource)
    return _some([own[0] if len(own) == 1 else f"{name} ({len(own):,} times)" for name, own in groups.items()])


def _still_stops_writes(setting: r.Setting) -> bool:
    return setting.action in FENCING and setting.state in ("changed", "unknown")


def _some(names: t.Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
