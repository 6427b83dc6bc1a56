# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees of a cutover, read along in its journal."""

from __future__ import annotations

import io
import json
import pathlib
import threading
import time
import types
import typing as t

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.dbops.migration.plugins.action import pegasus_cutover
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_s3 import S3Options
from ansible_collections.dbops.migration.plugins.plugin_utils import (
    _cutover_action,
    _journal_tail,
    _journal_tail_s3,
)
from ansible_collections.dbops.migration.plugins.plugin_utils import _cutover_words as words
from ansible_collections.dbops.migration.plugins.plugin_utils._cutover_lines import CutoverLines
from ansible_collections.dbops.migration.plugins.plugin_utils._journal_tail import Following, JournalTail

ENV = "pegasus:onebox-a/table/temp/env/replica.deny_client_request"


def entry(second: float, what: str, **data: t.Any) -> t.Dict[str, t.Any]:
    whole, part = divmod(second, 1)
    return {"at": f"2026-11-21T03:14:{int(whole):02d}.{int(part * 1000):03d}Z", "kind": what, "data": data}


CUTOVER = [
    entry(1.0, "run.started", run_id="r"),
    entry(1.5, "wait", waiting_for="every replica server", ends_when="one old interval is over, in 30 s"),
    entry(31.5, "change.intent", id="c1", resource=ENV, action="fence", before=None, after="reconfig*write"),
    entry(31.6, "change.outcome", id="c1", status="done"),
    entry(32.6, "proof", kind="fence", passed=True, items=[{}] * 8),
    entry(41.0, "proof", kind="drain", passed=True, items=[{}] * 8),
    entry(41.1, "change.intent", id="c2", resource="zookeeper:/metaproxy/temp", action="switch"),
    entry(41.2, "change.outcome", id="c2", status="done"),
    entry(41.9, "cutover.committed", table="temp"),
]


def test_a_cutover_step_by_step() -> None:
    lines = CutoverLines(words.PEGASUS)
    assert [line for line in map(lines.line, CUTOVER) if line] == [
        "[   0.5 s] waiting for every replica server (one old interval is over, in 30 s)",
        "[  30.6 s] temp: the fence is set; every replica server refuses writes from its next config sync on",
        "[  31.6 s] every primary refuses writes (8 partitions)",
        "[  40.0 s] drained: all that was written before the fence is on the target (8 partitions)",
        "[  40.2 s] temp: the znode points at the target",
        "[  40.9 s] temp: committed",
    ]


def test_what_people_say_meanwhile() -> None:
    lines = CutoverLines(words.PEGASUS)
    said = [
        entry(1.0, "control", kind="run", wish="abort so", effect="taken", detail="nothing new is begun"),
        entry(2.0, "control", kind="text", wish="", effect="unreadable", detail="line 1: 'x'"),
    ]
    assert [lines.line(one) for one in said] == [
        "[   0.0 s] control: abort so (nothing new is begun)",
        "[   1.0 s] control: cannot be read, so what was wished before stays: line 1: 'x'",
    ]


FROZEN = [
    entry(1.0, "freeze.found", cluster_id="7"),
    entry(2.0, "change.intent", id="p1", resource="starrocks:7/routine_load/sales.orders", action="pause"),
    entry(2.1, "change.outcome", id="p1", status="done"),
    entry(2.2, "change.intent", id="f1", resource="starrocks:7/freeze/10.1.0.11:9030", action="freeze"),
    entry(2.3, "change.outcome", id="f1", status="done"),
    entry(2.5, "proof", kind="freeze", items=[{}] * 3),
    entry(4.0, "proof", kind="quiescence", items=[{}] * 4),
    entry(9.0, "change.intent", id="t1", resource="tool:sync-host/opt/starrocks-cluster-sync", action="stop"),
    entry(9.5, "change.outcome", id="t1", status="done"),
    entry(9.6, "proof", kind="replications_drained", items=[{}]),
    entry(11.0, "proof", kind="partitions_equal", items=[{}] * 500),
    entry(11.1, "proof", kind="cutover", items=[{}]),
    entry(11.2, "cutover.handed_over", partitions=740),
]


def test_a_freeze_step_by_step() -> None:
    lines = CutoverLines(words.STARROCKS)
    assert [line for line in map(lines.line, FROZEN) if line] == [
        "[   1.1 s] routine load sales.orders: paused",
        "[   1.3 s] frontend 10.1.0.11:9030: refuses every load",
        "[   1.5 s] every frontend refuses loads",
        "[   3.0 s] the source is at rest",
        "[   8.5 s] the sync tool: ended",
        "[   8.6 s] no replication runs inside the target any more",
        "[  10.1 s] every partition is proved equal",
        "[  10.2 s] handed over: writes stay stopped until the switch is committed or the budget is over",
    ]
    assert lines.line(entry(12, "freeze.lifted", cluster_id="7")).endswith("writes go on at the source")


def test_what_did_not_go_well_is_told_too() -> None:
    lines = CutoverLines(words.PEGASUS)
    lines.line(entry(1, "change.intent", id="c", resource=ENV, action="fence"))
    assert lines.line(entry(2, "change.outcome", id="c", status="unknown")).endswith("fence was answered with unknown")
    assert lines.line(entry(3, "cutover.lifted", table="temp")).endswith("temp: writes go to the source again")


def test_only_what_is_new_and_whole_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert JournalTail(str(path)).read() == []
    path.write_text(json.dumps(CUTOVER[0]) + "\n")
    tail = JournalTail(str(path))
    with path.open("a") as file:
        file.write("no json\n" + json.dumps(CUTOVER[1]) + "\n" + json.dumps(CUTOVER[2])[:20])
    assert tail.read() == [CUTOVER[1]]
    with path.open("a") as file:
        file.write(json.dumps(CUTOVER[2])[20:] + "\n")
    assert tail.read() == [CUTOVER[2]]


