# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is fenced whose fence, and the end of it, could not be proved."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_group, guard_deeds, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_group import GroupCutover
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_probe import probe_findings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.guard_deeds import (
    Guarded,
    GuardedTable,
    SourceDeeds,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

CONFIG = model.TableConfig(2, 2, tuple(model.Partition(index, 3, 3, "a:1", ("b:1",), 9) for index in (0, 1)))
APP = model.App("temp", 2, "AVAILABLE", 2, {}, 3)
OPEN = {0: "open", 1: "open"}
SYNC = 30.0

Answer = t.Union[t.Mapping[int, str], MigrationError]


class Cluster:
    """Meta and replica servers at once. ``answers``: what each look at the primaries gives; the last one stays."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.patience: t.List[t.Optional[float]] = []

    def app(self, name: str) -> model.App:
        return APP

    def query_config(self, name: str) -> model.TableConfig:
        return CONFIG

    def query_duplications(self, name: str) -> t.Tuple[model.Duplication, ...]:
        return (model.Duplication(77, "DS_LOG", "onebox-b", 0),)

    def probe_writes(self, config: model.TableConfig, *, timeout: t.Optional[float] = None) -> t.Mapping[int, str]:
        self.patience.append(timeout)
        return self._answer()

    def probe_reads(self, config: model.TableConfig, *, timeout: t.Optional[float] = None) -> t.Mapping[int, str]:
        self.patience.append(timeout)
        return self._answer()

    def _answer(self) -> t.Mapping[int, str]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, MigrationError):
            raise answer
        return answer


def fence(cluster: t.Any, clock: t.Any, table: str = "temp", round_trip: float = 0.0) -> Fence:
    return Fence(cluster, cluster, clock, "onebox-a", table, round_trip)


def looked(*answers: Answer) -> t.Tuple[t.List[Finding], float, t.List[Wait]]:
    """What is found of a table whose primaries answer so, how long that takes, and what is told meanwhile."""
    clock: t.Any = FakeClock()
    began = clock.monotonic()
    waits: t.List[Wait] = []
    found = probe_findings([fence(Cluster(*answers), clock)], clock, SYNC, waits.append)
    return found, clock.monotonic() - began, waits


@pytest.mark.parametrize(
    ("words", "worst", "remedy"),
    [
        ({0: "open", 1: "silent"}, ["temp/1: silent"], "did not answer in time"),
        ({0: "unknown", 1: "unknown"}, ["temp/0: unknown", "temp/1: unknown"], "ERR_ACL_DENY"),
        ({0: "unreachable", 1: "open"}, ["temp/0: unreachable"], "see the network"),
        ({0: "no_primary", 1: "moved"}, ["temp/0: no_primary", "temp/1: moved"], "nobody serves the partition"),
        # A partition that nobody tells of is not open.
        ({0: "open"}, ["temp/1: unknown"], "tells nothing of a fence"),
    ],
)
def test_a_probe_that_tells_nothing_is_a_blocker_with_its_words(
    words: t.Mapping[int, str], worst: t.List[str], remedy: str
) -> None:
    [found], seconds, waits = looked(words)
    assert (found.id, found.severity, found.subject) == ("pegasus.fence.probe_fails", "blocker", "temp")
    assert found.evidence == {"partitions": len(worst), "worst": worst}
    assert ", ".join(worst) in found.remedy and remedy in found.remedy
    assert seconds < 10 and {wait.reason for wait in waits} == {"pegasus.wait.probe"}


def test_what_passes_by_itself_is_looked_at_again() -> None:
    busy = MigrationError("pegasus.timeout", "The meta server did not answer.")
    found, seconds, waits = looked({0: "moved", 1: "silent"}, busy, OPEN)
    assert found == [] and seconds < 5
    assert list(waits[0].worst) == ["temp/0: moved", "temp/1: silent"]
    assert list(waits[1].worst) == ["temp: The meta server did not answer."]


def test_open_primaries_are_not_waited_for() -> None:
    assert looked(OPEN) == ([], 0.0, [])


def test_a_primary_that_has_not_heard_yet_that_an_earlier_fence_is_off_has_one_config_sync() -> None:
    found, seconds, _waits = looked(*[{0: "open", 1: "denied"}] * 50, OPEN)
    assert found == [] and seconds < SYNC
    [left], seconds, _waits = looked({0: "open", 1: "denied"})
    assert SYNC < seconds < SYNC + 5 and "replica.deny-client" in left.remedy


def test_meta_servers_that_do_not_answer_are_no_open_primaries() -> None:
    [found], _seconds, _waits = looked(MigrationError("pegasus.timeout", "Nobody is there."))
    assert "temp: Nobody is there." in found.remedy
    with pytest.raises(MigrationError, match="No such thing"):
        looked(MigrationError("pegasus.refused", "No such thing."))


def test_several_tables_share_the_time() -> None:
    clock: t.Any = FakeClock()
    silent, good = Cluster({0: "open", 1: "silent"}), Cluster(OPEN)
    fences = [fence(silent, clock, "a"), fence(good, clock, "b"), fence(silent, clock, "c")]
    began = clock.monotonic()
    found = probe_findings(fences, clock, SYNC, lambda _wait: None)
    assert [one.subject for one in found] == ["a", "c"] and len(good.patience) == 1
    assert clock.monotonic() - began < 10


@pytest.mark.parametrize(
    ("words", "code", "asked"),
    [
        (OPEN, "guard.refused", [gs.FENCE]),
        ({0: "open", 1: "silent"}, "pegasus.cutover_blocked", []),
        ({0: "unknown", 1: "open"}, "pegasus.cutover_blocked", []),
    ],
)
def test_it_is_seen_before_the_guard_is_armed(
    monkeypatch: pytest.MonkeyPatch, words: t.Mapping[int, str], code: str, asked: t.List[str]
) -> None:
    clock: t.Any = FakeClock()
    track = Track(TableView("temp"), fence(Cluster(words), clock))
    armed: t.List[str] = []

    def require(request: str, **_more: t.Any) -> t.NoReturn:
        armed.append(request)
        raise MigrationError("guard.refused", "As far as this test goes.")

    nothing: t.Callable[..., t.Any] = lambda *_any, **_more: None
    link: t.Any = types.SimpleNamespace(require=require, ask=nothing)
    anything: t.Any = types.SimpleNamespace(
        append=nothing, waiting=nothing, shorten=nothing, require_short=nothing, lift=5.0, seconds=1.0,
        control=types.SimpleNamespace(require=nothing), config_sync=SYNC,
        source=types.SimpleNamespace(cluster_name="onebox-a", meta_servers=("m:1",)),
    )  # fmt: skip
    eyes: t.Any = types.SimpleNamespace(
        clock=clock, request=types.SimpleNamespace(place=None, max_lag=1, budget=60.0),
        tables=lambda *_any: {"temp": track.view}, sampled=lambda *_any, **_more: {"temp": track.view},
    )  # fmt: skip
    monkeypatch.setattr(cutover_group, "gate", lambda *_any: [])
    group = GroupCutover(eyes, anything, [track], anything, anything, anything, link, anything, anything)
    with pytest.raises(MigrationError) as caught:
        group.run()
    assert (caught.value.code, armed) == (code, asked)


@pytest.mark.parametrize(("round_trip", "patience"), [(0.01, 2.0), (1.0, 3.0), (4.0, 12.0)])
def test_a_probe_waits_as_long_as_servers_were_seen_to_take(round_trip: float, patience: float) -> None:
    """``rpc_timeout`` is above it all: see the client."""
    clock: t.Any = FakeClock()
    cluster = Cluster(OPEN)
    one = fence(cluster, clock, round_trip=round_trip)
    one.look()
    one.look_at_reads()
    assert cluster.patience == [patience] * 2


def test_the_guard_is_as_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: t.Any = FakeClock()
    cluster = Cluster(OPEN)
    monkeypatch.setattr(guard_deeds, "MetaClient", lambda *_any: cluster)
    monkeypatch.setattr(guard_deeds, "ReplicaClient", lambda *_any: cluster)
    guarded = Guarded(
        meta_servers=("m:1",), settings=ConnectionSettings(), cluster="onebox-a", target="onebox-b",
        tables=(GuardedTable("temp", None),), place=None, intervals=(), lift_seconds=1.0, round_trip=3.0,
    )  # fmt: skip
    assert SourceDeeds(guarded, clock).lift() and cluster.patience == [9.0]
