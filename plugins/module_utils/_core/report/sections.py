# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The sections of the page below its summary, each a table of what the journal says."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import figures
from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.table import Column, code, some, table, tag
from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import esc

_STATE_WORDS = {
    r.FAILED: ("bad", "failed"),
    r.UNKNOWN: ("care", "not known"),
    r.RUNNING: ("care", "running"),
    r.WAITING: ("care", "not started"),
    r.DROPPED: ("plain", "no longer planned"),
    r.DONE: ("", "moved"),
    r.ALREADY: ("", "already there"),
}
_SETTING_WORDS = {
    "restored": ("good", "put back"),
    "already_original": ("good", "was back already"),
    "keep_theirs": ("care", "theirs kept"),
    "unknown": ("bad", "not known"),
    "changed": ("care", "still ours"),
    "kept": ("plain", "meant to stay"),
    "unchanged": ("plain", "not changed"),
}
_LONGEST_VALUE = 240
_SEVERITIES = {"blocker": ("bad", 0), "warning": ("care", 1), "info": ("plain", 2)}
_STATUS_TONES = {"ok": "good", "failed": "bad", "interrupted": "care"}


def clock_of(report: r.Report) -> t.Callable[[t.Optional[float]], str]:
    """Times of day for a journal of one day, else with the day."""
    one_day = report.first is not None and report.last is not None and report.first // 86400 == report.last // 86400
    return (lambda at: w.instant(at)[11:] or w.DASH) if one_day else lambda at: w.instant(at)[5:] or w.DASH


def findings(report: r.Report) -> str:
    """Findings, open ones first, with who answers for them and until when."""

    def row(one: t.Mapping[str, t.Any]) -> t.List[str]:
        severity = v.word(one.get("severity"))
        return [
            code(v.word(one.get("id"))),
            tag(_SEVERITIES.get(severity, ("plain", 3))[0], severity or w.DASH),
            esc(v.word(one.get("subject"))),
            esc(v.word(one.get("evidence"))),
            esc(v.word(one.get("remedy"))) + _reference(one),
            _accepted(one),
        ]

    def rank(one: t.Mapping[str, t.Any]) -> t.Tuple[bool, int]:
        return one.get("accepted") is True, _SEVERITIES.get(v.word(one.get("severity")), ("", 3))[1]

    columns = [
        Column("Finding", "i"),
        Column("Severity"),
        Column("Subject", "i"),
        Column("Evidence", "w"),
        Column("Remedy", "w"),
        Column("Accepted", "w"),
    ]
    caption = "Findings of the newest preflight of each phase, open blockers first"
    return table(
        "findings-table",
        caption,
        columns,
        (row(one) for one in sorted(report.findings, key=rank)),
        budget=150_000,
        fold="All findings",
    )


def _reference(one: t.Mapping[str, t.Any]) -> str:
    return f' <span class="dim">{esc(v.word(one.get("reference")))}</span>' if one.get("reference") else ""


def _accepted(one: t.Mapping[str, t.Any]) -> str:
    if one.get("accepted") is not True:
        return "no" if one.get("severity") == "blocker" else w.DASH
    who = f" by {esc(v.word(one.get('accepted_by')))}" if one.get("accepted_by") else ""
    until = v.moment(one.get("accepted_until"))
    end = f" until {w.instant(until)} UTC" if until is not None else ""
    return f"{tag('good', 'accepted')}{who}{end}: {esc(v.word(one.get('accepted_reason')))}"


def settings(report: r.Report) -> str:
    """Settings in three ways, and what became of them."""

    def row(one: r.Setting) -> t.List[str]:
        tone, words = _SETTING_WORDS.get(one.state, ("plain", one.state))
        reason = f" {esc(one.reason)}" if one.reason and tone != "good" else ""
        return [
            code(one.resource),
            *(_value(side) for side in (one.original, one.ours, one.now)),
            tag(tone, words) + reason,
        ]

    columns = [Column("Setting", "i"), Column("As found"), Column("As we set it"), Column("Now"), Column("Outcome")]
    rows = [row(one) for one in report.settings]
    return table(
        "settings-table",
        "Settings that this migration changed, and what became of them",
        columns,
        rows,
        budget=150_000,
        fold="All settings",
    )


def _value(value: t.Any) -> str:
    if value is None:
        return w.DASH
    text = v.word(value)
    if len(text) <= _LONGEST_VALUE:
        return code(text)
    return f'{code(text[:_LONGEST_VALUE] + "…")} <span class="dim">({len(text):,} characters; see the journal)</span>'


def outcomes(report: r.Report) -> str:
    """Plan beside outcome, one row per item, what is not done first."""
    order = {state: number for number, state in enumerate(r.STATES)}
    rank = sorted(range(len(report.items)), key=lambda number: (order[report.items[number].state], number))
    columns = [
        Column(report.words.item.capitalize(), "m"),
        Column("Table"),
        Column("From", "n"),
        Column("To", "n"),
        Column("Outcome"),
        Column("Started (UTC)", "n"),
        Column("Took", "n"),
        Column("Refused at most", "n"),
        Column("Attempts", "n"),
        Column("Size", "n"),
    ]
    caption = f"Plan and outcome per {report.words.item}; refused: how long its writes were refused"
    rows = (_outcome(report, report.items[number]) for number in rank)
    fold = f"All {report.words.items} of the plan"
    return table("outcome-table", caption, columns, rows, budget=1_350_000, fold=fold)


