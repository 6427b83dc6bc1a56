# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.release import COLLECTION_VERSION
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

SECRET = "correct horse battery"


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "run.jsonl"


def open_journal(path: t.Any, **kwargs: t.Any) -> Journal:
    settings_: t.Dict[str, t.Any] = {
        "migration_id": "m1",
        "engine": "greptimedb",
        "clock": FakeClock(),
        "redactor": Redactor([SECRET]),
        **kwargs,
    }
    return Journal.open(str(path), **settings_)


def change(number: int) -> Change:
    return Change(
        f"region/{number}", "migrate", {"leader": 1}, {"leader": 2}, f"ADMIN migrate_region({number}, 1, 2, 60)"
    )


def fill(path: pathlib.Path, notes: int = 5) -> t.List[t.Any]:
    with open_journal(path) as journal:
        for number in range(notes):
            journal.append("note", {"text": f"number {number}"})
        return list(journal.entries)


def copy_to(path: pathlib.Path, folder: pathlib.Path, raw: bytes) -> pathlib.Path:
    """The journal with other bytes, in an empty folder of its own, with its head."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / path.name).write_bytes(raw)
    shutil.copy(f"{path}.head", f"{folder / path.name}.head")
    return folder / path.name


def test_a_new_journal_tells_whose_it_is(path: pathlib.Path) -> None:
    with open_journal(path) as journal:
        assert journal.migration_id == "m1"
        assert not journal.repaired
    view = Journal.read(str(path))
    assert view.valid
    assert (view.migration_id, view.engine, view.problems, view.torn) == ("m1", "greptimedb", (), False)
    assert view.entries[0].data == {
        "migration_id": "m1",
        "engine": "greptimedb",
        "format": 1,
        "collection_version": COLLECTION_VERSION,
    }


def test_the_release_is_that_of_the_collection() -> None:
    galaxy = pathlib.Path(__file__).resolve().parents[5] / "galaxy.yml"
    assert f"\nversion: {COLLECTION_VERSION}\n" in galaxy.read_text(encoding="utf-8")


def test_reopening_goes_on_with_the_chain(path: pathlib.Path) -> None:
    before = fill(path)
    with open_journal(path) as journal:
        assert journal.entries == before
        entry = journal.append("note", {"text": "later"})
        assert (entry.seq, entry.prev) == (6, before[-1].hash)
    assert Journal.read(str(path)).valid


def test_memory_and_disk_are_the_same(path: pathlib.Path) -> None:
    with open_journal(path) as journal:
        journal.append_many([("note", {"text": str(n), "n": (n, {5: None})}) for n in range(20)])
        assert list(Journal.read(str(path)).entries) == journal.entries


def test_secrets_stay_out_but_words_that_bind_stay(path: pathlib.Path) -> None:
    with open_journal(path, redactor=Redactor([SECRET, "done", "c1", "m1", "greptimedb"])) as journal:
        ids = journal.intents([change(1)], [{"dsn": f"mysql://root:{SECRET}@db/"}])
        assert ids == ["c1"]
        journal.outcomes([("c1", "done", {"server_text": f"no {SECRET}"})])
        assert journal.pending() == []
    raw = path.read_text(encoding="utf-8")
    assert SECRET not in raw
    assert MASK in raw
    assert '"status":"done"' in raw
    open_journal(path, redactor=Redactor(["m1"])).close()


def test_intents_before_outcomes_after(path: pathlib.Path) -> None:
    with open_journal(path) as journal:
        ids = journal.intents([change(1), change(2), change(3)], [None, {"table": "public.t"}, None])
        assert len(set(ids)) == 3
        journal.outcomes([(ids[0], "done", {"evidence": {"leader": 2}}), (ids[2], "unknown", {})])
        assert [entry.data["id"] for entry in journal.pending()] == [ids[1]]
        assert journal.pending()[0].data["context"] == {"table": "public.t"}
    with open_journal(path) as journal:
        pending = journal.pending()
        assert [entry.data["id"] for entry in pending] == [ids[1]]
        assert pending[0].data["request"] == "ADMIN migrate_region(2, 1, 2, 60)"
        assert set(journal.intents([change(4)])) & set(ids) == set()
        journal.outcomes([(ids[2], "done", {})])
        assert journal.view().last_outcomes()[ids[2]].data["status"] == "done"
        assert journal.intents([]) == []


def test_outcomes_of_nothing_or_of_no_kind_are_faults(path: pathlib.Path) -> None:
    with open_journal(path) as journal:
        ids = journal.intents([change(1)])
        with pytest.raises(ValueError, match="unknown status 'fine'"):
            journal.outcomes([(ids[0], "fine", {})])
        with pytest.raises(ValueError, match="unknown change 'c99'"):
            journal.outcomes([("c99", "done", {})])
        with pytest.raises(ValueError, match="contexts"):
            journal.intents([change(1)], [None, None])
        assert len(journal.entries) == 2


def test_a_batch_is_one_write_and_one_fsync(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(path)
    synced: t.List[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    journal.append_many([("note", {"text": str(n)}) for n in range(200)])
    assert len(synced) == 1
    journal.close()


@pytest.mark.parametrize(("other", "found"), [({"migration_id": "m2"}, "m1"), ({"engine": "pegasus"}, "greptimedb")])
def test_a_journal_of_another_migration(path: pathlib.Path, other: t.Dict[str, str], found: str) -> None:
    fill(path)
    with pytest.raises(MigrationError) as caught:
        open_journal(path, **other)
    assert caught.value.code == "journal.other_migration"
    assert found in caught.value.message
    assert str(path) in caught.value.message
    # The lock is let go after a refusal.
    open_journal(path).close()


def test_no_migration_id_takes_the_journal_as_it_is(path: pathlib.Path) -> None:
    with open_journal(path, migration_id="") as journal:
        given = journal.migration_id
        assert len(given) == 36
    with open_journal(path, migration_id="") as journal:
        assert journal.migration_id == given


def test_two_runs_at_once(path: pathlib.Path) -> None:
    with open_journal(path), pytest.raises(MigrationError) as caught:
        open_journal(path)
    assert caught.value.code == "journal.locked"


def test_not_a_journal(path: pathlib.Path) -> None:
    path.write_text("- hosts: all\n", encoding="utf-8")
    with pytest.raises(MigrationError) as caught:
        open_journal(path)
    assert caught.value.code == "journal.not_a_journal"
    view = Journal.read(str(path))
    assert not view.valid
    assert [problem.code for problem in view.problems] == ["journal.not_a_journal"]
    with pytest.raises(MigrationError, match="not a journal"):
        view.require_valid()


@pytest.mark.parametrize(
    "location", ["", "  ", "gs://bucket/x", "https://host/x", "s3://bucket", "s3://bucket/", "s3:///x"]
)
def test_locations_that_cannot_be(location: str) -> None:
    for use in (lambda: open_journal(location), lambda: Journal.read(location)):
        with pytest.raises(InvalidOption, match=r"^journal: "):
            use()


def test_home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    open_journal("~/run.jsonl").close()
    assert (tmp_path / "run.jsonl").exists()


@pytest.mark.parametrize("left", [b"", b'{"at":"2026-1'])
def test_a_crash_right_at_creation_is_a_fresh_start(path: pathlib.Path, left: bytes) -> None:
    path.write_bytes(left)
    with open_journal(path) as journal:
        assert [entry.kind for entry in journal.entries] == ["journal.opened", "journal.repaired"][: 1 + bool(left)]
        assert journal.repaired is bool(left)
    assert Journal.read(str(path)).valid


def test_a_journal_copied_without_its_head(path: pathlib.Path) -> None:
    fill(path)
    pathlib.Path(f"{path}.head").unlink()
    view = Journal.read(str(path))
    assert view.head_missing
    assert view.valid
    with open_journal(path) as journal:
        assert journal.view().head_missing
        journal.append("note", {"text": "x"})
    assert not Journal.read(str(path)).head_missing


def test_every_byte_of_the_last_entry(path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Killed while the last line was written: the head still tells of the one before."""
    with open_journal(path) as journal:
        journal.append("note", {"text": "first"})
        start = path.stat().st_size
        head = pathlib.Path(f"{path}.head").read_bytes()
        journal.append("note", {"text": "last"})
    pathlib.Path(f"{path}.head").write_bytes(head)
    raw = path.read_bytes()
    for cut in range(start, len(raw)):
        copy = copy_to(path, tmp_path / "copy", raw[:cut])
        assert Journal.read(str(copy)).torn is (cut > start)
        with open_journal(copy) as journal:
            assert journal.repaired is (cut > start)
            assert [entry.data.get("text") for entry in journal.entries[:2]] == [None, "first"]
            assert not any(problem.fatal for problem in journal.problems)
            journal.append("note", {"text": "again"})
        view = Journal.read(str(copy))
        assert view.valid
        assert not view.torn
        assert view.repaired is (cut > start)
        if cut > start:
            kept = view.of_kind("journal.repaired")[0].data["kept_as"]
            assert pathlib.Path(kept).read_bytes() == raw[start:cut]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_cut_anywhere_else_is_refused(path: pathlib.Path, tmp_path: pathlib.Path, draw: st.DataObject) -> None:
    if not path.exists():
        fill(path)
    raw = path.read_bytes()
    start = raw.rindex(b"\n", 0, -1) + 1
    cut = draw.draw(st.integers(0, start))
    copy = copy_to(path, tmp_path / "copy", raw[:cut])
    with pytest.raises(MigrationError) as caught:
        open_journal(copy)
    assert caught.value.code == "journal.truncated"
    assert copy.read_bytes() == raw[:cut]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_flipped_byte_is_refused_or_noticed(
    path: pathlib.Path, tmp_path: pathlib.Path, draw: st.DataObject
) -> None:
    if not path.exists():
        fill(path)
    raw = bytearray(path.read_bytes())
    at = draw.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= draw.draw(st.integers(1, 255))
    copy = copy_to(path, tmp_path / "copy", bytes(raw))
    problem = ""
    try:
        with open_journal(copy) as journal:
            assert journal.repaired
            assert at >= raw.rindex(b"\n", 0, -1)
    except MigrationError as error:
        problem = error.code
    assert problem in ("", "journal.chain_broken", "journal.not_a_journal", "journal.truncated")
    if problem:
        assert copy.read_bytes() == raw


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 1), st.integers(-3600, 3600)), min_size=1, max_size=6))
def test_append_kill_reopen(
    path: pathlib.Path, tmp_path: pathlib.Path, lives: t.List[t.Tuple[int, float, int]]
) -> None:
    """Every life appends batches, is killed within one, and the next finds all that was acknowledged and no more."""
    shutil.rmtree(tmp_path / "lives", ignore_errors=True)
    place = tmp_path / "lives" / "run.jsonl"
    acknowledged: t.List[str] = []
    clock = FakeClock()
    for life, (batch, share, drift) in enumerate(lives):
        clock.set_wall_clock(drift)
        with open_journal(place, clock=clock) as journal:
            assert [entry.data["text"] for entry in journal.entries if entry.kind == "note"] == acknowledged
            texts = [f"life {life} note {number}" for number in range(batch)]
            journal.append_many([("note", {"text": text}) for text in texts])
            acknowledged.extend(texts)
            size = place.stat().st_size
            head = pathlib.Path(f"{place}.head").read_bytes()
            journal.append("note", {"text": "never acknowledged"})
        # Killed within that append: a part of it reached the disk, the head did not.
        raw = place.read_bytes()
        place.write_bytes(raw[: size + int((len(raw) - 1 - size) * share)])
        pathlib.Path(f"{place}.head").write_bytes(head)
    view = Journal.read(str(place))
    assert not any(problem.fatal for problem in view.problems)


