# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a person must know first: the verdict, what is left to do, and the key figures."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import figures
from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.schedule_bound import LONGEST_JOB

GOOD, CARE, BAD, PLAIN = "good", "care", "bad", "plain"
_BACK = ("restored", "already_original", "unchanged")

# The one figure of the caller that has a place of its own; the rest is listed.
LOST = "acknowledged_writes_lost"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``tone`` is good, care, bad or plain; ``sentence`` says how it stands, ``todo`` what is left to do."""

    tone: str
    sentence: str
    todo: t.Sequence[str]


@dataclasses.dataclass(frozen=True)
class Tile:
    """A key figure with its label and a note that says what it rests on."""

    label: str
    value: str
    note: str
    tone: str = PLAIN


def lost_writes(report: r.Report) -> t.Optional[int]:
    """The caller's count of acknowledged writes that are missing, None when it was not measured."""
    value = report.extra.get(LOST)
    if isinstance(value, str) and value.strip().isdigit():
        return int(value)
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
    ending = unfinished_run(report)
    if tone == GOOD and ending:
        return Verdict(CARE, f"{sentence} {ending}", todo)
    left = [one for one in report.settings if one.state in ("changed", "unknown")]
    if tone == GOOD and left:
        return Verdict(CARE, f"{sentence} {w.counted(len(left), 'setting')} not back to the original yet.", todo)
    return Verdict(tone, sentence, todo)


def _standing(report: r.Report) -> t.Tuple[str, str]:
    if report.first is None:
        return PLAIN, "The journal is empty: nothing has been recorded yet."
    if not report.items:
        return _cut_over(report) if _about_cutovers(report) else _before_any_move(report)
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


def _about_cutovers(report: r.Report) -> bool:
    """Whether what moves is switched by a cutover, and not moved one by one."""
    return report.plan is None and bool(report.cutovers)


def _cut_over(report: r.Report) -> t.Tuple[str, str]:
    one, many = report.words.item, report.words.items
    total = len(report.cutovers)
    committed = [each for each in report.cutovers if each.state == r.COMMITTED]
    if committed:
        refused = figures.spread(each.window.get("refused") for each in committed)
        span = f"; writes were refused for {w.seconds(refused.largest)} at most" if refused is not None else ""
        if len(committed) == total:
            every = f"{one.capitalize()} {committed[0].subject} was" if total == 1 else f"All {total:,} {many} were"
            return GOOD, f"{every} cut over{span}."
        are = "was" if len(committed) == 1 else "were"
        return CARE, f"{len(committed):,} of {w.counted(total, one, many)} {are} cut over{span}."
    if open_blockers(report):
        return _before_any_move(report)
    if report.settings and all(each.state in (*_BACK, "kept") for each in report.settings):
        return GOOD, "Given up: everything that was changed is as it was before."
    lifted = sum(1 for each in report.cutovers if each.state == r.LIFTED)
    if lifted:
        return CARE, f"Not cut over: the fence of {w.counted(lifted, one, many)} was lifted."
    last = report.progress[-1] if report.progress else None
    if last is not None and last.done >= last.total:
        return PLAIN, "Copied, and kept in step; not cut over yet."
    return CARE, "Not finished: nothing was cut over yet."


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
    failed = report.count(r.FAILED)
    if failed:
        todo.append(
            f"Remedy what made {w.counted(failed, one, many)} fail (see Failures), then run the same plan again:"
            " what has moved stays."
        )
    unknown = report.count(r.UNKNOWN, r.RUNNING)
    if unknown:
        todo.append(
            f"Run the migration again with this journal: it finds out how {w.counted(unknown, one, many)}"
            " ended whose outcome is not recorded."
        )
    waiting = report.count(r.WAITING)
    if waiting:
        todo.append(f"Start the move of {w.counted(waiting, one, many)}: run the same plan again with this journal.")
    if not (failed or unknown or waiting or blockers) and unfinished_run(report):
        todo.append(f"Run {report.runs[-1].phase or 'the last phase'} again: its last run did not end well.")
    handed_over = [each.subject for each in report.cutovers if each.state == r.HANDED_OVER]
    if handed_over:
        todo.append(f"Commit the cutover, or lift the fence: {_some(handed_over)}.")
    todo.extend(f"Prove again what did not pass: {proof.kind}." for proof in failed_proofs(report))
    ours = [setting.resource for setting in report.settings if setting.state == "changed"]
    if ours:
        todo.append(f"Run restore to put back {w.counted(len(ours), 'setting')}: {_some(ours)}.")
    unclear = [setting.resource for setting in report.settings if setting.state == "unknown"]
    if unclear:
        todo.append(f"Look at {w.counted(len(unclear), 'setting')} whose state is not known: {_some(unclear)}.")
    theirs = [setting.resource for setting in report.settings if setting.state == "keep_theirs"]
    if theirs:
        todo.append(f"Check what somebody else has changed meanwhile; it was left as it is: {_some(theirs)}.")
    return todo


