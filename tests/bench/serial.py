# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of P1: a playbook that moves region after region with until/retries, and ours on the same moves."""

from __future__ import annotations

import pathlib
import random
import typing as t

from bench import labs, moves, playbooks, timeline, workshop
from bench.figures import Figure
from bench.workshop import Shape
from lab.client import LabClient

PLAY = pathlib.Path(__file__).with_name("reference_serial.yml")
COUNT = 8
NODES = 4
LIMITS: dict[str, int | None] = {"global": 8, "per_source": 2, "per_target": 2}


def measure(seed: int) -> list[Figure]:
    """Both on labs of the same seed with the real clock."""
    shape = Shape(NODES, 24, 1.0, workshop.SLOW, seed)
    home = workshop.folder("serial")
    with workshop.laboratory(shape) as lab:
        reference = _serial(lab, home, seed)
    with workshop.laboratory(shape) as lab:
        wanted = _wanted(lab, seed)
        run = workshop.migrate(lab, workshop.folder("small"), wanted, LIMITS, "")
        ours = timeline.makespan(wanted, LIMITS, run.requests, run.spans)
    return [
        Figure(
            id="P1",
            case=f"lab, {COUNT} moves of {ours.mean_move:.1f} s, real clock; reference: serial until/retries playbook,"
            f" {reference.seconds:.0f} s over its bound of {reference.bound.value:.1f} s",
            value=ours.ratio,
            unit="makespan / lower bound",
            reference=reference.ratio,
            seed=seed,
        )
    ]


def _wanted(lab: LabClient, seed: int) -> list[moves.Move]:
    return moves.rotate(labs.leaders(lab.state()), COUNT, list(range(NODES)), random.Random(seed))


def _serial(lab: LabClient, home: pathlib.Path, seed: int) -> timeline.Makespan:
    wanted = _wanted(lab, seed)
    frontend = lab.describe["frontend"]
    variables: dict[str, t.Any] = {
        "sql_url": f"http://{frontend['host']}:{frontend['http_port']}/v1/sql?db=public",
        "moves": wanted,
    }
    played = playbooks.run(PLAY, variables, home)
    if played.code:
        raise workshop.RunFailed(f"{home}: the reference playbook failed:\n{played.output[-2000:]}")
    return timeline.makespan(wanted, LIMITS, lab.requests(), labs.spans(lab.state()))
