# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration is given up while the target cannot be reached: the source is put right, and what has to wait is told."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from bench import guards
from lab import process
from lab.client import LabClient
from system import playbooks as p
from system.pegasus_playbooks import SMALL, apps, as_before, behind_the_fence, levels, mutating, variables, writing_to

pytestmark = [pytest.mark.cost(60), pytest.mark.thorough]


def target_is_gone(lab: LabClient) -> None:
    """Nobody can reach any server of the target until the faults are cleared."""
    target = lab.describe["clusters"]["target"]
    for node in (*target["metas"], *target["replicas"]):
        lab.fault("refuse_connections", cluster="target", node=node)


def source_is_as_before(lab: LabClient) -> None:
    """Nothing of the migration is left on the source, and clients write to it."""
    source = apps(lab, "source")["temp"]
    assert source["envs"] == {}
    assert source["duplications"] == {}
    assert {one["deny"] for one in source["partitions"].values()} == {""}
    assert levels(lab)[0] == "lively"
    writing_to(lab, "source")


def leave_fenced(lab: LabClient, given: t.Mapping[str, t.Any], folder: pathlib.Path) -> None:
    """Kill a cutover behind its fence, and its guard."""
    p.play_until("pegasus_cutover", given, folder, lambda: behind_the_fence(lab, folder))
    guards.kill_below(folder)


def told(outcome: p.Outcome) -> str:
    """The one sentence with which a rollback ends that had to leave something."""
    assert outcome.code == 2, outcome.output
    assert "Traceback" not in outcome.output
    (failure,) = outcome.failures
    return str(failure["msg"])


def test_nothing_was_begun_and_the_target_is_gone(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=10, **{**SMALL, "partitions": 4}) as lab:
        target_is_gone(lab)
        p.play("pegasus_rollback", variables(lab, tmp_path), tmp_path).succeed()
        assert mutating(lab) == []


@pytest.mark.parametrize(("profile", "when"), [("2.4", "copying"), ("2.6", "following")])
def test_the_target_is_gone(profile: str, when: str, tmp_path: pathlib.Path) -> None:
    copy_seconds = 600 if when == "copying" else None
    with process.start(profile=profile, factor=10, copy_seconds=copy_seconds, **{**SMALL, "partitions": 4}) as lab:
        given = variables(lab, tmp_path)

        def status() -> t.Any:
            return [one["status"] for one in apps(lab, "source")["temp"]["duplications"].values()]

        if when == "copying":
            p.play_until("pegasus_migrate", given, tmp_path, lambda: status() == ["DS_APP"])
        else:
            p.play("pegasus_migrate", given, tmp_path).succeed()
        target_is_gone(lab)
        lab.clear_requests()
        left = "table temp, meta level steady (it was lively)"

        preview = told(p.play("pegasus_rollback", given, tmp_path, "--check"))
        assert mutating(lab) == []
        assert preview.startswith(f"A real run would put the source back as it was, but onebox-b cannot be asked, so "
                                  f"this stays there: {left}. ")  # fmt: skip

        message = told(p.play("pegasus_rollback", given, tmp_path))
        assert message.startswith(f"The source is as it was, but onebox-b cannot be asked, so this stays there: {left}")
        assert "Run the rollback again with the same journal when it answers." in message
        assert "Connection refused" in message
        source_is_as_before(lab)
        assert "temp" in apps(lab, "target")
        assert levels(lab)[1] == "steady"

        lab.clear_requests()
        assert told(p.play("pegasus_rollback", given, tmp_path)) == message
        assert mutating(lab) == []

        lab.clear_faults()
        p.play("pegasus_rollback", given, tmp_path).succeed()
        as_before(lab)


def test_the_target_goes_while_it_is_put_back(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=10, **{**SMALL, "partitions": 4}) as lab:
        given = variables(lab, tmp_path)
        p.play("pegasus_migrate", given, tmp_path).succeed()
        for node in lab.describe["clusters"]["target"]["metas"]:
            lab.fault("refuse_connections", cluster="target", node=node, match="RPC_CM_CONTROL_META lively")
        broken = p.play("pegasus_rollback", given, tmp_path)
        assert broken.code == 2
        assert "Traceback" not in broken.output
        assert broken.failures[-1]["msg"].startswith("The source is as it was, but onebox-b is not: ")
        assert "Run the rollback again" in broken.failures[-1]["msg"]
        source_is_as_before(lab)
        assert "temp" in apps(lab, "target")

        lab.clear_faults()
        p.play("pegasus_rollback", given, tmp_path).succeed()
        as_before(lab)


def test_nobody_can_say_where_clients_of_a_fenced_table_are(tmp_path: pathlib.Path) -> None:
    """Module and guard are gone, and ZooKeeper with them: then the fence is left to a person, who is told how."""
    with process.start(profile="2.6", factor=7, **{**SMALL, "partitions": 4}) as lab:
        given = variables(lab, tmp_path)
        p.play("pegasus_migrate", given, tmp_path).succeed()
        leave_fenced(lab, given, tmp_path)
        lab.call("POST", "/zookeeper/stop")
        lab.clear_requests()
        stopped = p.play("pegasus_rollback", {**given, "pegasus_zookeeper_timeout": "2s"}, tmp_path)
        assert stopped.code == 2
        assert "Traceback" not in stopped.output
        assert mutating(lab) == []
        first, last = (one["msg"] for one in stopped.failures)
        assert last.startswith(first)
        assert "Nothing else was touched. Writes to temp may be refused still. Unless clients were switched" in last
        assert "printf 'use temp\\ndel_app_envs replica.deny_client_request\\n' | ./run.sh shell" in last

        lab.call("POST", "/zookeeper/start")
        p.play("pegasus_rollback", given, tmp_path).succeed()
        as_before(lab)


def test_the_target_goes_behind_the_fence(tmp_path: pathlib.Path) -> None:
    """Module and guard are gone, and the target with them: writes must be let through all the same."""
    with process.start(profile="2.6", factor=7, **{**SMALL, "partitions": 4}) as lab:
        given = variables(lab, tmp_path)
        p.play("pegasus_migrate", given, tmp_path).succeed()
        leave_fenced(lab, given, tmp_path)
        target_is_gone(lab)
        message = told(p.play("pegasus_rollback", given, tmp_path))
        assert message.startswith(
            "The source is as it was, but onebox-b cannot be asked, so this stays there: table temp"
        )
        source_is_as_before(lab)

        lab.clear_faults()
        p.play("pegasus_rollback", given, tmp_path).succeed()
        as_before(lab)
