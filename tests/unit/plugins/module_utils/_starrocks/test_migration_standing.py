# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a migration stands by its journal, and what of it is still to be undone."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import migration_standing as ms
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import LIFTED_KIND
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import (
    COMPACTION,
    GRACE,
    LEGACY,
)

BEGIN = parse_iso("2026-11-01T00:00:00Z")
HOUR = 3600.0


class Story:
    """A journal as a list of entries, ``hours`` after its beginning."""

    def __init__(self) -> None:
        self.entries: t.List[Entry] = []

    def add(self, kind: str, hours: float = 0.0, **data: t.Any) -> None:
        at = iso(BEGIN + datetime.timedelta(hours=hours))
        seq = len(self.entries)
        self.entries.append(Entry(seq=seq, at=at, kind=kind, data=data, prev="", hash=str(seq)))

    def change(self, key: str, after: str, hours: float = 0.0, kind: str = "fe/10.0.0.1:9030/config") -> None:
        change_id = f"c{len(self.entries)}"
        data = {"id": change_id, "resource": f"starrocks:1/{kind}/{key}", "before": "30", "after": after}
        self.add("change.intent", hours, action="set", request={}, context={"type": "long"}, **data)
        self.add("change.outcome", hours, id=change_id, status="done")

    def restored(self, key: str, hours: float, kind: str = "fe/10.0.0.1:9030/config") -> None:
        self.add("restore", hours, resource=f"starrocks:1/{kind}/{key}", action="restore")

    def vacuum(self, hours: float, span: float = 600.0, threshold: t.Optional[int] = 12) -> ms.Vacuum:
        return ms.vacuum_debt(self.entries, "1", threshold, span, BEGIN + datetime.timedelta(hours=hours))


def test_stages() -> None:
    story = Story()
    assert ms.stage_of(story.entries) == "not_started"
    story.add("journal.opened")
    assert ms.stage_of(story.entries) == "not_started"
    story.change(GRACE, "10000000")
    assert ms.stage_of(story.entries) == "migrating"
    for kind, stage in (
        (cp.STARTED_KIND, "frozen"),
        (LIFTED_KIND, "migrating"),
        (cp.STARTED_KIND, "frozen"),
        (cp.HANDED_OVER_KIND, "handed_over"),
        (cp.COMMITTED_KIND, "cut_over"),
        (LIFTED_KIND, "cut_over"),  # The old source takes writes again; clients are on the target all the same.
        (cp.STARTED_KIND, "frozen"),
        (LIFTED_KIND, "migrating"),
    ):
        story.add(kind)
        assert ms.stage_of(story.entries) == stage


def test_what_is_to_be_put_back_leaves_out_the_freeze_and_the_other_cluster() -> None:
    story = Story()
    story.change(COMPACTION, "0")
    story.change(LEGACY, "true")
    story.change("disable_load_job", "true")
    story.change("replication_threads", "8", kind="node/10001/config")
    story.change("enable_x", "false", kind="variable")
    assert ms.keys_to_restore(story.entries, "1") == [LEGACY, COMPACTION]
    assert ms.keys_to_restore(story.entries, "2") == []
    assert ms.node_keys_to_restore(story.entries, "1") == ["replication_threads"]
    assert ms.variables_to_restore(story.entries, "1") == ["enable_x"]
    story.restored(COMPACTION, 1)
    assert ms.keys_to_restore(story.entries, "1") == [LEGACY]


def test_what_is_left_on_a_cluster_that_cannot_be_asked_is_told_by_the_journal() -> None:
    story = Story()
    story.change(GRACE, "10000000")
    story.change(GRACE, "10000000", kind="fe/[fd00::1]:9030/config")
    story.change("disable_load_job", "true")
    story.change("sales.from_kafka", "PAUSED", kind="routine_load")
    story.change("replication_threads", "8", kind="node/10001/config")
    story.change("cluster_sync", "there", kind="user")
    left = ["the user cluster_sync", "replication_threads", GRACE]
    assert ms.left_elsewhere(story.entries, ["2"]) == {"1": left}
    assert ms.left_elsewhere(story.entries, ["1", "2"]) == {}
    story.restored(GRACE, 1)
    assert ms.left_elsewhere(story.entries, ["2"]) == {"1": left}
    story.restored(GRACE, 1, kind="fe/[fd00::1]:9030/config")
    assert ms.left_elsewhere(story.entries, ["2"]) == {"1": left[:2]}


def test_a_block_in_a_file_is_no_config_of_a_frontend_or_node() -> None:
    """Whatever the path holds: /opt/starrocks/fe/conf has the letters of a frontend's resource in it."""
    story = Story()
    block = {"host": "fe-0", "path": "/opt/starrocks/fe/conf/fe.conf", "block": "lake", "settings": {}}
    resource = "starrocks:1/file/fe-0:/opt/starrocks/fe/conf/fe.conf/lake"
    story.add("change.intent", id="c0", resource=resource, before=None, after=block, action="set", request={})
    block_left = "the block in /opt/starrocks/fe/conf/fe.conf of fe-0"
    assert ms.left_elsewhere(story.entries, ["2"]) == {"1": [block_left]}
    assert ms.left_elsewhere(story.entries, ["1", "2"]) == {}
    assert ms.keys_to_restore(story.entries, "1") == ms.node_keys_to_restore(story.entries, "1") == []


