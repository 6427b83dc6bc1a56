# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals: records that belong where they are written, what a journal tells, and what goes into a forecast."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_store
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.rehearsed import Rehearsed, read_rehearsed
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_figures as rf
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_forecast as fo
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_past as rp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_records as rr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.forecast import Pace, forecast
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.framing import Reply
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.key_hash import crc64
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_clients import Seen
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_options import (
    cutover_params,
    read_rehearsal_options,
    rehearsal_argument_spec,
)

NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.timezone.utc)
TOLD = Pace((4, 4), 30.0, 10.0, 0.0, 0.0, 0.01, 0.2, 0.54)
HERE = fo.Here("onebox-a", "onebox-b", "2.4.0", "2.4.0", None, True, False, NOW)


def measured(**more: t.Any) -> dict[str, t.Any]:
    return {
        "table": "dbops_rehearsal_1",
        "at": "2026-11-20T12:00:00.000Z",
        "source": "onebox-a",
        "target": "onebox-b",
        "source_version": "2.4.0",
        "target_version": "2.4.0",
        "config_sync_interval_ms": None,
        "propagation": {"by_node": {"a": [3.0, 5.0], "b": [2.0, 6.0]}, "servers": 2, "longest": 6.0},
        "phases": {"fence": 6.0, "drain": 4.0, "switch": 2.5},
        **more,
    }


def rehearsed(**more: t.Any) -> Rehearsed:
    return Rehearsed("/r.jsonl", 30 * 86400.0, measured(**more))


# Records.


def test_the_checksum_is_the_one_that_clients_choose_partitions_by() -> None:
    # The check value of CRC-64 with this polynomial, reflected, with all bits set before and inverted after.
    assert crc64(b"123456789") == 0xAE8B14860A799888


@pytest.mark.parametrize("count", [1, 8, 64])
def test_every_partition_gets_a_key_that_belongs_to_it(count: int) -> None:
    keys = rr.hash_keys(count)
    assert [crc64(key) % count for key in keys] == list(range(count))


def test_a_put_goes_to_its_partition() -> None:
    call = rr.put(5, 3, b"key", 7)
    assert (call.gpid.app_id, call.gpid.partition) == (5, 3)
    assert call.fields["key"] == b"\x00\x03key" + (7).to_bytes(8, "big")
    assert call.partition_hash == crc64(b"key")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(1, "ERR_OK", {"error": 0}), rr.STORED),
        (Reply(1, "ERR_OK", {"error": 4}), "storage error 4"),
        (Reply(1, "ERR_INVALID_STATE"), "ERR_INVALID_STATE"),
    ],
)
def test_what_a_server_said_to_a_put(reply: Reply, said: str) -> None:
    assert rr.outcome(reply) == said


# The journal.


def entries(*listed: tuple[str, dict[str, t.Any]]) -> list[Entry]:
    return [Entry(seq, "2026-11-21T12:00:00.000Z", kind, data, "", "") for seq, (kind, data) in enumerate(listed)]


START = (rp.STARTED, {"table": "dbops_rehearsal_1", "cluster": "a", "target": "b"})
INTENT = (
    "change.intent",
    {"id": "c1", "resource": "pegasus:a/table/dbops_rehearsal_1", "action": "create", "after": {}},
)


def test_a_rehearsal_is_unfinished_until_it_is_cleared() -> None:
    begun = entries(START)
    (one,) = rp.read_rehearsals(begun)
    assert not one.asked
    assert rp.unfinished([one]) == one
    (done,) = rp.read_rehearsals(entries(START, (rp.CLEARED, {"table": "dbops_rehearsal_1"})))
    assert rp.unfinished([done]) is None
    assert rp.unfinished([]) is None


def test_a_creation_without_an_answer_may_have_been_made() -> None:
    (one,) = rp.read_rehearsals(entries(START, INTENT))
    assert (one.asked, one.app_id) == (True, None)


def test_a_creation_that_was_refused_was_not_made() -> None:
    (one,) = rp.read_rehearsals(entries(START, INTENT, ("change.outcome", {"id": "c1", "status": "failed"})))
    assert not one.asked


def test_the_id_of_what_was_made_is_remembered() -> None:
    done = ("change.outcome", {"id": "c1", "status": "done", "evidence": {"app_id": 9}})
    proof = ("proof", {"kind": "rehearsal.table", "passed": True})
    (one,) = rp.read_rehearsals(entries(START, INTENT, done, proof))
    assert (one.app_id, one.made) == (9, True)


def test_several_rehearsals_are_told_apart() -> None:
    other = (rp.STARTED, {**START[1], "table": "dbops_rehearsal_2"})
    found = rp.read_rehearsals(entries(START, INTENT, (rp.CLEARED, {}), other))
    assert [(one.table, one.asked, one.cleared) for one in found] == [
        ("dbops_rehearsal_1", True, True),
        ("dbops_rehearsal_2", False, False),
    ]


# The figures.


def test_the_first_refusal_of_each_server_counts() -> None:
    one = Seen(refused_by={"n1": 12.0, "n2": 15.0})
    two = Seen(refused_by={"n1": 11.5})
    assert rf.first_refusals([one, two], 10.0) == {"n1": [1.5], "n2": [5.0]}


def test_rounds_are_put_together_by_server() -> None:
    found = rf.merged([{"n1": [1.0]}, {"n1": [3.0], "n2": [2.0]}]).as_result()
    assert found["by_node"] == {"n1": [1.0, 3.0], "n2": [2.0]}
    assert (found["servers"], found["longest"], found["p50"]) == (2, 3.0, 2.0)


