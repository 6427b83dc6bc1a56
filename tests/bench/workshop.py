# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration through the real path against a lab of its own, with everything that was recorded of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import shutil
import typing as t

from bench import labs, moves, playbooks
from bench.timeline import Span
from lab import process
from lab.client import LabClient
from tooling import paths

HOME = paths.BUILD / "bench"

# Lab seconds: regions with some hundred MiB to open, flush and replay. The lab's own defaults are for small ones.
SLOW = {"open_candidate": [0.5, 1.5], "flush": [0.5, 2.5], "catch_up": [0.5, 2.5], "close_region": [0.1, 0.4]}


@dataclasses.dataclass(frozen=True)
class Shape:
    """A lab and how fast its clock runs."""

    datanodes: int
    regions: int
    factor: float
    durations: t.Mapping[str, t.Any]
    seed: int


@dataclasses.dataclass(frozen=True)
class Recorded:
    """One run: how the playbook ended, the lab's requests and procedures of it, and our journal."""

    played: playbooks.Played
    requests: list[dict[str, t.Any]]
    spans: list[Span]
    journal: list[dict[str, t.Any]]
    time_factor: float
    ordering: str

    def wall_of(self, lab_seconds: float) -> float:
        """Seconds since 1970 of a lab time."""
        first = self.requests[0]
        return float(first["wall"]) + (lab_seconds - float(first["at"])) / self.time_factor


class RunFailed(Exception):
    """A measured run did not end well, so there is no figure."""


@contextlib.contextmanager
def laboratory(shape: Shape) -> t.Iterator[LabClient]:
    """A lab without writers, in which metasrv forgets no procedure while we measure."""
    with process.start(
        profile="1.1",
        datanodes=shape.datanodes,
        regions=shape.regions,
        factor=shape.factor,
        writers=0,
        seed=shape.seed,
    ) as lab:
        lab.config(durations={**shape.durations, "meta_ttl": 1e6})
        yield lab


def folder(name: str) -> pathlib.Path:
    """An empty folder below build/bench."""
    path = HOME / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def migrate(
    lab: LabClient,
    home: pathlib.Path,
    wanted: t.Sequence[moves.Move],
    limits: t.Mapping[str, int | None],
    ordering: str,
    **options: t.Any,
) -> Recorded:
    """Carry the moves out with ansible-playbook; raises RunFailed when it does not succeed."""
    before = lab.state()
    chosen = moves.write_plan(home / "plan.yml", labs.leaders(before), wanted, limits, ordering)
    given = {
        **labs.connection(lab),
        "plan_file": str(home / "plan.yml"),
        "journal": str(home / "journal.jsonl"),
        "migration_id": home.name,
        **options,
    }
    seen = lab.requests()
    since = seen[-1]["seq"] + 1 if seen else 0
    played = playbooks.run(playbooks.MIGRATE_PLAY, {"options": given}, home)
    if played.code:
        raise RunFailed(f"{home}: ansible-playbook ended with {played.code}:\n{played.output[-2000:]}")
    state = lab.state()
    return Recorded(
        played=played,
        requests=lab.requests(since=since),
        spans=labs.spans(state, before["time"]),
        journal=read_journal(home / "journal.jsonl"),
        time_factor=float(state["factor"]),
        ordering=chosen,
    )


def read_journal(path: pathlib.Path) -> list[dict[str, t.Any]]:
    """The entries of a journal."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
