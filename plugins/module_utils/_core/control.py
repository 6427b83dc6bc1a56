# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A wish that a running migration obeys: looked for again and again, and acknowledged once.

Nothing here knows what a pause or a limit means to an engine: it says so itself, by its answer to each kind of wish.
What was acknowledged stands in the journal, so the next step, or the next run, neither tells it again nor forgets it
while the text cannot be read.
"""

from __future__ import annotations

import datetime
import hashlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.control_store import ControlStore
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import (
    ABORT,
    CUTOVER,
    KINDS,
    LIMITS,
    NO_WISH,
    NONE,
    PAUSE,
    RESUME,
    RUN,
    Unreadable,
    Wish,
    decode,
    parse_wish,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_entries import FORECAST_KIND
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

CONTROL = "control"
"""The kind of a journal entry."""

TAKEN, NOT_APPLICABLE, UNREADABLE = "taken", "not_applicable", "unreadable"
TEXT = "text"
"""The kind of the acknowledgement that a text cannot be read."""

BEING_WRITTEN = 1.0
"""Seconds for which an empty or unreadable text counts as one that somebody is just writing."""


NOTHING = "nothing was begun"
_OF = {RUN: "the run", LIMITS: "limits", CUTOVER: "the cutover"}


class Answer(t.NamedTuple):
    """What becomes of a wish: ``taken`` or ``not_applicable``, and a few words for people."""

    effect: str
    detail: str


class Acknowledgement(t.NamedTuple):
    """``kind`` of wish (or ``text``), its line (``none`` when it was withdrawn), and what becomes of it.

    ``written``: when the text was written, "" where there is none. The same line in another text is another wish.
    """

    kind: str
    wish: str
    text_sha: str
    effect: str
    detail: str
    written: str = ""

    def as_entry(self) -> t.Dict[str, t.Any]:
        """For the journal."""
        return dict(self._asdict())

    @property
    def line(self) -> str:
        """For the output."""
        if self.effect == UNREADABLE:
            return f"control: cannot be read, so what was wished before stays: {self.detail}"
        wish = self.wish if self.wish != NONE else f"no wish for {_OF[self.kind]} any more"
        applies = "" if self.effect == TAKEN else "not applicable: "
        return f"control: {wish} ({applies}{self.detail})"


Answers = t.Callable[[str, Wish], Answer]


def usual_answer(kind: str, wish: Wish) -> Answer:
    """The answer of a run that has no limits, begins nothing while paused, and comes before a cutover."""
    if kind == LIMITS:
        return Answer(NOT_APPLICABLE, "there is nothing here that it could limit")
    if kind == RUN:
        words = {
            PAUSE: "nothing new is begun, what runs goes on",
            ABORT: "nothing new is begun, and the run ends once what runs has ended",
        }
        return Answer(TAKEN, words.get(wish.run, "the run goes on"))
    if wish.until is not None:
        return Answer(TAKEN, "no cutover begins before")
    return Answer(TAKEN, "the cutover may begin" if wish.proceed else "a cutover that is held stays held")


class Control:
    """What is wished now, in one call of a module.

    ``problem``: why it is not known, "" where it is. ``garbled``: why the text that is there cannot be taken, which may
    have been meant as a stop; a store that does not answer for a while leaves it as it was.
    """

    def __init__(
        self,
        store: t.Optional[ControlStore],
        clock: Clock,
        answers: Answers = usual_answer,
        entries: t.Iterable[t.Any] = (),
        carried: t.Optional[t.Mapping[str, t.Any]] = None,
    ) -> None:
        """``entries``: the journal's. ``carried``: what ``carry`` gave the step before; for a run without a journal."""
        self.wish = NO_WISH
        self.written: t.Optional[datetime.datetime] = None
        """When the text of ``wish`` was written; None where there is none."""
        self.problem = ""
        self.garbled = ""
        self._store = store
        self._clock = clock
        self._answers = answers
        self._next = float("-inf")
        self._lines: t.Dict[str, str] = {}
        self._texts: t.Dict[str, str] = {}
        self._unreadable = ""
        for entry in entries:
            if entry.kind == CONTROL:
                self._recall(entry.data)
        if carried:
            self._lines = {kind: str(line) for kind, line in (carried.get("lines") or {}).items() if kind in KINDS}
            self._texts = {kind: str(at) for kind, at in (carried.get("texts") or {}).items() if kind in KINDS}
            self._unreadable = str(carried.get("unreadable") or "")
        if store is not None and self._lines:
            self.wish = _earlier(self._lines)

    @property
    def location(self) -> str:
        """Where the wish is kept; "" where none is asked for."""
        return self._store.location if self._store is not None else ""

    def poll(self, at_once: bool = False) -> t.List[Acknowledgement]:
        """Look, if it is time or ``at_once``; returns what is to be acknowledged, which is told only this once."""
        if self._store is None or (not at_once and self._clock.monotonic() < self._next):
            return []
        self._next = self._clock.monotonic() + self._store.pause
        raw, written = b"", None
        try:
            kept = self._store.read()
            if kept is not None:
                raw, written = kept.raw, kept.written
            wish = parse_wish(decode(raw), written or self._clock.now())
        except MigrationError as error:
            if error.code.startswith("journal."):
                # The library for S3 is missing, or its options cannot work: no text, now or later.
                raise
            return self._cannot_read(error, raw, written)
        self.problem = self.garbled = ""
        if not raw.strip() and self._young(written):
            return []
        self.wish, self._unreadable, self.written = wish, "", written
        return self._news(hashlib.sha256(raw).hexdigest())

    def carry(self) -> t.Dict[str, t.Any]:
        """What the next step is to be given, where no journal remembers it."""
        return {"lines": dict(self._lines), "texts": dict(self._texts), "unreadable": self._unreadable}

    def refusal(self, done: str = NOTHING) -> t.Optional[MigrationError]:
        """Why nothing that refuses writes may begin now; None where nothing speaks against it. ``done``: what was.

        ``control.aborted``, ``control.unreadable`` (what cannot be read may be a stop), ``control.paused``,
        ``control.postponed``.
        """
        if self.wish.aborted:
            return self.aborted(done)
        if self.problem:
            return MigrationError(
                "control.unreadable",
                f"{self.location}: what is wished cannot be read, so {done}. {self.problem}",
            )
        if self.wish.paused:
            return MigrationError(
                "control.paused",
                f"{self.location} says pause, so {done}. Write resume into it, then run again.",
            )
        if self.wish.until is not None and self.wish.until > self._clock.now():
            return MigrationError(
                "control.postponed",
                f"{self.location} says {self.wish.line(CUTOVER)}, so {done}. Run again then, or write proceed into it.",
            )
        return None

    def aborted(self, done: str) -> MigrationError:
        """The failure of a run that was aborted; ``done``: what became of it."""
        reason = f" ({self.wish.reason})" if self.wish.reason else ""
        return MigrationError(
            "control.aborted",
            f"{self.location} says abort{reason}: {done}. To go on later, write resume into it or remove it, then run "
            "again.",
            details={"reason": self.wish.reason, "control": self.location},
        )

    def _recall(self, data: t.Mapping[str, t.Any]) -> None:
        kind, wish = str(data.get("kind")), str(data.get("wish") or "")
        if kind == TEXT:
            self._unreadable = str(data.get("text_sha") or "")
        elif kind in KINDS:
            self._lines[kind] = "" if wish == NONE else wish
            self._texts[kind] = str(data.get("written") or "")
            self._unreadable = ""

    def _cannot_read(
        self, error: MigrationError, raw: bytes, written: t.Optional[datetime.datetime]
    ) -> t.List[Acknowledgement]:
        self.problem = detail = error.message
        if isinstance(error, Unreadable):
            self.garbled = error.message
            detail += " Nothing new is begun until it can be read."
        # What a store says may differ from one time to the next; that it says no is told once.
        mark = hashlib.sha256(raw if isinstance(error, Unreadable) else error.code.encode("ascii")).hexdigest()
        if mark == self._unreadable or (isinstance(error, Unreadable) and self._young(written)):
            return []
        self._unreadable = mark
        return [Acknowledgement(TEXT, "", mark, UNREADABLE, detail)]

    def _young(self, written: t.Optional[datetime.datetime]) -> bool:
        return written is not None and abs((self._clock.now() - written).total_seconds()) < BEING_WRITTEN

    def _news(self, sha: str) -> t.List[Acknowledgement]:
        found: t.List[Acknowledgement] = []
        written = "" if self.written is None else iso(self.written)
        for kind in KINDS:
            line, before = self.wish.line(kind), self._lines.get(kind, "")
            # What an older release acknowledged does not say of which text.
            anew = bool(line) and self._texts.get(kind, "") not in ("", written)
            self._lines[kind], self._texts[kind] = line, written
            if (line == before and not anew) or (not line and before == RESUME):
                continue
            answer = self._answers(kind, self.wish)
            found.append(Acknowledgement(kind, line or NONE, sha, answer.effect, answer.detail, written))
        return found


