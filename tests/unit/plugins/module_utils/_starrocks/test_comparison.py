# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What equal means, over modes and versions, whatever the order and the splitting of the rows."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_rules import (
    DATA,
    NONE,
    VISIBLE,
    Rules,
    Side,
    choose_rules,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import (
    ABSENT,
    Catalog,
    Collector,
    Partition,
    Physical,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile

COLUMNS = (
    "DB_NAME",
    "TABLE_NAME",
    "PARTITION_NAME",
    "VISIBLE_VERSION",
    "DATA_VERSION",
    "VERSION_EPOCH",
    "VERSION_TXN_TYPE",
    "ROW_COUNT",
    "IS_TEMP",
)
WITH_MARKS = frozenset(COLUMNS)
WITHOUT = frozenset(COLUMNS) - {"DATA_VERSION", "VERSION_EPOCH", "VERSION_TXN_TYPE"}


def side(version: str, run_mode: str, columns: t.FrozenSet[str]) -> Side:
    return Side(Profile.choose(Version.parse(version), run_mode), columns)


MODERN = choose_rules(side("3.5.1", "shared_data", WITH_MARKS), side("3.5.1", "shared_data", WITH_MARKS))


def one(data: int, epoch: int = 7, txn_type: str = cmp.REPLICATION, visible: t.Optional[int] = None) -> Physical:
    return Physical(data, data if visible is None else visible, epoch, txn_type)


def part(*physical: Physical) -> Partition:
    return Partition(tuple(sorted(physical)), 0)


def original(data: int, epoch: int = 7) -> Partition:
    return part(one(data, epoch, cmp.NORMAL))


@pytest.mark.parametrize(
    ("source", "target", "verdict", "reason"),
    [
        (original(5), part(one(5)), cmp.EQUAL, ""),
        # Compaction raises the visible version of a shared-data partition, and is no write.
        (part(one(5, 7, cmp.NORMAL, visible=40)), part(one(5, visible=31)), cmp.EQUAL, ""),
        (original(5), part(one(4)), cmp.BEHIND, ""),
        (original(5), part(one(6)), cmp.TARGET_AHEAD, ""),
        (original(5), part(one(5, txn_type=cmp.NORMAL)), cmp.FOREIGN_WRITE, "txn_type"),
        (original(5), part(one(5, epoch=8)), cmp.FOREIGN_WRITE, "epoch"),
        (original(5), part(one(4, txn_type=cmp.NORMAL)), cmp.FOREIGN_WRITE, "txn_type"),
        # Empty partitions keep their own epoch and TXN_NORMAL.
        (original(1, 3), part(one(1, 4, cmp.NORMAL)), cmp.EQUAL, ""),
        (original(2, 3), part(one(1, 4, cmp.NORMAL)), cmp.BEHIND, "not_copied"),
        (original(1, 3), part(one(2, 4, cmp.NORMAL)), cmp.FOREIGN_WRITE, "txn_type"),
        (original(1, 3), part(one(2, 4)), cmp.TARGET_AHEAD, ""),
        # Truncated, overwritten, or dropped and added again on the source: a new life, with a newer epoch.
        (original(1, 9), part(one(7)), cmp.BEHIND, "made_anew"),
        (original(2, 9), part(one(7)), cmp.BEHIND, "made_anew"),
        (original(7, 9), part(one(7)), cmp.BEHIND, "made_anew"),
        (original(8, 9), part(one(7)), cmp.BEHIND, "made_anew"),
        (original(2, 9), part(one(1, 10, cmp.NORMAL)), cmp.BEHIND, "not_copied"),
        (original(2, 9), part(one(7, txn_type=cmp.NORMAL)), cmp.FOREIGN_WRITE, "txn_type"),
        (part(one(1, 9)), part(one(5, 1), one(6, 2)), cmp.BEHIND, "made_anew"),
        (part(one(5, 1), one(2, 9)), part(one(5, 1), one(6, 2)), cmp.FOREIGN_WRITE, "epoch"),
        (original(5), None, cmp.MISSING, ""),
        (None, part(one(5)), cmp.EXTRA, ""),
        (None, part(one(2, txn_type=cmp.NORMAL)), cmp.EXTRA, "txn_type"),
        (None, part(one(1, txn_type=cmp.NORMAL)), cmp.EXTRA, ""),
        (original(ABSENT), part(one(5)), cmp.UNKNOWN, "source_version"),
        (original(5), part(one(ABSENT)), cmp.UNKNOWN, "target_version"),
        (original(5), part(one(0, visible=5)), cmp.UNKNOWN, "target_version"),
        (original(5), part(one(5, txn_type="")), cmp.UNKNOWN, "target_txn_type"),
        (part(one(5, 1), one(6, 2)), part(one(5, 1)), cmp.BEHIND, "physical_partitions"),
        (part(one(5, 1)), part(one(5, 1), one(6, 1)), cmp.TARGET_AHEAD, "physical_partitions"),
        (part(one(5, 1), one(6, 2)), part(one(6, 1), one(5, 2)), cmp.TARGET_AHEAD, "physical_partitions"),
        (part(one(5, 1), one(6, 2)), part(one(5, 1), one(6, 2)), cmp.EQUAL, ""),
        (part(one(5, 1), one(6, 2)), part(one(5, 1), one(6, 3)), cmp.FOREIGN_WRITE, "epoch"),
    ],
)
def test_verdicts(source: t.Optional[Partition], target: t.Optional[Partition], verdict: str, reason: str) -> None:
    assert cmp.judge(source, target, MODERN) == (verdict, reason)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (("3.1.9", "shared_nothing", WITHOUT), ("3.1.9", "shared_nothing", WITHOUT), (VISIBLE, VISIBLE, False)),
        (("3.1.9", "shared_nothing", WITHOUT), ("3.5.0-rc01", "shared_data", WITH_MARKS), (VISIBLE, DATA, True)),
        (("2.5.22", "shared_nothing", WITHOUT), ("3.3.10", "shared_data", WITH_MARKS), (VISIBLE, DATA, True)),
        # The columns are there from 3.3.2 on, but replication does not write the source's data version yet.
        (("3.3.9", "shared_nothing", WITH_MARKS), ("3.3.9", "shared_data", WITH_MARKS), (VISIBLE, VISIBLE, False)),
        (("3.4.0", "shared_nothing", WITH_MARKS), ("3.4.0", "shared_data", WITH_MARKS), (VISIBLE, VISIBLE, False)),
        (("3.4.1", "shared_nothing", WITH_MARKS), ("3.4.1", "shared_data", WITH_MARKS), (DATA, DATA, True)),
        (("4.1.0", "shared_data", WITH_MARKS), ("4.1.0", "shared_data", WITH_MARKS), (DATA, DATA, True)),
        (("3.2.16", "shared_data", WITHOUT), ("4.1.0", "shared_data", WITH_MARKS), (NONE, DATA, True)),
    ],
)
def test_what_is_compared(
    source: t.Tuple[str, str, t.FrozenSet[str]],
    target: t.Tuple[str, str, t.FrozenSet[str]],
    expected: t.Tuple[str, str, bool],
) -> None:
    rules = choose_rules(side(*source), side(*target))
    assert (rules.source, rules.target, rules.marks) == expected


