# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants to know after the demo, counted by the lab and not by the tool that is on show."""

from __future__ import annotations

import collections
import statistics
import typing

from demo import stage

RULE = "-" * 78


def text(run: stage.Run, *, drained: int) -> str:
    """Return the closing summary; all figures are the lab's own (its requests, its writers' ledger)."""
    requests = run.mutating
    regions = run.client.state()["regions"]
    ledger = run.client.ledger()
    moves = [one for one in requests if "migrate_region" in one["request"] or "region-migration" in one["request"]]
    lines = [RULE]
    if not run.ok:
        lines += ["The run FAILED; the message above says why. Nothing that had started is lost: run it again."]
    elif not requests:
        lines += [f"Nothing had to be done: datanode {drained} is empty already, and no mutating call was sent."]
    else:
        lines += [f"Datanode {drained} is drained: {len(moves)} regions moved in {run.seconds:.0f} s, under load."]
    lines += [
        "",
        "Regions per datanode now   " + layout(regions),
        f"Mutating calls received    {len(requests)}" + kinds(requests),
        f"Acknowledged writes        {ledger['acknowledged'] - run.written:,} during the run",
        f"Acknowledged writes lost   {ledger['missing']} since the lab was started",
        "Writes refused per region  " + windows(ledger),
        f"Report                     {run.home / 'report.html'}",
        f"Journal                    {run.home / 'journal.jsonl'}",
    ]
    if run.ok and requests:
        lines += ["", "The lab keeps running: the same command again changes nothing; with ARGS=--stop it ends."]
    lines.append(RULE)
    return "\n".join(lines)


def layout(regions: typing.Mapping[str, typing.Any]) -> str:
    counts = collections.Counter(one["leader"] for one in regions.values())
    peers = sorted(counts) if 1 in counts else sorted({1, *counts})
    return ", ".join(f"datanode {peer}: {counts.get(peer, 0)}" for peer in peers)


def kinds(requests: typing.Sequence[typing.Mapping[str, typing.Any]]) -> str:
    names = collections.Counter(one["request"].split("(")[0] for one in requests)
    return " (" + ", ".join(f"{count} x {name}" for name, count in sorted(names.items())) + ")" if names else ""


def windows(ledger: typing.Mapping[str, typing.Any]) -> str:
    """Return the refused spans as the writers saw them, one per region that refused anything, in lab seconds."""
    spans = sorted(one["refused_seconds"] for one in ledger["per_region"].values() if one["refused_seconds"] > 0)
    if not spans:
        return "none"
    median = statistics.median(spans)
    return f"median {median:.2f} s, longest {spans[-1]:.2f} s ({len(spans)} regions, as their writers saw it)"
