# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last looks of a cutover: at the target behind the switch, at ids that both clusters gave, at a careless probe."""

from __future__ import annotations

import dataclasses
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_behind import Behind
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_findings import of_tables
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import CUT_OVER
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.fence import Fence
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

APP = model.App("temp", 2, "AVAILABLE", 1, {}, 3)
THEIRS = dataclasses.replace(APP, app_id=6)
CONFIG = model.TableConfig(2, 1, (model.Partition(0, 3, 3, "a:1", ("b:1",), 9),))
TARGET = model.TableConfig(6, 1, (model.Partition(0, 5, 3, "c:1", ("d:1",), 9),))
VIEW = TableView("temp", app=APP, config=CONFIG, target_name="temp", target_app=THEIRS, target_config=TARGET)
PRIMARY = model.ReplicaInfo(0, 6, 5, "PRIMARY", 9, 9, 9, "c:1")


class Looker:
    """What looks at a target. ``app``, ``infos`` and ``config``: what is told of it; ``proofs``, ``waits``: written."""

    def __init__(self, app: t.Optional[model.App] = THEIRS, infos: t.Sequence[model.ReplicaInfo] = (PRIMARY,)) -> None:
        self.clock = FakeClock()
        self.app = app
        self.config: t.Callable[[], t.Any] = lambda: TARGET
        self.infos: t.Callable[[], t.Any] = lambda: model.Answers({"c:1": tuple(infos)}, {})
        self.proofs: t.List[t.Tuple[str, t.Any]] = []
        self.waits: t.List[Wait] = []
        self.beats = 0

    def verify(self, seconds: float = 60.0) -> float:
        """How long it takes, with so many seconds left."""
        target = types.SimpleNamespace(app=lambda _name: self.app, query_config=lambda _name: self.config())
        replicas = types.SimpleNamespace(replica_infos=lambda *_any: self.infos())
        eyes: t.Any = types.SimpleNamespace(target=target, target_replicas=replicas, clock=self.clock)
        clusters: t.Any = types.SimpleNamespace(target=types.SimpleNamespace(cluster_name="onebox-b"))
        record: t.Any = types.SimpleNamespace(
            proof=lambda kind, items: self.proofs.append((kind, items)), waiting=self.waits.append
        )
        clock: t.Any = self.clock
        began = self.clock.steady
        Behind(eyes, clusters, record, self._beat).verify(track(), Deadline(clock, seconds, "the cutover"))
        return self.clock.steady - began

    def _beat(self) -> None:
        self.beats += 1


def in_turn(*answers: t.Any) -> t.Callable[[], t.Any]:
    """One answer after another; the last one stays. An error is raised."""
    left = list(answers)

    def answer() -> t.Any:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, MigrationError):
            raise found
        return found

    return answer


def track(view: TableView = VIEW) -> Track:
    return Track(view, t.cast(t.Any, None))


def test_a_sound_target_is_proved() -> None:
    looker = Looker()
    assert looker.verify() == 0.0 and looker.waits == []
    assert [(kind, [item["subject"] for item in items]) for kind, items in looker.proofs] == [("target", ["temp/0"])]


MOVING = dataclasses.replace(TARGET, partitions=(model.Partition(0, 6, 3, "", ("d:1",), 9),))
SOUND = model.Answers({"c:1": (PRIMARY,)}, {})
SILENT: t.Any = model.Answers({}, {"c:1": MigrationError("pegasus.timeout", "It does not answer.")})
LEADERLESS = MigrationError("pegasus.no_primary_meta", "No primary meta server.")


@pytest.mark.parametrize(
    ("configs", "infos", "worst"),
    [
        ([MOVING, MOVING, TARGET], [SOUND], "no primary or too few secondaries"),
        ([TARGET], [SILENT, SOUND], "c:1 does not answer (pegasus.timeout)"),
        ([TARGET], [model.Answers({"c:1": ()}, {}), SOUND], "c:1 is not the primary of partition 0"),
        ([LEADERLESS, TARGET], [SOUND], "No primary meta server."),
    ],
)
def test_what_passes_by_itself_is_looked_at_again(configs: t.List[t.Any], infos: t.List[t.Any], worst: str) -> None:
    looker = Looker()
    looker.config, looker.infos = in_turn(*configs), in_turn(*infos)
    assert 0.0 < looker.verify() < 3.0
    assert [kind for kind, _items in looker.proofs] == ["target"] and looker.beats == len(looker.waits) + 1
    assert {wait.reason for wait in looker.waits} == {"pegasus.wait.target_sound"}
    assert worst in looker.waits[0].worst[0]


