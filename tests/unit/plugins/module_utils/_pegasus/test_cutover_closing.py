# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every primary of the source is seen to refuse readers when the tables are committed."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_closing as cc
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

CONFIG = model.TableConfig(2, 2, (model.Partition(0, 3, 3, "a:1", (), 9), model.Partition(1, 4, 3, "b:1", (), 9)))
OPEN, DENIED = model.WRITES_OPEN, model.WRITES_DENIED
Look = t.Callable[[float], t.Mapping[int, str]]


class Told:
    """What is written."""

    def __init__(self) -> None:
        self.waits: t.List[t.Any] = []
        self.proofs: t.List[t.Tuple[str, t.Sequence[t.Mapping[str, t.Any]]]] = []

    def waiting(self, wait: t.Any) -> None:
        self.waits.append(wait)

    def proof(self, kind: str, items: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        self.proofs.append((kind, items))


class Scene:
    """A clock, and a source whose primaries answer by the seconds that have passed."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.told = Told()
        self.began = self.clock.monotonic()
        self.looks: t.List[str] = []

    @property
    def passed(self) -> float:
        return self.clock.monotonic() - self.began

    def closing(self, table: str, look: Look) -> cc.Closing:
        def probe(*_any: t.Any, **_options: t.Any) -> t.Mapping[int, str]:
            self.looks.append(table)
            return look(self.passed)

        meta: t.Any = types.SimpleNamespace(query_config=lambda _name: CONFIG)
        replicas: t.Any = types.SimpleNamespace(probe_reads=probe)
        clock: t.Any = self.clock
        return cc.Closing(Fence(meta, replicas, clock, "onebox-a", table), self.began)

    def prove(self, *closings: cc.Closing, interval: float = 1.0) -> t.List[t.Any]:
        clock: t.Any = self.clock
        return cc.prove(closings, self.told, clock, interval)


@pytest.fixture(name="one")
def _one() -> Scene:
    return Scene()


def test_what_refuses_readers_is_proved_at_once(one: Scene) -> None:
    assert one.prove(one.closing("temp", lambda _s: {0: DENIED, 1: DENIED})) == []
    [(kind, items)] = one.told.proofs
    assert kind == "close" and one.passed == 0 and one.told.waits == []
    assert [(item["subject"], item["primary"], item["ballot"], item["reads"]) for item in items] == [
        ("temp/0", "a:1", 3, "denied"),
        ("temp/1", "b:1", 4, "denied"),
    ]


def test_a_late_config_sync_is_waited_for(one: Scene) -> None:
    assert one.prove(one.closing("temp", lambda s: {0: DENIED, 1: DENIED if s >= 1.2 else OPEN})) == []
    assert one.passed < 2 and len(one.told.proofs) == 1
    assert (one.told.waits[0].reason, list(one.told.waits[0].worst)) == ("pegasus.wait.close", ["temp/1: open"])


def test_a_server_that_goes_on_serving_is_a_finding(one: Scene) -> None:
    [found] = one.prove(one.closing("temp", lambda _s: {0: DENIED, 1: OPEN}))
    assert (found.id, found.severity, found.subject) == ("pegasus.cutover.close_unproved", "warning", "temp")
    assert found.evidence == {"partitions": {"1": "open"}, "count": 1, "servers": ["b:1"]}
    assert one.told.proofs == [] and 1 < one.passed <= 3.0 + 0.01


def test_several_tables_wait_no_longer_than_one_and_each_is_looked_at(one: Scene) -> None:
    """And what has been closed long before is not waited for."""
    found = one.prove(
        one.closing("a", lambda _s: {0: OPEN, 1: OPEN}),
        one.closing("b", lambda _s: {0: DENIED, 1: DENIED}),
        one.closing("c", lambda _s: {0: OPEN, 1: OPEN}),
    )
    assert [each.subject for each in found] == ["a", "c"] and one.passed <= 3.01
    assert one.looks.count("b") == one.looks.count("c") == 1


@pytest.mark.parametrize(("code", "longest"), [("pegasus.app_not_found", 0.0), ("pegasus.unreachable", 3.01)])
def test_what_cannot_be_asked_is_a_finding_and_no_error(one: Scene, code: str, longest: float) -> None:
    def look(_seconds: float) -> t.Mapping[int, str]:
        raise MigrationError(code, "Away.")

    [found] = one.prove(one.closing("temp", look))
    assert found.evidence["problem"] == "Away." and one.passed <= longest
