# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_progress as dp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_standing as ds
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model

DUPID = 17
PRIMARIES = ("n0:1", "n1:1", "n0:1")
CONFIG = model.TableConfig(
    2, 3, tuple(model.Partition(index, 5, 3, node, (), 0) for index, node in enumerate(PRIMARIES))
)
GATE = ds.Gate(limit=100, samples=3, held_back=0)


def record(index: int, **fields: t.Any) -> model.PartitionProgress:
    values: t.Dict[str, t.Any] = {
        "index": index,
        "node": PRIMARIES[index],
        "duplicating": True,
        "not_confirmed": 5,
        "not_duplicated": 0,
        "fail_mode": "FAIL_SLOW",
        "dupid": DUPID,
        **fields,
    }
    return model.PartitionProgress(**values)


def reports(*records: model.PartitionProgress, failed: t.Sequence[str] = ()) -> dp.Reports:
    good: t.Dict[str, t.Tuple[model.PartitionProgress, ...]] = {
        node: () for node in CONFIG.primaries if node not in failed
    }
    for one in records:
        good[one.node] = (*good.get(one.node, ()), one)
    return model.Answers(good, {node: MigrationError("pegasus.unreachable", "gone") for node in failed})


def infos(decree: int, without: t.Sequence[int] = ()) -> dp.Infos:
    good: t.Dict[str, t.Tuple[model.ReplicaInfo, ...]] = {}
    for index, node in enumerate(PRIMARIES):
        if index not in without:
            info = model.ReplicaInfo(index, 2, 5, "PRIMARY", decree, decree, decree, node)
            good[node] = (*good.get(node, ()), info)
    return model.Answers(good)


def look(decree: int = 50, backlog: int = 0, unconfirmed: int = 5) -> dp.ProgressView:
    records = [record(index, not_duplicated=backlog, not_confirmed=unconfirmed) for index in range(3)]
    return dp.judge(CONFIG, DUPID, reports(*records), infos(decree))


def test_every_partition_by_its_primary_once() -> None:
    view = look(backlog=4)
    assert view.running
    assert (view.backlog_total, [one.decree for one in view.partitions]) == (12, [50, 50, 50])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (reports(record(0), record(2)), "says nothing of this duplication"),
        (reports(record(0), record(1, dupid=3), record(2)), "but of duplication 3"),
        (reports(record(0), record(1), record(1), record(2)), "reported 2 times"),
        (reports(record(0), record(1, node="n9:1"), record(2)), "its primary is n1:1"),
        (reports(record(0), record(2), failed=["n1:1"]), "does not tell: pegasus.unreachable"),
    ],
)
def test_what_is_missing_double_or_out_of_place_is_unknown(given: dp.Reports, why: str) -> None:
    view = dp.judge(CONFIG, DUPID, given, infos(50))
    assert [one.index for one in view.having(dp.UNKNOWN)] == [1]
    assert why in view.partitions[1].why
    assert (view.running, view.backlog_total) == (False, None)
    cause = ds.present("t", LOG, None, view, dp.Track().seen(view, 0, 10).judged(view, 100, 3), GATE).cause
    assert cause is not None
    assert (cause.reason, cause.worst[0][:11]) == ("pegasus.wait.progress_unknown", "partition 1")


def test_a_partition_without_primary_or_decree_is_unknown() -> None:
    headless = dataclasses.replace(CONFIG.partitions[1], primary="")
    config = dataclasses.replace(CONFIG, partitions=(CONFIG.partitions[0], headless, CONFIG.partitions[2]))
    every = reports(record(0), record(1), record(2))
    assert dp.judge(config, DUPID, every).partitions[1].why == "it has no primary"
    assert dp.judge(CONFIG, DUPID, every, infos(50, without=[1])).partitions[1].state == dp.UNKNOWN
    assert dp.judge(CONFIG, DUPID, every).running, "nobody asked for decrees"


LOG = model.Duplication(DUPID, "DS_LOG", "b", 0)


def follow(
    *looks: dp.ProgressView, gate: ds.Gate = GATE, pause: float = 2.0, records: t.Optional[t.Mapping[int, int]] = None
) -> str:
    """The reason code after these looks, "" when caught up. The track goes through JSON, as between two steps."""
    track, standing = dp.Track(), ds.Standing("t")
    for number, view in enumerate(looks):
        track = dp.Track.from_data(json.loads(json.dumps(track.as_data())))
        track = track.seen(view, number * pause, 10.0, records).judged(view, gate.limit, gate.samples)
        standing = ds.present("t", LOG, None, view, track, gate)
    return "" if standing.cause is None else standing.cause.reason.replace("pegasus.wait.", "")


def test_caught_up_only_after_looks_in_a_row() -> None:
    good = [look(50, 0, 5), look(55, 0, 3), look(60, 0, 8)]
    assert follow(*good[:2]) == "backlog_settling"
    assert follow(*good) == ""
    assert follow(good[0], look(52, 500), *good[1:]) == "backlog_settling"


def test_an_idle_table_is_caught_up() -> None:
    assert follow(*[look(50, 0, 0)] * 3) == ""


def test_a_backlog_above_the_limit_is_named() -> None:
    assert follow(look(50, 101)) == "backlog"


