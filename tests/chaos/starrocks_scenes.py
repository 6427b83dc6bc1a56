# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is killed: one call of a module that freezes, proves, commits or lifts, and what it is given."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

from chaos.starrocks_labs import TOOL, Shape
from lab.client import LabClient
from system.starrocks_cutover_lab import FAST
from system.starrocks_modules import connection
from system.starrocks_playbooks import DROPS

CUT_OVER, COMMIT, LIFT, FREEZE, THAW = "cut_over", "commit", "lift", "freeze", "thaw"
OPERATIONS = (CUT_OVER, COMMIT, LIFT, FREEZE, THAW)
"""The cutover up to the hand-over, its two ends, and the freeze by itself, set and lifted."""
WITH_GUARD = (CUT_OVER, COMMIT, LIFT)
BUDGET = 60.0
"""Real seconds for which writes may be refused: of the clock by which module and guard go here."""
SHORT_BUDGET = 25.0
"""Where the target is not to become equal, so that all of it is waited for."""
GENERATIONS = {"4.1": Shape("4.1"), "3.2": Shape("3.2", "3.3")}
"""One with everything, and one whose frontends tell each other and whose partitions have no data version."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """One operation on one generation. `cases` share a lab, one after another, as each ends where it began."""

    profile: str
    seed: int
    operation: str = CUT_OVER
    cases: int = 8

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"starrocks-{self.profile}-{self.operation}-{self.seed}"

    @property
    def shape(self) -> Shape:
        """Its lab."""
        return dataclasses.replace(GENERATIONS[self.profile], seed=self.seed)

    @property
    def with_tool(self) -> bool:
        """Whether the sync tool has to run for it."""
        return self.operation in WITH_GUARD


def clusters(lab: LabClient) -> dict[str, t.Any]:
    """Both connections."""
    found = {**connection(lab), **connection(lab, "target", "target_")}
    return {name: value for name, value in found.items() if value is not None}


def cutover_options(
    lab: LabClient, directory: pathlib.Path, journal: pathlib.Path, state: str, budget: float = BUDGET
) -> dict[str, t.Any]:
    """A call of the cutover. Times are short because the lab's clock is faster than ours."""
    factor = float(lab.describe["factor"])
    return {
        **clusters(lab),
        "state": state,
        "tool_directory": str(directory),
        "journal": str(journal),
        "migration_id": journal.parent.name,
        "budget": f"{budget:g}s",
        "switch_reserve": "5s",
        "quiet_time": "1s",
        "poll_interval": "300ms",
        "transaction_time": "1s",
        "copy_time": "1s",
        "meta_job_interval": f"{FAST['meta_job_interval_seconds'] / factor:g}s",
        "replication_job_interval": "300ms",
    }


def freeze_options(lab: LabClient, journal: pathlib.Path, state: str, after_commit: bool = False) -> dict[str, t.Any]:
    """A call of the freeze by itself."""
    found = {name: value for name, value in connection(lab).items() if value is not None}
    more = {"journal": str(journal), "migration_id": journal.parent.name, "after_commit": after_commit}
    return {**found, "state": state, **more}


def tool_options(lab: LabClient, directory: pathlib.Path, journal: pathlib.Path, state: str) -> dict[str, t.Any]:
    """A call for the sync tool, which comes from the lab's archive."""
    found: dict[str, t.Any] = {
        "directory": str(directory),
        "state": state,
        "supervisor": "session",
        "journal": str(journal),
        "migration_id": journal.parent.name,
    }
    if state not in ("started", "present"):
        return {**found, "adopt": True}
    described = lab.describe
    found.update(archive=described["tool"]["archive"], archive_sha256=described["tool"]["sha256"], start_wait="0.5s")
    for side, prefix in (("source", ""), ("target", "target_")):
        cluster = described["clusters"][side]
        found[f"{side}_fe_host"] = cluster["frontends"][0]["host"]
        found[f"{side}_fe_query_port"] = cluster["frontends"][0]["query_port"]
        found[f"{side}_cluster_user"] = TOOL
        found[f"{side}_cluster_password"] = described["users"][TOOL]
        found[f"{side}_run_mode"] = cluster["run_mode"]
        found[f"{prefix}address_map"] = json.dumps(cluster["address_map"])
    found["source_cluster_token"] = described["clusters"]["source"]["token"]
    return {**found, **FAST, **dict.fromkeys(DROPS, True)}
