# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cutover against the lab and the stand-in for the sync tool: proved and handed over, or lifted again."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
import signal
import time
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_cutover_lab import Migration
from system.starrocks_modules import Result, finish, run, sent, start
from system.starrocks_playbooks import COMPACTION
from system.switches import legality

LAB: dict[str, t.Any] = {
    "engine": "starrocks",
    "profile": "4.1",
    "databases": 2,
    "tables": 6,
    "partitions": 2,
    "rate": 0.5,
    "factor": 20,
}


@pytest.fixture(scope="module")
def labs() -> t.Iterator[EmbeddedLabs]:
    with contextlib.closing(EmbeddedLabs()) as embedded:
        yield embedded


Begin = t.Callable[..., Migration]


@pytest.fixture
def begin(labs: EmbeddedLabs, tmp_path: pathlib.Path) -> t.Iterator[Begin]:
    """A migration whose tool has caught up."""
    begun: list[tuple[LabClient, Migration]] = []

    def ready(tool: bool = True, **options: t.Any) -> Migration:
        lab = labs.start(**{**LAB, **options})
        migration = Migration(lab, tmp_path)
        begun.append((lab, migration))
        if tool:
            migration.prepare()
            migration.start_tool()
            migration.await_near(10)
        return migration

    yield ready
    for lab, migration in begun:
        migration.stop_tool()
        labs.stop(lab)


def to_source(migration: Migration) -> list[str]:
    """The statements that change something on the source; the sync tool sends its own to the target."""
    return [one["request"] for one in migration.lab.requests(mutating=True) if one["surface"] == "source-mysql"]


def kinds(migration: Migration, kind: str) -> list[dict[str, t.Any]]:
    """The data of the journal's entries of a kind."""
    lines = pathlib.Path(migration.journal).read_text(encoding="utf-8").splitlines()
    return [entry["data"] for entry in map(json.loads, lines) if entry["kind"] == kind]


def statements(result: Result) -> list[str]:
    """The statements of a result's changes, each once, in order."""
    return list(dict.fromkeys(one["request"]["sql"] for one in result["changes"] if "sql" in one["request"]))


def seconds(at: str) -> float:
    """A time of a result in Unix seconds."""
    return datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()


def metric(file: pathlib.Path, name: str) -> float:
    """The value of the one sample of a metric."""
    line = next(one for one in file.read_text().splitlines() if one.startswith(f"dbops_migration_{name}{{"))
    return float(line.rpartition(" ")[2])


def _look(migration: Migration) -> dict[str, t.Any]:
    return finish(start("write_freeze", {**migration.options_of_source(), "journal": migration.journal}, check=True))


def jobs(migration: Migration) -> dict[str, str]:
    """Routine loads and pipes by name."""
    told = _look(migration)
    assert "jobs" in told, told
    return {one["name"]: one["state"] for one in told["jobs"]}


