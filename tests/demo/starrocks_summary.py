# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants to know after the demo, counted by the lab and not by the tool that is on show.

Only that all partitions were equal is the tool's own word: the proof in its journal.
"""

from __future__ import annotations

import collections
import datetime
import json
import re
import typing as t

from demo import stage

RULE = "-" * 78
FREEZE = "disable_load_job"
_SET = re.compile(r'ADMIN SET FRONTEND CONFIG \("(?P<key>\w+)" = "(?P<value>[^"]*)"\)')


def text(run: stage.Run) -> str:
    """Return the closing summary."""
    # The sync tool has a user of its own.
    requests = [one for one in run.mutating if one.get("user") == "root"]
    ledger = run.client.ledger()
    proof = proved(run)
    lines = [RULE]
    if not run.ok:
        lines += ["The run FAILED; the message above says why. Nothing that had started is lost: run it again."]
    elif not requests:
        lines += [
            "Nothing had to be done: the clients are on the target already, and nothing was sent that changes it."
        ]
    else:
        lines += [
            f"{proof['tables'] if proof else 0} tables moved to another cluster in {run.seconds:.0f} s, under load."
        ]
    lines += [
        "",
        f"Clients write to now          {ledger['writes_to']}",
        f"Partitions proved equal       {proof['partitions'] if proof else 'none'}",
        f"Writes stopped until proved   {stopped_until(run, proof)}",
        f"Writes refused, seen by them  {windows(ledger, float(run.client.describe['factor']))}",
        f"Acknowledged rows             {ledger['acknowledged'] - run.written:,} during the run",
        f"Acknowledged rows lost        {ledger['missing']} since the lab was started",
        f"Statements that change        {len(requests)}{kinds(requests)}",
        f"Settings of frontends         {settings(run)}",
        f"Report                        {run.home / 'report.html'}",
        f"Journal                       {run.home / 'journal.jsonl'}",
    ]
    if run.ok and requests:
        lines += ["", "The lab keeps running: the same command again changes nothing; with ARGS=--stop it ends."]
    lines.append(RULE)
    return "\n".join(lines)


def proved(run: stage.Run) -> dict[str, t.Any] | None:
    """The proof that made the switch legal: when (``at``), of how many ``tables`` and ``partitions``. None without."""
    path = run.home / "journal.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    if not any(entry["kind"] == "cutover.committed" for entry in entries):
        return None
    found = [entry for entry in entries if entry["kind"] == "proof" and entry["data"].get("kind") == "cutover"]
    item = found[-1]["data"]["items"][0]
    return {"at": found[-1]["at"], "tables": item["tables"], "partitions": item["partitions"]}


def stopped_until(run: stage.Run, proof: t.Mapping[str, t.Any] | None) -> str:
    """From the statement that stopped writes, as the lab has received it, to the proof; both on this host's clock."""
    freezes = [
        one
        for one in run.client.requests(mutating=True)
        if one["surface"] == "source-mysql" and FREEZE in one["request"] and '"true"' in one["request"]
    ]
    if proof is None or not freezes:
        return "none"
    at = datetime.datetime.fromisoformat(proof["at"].replace("Z", "+00:00")).timestamp()
    before = [one["wall"] for one in freezes if one["wall"] <= at]
    return f"{at - before[-1]:.1f} s" if before else "none"


def windows(ledger: t.Mapping[str, t.Any], factor: float) -> str:
    """The span in which clients were refused, in seconds of this host."""
    spans = [(end - begin) / factor for begin, end in ledger["refused_windows"]]
    return f"{max(spans):.1f} s, until they were switched" if spans else "none"


def kinds(requests: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Return how many statements of which kind there were."""
    names = collections.Counter(" ".join(one["request"].split()[:2]) for one in requests)
    return " (" + ", ".join(f"{count} x {name}" for name, count in sorted(names.items())) + ")" if names else ""


def settings(run: stage.Run) -> str:
    """How many settings were changed on every frontend, and how many of these are as they were."""
    clusters = run.client.state()["clusters"]
    changed = {
        (one["surface"].partition("-")[0], match["key"])
        for one in run.client.requests(mutating=True)
        for match in [_SET.match(one["request"])]
        if match and match["key"] != FREEZE
    }
    kept = [
        f"{key} on the {side}"
        for side, key in sorted(changed)
        if any(key in frontend["config"] for frontend in clusters[side]["frontends"])
    ]
    told = f"{len(changed)} changed, {len(changed) - len(kept)} as they were on every frontend"
    return told + (f"; not {', '.join(kept)}" if kept else "")
