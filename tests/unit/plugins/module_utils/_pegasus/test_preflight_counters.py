# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_counters as counters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus.preflight_cases import SILENT, app

OLD, NEW = Profile.choose(Version(2, 5)), Profile.choose(Version(2, 6))
TABLE = app(partition_count=2)


def perf(**values: float) -> str:
    return json.dumps(
        {
            "result": "OK",
            "timestamp": 1,
            "counters": [{"name": name, "type": "RATE", "value": value} for name, value in values.items()],
        }
    )


def metrics(*entities: t.Any) -> t.Dict[str, t.Any]:
    return {
        "cluster": "east",
        "entities": [
            {
                "type": kind,
                "attributes": attributes,
                "metrics": [{"name": name, "value": value} for name, value in values.items()],
            }
            for kind, attributes, values in entities
        ],
    }


def of(index: int, table: int = 2) -> t.Dict[str, str]:
    return {"table_id": str(table), "partition_id": str(index)}


def rates(**values: float) -> t.Dict[str, float]:
    """Counters of both partitions, none of which counts anything but what is given."""
    given = {f"replica*app.pegasus*{kind}_qps@2.{index}": 0.0 for kind in counters.KINDS for index in (0, 1)}
    given.update(values)
    return given


def test_rates_up_to_2_5() -> None:
    one = counters.from_perf_counters(
        perf(**rates(**{"replica*app.pegasus*incr_qps@2.0": 1.5, "replica*app.pegasus*incr_qps@20.0": 99.0})), "n:1"
    )
    two = counters.from_perf_counters(
        perf(**rates(**{"replica*app.pegasus*incr_qps@2.0": 1.4, "replica*app.pegasus*check_and_set_qps@2.1": 2.0})),
        "n:2",
    )
    found = counters.atomic_writes(Answers({"n:1": one, "n:2": two}), TABLE, OLD)
    # Partition 0 is on both servers, and is one partition all the same; table 20 is another one.
    assert found.seen == {"incr": 1.5, "check_and_set": 2.0, "check_and_mutate": 0.0}
    assert (found.told, found.cumulative, found.refused, found.failed) == (True, False, 0.0, {})


def test_numbers_in_2_6() -> None:
    nothing = dict.fromkeys(("incr_requests", "check_and_set_requests", "check_and_mutate_requests"), 0)
    document = metrics(
        ("replica", of(0), {**nothing, "incr_requests": 7, "dup_rejected_non_idempotent_write_requests": 3}),
        ("replica", of(1), {**nothing, "dup_rejected_non_idempotent_write_requests": 1}),
        ("replica", of(0, 20), {"incr_requests": 1000, "dup_rejected_non_idempotent_write_requests": 1000}),
    )
    found = counters.atomic_writes(Answers({"n:1": counters.from_metrics(document)}), TABLE, NEW)
    assert found.seen == {"incr": 7, "check_and_set": 0, "check_and_mutate": 0}
    assert (found.told, found.cumulative, found.refused) == (True, True, 4)


def counted(*by_index: t.Dict[str, float]) -> counters.Counted:
    """What a server of 2.6 counts, by partition of the table."""
    nothing = dict.fromkeys((f"{kind}_requests" for kind in counters.KINDS), 0.0)
    return counters.from_metrics(metrics(*(("replica", of(at), {**nothing, **one}) for at, one in enumerate(by_index))))


REFUSED = "dup_rejected_non_idempotent_write_requests"


def test_a_number_since_the_start_of_a_server_tells_nothing_of_now() -> None:
    first = Answers({"n:1": counted({"incr_requests": 7, REFUSED: 3}, {})})
    assert counters.needs_second_look(first, TABLE, NEW)
    found = counters.atomic_writes(first, TABLE, NEW, (first, 10.0))
    assert found.grown is not None and not found.grown
    assert (found.seen["incr"], found.refused) == (7, 3)
    assert counters.atomic_writes(first, TABLE, NEW).grown is None


def test_what_grows_between_two_looks() -> None:
    first = Answers(
        {"n:1": counted({"incr_requests": 7, REFUSED: 3}, {"check_and_set_requests": 50}), "n:2": counted({}, {})}
    )
    second = Answers(
        {
            # Partition 0 is on both servers, and is one partition all the same. The second server was started anew.
            "n:1": counted({"incr_requests": 9, REFUSED: 4}, {"check_and_set_requests": 4}),
            "n:2": counted({"incr_requests": 1}, {}),
        }
    )
    found = counters.atomic_writes(first, TABLE, NEW, (second, 10.0))
    assert found.grown == v.Growth(10.0, {"incr": 2.0, "check_and_set": 4.0, "check_and_mutate": 0.0}, 1.0)
    assert found.grown
    assert (found.seen["incr"], found.refused) == (9, 4)


