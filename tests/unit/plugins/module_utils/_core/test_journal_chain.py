# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_chain import Head, Stored, scan
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry, encode

AT = "2026-11-21T03:14:00.000Z"


def build(count: int, kinds: t.Sequence[str] = ()) -> t.Tuple[t.List[Entry], t.List[bytes]]:
    entries: t.List[Entry] = []
    lines: t.List[bytes] = []
    for seq in range(count):
        kind = kinds[seq] if seq < len(kinds) else "note" if seq else "journal.opened"
        entry, line = encode(seq, AT, kind, {"n": seq, "text": "x" * (seq % 7)}, entries[-1].hash if entries else "")
        entries.append(entry)
        lines.append(line)
    return entries, lines


ENTRIES, LINES = build(8)
RAW = b"".join(LINES)


def head(seq: int) -> Head:
    return Head(seq, ENTRIES[seq].hash)


def codes(raw: bytes, mark: t.Optional[Head]) -> t.List[str]:
    return [problem.code for problem in scan("run.jsonl", Stored(raw, mark)).problems]


def test_whole() -> None:
    found = scan("run.jsonl", Stored(RAW, head(7)))
    assert (found.entries, found.size, found.torn, found.problems) == (ENTRIES, len(RAW), b"", ())


def test_torn_at_every_byte_of_the_last_line() -> None:
    """The usual crash: the last line was not acknowledged yet, so the head tells of the one before."""
    start = len(RAW) - len(LINES[-1])
    for cut in range(start, len(RAW)):
        found = scan("run.jsonl", Stored(RAW[:cut], head(6)))
        assert found.entries == ENTRIES[:7]
        assert found.size == start
        assert found.torn == RAW[start:cut]
        assert [problem.code for problem in found.problems] == (["journal.torn"] if cut > start else [])


def test_cut_at_every_byte_with_the_head_of_the_end() -> None:
    start = len(RAW) - len(LINES[-1])
    for cut in range(len(RAW)):
        found = codes(RAW[:cut], head(7))
        if cut > start:
            assert found == ["journal.torn", "journal.acknowledged_entry_torn"]
        else:
            assert found[-1] == "journal.truncated", cut


def test_cut_anywhere_without_head_keeps_a_true_beginning() -> None:
    for cut in range(len(RAW)):
        found = scan("run.jsonl", Stored(RAW[:cut], None))
        assert found.entries == ENTRIES[: len(found.entries)]
        assert RAW[:cut] == b"".join(LINES[: len(found.entries)]) + found.torn
        assert not any(problem.fatal for problem in found.problems)
        assert ("journal.head_missing" in [problem.code for problem in found.problems]) is bool(found.entries)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_no_flipped_byte_goes_unnoticed(at: int, bits: int) -> None:
    raw = bytearray(RAW)
    raw[at] ^= bits
    found = scan("run.jsonl", Stored(bytes(raw), head(7)))
    assert found.entries == ENTRIES[: len(found.entries)]
    assert len(found.entries) < 8
    assert found.problems
    if at < len(RAW) - len(LINES[-1]):
        assert any(problem.fatal for problem in found.problems)


@given(st.permutations(range(8)))
def test_lines_in_another_order_are_refused(order: t.List[int]) -> None:
    found = codes(b"".join(LINES[n] for n in order), head(7))
    assert found == ([] if order == list(range(8)) else ["journal.chain_broken"] if order[0] == 0 else found)
    assert order == list(range(8)) or found[0] in ("journal.chain_broken", "journal.not_a_journal")


@given(st.integers(0, 7), st.integers(0, 7))
def test_a_line_removed_or_doubled_is_refused(removed: int, doubled: int) -> None:
    assert codes(b"".join(LINES[:removed] + LINES[removed + 1 :]), head(7)) != []
    assert codes(b"".join(LINES[: doubled + 1] + LINES[doubled:]), head(7))[0] == "journal.chain_broken"