def await_running(migration: Migration) -> None:
    """Everything writes again: no switch, and every job goes on."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if not any(migration.loads_refused()) and not set(jobs(migration).values()) & {"PAUSED", "SUSPEND"}:
            return
        time.sleep(0.5)
    raise AssertionError((migration.loads_refused(), jobs(migration)))


def test_nothing_is_stopped_when_the_gate_is_closed(begin: Begin) -> None:
    """A target that holds nothing, and no tool: all reasons at once, and no request that changes anything."""
    migration = begin(tool=False, tables=2)
    migration.lab.clear_requests()
    failed = migration.cut_over(tool_directory=None, tool_is_stopped=True, max_behind=0)
    assert failed["code"] == "starrocks.cutover_blocked", failed
    ids = [one["id"].rpartition(".")[2] for one in failed["details"]["findings"]]
    assert ids == ["too_far_behind", "not_copied"]
    # However much may be behind, nothing may be missing.
    failed = migration.cut_over(tool_directory=None, tool_is_stopped=True)
    assert [one["id"].rpartition(".")[2] for one in failed["details"]["findings"]] == ["not_copied"]
    assert sent(migration.lab) == []
    assert not os.path.exists(migration.journal)


def _forgotten(result: Result) -> dict[str, tuple[str, list[str | None]]]:
    """By subject, how grave it is and what is there now."""
    found = [one for one in result["findings"] if one["id"] == "starrocks.setting_forgotten"]
    return {one["subject"]: (one["severity"], [two["now"] for two in one["evidence"]["settings"]]) for one in found}


@pytest.mark.thorough
def test_what_was_forgotten_since_it_was_set_is_seen_before_the_freeze(begin: Begin) -> None:
    """One frontend and one node of the target have lost what the journal says; nothing is sent because of it."""
    migration = begin(tool=False, tables=2)
    lab = migration.lab
    own: dict[str, t.Any] = {"journal": migration.journal, "persistent": "never"}
    switch: dict[str, t.Any] = {"settings": [{"key": COMPACTION, "value": "0"}]}
    run("frontend_config", lab, side="target", **own, **switch)
    threads: dict[str, t.Any] = {
        "journal": migration.journal,
        "settings": [{"key": "replication_threads", "value": "7"}],
    }
    run("backend_config", lab, side="target", **threads)
    stopped: dict[str, t.Any] = {"tool_directory": None, "tool_is_stopped": True, "max_behind": 0}
    assert _forgotten(migration.cut_over(**stopped)) == {}

    lab.foreign(cluster="target", config={COMPACTION: "16", "frontend": "2"})
    node = lab.describe["clusters"]["target"]["nodes"][0]["id"]
    lab.call("POST", f"/nodes/target/{node}", {"alive": False})
    lab.call("POST", f"/nodes/target/{node}", {"alive": True})
    lab.clear_requests()
    # Whatever is said of a real run, it is what is there that counts.
    for more, check, severity in (({}, True, "blocker"), ({"settings_are_set": True}, True, "warning"),
                                  ({"settings_are_set": True}, False, "blocker")):  # fmt: skip
        lost = _forgotten(migration.cut_over(check=check, **stopped, **more))
        assert list(lost) == [f"target {COMPACTION}", "target replication_threads"]
        assert lost[f"target {COMPACTION}"] == (severity, ["16"])
        assert (lost["target replication_threads"][0], len(lost["target replication_threads"][1])) == (severity, 1)
    assert sent(lab) == []

    run("frontend_config", lab, side="target", **own, **switch)
    run("backend_config", lab, side="target", **threads)
    assert _forgotten(migration.cut_over(**stopped)) == {}


def test_cut_over_and_commit(begin: Begin, tmp_path: pathlib.Path) -> None:
    migration = begin()
    migration.lab.clear_requests()
    predicted = migration.cut_over(check=True)
    assert (predicted["state"], to_source(migration)) == ("waiting", []), predicted
    file = tmp_path / "watched.prom"
    done = migration.cut_over(metrics_file=str(file))
    assert done["state"] == "handed_over", done
    assert done["changes"] == predicted["changes"]
    # Whoever watches the file of metrics sees the fence, its deadline and what was forecast.
    assert metric(file, "fence_held") == 1
    assert abs(metric(file, "fence_deadline_timestamp_seconds") - seconds(done["deadline"])) < 2
    assert metric(file, "window_forecast_p95_seconds") == done["forecast"]["held_p95"] + 5
    assert to_source(migration) == statements(predicted)
    assert migration.loads_refused() == [True] * 3
    window = done["window"]
    assert window["frozen"] < window["quiescent"] <= window["proved"] < done["forecast"]["minimum_budget"]
    # The proof holds every partition, and says of each condition what it was concluded from.
    proofs = {one["kind"]: one["items"] for one in kinds(migration, "proof")}
    proved = sum(len(item["versions"]) for item in proofs["partitions_equal"])
    assert proved == done["partitions"] == migration.compare()["partitions"]
    assert [one["subject"] for one in proofs["quiescence"]] == [
        "loads_refused",
        "no_transaction",
        "no_job",
        "partitions_unchanged",
    ]
    assert all(one["evidence"] for one in proofs["quiescence"])
    assert migration.compare()["equal"] is True
    refused = migration.cut_over()
    assert refused["code"] == "starrocks.cutover_running", refused
    # A run that goes on with the switch is told the same deadline.
    held = migration.cut_over(check=True, state="committed")
    assert abs(seconds(held["deadline"]) - seconds(done["deadline"])) < 2
    assert legality(migration.journal)[0] == "unknown", "the operator may have switched, or not"
    committed = migration.cut_over(state="committed", metrics_file=str(file))
    assert (committed["state"], committed["changed"]) == ("committed", True), committed
    assert metric(file, "fence_held") == 0
    assert migration.cut_over(state="committed")["changed"] is False
    assert legality(migration.journal) == ("yes", [])
    assert migration.cut_over()["changed"] is False
    assert migration.cut_over(state="lifted")["code"] == "starrocks.already_on_target"
    assert migration.freeze(state="absent")["code"] == "starrocks.already_on_target"
    assert migration.loads_refused() == [True] * 3
    assert migration.freeze(state="absent", after_commit=True)["frozen"] is False
    await_running(migration)


@pytest.mark.thorough
def test_hand_over_and_lift(begin: Begin) -> None:
    migration = begin()
    assert migration.cut_over()["state"] == "handed_over"
    assert migration.cut_over(check=True, state="lifted")["changes"]
    lifted = migration.cut_over(state="lifted")
    assert (lifted["state"], lifted["changed"]) == ("lifted", True), lifted
    await_running(migration)
    assert migration.cut_over(state="lifted")["changed"] is False
    assert migration.cut_over(state="committed")["code"] == "starrocks.freeze_was_lifted"
    assert legality(migration.journal)[0] == "none"


@pytest.mark.thorough
def test_a_commit_bears_a_frontend_that_does_not_answer_for_a_moment(begin: Begin) -> None:
    migration = begin()
    assert migration.cut_over(budget="3m")["state"] == "handed_over"
    migration.lab.fault("refuse_connections", cluster="source", node="2")
    commit = start("cutover", migration.cutover_options(state="committed"))
    end = time.monotonic() + 60
    while "starrocks.wait.unreachable" not in [one["reason"] for one in kinds(migration, "wait")]:
        assert time.monotonic() < end and commit.poll() is None, kinds(migration, "wait")
        time.sleep(0.2)
    migration.lab.clear_faults()
    committed = finish(commit)
    assert (committed["state"], committed["changed"]) == ("committed", True), committed
    assert migration.loads_refused() == [True] * 3
    assert legality(migration.journal) == ("yes", [])


@pytest.mark.thorough
def test_nobody_commits(begin: Begin) -> None:
    """The guard lifts at its deadline, long after the module has ended."""
    migration = begin()
    done = migration.cut_over(budget="20s")
    assert done["state"] == "handed_over", done
    await_running(migration)
    assert migration.cut_over(state="committed")["code"] == "starrocks.freeze_was_lifted"


@pytest.mark.thorough
def test_the_guard_lifts_while_the_leader_is_silent(begin: Begin) -> None:
    """The other frontends tell it, and its jobs; the guard lives until it has seen that the leader takes loads."""
    migration = begin()
    assert migration.cut_over(budget="45s")["state"] == "handed_over"
    migration.lab.clear_requests()
    migration.lab.fault("refuse_connections", cluster="source", node="1")
    end = time.monotonic() + 90
    while not any(one.startswith("RESUME ROUTINE LOAD") for one in to_source(migration)) and time.monotonic() < end:
        time.sleep(0.5)
    assert migration.loads_refused() == [False] * 3
    assert any(one.startswith("RESUME ROUTINE LOAD") for one in to_source(migration)), to_source(migration)
    record = pathlib.Path(f"{migration.journal}.guard.jsonl")
    assert "lift_proved" not in record.read_text(encoding="utf-8")
    migration.lab.clear_faults()
    end = time.monotonic() + 30
    while "lift_proved" not in record.read_text(encoding="utf-8") and time.monotonic() < end:
        time.sleep(0.5)
    assert "lift_proved" in record.read_text(encoding="utf-8")
    # While the guard lives, nobody else may look at its freeze.
    while _look(migration).get("code") == "starrocks.cutover_running" and time.monotonic() < end:
        time.sleep(0.5)
    await_running(migration)


def killed(migration: Migration, match: str, **more: t.Any) -> None:
    """A cutover whose module dies at a statement."""
    migration.lab.breakpoint(match, when=more.pop("when", "before"))
    process = start("cutover", migration.cutover_options(**more))
    assert migration.lab.wait_breakpoint(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    migration.lab.release()
    migration.lab.clear_breakpoints()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("match", "when"),
    [("PAUSE ROUTINE LOAD", "after"), ("ADMIN SET FRONTEND", "before"), ("ADMIN SET FRONTEND", "after")],
)
def test_the_module_is_killed(begin: Begin, match: str, when: str) -> None:
    """The guard puts everything right, and the next run goes through."""
    migration = begin()
    killed(migration, match, when=when)
    await_running(migration)
    migration.await_near(10)
    done = migration.cut_over()
    assert done["state"] == "handed_over", done
    assert migration.cut_over(state="lifted")["state"] == "lifted"
    await_running(migration)


@pytest.mark.thorough
def test_the_target_never_becomes_equal(begin: Begin) -> None:
    """The tool was ended too early, and loads went on: the freeze is lifted as soon as nothing copies, and says why."""
    migration = begin()
    migration.stop_tool()
    behind = migration.compare()["counts"]["behind"]
    end = time.monotonic() + 20
    while migration.compare()["counts"]["behind"] <= behind and time.monotonic() < end:
        time.sleep(0.3)
    failed = migration.cut_over(budget="90s", tool_directory=None, tool_is_stopped=True)
    assert failed["code"] == "starrocks.not_converged", failed
    assert "nobody copies any more" in failed["msg"]
    assert failed["window"]["lifted"] < 45
    await_running(migration)


@pytest.mark.thorough
def test_it_fails_when_the_tool_was_ended_already(begin: Begin) -> None:
    """Nothing starts it again by itself, so that is said."""
    migration = begin()
    process = start("cutover", migration.cutover_options(quiet_time="4s"))
    end = time.monotonic() + 60
    while not all(migration.loads_refused()) and time.monotonic() < end:
        time.sleep(0.1)
    # While the tool runs, only the drain that follows asks this of the target.
    migration.lab.fault("error_before", surface="target-mysql", match="/running'", message="out of order", times=0)
    failed = finish(process)
    assert failed["tool_stopped"] is True, failed["msg"]
    assert failed["details"]["tool_ended"] == migration.directory
    assert "Start it again" in failed["msg"]
    await_running(migration)


@pytest.mark.thorough
def test_partitions_that_only_the_target_has_are_kept_by_name_alone(begin: Begin) -> None:
    """This tool does not drop them, so nothing takes them away, and the gate says so at once."""
    migration = begin(tool=False)
    migration.prepare()
    migration.start_tool(ddl_job_allow_drop_partition_target_only=False)
    migration.await_near(10)
    table = migration.compare()
    database = sorted(table["databases"])[0]
    name = migration.rows("target", f"SHOW TABLES FROM {database}")[0][0]
    made = migration.lab.foreign(
        cluster="target",
        sql=f'ALTER TABLE {database}.{name} ADD PARTITION p_theirs VALUES [("2030-01-01"), ("2030-01-02"))',
    )
    assert "error" not in made, made
    word = {"id": "starrocks.comparison.extra_on_target", "reason": "made for tests", "expires": "2099-01-01"}
    for accept in ([], [word], [{**word, "subject": f"{database}.another"}]):
        failed = migration.cut_over(accept=json.dumps(accept))
        assert failed["code"] == "starrocks.cutover_blocked", failed
        assert [one["subject"] for one in failed["details"]["findings"]] == [f"{database}.{name}"]
        assert not any(migration.loads_refused())
    done = migration.cut_over(accept=json.dumps([{**word, "subject": f"{database}.{name}"}]))
    assert done["state"] == "handed_over", done.get("msg")
    proof = next(one for one in kinds(migration, "proof") if one["kind"] == "cutover")
    assert proof["items"][0]["extra_kept"] == 1
    assert migration.cut_over(state="lifted")["state"] == "lifted"


@pytest.mark.thorough
def test_what_the_source_makes_anew_is_copied_again(begin: Begin) -> None:
    """Truncated, and truncated and loaded as INSERT OVERWRITE does: first while it syncs, then while it is frozen."""
    migration = begin()
    database = sorted(migration.compare()["databases"])[0]
    tables = [row[0] for row in migration.rows("source", f"SHOW TABLES FROM {database}")]
    partitioned = [
        f"{database}.{name}" for name in tables
        if any(row[1] != name for row in migration.rows("source", f"SHOW PARTITIONS FROM {database}.{name}"))
    ]  # fmt: skip
    for _time in range(2):
        for table in partitioned:
            _on_source(migration, f"TRUNCATE TABLE {table}")
    wait = {
        **migration.options(), "directory": migration.directory, "journal": migration.journal, "timeout": "60s",
        "poll_interval": "200ms", "meta_interval": "10s",
    }  # fmt: skip
    waited = finish(start("sync_wait", wait))
    assert waited["finished"] is True, waited
    assert waited["comparison"]["counts"]["foreign_write"] == 0
    process = start("cutover", migration.cutover_options(quiet_time="4s"))
    end = time.monotonic() + 60
    while not all(migration.loads_refused()) and time.monotonic() < end:
        time.sleep(0.1)
    _on_source(migration, f"TRUNCATE TABLE {partitioned[0]}")
    done = finish(process)
    assert done["state"] == "handed_over", done
    assert migration.cut_over(state="lifted")["state"] == "lifted"


@pytest.mark.thorough
def test_what_the_source_makes_anew_and_the_tool_may_not_drop(begin: Begin) -> None:
    """It is told at once, with the table that is to be dropped on the target."""
    migration = begin(tool=False)
    migration.prepare()
    migration.start_tool(ddl_job_allow_drop_inconsistent_time_partition=False)
    migration.await_near(10)
    migration.lab.writers(0, 0)
    database = sorted(migration.compare()["databases"])[0]
    table = f"{database}.{migration.rows('source', f'SHOW TABLES FROM {database}')[0][0]}"
    _on_source(migration, f"TRUNCATE TABLE {table}")
    failed = migration.cut_over()
    assert failed["code"] == "starrocks.cutover_blocked", failed
    assert [(one["id"], one["subject"]) for one in failed["details"]["findings"]] == [
        ("starrocks.comparison.made_anew", table)
    ]
    wait = {**migration.options(), "directory": migration.directory, "journal": migration.journal}
    blocked = finish(start("sync_wait", wait))
    assert blocked["code"] == "starrocks.sync_blocked", blocked
    assert "ddl_job_allow_drop_inconsistent_time_partition is false. Drop these tables on the target" in blocked["msg"]
    assert not any(migration.loads_refused())


def _on_source(migration: Migration, sql: str) -> None:
    done = migration.lab.foreign(cluster="source", sql=sql)
    assert "error" not in done, done


@pytest.mark.thorough
def test_somebody_writes_to_the_target(begin: Begin) -> None:
    migration = begin()
    migration.lab.writers(0, 0)
    table = migration.compare()
    database = sorted(table["databases"])[0]
    name = migration.rows("target", f"SHOW TABLES FROM {database}")[0][0]
    columns = migration.rows("target", f"DESC {database}.{name}")
    values = ", ".join("'2026-11-20'" if "date" in str(one[1]).lower() else "1" for one in columns)
    found = migration.lab.foreign(cluster="target", sql=f"INSERT INTO {database}.{name} VALUES ({values})")
    assert "error" not in found, found
    compared = migration.compare()
    assert compared["passed"] is False, compared
    ids = {one["id"] for one in compared["findings"]}
    assert "starrocks.comparison.foreign_transaction" in ids, compared["findings"]
    failed = migration.cut_over()
    assert failed["code"] == "starrocks.cutover_blocked", failed
    assert not any(migration.loads_refused())


@pytest.mark.thorough
@pytest.mark.parametrize(("target", "mode"), [("3.5", "shared_data"), ("3.3", "shared_nothing")])
def test_other_paths(begin: Begin, target: str, mode: str) -> None:
    """From shared-nothing, into other versions and modes."""
    migration = begin(profile="3.2", target_profile=target, target_mode=mode)
    done = migration.cut_over()
    assert done["state"] == "handed_over", done
    assert migration.cut_over(state="committed")["state"] == "committed"


@pytest.mark.thorough
def test_a_frontend_restarts_while_frozen(begin: Begin) -> None:
    """It forgets the switch; it is told again, and quiescence begins anew."""
    migration = begin()
    process = start("cutover", migration.cutover_options(quiet_time="4s"))
    # What is lost before the proof is no more than a frontend that was missed.
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if os.path.exists(migration.journal) and any(one["kind"] == "freeze" for one in kinds(migration, "proof")):
            break
        time.sleep(0.05)
    migration.lab.foreign(config={"disable_load_job": "false", "frontend": "1"})
    done: Result = finish(process)
    assert (done["state"], done["reasserted"]) == ("handed_over", 1), done
    assert migration.loads_refused() == [True] * 3
    assert migration.cut_over(state="lifted")["state"] == "lifted"
