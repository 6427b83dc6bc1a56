# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log that is elsewhere, with the times of another zone, tells as much as one in the tool's folder."""

from __future__ import annotations

import datetime
import os
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import (
    cutover_argument_spec,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_look import Look
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.tool_lot import Lot, make_lot

CHINA = datetime.timezone(datetime.timedelta(hours=8))
ONCE = """#!/bin/sh
at=$(TZ=UTC-8 date '+%y/%m/%d %H:%M:%S')
echo "$at INFO [r] report(S.java:1): Sync job progress: 100.00%, total: 4, finished: 4, failed: 0" >> {log}
exit 1
"""


@pytest.fixture(name="lot")
def fixture_lot(tmp_path: pathlib.Path) -> t.Iterator[Lot]:
    yield from make_lot(tmp_path)


def cutover_says(folder: pathlib.Path, **given: t.Any) -> tv.Verdict:
    """What a cutover goes by before it stops writes."""
    params = {name: option.get("default") for name, option in cutover_argument_spec().argument_spec.items()}
    params.update(frontends="10.0.0.1", target_frontends="10.0.1.1", tool_directory=str(folder), **given)
    eyes = Eyes(read_request(params), Redactor([]), FakeClock())
    assert eyes.tool is not None
    return eyes.tool.verdict()


def test_a_cutover_finds_good_progress_where_the_log_is(tmp_path: pathlib.Path) -> None:
    tool, log = tmp_path / "tool", tmp_path / "elsewhere.log"
    tool.mkdir()
    at = FakeClock().now().astimezone(CHINA).strftime("%y/%m/%d %H:%M:%S")
    log.write_text(f"{at} INFO [r] report(S.java:1): Sync job progress: 100.00%, total: 4, finished: 4\n")
    # No process runs here, so what was reported shows in why it counts as stopped.
    assert cutover_says(tool).verdict == tv.NOT_STARTED
    assert cutover_says(tool, log_file=str(log)).verdict == tv.STOPPED


def test_a_cutover_reads_the_times_of_the_log_in_their_zone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Look, "standing", property(lambda _look: tv.Standing(running=True)))
    tool, log = tmp_path / "tool", tmp_path / "elsewhere.log"
    tool.mkdir()
    at = FakeClock().now().astimezone(CHINA).strftime("%y/%m/%d %H:%M:%S")
    log.write_text(f"{at} INFO [r] report(S.java:1): Sync job progress: 100.00%, total: 4, finished: 4\n")
    assert cutover_says(tool, log_file=str(log), log_utc_offset="+08:00").verdict == tv.CONVERGED
    assert cutover_says(tool, log_file=str(log), log_utc_offset="UTC").verdict == tv.STALE


def test_a_log_that_is_not_there_is_told_by_name(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MigrationError) as caught:
        cutover_says(tmp_path, log_file=str(tmp_path / "typo.log"))
    assert caught.value.code == "starrocks.tool_not_accessible"
    assert "typo.log" in caught.value.message and "correct the path" in caught.value.message
    with pytest.raises(InvalidOption) as refused:
        cutover_says(tmp_path, log_file="sync.log")
    assert refused.value.option == "log_file"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")
def test_a_complete_one_time_run_is_not_taken_for_a_failed_one(lot: Lot) -> None:
    """It would be begun again by every run, from the start."""
    log = lot.folder / "elsewhere.log"
    lot.archive(ONCE.format(log=log))
    given: t.Dict[str, t.Any] = {
        "one_time_run_mode": True,
        "start_wait": "20s",
        "log_file": str(log),
        "log_utc_offset": "+08:00",
    }
    assert lot.call("started", **given)["run"] == "completed"
    assert not lot.call("started", **given)["changed"]
    assert lot.call("started", check=True, **{**given, "log_utc_offset": "+14:00"})["run"] == "ended"
    # A log that somebody has removed tells of no run, and is no error.
    log.unlink()
    assert lot.actions(lot.call("started", check=True, **given)) == ["start"]
