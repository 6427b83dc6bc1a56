# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One line of a journal: its form, and how it is bound to the line before."""

from __future__ import annotations

import hashlib
import json
import typing as t

OPENED = "journal.opened"
REPAIRED = "journal.repaired"
INTENT = "change.intent"
OUTCOME = "change.outcome"
STATUSES = frozenset(("done", "failed", "unknown", "skipped", "abandoned"))
FORMAT = 1
FIRST_BYTES = b'{"at":"'
"""What every line begins with, since keys are sorted."""

# json.loads would guess the encoding of each line and skip white space: twice the time, and neither is wanted.
_raw_decode = json.JSONDecoder().raw_decode
_HASH_KEY = b'"hash":"'
_HASH_END = len(_HASH_KEY) + 64
_KEYS = frozenset(("at", "data", "hash", "kind", "prev", "seq"))


class Entry(t.NamedTuple):
    """A journal entry. ``prev`` is the hash of the entry before ("" for seq 0), ``hash`` the SHA-256 of the rest."""

    seq: int
    at: str
    kind: str
    data: t.Dict[str, t.Any]
    prev: str
    hash: str


class NotJson(ValueError):
    """A line that is not even JSON: torn, if it is the last one."""


class BrokenLine(ValueError):
    """A line that is JSON, but no entry or not the entry that was written."""


def encode(seq: int, at: str, kind: str, data: t.Mapping[str, t.Any], prev: str) -> t.Tuple[Entry, bytes]:
    """The entry and its line (compact JSON, sorted keys, ASCII, with its newline). ValueError for NaN."""
    text = _json(data)
    start = f'{{"at":{_json(at)},"data":{text},'
    end = f'"kind":{_json(kind)},"prev":"{prev}","seq":{seq}}}'
    digest = hashlib.sha256((start + end).encode("ascii")).hexdigest()
    # Parsed back, so that memory holds what a later reader of the file will see (lists for tuples, text keys).
    entry = Entry(seq, at, kind, json.loads(text), prev, digest)
    return entry, f'{start}"hash":"{digest}",{end}\n'.encode("ascii")


def decode(line: bytes) -> Entry:
    """The entry of a line without its newline; its hash is checked over the very bytes.

    Raises NotJson or BrokenLine. Whether it follows the entry before is the caller's question.
    """
    try:
        text = line.decode("ascii")
        value, end = _raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error
    if end != len(text):
        raise NotJson("there is more than one value")
    if not isinstance(value, dict) or value.keys() != _KEYS:
        raise BrokenLine("it is not a journal entry")
    # Behind the data only kind, prev and seq follow, whose quotes are escaped: the last match is the key itself.
    at = line.rfind(_HASH_KEY)
    digest = hashlib.sha256(line[:at] + line[at + _HASH_END + 2 :]).hexdigest()
    if line[at + len(_HASH_KEY) : at + _HASH_END] != digest.encode("ascii"):
        raise BrokenLine("its hash does not match its content")
    if not isinstance(value["data"], dict):
        raise BrokenLine("its data is not a mapping")
    seq, words = value["seq"], (value["at"], value["kind"])
    if not isinstance(seq, int) or isinstance(seq, bool) or not all(isinstance(one, str) for one in words):
        raise BrokenLine("its number, time or kind is none")
    return Entry(value["seq"], value["at"], value["kind"], value["data"], value["prev"], digest)


def _json(value: t.Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
