# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pegasus playbooks where somebody else has added, dropped or renamed something: told, and brought to an end."""

from __future__ import annotations

import datetime
import pathlib

import pytest

from bench import guards
from lab import process
from system import playbooks as p
from system.pegasus_playbooks import DENY, SMALL, apps, behind_the_fence, levels, mutating, variables, writing_to

pytestmark = [pytest.mark.cost(60), pytest.mark.thorough]
TWO = {**SMALL, "partitions": 4, "table": "temp,orders"}


def test_a_table_that_is_gone_on_the_source_stops_no_rollback(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=8, **TWO) as lab:
        given = variables(lab, tmp_path)
        p.play("pegasus_migrate", given, tmp_path).succeed()
        lab.foreign(drop_table="orders")
        done = p.play("pegasus_rollback", given, tmp_path).succeed()
        assert "orders is not there on onebox-a" in done.output
        source = apps(lab, "source")["temp"]
        assert (source["envs"], source["duplications"]) == ({}, {})
        assert [name for name in ("temp", "orders") if name in apps(lab, "target")] == []
        assert levels(lab) == ["lively", "lively"]


def test_a_table_that_was_only_renamed_has_to_get_its_name_back(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=8, **TWO) as lab:
        given = variables(lab, tmp_path)
        p.play("pegasus_migrate", given, tmp_path).succeed()
        lab.foreign(rename_table={"old": "orders", "new": "orders_2025"})
        lab.clear_requests()
        refused = p.play("pegasus_rollback", given, tmp_path)
        assert "orders is orders_2025 now" in refused.failures[-1]["msg"]
        assert mutating(lab) == []
        assert "orders" in apps(lab, "target")

        lab.foreign(rename_table={"old": "orders_2025", "new": "orders"})
        p.play("pegasus_rollback", given, tmp_path).succeed()
        for name in ("temp", "orders"):
            assert apps(lab, "source")[name]["duplications"] == {}
            assert name not in apps(lab, "target")


def test_a_table_that_is_gone_on_the_target_stops_no_restore(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=8, **TWO) as lab:
        given = variables(lab, tmp_path, pegasus_source_tables="dropped", pegasus_reserve_seconds=3600)
        p.play("pegasus_migrate", given, tmp_path).succeed()
        p.play("pegasus_cutover", given, tmp_path).succeed()
        lab.foreign(cluster="target", drop_table="orders")
        done = p.play("pegasus_restore", given, tmp_path).succeed()
        assert "has no table orders (any more)" in done.output
        assert levels(lab) == ["lively", "lively"]
        assert apps(lab, "target")["temp"]["envs"] == {}
        assert "temp" not in apps(lab, "source")
        assert apps(lab, "source")["orders"]["envs"] == {DENY: "reconfig*all"}
        assert "move-temp" in (tmp_path / "report.html").read_text()


def test_a_duplication_of_somebody_else_is_taken_over_by_name_only(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=8, **{**SMALL, "partitions": 4}) as lab:
        given = variables(lab, tmp_path)
        lab.foreign(table="temp", add_duplication={"remote": "onebox-b"})
        refused = p.play("pegasus_migrate", given, tmp_path)
        assert "pegasus.duplication.not_ours" in refused.failures[0]["msg"]
        assert mutating(lab) == []

        tomorrow = (datetime.date.today() + datetime.timedelta(days=1)).isoformat()
        accepted = {
            "id": "pegasus.duplication.not_ours",
            "subject": "table temp",
            "reason": "Added by hand yesterday, with a checkpoint",
            "expires": tomorrow,
        }
        given["pegasus_accept"] = [accepted]
        p.play("pegasus", given, tmp_path).succeed()
        writing_to(lab, "target")
        assert levels(lab) == ["lively", "lively"]
        assert apps(lab, "source")["temp"]["duplications"] == {}


def test_a_fence_that_was_left_does_not_wait_with_the_next_cutover(tmp_path: pathlib.Path) -> None:
    with process.start(profile="2.6", factor=7, **{**SMALL, "partitions": 4}) as lab:
        control = tmp_path / "control"
        given = variables(lab, tmp_path, pegasus_control=str(control), pegasus_gate_timeout="3s")
        p.play("pegasus_migrate", given, tmp_path).succeed()
        p.play_until("pegasus_cutover", given, tmp_path, lambda: behind_the_fence(lab, tmp_path))
        guards.kill_below(tmp_path)
        control.write_text("pause")
        waited = p.play("pegasus_cutover", given, tmp_path)
        assert "deadline.expired" in waited.output or "pause" in waited.failures[-1]["msg"]
        assert apps(lab, "source")["temp"]["envs"] == {}
        writing_to(lab, "source")

        control.unlink()
        p.play("pegasus_cutover", given, tmp_path).succeed()
        writing_to(lab, "target")