def test_a_second_look_that_is_not_complete_is_unknown() -> None:
    whole, half = counted({REFUSED: 3}, {}), counted({REFUSED: 3})
    first, second = Answers({"n:1": whole}), Answers({"n:1": half}, {"n:2": SILENT})
    found = counters.atomic_writes(first, TABLE, NEW, (second, 10.0))
    assert (found.told, list(found.failed)) == (False, ["n:2"])
    found = counters.atomic_writes(second, TABLE, NEW, (first, 10.0))
    assert (found.told, list(found.failed)) == (False, ["n:2"])
    # What nobody told before cannot be compared; that server is named among those that did not tell.
    assert found.grown == v.Growth(10.0, dict.fromkeys(counters.KINDS, 0.0), 0.0)


def test_only_2_6_is_looked_at_twice_and_only_where_something_was_counted() -> None:
    once = Answers({"n:1": counted({"incr_requests": 7}, {})})
    assert not counters.needs_second_look(once, TABLE, OLD)
    assert not counters.needs_second_look(once, app(app_id=20), NEW)
    assert not counters.needs_second_look(once, app(partition_count=2, atomic_idempotent=True), NEW)
    assert not counters.needs_second_look(Answers({"n:1": counted({}, {})}), TABLE, NEW)
    assert counters.needs_second_look(Answers({"n:1": counted({REFUSED: 1}, {})}), TABLE, NEW)


def test_a_partition_that_nobody_counts_is_unknown() -> None:
    nothing = dict.fromkeys(("incr_requests", "check_and_set_requests", "check_and_mutate_requests"), 0)
    found = counters.from_metrics(metrics(("replica", of(0), nothing)))
    assert not counters.atomic_writes(Answers({"n:1": found}), TABLE, NEW).told
    assert not counters.atomic_writes(Answers({}), TABLE, NEW).told
    silent = counters.atomic_writes(Answers({"n:1": found}, {"n:2": SILENT}), TABLE, NEW)
    assert silent.failed == {"n:2": SILENT.message}


def test_refused_ones_by_the_name_of_the_table_up_to_2_5() -> None:
    name = "replica*eon.replica*dup.disabled_non_idempotent_write_count@temp"
    found = counters.from_perf_counters(perf(**{name: 5.0, name + "2": 9.0}), "n:1")
    assert counters.atomic_writes(Answers({"n:1": found}), TABLE, OLD).refused == 5.0


@pytest.mark.parametrize("new", [False, True])
def test_one_copy_of_the_table(new: bool) -> None:
    sizes = ({0: 10.0, 1: 20.0}, {0: 12.0}, {1: 19.0})
    answers = {}
    for number, by_index in enumerate(sizes):
        if new:
            entities = [("replica", of(index), {"rdb_total_sst_size_mb": size}) for index, size in by_index.items()]
            answers[f"n:{number}"] = counters.from_metrics(metrics(*entities))
        else:
            named = {f"replica*app.pegasus*disk.storage.sst(MB)@2.{index}": size for index, size in by_index.items()}
            answers[f"n:{number}"] = counters.from_perf_counters(perf(**named), "n:1")
    assert counters.size_mb(Answers(answers), TABLE) == 32.0
    assert counters.size_mb(Answers(answers), app(partition_count=3)) is None


def test_room_on_disks() -> None:
    old = counters.from_perf_counters(perf(**{"replica*eon.replica_stub*disk.available.total(MB)": 500.0}), "n:1")
    new = counters.from_metrics(
        metrics(("disk", {"tag": "a"}, {"disk_capacity_avail_mb": 300}), ("disk", {}, {"disk_capacity_avail_mb": 400}))
    )
    found = counters.available_mb(Answers({"n:1": old, "n:2": new, "n:3": counters.Counted()}, {"n:4": SILENT}))
    assert found.good == {"n:1": 500.0, "n:2": 700.0}
    assert sorted(found.failed) == ["n:3", "n:4"]


@pytest.mark.parametrize(
    "text", ["", "unknown command 'perf-counters-by-prefix'", "[]", '{"counters": [{"name": "x"}]}']
)
def test_an_answer_that_is_none(text: str) -> None:
    with pytest.raises(MigrationError) as caught:
        counters.from_perf_counters(text, "n:1")
    assert caught.value.code == "pegasus.decode"


def test_oddities_among_metrics_are_left_out() -> None:
    document = metrics(
        ("replica", {}, {"incr_requests": 5}),
        ("replica", {"table_id": "x", "partition_id": "0"}, {"incr_requests": 5}),
        ("replica", of(0), {"incr_requests": "5", "get_requests": 7, "_requests": 1}),
        ("disk", {}, {"disk_capacity_avail_mb": True}),
    )
    assert counters.from_metrics(document) == counters.Counted()
    assert counters.from_metrics({}) == counters.Counted()


def test_one_question_to_each_server() -> None:
    asked: t.List[t.Tuple[str, str, t.Sequence[str]]] = []

    class Client:
        def command(self, node: str, command: str, arguments: t.Sequence[str] = ()) -> str:
            asked.append((node, command, arguments))
            return perf(**rates())

    answers = counters.ask(["n:1", "n:2"], OLD, Client(), ConnectionSettings(), SystemClock())
    assert answers.complete
    assert sorted(node for node, _command, _arguments in asked) == ["n:1", "n:2"]
    assert {command for _node, command, _arguments in asked} == {"perf-counters-by-prefix"}
    assert "replica*app.pegasus*check_and_mutate_qps@" in asked[0][2]
