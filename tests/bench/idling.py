# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook costs that only waits: Ansible asks its own processes for news, a thousand times a second (P2)."""

from __future__ import annotations

import pathlib

from bench import playbooks, workshop
from bench.figures import Figure
from bench.places import ADVISED_POLLING, DEFAULT_POLLING

IDLE_PLAY = pathlib.Path(__file__).with_name("idle.yml")
_SHORT, _LONG = 1, 21
"""Seconds of two runs: their difference is free of the start."""


def measure(seed: int) -> Figure:
    """CPU per second of waiting with Ansible's default; the reference is the same as the guide advises it."""
    return Figure(
        id="P2",
        case=f"ansible-playbook that only waits, internal_poll_interval {DEFAULT_POLLING:g} (Ansible's default); "
        f"reference: {ADVISED_POLLING:g}, as the guide advises",
        value=_cost(DEFAULT_POLLING),
        unit="ms CPU per second",
        reference=_cost(ADVISED_POLLING),
        seed=seed,
    )


def _cost(polling: float) -> float:
    """Milliseconds of CPU per second."""
    home = workshop.folder(f"idle-{polling:g}")
    short, long = (_cpu(home, seconds, polling) for seconds in (_SHORT, _LONG))
    return max(0.0, 1000 * (long - short) / (_LONG - _SHORT))


def _cpu(home: pathlib.Path, seconds: int, polling: float) -> float:
    played = playbooks.start(IDLE_PLAY, {"seconds": seconds}, home / str(seconds), polling=polling).wait()
    if played.code:
        raise workshop.RunFailed(f"{home}: {played.output[-2000:]}")
    return played.cpu_seconds
