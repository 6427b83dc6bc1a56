# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a person wishes of a running migration, as text that ``echo`` can write.

One wish on a line, ``#`` begins a comment. Three kinds, and the last line of each kind is in force:

    run       pause | resume | abort [reason]
    limits    limits global=4 per_source=1
    cutover   postpone 2h | postpone until 2026-11-22T01:00:00Z | proceed

The text is the wish and no queue: without a line of a kind there is no wish of it. A text with one line that cannot be
read says nothing at all, because nobody knows what else it was meant to say. Pure.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError

RUN, LIMITS, CUTOVER = "run", "limits", "cutover"
KINDS = (RUN, LIMITS, CUTOVER)
PAUSE, RESUME, ABORT, PROCEED = "pause", "resume", "abort", "proceed"
NONE = "none"
"""How the absence of a wish is written down, and a limit that is none."""

LONGEST = 365 * 86400.0
"""A postponement beyond a year is a mistake in the unit."""
MOST_BYTES = 16384
LONGEST_REASON = 300
MOST_PER_LIMIT = 1000000

_KIND_OF = {PAUSE: RUN, RESUME: RUN, ABORT: RUN, "limits": LIMITS, "postpone": CUTOVER, PROCEED: CUTOVER}
_LIMIT = re.compile(r"([a-z][a-z0-9_]*(?::[A-Za-z0-9_.-]+)?)=([0-9]+|none)", re.ASCII)
_KNOWN = "pause, resume, abort [reason], limits <name>=<number>, postpone <time>, postpone until <when>, proceed"


class Unreadable(MigrationError):
    """A text that says nothing; its code is ``control.unreadable``."""

    def __init__(self, problem: str) -> None:
        super().__init__("control.unreadable", problem)


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is wished. ``run``: "", pause, resume or abort. ``limits``: None where no limit is wished for, a number of
    None where none shall hold. ``until``: when a postponement ends. ``proceed``: the cutover may go on."""

    run: str = ""
    reason: str = ""
    limits: t.Optional[t.Mapping[str, t.Optional[int]]] = None
    until: t.Optional[datetime.datetime] = None
    proceed: bool = False

    @property
    def paused(self) -> bool:
        """Whether nothing new may be begun."""
        return self.run == PAUSE

    @property
    def aborted(self) -> bool:
        """Whether the run shall end."""
        return self.run == ABORT

    def line(self, kind: str) -> str:
        """The line of one kind, in one way of writing it; "" where nothing is wished."""
        if kind == RUN:
            return f"{self.run} {self.reason}".strip()
        if kind == LIMITS:
            if self.limits is None:
                return ""
            return "limits " + " ".join(f"{key}={_number(self.limits[key])}" for key in sorted(self.limits))
        if self.until is not None:
            return f"postpone until {iso(self.until)}"
        return PROCEED if self.proceed else ""

    def lines(self) -> t.Dict[str, str]:
        """By kind, the lines of what is wished."""
        return {kind: line for kind, line in ((kind, self.line(kind)) for kind in KINDS) if line}

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results."""
        return {
            "paused": self.paused,
            "aborted": self.aborted,
            "reason": self.reason,
            "limits": None if self.limits is None else dict(self.limits),
            "postponed_until": None if self.until is None else iso(self.until),
            "proceed": self.proceed,
        }


NO_WISH = Wish()


def parse_wish(text: str, written: datetime.datetime) -> Wish:
    """The wish of a text that was ``written`` at that time, from which a ``postpone 2h`` counts.

    :raises Unreadable: it names every line that is none of the wishes, by its number
    """
    wish = NO_WISH
    problems: t.List[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            wish = _take(wish, line, written)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    if problems:
        shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise Unreadable(f"{shown}. A line is one of: {_KNOWN}.")
    return wish


def decode(raw: bytes) -> str:
    """The text of what was read; Unreadable for what no person has written."""
    if len(raw) > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES} bytes, so it is no control file. Give another path.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("it is no UTF-8 text. Write it anew.") from None