def _earlier(lines: t.Mapping[str, str]) -> Wish:
    """The wish of lines that were acknowledged; what an older release wrote otherwise is no wish any more."""
    try:
        return parse_wish("\n".join(lines.values()), datetime.datetime.fromtimestamp(0, datetime.timezone.utc))
    except Unreadable:
        return NO_WISH


def used_up(written: t.Optional[datetime.datetime], entries: t.Iterable[t.Any]) -> bool:
    """Whether a ``proceed`` that was written then has let a cutover begin already, whatever became of it."""
    begun = ""
    for entry in entries:
        if entry.kind == FORECAST_KIND or (entry.kind == "run.started" and entry.data.get("phase") == "cutover"):
            begun = entry.at
    return written is not None and bool(begun) and written <= parse_iso(begun)


def in_force(
    wish: Wish, entries: t.Iterable[t.Any], written: t.Optional[datetime.datetime] = None
) -> t.List[t.Dict[str, t.Any]]:
    """For results: each kind of wish, its line, and whether a run has acknowledged it, when and how.

    ``written``: when the text was written; what was acknowledged of another text says nothing of this one.
    """
    text = "" if written is None else iso(written)
    last = {str(entry.data.get("kind")): entry for entry in entries if entry.kind == CONTROL}
    found: t.List[t.Dict[str, t.Any]] = []
    for kind, line in wish.lines().items():
        entry = last.get(kind)
        other = written is not None and entry is not None and (entry.data.get("written") or text) != text
        if entry is not None and (entry.data.get("wish") != line or other):
            entry = None
        found.append(
            {
                "kind": kind,
                "wish": line,
                "acknowledged": entry is not None,
                "at": entry.at if entry is not None else None,
                "effect": entry.data.get("effect") if entry is not None else None,
                "detail": entry.data.get("detail") if entry is not None else None,
            }
        )
    return found
