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

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import (
    BrokenLine,
    NotJson,
    decode,
    encode,
)

AT = "2026-11-21T03:14:00.123Z"
DATA = st.dictionaries(
    st.text(max_size=6) | st.sampled_from(["hash", "prev", "seq", "kind"]),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["hash", "x"]), inner, max_size=2),
        max_leaves=4,
    ),
    max_size=4,
)
PREV = "ab" * 32


@given(st.integers(0, 10**6), st.sampled_from(["note", 'we"ird', "hash"]), DATA)
def test_a_line_reads_back_as_its_entry(seq: int, kind: str, data: t.Dict[str, t.Any]) -> None:
    entry, line = encode(seq, AT, kind, data, PREV)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line[:-1]) == entry
    assert entry.data == data


@given(DATA)
def test_form_is_the_documented_one(data: t.Dict[str, t.Any]) -> None:
    entry, line = encode(7, AT, "note", data, PREV)
    value = json.loads(line)
    assert line == json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    rest = {key: item for key, item in value.items() if key != "hash"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    assert value["hash"] == entry.hash == hashlib.sha256(canonical.encode()).hexdigest()
    assert (value["seq"], value["at"], value["kind"], value["prev"]) == (7, AT, "note", PREV)


@given(DATA, st.data())
def test_no_byte_can_be_flipped(data: t.Dict[str, t.Any], draw: st.DataObject) -> None:
    line = bytearray(encode(3, AT, "note", data, PREV)[1][:-1])
    at = draw.draw(st.integers(0, len(line) - 1))
    line[at] ^= draw.draw(st.integers(1, 255))
    with pytest.raises((NotJson, BrokenLine)):
        decode(bytes(line))


@given(DATA, st.data())
def test_no_part_of_a_line_is_an_entry(data: t.Dict[str, t.Any], draw: st.DataObject) -> None:
    line = encode(3, AT, "note", data, PREV)[1][:-1]
    with pytest.raises(NotJson):
        decode(line[: draw.draw(st.integers(0, len(line) - 1))])


@pytest.mark.parametrize("line", [b"[]", b"1", b"{}", b'{"seq":0}', b"null"])
def test_other_json_is_no_entry(line: bytes) -> None:
    with pytest.raises(BrokenLine, match="not a journal entry"):
        decode(line)


@pytest.mark.parametrize("line", [b"", b"hello", b"\xff", b'{"a":1} {"a":1}', b"[" * 100000])
def test_what_is_no_json(line: bytes) -> None:
    with pytest.raises(NotJson):
        decode(line)


def forged(**changes: t.Any) -> bytes:
    """A line with a right hash, as somebody could write it who wants to."""
    value = {"at": AT, "data": {}, "kind": "note", "prev": PREV, "seq": 7, **changes}
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    value["hash"] = hashlib.sha256(canonical.encode()).hexdigest()
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "changes", [{"at": 5}, {"at": None}, {"kind": 1}, {"kind": ["note"]}, {"seq": True}, {"seq": 7.0}, {"data": []}]
)
def test_a_right_hash_makes_no_entry_of_other_things(changes: t.Dict[str, t.Any]) -> None:
    assert decode(forged()).seq == 7
    with pytest.raises(BrokenLine):
        decode(forged(**changes))


def test_spaces_are_a_change_too() -> None:
    line = encode(0, AT, "note", {"a": 1}, "")[1][:-1]
    with pytest.raises(BrokenLine, match="hash"):
        decode(line.replace(b'"a":1', b'"a": 1'))


def test_memory_holds_what_the_file_holds() -> None:
    assert encode(0, AT, "note", {"a": (1, 2), "b": {3: 4}}, "")[0].data == {"a": [1, 2], "b": {"3": 4}}


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(0, AT, "note", {"a": float("nan")}, "")
