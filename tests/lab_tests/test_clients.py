# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writing clients of the molecule scenarios: their ledger, their writer, and a lost write that they must notice."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from clients import place, writer
from clients.ledger import Ledger
from clients.writer import Writer
from lab.client import LabClient

TESTS = str(pathlib.Path(__file__).resolve().parent.parent)
LabFactory = t.Callable[..., LabClient]


class Cluster:
    """Refuses the first tries, and holds what it took."""

    def __init__(self, refuses: int = 0) -> None:
        self.refuses = refuses
        self.keys: list[int] = []
        self.enough = threading.Event()
        self.wanted = 0

    def make(self) -> None:
        """There is nothing to make."""

    def write(self, keys: t.Sequence[int]) -> None:
        """Takes them, or not."""
        if self.refuses:
            self.refuses -= 1
            raise place.Refused("not now")
        self.keys += keys
        if len(self.keys) >= self.wanted:
            self.enough.set()

    def held(self, keys: t.Collection[int]) -> set[int]:
        """What it took."""
        return set(self.keys) & set(keys)

    def close(self) -> None:
        """There is no connection."""


@pytest.fixture
def clusters(monkeypatch: pytest.MonkeyPatch) -> dict[str, Cluster]:
    """Two clusters by the name that stands in place.json."""
    found = {"source": Cluster(), "target": Cluster()}
    monkeypatch.setattr(place, "connect", lambda where: found[where["name"]])
    monkeypatch.setattr(writer, "PAUSE", 0.001)
    return found


def _place(folder: pathlib.Path, name: str) -> pathlib.Path:
    path = folder / "place.json"
    new = folder / "place.new"
    new.write_text(json.dumps({"name": name}))
    return new.replace(path)


def test_a_ledger_knows_what_was_acknowledged_and_takes_no_half_line(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    assert ledger.read().keys == frozenset()
    ledger.acknowledged(range(3))
    ledger.refused(2, 1.5)
    ledger.acknowledged([7])
    ledger.refused(1, 0.5)
    with path.open("a") as file:
        file.write('{"first": 8, "last')
    account = ledger.read()
    assert (account.keys, account.refused, account.longest) == (frozenset([0, 1, 2, 7]), 3, 1.5)


def test_a_refused_write_is_sent_again_and_accounted_for(tmp_path: pathlib.Path, clusters: dict[str, Cluster]) -> None:
    source = clusters["source"]
    ledger = Ledger(tmp_path / "ledger.jsonl")
    one = Writer(_place(tmp_path, "source"), ledger)
    source.refuses = 2
    one.load(250, 10)
    assert source.keys == list(range(250))

    source.refuses, source.wanted = 3, 255
    source.enough.clear()
    stop = threading.Event()
    thread = threading.Thread(target=one.run, args=(1000.0, stop))
    thread.start()
    assert source.enough.wait(10)
    stop.set()
    thread.join(10)
    account = ledger.read()
    assert account.keys == set(source.keys) == set(range(len(source.keys)))
    assert account.refused == 3


def test_a_load_that_is_refused_for_good_fails(tmp_path: pathlib.Path, clusters: dict[str, Cluster]) -> None:
    clusters["source"].refuses = 10**6
    with pytest.raises(place.Refused):
        Writer(_place(tmp_path, "source"), Ledger(tmp_path / "ledger.jsonl")).load(1, 0.05)
    assert Ledger(tmp_path / "ledger.jsonl").read().keys == frozenset()


def test_a_writer_goes_where_the_file_says(tmp_path: pathlib.Path, clusters: dict[str, Cluster]) -> None:
    source, target = clusters["source"], clusters["target"]
    source.wanted, target.wanted = 5, 5
    path = _place(tmp_path, "source")
    stop = threading.Event()
    thread = threading.Thread(target=Writer(path, Ledger(tmp_path / "l.jsonl")).run, args=(1000.0, stop))
    thread.start()
    assert source.enough.wait(10)
    source.refuses = 10**6
    _place(tmp_path, "target")
    assert target.enough.wait(10)
    stop.set()
    thread.join(10)
    assert target.keys == list(range(len(source.keys), len(source.keys) + len(target.keys)))


def test_a_pegasus_client_makes_a_table_and_reads_what_it_wrote(pegasus_lab: LabFactory) -> None:
    metas = pegasus_lab("2.5", replica_servers=3, metas=2).describe["clusters"]["source"]["metas"]
    where = {"engine": "pegasus", "servers": metas, "table": "orders", "partitions": 4, "replicas": 3}
    client = place.connect(where)
    # A new table has its primaries in a moment.
    for attempt in range(100):
        try:
            client.make()
            break
        except place.Refused:
            assert attempt < 99
            time.sleep(0.1)
    client.write(range(20))
    client.close()
    client = place.connect(where)
    assert client.held([0, 19, 20, 21]) == {0, 19}
    client.close()
    with pytest.raises(place.Refused):
        place.connect({**where, "table": "nobody"}).write([1])


def _run(folder: pathlib.Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "clients", command, "--home", str(folder), *arguments]
    return subprocess.run(argv, env=dict(os.environ, PYTHONPATH=TESTS), capture_output=True, text=True, timeout=120)


@pytest.mark.cost(20)
def test_from_the_command_line_a_lost_write_is_noticed(new_lab: LabFactory, tmp_path: pathlib.Path) -> None:
    frontend = new_lab("1.1", regions=2).describe["frontend"]
    where = {"engine": "greptimedb", "url": f"http://127.0.0.1:{frontend['http_port']}", "table": "readings"}
    (tmp_path / "place.json").write_text(json.dumps(where))
    assert _run(tmp_path, "load", "--count", "30").returncode == 0
    assert _run(tmp_path, "start", "--rate", "50").stdout == "Started.\n"
    try:
        assert _run(tmp_path, "start").stdout == "It runs.\n"
        assert _run(tmp_path, "advance", "--count", "5").returncode == 0
    finally:
        assert _run(tmp_path, "stop").stdout == "Stopped.\n"
    found = json.loads(_run(tmp_path, "check").stdout)
    assert found["acknowledged"] >= 35
    assert found["missing"] == 0

    Ledger(tmp_path / "ledger.jsonl").acknowledged([10**6])
    found = json.loads(_run(tmp_path, "check").stdout)
    assert (found["missing"], found["missing_keys"]) == (1, [10**6])
    nobody = _run(tmp_path, "advance", "--count", "1", "--seconds", "0.5")
    assert nobody.returncode == 1
    assert "The clients got fewer than 1 writes acknowledged in 0 s. Stopped." in nobody.stderr
    (tmp_path / "place.json").write_text(json.dumps({**where, "url": "http://127.0.0.1:1"}))
    assert _run(tmp_path, "start", "--rate", "50").returncode == 0
    try:
        end = time.monotonic() + 60
        while "refused" not in (tmp_path / "clients.log").read_text() and time.monotonic() < end:
            time.sleep(0.05)
        nobody = _run(tmp_path, "advance", "--count", "1", "--seconds", "0.5")
    finally:
        _run(tmp_path, "stop")
    assert "refused: <urlopen error [Errno 111] Connection refused>" in nobody.stderr