def test_counters_that_stand_still_while_writes_go_in_are_not_believed() -> None:
    assert follow(look(50), look(60), look(70)) == "progress_frozen"
    assert follow(look(50), look(60), look(70), look(80, unconfirmed=6)) == "backlog_settling"
    # A write between two looks and then silence: too little to doubt.
    assert follow(look(50), look(60), look(60, unconfirmed=2)) == ""


def test_where_the_meta_server_has_the_progress_on_record_that_is_gone_by() -> None:
    looks = [look(50), look(60), look(70)]
    assert follow(*looks, records={0: 60, 1: 60, 2: 65}) == ""
    # One that repeats an old answer while nothing is confirmed any more, though all was before.
    assert follow(*looks, look(80), look(90), records={0: 60, 1: 60, 2: 50}) == "nothing_shipped"
    assert follow(*looks, records={0: 60, 1: 60}) == "progress_frozen"


@pytest.mark.parametrize(
    ("pause", "live", "repeated", "doubted"),
    [
        # Within one sync, no true server tells the same over two writes; unless it syncs more often than is known.
        (2.0, (), (), (0, 1, 2)),
        (2.0, (0, 2), (), (1,)),
        # Farther apart, it may have been chance.
        (30.0, (), (), ()),
        (30.0, (), (1,), (1,)),
    ],
)
def test_what_quick_looks_leave_in_doubt(
    pause: float, live: t.Sequence[int], repeated: t.Sequence[int], doubted: t.Sequence[int]
) -> None:
    track = dp.Track()
    for number in range(3):
        track = track.seen(look(50 + number), number * pause, 10.0)
    assert track.doubted(3) == (0, 1, 2)
    assert track.settled(live, repeated, 3).doubted(3) == doubted


def test_a_small_backlog_of_a_pipeline_that_ships_nothing_is_no_catching_up() -> None:
    looks = [look(50 + step, 20 + step, 25 + step) for step in range(8)]
    assert follow(*looks) == "nothing_shipped"
    assert follow(*looks, look(60, 2, 9)) == ""


def test_before_2_6_an_idle_partition_keeps_one_mutation_back() -> None:
    looks = [look(50, 1, 1)] * 3
    assert follow(*looks) == "nothing_shipped"
    assert follow(*looks, gate=dataclasses.replace(GATE, held_back=1)) == ""


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"duplicating": False}, "pipeline_starting"), ({"fail_mode": "FAIL_FAST"}, "fail_mode_spreading")],
)
def test_one_partition_that_does_not_ship_everything_is_enough(fields: t.Dict[str, t.Any], reason: str) -> None:
    view = dp.judge(CONFIG, DUPID, reports(record(0), record(1, **fields), record(2)), infos(50))
    assert follow(*[view] * 5) == reason


def test_a_partition_that_skips_ends_it_whatever_the_meta_server_says() -> None:
    view = dp.judge(CONFIG, DUPID, reports(record(0), record(1, fail_mode="FAIL_SKIP"), record(2)), infos(50))
    failure = ds.present("t", model.Duplication(DUPID, "DS_LOG", "b", 0), None, view, dp.Track(), GATE).failure
    assert failure is not None and failure.code == "pegasus.dup_fail_mode"


@pytest.mark.parametrize(
    ("status", "fail_mode", "code"),
    [("DS_PAUSE", "FAIL_SLOW", "pegasus.dup_paused"), ("DS_LOG", "FAIL_SKIP", "pegasus.dup_fail_mode")],
)
def test_what_somebody_else_changed_ends_the_wait(status: str, fail_mode: str, code: str) -> None:
    there = model.Duplication(DUPID, status, "b", 0, fail_mode)
    failure = ds.present("t", there, None, look(), dp.Track(), GATE).failure
    assert failure is not None
    assert failure.code == code


def test_another_duplication_is_not_the_one_that_was_followed() -> None:
    for there, code in ((None, "pegasus.dup_gone"), (dataclasses.replace(LOG, dupid=99), "pegasus.dup_replaced")):
        failure = ds.gone_or_other("t", DUPID, there)
        assert failure is not None
        assert failure.code == code
    assert ds.gone_or_other("t", DUPID, LOG) is None


def test_paused_is_what_every_primary_says() -> None:
    pause = dataclasses.replace(LOG, status="DS_PAUSE")
    stopped = [record(index, duplicating=False) for index in range(3)]
    assert ds.paused("t", pause, dp.judge(CONFIG, DUPID, reports(*stopped))).done
    for records in ([*stopped[:2], record(2)], stopped[:2]):
        cause = ds.paused("t", pause, dp.judge(CONFIG, DUPID, reports(*records))).cause
        assert cause is not None
        assert (cause.reason, len(cause.worst)) == ("pegasus.wait.pausing", 1)


def test_removed_is_when_no_primary_has_it_and_all_have_answered() -> None:
    assert ds.removed("t", *dp.gone(CONFIG, DUPID, reports())).done
    assert ds.removed("t", *dp.gone(CONFIG, DUPID, reports(record(0, dupid=3)))).done
    assert not ds.removed("t", *dp.gone(CONFIG, DUPID, reports(record(0)))).done
    assert not ds.removed("t", *dp.gone(CONFIG, DUPID, reports(failed=["n1:1"]))).done
