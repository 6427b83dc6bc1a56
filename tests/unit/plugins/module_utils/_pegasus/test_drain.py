# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a partition is drained: only positive evidence passes."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import drain, model

APP, DUP = 2, 77
NODE, OTHER = "10.0.0.1:34801", "10.0.0.2:34801"
POSITION = drain.Position(0, NODE, 5, 100, "2026-11-21T03:14:00.000Z")
DOWN = MigrationError("pegasus.unreachable", "down")


def info(committed: int, ballot: int = 5, status: str = "PRIMARY", prepared: t.Optional[int] = None) -> drain.Infos:
    last = committed if prepared is None else prepared
    return model.Answers({NODE: (model.ReplicaInfo(0, APP, ballot, status, committed, last, 0, NODE),)})


def progress(not_confirmed: int, duplicating: bool = True, mode: str = "FAIL_SLOW", dupid: int = DUP) -> drain.Progress:
    item = model.PartitionProgress(0, NODE, duplicating, not_confirmed, 0, mode, dupid)
    return model.Answers({NODE: (item,)})


def judge(before: drain.Infos, found: drain.Progress, after: drain.Infos, allowance: int = 0) -> drain.Look:
    return drain.judge(POSITION, APP, DUP, before, found, after, allowance)


def test_passed_when_the_confirmed_decree_reaches_the_position() -> None:
    look = judge(info(100), progress(0), info(100))
    assert (look.state, look.confirmed) == (drain.PASSED, 100)


def test_behind_by_one_is_not_drained() -> None:
    assert judge(info(100), progress(1), info(100)).state == drain.BEHIND


def test_up_to_2_5_an_empty_write_pushes_the_last_mutation_out() -> None:
    assert judge(info(101), progress(1), info(101)).state == drain.PASSED


def test_an_empty_write_between_the_two_questions_is_not_counted_as_confirmed() -> None:
    # The server said "one is missing" of 101; subtracted from 101 that would be 100 and a false pass, if it was of 100.
    assert judge(info(100), progress(1), info(101)).state == drain.BEHIND


def test_the_allowance_lets_one_held_back_mutation_pass() -> None:
    assert judge(info(100), progress(1), info(100), allowance=1).state == drain.PASSED
    assert judge(info(100), progress(2), info(100), allowance=1).state == drain.BEHIND


@pytest.mark.parametrize(
    ("before", "found", "after"),
    [
        (model.Answers({}, {NODE: DOWN}), progress(0), info(100)),
        (info(100), progress(0), model.Answers({}, {NODE: DOWN})),
        (info(100), model.Answers({}, {NODE: DOWN}), info(100)),
        (info(100), model.Answers({NODE: ()}), info(100)),
        (info(100), progress(0, dupid=78), info(100)),
        (info(100), progress(0, duplicating=False), info(100)),
        (info(100), progress(-1), info(100)),
        (model.Answers({NODE: ()}), progress(0), info(100)),
    ],
)
def test_what_is_missing_or_makes_no_sense_is_unknown(
    before: drain.Infos, found: drain.Progress, after: drain.Infos
) -> None:
    assert judge(before, found, after).state == drain.UNKNOWN


def test_told_twice_is_unknown() -> None:
    item = progress(0).good[NODE][0]
    assert judge(info(100), model.Answers({NODE: (item, item)}), info(100)).state == drain.UNKNOWN


@pytest.mark.parametrize("other", [info(100, ballot=6), info(100, status="SECONDARY")])
def test_a_primary_that_changed_before_or_after_means_moved(other: drain.Infos) -> None:
    assert judge(other, progress(0), info(100)).state == drain.MOVED
    assert judge(info(100), progress(0), other).state == drain.MOVED


def test_a_fail_mode_that_loses_mutations_breaks_it() -> None:
    assert judge(info(100), progress(0, mode="FAIL_SKIP"), info(100)).state == drain.BROKEN


@given(st.integers(0, 300), st.integers(-5, 300), st.integers(0, 5))
def test_it_never_passes_on_more_than_what_was_read_first(committed: int, missing: int, later: int) -> None:
    look = judge(info(committed), progress(missing), info(committed + later))
    if look.state == drain.PASSED:
        assert committed - missing >= POSITION.decree


def _config(ballot: int = 5, primary: str = NODE) -> model.TableConfig:
    return model.TableConfig(APP, 1, (model.Partition(0, ballot, 3, primary, (OTHER,), 0),))


def test_a_position_holds_what_was_prepared_too() -> None:
    found, missing = drain.take_positions(_config(), info(100, prepared=103), "now")
    assert found[0].decree == 103 and not missing


@pytest.mark.parametrize(
    ("config", "infos"),
    [
        (_config(ballot=6), info(100)),
        (_config(primary=""), info(100)),
        (_config(primary=OTHER), info(100)),
        (_config(), info(100, status="SECONDARY")),
        (_config(), model.Answers({}, {NODE: DOWN})),
    ],
)
def test_a_position_needs_both_servers_to_agree(config: model.TableConfig, infos: drain.Infos) -> None:
    found, missing = drain.take_positions(config, infos, "now")
    assert not found and set(missing) == {0}


def test_lag_of_a_partition_that_nobody_tells_is_not_zero() -> None:
    config = model.TableConfig(
        APP,
        2,
        (model.Partition(0, 5, 3, NODE, (), 0), model.Partition(1, 5, 3, NODE, (), 0)),
    )
    found, missing = drain.lag(config, DUP, progress(3))
    assert found == {0: 0} and set(missing) == {1}
