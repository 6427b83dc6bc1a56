# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison and freeze against the lab, without a sync tool."""

from __future__ import annotations

import contextlib
import json
import pathlib
import time
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_cutover_lab import Migration
from system.starrocks_modules import SMALL, connection, run, sent

VERSIONS = ("2.5", "3.1", "3.2", "3.3", "3.4", "3.5", "4.1")


@pytest.fixture(scope="module")
def labs() -> t.Iterator[EmbeddedLabs]:
    with contextlib.closing(EmbeddedLabs()) as embedded:
        yield embedded


@pytest.fixture
def begin(labs: EmbeddedLabs) -> t.Iterator[t.Callable[..., LabClient]]:
    started: list[LabClient] = []

    def start_lab(profile: str, **options: t.Any) -> LabClient:
        started.append(labs.start(**{**SMALL, "profile": profile, **options}))
        return started[-1]

    yield start_lab
    for lab in started:
        labs.stop(lab)


Begin = t.Callable[..., LabClient]


def requests(result: dict[str, t.Any]) -> list[str]:
    """The requests of a result's changes, each once, in order."""
    found: list[str] = []
    for change in result["changes"]:
        text = change["request"].get("sql") or change["request"]["http"]
        if not found or found[-1] != text:
            found.append(text)
    return found


@pytest.mark.parametrize(
    "profile", [pytest.param(one, marks=() if one == "4.1" else pytest.mark.thorough) for one in VERSIONS]
)
def test_freeze_and_lift(begin: Begin, tmp_path: pathlib.Path, profile: str) -> None:
    """Check, run, run again, and back: as predicted, then nothing; and every job goes on that ran before."""
    lab = begin(profile)
    journal: dict[str, t.Any] = {"journal": str(tmp_path / "j.jsonl")}
    for state, refused in (("present", True), ("absent", False)):
        lab.clear_requests()
        predicted = run("write_freeze", lab, check=True, state=state, **journal)
        assert (predicted["changed"], sent(lab)) == (True, []), predicted
        done = run("write_freeze", lab, state=state, **journal)
        assert (done["changed"], done["frozen"]) == (True, refused), done
        assert done["changes"] == predicted["changes"]
        assert sent(lab) == requests(predicted)
        lab.clear_requests()
        again = run("write_freeze", lab, state=state, **journal)
        assert (again["changed"], sent(lab)) == (False, []), again
        assert Migration(lab, tmp_path).loads_refused() == [refused] * 3
    states = {one["name"]: one["state"] for one in done["jobs"]}
    assert "PAUSED" not in states.values(), states
    assert "SUSPEND" not in states.values(), states


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["3.4", "3.5"])
def test_frontends_on_one_host(begin: Begin, tmp_path: pathlib.Path, profile: str) -> None:
    """The leader does not tell a frontend on its own host."""
    lab = begin(profile, same_host=True)
    migration = Migration(lab, tmp_path)
    # The lab's own map leads the leader's HTTP port to one of them only.
    hosts = {one["host"]: "127.0.0.1" for one in lab.describe["clusters"]["source"]["frontends"]}
    options: dict[str, t.Any] = {"journal": migration.journal, "address_map": json.dumps(hosts)}
    assert run("write_freeze", lab, **options)["frozen"] is True
    assert migration.loads_refused() == [True] * 3
    assert run("write_freeze", lab, state="absent", **options)["frozen"] is False
    assert migration.loads_refused() == [False] * 3


@pytest.mark.thorough
def test_a_proxy_answers_after_the_switch_was_set(begin: Begin, tmp_path: pathlib.Path) -> None:
    """One frontend on the leader's host is told over HTTP, and is read back when that is answered with 502."""
    lab = begin("3.5", same_host=True)
    migration = Migration(lab, tmp_path)
    hosts = {one["host"]: "127.0.0.1" for one in lab.describe["clusters"]["source"]["frontends"]}
    options: dict[str, t.Any] = {"journal": migration.journal, "address_map": json.dumps(hosts)}
    for state, refused in (("present", True), ("absent", False)):
        lab.fault("error_5xx_after_apply", match="_set_config", status=502)
        lab.clear_requests()
        done = run("write_freeze", lab, state=state, **options)
        assert done["frozen"] is refused and sum("_set_config" in one for one in sent(lab)) == 1, done
        assert migration.loads_refused() == [refused] * 3


