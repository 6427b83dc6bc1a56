# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulation itself loses nothing: a log that was shipped past the fence holds every acknowledged write."""

from __future__ import annotations

import random
import typing as t

import pytest

from lab.client import LabClient
from lab_tests.conftest import LabFactory
from lab_tests.pegasus_cluster_support import DENY, Side

Event = t.Callable[[LabClient, random.Random], t.Any]
EVENTS: dict[str, Event] = {
    "primary": lambda lab, rng: lab.fault("primary_moves", region_id=rng.randrange(8)),
    "target primary": lambda lab, rng: lab.fault("primary_moves", cluster="target", region_id=rng.randrange(8)),
    "node": lambda lab, rng: lab.fault("node_dead", seconds=rng.uniform(5, 60)),
    "target node": lambda lab, rng: lab.fault("node_dead", cluster="target", seconds=rng.uniform(5, 60)),
    "meta": lambda lab, rng: lab.fault("meta_failover"),
    "target meta": lambda lab, rng: lab.fault("meta_failover", cluster="target"),
    "pause": lambda lab, rng: lab.foreign(duplication={"status": "pause"}),
    "go on": lambda lab, rng: lab.foreign(duplication={"status": "log"}),
}


def _whole(state: dict[str, t.Any]) -> bool:
    metas = [cluster["meta"] for cluster in state["clusters"].values()]
    return all(n["alive"] for n in state["nodes"].values()) and all(
        m["leader"] and m["state"] == "active" for m in metas
    )


@pytest.mark.cost(8)
@pytest.mark.parametrize(("profile", "seed"), [("2.5", 1), ("2.6", 2)])
def test_nothing_is_lost(pegasus_lab: LabFactory, profile: str, seed: int) -> None:
    rng = random.Random(seed)
    lab = pegasus_lab(profile, factor=60, partitions=8, clients=4, rate=20, seed=seed)
    source = Side(lab)
    lab.foreign(add_duplication={"remote": "onebox-b", "ready": True})
    for _dummy in range(8):
        EVENTS[rng.choice(sorted(EVENTS))](lab, rng)
        end = lab.state()["time"] + rng.uniform(2, 20)
        lab.wait_for(lambda state, end=end: state["time"] > end)  # type: ignore[misc]
    lab.wait_for(_whole)
    lab.foreign(duplication={"status": "log"}, env={DENY: "reconfig*write"})
    fenced_at = lab.state()["time"]

    def knows(state: t.Any) -> bool:
        """A server without primaries may get one below: that it knows of the fence matters, too."""
        nodes = [node for node in state["nodes"].values() if node["cluster"] == "source"]
        return all(node["last_config_sync"] > fenced_at for node in nodes)

    def partitions(state: t.Any) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", source.app(state)["partitions"])

    state = lab.wait_for(
        lambda state: knows(state) and all(p["deny"] and p["primary"] for p in partitions(state).values())
    )
    fenced = {index: partition["decree"] for index, partition in partitions(state).items()}
    lab.fault("primary_moves", step="all")
    lab.wait_for(
        lambda state: all(
            any(d["shipped"] >= fenced[index] for d in partition["duplicators"].values())
            for index, partition in partitions(state).items()
        )
    )
    ledger = lab.ledger()
    assert ledger["acknowledged"] > 200
    assert ledger["missing_on"] == {"source": 0, "target": 0}