def edit(text: str, lines: t.Mapping[str, str]) -> str:
    """``text`` with other lines for the kinds in ``lines`` ("" for none); all other lines stay as they are."""
    kept = [line for line in text.splitlines() if kind_of(line) not in lines]
    return "".join(f"{line}\n" for line in [*kept, *(lines[kind] for kind in KINDS if lines.get(kind))])


def kind_of(line: str) -> str:
    """The kind of a line by its first word, "" for a comment, an empty line and what is none of the wishes."""
    words = line.split(None, 1)
    return _KIND_OF.get(words[0].lower(), "") if words else ""


def limits_of(text: str) -> t.Dict[str, t.Optional[int]]:
    """The limits in ``global=4 per_source=1``; ValueError for anything else."""
    limits: t.Dict[str, t.Optional[int]] = {}
    for word in text.split():
        match = _LIMIT.fullmatch(word)
        if match is None:
            raise ValueError(f"{_show(word)} is no limit; write <name>=<number>, such as per_source=1")
        key, number = match.groups()
        if key in limits:
            raise ValueError(f"{key} is there twice")
        limits[key] = None if number == NONE else int(number) if len(number) < 10 else MOST_PER_LIMIT + 1
        if limits[key] is not None and not 1 <= t.cast(int, limits[key]) <= MOST_PER_LIMIT:
            raise ValueError(f"{key} must be 1 to {MOST_PER_LIMIT}; to let nothing begin, write pause")
    if not limits:
        raise ValueError("limits without any; write limits <name>=<number>, or take the line away")
    return limits


def limits_said(line: str) -> t.Dict[str, t.Optional[int]]:
    """The limits of a line that was acknowledged; none for ``none``, and for what an older release wrote otherwise."""
    words = line.split(None, 1)
    try:
        return limits_of(words[1]) if kind_of(line) == LIMITS and len(words) > 1 else {}
    except ValueError:
        return {}


def postponed_until(text: str, written: datetime.datetime) -> datetime.datetime:
    """When ``2h`` or ``until 2026-11-22T01:00:00Z`` is over; ValueError for anything else."""
    words = text.split(None, 1)
    if words and words[0].lower() == "until":
        try:
            return parse_iso(words[1] if len(words) > 1 else "")
        except ValueError:
            raise ValueError(
                f"{_show(text[5:].strip())} is no time; write it as 2026-11-22T01:00:00Z (without a zone it is UTC)"
            ) from None
    try:
        return written + datetime.timedelta(seconds=parse_duration(text, "postpone", maximum=LONGEST))
    except (InvalidOption, OverflowError):
        raise ValueError(
            f"{_show(text)} is no length of time up to a year; write postpone 2h, or postpone until <when>"
        ) from None


def _take(wish: Wish, line: str, written: datetime.datetime) -> Wish:
    """The wish with one more line; ValueError with what is wrong with it."""
    words = line.split(None, 1)
    if not words or words[0].startswith("#"):
        return wish
    kind, word = kind_of(line), words[0].lower()
    if not kind:
        raise ValueError(f"{_show(line.strip())} is none of the wishes")
    rest = words[1].strip() if len(words) > 1 else ""
    if word != ABORT:
        # In a reason a number sign may name a ticket.
        rest = re.split(r"(?:^|\s)#", rest, maxsplit=1)[0].strip()
    if word in (PAUSE, RESUME, PROCEED) and rest:
        raise ValueError(f"nothing may follow {word}, not even {_show(rest)}; a comment begins with #")
    if kind == RUN:
        return dataclasses.replace(wish, run=word, reason=_reason(rest))
    if kind == LIMITS:
        return dataclasses.replace(wish, limits=limits_of(rest))
    if word == PROCEED:
        return dataclasses.replace(wish, until=None, proceed=True)
    return dataclasses.replace(wish, until=postponed_until(rest, written), proceed=False)


def _reason(text: str) -> str:
    """One line of plain characters: it goes into terminals, journals and messages."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:LONGEST_REASON]


def _number(limit: t.Optional[int]) -> str:
    return NONE if limit is None else str(limit)


def _show(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else shown[:57] + "..."
