# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of region moves against a scripted server: it converges, stays within its limits and sends nothing twice."""

from __future__ import annotations

import collections
import dataclasses
import types
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.control import Control
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.window import Windows
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import move_state as ms
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate import RegionMigration
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_control import RunControl
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_records import (
    MoveRecorder,
    read_past,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_settings import Settings
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.migrate_start import (
    begin,
    make_schedule,
    refuse,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import (
    Node,
    Placement,
    Procedure,
    RegionInfo,
)
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.plan import Move
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

BASE = 4398046511104


@dataclasses.dataclass
class Work:
    """One procedure of the server, with what a client can see of it and what becomes of it."""

    seen: Procedure
    to_peer: int
    ends: float
    fate: str

    @property
    def region_id(self) -> int:
        return self.seen.region_ids[0]


class Server:
    """What the client would see: procedures that take time, with one scripted fate per submission."""

    dialect = types.SimpleNamespace(
        can_flush_region=True,
        server_preflushes=True,
        has_region_info=False,
        has_old_datanodes=False,
        state_form="admin",
        recommended_per_table=None,
    )

    def __init__(self, clock: FakeClock, leaders: t.Mapping[int, int], fates: t.Sequence[str], duration: float) -> None:
        self.clock = clock
        self.regions = {region: Placement(region, peer, "ALIVE") for region, peer in leaders.items()}
        self.procedures: t.Dict[str, Work] = {}
        self.fates = collections.deque(fates)
        self.duration = duration
        self.submitted: t.List[t.Tuple[int, int, int]] = []
        self.most: t.Counter[str] = collections.Counter()

    def _now(self) -> float:
        return self.clock.now().timestamp()

    def _advance(self) -> None:
        for one in self.procedures.values():
            if one.seen.active and self._now() >= one.ends:
                one.seen = dataclasses.replace(one.seen, status="Failed" if one.fate == "fails" else "Done")
                if one.fate not in ("fails", "false_done"):
                    self.regions[one.region_id] = Placement(one.region_id, one.to_peer, "ALIVE")

    def flush_request(self, region_id: int) -> str:
        return f"ADMIN flush_region({region_id})"

    def submit_request(self, region_id: int, from_peer: int, to_peer: int, timeout: int) -> str:
        return f"ADMIN migrate_region({region_id}, {from_peer}, {to_peer}, {timeout})"

    def submit(self, region_id: int, from_peer: int, to_peer: int, timeout: int) -> t.Optional[str]:
        self._advance()
        fate = self.fates.popleft() if self.fates else "moves"
        if fate == "dropped":
            raise MigrationError("greptimedb.ambiguous", "connection lost")
        if fate == "refused":
            raise MigrationError("greptimedb.not_leader", "non-leader meta server")
        if any(one.region_id == region_id and one.seen.active for one in self.procedures.values()):
            raise MigrationError("greptimedb.in_flight", "Another migration procedure is running")
        if self.regions[region_id].leader_peer == to_peer:
            return None
        self.submitted.append((region_id, from_peer, to_peer))
        pid = f"pid-{len(self.submitted)}"
        if fate != "never_registered":
            seen = Procedure(pid, "metasrv-procedure::RegionMigration", "Running", (region_id,), start=self.clock.now())
            self.procedures[pid] = Work(seen, to_peer, self._now() + self.duration, fate)
            running = [one for one in self.procedures.values() if one.seen.active]
            self.most["global"] = max(self.most["global"], len(running))
            sources = collections.Counter(self.regions[one.region_id].leader_peer for one in running)
            self.most["per_source"] = max([self.most["per_source"], *sources.values()])
        if fate == "reply_lost":
            raise MigrationError("greptimedb.ambiguous", "connection lost")
        return pid

    def active(self, active_only: bool = True) -> t.List[Procedure]:
        self._advance()
        return [one.seen for one in self.procedures.values() if one.seen.active]

    def placements(self, region_ids: t.Iterable[int]) -> t.Dict[int, Placement]:
        self._advance()
        return {region: self.regions[region] for region in region_ids if region in self.regions}

    def state(self, pid: str) -> t.Tuple[str, str]:
        self._advance()
        if pid not in self.procedures:
            raise MigrationError("greptimedb.pid_unknown", "Procedure not found", server_text="Procedure not found")
        return self.procedures[pid].seen.status, ""


class MemoryJournal:
    """The part of the journal that a run uses, in memory."""

    def __init__(self, clock: FakeClock) -> None:
        self.entries: t.List[t.Any] = []
        self._clock = clock

    def append_many(self, items: t.Sequence[t.Tuple[str, t.Dict[str, t.Any]]]) -> None:
        for kind, data in items:
            at = self._clock.now().isoformat().replace("+00:00", "Z")
            self.entries.append(types.SimpleNamespace(kind=kind, data=data, at=at))

    def intents(
        self, changes: t.Sequence[t.Any], contexts: t.Optional[t.Sequence[t.Mapping[str, t.Any]]] = None
    ) -> t.List[str]:
        ids = []
        for change, context in zip(changes, contexts or [{}] * len(changes)):
            ids.append(str(len(self.entries)))
            self.append_many([("change.intent", {"id": ids[-1], **change.as_result(), "context": dict(context)})])
        return ids


def make_settings(**changes: t.Any) -> Settings:
    values: t.Dict[str, t.Any] = {
        "server_timeout": 300,
        "timeout": 3600.0,
        "move_timeout": 900.0,
        "settle_time": 10.0,
        "poll_interval": 0.25,
        "step_time": None,
        "max_failures": 0,
        "attempts": 3,
        "flush_before": "auto",
    }
    values.update(changes)
    return Settings(**values)


def start(
    server: Server,
    clock: FakeClock,
    journal: MemoryJournal,
    moves: t.Sequence[Move],
    limits: t.Mapping[str, t.Optional[int]],
    control: t.Optional[RunControl] = None,
    **changes: t.Any,
) -> RegionMigration:
    client = _Client(server)
    past = read_past(journal.entries)
    tracks, problems = begin(moves, server.placements([m.region_id for m in moves]), server.active(), past)
    refuse(problems)
    for track in tracks:
        track.patient_from = clock.now().timestamp()
    run_settings = make_settings(**changes)
    return RegionMigration(
        client=client,  # type: ignore[arg-type]
        clock=clock,
        settings=run_settings,
        recorder=MoveRecorder(journal),  # type: ignore[arg-type]
        tracks=tracks,
        schedule=make_schedule(moves, tracks, limits, "eager"),
        deadline=Deadline(clock, run_settings.timeout, "timeout"),
        control=control or RunControl(Control(None, clock), Windows(()), limits, clock),
    )


class _Client:
    """The server under the names that the client has."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._server, "active" if name == "procedures" else name)


def plan(count: int) -> t.List[Move]:
    return [Move(BASE + n, 1, 2 + n % 2, "public.t", 1024) for n in range(count)]


def leaders(count: int) -> t.Dict[int, int]:
    return {BASE + n: 1 for n in range(count)}


def states(run: RegionMigration) -> t.Counter[str]:
    return collections.Counter(track.state for track in run.tracks.values())


def test_all_regions_arrive_and_each_is_submitted_once_within_the_limits() -> None:
    clock = FakeClock()
    server = Server(clock, leaders(20), [], duration=3.0)
    run = start(server, clock, MemoryJournal(clock), plan(20), {"global": 5, "per_source": 4})
    run.run()
    assert run.finished and states(run) == {ms.DONE: 20}
    assert len(server.submitted) == 20
    assert server.most["global"] == server.most["per_source"] == 4


def test_a_slot_that_a_look_found_free_is_filled_without_another_pause() -> None:
    clock = FakeClock()
    server = Server(clock, leaders(8), [], duration=3.1)
    began = clock.monotonic()
    start(server, clock, MemoryJournal(clock), plan(8), {"global": 1}).run()
    # Each move is seen to have ended at the next look, 0.15 s later, and the next one starts at that moment.
    assert clock.monotonic() - began == pytest.approx(8 * 3.25, abs=0.3)


def test_a_second_run_sends_nothing() -> None:
    clock = FakeClock()
    server = Server(clock, leaders(4), [], duration=1.0)
    journal = MemoryJournal(clock)
    start(server, clock, journal, plan(4), {"global": 2}).run()
    sent = list(server.submitted)
    again = start(server, clock, journal, plan(4), {"global": 2})
    again.run()
    assert again.finished and states(again) == {ms.UNCHANGED: 4} and server.submitted == sent


def test_a_failure_beyond_the_threshold_stops_new_moves_and_follows_running_ones() -> None:
    clock = FakeClock()
    server = Server(clock, leaders(10), ["fails"], duration=2.0)
    run = start(server, clock, MemoryJournal(clock), plan(10), {"global": 3}, attempts=1)
    run.run()
    assert run.finished
    # The two beside the failing one were under way and are followed to their end; nothing is started after the failure.
    assert states(run)[ms.FAILED] == 1
    assert states(run)[ms.DONE] + states(run)[ms.WAITING] == 9 and states(run)[ms.WAITING] == 7
    assert states(run)[ms.SUBMITTED] == 0


def test_a_permission_error_stops_the_run_at_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    server = Server(clock, leaders(5), [], duration=1.0)

    def refuse_all(*_args: t.Any) -> t.Optional[str]:
        server.submitted.append((0, 0, 0))
        raise MigrationError("greptimedb.permission", "not authorized")

    monkeypatch.setattr(server, "submit", refuse_all)
    run = start(server, clock, MemoryJournal(clock), plan(5), {"global": 5})
    run.run()
    assert run.finished and run.fatal is not None and len(server.submitted) == 1


def test_at_the_deadline_running_moves_are_reported_as_unresolved_and_a_later_run_follows_them() -> None:
    clock = FakeClock()
    server = Server(clock, leaders(2), [], duration=50.0)
    journal = MemoryJournal(clock)
    run = start(server, clock, journal, plan(2), {"global": 2}, timeout=5.0)
    run.run()
    assert run.expired and not run.finished and states(run) == {ms.UNRESOLVED: 2}
    later = start(server, clock, journal, plan(2), {"global": 2})
    later.run()
    assert later.finished and states(later) == {ms.DONE: 2} and len(server.submitted) == 2


def test_follow_only_starts_nothing_and_says_how_open_moves_of_an_earlier_run_ended() -> None:
    clock = FakeClock()
    server = Server(clock, leaders(3), ["moves", "never_registered", "fails"], duration=20.0)
    journal = MemoryJournal(clock)
    start(server, clock, journal, plan(3), {"global": 3}, step_time=1.0).run()
    sent = list(server.submitted)
    later = start(server, clock, journal, plan(3), {"global": 3}, follow_only=True)
    later.run()
    assert later.finished and server.submitted == sent
    assert [track.state for track in later.tracks.values()] == [ms.DONE, ms.ABANDONED, ms.ABANDONED]
    assert read_past(journal.entries).unfinished == []


def test_an_outage_is_no_failed_attempt_and_only_one_call_finds_out_when_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    server = Server(clock, leaders(6), [], duration=3.0)
    journal = MemoryJournal(clock)
    back = clock.now().timestamp() + 60
    answer, tried = server.submit, []

    def submit(*args: t.Any) -> t.Optional[str]:
        if clock.now().timestamp() < back:
            tried.append(args)
            raise MigrationError("greptimedb.unreachable", "the frontend cannot be reached")
        return answer(*args)

    monkeypatch.setattr(server, "submit", submit)
    run = start(server, clock, journal, plan(6), {"global": 4}, attempts=1, step_time=30.0)
    run.run()
    assert run.run_wait == "greptimedb.wait.cluster_unreachable" and states(run) == {ms.WAITING: 6}
    assert len(run.events) == 1
    run = start(server, clock, journal, plan(6), {"global": 4}, attempts=1)
    run.run()
    assert run.finished and states(run) == {ms.DONE: 6} and len(server.submitted) == 6
    assert run.run_wait is None
    # One call each 2.5 s (a quarter of the settle time), not one for each move.
    assert len(tried) <= 60 / 2.5 + 8


@pytest.mark.parametrize("asked", ["active", "placements", "state"])
def test_an_election_longer_than_the_frontends_patience_is_waited_for(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    server = Server(clock, leaders(4), ["never_registered"], duration=3.0)
    run = start(server, clock, MemoryJournal(clock), plan(4), {"global": 2}, timeout=600.0)
    answer, since = getattr(server, asked), clock.now().timestamp() + 5

    def masked(*args: t.Any, **kwargs: t.Any) -> t.Any:
        if since <= clock.now().timestamp() < since + 60:
            raise MigrationError("greptimedb.unavailable", "no metasrv leads", server_text="Internal error: 1003")
        return answer(*args, **kwargs)

    monkeypatch.setattr(server, asked, masked)
    run.run()
    assert run.finished and states(run) == {ms.DONE: 4}


def inspected(monkeypatch: pytest.MonkeyPatch, server: Server, alive: t.Mapping[int, str], **given: t.Any) -> None:
    """Let the server have region_info, which answers ``infos`` (all is well without) or raises ``error``."""
    dialect = types.SimpleNamespace(**{**vars(Server.dialect), "has_region_info": True})

    def region_info(region_ids: t.Iterable[int]) -> t.List[RegionInfo]:
        if "error" in given:
            raise given["error"]
        return [RegionInfo(one, server.regions[one].leader_peer or 0, "", True) for one in region_ids]

    monkeypatch.setattr(server, "dialect", dialect)
    monkeypatch.setattr(server, "region_info", region_info, raising=False)
    nodes = [Node(one, "datanode", "", alive=word) for one, word in alive.items()]
    monkeypatch.setattr(server, "nodes", lambda: nodes, raising=False)


CANNOT = MigrationError("greptimedb.unavailable", "no answer", server_text="Internal error: 1003")


def test_a_dead_datanode_elsewhere_leaves_route_and_heartbeat_as_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    server, journal = Server(clock, leaders(4), [], duration=3.0), MemoryJournal(clock)
    inspected(monkeypatch, server, {1: "yes", 2: "yes", 3: "yes", 9: "no"}, error=CANNOT)
    run = start(server, clock, journal, plan(4), {"global": 2})
    run.run()
    assert run.finished and states(run) == {ms.DONE: 4}
    ends = [one.data["evidence"] for one in journal.entries if one.kind == "change.outcome"]
    assert all("datanode 9" in one["note"] and "writable" not in one for one in ends)


def test_a_target_that_is_dead_itself_has_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    server = Server(clock, leaders(1), [], duration=3.0)
    inspected(monkeypatch, server, {1: "yes", 2: "no"}, error=CANNOT)
    run = start(server, clock, MemoryJournal(clock), plan(1), {"global": 1}, attempts=1, move_timeout=60.0)
    run.run()
    assert [one.code for one in run.tracks.values()] == ["greptimedb.not_writable"]


def test_while_all_datanodes_are_alive_their_word_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    server = Server(clock, leaders(2), [], duration=3.0)
    inspected(monkeypatch, server, {1: "yes", 2: "yes", 3: "yes"}, error=CANNOT)
    journal = MemoryJournal(clock)
    run = start(server, clock, journal, plan(2), {"global": 1}, step_time=30.0, move_timeout=60.0)
    run.run()
    assert [one.wait_reason for one in run.in_flight()] == ["greptimedb.wait.proving_writable"]
    inspected(monkeypatch, server, {})
    run = start(server, clock, journal, plan(2), {"global": 1})
    run.run()
    assert run.finished and states(run) == {ms.DONE: 2}


FATES = st.lists(
    st.sampled_from(["moves", "fails", "false_done", "never_registered", "reply_lost", "dropped", "refused"]),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 8), FATES, st.integers(1, 4), st.floats(0.1, 30.0), st.lists(st.floats(0.2, 20.0), max_size=4))
def test_it_converges_through_every_fate_and_any_interruption(
    count: int, fates: t.List[str], limit: int, duration: float, steps: t.List[float]
) -> None:
    """Steps end anywhere, as if the process had been killed; a repeated run ends with every region moved once."""
    clock = FakeClock()
    server = Server(clock, leaders(count), fates, duration)
    journal = MemoryJournal(clock)
    for step in steps:
        start(server, clock, journal, plan(count), {"global": limit}, attempts=20, step_time=step).run()
    run = start(server, clock, journal, plan(count), {"global": limit}, attempts=20)
    run.run()
    assert run.finished
    assert states(run)[ms.DONE] + states(run)[ms.UNCHANGED] == count
    assert {region: one.leader_peer for region, one in server.regions.items()} == {
        move.region_id: move.to_peer for move in plan(count)
    }
    assert server.most["global"] <= limit
    moved = [one for one in server.procedures.values() if one.fate not in ("fails", "false_done")]
    assert len(moved) == count
    assert read_past(journal.entries).unfinished == []
