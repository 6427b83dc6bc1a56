# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks in files of other hosts: the journal knows of each from before it is written until it is seen to be gone."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file_past import FilesPast
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file_record import (
    RecordTask,
    record_argument_spec,
)

PATH = "/opt/starrocks/fe/conf/fe.conf"
OFF = [{"key": "lake_compaction_max_tasks", "value": 0}]
THREE = {"fe-0": PATH, "fe-1": PATH, "fe-2": "/srv/fe.conf"}
OUT_OF_REACH = {"unreachable": True, "msg": "Failed to connect to the host via ssh: timed out\nand more"}
REFUSED = {"failed": True, "code": "option.invalid", "msg": "path: it cannot be read."}

Result = t.Dict[str, t.Any]


class Role:
    """Calls the module as the role does: before, then the hosts as given, then after."""

    def __init__(self, tmp_path: pathlib.Path) -> None:
        self.path = str(tmp_path / "journal.jsonl")

    def call(self, check_mode: bool = False, **given: t.Any) -> Result:
        spec = record_argument_spec().merge(journal_spec()).argument_spec
        params = {name: option.get("default") for name, option in spec.items()}
        params.update({"journal": self.path, "migration_id": "m", "cluster_id": "7", "block": "lake", **given})
        return RecordTask(params, check_mode, Redactor([]), SystemClock()).body()

    def write(self, files: t.Mapping[str, str], settings: t.Any = OFF, **became: Result) -> Result:
        """``became``: what hosts answered that did not write it, with _ for a dash."""
        todo = self.call(files=files, settings=settings)["files"]
        return self.call(settings=settings, results=self.results(todo, {"changed": True, "former": None}, became))

    def remove(self, files: t.Any = None, check_mode: bool = False, **became: Result) -> Result:
        todo = self.call(check_mode, state="absent", files=files)["files"]
        found = {"changed": True, "former": {"lake_compaction_max_tasks": "0"}, "kept": False}
        return self.call(check_mode, state="absent", results=self.results(todo, found, became))

    def results(self, todo: t.Sequence[Result], usual: Result, became: t.Mapping[str, Result]) -> t.List[Result]:
        return [{"item": one, **became.get(one["host"].replace("-", "_"), usual)} for one in todo]

    def view(self) -> JournalView:
        return Journal.read(self.path)

    def left(self, cluster_id: str = "7") -> t.List[str]:
        return [one.host for one in FilesPast(self.view().entries, cluster_id).left()]


@pytest.fixture
def role(tmp_path: pathlib.Path) -> Role:
    return Role(tmp_path)


def test_a_way_back_without_the_group_finds_every_block(role: Role) -> None:
    role.write(THREE)
    assert (role.left(), role.left("8")) == (list(THREE), [])
    back = role.remove()
    assert [(one["host"], one["path"], one["block"]) for one in back["files"]] == [
        (host, path, "lake") for host, path in THREE.items()
    ]
    assert (back["left"], role.left()) == ([], [])
    assert role.remove()["files"] == []


def test_with_another_group_both_are_looked_at(role: Role) -> None:
    role.write(THREE)
    back = role.remove({"fe-9": PATH, "fe-1": PATH})
    assert [one["host"] for one in back["files"]] == ["fe-0", "fe-1", "fe-2", "fe-9"]


def test_a_block_of_another_name_is_taken_out_under_its_own(role: Role) -> None:
    todo = role.call(files={"fe-0": PATH}, settings=OFF, block="migration")["files"]
    role.call(settings=OFF, results=role.results(todo, {"former": None}, {}))
    assert role.call(state="absent")["files"] == [{"host": "fe-0", "path": PATH, "block": "migration"}]


def test_a_run_that_was_killed_in_between_may_have_written_it(role: Role) -> None:
    role.call(files=THREE, settings=OFF)
    assert role.left() == list(THREE)
    role.remove(fe_1={"changed": False, "former": None, "kept": False})
    ended = [one.data["status"] for one in role.view().entries if one.kind == "change.outcome"]
    assert ended == ["done", "abandoned", "done"]
    assert (role.left(), list(role.view().pending())) == ([], [])


def test_what_was_refused_is_not_ours_and_what_nobody_saw_may_be(role: Role) -> None:
    with pytest.raises(MigrationError) as caught:
        role.write(THREE, fe_0=REFUSED, fe_1=OUT_OF_REACH)
    assert caught.value.code == "starrocks.block_not_written"
    assert caught.value.details["files"] == [
        f"{PATH} of fe-0 (path: it cannot be read.)",
        f"{PATH} of fe-1 (Failed to connect to the host via ssh: timed out)",
    ]
    assert role.left() == ["fe-1", "fe-2"]


def test_a_host_out_of_reach_stays_to_be_put_back_and_is_told_by_name(role: Role) -> None:
    role.write(THREE)
    back = role.remove(fe_2=OUT_OF_REACH)
    assert back["left"] == ["/srv/fe.conf of fe-2 (Failed to connect to the host via ssh: timed out)"]
    assert role.left() == ["fe-2"]
    assert role.remove()["left"] == []
    assert role.left() == []


def test_a_host_that_is_gone_for_good_can_be_named(role: Role) -> None:
    role.write(THREE)
    assert [one["host"] for one in role.call(state="absent", gone_hosts="fe-2")["files"]] == ["fe-0", "fe-1"]
    assert role.left() == ["fe-0", "fe-1"]


def test_an_edited_block_is_theirs(role: Role) -> None:
    role.write({"fe-0": PATH})
    role.remove(fe_0={"changed": False, "kept": True, "former": {"lake_compaction_max_tasks": "4"}})
    assert [one.data["action"] for one in role.view().entries if one.kind == "restore"] == ["keep_theirs"]
    assert role.left() == []


def test_the_same_block_again_is_not_noted_again(role: Role) -> None:
    role.write(THREE)
    before = len(role.view().entries)
    role.write(THREE)
    assert len(role.view().entries) == before
    role.write({"fe-0": PATH}, [{"key": "lake_compaction_max_tasks", "value": 4}])
    assert len(role.view().entries) == before + 2


def test_check_mode_leaves_the_journal_alone(role: Role) -> None:
    role.call(True, files=THREE, settings=OFF)
    assert not pathlib.Path(role.path).exists()
    role.write(THREE)
    before = len(role.view().entries)
    assert [one["host"] for one in role.remove(check_mode=True)["files"]] == list(THREE)
    role.call(True, state="absent", gone_hosts=["fe-2"])
    assert len(role.view().entries) == before


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"settings": []}, "settings"),
        ({"settings": OFF, "block": "no name"}, "block"),
        ({"settings": OFF, "files": "fe-0"}, "files"),
        ({"settings": OFF, "results": [{"item": "fe-0"}]}, "results"),
    ],
)
def test_wrong_options(role: Role, given: t.Dict[str, t.Any], option: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        role.call(**given)
    assert caught.value.message.startswith(option)
