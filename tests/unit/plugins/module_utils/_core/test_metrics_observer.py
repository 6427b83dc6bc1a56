# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import stat
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import metrics_file, metrics_observer
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import (
    open_journal,
    require_metrics_file,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

RUN = {"run_id": "one", "phase": "migrate"}


class World:
    def __init__(self, folder: pathlib.Path) -> None:
        self.clock = FakeClock()
        self.folder = folder / "collected"
        self.folder.mkdir()
        self.path = self.folder / "orders.prom"
        self.params = {"journal": str(folder / "j.jsonl"), "migration_id": "orders", "metrics_file": str(self.path)}

    def open(self) -> Journal:
        journal = open_journal(self.params, engine="pegasus", clock=self.clock, redactor=Redactor([]))
        assert journal is not None
        return journal

    @property
    def entries(self) -> int:
        """As the file tells."""
        line = next(one for one in self.path.read_text().splitlines() if one.startswith("dbops_migration_journal_entr"))
        return int(line.rpartition(" ")[2])


@pytest.fixture
def world(tmp_path: pathlib.Path) -> World:
    return World(tmp_path)


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> t.List[str]:
    found: t.List[str] = []
    monkeypatch.setattr(metrics_observer, "warn", found.append)
    return found


def test_the_file_follows_the_journal_and_spares_the_disk(world: World) -> None:
    with world.open() as journal:
        assert not world.path.exists()
        journal.append("run.started", RUN)
        assert world.entries == 2
        journal.append("progress", {"done": 1, "total": 2})
        assert world.entries == 2, "less than a second after the last one"
        journal.append("findings", {"phase": "migrate", "findings": []})
        assert world.entries == 4, "at once"
        journal.append("note", {"text": "a"})
        world.clock.sleep(1.0)
        journal.append("note", {"text": "b"})
        assert world.entries == 6
        journal.append("note", {"text": "c"})
    assert world.entries == 7, "what was left is written at the end"
    assert stat.S_IMODE(world.path.stat().st_mode) == 0o644
    assert os.listdir(world.folder) == ["orders.prom"]


def test_a_later_call_goes_on_from_the_whole_journal_and_one_that_writes_nothing_leaves_the_file_alone(
    world: World,
) -> None:
    with world.open() as journal:
        journal.append("run.started", RUN)
    world.path.unlink()
    world.open().close()
    assert not world.path.exists()
    with world.open() as journal:
        journal.append("run.finished", {**RUN, "status": "ok"})
    assert world.entries == 3
    assert 'phase="migrate",status="ok"} 1' in world.path.read_text()


def test_a_file_that_cannot_be_written_is_told_once_and_harms_nothing(world: World, warned: t.List[str]) -> None:
    with world.open() as journal:
        journal.append("run.started", RUN)
        world.path.unlink()
        world.folder.rmdir()
        for number in range(3):
            world.clock.sleep(5.0)
            journal.append("note", {"text": str(number)})
    with world.open() as journal:
        journal.append("findings", {"phase": "migrate", "findings": []})
        kinds = [entry.kind for entry in journal.entries]
        told = [entry.data["text"] for entry in journal.entries if entry.data.get("about") == metrics_observer.ABOUT]
    assert kinds.count("note") == 4
    assert told == warned
    assert len(warned) == 1
    assert warned[0].startswith(f"metrics_file: {world.path} cannot be written (No such file or directory).")
    world.folder.mkdir()
    with world.open() as journal:
        journal.append("run.finished", {**RUN, "status": "ok"})
    assert world.entries == len(kinds) + 1, "it is written again as soon as it can be"


def test_even_a_fault_of_ours_harms_nothing(world: World, warned: t.List[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: t.Any) -> str:
        raise KeyError("x")

    monkeypatch.setattr(metrics_observer, "metrics_text", fail)
    with world.open() as journal:
        journal.append("run.started", RUN)
        assert [entry.kind for entry in journal.entries] == ["journal.opened", "run.started", "note"]
    assert len(warned) == 1


def test_half_a_file_is_never_seen_and_nothing_is_left_of_a_failure(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.prom"
    metrics_file.write(str(path), "one\n")

    def full(_one: str, _two: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        metrics_file.write(str(path), "two\n")
    assert path.read_text() == "one\n"
    assert os.listdir(tmp_path) == ["a.prom"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "nowhere/a.prom",
            "metrics_file: the folder {0}/nowhere does not exist. Make it, or give a path in the folder ",
        ),
        ("a.txt", "metrics_file: {0}/a.txt does not end with a name such as orders.prom. Give a name that ends with "),
        (".prom", "metrics_file: {0}/.prom does not end with a name such as orders.prom"),
        ("folder.prom", "metrics_file: {0}/folder.prom is a folder. Give the path of a file"),
    ],
)
def test_a_wrong_path_is_one_sentence(world: World, tmp_path: pathlib.Path, given: str, said: str) -> None:
    (tmp_path / "folder.prom").mkdir()
    with pytest.raises(InvalidOption) as caught:
        require_metrics_file({**world.params, "metrics_file": str(tmp_path / given)})
    assert caught.value.message.startswith(said.format(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="Root may write everywhere.")
def test_a_folder_that_is_not_ours_is_told(world: World) -> None:
    world.folder.chmod(0o555)
    with pytest.raises(InvalidOption, match="the user of this task may not write into the folder"):
        require_metrics_file(world.params)


def test_a_folder_is_asked_for_write_and_search(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK | os.X_OK)
    with pytest.raises(InvalidOption, match="the user of this task may not write into the folder"):
        require_metrics_file(world.params)


def test_a_migration_that_has_begun_is_not_refused_for_its_folder(world: World) -> None:
    with world.open() as journal:
        journal.append("findings", {"phase": "preflight", "findings": []})
    world.path.unlink()
    world.folder.rmdir()
    with pytest.raises(InvalidOption):
        require_metrics_file(world.params)
    with open_journal({**world.params, "metrics_file": None}, engine="pegasus", clock=world.clock,
                      redactor=Redactor([])) as journal:  # type: ignore[union-attr]  # fmt: skip
        journal.append("run.started", RUN)
    require_metrics_file(world.params)
    with pytest.raises(InvalidOption, match=r"ends with \.prom"):
        require_metrics_file({**world.params, "metrics_file": "/tmp/other"})


def test_nothing_is_asked_where_nothing_is_given(world: World) -> None:
    require_metrics_file({})
    require_metrics_file({"metrics_file": ""})
    require_metrics_file({**world.params, "journal": None})
    with pytest.raises(MigrationError):
        require_metrics_file({"metrics_file": "/nowhere/a.prom"})