def _some(names: t.Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def tiles(report: r.Report) -> t.List[Tile]:
    """The key figures."""
    about_cutovers = not report.items and _about_cutovers(report)
    found = _cutover_tiles(report) if about_cutovers else [_moved_tile(report), *_time_tiles(report)]
    refused = figures.spread(attempt.refused_most for attempt in report.current if attempt.status == "done")
    if refused is not None:
        found.append(
            Tile(
                f"Writes refused per {report.words.item}",
                w.seconds(refused.median),
                f"median; 95 % within {w.seconds(refused.p95)}, longest {w.seconds(refused.largest)} (upper bounds)",
            )
        )
    lost = lost_writes(report)
    if lost is None:
        found.append(Tile("Acknowledged writes lost", "not measured", "needs a client that keeps a ledger"))
    else:
        found.append(
            Tile("Acknowledged writes lost", w.count(lost), "as measured by the caller", BAD if lost else GOOD)
        )
    if not about_cutovers:
        found.append(_attempts_tile(report))
    if report.settings:
        kept = sum(1 for setting in report.settings if setting.state == "kept")
        back = sum(1 for setting in report.settings if setting.state in _BACK)
        total = len(report.settings) - kept
        note = "as they were before" if back == total else "see Settings"
        note += f"; {kept:,} more are meant to stay" if kept else ""
        found.append(Tile("Settings put back", f"{back} of {total}", note, PLAIN if back == total else CARE))
    whole = report.verification.valid
    found.append(
        Tile(
            "Journal",
            "whole" if whole else "damaged",
            f"{w.counted(report.verification.entries, 'entry', 'entries')}, each chained to the one before"
            if whole
            else report.verification.problem,
            GOOD if whole else BAD,
        )
    )
    return found


def _attempts_tile(report: r.Report) -> Tile:
    failed = sum(1 for attempt in report.attempts if attempt.status == "failed")
    attached = sum(1 for attempt in report.attempts if attempt.attached)
    return Tile(
        "Failed attempts",
        w.count(failed),
        f"in {w.counted(len(report.attempts), 'attempt')}"
        + (f"; {attached:,} taken over while running" if attached else ""),
        BAD if report.count(r.FAILED) else CARE if failed else PLAIN,
    )


def _cutover_tiles(report: r.Report) -> t.List[Tile]:
    total = len(report.cutovers)
    committed = [one for one in report.cutovers if one.state == r.COMMITTED]
    tone = GOOD if len(committed) == total else PLAIN
    found = [Tile("Cut over", f"{len(committed):,} of {total:,}", report.words.items, tone)]
    measured = [one for one in committed if "refused" in one.window]
    if measured:
        longest = max(measured, key=lambda one: one.window["refused"])
        p95 = longest.forecast.get("window_p95")
        note = f"{longest.subject}, as the module saw it" if total > 1 else "as the module saw it"
        note += f"; forecast: 95 % within {w.seconds(p95)}" if p95 is not None else ""
        found.append(Tile("Writes refused", w.seconds(longest.window["refused"]), note))
    return found


def _moved_tile(report: r.Report) -> Tile:
    total = len(report.items) - report.count(r.DROPPED)
    there = report.count(r.DONE, r.ALREADY)
    parts = [
        f"{report.count(state):,} {label}"
        for state, label in (
            (r.ALREADY, "already there"),
            (r.FAILED, "failed"),
            (r.UNKNOWN, "not known"),
            (r.RUNNING, "running"),
            (r.WAITING, "not started"),
            (r.DROPPED, "no longer planned"),
        )
        if report.count(state)
    ]
    note = ", ".join(parts) or f"{report.words.items} of the plan"
    tone = BAD if report.count(r.FAILED) else GOOD if total and there == total else PLAIN
    return Tile("Moved back" if report.reversed else "Moved", f"{there:,} of {total:,}", note, tone)


def _time_tiles(report: r.Report) -> t.List[Tile]:
    if not report.current:
        return []
    took = figures.time_at_work(report)
    forecast = figures.first_forecast(report)
    note = "first submission to last outcome"
    if forecast is not None:
        note = f"forecast at {forecast[0]} % done: {w.seconds(forecast[1])} more"
    periods = len(figures.busy_periods(report, report.current))
    if periods > 1:
        note += f"; pauses between {periods} runs left out"
    found = [Tile("Time at work", w.seconds(took), note)]
    best = figures.best_of(report)
    if best is not None and best.seconds > 0:
        found.append(
            Tile(
                "Shortest possible",
                w.seconds(best.seconds),
                f"under the plan's limits; {_binding(best.binding)},"
                f" {took / best.seconds:.2f} times as long was needed",
            )
        )
    return found


def _binding(key: str) -> str:
    return "the longest move binds" if key == LONGEST_JOB else f"{key} binds"


def summary_lines(report: r.Report) -> t.List[str]:
    """The summary as lines of text."""
    judged = verdict(report)
    lines = [judged.sentence]
    if report.first is None:
        return lines
    lines.extend(f"{tile.label}: {tile.value} ({tile.note})" for tile in tiles(report))
    lines.extend(f"Left to do: {task}" for task in judged.todo)
    if not judged.todo and judged.tone != PLAIN:
        lines.append("Left to do: nothing.")
    return [w.plain(line) for line in lines]
