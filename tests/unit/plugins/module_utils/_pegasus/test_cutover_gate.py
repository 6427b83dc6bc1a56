# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate before the fence, the point where a later run begins, and which servers say what."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import Answer
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import LivingGuard
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import NOTHING, Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_gate, model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_behind import (
    problems_of_replicas,
    problems_of_target,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_gate import gate, require
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import backlog_seconds
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import cutover_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_probe import PROBE_FAILS
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import (
    DENY_ALL,
    DENY_KEY,
    DENY_WRITE,
    MASTER_CLUSTER,
    Profile,
)
from ansible_collections.dbops.migration.plugins.modules import pegasus_cutover

A, B, C = "10.0.0.1:34801", "10.0.0.2:34801", "10.1.0.1:34801"
APP = model.App("temp", 2, "AVAILABLE", 2, {}, 3)


def config(app_id: int = 2, nodes: t.Sequence[str] = (A, B), count: int = 2) -> model.TableConfig:
    partitions = tuple(model.Partition(n, 3, 3, nodes[n % 2], (nodes[1 - n % 2], C), 9) for n in range(count))
    return model.TableConfig(app_id, count, partitions)


SOURCE, TARGET = config(), config(6, (C, "10.1.0.2:34801"))
DUP = model.Duplication(77, "DS_LOG", "onebox-b", 0)
INFO = model.ClusterInfo("onebox-a", "", (), "", "", "steady")
CLUSTERS = Clusters(
    source=INFO,
    target=dataclasses.replace(INFO, cluster_name="onebox-b"),
    profile=Profile.choose(Version.parse("2.6.0")),
    nodes=(A, B),
    intervals={},
    config_sync=30.0,
    duplication_sync=10.0,
    remote="onebox-b",
    group_check=100.0,
    round_trip=0.01,
)
GOOD = TableView(
    "temp",
    app=APP,
    config=SOURCE,
    duplications=(DUP,),
    duplication=DUP,
    lag=({0: 1, 1: 2},) * 3,
    target_name="temp",
    target_app=dataclasses.replace(APP, app_id=6),
    target_config=TARGET,
    side=switch.SOURCE,
    proxies=switch.ProxyLook({"p:1": switch.SOURCE}, {}),
)


def ids(view: TableView, max_lag: int = 100, with_proxies: bool = True) -> t.List[str]:
    return [one.id for one in gate(CLUSTERS, view, max_lag, with_proxies)]


def test_a_table_that_is_ready_passes() -> None:
    assert ids(GOOD) == []
    require([])
    # Left from a former migration that came from the target; and no bulk load, said or left out.
    for app in (
        dataclasses.replace(APP, envs={MASTER_CLUSTER: "onebox-b"}),
        dataclasses.replace(APP, bulk_loading=False),
    ):
        assert ids(dataclasses.replace(GOOD, app=app)) == []


def copy_with(version: str = "2.6.0", on_source: t.Optional[t.Mapping[str, str]] = None, **envs: str) -> t.List[t.Any]:
    """What the gate says of the target when the table there has these duplication.* envs."""
    told = {f"duplication.{name}": value for name, value in envs.items()}
    view = dataclasses.replace(
        GOOD,
        app=dataclasses.replace(APP, envs=on_source or {}),
        target_app=dataclasses.replace(APP, app_id=6, envs=told),
    )
    info = dataclasses.replace(INFO, meta_servers=("10.0.0.9:34601",))
    clusters = dataclasses.replace(
        CLUSTERS, source=info, metas=frozenset({"M1.east:34601"}), profile=Profile.choose(Version.parse(version))
    )
    return [one for one in gate(clusters, view, 100, True) if one.id.startswith("pegasus.target.")]


def test_the_copy_of_this_table_passes_and_one_without_envs_too() -> None:
    assert copy_with() == []
    assert copy_with(master_cluster="onebox-a", master_app_name="temp", master_metas="elsewhere:1") == []
    # Under another name in duplication (dup_cluster_name) it is known by its meta servers, told or given.
    for metas in ("10.0.0.8:34601, 10.0.0.9:34601", "m1.east:34601"):
        assert copy_with(master_cluster="a-in-duplication", master_metas=metas) == []
    # From a former migration of the source's table, which a source before 2.6 copies along.
    former = {"duplication.master_app_name": "former"}
    assert copy_with("2.5.0", former, master_cluster="onebox-a", master_app_name="former") == []


@pytest.mark.parametrize(
    ("envs", "evidence"),
    [
        (
            {"master_cluster": "south", "master_metas": "10.9.0.1:34601"},
            {"duplication.master_cluster": "south", "duplication.master_metas": "10.9.0.1:34601"},
        ),
        ({"master_cluster": "south"}, {"duplication.master_cluster": "south", "duplication.master_metas": ""}),
        (
            {"master_cluster": "onebox-a", "master_app_name": "other"},
            {"duplication.master_app_name": "other"},
        ),
    ],
)
def test_a_copy_of_another_cluster_or_table_is_no_target(
    envs: t.Mapping[str, str], evidence: t.Mapping[str, str]
) -> None:
    [found] = copy_with("2.6.0", None, **envs)
    assert (found.id, found.severity, found.subject) == ("pegasus.target.not_our_copy", "blocker", "temp on onebox-b")
    assert {key: value for key, value in found.evidence.items() if key.startswith("duplication.")} == evidence
    assert found.evidence["source_metas"] == ["10.0.0.9:34601", "m1.east:34601"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"app": None}, "pegasus.table.missing"),
        ({"app": dataclasses.replace(APP, status="DROPPING")}, "pegasus.table.not_available"),
        ({"app": dataclasses.replace(APP, envs={DENY_KEY: "timeout*read"})}, "pegasus.table.deny_set"),
        ({"app": dataclasses.replace(APP, atomic_idempotent=True)}, "pegasus.table.atomic_idempotent"),
        ({"app": dataclasses.replace(APP, bulk_loading=True)}, "pegasus.table.bulk_loading"),
        ({"app": dataclasses.replace(APP, envs={MASTER_CLUSTER: "south"})}, "pegasus.table.is_follower"),
        ({"duplication": None, "duplications": ()}, "pegasus.duplication.missing"),
        ({"duplications": (DUP, dataclasses.replace(DUP, remote="c"))}, "pegasus.duplication.several"),
        ({"duplication": dataclasses.replace(DUP, status="DS_APP")}, "pegasus.duplication.not_in_log"),
        ({"duplication": dataclasses.replace(DUP, status="DS_PAUSE")}, "pegasus.duplication.not_in_log"),
        ({"duplication": dataclasses.replace(DUP, fail_mode="FAIL_SKIP")}, "pegasus.duplication.fail_mode"),
        ({"skipped": True}, "pegasus.duplication.fail_mode"),
        ({"lag_unknown": {1: "silent"}}, "pegasus.lag.unknown"),
        ({"lag_repeated": frozenset({1})}, "pegasus.lag.repeated"),
        ({"lag": ({0: 1}, {0: 500}, {0: 1})}, "pegasus.lag.too_large"),
        ({"target_app": None}, "pegasus.target.missing"),
        ({"target_config": config(6, (C, B), 4)}, "pegasus.target.partition_count"),
        ({"target_app": dataclasses.replace(APP, envs={DENY_KEY: DENY_WRITE})}, "pegasus.target.deny_set"),
        ({"side": switch.MISSING}, "pegasus.znode.missing"),
        ({"side": switch.OTHER}, "pegasus.znode.points_elsewhere"),
        ({"side": switch.TARGET}, "pegasus.znode.points_at_target"),
        ({"znode_writable": False}, "pegasus.znode.read_only"),
        ({"target_name": "temp2"}, "pegasus.table.renamed"),
        ({"proxies": switch.ProxyLook({"p:1": switch.TARGET}, {})}, "pegasus.metaproxy.not_on_source"),
        ({"proxies": switch.ProxyLook({}, {"p:1": "is silent"})}, "pegasus.metaproxy.not_on_source"),
    ],
)
def test_each_trap_has_its_own_blocker(changed: t.Mapping[str, t.Any], expected: str) -> None:
    assert ids(dataclasses.replace(GOOD, **changed)) == [expected]


