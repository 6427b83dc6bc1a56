# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pathlib
import tempfile
import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log import LogMemory
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_file import (
    LogFile,
    find_log,
    read_log,
)

LINE = "26/11/21 03:{:02d}:{:02d} INFO [r] report(SyncJob.java:4): Sync job progress: 5%, total: 9, finished: {}\n"


def line(number: int) -> bytes:
    return LINE.format(number // 60 % 60, number % 60, number).encode()


def seen(look: LogFile) -> list[t.Any]:
    return [report.count("finished") for report in look.memory.jobs]


def again(path: pathlib.Path, look: LogFile) -> LogFile:
    return read_log(str(path), json.loads(json.dumps(look.cursor)))


def test_no_log_yet_then_one(tmp_path: pathlib.Path) -> None:
    look = read_log(find_log(str(tmp_path)))
    assert (look.path, look.written, seen(look)) == ("", None, [])
    (tmp_path / "logs").mkdir()
    path = tmp_path / "logs" / "sync.INFO.log"
    path.write_bytes(line(1) + line(2)[:40])
    assert find_log(str(tmp_path)) == str(path)
    look = again(path, look)
    assert seen(look) == [1]
    path.write_bytes(line(1) + line(2))
    assert seen(again(path, look)) == [1, 2]


def test_the_folder_written_last_counts(tmp_path: pathlib.Path) -> None:
    for number, folder in enumerate(("logs", "log")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sync.INFO.log").write_text("")
        os.utime(tmp_path / folder / "sync.INFO.log", (number, number))
    assert find_log(str(tmp_path)) == str(tmp_path / "log" / "sync.INFO.log")


def test_only_the_end_of_a_long_log(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "sync.INFO.log"
    path.write_bytes(b"".join(line(number) for number in range(100)))
    assert seen(read_log(str(path), None, window=3 * len(line(98)) + 10)) == [97, 98, 99]


def test_a_log_that_is_truncated_or_gone_is_read_anew_and_the_gap_told(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "sync.INFO.log"
    path.write_bytes(line(1) + line(2))
    look = read_log(str(path))
    path.write_bytes(line(3))
    look = again(path, look)
    assert (seen(look), look.gap) == ([1, 2, 3], True)
    path.unlink()
    path.write_bytes(line(4) + line(5) + line(6))
    look = again(path, look)
    assert (seen(look), look.gap) == ([1, 2, 3, 4, 5, 6], True)
    assert not again(path, look).gap


def test_a_log_that_is_cut_behind_its_beginning(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "sync.INFO.log"
    path.write_bytes(b"".join(line(number) for number in range(9)))
    look = read_log(str(path))
    os.truncate(path, 3 * len(line(1)))
    with open(path, "ab") as file:
        file.write(line(10))
    look = again(path, look)
    assert (seen(look)[-1], look.gap) == (10, True)


def test_a_rotation_that_copies_and_truncates(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "sync.INFO.log"
    path.write_bytes(line(1))
    look = read_log(str(path))
    (tmp_path / "sync.INFO.log.1").write_bytes(line(1) + line(2))
    path.write_bytes(line(3))
    look = again(path, look)
    assert (seen(look), look.gap) == ([1, 2, 3], False)


def test_just_after_a_rotation_a_first_look_knows_what_was(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "sync.INFO.log"
    (tmp_path / "sync.INFO.log.1").write_bytes(line(1) + line(2).rstrip())
    path.write_bytes(line(3))
    assert seen(read_log(str(path))) == [1, 2, 3]


def test_a_damaged_cursor_costs_a_reading_and_no_more(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "sync.INFO.log"
    path.write_bytes(line(1))
    for cursor in ({}, {"format": 1}, {"format": 1, "place": 5, "memory": {}}, {"format": 2, "place": None}):
        assert seen(read_log(str(path), cursor)) == [1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 200), st.sampled_from(("rotate", "look"))), max_size=25), st.booleans())
def test_however_it_is_written_rotated_and_read_nothing_is_lost_or_told_twice(
    steps: list[int | str], keep: bool
) -> None:
    data = b"".join(line(number) for number in range(60))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "sync.INFO.log")
        path.write_bytes(b"")
        look = read_log(str(path))
        written, rotations = 0, 0
        whole = LogMemory()
        for step in steps:
            if step == "look":
                look = again(path, look)
            elif step == "rotate":
                rotations += 1
                former = path.rename(path.with_name(f"sync.INFO.log.{rotations}"))
                os.utime(former, (rotations, rotations))
                path.write_bytes(b"")
                whole.end_of_file()
            else:
                with open(path, "ab") as file:
                    file.write(data[written : written + t.cast(int, step)])
                whole.feed(data[written : written + t.cast(int, step)])
                written += t.cast(int, step)
        look = again(path, look)
        assert look.memory.as_record() == whole.as_record()
        assert not look.gap
