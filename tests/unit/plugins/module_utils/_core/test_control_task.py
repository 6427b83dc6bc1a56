# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import os
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.control import Control
from ansible_collections.dbops.migration.plugins.module_utils._core.control_store import FileControl
from ansible_collections.dbops.migration.plugins.module_utils._core.control_task import ControlTask
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


class Desk:
    """Calls the module's task on one file, whose time is the fake clock's."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.clock = FakeClock()
        self.journal = folder / "m.jsonl"
        self.path = folder / "m.jsonl.control"

    def call(self, check: bool = False, **given: t.Any) -> t.Dict[str, t.Any]:
        params = {"journal": str(self.journal), "state": "present", **given}
        result = ControlTask(params, check, self.clock).body()
        self.age(0)
        return result

    def age(self, seconds: float) -> None:
        """Let the file be as old; only where it was written now."""
        if self.path.exists() and self.path.stat().st_mtime > self.clock.now().timestamp():
            os.utime(self.path, times=(self.clock.now().timestamp() - seconds,) * 2)

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self.age(0)

    def four_steps(self, **given: t.Any) -> t.Dict[str, t.Any]:
        """Check, run, run again, check again."""
        check = self.call(check=True, **given)
        before = self.path.read_text() if self.path.exists() else None
        run = self.call(**given)
        assert check["changed"] is True
        assert (check["text"], check["changes"], check["diff"]) == (run["text"], run["changes"], run["diff"])
        assert before != (self.path.read_text() if self.path.exists() else None)
        for again in (self.call(**given), self.call(check=True, **given)):
            assert (again["changed"], again["changes"], again["text"]) == (False, [], run["text"])
        return run


@pytest.fixture
def desk(tmp_path: pathlib.Path) -> Desk:
    # Files carry the real time, which is long before that of the fake clock or long after: each write sets it.
    found = Desk(tmp_path)
    found.clock.wall = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    return found


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"wish": "paused"}, "pause\n"),
        ({"wish": "aborted", "reason": " too  late #7"}, "abort too late #7\n"),
        ({"limits": {"global": 4, "per_table": None}}, "limits global=4 per_table=none\n"),
        ({"limits": '{"per_source:3": "1"}'}, "limits per_source:3=1\n"),
        ({"postpone": "2h"}, "postpone 2h\n"),
        ({"postpone": "2026-11-22 02:00+01:00"}, "postpone until 2026-11-22T01:00:00.000Z\n"),
        ({"proceed": True}, "proceed\n"),
        ({"wish": "paused", "limits": {"a": 1}, "postpone": "90"}, "pause\nlimits a=1\npostpone 90\n"),
    ],
)
def test_a_wish_is_written_once(desk: Desk, given: t.Dict[str, t.Any], text: str) -> None:
    result = desk.four_steps(**given)
    assert desk.path.read_text() == result["text"] == text
    assert os.stat(desk.path).st_mode & 0o777 == 0o600
    assert result["control"] == str(desk.path)
    assert result["unreadable"] == ""


@pytest.mark.parametrize(
    ("text", "given", "left"),
    [
        ("pause\n", {"wish": "running"}, None),
        ("# why\npause\nproceed\n", {"wish": "running"}, "# why\nproceed\n"),
        ("limits a=1\npause\n", {"limits": {}}, "pause\n"),
        ("limits a=1\npause\n", {"limits": "{}"}, "pause\n"),
        ("proceed\npause\n", {"proceed": False}, "pause\n"),
        ("postpone until 2026-11-22\npause\n", {"postpone": "0"}, "pause\n"),
        ("abort\n", {"state": "absent"}, None),
        ("", {"state": "absent"}, None),
        ("# nothing\n", {"state": "absent"}, None),
    ],
)
def test_a_wish_is_withdrawn_and_the_rest_stays(
    desk: Desk, text: str, given: t.Dict[str, t.Any], left: t.Optional[str]
) -> None:
    desk.write(text)
    desk.four_steps(**given)
    assert (desk.path.read_text() if desk.path.exists() else None) == left


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("pause\nresume\n", {"wish": "running"}),
        ("PAUSE # lunch\n", {"wish": "paused"}),
        ("postpone 120m\n", {"postpone": "2h"}),
        ("postpone 2h\n", {"proceed": False}),
        ("proceed\n", {"postpone": "0"}),
        ("# a word\n", {"limits": {}}),
        ("pause\n", {}),
    ],
)
def test_what_is_wished_already_is_not_written_again(desk: Desk, text: str, given: t.Dict[str, t.Any]) -> None:
    desk.write(text)
    assert desk.call(**given)["changed"] is False
    assert desk.path.read_text() == text


def test_a_postponement_keeps_its_end_when_something_else_is_written(desk: Desk) -> None:
    desk.call(postpone="2h")
    desk.clock.advance(3600)
    result = desk.call(wish="paused")
    assert result["in_force"]["postponed_until"] == "2020-01-01T02:00:00.000Z"
    assert desk.path.read_text() == "pause\npostpone until 2020-01-01T02:00:00.000Z\n"


def test_what_nobody_can_read_is_told_and_replaced(desk: Desk) -> None:
    desk.write("pause\nlimtis a=1\n")
    told = desk.call()
    assert "line 2: 'limtis a=1'" in told["unreadable"]
    assert (told["changed"], told["in_force"]["paused"]) == (False, False)
    assert desk.four_steps(wish="paused")["unreadable"] == ""
    assert desk.path.read_text() == "pause\n"


def test_whether_a_run_has_acknowledged_it(desk: Desk) -> None:
    desk.write("pause\nproceed\n")
    assert [one["acknowledged"] for one in desk.call()["wishes"]] == [False, False]
    control = Control(FileControl(str(desk.path)), desk.clock)
    desk.clock.advance(5)
    with Journal.open(
        str(desk.journal), migration_id="m", engine="greptimedb", clock=desk.clock, redactor=Redactor([])
    ) as journal:
        journal.append_many([("control", one.as_entry()) for one in control.poll()])
        # Also while a migration holds the journal.
        found = desk.call()["wishes"]
    assert [(one["kind"], one["wish"], one["acknowledged"], one["effect"]) for one in found] == [
        ("run", "pause", True, "taken"),
        ("cutover", "proceed", True, "taken"),
    ]
    assert found[0]["at"] == "2020-01-01T00:00:05.000Z"


def test_the_journal_of_another_migration_is_refused(desk: Desk) -> None:
    with Journal.open(str(desk.journal), migration_id="m", engine="x", clock=desk.clock, redactor=Redactor([])):
        pass
    with pytest.raises(MigrationError, match="belongs to migration_id 'm'"):
        desk.call(migration_id="other", wish="paused")
    assert not desk.path.exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"journal": "", "wish": "paused"}, "control: it is not given, nor is a journal"),
        ({"control": "none", "wish": "paused"}, "control: with none there is nothing to write"),
        ({"reason": "so"}, "reason: nothing is aborted"),
        ({"limits": {"Global": 1}}, "limits: 'Global=1' is no limit"),
        ({"limits": {"global": 0}}, "limits: global must be 1"),
        ({"limits": [1]}, "limits: "),
        ({"postpone": "soon"}, "postpone: 'soon' is neither a length of time nor a time"),
        ({"postpone": "2y"}, "postpone: '2y'"),
        ({"state": "absent", "wish": "paused"}, "state: absent withdraws everything"),
    ],
)
def test_bad_input_is_refused_before_anything_is_touched(desk: Desk, given: t.Dict[str, t.Any], told: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        desk.call(**given)
    assert caught.value.message.startswith(told)
    assert not desk.path.exists()


def test_a_proceed_that_let_a_cutover_begin_is_written_anew(desk: Desk) -> None:
    assert desk.call(proceed=True)["changed"] is True
    with Journal.open(
        str(desk.journal), migration_id="m", engine="x", clock=desk.clock, redactor=Redactor([])
    ) as journal:
        assert desk.call(proceed=True)["changed"] is False
        desk.clock.advance(60)
        journal.append("run.started", {"run_id": "one", "phase": "cutover"})
    before = desk.path.stat().st_mtime
    desk.clock.advance(60)
    assert desk.call(wish="running")["changed"] is False
    assert desk.call(check=True, proceed=True)["changed"] is True
    assert desk.path.stat().st_mtime == before
    assert desk.call(proceed=True)["changed"] is True
    assert desk.path.stat().st_mtime > before
    assert desk.call(proceed=True)["changed"] is False