def test_partitions_without_a_primary_or_too_weak_to_write() -> None:
    headless = model.TableConfig(2, 2, (model.Partition(0, 3, 3, A, (B,), 9), model.Partition(1, 3, 3, "", (B,), 9)))
    assert ids(dataclasses.replace(GOOD, config=headless)) == ["pegasus.partition.no_primary"]
    lonely = model.TableConfig(6, 2, (model.Partition(0, 3, 3, C, (), 9), model.Partition(1, 3, 3, C, (A,), 9)))
    assert ids(dataclasses.replace(GOOD, target_config=lonely)) == ["pegasus.target.not_writable"]


def test_everything_is_told_at_once_and_without_metaproxy_nothing_of_it() -> None:
    bad = dataclasses.replace(GOOD, duplication=dataclasses.replace(DUP, status="DS_APP"), side=switch.OTHER)
    assert ids(bad) == ["pegasus.duplication.not_in_log", "pegasus.znode.points_elsewhere"]
    assert ids(dataclasses.replace(GOOD, side="", target_name="t2"), with_proxies=False) == []
    with pytest.raises(MigrationError) as caught:
        require(gate(CLUSTERS, bad, 100, True))
    assert caught.value.code == "pegasus.cutover_blocked" and len(caught.value.details["findings"]) == 2