def test_lines_of_another_journal_are_refused() -> None:
    _entries, others = build(8, ["journal.opened", "other"])
    for mark in (head(7), head(2), None):
        assert codes(b"".join([*LINES[:3], *others[3:]]), mark) == ["journal.chain_broken"]


def test_a_rewritten_journal_does_not_fit_its_head() -> None:
    _entries, others = build(8, ["journal.opened", "other"])
    assert codes(b"".join(others), head(7)) == ["journal.chain_broken"]
    assert codes(b"".join(others), None) == ["journal.head_missing"]


def test_the_head_may_be_behind() -> None:
    assert codes(RAW, head(3)) == []


def test_bad_json_in_a_finished_last_line_is_torn() -> None:
    found = scan("run.jsonl", Stored(b"".join(LINES[:7]) + b'{"at":"20\0\0\0\n', head(6)))
    assert found.torn == b'{"at":"20\0\0\0\n'
    assert found.size == len(b"".join(LINES[:7]))


def test_bad_json_elsewhere_is_broken_and_named_by_its_line() -> None:
    found = scan("run.jsonl", Stored(b"".join([*LINES[:3], b"junk\n", *LINES[4:]]), head(7)))
    assert [problem.code for problem in found.problems] == ["journal.chain_broken"]
    assert "run.jsonl: line 4 " in found.problems[0].message
    assert found.entries == ENTRIES[:3]


@pytest.mark.parametrize(
    "raw", [b"hello\n", b"[1,2]\n", b'{"a":1}\n', b"\x7fELF", b'{"at":"x"}\n', build(3, ["note"])[1][0]]
)
def test_something_else(raw: bytes) -> None:
    assert codes(raw, None) == ["journal.not_a_journal"]


@pytest.mark.parametrize("raw", [b"", b"{", LINES[0][:50], LINES[0][:-1], b"\0" * 100])
def test_a_crash_within_the_first_line_is_a_fresh_journal(raw: bytes) -> None:
    found = scan("run.jsonl", Stored(raw, None))
    assert found.entries == []
    assert found.torn == raw
    assert not any(problem.fatal for problem in found.problems)


def test_a_clock_that_went_back_is_told_and_forgiven() -> None:
    first, one = encode(0, "2026-11-21T03:00:00.000Z", "journal.opened", {}, "")
    _second, two = encode(1, "2026-11-21T02:00:00.000Z", "note", {}, first.hash)
    found = scan("run.jsonl", Stored(one + two, Head(1, _second.hash)))
    assert [(problem.code, problem.fatal) for problem in found.problems] == [("journal.clock_went_back", False)]


def test_every_fatal_problem_names_path_and_fix() -> None:
    for raw, mark in ((b"hello\n", None), (RAW[:10], head(7)), (RAW.replace(b"xx", b"xy"), head(7))):
        problem = scan("/var/run.jsonl", Stored(raw, mark)).problems[-1]
        assert problem.fatal
        assert problem.message.startswith("/var/run.jsonl: ")
        assert "Put " in problem.message or "Give " in problem.message


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"seq":"x","hash":1}', b"\xff"])
def test_an_unreadable_head_is_none(raw: bytes) -> None:
    assert Head.decode(raw) is None


def test_head_reads_back() -> None:
    assert Head.decode(head(3).encode()) == head(3)


def test_a_forged_time_is_told_and_nothing_is_raised() -> None:
    value: t.Dict[str, t.Any] = {"at": 5, "data": {}, "kind": "note", "prev": "", "seq": 0}
    lines = []
    for seq in (0, 1):
        value.update(
            seq=seq, kind="journal.opened" if not seq else "note", at="2026-11-21T03:14:00.000Z" if not seq else 5
        )
        text = json.dumps({key: value[key] for key in sorted(value)}, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        lines.append(json.dumps({**value, "hash": digest}, sort_keys=True, separators=(",", ":")))
        value["prev"] = digest
    found = scan("j", Stored(("\n".join(lines) + "\n").encode(), None))
    assert [one.code for one in found.problems if one.fatal] == ["journal.chain_broken"]
    assert len(found.entries) == 1
