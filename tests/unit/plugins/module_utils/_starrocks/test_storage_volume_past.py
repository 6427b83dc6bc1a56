# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal says of storage volumes, what is put back, and what lost replies do; against a server in memory."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_journal import VolumeJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_restore import plan_restore, settle
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_send import VolumeReader, send_step

WANTED = Wanted("src_v", "S3", ("s3://b",), {known.REGION: "r"}, {known.SECRET_KEY: "the-secret-key"})
COLUMNS = ("Name", "Type", "IsDefault", "Location", "Params", "Enabled", "Comment")


class Memory:
    """As much of a server as these statements need. ``losing``: replies that are lost, and when it is done."""

    def __init__(self) -> None:
        self.volumes: t.Dict[str, t.Dict[str, str]] = {}
        self.default = ""
        self.sent: t.List[str] = []
        self.losing: t.List[str] = []
        self.refusing = ""
        self.late = ""

    def query(self, sql: str, doing: str) -> Rows:
        if sql.startswith("SHOW"):
            return Rows(("Storage Volume",), tuple((name,) for name in self.volumes))
        name = sql.split("`")[1]
        shown = {**self.volumes[name], known.INSTANCE_PROFILE: "false", known.SECRET_KEY: "******"}
        default = str(name == self.default).lower()
        enabled = shown.pop(known.ENABLED)
        return Rows(COLUMNS, ((name, "S3", default, "s3://b", json.dumps(shown), enabled, ""),))

    def execute(self, sql: str, doing: str) -> None:
        self.sent.append(sql)
        lost = self.losing.pop(0) if self.losing else ""
        if self.refusing:
            raise MigrationError(self.refusing, "refused", server_text="Storage volume 'src_v' is referenced by dbs")
        late, self.late = self.late, ""
        if late:
            self._apply(late)
        if lost == "late":
            self.late = sql
        elif lost != "before":
            self._apply(sql)
        if lost:
            raise MigrationError("starrocks.no_reply", "lost")

    def _apply(self, sql: str) -> None:
        name = sql.split("`")[1]
        pairs = dict(re.findall(r'"([^"]+)" = "([^"]*)"', sql))
        if sql.startswith("CREATE"):
            if name in self.volumes:
                raise MigrationError("starrocks.volume_exists", "exists")
            self.volumes[name] = pairs
        elif sql.startswith("ALTER"):
            self.volumes[name].update(pairs)
        elif sql.startswith("DROP"):
            del self.volumes[name]
        else:
            self.default = name


class Quick(SystemClock):
    def sleep(self, seconds: float) -> None:
        pass


class Case:
    def __init__(self, folder: pathlib.Path) -> None:
        self.server = Memory()
        self.journal = Journal.open(
            str(folder / "j"),
            migration_id="m",
            engine="starrocks",
            clock=Quick(),
            redactor=Redactor(["the-secret-key"]),
        )

    def apply(self, wanted: Wanted = WANTED, update: str = plans.ON_CREATE) -> int:
        reader = VolumeReader(self.server)
        found = reader.several([wanted.name])
        default = reader.default()
        steps = plans.plan_present("7", [wanted], found, update, default).steps
        for step in steps:
            send_step(step, self.server, reader, self.journal, Quick())
        return len(steps)

    def restore(self) -> t.List[str]:
        reader = VolumeReader(self.server)
        steps, records = plan_restore("7", self.journal.entries, (), reader)
        for step in steps:
            send_step(step, self.server, reader, self.journal, Quick())
        self.journal.append_many(("restore", record) for record in records)
        return [record["action"] for record in records]

    def status(self) -> str:
        return str(self.journal.view().of_kind("change.outcome")[-1].data["status"])


@pytest.fixture(name="case")
def _case(tmp_path: pathlib.Path) -> t.Iterator[Case]:
    case = Case(tmp_path)
    yield case
    case.journal.close()


def test_create_again_and_restore_twice(case: Case) -> None:
    assert (case.apply(), case.apply()) == (1, 0)
    assert case.restore() == ["restore"]
    assert case.server.volumes == {}
    assert case.restore() == []
    assert len(case.server.sent) == 2


def test_no_secret_reaches_the_journal(case: Case, tmp_path: pathlib.Path) -> None:
    case.apply()
    text = (tmp_path / "j").read_text(encoding="utf-8")
    assert "CREATE STORAGE VOLUME" in text and "the-secret-key" not in text


