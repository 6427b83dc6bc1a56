# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last looks of a cutover: at the target behind the switch, at ids that both clusters gave, at a careless probe."""

from __future__ import annotations

import dataclasses
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
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


def behind(
    app: t.Optional[model.App], infos: t.Sequence[model.ReplicaInfo]
) -> t.Tuple[Behind, t.List[t.Tuple[str, t.Any]]]:
    """What looks at a target that tells this, and the proofs that it wrote."""
    target = types.SimpleNamespace(app=lambda _name: app, query_config=lambda _name: TARGET)
    replicas = types.SimpleNamespace(replica_infos=lambda *_any: model.Answers({"c:1": tuple(infos)}, {}))
    eyes: t.Any = types.SimpleNamespace(target=target, target_replicas=replicas)
    clusters: t.Any = types.SimpleNamespace(target=types.SimpleNamespace(cluster_name="onebox-b"))
    proofs: t.List[t.Tuple[str, t.Any]] = []
    record: t.Any = types.SimpleNamespace(proof=lambda kind, items: proofs.append((kind, items)))
    return Behind(eyes, clusters, record), proofs


def track(view: TableView = VIEW) -> Track:
    return Track(view, t.cast(t.Any, None))


def test_a_sound_target_is_proved() -> None:
    looker, proofs = behind(THEIRS, [PRIMARY])
    looker.verify(track())
    assert [(kind, [item["subject"] for item in items]) for kind, items in proofs] == [("target", ["temp/0"])]


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
    looker, proofs = behind(app, infos)
    with pytest.raises(MigrationError) as caught:
        looker.verify(track())
    assert caught.value.code == "pegasus.target_unsound" and problem in caught.value.message
    assert proofs == []


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
