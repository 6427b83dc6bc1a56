# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One table over many looks: what lasts long is not taken for what never ends."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_table import TableRun
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import Source, TargetView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile

WANTED = Wanted("t", "b", "present")
OURS = model.App("t", 7, "AVAILABLE", 1, {"duplication.master_cluster": "a"}, 3)
CREATING = model.App("t", 7, "CREATING", 1, {"duplication.master_cluster": "a"}, 3)
GONE = MigrationError("pegasus.unreachable", "gone")


class Preparing:
    """A source of 2.5 whose duplication is in DS_PREPARE, and a target that may have the table."""

    source = Source("a")
    profile = Profile.choose(Version.parse("2.5.0"))

    def __init__(self) -> None:
        self.followed: t.Any = TableRun(WANTED).carry()
        self.run = TableRun(WANTED)
        self.options: t.Any = type("Options", (), {"stuck_after": 90.0, "max_backlog": 1000, "stable_samples": 3})
        self.seen: t.Optional[TargetView] = None

    def app(self, table: str) -> model.App:
        return model.App(table, 2, "AVAILABLE", 1, {}, 3)

    def duplications(self, _table: str) -> t.Tuple[model.Duplication, ...]:
        return (model.Duplication(17, "DS_PREPARE", "b", 1),)

    def config(self, _table: str) -> model.TableConfig:
        return model.TableConfig(2, 1, (model.Partition(0, 5, 3, "n:1", ("m:1",), 0),))

    def target(self, _name: str, *, with_config: bool) -> t.Optional[TargetView]:
        return self.seen

    def look(self, now: float, app: t.Optional[model.App] = None, problem: t.Optional[MigrationError] = None) -> str:
        """The wait's reason, or the code of the failure. Every look is a step of its own."""
        self.seen = TargetView(app, meta_level="steady", alive_nodes=5, problem=problem)
        self.run = TableRun(WANTED)
        self.run.take(json.loads(json.dumps(self.followed)))
        clusters: t.Any = self
        self.run.look(clusters, self.options, now)
        return self._told()

    def away(self, now: float) -> str:
        """A look at which the source does not answer."""
        self.run.unreachable("gone", now)
        return self._told()

    def _told(self) -> str:
        self.followed = self.run.carry()
        standing = self.run.standing
        if standing.failure is not None:
            return standing.failure.code
        assert standing.cause is not None
        return standing.cause.reason.replace("pegasus.wait.", "")


def test_long_checkpoints_are_no_lost_reply_when_the_table_comes_in_the_end() -> None:
    two = Preparing()
    for now in range(0, 600, 30):
        assert two.look(now) == "checkpoint_preparing"
    assert two.look(600, CREATING) == "target_creating"
    # The source's next duplication sync is still to come.
    for now in range(602, 690, 2):
        assert two.look(now, OURS) == "target_creating"


def test_a_reply_that_was_lost_is_found_out_however_often_the_target_was_out_of_sight() -> None:
    two = Preparing()
    assert two.look(0) == "checkpoint_preparing"
    assert two.look(100, OURS) == "target_creating"
    assert two.look(130, problem=GONE) == "target_unreachable"
    assert two.look(189, OURS) == "target_creating"
    assert two.look(191, OURS) == "pegasus.dup_stuck"


def test_a_source_that_was_away_gets_its_time_again() -> None:
    two = Preparing()
    assert two.look(0, OURS) == "target_creating"
    assert two.away(10) == "cluster_unreachable"
    assert two.look(100, OURS) == "target_creating"
    assert two.look(191, OURS) == "pegasus.dup_stuck"


def test_another_table_of_that_name_counts_anew() -> None:
    two = Preparing()
    assert two.look(0, OURS) == "target_creating"
    assert two.look(80) == "checkpoint_preparing"
    assert two.look(100, OURS) == "target_creating"
    assert two.look(185, OURS) == "target_creating"