def test_what_cannot_be_compared_is_never_equal() -> None:
    rules = Rules(NONE, DATA, True, False, False, "")
    assert cmp.judge(original(5), part(one(5)), rules).verdict == cmp.UNKNOWN


@pytest.mark.parametrize("marks", [False, True])
def test_without_epochs_a_higher_version_may_be_one_of_a_former_life(marks: bool) -> None:
    """Nothing tells it from a write to the target; whether it goes will. A mark of a write still tells of one."""
    rules = Rules(VISIBLE, DATA if marks else VISIBLE, marks, False, True, "")
    assert cmp.judge(original(2), part(one(7)), rules) == (cmp.BEHIND, "higher_version")
    assert cmp.judge(original(9), part(one(7)), rules) == (cmp.BEHIND, "")
    assert cmp.judge(original(5), part(one(5), one(5)), rules) == (cmp.BEHIND, "higher_version")
    written = cmp.judge(original(2), part(one(7, txn_type=cmp.NORMAL)), rules)
    assert written.verdict == (cmp.FOREIGN_WRITE if marks else cmp.BEHIND)


def test_partition_of_before_an_upgrade_has_no_data_version_yet() -> None:
    shared_nothing = Rules(DATA, DATA, True, True, True, "")
    assert cmp.judge(part(Physical(0, 5, 7, cmp.NORMAL)), part(one(5)), shared_nothing).verdict == cmp.EQUAL


def collect(rows: t.Iterable[t.Sequence[t.Any]], columns: t.Sequence[str] = COLUMNS) -> Catalog:
    collector = Collector()
    collector.add(columns, rows)
    return collector.catalog()