def test_a_server_that_hangs_for_one_question_has_another_look() -> None:
    """The first look may be as long as all the patience that there is."""
    looker = Looker()
    answers = in_turn(SILENT, SOUND)

    def hang() -> t.Any:
        found = answers()
        looker.clock.advance(10.0 if found is SILENT else 0.0)
        return found

    looker.infos = hang
    looker.verify()
    assert [kind for kind, _items in looker.proofs] == ["target"]


@pytest.mark.parametrize(("left", "least", "most"), [(60.0, 10.0, 11.0), (4.0, 4.0, 5.0), (0.0, 0.0, 0.0)])
def test_the_target_is_given_up_in_time(left: float, least: float, most: float) -> None:
    for wrong, code in ((MOVING, "pegasus.target_unsound"), (LEADERLESS, "pegasus.no_primary_meta")):
        looker = Looker()
        looker.config = in_turn(wrong)
        began = looker.clock.steady
        with pytest.raises(MigrationError) as caught:
            looker.verify(left)
        assert caught.value.code == code and looker.proofs == []
        assert least <= looker.clock.steady - began <= most


def test_what_does_not_pass_by_itself_ends_it_at_once() -> None:
    looker = Looker()
    looker.config = in_turn(MigrationError("pegasus.acl_denied", "Not allowed"), TARGET)
    with pytest.raises(MigrationError, match="Not allowed"):
        looker.verify()
    assert looker.waits == []


@pytest.mark.parametrize(
    ("app", "infos", "problem"),
    [
        (None, [PRIMARY], "it does not exist"),
        (dataclasses.replace(THEIRS, app_id=8), [PRIMARY], "its app id is 8"),
        (THEIRS, [], "c:1 is not the primary of partition 0"),
    ],
)
def test_an_unsound_target_ends_the_cutover(
    app: t.Optional[model.App], infos: t.Sequence[model.ReplicaInfo], problem: str
) -> None:
    looker = Looker(app, infos)
    with pytest.raises(MigrationError) as caught:
        looker.verify()
    assert caught.value.code == "pegasus.target_unsound" and problem in caught.value.message
    assert looker.proofs == []


def test_what_is_committed_is_still_to_be_seen_closed() -> None:
    """After the entry of the commit, which waits for nothing."""
    written: t.List[str] = []
    record: t.Any = types.SimpleNamespace(closings=[], append=lambda kind, _data: written.append(kind))
    eyes: t.Any = types.SimpleNamespace(clock=FakeClock())
    done = track()
    Behind(eyes, t.cast(t.Any, None), record).commit(done, True)
    assert written == ["cutover.committed"] and [one.at for one in record.closings] == [done.committed]


def test_an_app_id_that_another_table_of_the_target_has_is_told() -> None:
    assert of_tables([track()]) == []
    (found,) = of_tables([track(dataclasses.replace(VIEW, same_id="other"))])
    assert (found.id, found.severity) == ("pegasus.cutover.app_id_taken_on_target", "warning")
    assert found.evidence == {"app_id": 2, "table_on_target": "other"} and "other" in found.remedy


def test_a_probe_that_was_applied_ends_the_proof() -> None:
    meta: t.Any = types.SimpleNamespace(query_config=lambda _name: CONFIG)
    words = {0: model.WRITES_DENIED}
    replicas: t.Any = types.SimpleNamespace(probe_writes=lambda *_any, **_options: words)
    clock: t.Any = FakeClock()
    fence = Fence(meta, replicas, clock, "onebox-a", "temp")
    assert fence.look() == (CONFIG, words)
    words[0] = model.WRITES_APPLIED
    with pytest.raises(MigrationError) as caught:
        fence.look()
    assert caught.value.code == "pegasus.probe_applied"


@pytest.mark.parametrize(
    ("name", "metas", "code"),
    [("onebox-b", ("m:1", "p:1"), "pegasus.same_cluster"), ("onebox-a", ("p:1", "q:1"), "pegasus.same_name")],
)
def test_a_target_that_is_the_source_or_has_its_name_is_refused(name: str, metas: t.Tuple[str, ...], code: str) -> None:
    settings = ConnectionSettings(connect_timeout=1.0, rpc_timeout=1.0)
    request: t.Any = types.SimpleNamespace(
        connection=types.SimpleNamespace(meta_servers=("m:1",), target_meta_servers=("p:1",), settings=settings),
        state=CUT_OVER,
    )
    clock: t.Any = FakeClock()
    eyes = Eyes(request, clock)
    source = model.ClusterInfo("onebox-a", "", ("m:1", "n:1"), "", "", "steady")
    target = dataclasses.replace(source, cluster_name=name, meta_servers=metas)
    eyes.source = t.cast(t.Any, types.SimpleNamespace(cluster_info=lambda: source))
    eyes.target = t.cast(t.Any, types.SimpleNamespace(cluster_info=lambda: target))
    with pytest.raises(MigrationError) as caught:
        eyes.clusters()
    assert caught.value.code == code
