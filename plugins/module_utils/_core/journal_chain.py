# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading a journal's bytes: which entries hold, what is torn, what is broken. Pure, for files and S3 alike."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import (
    FIRST_BYTES,
    OPENED,
    BrokenLine,
    Entry,
    NotJson,
    decode,
)


class Head(t.NamedTuple):
    """The last entry that was safely written, kept beside the journal."""

    seq: int
    hash: str

    def encode(self) -> bytes:
        """The side file's content."""
        return (json.dumps({"hash": self.hash, "seq": self.seq}, sort_keys=True) + "\n").encode("ascii")

    @classmethod
    def decode(cls, raw: bytes) -> t.Optional[Head]:
        """None for anything unreadable: it is replaced without fsync, so a power cut may leave it empty."""
        try:
            value = json.loads(raw)
            return cls(int(value["seq"]), str(value["hash"]))
        except (ValueError, TypeError, KeyError):
            return None


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something about a journal; a ``fatal`` one forbids going on with it."""

    code: str
    message: str
    fatal: bool

    def error(self) -> MigrationError:
        """The problem as an error to raise."""
        return MigrationError(self.code, self.message)

    def as_result(self) -> t.Dict[str, t.Any]:
        """The problem as plain data."""
        return {"code": self.code, "msg": self.message, "fatal": self.fatal}


class Stored(t.NamedTuple):
    """What a store holds: all bytes in order, the head (None: missing or unreadable), what is wrong with the store."""

    raw: bytes
    head: t.Optional[Head]
    problems: t.Tuple[Problem, ...] = ()


class Scan(t.NamedTuple):
    """The entries that hold, the size of their bytes, the torn rest, and what is wrong."""

    entries: t.List[Entry]
    size: int
    torn: bytes
    problems: t.Tuple[Problem, ...]


def scan(location: str, stored: Stored) -> Scan:
    """Verify everything: each line's hash, the chain, the head. Never raises."""
    entries, size, torn, problems = _chain(location, stored.raw)
    problems = [*stored.problems, *problems]
    if not any(problem.fatal for problem in problems):
        problems.extend(_against_head(location, entries, torn, stored.head))
    problems.extend(_clock(entries))
    return Scan(entries, size, torn, tuple(problems))


def _chain(location: str, raw: bytes) -> t.Tuple[t.List[Entry], int, bytes, t.List[Problem]]:
    entries: t.List[Entry] = []
    if raw and not may_begin_journal(raw):
        return entries, 0, b"", [not_a_journal(location)]
    lines = raw.split(b"\n")
    torn = lines.pop()
    size = 0
    prev = ""
    for seq, line in enumerate(lines):
        try:
            entry = decode(line)
        except NotJson:
            if seq == len(lines) - 1 and not torn:
                torn = line + b"\n"
                break
            return entries, size, b"", [_broken(location, seq, "it is not JSON")]
        except BrokenLine as error:
            problem = _broken(location, seq, str(error)) if seq else not_a_journal(location)
            return entries, size, b"", [problem]
        if entry.seq != seq or entry.prev != prev:
            return entries, size, b"", [_broken(location, seq, "it does not follow the line before it")]
        if not seq and entry.kind != OPENED:
            return entries, size, b"", [not_a_journal(location)]
        entries.append(entry)
        prev = entry.hash
        size += len(line) + 1
    problems: t.List[Problem] = []
    if torn:
        problems.append(
            Problem(
                "journal.torn",
                f"{location}: the last line is incomplete ({len(torn)} bytes). "
                "It is cut off and kept beside the journal when a run opens it.",
                fatal=False,
            )
        )
    return entries, size, torn, problems


def may_begin_journal(raw: bytes) -> bool:
    """Whether the first bytes allow for a journal: a crash within its first line leaves a part of it, or zeros."""
    start = raw[: len(FIRST_BYTES)]
    return FIRST_BYTES.startswith(start) or not raw.strip(b"\0")


def _against_head(
    location: str, entries: t.Sequence[Entry], torn: bytes, head: t.Optional[Head]
) -> t.Iterator[Problem]:
    if head is None:
        if entries:
            yield Problem(
                "journal.head_missing",
                f"{location}: there is no readable head beside it, so entries missing at its end cannot be noticed.",
                fatal=False,
            )
        return
    lost = head.seq + 1 - len(entries)
    if lost > (1 if torn else 0):
        yield Problem(
            "journal.truncated",
            f"{location}: {lost} entries at its end are missing. Put the complete journal back, "
            "or begin a new migration with a new journal after checking what was already done.",
            fatal=True,
        )
    elif lost == 1:
        yield Problem(
            "journal.acknowledged_entry_torn",
            f"{location}: the incomplete last line had been complete once. Look for a better copy of the journal.",
            fatal=False,
        )
    elif head.seq < 0 or entries[head.seq].hash != head.hash:
        yield Problem(
            "journal.chain_broken",
            f"{location}: it does not belong to the head beside it. Put the journal and its head back together.",
            fatal=True,
        )


def _clock(entries: t.Sequence[Entry]) -> t.Iterator[Problem]:
    for before, after in zip(entries, entries[1:]):
        if after.at < before.at:
            yield Problem(
                "journal.clock_went_back",
                f"The clock was set back between entries {before.seq} and {after.seq}; their order is right, "
                "times across them cannot be compared.",
                fatal=False,
            )
            return


def _broken(location: str, seq: int, why: str) -> Problem:
    return Problem(
        "journal.chain_broken",
        f"{location}: line {seq + 1} was changed or damaged ({why}). Put an undamaged copy of the journal back, "
        "or begin a new migration with a new journal after checking what was already done.",
        fatal=True,
    )


def not_a_journal(location: str) -> Problem:
    """The problem of a location that holds something else."""
    return Problem(
        "journal.not_a_journal",
        f"{location}: this is not a journal of this collection. Give the path of one, or a path that is still free.",
        fatal=True,
    )
