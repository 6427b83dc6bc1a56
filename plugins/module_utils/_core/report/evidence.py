# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the switch was legal, and item by item what that rests on."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import legality as le
from ansible_collections.dbops.migration.plugins.module_utils._core.report import records as r
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v
from ansible_collections.dbops.migration.plugins.module_utils._core.report import words as w
from ansible_collections.dbops.migration.plugins.module_utils._core.report.table import Column, table, tag
from ansible_collections.dbops.migration.plugins.module_utils._core.report.words import esc

_ANSWERS = {le.YES: ("good", "proved"), le.NO: ("bad", "not so"), le.UNKNOWN: ("care", "not proved")}
_VERDICTS = {
    le.YES: ("good", "legal"),
    le.NO: ("bad", "not legal"),
    le.UNKNOWN: ("care", "not known to be legal"),
    le.NONE: ("plain", "nothing was switched"),
}
_MOST_DETAILED = 12
_MOST_SHOWN = 200
_MOST_COLUMNS = 10
# Proofs whose items are about the same things, told in one row for each: fence and drain of a partition.
_TOGETHER = ("fence", "drain")
_JOINED = (("writes", "fence"), ("at", "fence"), ("primary", "drain"), ("ballot", "drain"), ("position", "drain"),
           ("fenced_at", "drain"), ("confirmed", "drain"), ("drained_at", "drain"))  # fmt: skip
_NAMES = {
    "writes": "Writes at the fence",
    "at": "Fence proved at",
    "position": "Position at the fence",
    "fenced_at": "Position taken at",
    "confirmed": "Position reached",
    "drained_at": "Reached at",
}


def legality(report: r.Report) -> str:
    """The answer, and the checks of every switch that is not legal; of legal ones those of the first."""
    judged = report.switch
    if judged is None or judged.legal == le.NONE:
        return ""
    lead = f"<p>By the proofs in this journal, the switch was {tag(*_VERDICTS[judged.legal])}</p>"
    order = {le.NO: 0, le.UNKNOWN: 1, le.YES: 2}
    ranked = sorted(judged.cutovers, key=lambda one: order[one.legal])
    if len(ranked) == 1:
        return lead + _damage(judged) + _checks(ranked[0], 0)
    detailed = "".join(
        f"<details{' open' if one.legal != le.YES and number < 3 else ''}><summary>{esc(one.subject)}: "
        f"{_VERDICTS[one.legal][1]}</summary>{_checks(one, number)}</details>"
        for number, one in enumerate(ranked[:_MOST_DETAILED])
    )
    counts = ", ".join(
        f"{w.count(sum(1 for one in ranked if one.legal == answer))} {_VERDICTS[answer][1]}"
        for answer in (le.NO, le.UNKNOWN, le.YES)
        if any(one.legal == answer for one in ranked)
    )
    rest = ranked[_MOST_DETAILED:]
    more = ""
    if rest:
        rows = (
            [esc(one.subject), tag(*_VERDICTS[one.legal]), esc("; ".join(one.reasons[:2]))]
            for one in rest[:_MOST_SHOWN]
        )
        columns = [Column(report.words.item.capitalize(), "m"), Column("Answer"), Column("What stands against it", "w")]
        more = table("switches-table", "The other switches", columns, rows, budget=40_000, fold="Other switches")
        if len(rest) > _MOST_SHOWN:
            more += (
                f'<p class="note">{w.count(len(rest) - _MOST_SHOWN)} more are in the journal, none of them worse.</p>'
            )
    return f"{lead}{_damage(judged)}<p>{esc(counts)}.</p>{detailed}{more}"


def _damage(judged: le.SwitchJudgement) -> str:
    told = {reason for one in judged.cutovers for reason in one.reasons}
    apart = [reason for reason in judged.reasons[:1] if reason not in told]
    return f"<p>{esc(apart[0])}</p>" if apart else ""


def _checks(one: le.CutoverJudgement, number: int) -> str:
    rows = ([esc(w.human(check.name)), tag(*_ANSWERS[check.holds]), esc(check.reason)] for check in one.checks)
    columns = [Column("Rests on"), Column("Answer", "t"), Column("By what", "w")]
    return table(f"checks-{number}", f"What the switch of {one.subject} rests on", columns, rows, budget=20_000)


def proofs(report: r.Report) -> str:
    """What the newest proofs say of each item, folded away; "" without a cutover."""
    if not report.cutovers:
        return ""
    found = dict(report.evidence)
    parts = []
    if all(kind in found for kind in _TOGETHER):
        parts.append(_together(report, found))
        for kind in _TOGETHER:
            del found[kind]
    parts += [_items(kind, items, number) for number, (kind, items) in enumerate(found.items())]
    return "".join(parts)


def _together(report: r.Report, found: t.Mapping[str, t.Sequence[t.Tuple[float, t.Mapping[str, t.Any]]]]) -> str:
    """Fence and drain in one row for each partition: its position at the fence, and when that was reached."""
    by_kind = {kind: {v.word(item.get("subject")): item for _at, item in found[kind]} for kind in _TOGETHER}
    subjects = list(dict.fromkeys([*by_kind["drain"], *by_kind["fence"]]))
    rows = (
        [esc(subject), *(_cell(by_kind[kind].get(subject, {}).get(name)) for name, kind in _JOINED)]
        for subject in subjects
    )
    columns = [Column(w.human(report.words.part), "m")]
    columns += [Column(_NAMES.get(name, w.human(name)), "t" if name.endswith("at") else "") for name, _kind in _JOINED]
    body = table("proof-fence", "The fence and its drain, partition by partition (UTC)", columns, rows, budget=120_000)
    number = w.counted(len(subjects), report.words.part)
    return f"<details><summary>The {report.words.fence} and its drain ({number})</summary>{body}</details>"


def _items(kind: str, items: t.Sequence[t.Tuple[float, t.Mapping[str, t.Any]]], number: int) -> str:
    names = list(dict.fromkeys(str(name) for _at, item in items for name in item if name != "subject"))
    names = names[: _MOST_COLUMNS - 1]
    if not names:
        return ""
    rows = ([esc(v.word(item.get("subject"))), *(_cell(item.get(name)) for name in names)] for _at, item in items)
    columns = [
        Column("Item", "m"),
        *(Column(w.human(name), "w" if name in ("evidence", "versions") else "") for name in names),
    ]
    caption = f"Proof: {kind}, {w.instant(max(at for at, _item in items))} UTC"
    # The versions of every partition are the one proof that tells of each table of a cluster.
    body = table(f"proof-{number}", caption, columns, rows, budget=900_000 if "versions" in names else 40_000)
    name = esc(w.human(kind.rpartition(".")[2]))
    return f"<details><summary>{name} ({w.counted(len(items), 'item')})</summary>{body}</details>"


def _cell(value: t.Any) -> str:
    """A value of a proof: times without their day, lists and mappings as a person reads them."""
    if value is None:
        return w.DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and len(value) == 24 and value.endswith("Z") and v.moment(value) is not None:
        return esc(value[11:23])
    if isinstance(value, (list, tuple)):
        return esc("; ".join(v.word(one) for one in value))
    if isinstance(value, dict):
        return esc(", ".join(f"{key} {_flat(one)}" for key, one in value.items()))
    return esc(v.word(value))


def _flat(value: t.Any) -> str:
    if isinstance(value, (list, tuple)):
        return "/".join(v.word(one) for one in value)
    return v.word(value)