def test_the_message_names_every_finding_and_every_table() -> None:
    """Nobody looks into details first: what is in the way, of which tables, and what to do, is in the one sentence."""
    early = dataclasses.replace(DUP, status="DS_APP")
    views = [dataclasses.replace(GOOD, name=name, duplication=early, target_name=name) for name in ("t1", "t2", "t3")]
    views.append(dataclasses.replace(GOOD, name="t4", target_name="t4", side=switch.OTHER, lag_unknown={1: "silent"}))
    views.append(dataclasses.replace(GOOD, name="t5", app=None))
    findings = [finding for view in views for finding in gate(CLUSTERS, view, 100, True)]
    with pytest.raises(MigrationError) as caught:
        require(findings)
    message = caught.value.message
    assert message.startswith("Not ready for the cutover, so nothing was fenced (6 findings): ")
    assert "pegasus.duplication.not_in_log (t1, t2, t3): Wait for DS_LOG" in message
    for finding in findings:
        assert f"{finding.id} (" in message and finding.subject in message and finding.remedy in message
    # A remedy that holds for many tables is told once.
    assert message.count("Wait for DS_LOG") == 1
    assert message.endswith("Findings of the cutover cannot be accepted.")
    assert [one["id"] for one in caught.value.details["findings"]] == [one.id for one in findings]


def test_every_id_of_the_gate_is_documented_and_every_documented_one_exists() -> None:
    code = pathlib.Path(cutover_gate.__file__).read_text(encoding="utf-8")
    found = {".".join(("pegasus", *pair)) for pair in re.findall(r'_blocker\(\s*"(\w+)",\s*"(\w+)"', code)}
    [listed] = [note for note in yaml.safe_load(pegasus_cutover.DOCUMENTATION)["notes"] if "cutover_blocked" in note]
    assert set(re.findall(r"C\((pegasus\.[a-z]+\.[a-z_]+)\)", listed)) == {*found, PROBE_FAILS}
    assert "accept" not in cutover_argument_spec().argument_spec


OURS = Recorded(None, DENY_WRITE, 1)
OURS_CLOSED = Recorded(None, DENY_ALL, 2)
MAYBE = Recorded(None, DENY_WRITE, 1, (("c4", DENY_WRITE),))
CLOSING = Recorded(None, DENY_ALL, 2, (("c9", DENY_ALL),))
SWITCHED = Recorded("a", "b", 1)
PAST = (
    # deny env, side of the znode, journal of the env, of the znode, last entry -> what to do
    (None, switch.SOURCE, NOTHING, NOTHING, "", cp.FRESH),
    (DENY_WRITE, switch.SOURCE, NOTHING, NOTHING, "", cp.FRESH),
    (DENY_WRITE, switch.SOURCE, OURS, NOTHING, "", cp.LIFT_FIRST),
    (DENY_WRITE, switch.SOURCE, MAYBE, NOTHING, "", cp.LIFT_FIRST),
    ("timeout*all", switch.SOURCE, OURS, NOTHING, "", cp.FRESH),
    (None, switch.SOURCE, OURS, NOTHING, "", cp.FRESH),
    (DENY_WRITE, switch.TARGET, OURS, SWITCHED, "", cp.FINISH),
    (DENY_ALL, switch.TARGET, OURS_CLOSED, SWITCHED, "", cp.FINISH),
    (DENY_WRITE, switch.TARGET, CLOSING, SWITCHED, "", cp.FINISH),
    (DENY_ALL, switch.SOURCE, OURS, NOTHING, "", cp.FRESH),
    (DENY_ALL, switch.TARGET, OURS_CLOSED, SWITCHED, cp.COMMITTED_KIND, cp.DONE),
    (None, switch.TARGET, NOTHING, SWITCHED, cp.COMMITTED_KIND, cp.DONE),
    (None, switch.TARGET, NOTHING, NOTHING, "", cp.FRESH),
    (DENY_ALL, "", OURS_CLOSED, NOTHING, cp.COMMITTED_KIND, cp.DONE),
    (DENY_WRITE, "", OURS, NOTHING, cp.HANDED_OVER_KIND, cp.LIFT_FIRST),
    (DENY_WRITE, switch.SOURCE, OURS, SWITCHED, cp.LIFTED_KIND, cp.LIFT_FIRST),
)


