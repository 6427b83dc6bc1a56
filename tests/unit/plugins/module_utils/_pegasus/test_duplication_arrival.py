# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A duplication may be removed when every partition has confirmed what was written, and not before."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_arrival as da
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_standing as ds

NODE = "10.0.0.1:34801"
THERE = model.Duplication(17, "DS_LOG", "b", 1_700_000_000_000)
CLOSED = model.App("t", 2, "AVAILABLE", 1, {"replica.deny_client_request": "reconfig*all"}, 3)


def said(committed: int, not_confirmed: int, mode: str = "FAIL_SLOW", primary: str = NODE) -> da.Said:
    partition = model.Partition(0, 5, 3, primary, (), 0)
    config = model.TableConfig(2, 1, (partition,))
    infos: t.Any = model.Answers({NODE: (model.ReplicaInfo(0, 2, 5, "PRIMARY", committed, committed, 0, NODE),)})
    progress: t.Any = model.Answers(
        {NODE: (model.PartitionProgress(0, NODE, True, not_confirmed, not_confirmed, mode, 17),)}
    )
    return da.Said(config, infos, progress, infos)


def judged(
    goal: t.Mapping[int, int], told: da.Said, there: model.Duplication = THERE, *, target_gone: bool = False
) -> ds.Standing:
    return da.standing("t", there, da.judge(there, goal, told), held_back=True, target_gone=target_gone)


def test_the_last_mutation_that_is_held_back_is_waited_for_until_an_empty_write_pushes_it_out() -> None:
    waiting = judged({0: 100}, said(100, 1))
    assert waiting.cause is not None and waiting.cause.reason == "pegasus.wait.unconfirmed"
    assert "up to 200 s" in waiting.cause.ends_when
    assert judged({0: 100}, said(101, 2)).cause is not None
    assert judged({0: 100}, said(101, 1)).done


def test_a_table_without_a_goal_gets_what_is_written_by_the_first_look() -> None:
    first = da.judge(THERE, {}, said(100, 1))
    assert first.goal == {0: 100}
    assert not da.standing("t", THERE, first, held_back=True, target_gone=False).done
    later = da.judge(THERE, first.goal, said(101, 1))
    assert later.goal == {0: 100}
    assert da.standing("t", THERE, later, held_back=True, target_gone=False).done
    assert later.items("t") == [{"subject": "t/0", "position": 100, "confirmed": 100}]


def test_what_nobody_tells_is_no_proof() -> None:
    silent = dataclasses.replace(said(100, 0), progress=model.Answers({}, {NODE: MigrationError("x.down", "down")}))
    moved = dataclasses.replace(said(100, 0), after=model.Answers({}))
    for told in (silent, moved, said(100, 0, primary="")):
        standing = judged({0: 100}, told)
        assert standing.cause is not None and standing.cause.reason == "pegasus.wait.progress_unknown"


def test_the_record_of_the_meta_server_counts_more_than_what_a_primary_repeats() -> None:
    there = dataclasses.replace(THERE, partition_states={0: model.PartitionState(99, 100)})
    standing = judged({0: 100}, said(100, 0), there)
    assert standing.cause is not None and standing.cause.reason == "pegasus.wait.unconfirmed"


def test_what_cannot_come_any_more_is_told_instead_of_waited_for() -> None:
    for standing in (judged({0: 100}, said(100, 1), target_gone=True), judged({0: 100}, said(100, 0, "FAIL_SKIP"))):
        assert standing.failure is not None and standing.failure.code == "pegasus.dup_unconfirmed"
        assert "unconfirmed=discard" in standing.failure.message
    assert judged({0: 100}, said(100, 0), target_gone=True).done


@pytest.mark.parametrize("fields", [{"status": "DS_PAUSE"}, {"status": "DS_APP"}, {"fail_mode": "FAIL_SKIP"}])
def test_a_duplication_that_proves_nothing_is_refused(fields: t.Dict[str, str]) -> None:
    refused = da.unprovable("t", dataclasses.replace(THERE, **fields))  # type: ignore[arg-type]
    assert refused is not None and refused.code == "pegasus.dup_unconfirmed"
    assert da.unprovable("t", THERE) is None


def entries(*kinds: t.Tuple[str, t.Dict[str, t.Any]]) -> t.List[Entry]:
    return [Entry(seq, "2026-11-21T03:14:00.000Z", kind, data, "", "") for seq, (kind, data) in enumerate(kinds)]


def drained(position: int, table: str = "t") -> t.Tuple[str, t.Dict[str, t.Any]]:
    return "proof", {"kind": "drain", "passed": True, "items": [{"subject": f"{table}/0", "position": position}]}


def test_the_goal_of_a_table_that_was_cut_over_is_its_position_at_the_fence() -> None:
    assert da.COMMITTED_KIND == cutover_past.COMMITTED_KIND
    committed = (da.COMMITTED_KIND, {"table": "t"})
    past = entries(drained(7), ("cutover.lifted", {"table": "t"}), drained(9), drained(8, "other"), committed)
    assert da.positions_at_cutover(past, "t") == {0: 9}
    assert da.first_goal(CLOSED, {0: 9}) == {0: 9}
    assert da.positions_at_cutover(entries(drained(7), ("cutover.lifted", {"table": "t"})), "t") == {}


@pytest.mark.parametrize(
    ("app", "known"),
    [(None, {0: 9}), (dataclasses.replace(CLOSED, envs={}), {0: 9}), (CLOSED, {}), (CLOSED, {0: 9, 1: 9})],
)
def test_positions_at_the_fence_count_only_while_nobody_can_have_written_since(
    app: t.Optional[model.App], known: t.Dict[int, int]
) -> None:
    assert da.first_goal(app, known) == {}
