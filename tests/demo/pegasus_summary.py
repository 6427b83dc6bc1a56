# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants to know after the demo, counted by the lab and not by the tool that is on show.

The forecast is the tool's own, so that it can be held against what the clients saw.
"""

from __future__ import annotations

import collections
import json
import pathlib
import statistics
import typing as t

from demo import stage

RULE = "-" * 78


def text(run: stage.Run, table: str) -> str:
    """Return the closing summary."""
    requests = run.mutating
    ledger = run.client.ledger()
    clusters = run.client.state()["clusters"]
    names = {key: clusters[key]["name"] for key in clusters}
    there = clusters["target"]["apps"].get(table)
    lines = [RULE]
    if not run.ok:
        lines += ["The run FAILED; the message above says why. Nothing that had started is lost: run it again."]
    elif not requests:
        lines += [f"Nothing had to be done: {table} is on {names['target']} already, and no mutating call was sent."]
    else:
        lines += [
            f"Table {table} moved from {names['source']} to {names['target']} in {run.seconds:.0f} s, under load: "
            f"{there['partition_count'] if there else 0} partitions."
        ]
    lines += [
        "",
        f"Clients write to now         {names[ledger['authority']]}",
        f"Mutating calls received      {len(requests)}" + kinds(requests),
        f"Acknowledged writes          {ledger['acknowledged'] - run.written:,} during the run",
        f"Acknowledged writes lost     {ledger['missing']} since the lab was started",
        "Writes refused per partition " + windows(ledger),
        "                  forecast   " + forecast(run.home / "journal.jsonl", table),
        f"Report                       {run.home / 'report.html'}",
        f"Journal                      {run.home / 'journal.jsonl'}",
    ]
    if run.ok and requests:
        lines += ["", "The lab keeps running: the same command again changes nothing; with ARGS=--stop it ends."]
    lines.append(RULE)
    return "\n".join(lines)


def wrong(ledger: t.Mapping[str, t.Any], written: int, ok: bool, forecast_found: bool, report_found: bool) -> list[str]:
    """What a demo must not end with: a lost write, and, if its playbook ended well, a figure that nobody measured.

    ``written``: the writes that were acknowledged before it began.
    """
    found = []
    if ledger["missing"]:
        found.append(f"{ledger['missing']} acknowledged writes are not where the clients write to now")
    if not ok:
        return found
    if ledger["authority"] != "target":
        found.append("the playbook ended well, but the clients do not write to the target")
    if ledger["acknowledged"] <= written:
        found.append("no client wrote anything during the run, so it shows nothing")
    if not refused_spans(ledger):
        found.append("for how long writes were refused was not measured")
    if not forecast_found:
        found.append("the journal has no forecast of the cutover")
    if not report_found:
        found.append("there is no report")
    return found


def refused_spans(ledger: t.Mapping[str, t.Any]) -> list[float]:
    """Lab seconds for which each partition refused writes, of those that refused any, the shortest first."""
    return sorted(one["refused_seconds"] for one in ledger["per_partition"].values() if one["refused_seconds"] > 0)


def kinds(requests: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Return how many calls of which kind there were."""
    names = collections.Counter(kind(one["request"]) for one in requests)
    return " (" + ", ".join(f"{count} x {name}" for name, count in sorted(names.items())) + ")" if names else ""


def kind(request: str) -> str:
    """Return the name of a call: that of its RPC, or the path of its HTTP request."""
    word, *rest = request.split()
    return rest[0].split("?")[0] if word == "GET" else word.removeprefix("RPC_CM_")


def windows(ledger: t.Mapping[str, t.Any]) -> str:
    """Return the refused spans as the clients saw them, one per partition that refused anything, in lab seconds."""
    spans = refused_spans(ledger)
    if not spans:
        return "none"
    return (
        f"median {statistics.median(spans):.1f} s, longest {spans[-1]:.1f} s "
        f"({len(spans)} partitions, as their clients saw it)"
    )


def forecast(journal: pathlib.Path, table: str) -> str:
    """Return what the cutover had forecast, from the journal, in words."""
    found = forecast_of(journal, table)
    if found is None:
        return "none"
    return f"p50 {found['window_p50']} s, p95 {found['window_p95']} s (budget {found['budget']:.0f} s)"


def forecast_of(journal: pathlib.Path, table: str) -> t.Mapping[str, t.Any] | None:
    """What the last cutover of the table had forecast, from the journal; None if that is not there."""
    found = None
    for line in journal.read_text().splitlines() if journal.exists() else ():
        entry = json.loads(line)
        summary = entry["data"].get("summary")
        if entry["kind"] == "run.finished" and entry["data"]["phase"] == "cutover" and table in (summary or {}):
            found = summary[table]["forecast"] or found
    return t.cast("t.Mapping[str, t.Any] | None", found)
