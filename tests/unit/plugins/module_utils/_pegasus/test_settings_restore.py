# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import recorded as sr
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call, send_call
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

NAME = "pegasus:a/table/t/env/k"


class Setting:
    """One setting on a server. ``script`` says what each call does: apply, lose (the change), a value of others."""

    def __init__(self, folder: pathlib.Path, value: t.Any, script: t.Sequence[str] = ()) -> None:
        self.value = value
        self.script = list(script)
        self.calls = 0
        self.clock = FakeClock()
        self.path = str(folder / "journal.jsonl")

    def journal(self) -> Journal:
        return Journal.open(self.path, migration_id="m", engine="pegasus", clock=self.clock, redactor=Redactor([]))

    def sender(self, after: t.Any) -> t.Callable[[], None]:
        def send() -> None:
            self.calls += 1
            step = self.script.pop(0) if self.script else "apply"
            if "apply" in step:
                self.value = after
            elif step.startswith("other:"):
                self.value = step[6:]
            if "no reply" in step:
                raise MigrationError("pegasus.ambiguous", "no answer came")
            if step == "refuse":
                raise MigrationError("pegasus.invalid_parameters", "no such env", server_text="ERR: hint")

        return send

    def change(self, after: t.Any, action: str = "set") -> t.Dict[str, t.Any]:
        with self.journal() as journal:
            changes = (Change(NAME, action, self.value, after, "the call"),)
            call = Call(changes, self.sender(after), lambda: [self.value])
            return send_call(call, journal, self.clock)

    def recorded(self) -> sr.Recorded:
        return sr.recorded(Journal.read(self.path).entries, "pegasus:a/").get(NAME, sr.NOTHING)

    def last(self) -> t.Dict[str, t.Any]:
        return dict(Journal.read(self.path).entries[-1].data)


def test_a_change_is_read_back_and_remembered(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, "old")
    assert setting.change("new") == {"read_back": ["new"], "sent": 1, "replies_lost": 0}
    past = setting.recorded()
    assert (past.original, past.ours, past.changes, past.pending) == ("old", "new", 1, ())
    assert past.last_done == setting.clock.now().timestamp()
    assert sr.decide(past, "new").action == "restore"
    assert sr.decide(past, "old").action == "already_original"
    assert sr.decide(past, "third").action == "keep_theirs"


@pytest.mark.parametrize(
    ("script", "calls", "lost"),
    [(["apply, no reply"], 1, 1), (["lose"], 2, 0), (["no reply"], 2, 1), (["lose", "lose"], 3, 0)],
)
def test_what_was_lost_is_told_apart_by_reading_back(
    tmp_path: pathlib.Path, script: t.List[str], calls: int, lost: int
) -> None:
    setting = Setting(tmp_path, None, script)
    evidence = setting.change("new")
    assert (setting.value, setting.calls, evidence["replies_lost"]) == ("new", calls, lost)
    assert setting.last()["status"] == "done"


def test_a_value_of_somebody_else_is_left_alone(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, "old", ["other:theirs"])
    with pytest.raises(MigrationError) as caught:
        setting.change("new")
    assert caught.value.code == "pegasus.setting_contested"
    assert (setting.value, setting.calls, setting.last()["status"]) == ("theirs", 1, "failed")
    assert setting.recorded().changes == 0


@pytest.mark.parametrize(
    ("answered", "statuses"), [(True, ["done", "failed", "unknown"]), (False, ["done", "unknown", "unknown"])]
)
def test_of_several_settings_only_that_of_somebody_else_is_not_ours(
    tmp_path: pathlib.Path, answered: bool, statuses: t.List[str]
) -> None:
    """Each may be put back later that is, or may still become, what we asked for."""
    setting = Setting(tmp_path, "old", [])
    changes = tuple(Change(f"{NAME}{number}", "set", "old", "new", "the call") for number in range(3))

    def send() -> None:
        if not answered:
            raise MigrationError("pegasus.ambiguous", "no answer came")

    with setting.journal() as journal, pytest.raises(MigrationError) as caught:
        send_call(Call(changes, send, lambda: ["new", "theirs", "old"]), journal, setting.clock)
    assert caught.value.code == "pegasus.setting_contested"
    entries = Journal.read(setting.path).entries
    assert [one.data["status"] for one in entries if one.kind == "change.outcome"] == statuses
    ours = {name[-1] for name, past in sr.recorded(entries, NAME).items() if past.changes}
    assert ours == {str(number) for number, status in enumerate(statuses) if status != "failed"}