@pytest.mark.parametrize(("deny", "side", "fence", "znode", "ended", "expected"), PAST)
def test_where_a_later_run_begins(
    deny: t.Optional[str], side: str, fence: Recorded, znode: Recorded, ended: str, expected: str
) -> None:
    assert cp.begin("temp", deny, side, fence, znode, ended) == expected


class Quiet:
    """The link of a guard that is only asked for its state."""

    pid = 7

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("state", "problem", "words"),
    [
        (gs.SWITCHING, "", "Wait for it to end, then run again."),
        (gs.HANDED_OVER, "", "End it with state=committed or state=lifted."),
        (gs.DECIDING, "ZooKeeper is away.", "so far: ZooKeeper is away. See to it that ZooKeeper answers"),
        (gs.DECIDING, "", "and lifts the fence when they were not. See to it that ZooKeeper answers"),
    ],
)
def test_a_guard_that_is_still_needed_is_told_of_with_what_it_waits_for(state: str, problem: str, words: str) -> None:
    link: t.Any = Quiet()
    answer = Answer(True, state, None, {"tables": ["temp"], "problem": problem})
    with pytest.raises(MigrationError) as caught:
        cp.dismiss(LivingGuard(link, answer))
    assert caught.value.code == "pegasus.cutover_running" and words in caught.value.message


def test_a_proxy_is_judged_by_primaries_and_not_by_the_app_id_alone() -> None:
    same_id = config(2, (C, "10.1.0.2:34801"))
    look = switch.judge_proxies(
        model.Answers(
            {"p:1": same_id, "p:2": SOURCE, "p:3": None}, {"p:4": MigrationError("pegasus.timeout", "silent")}
        ),
        SOURCE,
        same_id,
    )
    assert look.sides == {"p:1": switch.TARGET, "p:2": switch.SOURCE, "p:3": switch.OTHER}
    assert list(look.silent) == ["p:4"]
    assert not look.all_say(switch.TARGET) and len(look.not_saying(switch.TARGET)) == 3


def test_the_target_is_verified_by_both_accounts() -> None:
    assert problems_of_target(GOOD, GOOD.target_app, TARGET) == []
    assert problems_of_target(GOOD, None, None)
    assert problems_of_target(GOOD, dataclasses.replace(APP, app_id=9), TARGET)
    infos = model.Answers(
        {
            node: tuple(model.ReplicaInfo(index, 6, 3, "PRIMARY", 9, 9, 9, node) for index in indices)
            for node, indices in TARGET.primaries.items()
        }
    )
    assert problems_of_replicas(TARGET, infos) == []
    silent = model.Answers({C: infos.good[C]}, {"10.1.0.2:34801": MigrationError("pegasus.timeout", "silent")})
    assert problems_of_replicas(TARGET, silent) == ["10.1.0.2:34801 does not answer (pegasus.timeout)"]
    assert problems_of_replicas(TARGET, model.Answers({C: (), "10.1.0.2:34801": infos.good["10.1.0.2:34801"]}))


def test_a_backlog_that_does_not_move_makes_the_forecast_long() -> None:
    assert backlog_seconds(GOOD, CLUSTERS) == 0
    behind = dataclasses.replace(GOOD, lag=({0: 3000, 1: 3020},), shipped_per_second=1000.0)
    assert backlog_seconds(behind, CLUSTERS) == pytest.approx(6.0)
    assert backlog_seconds(dataclasses.replace(behind, shipped_per_second=0.0), CLUSTERS) == pytest.approx(6000)
