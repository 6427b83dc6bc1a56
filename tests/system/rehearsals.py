# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rehearsals of both engines have in common: their journal, and all that holds a phase and must not hold them."""

from __future__ import annotations

import json
import pathlib
import typing as t

JOURNAL = "rehearsal.jsonl"
OVER = "2024-01-06T01:00:00Z/2024-01-06T05:00:00Z"


def entries(folder: pathlib.Path) -> list[dict[str, t.Any]]:
    """The entries of the rehearsal's journal."""
    return [json.loads(line) for line in (folder / JOURNAL).read_text().splitlines()]


def measured(folder: pathlib.Path) -> dict[str, t.Any]:
    """What the last rehearsal of the journal has measured."""
    return dict([one["data"] for one in entries(folder) if one["kind"] == "rehearsal.measured"][-1])


def stopped(engine: str, folder: pathlib.Path) -> tuple[dict[str, t.Any], dict[str, str]]:
    """Options and an environment with which no phase would begin, or not unseen by those who watch."""
    veto = folder / "veto.yml"
    veto.write_text(json.dumps([{"ansible.builtin.fail": {"msg": "a hook was called"}}]))
    abort = folder / "abort"
    abort.write_text("abort for a test\n")
    (folder / f"{JOURNAL}.control").write_text("pause\n")
    edges = ("before_preflight", "before_migrate", "before_cutover", "after_cutover")
    options = {
        "control": str(abort),
        "cutover_window": OVER,
        "hold": True,
        "hooks": {edge: str(veto) for edge in edges},
        "metrics_file": str(folder / "given.prom"),
    }
    environment = {
        "DBOPS_MIGRATION_CONTROL": str(abort),
        "DBOPS_MIGRATION_METRICS_FILE": str(folder / "environment.prom"),
    }
    return {f"{engine}_{name}": value for name, value in options.items()}, environment


def nobody_was_asked(folder: pathlib.Path) -> None:
    """Nothing of that was looked at, or written."""
    assert list(folder.glob("*.prom")) == []
    assert {one["kind"] for one in entries(folder)} & {"control", "hook"} == set()
