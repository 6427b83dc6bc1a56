# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clusters with one table of one partition, as the duplication module sees them."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import duplication_arrival as da
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_plan import Seen
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_progress import ProgressView, judge
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_watchdog import Source
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

NODE = "10.0.0.1:34801"


class Killed(BaseException):
    """The module's process dies."""


class World:
    """``writes``: how many mutations are committed between two looks. The newest one is never confirmed up to 2.5, and
    with writes not from 2.6 on either. ``down``: what every question is answered with.
    """

    source = Source("a", ("10.0.1.1:34601",))

    def __init__(self, version: str = "2.5.0", writes: int = 0) -> None:
        self.duplication: t.Optional[model.Duplication] = model.Duplication(17, "DS_LOG", "b", 1)
        self.profile = Profile.choose(Version.parse(version))
        self.writes = writes
        self.committed = 100
        self.held = 1 if writes or self.profile.holds_back_last_mutation else 0
        self.primaries_mode = ""
        self.sent: t.List[t.Dict[str, t.Any]] = []
        self.down: t.Optional[MigrationError] = None
        self.dies = False
        self.asked = 0
        self.asked_left_over: t.List[int] = []
        self.client = self

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_raised: t.Any) -> None:
        pass

    def refresh(self) -> None:
        pass

    def target_name(self) -> str:
        return ""

    def target(self, _name: str, *, with_config: bool) -> None:
        return None

    def _answer(self) -> None:
        self.asked += 1
        if self.down is not None:
            raise self.down

    def app(self, table: str) -> model.App:
        self._answer()
        return model.App(table, 2, "AVAILABLE", 1, {}, 3)

    def duplications(self, _table: str) -> t.Tuple[model.Duplication, ...]:
        self._answer()
        return () if self.duplication is None else (self.duplication,)

    def seen(self, wanted: t.Any) -> Seen:
        return Seen(self.app(wanted.table), self.duplications(wanted.table))

    def _said(self) -> da.Said:
        self._answer()
        self.committed += self.writes
        there = self.duplication
        assert there is not None
        config = model.TableConfig(2, 1, (model.Partition(0, 5, 3, NODE, (), 0),))
        info = model.ReplicaInfo(0, 2, 5, "PRIMARY", self.committed, self.committed, 0, NODE)
        infos: t.Any = model.Answers({NODE: (info,)})
        mode = self.primaries_mode or there.fail_mode
        told = model.PartitionProgress(0, NODE, there.status == "DS_LOG", self.held, self.held, mode, there.dupid)
        progress: t.Any = model.Answers({NODE: (told,)})
        return da.Said(config, infos, progress, infos)

    def said(self, _table: str) -> da.Said:
        return self._said()

    def progress(self, _table: str, dupid: int, *, with_decrees: bool) -> ProgressView:
        said = self._said()
        return judge(said.config, dupid, said.progress, said.before if with_decrees else None)

    def config(self, _table: str) -> model.TableConfig:
        return self._said().config

    def left_over(self, _table: str, dupid: int) -> t.Tuple[t.Tuple[int, ...], t.Tuple[str, ...]]:
        self._answer()
        self.asked_left_over.append(dupid)
        return (), ()

    def add_duplication(self, _name: str, remote: str, **fields: t.Any) -> model.AddedDuplication:
        self.sent.append(fields)
        self.duplication = model.Duplication(18, "DS_LOG", remote, 2)
        return model.AddedDuplication(2, 18)

    def modify_duplication(self, _name: str, _dupid: int, **fields: t.Any) -> None:
        given = {key: value for key, value in fields.items() if value is not None}
        self.sent.append(given)
        assert self.duplication is not None
        gone = given.get("status") == "DS_REMOVED"
        self.duplication = None if gone else dataclasses.replace(self.duplication, **given)
        if self.dies:
            raise Killed


class Scene:
    """Calls of the module in one world, over one journal."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: pathlib.Path) -> None:
        self.world = World()
        self.clock = FakeClock()
        self.path = folder / "journal.jsonl"
        patch.setattr(duplication, "Clusters", lambda *_given: self.world)

    def call(self, check: bool = False, **options: t.Any) -> t.Dict[str, t.Any]:
        """The result, with ``failed`` as what a module returns that failed."""
        params: t.Dict[str, t.Any] = {
            "meta_servers": ["m:1"], "connect_timeout": "1s", "rpc_timeout": "1s", "tables": ["t"],
            "remote_cluster": "b", "remote_tables": None, "remote_replica_count": None, "checkpoint": True,
            "state": "absent", "fail_mode": None, "force": True, "adopt": False, "unconfirmed": "wait",
            "max_backlog": 1000, "stable_samples": 3, "poll_interval": "2s", "stuck_after": "90s",
            "settle_time": "15s", "timeout": "24h", "wait": True, "journal": str(self.path), "migration_id": "m",
            **options,
        }  # fmt: skip
        task = duplication.DuplicationTask(params, check, Redactor([]), self.clock)
        try:
            return task.body()
        except MigrationError as error:
            return {**task.result, "failed": True, "code": error.code, "msg": error.message}

    def step(self, follow: t.Any = None) -> t.Dict[str, t.Any]:
        """A step of the follow loop."""
        return self.call(step_time="5s", follow=follow)

    def until(self, calls: int = 40, **options: t.Any) -> int:
        """How many calls with ``wait=false``, one every 10 s, it takes to remove it; check mode must predict each."""
        for number in range(1, calls + 1):
            committed = self.world.committed
            predicted = self.call(check=True, wait=False, **options)
            self.world.committed = committed
            before = len(self.world.sent)
            result = self.call(wait=False, **options)
            assert not result.get("failed"), result
            assert (predicted["changes"], predicted["changed"]) == (result["changes"], result["changed"]), number
            assert len(self.world.sent) - before == len(result["changes"])
            if result["finished"]:
                return number
            self.clock.sleep(10)
        return 0

    def entries(self, kind: str) -> t.List[Entry]:
        if not self.path.exists():
            return []
        return [entry for entry in Journal.read(str(self.path)).entries if entry.kind == kind]
