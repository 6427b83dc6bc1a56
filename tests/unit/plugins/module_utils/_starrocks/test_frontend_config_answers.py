# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers over HTTP that do not tell whether a config was set: the frontend is read back, and that decides."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_plan import (
    HTTP,
    SQL,
    ConfigCall,
    Target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_send import (
    Sender,
    Sent,
    set_over_http,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.http_wire import HttpReply
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.freeze_world import (
    Migration,
    World,
)

KEY = "lake_compaction_max_tasks"
FRONTEND = Frontend("fe0", "a", 9030, 8030, 9020, "LEADER", True, "1", "4.1.0", "")
COLUMNS = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")
SET = '{"set":{"lake_compaction_max_tasks":"0"},"err":{}}'
IN_ERR = '{"set":{},"err":{"lake_compaction_max_tasks":"[0]"}}'


class OneFrontend:
    """It has one config, and answers HTTP as it is told: (status, text, whether it sets the value)."""

    def __init__(self, *answers: t.Tuple[int, str, bool]) -> None:
        self.answers = list(answers)
        self.value = "-1"
        self.profile = Profile.choose(Version.parse("4.1.0"), "shared_data")
        self.read: t.List[str] = []

    def query_on(self, _frontend: Frontend, sql: str, _doing: str) -> Rows:
        key, value = ("http_port", "8030") if "http" in sql else (KEY, self.value)
        self.read.append(key)
        return Rows(COLUMNS, ((key, "[]", value, "int", "true", ""),))

    def http(self, _place: t.Any, _method: str, _path: str, _doing: str, *, mutating: bool = False) -> HttpReply:
        assert mutating
        status, text, applied = self.answers.pop(0)
        if applied:
            self.value = "0"
        return HttpReply(status, text, "a:8030")

    def on_each(self, items: t.Iterable[t.Any], call: t.Callable[[t.Any], t.Any]) -> t.Any:
        return {item: call(item) for item in items}, {}


def cluster(*answers: t.Tuple[int, str, bool]) -> Cluster:
    return t.cast(Cluster, OneFrontend(*answers))


def refusal(status: int, text: str) -> str:
    with pytest.raises(MigrationError) as caught:
        set_over_http(cluster((status, text, False)), FRONTEND, KEY, "/api/_set_config?x=0", "set it")
    return caught.value.code


def test_what_was_set_is_set() -> None:
    set_over_http(cluster((200, SET, True)), FRONTEND, KEY, "/api/_set_config?x=0", "set it")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (502, "<html>Bad Gateway</html>"),
        (500, "{}"),
        (503, SET),
        (504, IN_ERR),
        (200, ""),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, '{"set":null,"err":"?"}'),
        (200, '{"set":{},"err":{}}'),
    ],
)
def test_an_answer_that_tells_nothing_is_none(status: int, text: str) -> None:
    assert refusal(status, text) == "starrocks.no_reply"


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (200, IN_ERR, "config_unknown"),
        (400, "{}", "config_unknown"),
        (404, "", "unexpected_answer"),
    ],
)
def test_a_refusal_stays_one(status: int, text: str, code: str) -> None:
    assert refusal(status, text) == f"starrocks.{code}"


def sent(folder: pathlib.Path, *answers: t.Tuple[int, str, bool]) -> t.Tuple[str, t.List[str], OneFrontend]:
    """The code that it ended with, the outcomes in the journal, and the frontend."""
    journal = Journal.open(
        str(folder / "j.jsonl"), migration_id="m", engine="starrocks", clock=FakeClock(), redactor=Redactor([])
    )
    one = OneFrontend(*answers)
    name = f"starrocks:1/fe/a:9030/config/{KEY}"
    call = ConfigCall(HTTP, FRONTEND, KEY, "0", False, (FRONTEND,), (Change(name, "set", "-1", "0", {}),))
    code = ""
    try:
        Sender(t.cast(Cluster, one), journal, Sent()).send(call, [Target(FRONTEND, name, "-1", "0", "int")])
    except MigrationError as error:
        code = error.code
    return code, [entry.data["status"] for entry in journal.entries if entry.kind == "change.outcome"], one