def _outcome(report: r.Report, item: r.Item) -> t.List[str]:
    tone, words = _STATE_WORDS[item.state]
    last = item.last if item.state not in (r.WAITING, r.ALREADY) else None
    took = refused = None
    started = w.DASH
    if last is not None:
        started = clock_of(report)(last.started)
        took = last.duration
        if took is None and last.ended is not None:
            took = last.ended - last.started
        refused = last.refused_most
    return [
        esc(item.key),
        esc(item.group),
        esc(item.source),
        esc(item.target),
        tag(tone, words) if tone else words,
        started,
        w.seconds(took),
        w.seconds(refused),
        str(len(item.attempts)),
        w.size(item.size_bytes),
    ]


def failures(report: r.Report) -> str:
    """Failed attempts by code and by what the server said, numbers aside."""
    groups: t.Dict[t.Tuple[str, str], t.List[r.Attempt]] = {}
    for attempt in report.attempts:
        if attempt.status == "failed":
            shape = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "#", attempt.server_text or attempt.message)
            groups.setdefault((attempt.code, shape), []).append(attempt)

    def row(own: t.Sequence[r.Attempt]) -> t.List[str]:
        names = list(dict.fromkeys(attempt.key for attempt in own))
        first = own[0]
        said = code(first.server_text)
        when = w.instant(first.started)
        return [code(first.code or w.DASH), w.count(len(own)), some(names), when, esc(first.message), said]

    columns = [
        Column("Code"),
        Column("Attempts", "n"),
        Column(report.words.items.capitalize()),
        Column("First (UTC)", "t"),
        Column("What happened", "w"),
        Column("The server's own words (first)", "p"),
    ]
    ordered = sorted(groups.values(), key=lambda own: -len(own))
    return table("failures-table", "Failed attempts by cause", columns, (row(own) for own in ordered), budget=120_000)


def waits(report: r.Report) -> str:
    """Reasons for waiting."""

    def row(one: r.WaitReason) -> t.List[str]:
        ends = f"Ends when {esc(one.ends_when)}." if one.ends_when else ""
        clock = clock_of(report)
        worst = "; ".join(one.worst)
        return [code(one.reason), ends, w.count(one.most), clock(one.first), clock(one.last), esc(worst)]

    columns = [
        Column("Reason"),
        Column("What ends it", "w"),
        Column("Most at once", "n"),
        Column("Since (UTC)", "n"),
        Column("Last noted (UTC)", "n"),
        Column("Longest waiting", "w"),
    ]
    rows = (row(one) for one in report.waits)
    return table("waits-table", "Why it waited, the most affected first", columns, rows, budget=60_000)


def retries(report: r.Report) -> str:
    """Items that took more than one attempt, or a procedure that was already running."""

    def row(item: r.Item) -> t.List[str]:
        ends = ", ".join(esc(attempt.code or attempt.status or "no outcome") for attempt in item.attempts)
        attached = sum(1 for attempt in item.attempts if attempt.attached)
        last = item.last
        return [
            esc(item.key),
            str(len(item.attempts)),
            ends,
            str(attached),
            code(last.procedure_id) if last is not None else "",
        ]

    columns = [
        Column(report.words.item.capitalize(), "m"),
        Column("Attempts", "n"),
        Column("How each ended"),
        Column("Taken over", "n"),
        Column("Last procedure", "m"),
    ]
    rows = (
        row(item)
        for item in report.items
        if len(item.attempts) > 1 or any(attempt.attached for attempt in item.attempts)
    )
    caption = "More than one attempt, or a running procedure taken over instead of a new submission"
    return table("retries-table", caption, columns, rows, budget=90_000, fold="All retries")


def proofs(report: r.Report) -> str:
    """What was proved."""

    def row(proof: r.Proof) -> t.List[str]:
        names = [v.word(item.get("subject")) for item in proof.items]
        return [
            code(proof.kind),
            tag("good", "passed") if proof.passed else tag("bad", "not passed"),
            w.instant(proof.at),
            w.count(len(names)),
            some(names),
        ]

    columns = [Column("Proof"), Column("Result"), Column("When (UTC)", "t"), Column("Items", "n"), Column("Rests on")]
    return table(
        "proofs-table", "Proofs", columns, (row(proof) for proof in report.proofs), budget=60_000, fold="All proofs"
    )


def runs(report: r.Report) -> str:
    """Every run of a phase."""
    columns = [
        Column("Run", "t"),
        Column("Phase"),
        Column("Started (UTC)", "t"),
        Column("Took", "n"),
        Column("Status", "t"),
        Column("Summary", "w"),
    ]
    rows = (
        [
            esc(run.run_id),
            esc(run.phase),
            w.instant(run.started),
            w.seconds((run.ended or run.last_seen) - run.started),
            tag(_STATUS_TONES.get(run.status, "care"), run.status or "no end recorded"),
            esc(run.summary),
        ]
        for run in report.runs
    )
    return table("runs-table", "Runs, oldest first", columns, rows, budget=60_000, fold="All runs")


def bounds(report: r.Report) -> str:
    """What each limit would allow at best."""
    best = figures.best_of(report)
    if best is None:
        return ""
    rows = ([code(key), w.seconds(value)] for key, value in list(best.by_limit.items())[:8])
    return table("bounds-table", "At best, by limit", [Column("Limit"), Column("At least", "n")], rows)