@pytest.mark.thorough
@pytest.mark.parametrize(("profile", "silent"), [("3.4", 0), ("3.5", 0), ("3.5", 1)])
def test_a_silent_frontend_keeps_nobody_frozen(begin: Begin, tmp_path: pathlib.Path, profile: str, silent: int) -> None:
    """With OPERATE, and no right to HTTP. The leader is the first: other frontends tell it, and its jobs."""
    lab = begin(profile)
    migration = Migration(lab, tmp_path)
    lab.foreign(cluster="source", sql="CREATE USER 'op' IDENTIFIED BY 'op'")
    lab.foreign(cluster="source", sql="GRANT db_admin TO USER 'op'")
    lab.foreign(cluster="source", sql="ALTER USER 'op' DEFAULT ROLE db_admin")
    options: dict[str, t.Any] = {"journal": migration.journal, "username": "op", "password": "op", "timeout": "2s"}
    before = run("write_freeze", lab, check=True, **options)["jobs"]
    assert run("write_freeze", lab, **options)["frozen"] is True
    lab.fault("refuse_connections", cluster="source", node=str(silent + 1))
    failed = run("write_freeze", lab, state="absent", **options)
    assert (failed["code"], failed["details"]["leader_takes_loads"]) == ("starrocks.not_lifted", True), failed
    [left] = failed["details"]["waiting"]
    assert "does not answer" in left
    assert migration.loads_refused() == [False] * 3
    # Said of a dead letter as well: what a check run tells does not need the silent one.
    predicted = run("write_freeze", lab, check=True, state="absent", **options)
    assert [one for one in predicted["frontends"].values() if one is None] == [None], predicted
    lab.clear_faults()
    lifted = run("write_freeze", lab, state="absent", **options)
    assert lifted["frozen"] is False, lifted
    going = [{**one, "state": one["state"].replace("NEED_SCHEDULE", "RUNNING")} for one in lifted["jobs"]]
    assert going == [{**one, "state": one["state"].replace("NEED_SCHEDULE", "RUNNING")} for one in before]


@pytest.mark.thorough
def test_a_restarted_frontend_is_told_again(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("4.1")
    migration = Migration(lab, tmp_path)
    migration.freeze()
    lab.foreign(config={"disable_load_job": "false", "frontend": "1"})
    assert migration.loads_refused().count(True) == 2
    assert migration.freeze()["frozen"] is True
    assert migration.loads_refused() == [True] * 3
    migration.freeze(state="absent")
    assert migration.loads_refused() == [False] * 3


@pytest.mark.thorough
@pytest.mark.parametrize("profile", VERSIONS)
@pytest.mark.parametrize("mode", ["shared_nothing", "shared_data"])
def test_comparison_of_every_version(begin: Begin, tmp_path: pathlib.Path, profile: str, mode: str) -> None:
    """A target without anything: every partition of the source is missing, whatever the columns are."""
    if (profile, mode) in (("2.5", "shared_data"),):
        pytest.skip("there is no such cluster")
    lab = begin(profile, mode=mode, target_profile="4.1", target_mode=mode, partitions=2)
    migration = Migration(lab, tmp_path)
    migration.freeze()
    found = migration.compare()
    assert found["counts"]["missing_on_target"] == found["partitions"] > 0, found
    time.sleep(0.3)
    again = migration.compare()
    # What was committed before the freeze may have become visible since.
    assert again["digest"] == found["digest"] or migration.compare()["digest"] == again["digest"]


def test_one_cluster_is_not_compared_with_itself(begin: Begin) -> None:
    lab = begin("4.1")
    options = {**connection(lab, prefix="target_")}
    options["target_frontends"] = lab.describe["clusters"]["source"]["address"][1:]
    failed = run("comparison_info", lab, frontends=lab.describe["clusters"]["source"]["address"][0], **options)
    assert failed["code"] == "starrocks.same_cluster", failed
