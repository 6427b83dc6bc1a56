# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that people change while the sync tool copies: what the target has of them, what is written down of them."""

from __future__ import annotations

import os
import pathlib
import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import (
    backend_config,
    frontend_config_task,
    sync_wait,
    sync_wait_limits,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_nearness as sn
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import ConfigOptions, Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_settings import find_forgotten
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import source_and_target
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import wait_argument_spec
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks import freeze_world

TABLES, SPEED = "replication_max_parallel_table_count", "replication_max_speed_limit_kbps"
LEAST = "replication_min_speed_limit_kbps"
SHOWN = ("Key", "AliasNames", "Value", "Type", "IsMutable", "Comment")


class Killed(BaseException):
    """The module's process dies."""


class Target(freeze_world.World):
    """Three frontends and two nodes with configs of their own. ``sent``: the statements that change something."""

    def __init__(self) -> None:
        super().__init__("3.5.1")
        self.configs = {name: {TABLES: "100"} for name in self.values}
        self.node_configs = {one: {SPEED: "50000", LEAST: "50"} for one in ("1", "2")}
        self.sent: t.List[str] = []
        self.fails: t.Optional[MigrationError] = None
        self.dies = False

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_raised: t.Any) -> None:
        pass

    def query_on(self, frontend: Frontend, sql: str, doing: str) -> Rows:
        found = re.search('CONFIG LIKE "(.*)"', sql)
        assert found, sql
        value = self.configs[frontend.name].get(found.group(1).replace("\\", ""))
        key = found.group(1).replace("\\", "")
        return Rows(SHOWN, () if value is None else ((key, "[]", value, "int", "true", ""),))

    def query(self, sql: str, doing: str) -> Rows:
        asked = re.findall(r'"(\w+)"', sql)
        rows = [
            (one, key, value, "int", value, "1")
            for one, keys in self.node_configs.items()
            for key, value in keys.items()
            if key in asked
        ]
        return Rows(("BE_ID", "NAME", "VALUE", "TYPE", "DEFAULT", "MUTABLE"), tuple(rows))

    def nodes(self, refresh: bool = False) -> t.Tuple[Node, ...]:
        return tuple(
            Node("BE", one, f"n{one}", 9050, 9060, 8040, True, False, "", None, "") for one in self.node_configs
        )

    def execute_on(self, frontend: Frontend, sql: str, doing: str) -> Rows:
        found = re.fullmatch(r'ADMIN SET FRONTEND CONFIG \("(\w+)" = "(\d+)"\)', sql)
        assert found, sql
        return self._take(sql, [self.configs[name] for name in self.configs], found.group(1), found.group(2))

    def execute(self, sql: str, doing: str) -> Rows:
        found = re.fullmatch(r'UPDATE information_schema.be_configs SET VALUE = "(\d+)" WHERE NAME = "(\w+)"', sql)
        assert found, sql
        return self._take(sql, list(self.node_configs.values()), found.group(2), found.group(1))

    def _take(self, sql: str, holders: t.Sequence[t.Dict[str, str]], key: str, value: str) -> Rows:
        if self.fails is not None:
            raise self.fails
        self.sent.append(sql)
        for holder in holders:
            holder[key] = value
        if self.dies:
            raise Killed
        return Rows((), ())

    def has(self, key: str) -> t.Set[str]:
        return {holder[key] for holder in [*self.configs.values(), *self.node_configs.values()] if key in holder}