def test_a_change_that_never_stays_fails(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, "old", ["lose"] * 9)
    with pytest.raises(MigrationError) as caught:
        setting.change("new")
    assert (caught.value.code, setting.calls) == ("pegasus.setting_not_kept", 3)
    assert setting.last()["status"] == "unknown"
    assert setting.recorded().changes == 1, "it may still arrive, so it may be ours"


def test_a_change_that_no_answer_is_clear_about_tells_the_last_one(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, "old", ["no reply"] * 9)
    with pytest.raises(MigrationError, match=r"the old value was read back\. No answer was clear") as caught:
        setting.change("new")
    assert (caught.value.code, setting.calls) == ("pegasus.setting_not_kept", 3)
    assert "no answer came" in caught.value.message and "Somebody" not in caught.value.message


def test_a_refusal_is_final_and_tells_the_servers_words(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, "old", ["refuse"])
    with pytest.raises(MigrationError, match="no such env"):
        setting.change("new")
    assert (setting.calls, setting.last()["status"], setting.last()["server_text"]) == (1, "failed", "ERR: hint")


@pytest.mark.parametrize("first", ["lose", "no reply"])
def test_a_refusal_of_what_was_sent_before_leaves_open_what_became_of_that(tmp_path: pathlib.Path, first: str) -> None:
    setting = Setting(tmp_path, "old", [first, "refuse"])
    with pytest.raises(MigrationError, match="no such env"):
        setting.change("new")
    assert (setting.calls, setting.last()["status"]) == (2, "unknown")


@pytest.mark.parametrize(
    ("script", "looks", "perhaps"),
    [
        (["refuse"], True, False),
        (["no reply", "refuse"], True, True),
        (["lose", "refuse"], True, True),
        (["lose"] * 3, True, True),
        (["other:theirs"], True, True),
        (["apply"], False, True),
    ],
)
def test_a_cutover_tells_of_every_change_that_may_have_been_made(
    tmp_path: pathlib.Path, script: t.List[str], looks: bool, perhaps: bool
) -> None:
    setting = Setting(tmp_path, "old", script)

    def look() -> t.List[t.Any]:
        if not looks:
            raise MigrationError("pegasus.timeout", "no answer came")
        return [setting.value]

    with setting.journal() as journal:
        record = CutoverRecord(journal, setting.clock)
        with pytest.raises(MigrationError):
            record.send(Call((Change(NAME, "set", "old", "new", "the call"),), setting.sender("new"), look))
    assert record.changes.changed == perhaps


def test_the_first_value_found_is_the_original_until_it_is_put_back(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, None)
    setting.change("one")
    setting.change("two")
    assert (setting.recorded().original, setting.recorded().ours) == (None, "two")
    setting.change(None, sr.RESTORE)
    with setting.journal() as journal:
        past = setting.recorded()
        journal.append(sr.RESTORE, sr.restore_record(NAME, past, "two", sr.decide(past, "two")))
    assert setting.recorded().changes == 0
    assert sr.decide(setting.recorded(), None).action == "already_original"
    setting.change("three")
    assert (setting.recorded().original, setting.recorded().ours, setting.recorded().changes) == (None, "three", 1)


def test_an_intent_without_outcome_may_be_ours(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, "old")
    with setting.journal() as journal:
        journal.intents([Change(NAME, "set", "old", "new", "the call")])
    past = setting.recorded()
    assert [after for _id, after in past.pending] == ["new"]
    assert sr.decide(past, "new").action == "restore"


def test_resources_of_others_are_not_looked_at(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, "old")
    setting.change("new")
    assert sr.recorded(Journal.read(setting.path).entries, "pegasus:ab/") == {}


def test_a_restore_that_was_killed_before_it_was_sent_is_made_up_for(tmp_path: pathlib.Path) -> None:
    setting = Setting(tmp_path, "old")
    setting.change("new")
    with setting.journal() as journal:
        journal.intents([Change(NAME, sr.RESTORE, "new", "old", "the call")])
    assert sr.decide(setting.recorded(), "new").action == "restore"
    assert sr.decide(setting.recorded(), "old").action == "already_original"