def ramp(story: Story, hours: float = 0.0, steps: t.Sequence[int] = (4, 16)) -> t.List[t.Tuple[int, float]]:
    """Steps of 600 s, as they stand so many hours after the beginning."""
    left = ms.ramp_left(story.entries, "1", steps, 600.0, BEGIN + datetime.timedelta(hours=hours))
    return [(one.tasks, one.seconds_left) for one in left]


def test_the_ramp_goes_on_where_it_was() -> None:
    story = Story()
    assert ramp(story) == []
    story.change(COMPACTION, "0")
    assert ramp(story) == [(4, 600.0), (16, 600.0)]
    assert ramp(story, steps=[]) == []
    story.change(COMPACTION, "16")
    assert ramp(story) == [(16, 600.0)]
    story.restored(COMPACTION, 1)
    assert ramp(story) == []


def test_a_step_of_the_ramp_that_was_broken_off_has_its_own_time_left() -> None:
    story = Story()
    story.change(COMPACTION, "0")
    story.change(COMPACTION, "4", 100.0)
    assert ramp(story, 100.0 + 200 / HOUR) == [(4, pytest.approx(400.0)), (16, 600.0)]
    assert ramp(story, 101.0) == [(4, 0.0), (16, 600.0)]
    # Set again where a frontend had forgotten it, or on another frontend: the step goes on.
    story.change(COMPACTION, "4", 100.0 + 300 / HOUR)
    story.change(COMPACTION, "4", 100.0 + 300 / HOUR, "fe/10.0.0.2:9030/config")
    assert ramp(story, 100.0 + 500 / HOUR) == [(4, pytest.approx(100.0)), (16, 600.0)]


def test_a_step_of_the_ramp_that_was_never_seen_in_place_has_all_its_time() -> None:
    story = Story()
    story.change(COMPACTION, "0")
    data = {"resource": f"starrocks:1/fe/10.0.0.1:9030/config/{COMPACTION}", "before": "0", "after": "4"}
    story.add("change.intent", 5.0, id="killed", action="set", request={}, context={"type": "int"}, **data)
    assert ramp(story, 50.0) == [(4, 600.0), (16, 600.0)]
    story.add("change.outcome", 51.0, id="killed", status="done")
    assert ramp(story, 51.0 + 60 / HOUR) == [(4, pytest.approx(540.0)), (16, 600.0)]


@pytest.mark.parametrize(("hours", "needed"), [(1.0, False), (10.9, False), (11.0, True), (200.0, True)])
def test_a_pass_is_owed_when_idle_partitions_were_forgotten(hours: float, needed: bool) -> None:
    story = Story()
    story.change(GRACE, "10000000")
    found = story.vacuum(hours)
    assert found.needed is needed
    if needed:
        # More than the time since the first version that was kept, and the pass itself.
        assert found.wanted_threshold >= hours + 1
        assert found.seconds_left == 600.0


def test_without_a_long_grace_period_nothing_is_owed() -> None:
    story = Story()
    story.change(COMPACTION, "0")
    assert not story.vacuum(500.0).needed
    story.change(GRACE, "10000000")
    assert not story.vacuum(500.0, threshold=None).needed


def test_a_short_migration_owes_nothing_later_either() -> None:
    story = Story()
    story.change(GRACE, "10000000")
    story.restored(GRACE, 2.0)
    assert not story.vacuum(500.0).needed


def test_a_pass_that_was_broken_off_goes_on_and_one_that_was_made_is_not_repeated() -> None:
    story = Story()
    story.change(GRACE, "10000000")
    story.restored(GRACE, 48.0)
    assert story.vacuum(48.0).needed
    story.change(ms.STALE, "50", 48.0)
    assert story.vacuum(48.0 + 200 / HOUR, threshold=50).seconds_left == pytest.approx(400.0)
    assert story.vacuum(60.0, threshold=50).seconds_left == 0.0
    assert ms.keys_to_restore(story.entries, "1") == []
    story.restored(ms.STALE, 48.5)
    assert not story.vacuum(49.0).needed
    assert not story.vacuum(500.0).needed
    # Another migration with the same journal makes a debt of its own.
    story.change(GRACE, "10000000", 600.0)
    assert not story.vacuum(601.0).needed
    assert story.vacuum(700.0).needed


def test_what_a_silent_source_owes_is_reckoned_with_the_default_threshold() -> None:
    story = Story()
    story.change(GRACE, "10000000")
    story.restored(GRACE, 48.0)

    def owed(hours: float, *known: str) -> bool:
        return ms.vacuum_owed_elsewhere(story.entries, known, 600.0, BEGIN + datetime.timedelta(hours=hours))

    assert owed(48.0, "2") and not owed(48.0, "1", "2")
    story.change(ms.STALE, "50", 48.0)
    assert owed(48.1, "2")
    story.restored(ms.STALE, 48.5)
    assert not owed(49.0, "2")
