# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of one fence right behind their switch, with a guard that decides as the real one does."""

from __future__ import annotations

import collections
import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer, GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import (
    cutover_finish,
    cutover_put_back,
    model,
    switch,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_finish import Finish
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import LIFTED, SWITCHED, Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.forecast import GIVE_UP_EARLY
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import Znode
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

SILENCE = 28.0
"""Seconds without a word after which a guard takes its module for gone, with the timeouts that are the default."""
BEFORE, AFTER = b"source", b"target"
DECREES = {0: 7}
CONFIG = model.TableConfig(1, 1, (model.Partition(0, 3, 3, "a:1", (), 9),))


class FakeGuard(GuardLink):
    """A guard that is asked without a socket. ``takes``: seconds that a state lasts; ``lost``: it is gone."""

    def __init__(self, clock: FakeClock, znodes: t.Dict[str, Znode]) -> None:
        self.state = gs.SWITCHING
        self.end = float("inf")
        self.takes: t.Dict[str, float] = {}
        self.lost = False
        self.kept: t.Set[str] = set()
        self.asked: t.List[t.Tuple[str, bool]] = []
        self._clock = clock
        self._znodes = znodes
        self._since = 0.0
        self._heard = clock.monotonic()

    def ask(self, request: str, **more: t.Any) -> Answer:
        if self.lost:
            raise GuardLost("gone")
        self._act()
        self._heard = self._clock.monotonic()
        found = gs.step(self.state, request)
        self.state = found.state
        if request != gs.STATUS:
            self.asked.append((request, found.granted))
        return Answer(found.granted, found.state, None, {"kept": sorted(self.kept)})

    def _act(self) -> None:
        """What it has done by now."""
        if self._clock.monotonic() >= self.end:
            self._happens(gs.SWITCHING, gs.DEADLINE)
        if self._clock.monotonic() - self._heard > SILENCE:
            self._happens(gs.SWITCHING, gs.GONE)
        if self.state == gs.DECIDING and self._over():
            self.kept = {name for name, found in self._znodes.items() if found.data == AFTER}
            for name, found in self._znodes.items():
                self._znodes[name] = Znode(found.data, found.version + 1)
            self._happens(gs.DECIDING, gs.SWITCHED if self.kept == set(self._znodes) else gs.IMPOSSIBLE)
        if self.state == gs.LIFTING and self._over():
            self._happens(gs.LIFTING, gs.LIFT_PROVED)

    def _happens(self, state: str, event: str) -> None:
        if self.state == state:
            self.state, self._since = gs.step(state, event).state, self._clock.monotonic()

    def _over(self) -> bool:
        return self._clock.monotonic() >= self._since + self.takes.get(self.state, 0.0)


class Scene:
    """Tables with one letter each. ``followed``: those that the proxies follow.

    ``costs``: seconds of a look, a write, a session and a lift. ``writes``: by table what was written to its znode.
    ``fails``: with which code doing something with a table ends, as ``("lift", "a")``.
    """

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, names: str, followed: str = "") -> None:
        self.clock = FakeClock()
        self.znodes = {name: Znode(AFTER, 4) for name in names}
        self.guard = FakeGuard(self.clock, self.znodes)
        self.costs = {"look": 0.0, "write": 0.0, "session": 0.0, "lift": 0.0}
        self.sessions = 0
        self.writes: t.Dict[str, t.List[bytes]] = collections.defaultdict(list)
        self.closed: t.List[str] = []
        self.fails: t.Dict[t.Tuple[str, str], str] = {}
        self.decrees: t.Callable[[str], t.Any] = lambda _name: DECREES
        clock: t.Any = self.clock
        self.journal = Journal.open(
            str(folder / "j.jsonl"), migration_id="m", engine="pegasus", clock=clock, redactor=Redactor([])
        )
        self.tracks = [
            Track(
                TableView(name, switch=_switch(name), target_name=name, config=CONFIG), t.cast(t.Any, None),
                state=SWITCHED, target_before=DECREES,
            )
            for name in names
        ]  # fmt: skip
        monkeypatch.setattr(cutover_finish, "ZooKeeper", lambda _place: self)
        monkeypatch.setattr(cutover_finish, "lift_all", self._lift)
        monkeypatch.setattr(cutover_put_back, "target_decrees", lambda _eyes, view: self.decrees(view.name))
        monkeypatch.setattr(switch, "look_at_proxies", lambda _proxies, name, *_any: self._look(name, followed))
        target = types.SimpleNamespace(query_config=lambda _name: CONFIG, app=lambda _name: None)
        request = types.SimpleNamespace(place="zk", proxies=("p:1",))
        eyes: t.Any = types.SimpleNamespace(clock=clock, request=request, settings=None, target=target)
        clusters: t.Any = types.SimpleNamespace(target=types.SimpleNamespace(cluster_name="onebox-b"))
        self.finish = Finish(eyes, clusters, CutoverRecord(self.journal, clock), self.guard, 5.0)
        monkeypatch.setattr(self.finish._behind, "close", lambda track: self.closed.append(track.name))
        monkeypatch.setattr(self.finish._behind, "verify", lambda *_any: None)

    def _look(self, name: str, followed: str) -> switch.ProxyLook:
        self.clock.advance(self.costs["look"])
        return switch.ProxyLook({"p:1": switch.TARGET if name in followed else switch.SOURCE}, {})

    def _lift(self, tracks: t.Sequence[Track], *_any: t.Any) -> None:
        self.clock.advance(self.costs["lift"])
        for track in tracks:
            self._fail("lift", track.name)
            track.state = LIFTED

    # ZooKeeper.

    def __enter__(self) -> Scene:
        self.clock.advance(self.costs["session"])
        self.sessions += 1
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def read(self, table: str) -> Znode:
        self._fail("read", table)
        return self.znodes[table]

    def compare_and_set(self, table: str, data: bytes, version: int) -> int:
        self.clock.advance(self.costs["write"])
        self._fail("write", table)
        if version != self.znodes[table].version:
            raise MigrationError("pegasus.znode_changed", "No.")
        self.writes[table].append(data)
        self.znodes[table] = Znode(data, version + 1)
        return version + 1

    def _fail(self, doing: str, table: str) -> None:
        if (doing, table) in self.fails:
            raise MigrationError(self.fails[(doing, table)], f"Could not {doing} {table}.")

    # What is done, and what has come of it.

    def run(self, left: float) -> MigrationError:
        """What it ends with that began so many seconds before the module gives up."""
        clock: t.Any = self.clock
        self.guard.end = self.clock.monotonic() + left + GIVE_UP_EARLY
        with pytest.raises(MigrationError) as caught:
            self.finish.run(self.tracks, Deadline(clock, left, "the cutover"))
        return caught.value

    def in_state(self, state: str) -> str:
        """The tables that are in it."""
        return "".join(track.name for track in self.tracks if track.state == state)

    def at(self, data: bytes) -> str:
        """The tables whose znode holds it."""
        return "".join(name for name, found in self.znodes.items() if found.data == data)

    def kinds(self, start: str) -> t.List[t.Any]:
        """The data of the journal's entries whose kind starts so."""
        return [entry.data for entry in self.journal.entries if entry.kind.startswith(start)]


def _switch(name: str) -> switch.Switch:
    return switch.Switch(name, f"/mp/{name}", f"zookeeper:/mp/{name}", BEFORE, 3, AFTER)