def test_what_is_written_right_before_the_end_is_told(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "journal.jsonl"
    told: t.List[t.Any] = []
    with Following(JournalTail(str(path)), told.append):
        path.write_text("".join(json.dumps(one) + "\n" for one in CUTOVER))
    assert told == CUTOVER


SAID = entry(35.0, "control", kind="run", wish="abort so", text_sha="", effect="taken", detail="nothing new is begun")
EVENT = "control: abort so (nothing new is begun)"


class Cutover(pegasus_cutover.ActionModule):
    """The action, with a module that writes a journal."""

    def __init__(
        self, journal: str, transport: str = "local", check: bool = False, told: t.Sequence[t.Any] = ()
    ) -> None:
        self._task: t.Any = types.SimpleNamespace(args={"journal": journal}, async_val=0, check_mode=check)
        self._connection: t.Any = types.SimpleNamespace(transport=transport)
        self._told = told

    def _call(self, task_vars: t.Optional[t.Dict[str, t.Any]]) -> t.Dict[str, t.Any]:
        journal = self._task.args["journal"]
        if not self._task.check_mode and not journal.startswith("s3:"):
            with open(journal, "a", encoding="ascii") as file:
                for one in self._told:
                    file.write(json.dumps(one) + "\n")
                    file.flush()
                    time.sleep(0.01)
        return {"changed": True, "events": [] if self._task.check_mode else [EVENT]}


@pytest.fixture(name="shown")
def fixture_shown(monkeypatch: pytest.MonkeyPatch) -> t.List[str]:
    shown: t.List[str] = []
    monkeypatch.setattr(_cutover_action.display, "display", lambda text, **_kwargs: shown.append(text.strip()))
    monkeypatch.setattr(ActionBase, "run", lambda *_args, **_kwargs: {})
    return shown


def test_the_action_shows_it_where_the_journal_is(shown: t.List[str], tmp_path: pathlib.Path) -> None:
    Cutover(str(tmp_path / "journal.jsonl"), told=[*CUTOVER, SAID]).run(task_vars={})
    assert len(shown) == 7
    assert shown[-1] == f"[  34.0 s] {EVENT}", "told once"


def test_what_was_wished_is_shown_at_the_end_where_the_journal_cannot_be_read(
    shown: t.List[str], tmp_path: pathlib.Path
) -> None:
    Cutover(str(tmp_path / "journal.jsonl"), "ssh", told=[*CUTOVER, SAID]).run(task_vars={})
    assert shown == [EVENT]
    Cutover("s3://no-prefix").run(task_vars={})
    assert shown == [EVENT] * 2


def test_in_check_mode_nothing_is_shown(shown: t.List[str], tmp_path: pathlib.Path) -> None:
    result = Cutover(str(tmp_path / "journal.jsonl"), check=True, told=CUTOVER).run(task_vars={})
    assert result["changed"] and shown == []


class Bucket:
    """As much of an S3 client as is needed to read along."""

    def __init__(self) -> None:
        self.objects: t.Dict[str, bytes] = {}
        self.refuses = False

    def put(self, number: int, *entries: t.Mapping[str, t.Any]) -> None:
        self.objects[f"m/{number:012d}.jsonl"] = b"".join(json.dumps(one).encode() + b"\n" for one in entries)

    def get_paginator(self, _name: str) -> Bucket:
        return self

    def paginate(self, **where: str) -> t.List[t.Dict[str, t.Any]]:
        if self.refuses:
            raise RuntimeError("Unable to locate credentials")
        return [{"Contents": [{"Key": key}]} for key in sorted(self.objects) if key > where["StartAfter"]] or [{}]

    def get_object(self, **where: str) -> t.Dict[str, t.Any]:
        return {"Body": io.BytesIO(self.objects[where["Key"]])}


@pytest.fixture(name="bucket")
def fixture_bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = Bucket()
    monkeypatch.setattr(_journal_tail_s3, "make_client", lambda _options: bucket)
    return bucket


@pytest.mark.parametrize("before", [0, 2])
def test_a_journal_on_s3_is_read_along(bucket: Bucket, before: int) -> None:
    bucket.objects.update({"m/control": b"abort", "m/head.json": b"{}"})
    for number in range(before):
        bucket.put(number, CUTOVER[0])
    tail = _journal_tail_s3.S3Tail("s3://bucket/m", S3Options())
    assert tail.read() == []
    bucket.put(before, CUTOVER[1], CUTOVER[2])
    bucket.put(before + 2, CUTOVER[3])
    assert tail.read() == CUTOVER[1:4]
    assert tail.read() == []


def test_who_may_not_read_a_journal_on_s3_is_told_nothing_and_asks_no_more(bucket: Bucket) -> None:
    tail = _journal_tail_s3.S3Tail("s3://bucket/m", S3Options())
    bucket.refuses = True
    assert tail.read() == []
    bucket.refuses = False
    bucket.put(0, CUTOVER[0])
    assert tail.read() == [] and tail.read() == []


def test_a_store_that_hangs_keeps_nobody_from_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_journal_tail, "_PATIENCE", 0.05)
    answer = threading.Event()
    told: t.List[t.Any] = []

    class Hangs:
        pause = 0.01

        def read(self) -> t.List[t.Any]:
            answer.wait(10)
            return [CUTOVER[0]]

    with Following(Hangs(), told.append) as following:
        pass
    answer.set()
    following._thread.join(5)
    assert told == []
