# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fence is lifted whatever is out of reach, but for what tells where the clients are that we began to switch."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_look, model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_end import End
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_intervals import (
    INTERVALS_LEFT,
    IntervalKeeper,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import read_request
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence_interval import Intervals
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY, DENY_WRITE, Profile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

A, B, C = "10.0.0.1:34801", "10.0.0.2:34801", "10.0.0.3:34801"
SOURCE = b'{"cluster_name": "onebox-a", "meta_addrs": "m:1,n:1"}'
TARGET = b'{"cluster_name": "onebox-b", "meta_addrs": "p:1,q:1"}'
AWAY = MigrationError("pegasus.zookeeper_unreachable", "ZooKeeper is away.")
INTERVAL = "pegasus:onebox-a/node/{}/config/config_sync_interval_ms"


class Meta:
    """The meta servers of a cluster with two fenced tables."""

    profile = Profile.choose(Version.parse("2.6.0"))

    def __init__(self, name: str) -> None:
        self._info = model.ClusterInfo(name, "", (f"{name}:1",), "", "", "steady")

    def cluster_info(self) -> model.ClusterInfo:
        return self._info

    def list_nodes(self) -> t.Tuple[model.Node, ...]:
        return tuple(model.Node(node, True) for node in (A, B, C))

    def list_apps(self) -> t.Tuple[model.App, ...]:
        envs = {DENY_KEY: DENY_WRITE}
        return tuple(model.App(name, number, "AVAILABLE", 1, envs, 3) for number, name in enumerate(("a", "b"), 1))

    def query_config(self, name: str) -> model.TableConfig:
        return model.TableConfig(1, 1, (model.Partition(0, 3, 3, A, (), 9),))

    def query_duplications(self, name: str) -> t.Tuple[model.Duplication, ...]:
        return (model.Duplication(77, "DS_LOG", "onebox-b", 0),)


class Replicas:
    """Replica servers, some of them silent."""

    def __init__(self, silent: t.Collection[str] = ()) -> None:
        self.silent = silent

    def replica_infos(self, nodes: t.Iterable[str]) -> t.Any:
        return model.Answers({}, {})

    def get_config(self, nodes: t.Iterable[str], name: str) -> t.Any:
        good = {node: model.ConfigValue(name, "1000") for node in nodes if node not in self.silent}
        failed = {node: MigrationError("pegasus.timeout", "silent") for node in nodes if node in self.silent}
        return model.Answers(good, failed)


class Scene:
    """Two tables that a cutover has fenced. ``znodes``: what is found in ZooKeeper, ``away``: it cannot be asked."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.znodes: t.Dict[str, t.Any] = {"a": Znode(SOURCE, 3), "b": Znode(SOURCE, 3)}
        self.away: t.Optional[MigrationError] = None
        self.silent: t.Tuple[str, ...] = ()
        self.begun: t.Tuple[str, ...] = ()
        self.ours: t.Tuple[str, ...] = ("a", "b")
        self.ended: t.Dict[str, Entry] = {}
        self._journal = str(folder / "j.jsonl")
        monkeypatch.setattr(cutover_look, "ZooKeeper", lambda _place: self)
        monkeypatch.setattr(switch, "look_at_proxies", lambda *_any: None)

    def __enter__(self) -> Scene:
        if self.away is not None:
            raise self.away
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def read(self, table: str) -> t.Any:
        if isinstance(self.znodes[table], MigrationError):
            raise self.znodes[table]
        return self.znodes[table]

    def writable(self, table: str) -> bool:
        return True

    def eyes(self, state: str) -> Eyes:
        request = read_request(
            {
                "meta_servers": ["m:1", "n:1"], "target_meta_servers": ["p:1", "q:1"], "connect_timeout": "1s",
                "rpc_timeout": "1s", "tables": ["a", "b"], "state": state, "switch": "metaproxy",
                "metaproxies": ["x:1"], "budget": "60s", "max_lag": 1, "last_mutation": "strict",
                "config_sync_interval": "1s", "group_size": 1, "zookeeper_hosts": "zk:1", "zookeeper_root": "/mp",
                "zookeeper_timeout": "1s", "journal": self._journal, "rehearsal_max_age": "7d",
            }
        )  # fmt: skip
        eyes = Eyes(request, t.cast(t.Any, FakeClock()))
        eyes.source, eyes.target = t.cast(t.Any, Meta("onebox-a")), t.cast(t.Any, Meta("onebox-b"))
        eyes.replicas = t.cast(t.Any, Replicas(self.silent))
        return eyes

    def end(self, tables: t.Sequence[str] = ("a", "b"), guard: t.Any = None) -> t.Tuple[Clusters, End]:
        """What the second call looks at and means to do; MigrationError where it refuses."""
        eyes = self.eyes("lifted")
        clusters = eyes.clusters()
        views = eyes.tables(clusters, tables)
        source: t.Any = eyes.source
        tracks = {name: Track(view, Fence(source, eyes.replicas, eyes.clock, "onebox-a", name))
                  for name, view in views.items()}  # fmt: skip
        ours = [track for track in tracks.values() if track.name in self.ours]
        changes = {track.fence.resource: Recorded(None, DENY_WRITE, 1) for track in ours}
        place: t.Any = eyes.request.place
        changes.update({place.resource(name): Recorded("1", "2", 1) for name in self.begun})
        changes.update({INTERVAL.format(node): Recorded("30000", "1000", 1) for node in (A, B, C)})
        past = cp.Past(changes, self.ended)
        keeper = IntervalKeeper(Intervals(eyes.replicas, "onebox-a"), clusters, past, None)
        return clusters, End(eyes, clusters, tracks, keeper, past, guard)


@pytest.fixture(name="scene")
def _scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def fenced(end: End) -> t.List[t.Any]:
    """The tables that would be lifted."""
    requests = [change["request"] for change in end.predict().as_result()]
    return [request["fields"]["app_name"] for request in requests if "rpc" in request]


def test_a_silent_server_is_no_reason_to_leave_a_fence(scene: Scene) -> None:
    scene.silent = (C,)
    clusters, end = scene.end()
    assert clusters.intervals == {A: "1000", B: "1000"} and clusters.config_sync == 30.0
    assert fenced(end) == ["a", "b"]
    # Its interval is still to be put back.
    assert [one.node for one in end._keeper.left] == [A, B, C]
    with pytest.raises(MigrationError) as caught:
        scene.eyes("cut_over").clusters()
    assert caught.value.code == "pegasus.config_sync_unknown"


@pytest.mark.parametrize(
    "problem",
    [
        {"away": AWAY},
        {"away": MigrationError("pegasus.zookeeper_chroot", "No such chroot.")},
        {"znodes": {"a": Znode(SOURCE, 3), "b": AWAY}},
        {"znodes": {"a": MigrationError("pegasus.zookeeper_denied", "No."), "b": Znode(SOURCE, 3)}},
        {"znodes": {"a": Znode(b"{", 3), "b": MigrationError("pegasus.znode_missing", "No root.")}},
    ],
)
def test_where_nothing_was_switched_zookeeper_is_not_needed(scene: Scene, problem: t.Mapping[str, t.Any]) -> None:
    vars(scene).update(problem)
    assert fenced(scene.end()[1]) == ["a", "b"]
    eyes = scene.eyes("cut_over")
    with pytest.raises(MigrationError):
        eyes.tables(eyes.clusters(), ("a", "b"))


def test_where_a_switch_was_begun_it_is(scene: Scene) -> None:
    scene.begun, scene.away = ("b",), AWAY
    with pytest.raises(MigrationError) as caught:
        scene.end()
    assert caught.value.code == "pegasus.zookeeper_unreachable"
    assert "fence of b stays" in caught.value.message and "ZooKeeper is away." in caught.value.message
    assert fenced(scene.end(("a",))[1]) == ["a"]


def test_a_znode_that_does_not_concern_the_table_does_not_either(scene: Scene) -> None:
    scene.begun, scene.znodes = ("b",), {"a": MigrationError("pegasus.zookeeper_denied", "No."), "b": Znode(SOURCE, 4)}
    assert fenced(scene.end()[1]) == ["a", "b"]


def test_a_table_that_is_gone_has_no_fence_and_stops_no_other_from_being_lifted(scene: Scene) -> None:
    scene.znodes["gone"] = Znode(SOURCE, 3)
    _clusters, end = scene.end(("a", "gone"))
    assert fenced(end) == ["a"]


def test_clients_on_the_target_still_forbid_it(scene: Scene) -> None:
    scene.znodes["b"] = Znode(TARGET, 4)
    with pytest.raises(MigrationError) as caught:
        scene.end()
    assert caught.value.code == "pegasus.already_on_target"


@pytest.mark.parametrize(("state", "asked"), [(gs.LIFTED, [gs.BYE]), (gs.HANDED_OVER, []), (gs.DECIDING, [])])
def test_a_guard_that_has_ended_it_is_let_go(scene: Scene, state: str, asked: t.List[str]) -> None:
    """A later call that finds everything lifted used to leave it behind, waiting for requests that nobody sends."""
    heard: t.List[str] = []
    link = types.SimpleNamespace(ask=lambda request, **_more: heard.append(request))
    guard = types.SimpleNamespace(link=link, answer=types.SimpleNamespace(state=state))
    scene.end((), guard)[1].let_go()
    assert heard == asked


@pytest.mark.parametrize("left", [True, False])
def test_the_guard_goes_on_putting_back_what_the_call_could_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    heard: t.List[t.Any] = []
    link = types.SimpleNamespace(ask=lambda request, **more: heard.append((request, more)))
    end = scene.end((), types.SimpleNamespace(link=link, answer=types.SimpleNamespace(state=gs.LIFTED)))[1]
    findings = [Finding(INTERVALS_LEFT, "warning", "onebox-a", {}, "")] if left else []
    monkeypatch.setattr(end._keeper, "restore", lambda *_more: findings)
    assert end.run(t.cast("t.Any", None)) == findings
    assert heard == [(gs.BYE, {"settings_restored": not left})]


def held(state: str, *tables: str) -> t.Any:
    """A guard that holds fences of these tables, or has held them."""
    return types.SimpleNamespace(link=None, answer=types.SimpleNamespace(state=state, more={"tables": list(tables)}))


@pytest.mark.parametrize(
    ("guard", "proved"),
    [(held(gs.HANDED_OVER, "a", "b"), ["a", "b"]), (held(gs.HANDED_OVER, "b"), ["b"]), (held(gs.LIFTED, "a", "b"), [])],
)
def test_what_a_killed_call_has_lifted_is_proved_while_the_guard_still_holds_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, guard: t.Any, proved: t.List[str]
) -> None:
    monkeypatch.setattr(Meta, "list_apps", lambda _meta: tuple(
        model.App(name, number, "AVAILABLE", 1, {}, 3) for number, name in enumerate(("a", "b"), 1)
    ))  # fmt: skip
    end = scene.end(("a", "b"), guard)[1]
    assert [track.name for track in end._open] == proved
    # The env is gone already, so nothing is sent for it.
    assert fenced(end) == []


def test_what_others_deny_and_what_was_committed_is_left_alone_while_a_guard_holds_another(scene: Scene) -> None:
    scene.ours = ("a",)
    assert fenced(scene.end(("a", "b"), held(gs.HANDED_OVER, "a", "b"))[1]) == ["a"]


def test_a_commit_is_not_forgotten_because_a_guard_still_holds_the_fence(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Meta, "list_apps", lambda _meta: (model.App("a", 1, "AVAILABLE", 1, {}, 3),))
    scene.ended = {"a": Entry(1, "2026-11-21T03:14:00.000Z", cp.COMMITTED_KIND, {"table": "a"}, "", "")}
    assert scene.end(("a",), held(gs.HANDED_OVER, "a"))[1]._open == []