def test_what_somebody_else_changed_since_is_kept(case: Case) -> None:
    case.apply()
    case.server.volumes["src_v"][known.REGION] = "theirs"
    assert case.restore() == ["keep_theirs"]
    assert "src_v" in case.server.volumes


def test_what_was_there_before_is_altered_back_and_not_dropped(case: Case) -> None:
    case.server.volumes["src_v"] = {known.ENABLED: "true", known.REGION: "old"}
    assert case.apply() == 1
    assert case.restore() == ["restore"]
    assert case.server.volumes["src_v"][known.REGION] == "old"


def test_what_somebody_put_back_by_hand_is_left_alone(case: Case) -> None:
    case.server.volumes["src_v"] = {known.ENABLED: "true", known.REGION: "old"}
    case.apply()
    case.server.volumes["src_v"][known.REGION] = "old"
    assert case.restore() == ["already_original"]
    assert len(case.server.sent) == 1


def test_a_create_that_arrives_late_is_no_conflict(case: Case) -> None:
    case.server.losing = ["late"]
    assert case.apply() == 1
    assert len(case.server.sent) == 2 and case.status() == "done"


def test_the_default_goes_back_before_ours_is_dropped(case: Case) -> None:
    case.server.volumes["old"] = {known.ENABLED: "true"}
    case.server.default = "old"
    case.apply(dataclasses.replace(WANTED, default=True))
    assert case.server.default == "src_v"
    assert case.restore() == ["restore", "restore"]
    assert case.server.default == "old" and list(case.server.volumes) == ["old"]


@pytest.mark.parametrize(("losing", "sent"), [(["after"], 1), (["before"], 2), (["before", "after"], 2)])
def test_a_lost_reply_of_a_create_is_settled_by_looking(case: Case, losing: t.List[str], sent: int) -> None:
    case.server.losing = losing
    case.apply()
    assert len(case.server.sent) == sent and case.status() == "done"
    assert list(case.server.volumes) == ["src_v"]


def test_new_credentials_count_only_with_a_reply(case: Case) -> None:
    case.apply()
    case.server.losing = ["before"]
    case.apply(update=plans.ALWAYS)
    assert len(case.server.sent) == 3 and case.status() == "done"
    case.server.losing = ["before", "before", "before"]
    with pytest.raises(MigrationError) as caught:
        case.apply(update=plans.ALWAYS)
    assert caught.value.code == "starrocks.no_reply" and case.status() == "unknown"


def test_a_volume_in_use_is_kept_and_the_recycle_bin_is_named(case: Case) -> None:
    case.apply()
    case.server.refusing = "starrocks.volume_in_use"
    with pytest.raises(MigrationError, match="recycle bin") as caught:
        case.restore()
    assert "referenced by dbs" in str(caught.value.message)
    assert case.status() == "failed"
    case.server.refusing = ""
    assert case.restore() == ["restore"] and case.server.volumes == {}


def test_a_run_that_was_killed_before_its_outcome_is_ours(case: Case) -> None:
    case.journal.intents([plans.plan_present("7", [WANTED], {}).steps[0].change])
    case.server.execute(plans.plan_present("7", [WANTED], {}).steps[0].sql, "")
    assert case.restore() == ["restore"] and case.server.volumes == {}


def test_what_a_killed_run_left_open_is_settled_by_what_is_there(case: Case, tmp_path: pathlib.Path) -> None:
    made, default = plans.plan_present("7", [dataclasses.replace(WANTED, default=True)], {}).steps
    other = plans.plan_present("7", [dataclasses.replace(WANTED, name="src_w")], {}).steps[0]
    ids = case.journal.intents([made.change, default.change, other.change])
    case.server.execute(made.sql, "")
    case.journal.close()
    store = VolumeJournal({"journal": str(tmp_path / "j"), "migration_id": "m"}, Redactor([]), Quick())
    settle("7", store, VolumeReader(case.server))
    store.close()
    case.journal = Case(tmp_path).journal
    found = {entry.data["id"]: entry.data for entry in case.journal.view().of_kind("change.outcome")}
    assert [found[one]["status"] for one in ids] == ["done", "abandoned", "abandoned"]
    assert [found[one]["evidence"]["now"] is None for one in ids] == [False, False, True]
    assert found[ids[1]]["evidence"]["now"] == {"default": None}


def test_one_that_the_server_hides_is_explained(case: Case) -> None:
    case.server.refusing = "starrocks.volume_exists"
    with pytest.raises(MigrationError, match="not shown to this user"):
        case.apply()
