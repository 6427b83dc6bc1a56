# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The page: one file that needs nothing else, neither network nor script."""

from __future__ import annotations

import base64
import hashlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.report import (
    charts,
    curves,
    cutovers,
    evidence,
    sections,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.people import people
from ansible_collections.dbops.migration.plugins.module_utils._core.report.plan_sections import plan_facts, reverse_plan
from ansible_collections.dbops.migration.plugins.module_utils._core.report.story import story
from ansible_collections.dbops.migration.plugins.module_utils._core.report.style import SCRIPT, STYLE
from ansible_collections.dbops.migration.plugins.module_utils._core.report.table import code
from ansible_collections.dbops.migration.plugins.module_utils._core.report.tiles import tiles
from ansible_collections.dbops.migration.plugins.module_utils._core.report.timeline import timeline
from ansible_collections.dbops.migration.plugins.module_utils._core.report.verdict import LOST, Verdict, verdict
from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import esc

_ICONS = {
    "good": "M9 15.5l4 4 8-8.5",
    "care": "M15 8.5v8M15 20.8v.2",
    "bad": "M10.5 10.5l9 9M19.5 10.5l-9 9",
    "plain": "M15 14v7M15 9.2v.2",
}
_ICON_WORDS = {"good": "Done", "care": "Needs attention", "bad": "Problem", "plain": "Note"}


def page(report: r.Report, title: str = "") -> str:
    """Return the page as HTML. It depends on the report alone: the same journal gives the same bytes."""
    heading = title or f"Migration {report.migration_id or 'report'}"
    judged = verdict(report)
    parts = [(ident, name, body) for ident, name, body in _sections(report) if body]
    links = "".join(f'<li><a href="#{ident}">{esc(name)}</a></li>' for ident, name, _body in parts)
    body = "\n".join(
        f'<section id="{ident}" aria-labelledby="{ident}-h"><h2 id="{ident}-h">{esc(name)}</h2>\n{content}</section>'
        for ident, name, content in parts
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{esc(heading)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the report</a>\n'
        f'<header><p class="over">{esc(_over(report))}</p><h1>{esc(heading)}</h1>'
        f'<p class="sub">{_sub(report, title)}</p></header>\n'
        f'<main id="main">\n{_verdict(judged)}\n{_tiles(report)}\n'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n{body}\n</main>\n'
        f"<footer><p>{_footer(report)}</p></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _policy() -> str:
    """Nothing may be loaded, and nothing run but the page's own style and script: a second wall behind the escaping."""
    style, script = (
        base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in (STYLE, SCRIPT)
    )
    own = f"style-src 'sha256-{style}'; script-src 'sha256-{script}'"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _over(report: r.Report) -> str:
    return " · ".join(part for part in (report.words.engine, "migration report") if part)


def _sub(report: r.Report, title: str) -> str:
    parts = []
    if report.migration_id and title:
        parts.append(f"Migration {code(report.migration_id)}")
    if report.plan is not None and report.plan.strategy:
        parts.append(f"plan: {esc(report.plan.strategy)}")
    if report.first is not None:
        parts.append(f"{w.instant(report.first)} to {w.instant(report.last)} UTC")
    return " · ".join(parts) or "No entry yet"


def _verdict(judged: Verdict) -> str:
    icon = (
        f'<svg viewBox="0 0 30 30" role="img" aria-label="{_ICON_WORDS[judged.tone]}"><circle cx="15" cy="15" r="15"/>'
        f'<path d="{_ICONS[judged.tone]}"/></svg>'
    )
    tasks = "".join(f"<li>{esc(task)}</li>" for task in judged.todo)
    left = f"<ul>{tasks}</ul>" if tasks else '<span class="dim">Nothing.</span>'
    below = f"<div><h2>Left to do</h2>{left}</div>" if tasks or judged.tone != "plain" else ""
    return f'<div class="verdict {judged.tone}">{icon}<p>{esc(judged.sentence)}</p>{below}</div>'


def _tiles(report: r.Report) -> str:
    if report.first is None:
        return ""
    cells = "".join(
        f'<div><dt>{esc(tile.label)}</dt><dd class="value {tile.tone}">{esc(tile.value)}</dd>'
        f'<dd class="why">{esc(tile.note)}</dd></div>'
        for tile in tiles(report)
    )
    return f'<dl class="tiles">{cells}</dl>'


def _sections(report: r.Report) -> t.Iterator[t.Tuple[str, str, str]]:
    """Every section as (id, heading, content); those without content are left out."""
    yield "measured", "Measured by the caller", _extra(report)
    yield "story-part", "Timeline", story(report)
    yield "cutover-part", "Cutover", cutovers.cutovers(report)
    yield "switch-part", "Was the switch legal?", evidence.legality(report) + evidence.proofs(report)
    yield "timeline-part", "Moves", timeline(report)
    yield "progress-part", "Progress", charts.progress(report) + curves.copied(report)
    yield "backlog-part", "Lag", curves.behind(report)
    yield "refused-part", "Writes refused", charts.refused(report)
    yield "load-part", f"Load per {report.words.place}", charts.loads(report)
    yield "failures", "Failures", sections.failures(report)
    yield "findings", "Findings", _none_found(report) or sections.findings(report)
    yield "settings", "Settings", sections.settings(report)
    yield "people", "Operator, hooks and notifications", people(report)
    yield "plan", "Plan", plan_facts(report)
    yield "outcome", "Plan and outcome", sections.outcomes(report)
    yield "waits", "Waits", sections.waits(report)
    yield "retries", "Retries", sections.retries(report)
    yield "proofs", "Proofs", sections.proofs(report)
    yield "reverse", "The way back", reverse_plan(report)
    yield "runs", "Runs", sections.runs(report)
    yield "notes", "Notes", _notes(report)
    yield "journal", "Journal", _journal(report)


def _none_found(report: r.Report) -> str:
    if report.findings or report.findings_passed is None:
        return ""
    return "<p>Preflight had nothing to report.</p>"


def _extra(report: r.Report) -> str:
    rows = "".join(
        f"<dt>{esc(w.human(str(name)))}</dt><dd>{esc(v.word(value))}</dd>"
        for name, value in report.extra.items()
        if name != LOST
    )
    if not rows:
        return ""
    source = "These figures were handed in with the report; the journal does not hold them."
    return f'<dl class="facts">{rows}</dl><p class="note">{source}</p>'


def _notes(report: r.Report) -> str:
    shown = report.notes[-200:]
    rows = "".join(f"<dt>{w.instant(at)}</dt><dd>{esc(text)}</dd>" for at, text in shown)
    more = len(report.notes) - len(shown)
    left = (
        f'<p class="note">{w.counted(more, "earlier note is", "earlier notes are")} only in the journal.</p>'
        if more
        else ""
    )
    return f'<dl class="facts">{rows}</dl>{left}' if rows else ""


def _journal(report: r.Report) -> str:
    checked = report.verification
    whole = "Whole: every entry carries the hash of the one before." if checked.entries else "Empty."
    state = whole if checked.valid else checked.problem
    rows = [
        ("State", esc(state)),
        ("Entries", w.count(checked.entries)),
        ("Hash of the last entry", code(checked.last_hash or w.DASH)),
        ("Written by", esc(f"dbops.migration {report.version}") if report.version else w.DASH),
    ]
    if report.repairs:
        rows.append(("Repaired", w.counted(report.repairs, "torn last line was", "torn last lines were") + " cut off"))
    rows.extend(("Remark", esc(remark)) for remark in checked.remarks)
    return '<dl class="facts">' + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows) + "</dl>"


def _footer(report: r.Report) -> str:
    return (
        "Everything here was read from the migration's journal, except what is marked as handed in by the caller."
        f" Times are UTC. Last entry: {w.instant(report.last)}."
    )