class Scene:
    """Steps of waits over one journal and one control text."""

    def __init__(self, folder: pathlib.Path, target: Target) -> None:
        self.target = target
        self.clock = FakeClock()
        self.path = folder / "j.jsonl"
        self.follow: t.Any = None

    def say(self, text: t.Optional[str]) -> None:
        control = pathlib.Path(f"{self.path}.control")
        if text is None:
            control.unlink()
            return
        control.write_text(text)
        os.utime(control, times=(self.clock.wall.timestamp() - 60,) * 2)

    def params(self) -> t.Dict[str, t.Any]:
        given = {name: option.get("default") for name, option in wait_argument_spec().argument_spec.items()}
        given.update(frontends=["a"], target_frontends=["b"], username="root", target_username="root")
        given.update(directory="/opt/tool", poll_interval="1s", step_time="1s")
        return {**given, "journal": str(self.path), "migration_id": "m"}

    def call(self, check: bool = False, **more: t.Any) -> t.Dict[str, t.Any]:
        return sync_wait.SyncWaitTask({**self.params(), **more}, check, Redactor([]), self.clock).body()

    def step(self) -> t.Dict[str, t.Any]:
        result = self.call(follow=self.follow)
        self.follow = result.get("follow")
        return result

    def new_run(self) -> t.Dict[str, t.Any]:
        self.follow = None
        return self.step()

    def config(self, value: t.Optional[str], state: str = "present") -> t.Dict[str, t.Any]:
        """What the role's own task does with the number of tables."""
        store = ConfigJournal(self.params(), Redactor([]), self.clock, restoring=False)
        options = ConfigOptions((Wanted(TABLES, value, False, "settings[0]"),), state, "fail", "never")
        connection = source_and_target(self.params())[1]
        task = frontend_config_task.FrontendConfigTask(options, connection, store, False, Redactor([]), self.clock)
        try:
            return task.body()
        finally:
            store.close()

    def restore_nodes(self) -> None:
        params = {**self.params(), "settings": [], "state": "restored", "dead_nodes": "fail", "frontends": ["b"]}
        params.update(connect_timeout="1s", read_timeout="1s", tls="disable")
        backend_config.BackendConfigTask(params, False, Redactor([]), self.clock).body()

    def entries(self, kind: str) -> t.List[t.Mapping[str, t.Any]]:
        return [one.data for one in Journal.read(str(self.path)).entries if one.kind == kind]

    def acknowledged(self) -> t.List[t.Tuple[str, str]]:
        return [(one["wish"], one["effect"]) for one in self.entries("control")]

    def forgotten(self) -> t.Tuple[t.Any, ...]:
        return find_forgotten("target", t.cast(Cluster, self.target), Journal.read(str(self.path)).entries)


@pytest.fixture(name="scene")
def fixture_scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    target = Target()
    for module in (backend_config, frontend_config_task, sync_wait, sync_wait_limits):
        monkeypatch.setattr(module, "Cluster", lambda *_given, **_more: target)
    monkeypatch.setattr(sync_wait, "require_two_clusters", lambda *_given: None)

    def look(task: sync_wait.SyncWaitTask, *_given: t.Any) -> sn.Nearness:
        task.result["line"] = "1 of 9"
        return sn.Nearness(sn.COPYING, "the first copy of 8 partitions", "they are there", 0)

    monkeypatch.setattr(sync_wait.SyncWaitTask, "_look", look)
    return Scene(tmp_path, target)


def test_a_limit_is_set_everywhere_recorded_and_acknowledged_once(scene: Scene) -> None:
    scene.say("limits tables=2 thread_kbps=1000")
    predicted = scene.call(check=True)
    assert scene.target.sent == [] and not scene.path.exists()
    first = scene.step()
    assert (scene.target.has(TABLES), scene.target.has(SPEED)) == ({"2"}, {"1000"})
    assert first["changes"] == predicted["changes"] and first["changed"] is True
    assert {one["action"] for one in first["changes"]} == {"limit"} and len(first["changes"]) == 5
    (event,) = first["events"]
    assert event.startswith("control: limits tables=2 thread_kbps=1000 (at most 2 tables are copied at a time")
    assert "at most 1000 KB/s are copied by each thread of a node" in event
    assert [(one["before"], one["after"]) for one in scene.entries("change.intent")] == [
        *[("100", "2")] * 3, *[("50000", "1000")] * 2,
    ]  # fmt: skip
    assert all(one["status"] == "done" for one in scene.entries("change.outcome"))
    second = scene.step()
    assert (second["events"], second["changes"], len(scene.target.sent)) == ([], first["changes"], 2)
    again = scene.new_run()
    assert (again["events"], again["changed"], len(scene.target.sent)) == ([], False, 2)
    assert scene.call(check=True)["changes"] == []
    assert scene.acknowledged() == [("limits tables=2 thread_kbps=1000", "taken")]
    assert scene.forgotten() == ()


def test_it_is_changed_and_taken_back_while_the_wait_goes_on(scene: Scene) -> None:
    scene.say("limits tables=2")
    scene.step()
    scene.say("limits tables=9")
    scene.step()
    assert scene.target.has(TABLES) == {"9"}
    scene.say(None)
    event = scene.step()["events"][0]
    assert scene.target.has(TABLES) == {"100"}
    assert "replication_max_parallel_table_count is again what it was before" in event
    # Nothing is ours any more, so what somebody else makes of it is nobody's business.
    for config in scene.target.configs.values():
        config[TABLES] = "7"
    assert scene.forgotten() == ()
    assert scene.new_run()["events"] == []
    assert scene.target.has(TABLES) == {"7"}


