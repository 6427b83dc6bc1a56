# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a guard finds out in ZooKeeper whether a switch was made, and makes one impossible that was not."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import guard_deeds
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.guard_deeds import (
    Guarded,
    GuardedTable,
    SourceDeeds,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.switch import Switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper_hosts import ZooKeeperPlace
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

BEFORE = b'{"cluster_name": "onebox-a", "meta_addrs": "a:1,b:1"}'
AFTER = b'{"cluster_name": "onebox-b", "meta_addrs": "c:1,d:1"}'
PLACE = ZooKeeperPlace(("zk:2181",), "", "/mp", 1.0)


class Session:
    """ZooKeeper with one znode. ``refusal``: what a write ends with; ``meanwhile``: what somebody writes before."""

    znode = Znode(BEFORE, 3)
    refusal: t.Optional[str] = None
    meanwhile: t.Optional[Znode] = None

    def __init__(self, place: ZooKeeperPlace) -> None:
        assert place == PLACE

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def read(self, table: str) -> Znode:
        return type(self).znode

    def compare_and_set(self, table: str, data: bytes, version: int) -> int:
        kind = type(self)
        if kind.meanwhile is not None:
            kind.znode, kind.meanwhile = kind.meanwhile, None
        if kind.refusal is not None:
            raise MigrationError(kind.refusal, "No.")
        if version != kind.znode.version:
            raise MigrationError("pegasus.znode_changed", "No.")
        kind.znode = Znode(data, version + 1)
        return version + 1


@pytest.fixture(name="zookeeper")
def _zookeeper(monkeypatch: pytest.MonkeyPatch) -> t.Type[Session]:
    mine = type("Mine", (Session,), {})
    monkeypatch.setattr(guard_deeds, "ZooKeeper", mine)
    return mine


def deeds() -> SourceDeeds:
    planned = Switch("temp", "/mp/temp", "zookeeper:/mp/temp", BEFORE, 3, AFTER)
    guarded = Guarded(
        meta_servers=("m:1",),
        settings=ConnectionSettings(connect_timeout=1.0, rpc_timeout=1.0),
        cluster="onebox-a",
        target="onebox-b",
        tables=(GuardedTable("temp", planned),),
        place=PLACE,
        intervals=(),
        lift_seconds=1.0,
    )
    clock: t.Any = FakeClock()
    return SourceDeeds(guarded, clock)


def test_the_version_of_a_znode_that_was_not_switched_is_spent(zookeeper: t.Type[Session]) -> None:
    assert deeds().settle_switch() == gs.IMPOSSIBLE
    assert zookeeper.znode == Znode(BEFORE, 4)


def test_a_switch_that_was_made_is_kept(zookeeper: t.Type[Session]) -> None:
    zookeeper.znode = Znode(AFTER, 4)
    assert deeds().settle_switch() == gs.SWITCHED


@pytest.mark.parametrize(
    ("found", "decided"),
    [(Znode(BEFORE, 5), gs.IMPOSSIBLE), (Znode(AFTER, 4), gs.SWITCHED), (Znode(AFTER, 6), gs.SWITCHED)],
)
def test_what_was_decided_cannot_be_undone_by_a_late_write(
    zookeeper: t.Type[Session], found: Znode, decided: str
) -> None:
    zookeeper.znode = found
    assert deeds().settle_switch() == decided
    with pytest.raises(MigrationError):
        zookeeper(PLACE).compare_and_set("temp", b"late", found.version)
    assert zookeeper.znode == Znode(found.data, found.version + 1)


def test_a_write_that_comes_before_the_guards_is_looked_at(zookeeper: t.Type[Session]) -> None:
    zookeeper.znode, zookeeper.meanwhile = Znode(AFTER, 4), Znode(BEFORE, 5)
    mine = deeds()
    assert mine.settle_switch() is None
    assert mine.settle_switch() == gs.IMPOSSIBLE


def test_who_may_not_write_could_not_have_switched(zookeeper: t.Type[Session]) -> None:
    zookeeper.refusal = "pegasus.zookeeper_denied"
    assert deeds().settle_switch() == gs.IMPOSSIBLE
    assert zookeeper.znode == Znode(BEFORE, 3)


def test_a_switch_right_before_the_denial_is_seen(zookeeper: t.Type[Session]) -> None:
    zookeeper.refusal = "pegasus.zookeeper_denied"
    zookeeper.meanwhile = Znode(AFTER, 4)
    mine = deeds()
    assert mine.settle_switch() is None
    assert mine.settle_switch() == gs.SWITCHED


def test_without_an_answer_nothing_is_decided(zookeeper: t.Type[Session]) -> None:
    zookeeper.refusal = "pegasus.zookeeper_ambiguous"
    with pytest.raises(MigrationError):
        deeds().settle_switch()