def test_sigkill_loses_nothing_acknowledged(path: pathlib.Path) -> None:
    program = (
        "import sys\n"
        "from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock\n"
        "from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal\n"
        "from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor\n"
        "journal = Journal.open(sys.argv[1], migration_id='m1', engine='greptimedb', clock=SystemClock(),\n"
        "                       redactor=Redactor([]))\n"
        "while True:\n"
        "    entries = journal.append_many([('note', {'text': 'x' * 2000})] * 5)\n"
        "    print(entries[-1].seq, flush=True)\n"
    )
    seed = random.Random(7)
    last = -1
    root = str(pathlib.Path(sys.modules[Journal.__module__].__file__ or "").parents[6])
    for _life in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([root, *sys.path])},
        )
        assert child.stdout is not None
        for _line in range(seed.randint(1, 20)):
            last = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
        child.wait()
        last = int(rest[-1]) if rest else last
        with open_journal(path) as journal:
            assert len(journal.entries) > last
            last = len(journal.entries) - 1
    assert Journal.read(str(path)).valid


def test_a_batch_that_failed_is_not_remembered(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_journal(path) as journal:
        before = list(journal.entries)
        with monkeypatch.context() as patch:

            def full(*_args: t.Any) -> int:
                raise OSError(28, "No space left on device")

            patch.setattr(os, "write", full)
            with pytest.raises(MigrationError) as caught:
                journal.intents([change(1)])
        assert caught.value.code == "journal.write_failed"
        assert journal.entries == before
        assert journal.pending() == []
        assert journal.intents([change(1)]) == ["c1"]
    assert Journal.read(str(path)).valid


def test_a_clock_set_back_is_noted(path: pathlib.Path) -> None:
    clock = FakeClock()
    with open_journal(path, clock=clock) as journal:
        clock.set_wall_clock(-60)
        journal.append("note", {"text": "earlier"})
    view = Journal.read(str(path))
    assert view.valid
    assert [problem.code for problem in view.problems] == ["journal.clock_went_back"]


def test_missing_is_not_made(path: pathlib.Path) -> None:
    for use in (lambda: open_journal(path, create=False), lambda: Journal.read(str(path))):
        with pytest.raises(MigrationError) as caught:
            use()
        assert caught.value.code == "journal.missing"
    assert not path.exists()


def test_phases(path: pathlib.Path) -> None:
    with open_journal(path) as journal:
        journal.append("run.started", {"run_id": "r1", "phase": "preflight", "options": {}})
        journal.append("run.finished", {"run_id": "r1", "phase": "preflight", "status": "ok", "summary": {}})
        journal.append("run.started", {"run_id": "r2", "phase": "migrate", "options": {}})
        journal.append("run.finished", {"run_id": "r9", "phase": "restore", "status": "ok", "summary": {}})
        assert [(run["phase"], run["status"], run["finished"] is None) for run in journal.view().phases()] == [
            ("preflight", "ok", False),
            ("migrate", "unfinished", True),
        ]


def test_what_is_not_json_is_a_fault_and_leaves_nothing(path: pathlib.Path) -> None:
    with open_journal(path) as journal:
        with pytest.raises(ValueError, match="JSON"):
            journal.append_many([("note", {"text": "good"}), ("note", {"share": float("nan")})])
        assert len(journal.entries) == 1
    assert len(Journal.read(str(path)).entries) == 1


def test_lines_are_plain_json(path: pathlib.Path) -> None:
    fill(path)
    lines = path.read_text(encoding="ascii").splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(6))