class Persisting(OneFrontend):
    """Its statements are answered in turn: the code of the error, or "" when it was carried out."""

    def __init__(self, *codes: str) -> None:
        super().__init__((200, SET, True))
        self.codes = list(codes)
        self.statements: t.List[str] = []

    def execute_on(self, _frontend: Frontend, sql: str, _doing: str) -> None:
        self.statements.append(sql)
        code = self.codes.pop(0)
        if code:
            raise MigrationError(f"starrocks.{code}", "no", server_text="as the server says")
        self.value = "0"


def persisted(folder: pathlib.Path, action: str, *codes: str) -> t.Tuple[str, t.List[str], Persisting, Sent]:
    """Like ``sent``, with a statement that writes fe.conf too."""
    journal = Journal.open(
        str(folder / "j.jsonl"), migration_id="m", engine="starrocks", clock=FakeClock(), redactor=Redactor([])
    )
    one, told, code = Persisting(*codes), Sent(), ""
    name = f"starrocks:1/fe/a:9030/config/{KEY}"
    call = ConfigCall(SQL, FRONTEND, KEY, "0", True, (FRONTEND,), (Change(name, action, "-1", "0", {}),))
    try:
        Sender(t.cast(Cluster, one), journal, told).send(call, [Target(FRONTEND, name, "-1", "0", "int")])
    except MigrationError as error:
        code = error.code
    outcomes = [entry.data["status"] for entry in journal.entries if entry.kind == "change.outcome"]
    return code, outcomes, one, told


@pytest.mark.parametrize("action", ["set", "restore"])
def test_what_shall_be_in_fe_conf_is_asked_for_twice(tmp_path: pathlib.Path, action: str) -> None:
    code, outcomes, one, told = persisted(tmp_path, action, "no_reply", "")
    assert (code, outcomes, told.warnings) == ("", ["done"], [])
    assert len(one.statements) == 2 and all("PERSISTENT" in sql for sql in one.statements)


def test_what_may_not_be_in_fe_conf_is_told(tmp_path: pathlib.Path) -> None:
    code, outcomes, one, told = persisted(tmp_path, "set", "no_reply", "no_reply")
    assert (code, outcomes, one.value) == ("", ["done"], "0")
    assert "may be forgotten" in told.warnings[0]


def test_what_fe_conf_may_bring_back_is_not_restored(tmp_path: pathlib.Path) -> None:
    code, outcomes, one, _told = persisted(tmp_path, "restore", "no_reply", "no_reply")
    assert (code, outcomes, one.value) == ("starrocks.no_reply", ["unknown"], "0")


def test_a_refusal_behind_a_lost_answer_settles_nothing(tmp_path: pathlib.Path) -> None:
    assert persisted(tmp_path, "set", "no_reply", "not_persisted")[:2] == ("starrocks.not_persisted", ["unknown"])


def test_a_proxy_that_answers_after_it_was_set(tmp_path: pathlib.Path) -> None:
    code, outcomes, one = sent(tmp_path, (502, "", True))
    assert (code, outcomes, one.value, one.answers) == ("", ["done"], "0", [])


def test_what_did_not_arrive_is_sent_once_more(tmp_path: pathlib.Path) -> None:
    assert sent(tmp_path, (502, "", False), (200, SET, True))[:2] == ("", ["done"])


def test_what_is_never_answered_may_be_ours(tmp_path: pathlib.Path) -> None:
    assert sent(tmp_path, (502, "", False), (502, "", False))[:2] == ("starrocks.config_partial", ["unknown"])


def test_a_key_that_is_not_taken_is_not_ours(tmp_path: pathlib.Path) -> None:
    assert sent(tmp_path, (200, IN_ERR, False))[:2] == ("starrocks.config_unknown", ["failed"])


@pytest.mark.parametrize("answers", [1, 2])
def test_a_freeze_that_a_proxy_answered_for_is_lifted(tmp_path: pathlib.Path, answers: int) -> None:
    """Two frontends on the host of the leader are told over HTTP."""
    world = World(hosts=("h0", "h0", "h0"))
    migration = Migration(world, tmp_path)
    world.bad_gateway = answers
    migration.freeze()
    assert set(world.values.values()) == {"true"}
    world.bad_gateway = answers
    migration.lift()
    assert set(world.values.values()) == {"false"}
