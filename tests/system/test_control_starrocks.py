# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people and the calendar say to StarRocks modules, against the lab and from the server's side."""

from __future__ import annotations

import contextlib
import json
import pathlib
import time
import typing as t

import pytest

from lab.embedded import EmbeddedLabs
from system.starrocks_cutover_lab import Migration
from system.starrocks_modules import finish, sent, start

LAB: dict[str, t.Any] = {
    "engine": "starrocks",
    "profile": "4.1",
    "databases": 1,
    "tables": 3,
    "partitions": 2,
    "rate": 0.5,
    "factor": 20,
}
TABLES, SPEED = "replication_max_parallel_table_count", "replication_max_speed_limit_kbps"
CLOSED = "2020-01-01T00:00:00Z/2020-01-01T01:00:00Z"


@pytest.fixture(name="migration")
def fixture_migration(tmp_path: pathlib.Path) -> t.Iterator[Migration]:
    """A migration whose tool has caught up."""
    with contextlib.closing(EmbeddedLabs()) as labs:
        lab = labs.start(**LAB)
        migration = Migration(lab, tmp_path)
        try:
            migration.prepare()
            migration.start_tool()
            migration.await_near(10)
            yield migration
        finally:
            migration.stop_tool()
            labs.stop(lab)


def _to_source(migration: Migration) -> list[str]:
    return [one["request"] for one in migration.lab.requests(mutating=True) if one["surface"] == "source-mysql"]


def _limited(migration: Migration) -> tuple[set[str | None], set[str]]:
    """What the target's frontends and nodes have of the two configs that can be limited; None for the default."""
    target = migration.lab.state()["clusters"]["target"]
    rows = migration.rows("target", f"SELECT VALUE FROM information_schema.be_configs WHERE NAME = '{SPEED}'")
    return {one["config"].get(TABLES) for one in target["frontends"]}, {str(next(iter(row))) for row in rows}


def _setting(migration: Migration) -> list[str]:
    """What was sent to set them."""
    return [one for one in sent(migration.lab) if TABLES in one or SPEED in one]


def _entries(migration: Migration) -> list[dict[str, t.Any]]:
    lines = pathlib.Path(migration.journal).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.cost(40)
def test_a_cutover_is_refused_before_and_lifted_under_its_freeze(migration: Migration) -> None:
    file = pathlib.Path(migration.journal + ".control")
    migration.lab.clear_requests()
    for text, code in (("?", "control.unreadable"), ("pause", "control.paused"), ("abort", "control.aborted")):
        file.write_text(text)
        assert migration.cut_over()["code"] == code
    file.unlink()
    for check in (True, False):
        assert migration.cut_over(check, cutover_window=CLOSED)["code"] == "cutover.outside_window"
    now = time.time()
    soon = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (now - 3600, now + 6)]
    assert migration.cut_over(cutover_window="/".join(soon))["code"] == "cutover.outside_window"
    assert _to_source(migration) == []
    assert not any(migration.loads_refused())

    # The target does not become equal while its replications do not get on: time enough to abort.
    process = start("cutover", migration.cutover_options(quiet_time="20s", budget="100s"))
    end = time.monotonic() + 60
    while not all(migration.loads_refused()) and time.monotonic() < end:
        time.sleep(0.1)
    assert all(migration.loads_refused())
    file.write_text("abort the phone rings")
    result = finish(process)
    assert (result["failed"], result["code"]) == (True, "control.aborted"), result
    assert "the freeze was lifted" in result["msg"]
    assert result["state"] == "lifted"
    assert not any(migration.loads_refused())
    entries = _entries(migration)
    assert "lift" in [one["data"]["kind"] for one in entries if one["kind"] == "proof"]
    assert [one["data"]["wish"] for one in entries if one["kind"] == "control"][-1] == "abort the phone rings"

    file.write_text("resume")
    done = migration.cut_over()
    assert done["state"] == "handed_over", done
    # Whoever has the switch in hand ends it by its own word, and what is said then is told to be too late.
    file.write_text("abort the clients are unhappy")
    ended = migration.cut_over(state="committed")
    assert ended["state"] == "committed"
    (event,) = ended["events"]
    assert "abort the clients are unhappy (not applicable: too late" in event
    last = [one["data"] for one in _entries(migration) if one["kind"] == "control"][-1]
    assert (last["wish"], last["effect"]) == ("abort the clients are unhappy", "not_applicable")


@pytest.mark.thorough
@pytest.mark.cost(25)
def test_the_wait_does_not_end_during_a_pause_and_ends_at_an_abort(migration: Migration) -> None:
    file = pathlib.Path(migration.journal + ".control")
    options = {
        **migration.options(), "directory": migration.directory, "journal": migration.journal, "max_behind": 1000,
        "poll_interval": "300ms", "stable_samples": 1,
    }  # fmt: skip
    migration.lab.clear_requests()
    file.write_text("pause\nlimits global=1")
    step = finish(start("sync_wait", {**options, "step_time": "1s"}))
    assert step["finished"] is False, step
    assert [one["reason"] for one in step["waits"]] == ["control.paused"]
    assert any("not applicable" in event for event in step["events"])
    again = finish(start("sync_wait", {**options, "step_time": "1s", "follow": step["follow"]}))
    assert again["events"] == []
    assert "control.paused" in finish(start("sync_wait", options, check=True))["summary"]
    file.write_text("abort")
    predicted = finish(start("sync_wait", options, check=True))
    assert predicted["code"] == "control.aborted", predicted
    failed = finish(start("sync_wait", {**options, "step_time": "1s", "follow": step["follow"]}))
    assert failed["code"] == "control.aborted", failed
    assert "the sync tool goes on" in failed["msg"]
    file.unlink()
    assert finish(start("sync_wait", options))["finished"] is True
    assert [one for one in sent(migration.lab) if "source" in one] == []


@pytest.mark.thorough
@pytest.mark.cost(30)
def test_limits_hold_on_the_target_and_their_former_values_come_back(migration: Migration) -> None:
    file = pathlib.Path(migration.journal + ".control")
    options = {
        **migration.options(), "directory": migration.directory, "journal": migration.journal, "migration_id": "m",
        "max_behind": 1000, "poll_interval": "300ms", "stable_samples": 1,
    }  # fmt: skip
    before = _limited(migration)
    migration.lab.clear_requests()
    file.write_text("limits tables=2 thread_kbps=1000")
    predicted = finish(start("sync_wait", options, check=True))
    assert _setting(migration) == [] and len(predicted["changes"]) >= 2
    first = finish(start("sync_wait", options))
    assert (first["finished"], first["changed"], first["changes"]) == (True, True, predicted["changes"]), first
    assert _limited(migration) == ({"2"}, {"1000"})
    asked = _setting(migration)
    assert [key for one in asked for key in (TABLES, SPEED) if key in one] == [TABLES, SPEED]
    again = finish(start("sync_wait", options))
    assert (again["finished"], again["changed"], again["events"]) == (True, False, [])
    assert _setting(migration) == asked
    file.write_text("limits per_source=1")
    refused = finish(start("sync_wait", {**options, "step_time": "1s"}))
    assert any("StarRocks has no such limit" in event for event in refused["events"])
    assert _limited(migration) == ({"2"}, {"1000"})
    file.unlink()
    lifted = finish(start("sync_wait", options))
    assert lifted["changed"] is True, lifted
    assert _limited(migration) == before
