# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is killed and misled: tables of a lab under writes, duplicated to the target or cut over, in every way."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import typing as t

from bench import modules
from bench import pegasus_labs as labs
from bench.pegasus_labs import Shape
from lab.client import LabClient

CUTOVER = "cutover"
GROUP = "group"
"""Two tables under one fence."""
HAND_OVER = "hand-over"
COMMITTING = "committing"
LIFTING = "lifting"
"""With a switch of the operator's own: the call that fences, and those that end it with and without the switch."""
DUPLICATION = "duplication"
OPERATIONS = (CUTOVER, GROUP, HAND_OVER, COMMITTING, LIFTING, DUPLICATION)
HANDED_OVER = (HAND_OVER, COMMITTING, LIFTING)
WHOLE_RUN = "whole-run"
ROLLBACK = "rollback"
PLAYBOOKS = (WHOLE_RUN, ROLLBACK)
"""What is killed as ansible-playbook: from preflight to restore, and giving up what was left fenced."""
BUDGETS = {"2.6": 120.0, "2.5": 400.0, "2.4": 400.0}
"""Lab seconds: on a busy machine our own processing counts as many times as the clock is faster."""
CLOSED = "reconfig*all"


@dataclasses.dataclass(frozen=True)
class Scene:
    """One kind of migration on one generation. The same scene sends the same requests every time."""

    profile: str
    seed: int
    operation: str = CUTOVER
    tables: int = 8
    factor: float = 20.0
    partitions: int = 4

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"pegasus-{self.profile}-{self.operation}-{self.seed}"

    @property
    def shape(self) -> Shape:
        """Its lab. Each case has a table of its own."""
        return Shape(self.profile, self.seed, self.tables, self.factor, self.partitions, clients=2, rate=4)

    @property
    def cases(self) -> list[list[str]]:
        """The tables of each case that one lab of it has room for."""
        together = 1 if self.operation in (CUTOVER, DUPLICATION) else 2
        names = self.shape.names
        return [names[start : start + together] for start in range(0, len(names) - together + 1, together)]

    @property
    def fenced(self) -> bool:
        """Whether it sets a fence, and so has a guard."""
        return self.operation != DUPLICATION

    @property
    def budget(self) -> float:
        """Lab seconds that a fence may be held."""
        return BUDGETS[self.profile]


@contextlib.contextmanager
def laboratory(scene: Scene) -> t.Iterator[LabClient]:
    """The scene's lab."""
    more: dict[str, t.Any] = {"no_metaproxy": scene.operation in HANDED_OVER}
    if scene.operation in PLAYBOOKS:
        more.update(meta_level="lively", copy_seconds=5)
    duplicated = scene.operation not in (DUPLICATION, *PLAYBOOKS)
    with labs.laboratory(scene.shape, duplicated=duplicated, **more) as lab:
        if scene.profile != "2.6":
            # The empty write that ends a drain comes after 10 to 20 s then, and not after 100 to 200 s.
            lab.foreign(config={"group_check_interval_ms": "10000"})
        yield lab


def server(scene: Scene, home: pathlib.Path) -> t.ContextManager[modules.ModuleServer]:
    """Runs of the scene's module."""
    return labs.server(home, scene.factor, "cutover" if scene.fenced else DUPLICATION)


def options(scene: Scene, lab: LabClient, tables: t.Sequence[str], journal: pathlib.Path) -> dict[str, t.Any]:
    """The options of a call that begins with these tables."""
    if scene.fenced:
        given = labs.cutover(lab, tables, journal, budget=f"{scene.budget:g}s", last_mutation="strict")
        return {**given, "group_size": len(tables)} if scene.operation == GROUP else given
    return {
        **labs.clusters(lab),
        "tables": list(tables),
        "remote_cluster": labs.REMOTE,
        "state": "present",
        "wait": True,
        "timeout": "600s",
        "journal": str(journal),
        "migration_id": journal.parent.name,
    }


def wrong(scene: Scene, lab: LabClient, state: t.Mapping[str, t.Any], table: str) -> list[str]:
    """What is not as it has to be when the migration of a table has ended well."""
    found: list[str] = []
    app = state["clusters"]["source"]["apps"][table]
    duplications = [one for one in app["duplications"].values() if one["remote"] == labs.REMOTE]
    if [one["status"] for one in duplications] != ["DS_LOG"] or duplications[0]["fail_mode"] != "FAIL_SLOW":
        found.append(f"its duplications are {duplications}")
    deny = app["envs"].get(labs.DENY)
    if scene.operation in (DUPLICATION, LIFTING):
        if deny:
            found.append(f"it denies {deny}")
        return found
    if deny != CLOSED:
        found.append(f"its source denies {deny!r} and not {CLOSED}")
    if scene.operation not in HANDED_OVER:
        target = lab.describe["clusters"]["target"]
        entry = json.loads(state["znodes"][table] or "{}")
        if entry != {"cluster_name": target["name"], "meta_addrs": ",".join(target["metas"])}:
            found.append(f"MetaProxy's entry is {entry}")
    if state["clusters"]["target"]["apps"][table]["envs"].get(labs.DENY):
        found.append("its target denies requests")
    return found


def settings(scene: Scene, state: t.Mapping[str, t.Any], tables: t.Sequence[str]) -> dict[str, t.Any]:
    """Everything that has to be at the end as it was before; the tables' own fences are judged by `wrong`."""
    names = list(state["clusters"]["source"]["apps"])
    found = labs.settings(state, names)
    for table in tables:
        key = f"source {table} envs"
        found[key] = {name: value for name, value in found[key].items() if name != labs.DENY}
        if scene.operation == DUPLICATION:
            # The follower that the duplication makes is new, and has its marks.
            found.pop(f"target {table} envs", None)
    return found