def test_nothing_measured_is_told_as_nothing() -> None:
    assert rf.merged([]).as_result()["longest"] is None


def test_a_route_tells_the_longest_refusal_and_when_it_noticed() -> None:
    seen = Seen(refused={0: 10.0, 1: 11.0}, let_in={0: 14.0, 1: 16.5}, led_away=13.2, stored=4)
    found = rf.route_figures(seen, 13.0)
    assert (found["refused"], found["noticed"]) == (5.5, 0.2)
    assert rf.route_figures(Seen(), None)["refused"] is None


def test_a_cutover_without_a_switch_has_no_switch_time() -> None:
    window = {"all_denied": 3.0, "drained": 5.0, "switched": None, "proved": 5.0}
    assert rf.phases(window) == {"fence": 3.0, "drain": 2.0, "switch": None}
    assert rf.phases({**window, "switched": 5.5, "proved": 6.5})["switch"] == 1.5


# The forecast.


def test_without_a_rehearsal_nothing_changes() -> None:
    pace, basis = fo.apply(TOLD, None, HERE)
    assert pace == TOLD
    assert basis["from"] == fo.FROM_SETTINGS


def test_what_was_measured_replaces_what_was_assumed() -> None:
    pace, basis = fo.apply(TOLD, rehearsed(), HERE)
    # The longest of four samples, scaled by five fourths.
    assert pace.config_sync == 7.5
    assert pace.switch == 2.5
    assert pace.duplication_sync == 10.0
    assert basis["from"] == fo.FROM_REHEARSAL
    assert "/r.jsonl" in basis["text"]
    assert forecast(pace).window_p95 < forecast(TOLD).window_p95


def test_the_reserve_for_lifting_does_not_become_smaller() -> None:
    pace, _basis = fo.apply(TOLD, rehearsed(), HERE)
    assert forecast(pace).lift == forecast(TOLD).lift


def test_nothing_is_forecast_to_be_faster_than_it_was_seen() -> None:
    slow = {"by_node": {"a": [45.0]}, "servers": 1, "longest": 45.0}
    pace, _basis = fo.apply(TOLD, rehearsed(propagation=slow), HERE)
    assert pace.config_sync == 45.0
    assert forecast(pace).lift > forecast(TOLD).lift


def test_no_more_is_concluded_than_the_servers_tell() -> None:
    near = {"by_node": {"a": [28.0]}, "servers": 1, "longest": 28.0}
    pace, _basis = fo.apply(TOLD, rehearsed(propagation=near), HERE)
    assert pace.config_sync == 30.0


def test_a_drain_that_took_longer_than_told_counts() -> None:
    phases = {"fence": 6.0, "drain": 25.0, "switch": None}
    pace, _basis = fo.apply(TOLD, rehearsed(phases=phases), HERE)
    assert pace.duplication_sync == pytest.approx(24.79)
    assert pace.switch == TOLD.switch
    held, _basis = fo.apply(TOLD, rehearsed(phases=phases), dataclasses.replace(HERE, held_back=True))
    assert held.duplication_sync == TOLD.duplication_sync


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"source": "onebox-c"}, "the source was onebox-c then"),
        ({"target": "onebox-c"}, "the target was onebox-c then"),
        ({"source_version": "2.5.0"}, "the source's version was 2.5.0 then"),
        ({"config_sync_interval_ms": 1000}, "it ran with config_sync_interval=1s, and this cutover has keep"),
        ({"at": "2026-09-20T12:00:00.000Z"}, "rehearsal_max_age is 30d"),
    ],
)
def test_what_does_not_fit_is_not_used_and_told(more: dict[str, t.Any], why: str) -> None:
    pace, basis = fo.apply(TOLD, rehearsed(**more), HERE)
    assert pace == TOLD
    assert basis["from"] == fo.FROM_SETTINGS
    assert why in basis["text"]


def test_a_journal_that_is_not_there_is_no_error(tmp_path: t.Any) -> None:
    found = read_rehearsed({"rehearsal_journal": str(tmp_path / "none.jsonl")}, 1.0, "pegasus")
    assert found is not None
    assert fo.apply(TOLD, found, HERE)[1]["text"].endswith("there is no journal")
    assert read_rehearsed({"rehearsal_journal": " "}, 1.0, "pegasus") is None


# The options.


def given(**more: t.Any) -> dict[str, t.Any]:
    found = {name: option.get("default") for name, option in rehearsal_argument_spec().argument_spec.items()}
    return {
        **found,
        "meta_servers": "a:1",
        "target_meta_servers": "b:1",
        "state": "present",
        "journal": "/r.jsonl",
        **more,
    }


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(MigrationError) as caught:
        read_rehearsal_options(given(journal=None, table="orders", partition_count=12, records=0, timeout="soon"))
    for name in ("journal", "table", "partition_count", "records", "timeout"):
        assert f"{name}: " in caught.value.message


def test_the_cutover_gets_the_shadow_table_and_its_own_defaults() -> None:
    found = cutover_params(given(budget="90s", switch="hand_over"), "dbops_rehearsal_1")
    assert found["tables"] == ["dbops_rehearsal_1"]
    assert (found["state"], found["budget"], found["group_size"]) == ("cut_over", "90s", 1)
    assert found["rehearsal_journal"] is None
    assert found["journal"] == "/r.jsonl"


def test_no_control_text_holds_its_cutover() -> None:
    params = {**given(), "journal": "/r.jsonl", "control": "/wishes"}
    assert control_store(params) is not None
    assert control_store(cutover_params(params, "dbops_rehearsal_1")) is None