def test_what_the_migration_wants_of_the_same_config_waits_and_comes_back(scene: Scene) -> None:
    scene.config("50")
    scene.say("limits tables=2")
    scene.step()
    sent = len(scene.target.sent)
    rerun = scene.config("50")
    assert (rerun["changed"], len(scene.target.sent)) == (False, sent), "the two do not set it in turns"
    assert any("stays as the limits of the control text have it" in one for one in rerun["warnings"])
    assert scene.new_run()["changed"] is False
    scene.say(None)
    assert "is again 50, as this migration's settings have it" in scene.new_run()["events"][0]
    assert scene.target.has(TABLES) == {"50"}
    assert scene.config("50")["changed"] is False
    scene.config(None, "restored")
    assert scene.target.has(TABLES) == {"100"}


def test_restore_puts_back_what_was_there_before_whatever_the_text_says(scene: Scene) -> None:
    scene.say("limits tables=2 thread_kbps=1000")
    scene.step()
    scene.config(None, "restored")
    scene.restore_nodes()
    assert (scene.target.has(TABLES), scene.target.has(SPEED)) == ({"100"}, {"50000"})
    assert scene.forgotten() == ()


def test_a_run_that_was_killed_in_the_middle_is_settled_by_the_next(scene: Scene) -> None:
    scene.say("limits tables=2")
    scene.target.dies = True
    with pytest.raises(Killed):
        scene.step()
    scene.target.dies = False
    assert [one["after"] for one in scene.entries("change.intent")] == ["2"] * 3
    assert scene.entries("change.outcome") == []
    scene.new_run()
    assert [one["status"] for one in scene.entries("change.outcome")] == ["done"] * 3
    assert len(scene.target.sent) == 1
    assert scene.acknowledged() == [("limits tables=2", "taken")]
    scene.say(None)
    scene.step()
    assert scene.target.has(TABLES) == {"100"}


def test_a_line_that_was_taken_away_while_nothing_ran_is_heeded_by_the_next_run(scene: Scene) -> None:
    scene.say("limits thread_kbps=1000")
    scene.step()
    scene.say(None)
    assert scene.new_run()["events"]
    assert scene.target.has(SPEED) == {"50000"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("limits global=1", "global: StarRocks has no such limit, so nothing is changed; write limits tables="),
        ("limits thread_kbps=100", "thread_kbps must be more than 100, twice the target's"),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence_and_the_wait_goes_on(scene: Scene, line: str, words: str) -> None:
    scene.say("limits tables=2")
    scene.step()
    scene.say(line + (" tables=2" if "kbps" in line else ""))
    result = scene.step()
    assert words in result["events"][0] and "not applicable" in result["events"][0]
    assert (result["finished"], scene.target.has(TABLES), scene.target.has(SPEED)) == (False, {"2"}, {"50000"})
    assert len(scene.target.sent) == 1
    assert scene.new_run()["finished"] is False
    assert len(scene.target.sent) == 1


def test_a_version_without_the_config_says_since_when_there_is_one(scene: Scene) -> None:
    for config in scene.target.node_configs.values():
        del config[SPEED]
    scene.say("limits thread_kbps=1000")
    event = scene.step()["events"][0]
    assert f"thread_kbps is not set: the target has no {SPEED}, which came with 3.1.17, 3.2.16, 3.3.14" in event


def test_what_fails_for_a_while_is_tried_again_and_told_when_it_is_so(scene: Scene) -> None:
    scene.target.fails = MigrationError("starrocks.unreachable", "fe0 does not answer")
    scene.say("limits tables=2")
    event = scene.step()["events"][0]
    assert "tables is not set: fe0 does not answer; it is tried again every minute" in event
    for _number in range(3):
        scene.clock.sleep(70)
        assert scene.step()["events"] == []
    scene.target.fails = None
    scene.clock.sleep(70)
    scene.step()
    assert scene.target.has(TABLES) == {"2"}
    assert scene.acknowledged() == [("limits tables=2", "not_applicable"), ("limits tables=2", "taken")]


def test_without_a_journal_nothing_is_set(scene: Scene, tmp_path: pathlib.Path) -> None:
    scene.say("limits tables=2")
    result = scene.call(journal=None, control=f"{scene.path}.control", follow=None)
    assert "there is no journal that would keep the former values" in result["events"][0]
    assert scene.target.sent == []


def test_what_a_restart_has_forgotten_is_set_by_the_next_run(scene: Scene) -> None:
    scene.say("limits tables=2")
    scene.step()
    scene.target.configs["fe1"][TABLES] = "100"
    assert [one.address for one in scene.forgotten()] == ["h1:9031"]
    assert scene.new_run()["changed"] is True
    assert scene.forgotten() == ()