def test_rows_of_every_shape() -> None:
    meta = collect(
        [
            ("d", "t", "p", "5", "5", "7", "TXN_NORMAL", "3", "0"),
            ("d", "t", "tp", "5", "5", "7", "TXN_NORMAL", "3", "1"),
            ("d", "t", "$shadow_automatic_partition", 1, 1, 7, "TXN_NORMAL", 0, 0),
            ("default_cluster:e", "t", "p", 5, None, "NULL", "\\N", None, "false"),
            ("_statistics_", "t", "p", 5, 5, 7, "TXN_NORMAL", 3, 0),
        ]
    )
    assert meta == {
        "d": {"t": {"p": Partition((Physical(5, 5, 7, "TXN_NORMAL"),), 3)}},
        "e": {"t": {"p": Partition((Physical(ABSENT, 5, ABSENT, ""),), 0)}},
    }
    collector = Collector()
    collector.add(("PartitionId", "PartitionName", "VisibleVersion", "RowCount"), [("9", "p", "5", "3")], "d", "t")
    assert collector.catalog() == {"d": {"t": {"p": Partition((Physical(ABSENT, 5, ABSENT, ""),), 3)}}}


def test_a_table_of_which_every_partition_is_left_out_is_there_all_the_same() -> None:
    rows = [
        ("d", "loaded_never", "$shadow_automatic_partition", 1, 1, 7, "TXN_NORMAL", 0, 0),
        ("d", "being_swapped", "tp", "5", "5", "7", "TXN_NORMAL", "3", "1"),
    ]
    assert collect(rows) == {"d": {"loaded_never": {}, "being_swapped": {}}}


FULL = {"p": Partition((Physical(5, 5, 7, "TXN_REPLICATION"),), 3)}


def compared(source: Catalog, target: Catalog) -> Comparison:
    comparison = Comparison(MODERN)
    comparison.add(source, target)
    return comparison


def test_a_table_without_partitions_has_to_be_on_the_target() -> None:
    """Clients that are switched find no table otherwise, at their first INSERT."""
    found = compared({"d": {"full": FULL, "empty": {}}}, {"d": {"full": FULL}})
    assert not found.equal
    assert (found.tables, found.partitions, found.counts[cmp.MISSING]) == (2, 2, 1)
    assert found.never_copied == {"d.empty": 1}
    assert found.worst() == ["d.empty missing_on_target (no_table)"]
    result = found.as_result()
    assert result["unequal_tables"] == {"d.empty": {cmp.MISSING: 1}}
    assert [(one["table"], one["partition"]) for one in result["differences"]] == [("empty", "")]
    assert result["differences_left_out"] == 0


def test_a_table_without_partitions_is_equal_to_its_like() -> None:
    found = compared({"d": {"full": FULL, "empty": {}}}, {"d": {"full": FULL, "empty": {}}})
    assert found.equal
    assert (found.tables, found.partitions, found.differences) == (2, 1, [])
    # Nothing but such tables: the partitions may only not have been told.
    assert not compared({"d": {"empty": {}}}, {"d": {"empty": {}}}).equal


def test_partitions_that_only_the_target_has_count_also_where_the_source_has_none_at_all() -> None:
    """The table was emptied on the source since, and the copy is of before."""
    found = compared({"d": {"emptied": {}}}, {"d": {"emptied": FULL}})
    assert (found.counts[cmp.EXTRA], found.target_only) == (1, [])


def test_a_table_without_partitions_is_part_of_the_digests() -> None:
    few, more = compared({"d": {"full": FULL}}, {}), compared({"d": {"full": FULL, "empty": {}}}, {})
    assert few.source_digest != more.source_digest
    copied = compared({"d": {"full": FULL, "empty": {}}}, {"d": {"empty": {}}})
    assert (copied.source_digest, copied.digest == more.digest) == (more.source_digest, False)


ROW = st.tuples(
    st.sampled_from(["d1", "d2"]),
    st.sampled_from(["t1", "t2"]),
    st.sampled_from(["p1", "p2", "p3"]),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from(["TXN_NORMAL", "TXN_REPLICATION"]),
    st.integers(0, 9),
    st.just(0),
)
# Several rows of one name are its physical partitions, so any list of rows is a cluster.
ROWS = st.lists(ROW, max_size=12)


