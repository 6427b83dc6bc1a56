# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the wait, as texts and with everything wrong at once."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import (
    WaitRequest,
    read_wait_request,
    wait_argument_spec,
)


def read(**given: t.Any) -> WaitRequest:
    params = {name: option.get("default") for name, option in wait_argument_spec().argument_spec.items()}
    params.update(frontends="10.0.0.1", target_frontends="10.0.1.1:9031", directory="/opt/sync")
    params.update(given)
    return read_wait_request(params)


def test_texts_will_do() -> None:
    request = read(max_behind="7", stable_samples="3", poll_interval="2", timeout="2h", step_time="0", wait="yes")
    assert (request.max_behind, request.stable_samples, request.poll_interval) == (7, 3, 2.0)
    assert (request.timeout, request.step_time, request.wait) == (7200.0, 0.0, True)
    assert str(request.target.frontends[0]) == "10.0.1.1:9031"


def test_a_single_look_is_a_step_without_time() -> None:
    assert read().step_time is None
    assert read(wait=False).step_time == 0.0


def test_draining_needs_no_tool() -> None:
    for until in ("compaction_drained", "replication_drained"):
        assert read(until=until, directory=None).until == until
    with pytest.raises(InvalidOption, match="directory"):
        read(directory="")


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        read(poll_interval="5 parsecs", max_behind="-1", timeout="", target_frontends="10.0.0.1", stable_samples=0)
    told = str(caught.value)
    for name in ("poll_interval", "max_behind", "timeout", "target_frontends", "stable_samples"):
        assert name in told


def test_what_the_look_at_the_tool_takes_is_told_too() -> None:
    with pytest.raises(InvalidInput) as caught:
        read(stall_after="soon", log_utc_offset="CET", directory="sync", timeout="1 moon")
    told = str(caught.value)
    for name in ("stall_after", "log_utc_offset", "directory", "timeout"):
        assert name in told
