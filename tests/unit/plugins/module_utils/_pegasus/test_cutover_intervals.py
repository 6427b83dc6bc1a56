# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The config-sync intervals of a cutover: how long a short one takes to count, who watches it, when it goes back."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_closing import Closing
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import (
    IntervalKeeper,
    all_put_back,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals, standing
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

A, B = "10.0.0.1:34801", "10.0.0.2:34801"
CONFIG = model.TableConfig(2, 1, (model.Partition(0, 3, 3, A, (B,), 9),))


class Servers:
    """The intervals of two servers, as the client of a real one reads and sets them. ``asked``: whose was read."""

    def __init__(self, *values: str) -> None:
        self.values = dict(zip((A, B), values))
        self.silent: t.Set[str] = set()
        self.sent: t.List[str] = []
        self.asked: t.List[t.List[str]] = []

    def get_config(self, nodes: t.Iterable[str], name: str) -> t.Any:
        nodes = list(nodes)
        self.asked.append(nodes)
        return model.Answers(
            {node: model.ConfigValue(name, self.values[node]) for node in nodes if node not in self.silent},
            {node: MigrationError("pegasus.unreachable", "away") for node in nodes if node in self.silent},
        )

    def update_config(self, node: str, name: str, value: str) -> None:
        self.sent.append(f"{node}={value}")
        self.values[node] = value


class Scene:
    """A cluster, a journal in a file, and a clock."""

    def __init__(self, folder: pathlib.Path, *values: str) -> None:
        self.clock = FakeClock()
        self.servers = Servers(*values)
        self.glances: t.Any = None
        clock: t.Any = self.clock
        self.journal = Journal.open(
            str(folder / "j.jsonl"), migration_id="m", engine="pegasus", clock=clock, redactor=Redactor([])
        )
        self.record = CutoverRecord(self.journal, clock)

    def keeper(self, wanted: t.Optional[int] = 1000, fenced: t.Iterable[str] = ()) -> IntervalKeeper:
        info = model.ClusterInfo("onebox-a", "", (), "", "", "steady")
        clusters = Clusters(
            source=info,
            target=info,
            profile=Profile.choose(Version.parse("2.6.0")),
            nodes=(A, B),
            intervals=dict(self.servers.values),
            config_sync=30.0,
            duplication_sync=10.0,
            remote="onebox-b",
            group_check=100.0,
            round_trip=0.01,
            fenced=frozenset(fenced),
        )
        intervals = Intervals(t.cast(t.Any, self.servers), "onebox-a", self.glances)
        return IntervalKeeper(intervals, clusters, cp.read_past(self.journal.entries), wanted)

    def shorten(self, keeper: IntervalKeeper) -> float:
        clock: t.Any = self.clock
        began = self.clock.steady
        keeper.shorten(self.record, clock, lambda: None)
        return self.clock.steady - began


@pytest.fixture(name="scene")
def _scene(tmp_path: pathlib.Path) -> t.Iterator[t.Callable[..., Scene]]:
    made: t.List[Scene] = []

    def make(*values: str) -> Scene:
        made.append(Scene(tmp_path, *values))
        return made[-1]

    yield make
    for one in made:
        one.journal.close()


def test_shortened_it_is_waited_for_one_old_interval(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "20000")
    assert 30 <= one.shorten(one.keeper()) < 32
    assert one.servers.values == {A: "1000", B: "1000"}


def test_what_is_shorter_already_is_left_and_not_waited_for(scene: t.Callable[..., Scene]) -> None:
    one = scene("500", "500")
    assert one.shorten(one.keeper()) == 0 and not one.servers.sent


def test_just_what_we_would_set_may_have_been_set_by_another_cutover_a_moment_ago(
    scene: t.Callable[..., Scene],
) -> None:
    one = scene("1000", "1000")
    keeper = one.keeper()
    assert 30 <= one.shorten(keeper) < 32
    keeper.restore(one.record, t.cast(t.Any, one.clock))
    assert not one.servers.sent


def test_what_a_killed_run_has_shortened_a_moment_ago_does_not_count_yet(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "30000")
    first = one.keeper()
    for call in first.shorten_calls():
        one.record.send(call)
    one.clock.sleep(10.0)
    again = one.keeper()
    assert [interval.node for interval in again.left] == [A, B] and not again.planned
    assert 20 <= one.shorten(again) < 22
    again.restore(one.record, t.cast(t.Any, one.clock))
    assert one.servers.values == {A: "30000", B: "30000"}


def test_nothing_goes_back_while_another_table_is_fenced(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "30000")
    keeper = one.keeper()
    one.shorten(keeper)
    ends = one.clock.steady + 50
    seen: t.List[t.Dict[str, str]] = []

    def others() -> t.List[str]:
        seen.append(dict(one.servers.values))
        return ["users"] if one.clock.steady < ends else []

    keeper.restore(one.record, t.cast(t.Any, one.clock), others)
    assert one.clock.steady >= ends and all(values == {A: "1000", B: "1000"} for values in seen)
    assert one.servers.values == {A: "30000", B: "30000"}
    assert "users" in one.record.waits["pegasus.wait.other_cutovers"].worst


def test_a_fence_that_nobody_ends_leaves_them_short_and_says_so(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "30000")
    keeper = one.keeper()
    one.shorten(keeper)
    [left] = keeper.restore(one.record, t.cast(t.Any, one.clock), lambda: ["users"])
    assert (left.id, left.severity) == ("pegasus.cutover.intervals_left", "warning")
    assert "users is still fenced" in left.remedy and left.evidence == {"tables": ["users"]}
    assert [interval.node for interval in one.keeper().left] == [A, B]


def test_a_table_that_was_fenced_before_does_not_count_on_them(scene: t.Callable[..., Scene]) -> None:
    """Somebody keeps it read-only for good, or its own cutover came first: it has what it found."""
    one = scene("30000", "30000")
    keeper = one.keeper(fenced=["archive"])
    one.shorten(keeper)
    began = one.clock.steady
    assert keeper.restore(one.record, t.cast(t.Any, one.clock), lambda: ["archive"]) == []
    assert one.clock.steady - began < 1 and one.servers.values == {A: "30000", B: "30000"}


def test_who_was_fenced_before_a_killed_run_is_known_to_the_next_one(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "30000")
    one.shorten(one.keeper(fenced=["archive"]))
    # Whoever fences behind that counts on what the killed run has left short, although it is found fenced now.
    again = one.keeper(fenced=["archive", "users"])
    fenced = ["archive", "users"]
    ends = one.clock.steady + 50

    def others() -> t.List[str]:
        return fenced if one.clock.steady < ends else ["archive"]

    assert again.restore(one.record, t.cast(t.Any, one.clock), others) == []
    assert one.clock.steady >= ends and one.servers.values == {A: "30000", B: "30000"}


def test_what_stays_short_on_a_server_that_dies_is_a_finding(scene: t.Callable[..., Scene]) -> None:
    """How the cutover ended is told by others: here it is told what stays, and until when."""
    one = scene("30000", "30000")
    keeper = one.keeper()
    one.shorten(keeper)
    one.servers.silent = {A}
    [left] = keeper.restore(one.record, t.cast(t.Any, one.clock))
    assert one.servers.values == {A: "1000", B: "30000"}
    assert not all_put_back([left])
    assert left.evidence == {"servers": {A: "away"}} and f"interval of {A} could not be put back" in left.remedy
    assert left.remedy in [note["text"] for note in one.record.copied("note")]
    # Restarted, it has its own setting; unreachable, it still has ours, and the next run puts that back.
    one.servers.silent = set()
    assert one.keeper(None).restore(one.record, t.cast(t.Any, one.clock)) == []
    assert one.servers.values == {A: "30000", B: "30000"} and not one.keeper().left


@pytest.mark.parametrize("refused", [1, 2])
def test_one_answer_that_is_lost_leaves_no_interval_short(scene: t.Callable[..., Scene], refused: int) -> None:
    one = scene("30000", "30000")
    keeper = one.keeper()
    one.shorten(keeper)
    problems = [MigrationError("pegasus.unreachable", "away")] * refused
    send = one.servers.update_config

    def others() -> t.List[str]:
        if problems:
            raise problems.pop()
        return []

    def update(node: str, name: str, value: str) -> None:
        if node == A and len(problems) == 1:
            raise problems.pop()
        send(node, name, value)

    with pytest.MonkeyPatch.context() as patched:
        # Either of the meta servers, or of one server.
        patched.setattr(one.servers, "update_config", update)
        left = keeper.restore(one.record, t.cast(t.Any, one.clock), others if refused == 2 else lambda: ())
    assert (left, one.servers.values, all_put_back(left)) == ([], {A: "30000", B: "30000"}, True)
    assert not one.keeper().left


def test_a_server_that_was_restarted_has_nothing_of_ours(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "30000")
    keeper = one.keeper()
    one.shorten(keeper)
    one.servers.values[A] = "30000"
    one.servers.sent.clear()
    assert keeper.restore(one.record, t.cast(t.Any, one.clock)) == [] and one.servers.sent == [f"{B}=30000"]


def test_meta_servers_that_do_not_tell_who_is_fenced_leave_them_short(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "30000")
    keeper = one.keeper()
    one.shorten(keeper)

    def others() -> t.List[str]:
        raise MigrationError("pegasus.unreachable", "nobody is there")

    [left] = keeper.restore(one.record, t.cast(t.Any, one.clock), others)
    assert left.evidence == {"problem": "nobody is there"} and one.servers.values == {A: "1000", B: "1000"}


def test_the_guard_waits_for_nobody_who_was_fenced_before(scene: t.Callable[..., Scene]) -> None:
    keeper = scene("30000", "30000").keeper(fenced=["archive", "users"])
    assert standing(keeper.all) == {"archive", "users"} and standing([]) == frozenset()


def test_an_interval_that_somebody_raises_ends_the_cutover(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "30000")
    keeper = one.keeper()
    one.shorten(keeper)
    clock: t.Any = one.clock
    keeper.require_short(clock)
    one.servers.silent = {A}
    one.clock.sleep(2.0)
    keeper.require_short(clock)
    one.servers.values[B] = "30000"
    one.clock.sleep(2.0)
    with pytest.raises(MigrationError) as caught:
        keeper.require_short(clock)
    assert caught.value.code == "pegasus.config_sync_raised" and caught.value.details == {"raised": {B: "30000"}}


def test_a_slow_server_costs_a_fence_a_second_now_and_then(scene: t.Callable[..., Scene]) -> None:
    """It may serve no partition of the table at all. Before the fence it is waited for as long as any question is."""
    one = scene("30000", "30000")
    glances = Servers("1000", "1000")
    glances.silent = {A}

    def glance(nodes: t.Iterable[str], name: str) -> t.Any:
        asked = list(nodes)
        one.clock.advance(1.0 if A in asked else 0.01)
        return glances.get_config(asked, name)

    one.glances = types.SimpleNamespace(get_config=glance)
    keeper = one.keeper()
    one.shorten(keeper)
    clock: t.Any = one.clock
    keeper.require_short(clock)
    one.clock.sleep(2.0)
    one.servers.asked.clear()
    began, turns = one.clock.steady, 0
    while one.clock.steady - began < 20.0:
        keeper.require_short(clock, at_a_glance=True)
        one.clock.sleep(0.2)
        turns += 1
    assert one.servers.asked == [], "the one that waits long for an answer was not asked"
    # Four or five glances at the slow one in 20 s, and all the other turns are quick.
    assert 3 <= sum(A in asked for asked in glances.asked) <= 5 and turns > 60
    assert sum(B in asked for asked in glances.asked) >= 12
    glances.values[B] = "30000"
    with pytest.raises(MigrationError) as caught:
        for _turn in range(10):
            keeper.require_short(clock, at_a_glance=True)
            one.clock.sleep(0.2)
    assert caught.value.code == "pegasus.config_sync_raised" and caught.value.details == {"raised": {B: "30000"}}


@pytest.mark.parametrize("rpc_timeout", [10.0, 0.5])
def test_a_glance_waits_for_no_longer_than_a_second(rpc_timeout: float) -> None:
    settings = ConnectionSettings(connect_timeout=3.0, rpc_timeout=rpc_timeout)
    connection = types.SimpleNamespace(meta_servers=("m:1",), target_meta_servers=("p:1",), settings=settings)
    request: t.Any = types.SimpleNamespace(connection=connection)
    clock: t.Any = FakeClock()
    eyes = Eyes(request, clock)
    short = min(1.0, rpc_timeout)
    assert eyes.glances._settings == ConnectionSettings(1.0, short) and eyes.replicas._settings == settings


def test_what_another_cutover_puts_back_meanwhile_is_shortened_again(scene: t.Callable[..., Scene]) -> None:
    one = scene("1000", "1000")
    keeper = one.keeper()
    clock: t.Any = one.clock
    began = one.clock.steady

    def ends() -> None:
        if 10 <= one.clock.steady - began < 11:
            one.servers.values = {A: "30000", B: "20000"}

    keeper.shorten(one.record, clock, ends)
    assert 60 <= one.clock.steady - began < 64 and one.servers.values == {A: "1000", B: "1000"}
    keeper.restore(one.record, clock)
    assert one.servers.values == {A: "30000", B: "20000"}


def test_a_cluster_that_never_keeps_it_short_is_not_fenced(scene: t.Callable[..., Scene]) -> None:
    one = scene("30000", "30000")
    clock: t.Any = one.clock
    with pytest.raises(MigrationError) as caught:
        one.keeper().shorten(one.record, clock, lambda: one.servers.values.update({A: "30000"}))
    assert caught.value.code == "pegasus.config_sync_raised"


@pytest.mark.parametrize("shortened", [True, False])
def test_readers_are_seen_refused_while_the_intervals_are_short(scene: t.Callable[..., Scene], shortened: bool) -> None:
    """By what is in force: a call that has only finished what a killed one began shortens nothing."""
    one = scene("30000", "20000")
    clock: t.Any = one.clock
    keeper = one.keeper()
    if shortened:
        one.shorten(keeper)
    began, seen = one.clock.steady, []

    def look() -> t.Any:
        seen.append(dict(one.servers.values))
        return CONFIG, {0: model.WRITES_OPEN}

    fence: t.Any = types.SimpleNamespace(table="temp", look_at_reads=look)
    one.record.closings.append(Closing(fence, began))
    [found] = keeper.restore(one.record, clock)
    assert found.id == "pegasus.cutover.close_unproved"
    assert seen[-1] == ({A: "1000", B: "1000"} if shortened else {A: "30000", B: "20000"})
    assert one.clock.steady - began == pytest.approx(3.0 if shortened else 32.0)
    assert one.servers.values == {A: "30000", B: "20000"}
    assert keeper.restore(one.record, clock) == []