def compare(source: t.Sequence[t.Any], target: t.Sequence[t.Any]) -> str:
    comparison = Comparison(MODERN)
    comparison.add(collect(source), collect(target))
    return json.dumps(comparison.as_result())


@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_order_and_pages_mean_nothing(source: t.List[t.Any], target: t.List[t.Any], dice: random.Random) -> None:
    whole = compare(source, target)
    mixed_source, mixed_target = source[:], target[:]
    dice.shuffle(mixed_source)
    dice.shuffle(mixed_target)
    assert compare(mixed_source, mixed_target) == whole
    paged = Comparison(MODERN)
    for database in ("d1", "d2"):
        paged.add(
            collect([row for row in mixed_source if row[0] == database]),
            collect([row for row in mixed_target if row[0] == database]),
        )
    assert json.dumps(paged.as_result()) == whole


@given(ROWS, ROWS)
def test_every_partition_is_counted_once(source: t.List[t.Any], target: t.List[t.Any]) -> None:
    comparison = Comparison(MODERN)
    comparison.add(collect(source), collect(target))
    tables = {row[:2] for row in source}
    expected = {row[:3] for row in source} | {row[:3] for row in target if row[:2] in tables}
    assert comparison.partitions == len(expected)
    assert len(comparison.differences) == comparison.partitions - comparison.counts[cmp.EQUAL]
    assert {tuple(name.split(".")) for name in comparison.target_only} == {row[:2] for row in target} - tables


@given(ROWS)
def test_a_copy_is_equal_however_it_is_split(source: t.List[t.Any]) -> None:
    """A copy: the same physical partitions, marked as replicated, empty ones with an epoch of their own."""
    copy = [
        (*row[:3], row[3] + 5, row[4], row[5] if row[4] > 1 else 99, "TXN_NORMAL" if row[4] == 1 else "TXN_REPLICATION",
         0, 0) for row in source
    ]  # fmt: skip
    result = json.loads(compare(source, copy))
    assert result["counts"]["equal"] == result["partitions"]
    assert result["equal"] is bool(source)


@given(ROWS.filter(bool), st.data())
def test_one_missing_version_is_never_equal(source: t.List[t.Any], data: st.DataObject) -> None:
    copy = [(*row[:6], "TXN_REPLICATION", 0, 0) for row in source]
    at = data.draw(st.integers(0, len(copy) - 1))
    copy[at] = (*copy[at][:4], copy[at][4] + data.draw(st.sampled_from([-1, 1])), *copy[at][5:])
    assert json.loads(compare(source, copy))["equal"] is False


def test_nothing_is_not_equal() -> None:
    assert Comparison(MODERN).equal is False


def test_source_digest_is_of_versions_alone() -> None:
    """Compaction and statistics do not move it; any write, new or dropped partition does."""

    def digest(*rows: t.Any) -> str:
        comparison = Comparison(MODERN)
        comparison.add(collect(rows), {})
        return comparison.source_digest

    row = ("d", "t", "p", 5, 5, 7, "TXN_NORMAL", 3, 0)
    assert digest(row) == digest((*row[:3], 9, *row[4:7], 44, 0))
    assert digest(row) != digest((*row[:4], 6, *row[5:]))
    assert digest(row) != digest(row, ("d", "t", "q", 1, 1, 7, "TXN_NORMAL", 0, 0))


def _rows(number: int, txn_type: str) -> t.Iterator[t.Tuple[t.Any, ...]]:
    for index in range(number):
        table, partition = divmod(index, 10)
        yield f"db{table % 4}", f"t{table:05}", f"p{partition}", "7", "7", "123456789", txn_type, "55", "0"


@pytest.mark.parametrize("number", [10_000, pytest.param(100_000, marks=pytest.mark.thorough)])
def test_many_partitions_in_seconds(number: int) -> None:
    """100,000 partitions on both sides within 10 s of a processor, reading not counted."""
    began = time.process_time()
    source, target = collect(_rows(number, "TXN_NORMAL")), collect(_rows(number, "TXN_REPLICATION"))
    comparison = Comparison(MODERN)
    comparison.add(source, target)
    assert comparison.equal
    assert comparison.partitions == number
    assert time.process_time() - began < 2 + number / 12_500


def test_little_memory_for_each_partition() -> None:
    """Its name and an aggregate, no record of the row."""
    tracemalloc.start()
    try:
        kept = collect(_rows(3000, "TXN_NORMAL"))
        size, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(len(table) for tables in kept.values() for table in tables.values()) == 3000
    assert size / 3000 < 500
