# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a report tells, as records. Times are seconds since the epoch, spans are seconds, sizes are bytes.

None stands for what the journal does not say; nothing is ever filled in by a guess.
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.legality import SwitchJudgement

# States of an item, worst first: the order in which tables show them.
FAILED = "failed"
UNKNOWN = "unknown"
RUNNING = "running"
WAITING = "waiting"
DROPPED = "dropped"
DONE = "done"
ALREADY = "already"
STATES = (FAILED, UNKNOWN, RUNNING, WAITING, DROPPED, DONE, ALREADY)

# How a fenced cutover ended.
COMMITTED = "committed"
HANDED_OVER = "handed_over"
LIFTED = "lifted"

# What came from people, or went to them: kinds of journal entries.
CONTROL = "control"
HOOK = "hook"
NOTIFICATION = "notification"


# The end of each step of a cutover, in order: its mark in the window, its colour, and what went on until then.
STEPS = (
    ("all_denied", "before", "the fence reaches every server"),
    ("drained", "refused", "drained"),
    ("switched", "open", "switched"),
    ("proved", "moved", "proved at every proxy"),
    ("lifted", "failed", "lifted"),
)


@dataclasses.dataclass(frozen=True)
class Words:
    """How an engine's people call things: its presentation hook. Empty words are derived from the journal.

    ``part``: what an item consists of. ``fence``: what stops the writes. ``steps``: the steps of a cutover in order, as
    (mark in its window, colour, what goes on until then). ``behind``: what a lag counts, as a sentence; ``still``: the
    same in a few words behind its number.
    """

    engine: str = ""
    item: str = ""
    items: str = ""
    place: str = ""
    part: str = "part"
    fence: str = "fence"
    steps: t.Tuple[t.Tuple[str, str, str], ...] = STEPS
    behind: str = "What was still to be shipped to the target, in all, at each look."
    still: str = "still to be shipped"


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One submission of a move. ``status`` is that of its outcome, "" while the journal has none.

    The writes of the item were refused for at least ``refused_least`` and at most ``refused_most`` seconds; the span
    ended no later than ``ended``.
    """

    key: str
    source: str
    target: str
    group: str
    started: float
    ended: t.Optional[float]
    status: str
    code: str
    message: str
    server_text: str
    request: str
    duration: t.Optional[float]
    refused_least: t.Optional[float]
    refused_most: t.Optional[float]
    procedure_id: str
    attached: bool
    evidence: t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Item:
    """One thing that moves: where from, where to, and the attempts to bring it there (oldest first)."""

    key: str
    group: str
    source: str
    target: str
    size_bytes: t.Optional[float]
    state: str
    attempts: t.Tuple[Attempt, ...]

    @property
    def last(self) -> t.Optional[Attempt]:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a phase. ``status`` is "" when the journal does not say how it ended.

    ``last_seen`` is the time of its last entry.
    """

    run_id: str
    phase: str
    started: float
    ended: t.Optional[float]
    last_seen: float
    status: str
    summary: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """A plan as it was journaled. ``loads`` holds (place, before, after) with the plan's own figures per place."""

    plan_id: str
    at: float
    strategy: str
    moves: int
    limits: t.Mapping[str, t.Any]
    ordering: str
    lower_bound: t.Mapping[str, t.Any]
    loads: t.Sequence[t.Tuple[str, t.Mapping[str, t.Any], t.Mapping[str, t.Any]]]
    excluded: t.Sequence[t.Any]
    unplaceable: t.Sequence[t.Any]


@dataclasses.dataclass(frozen=True)
class Setting:
    """A setting in three ways: as it was found, as we left it, as it is now.

    ``state`` is restored, already_original, keep_theirs, unknown, changed (still ours), kept (still ours, and meant to
    stay so) or unchanged (took no effect). ``action`` is that of the newest change.
    """

    resource: str
    original: t.Any
    ours: t.Any
    now: t.Any
    state: str
    reason: str
    at: float
    action: str = ""


@dataclasses.dataclass(frozen=True)
class Cutover:
    """A fenced cutover. ``state`` is committed, handed_over, lifted, or "" when it has not begun.

    ``window``: seconds from the request to fence to each step, and ``refused``, the span in which writes were refused.
    ``forecast``: what was expected of that, in seconds. ``tables``, ``parts``: how many it comprises, where it is of a
    whole cluster; 0 where it is of one item.
    """

    subject: str
    state: str
    at: t.Optional[float]
    window: t.Mapping[str, float]
    forecast: t.Mapping[str, float]
    tables: int = 0
    parts: int = 0

    @property
    def refused(self) -> t.Optional[float]:
        """How long writes were refused, in seconds, as the module saw it."""
        return self.window.get("refused")


@dataclasses.dataclass(frozen=True)
class WaitReason:
    """All waits with one reason: how often it was noted, when first and last, and the worst that was seen.

    ``spans``: from when to when it was the reason, as far as the journal tells.
    """

    reason: str
    waiting_for: str
    ends_when: str
    noted: int
    first: float
    last: float
    most: int
    worst: t.Sequence[str]
    spans: t.Sequence[t.Tuple[float, float]] = ()


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was proved, whether it passed, and the items that it rests on."""

    kind: str
    passed: bool
    at: float
    items: t.Sequence[t.Mapping[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Helper:
    """Preparing calls of one action (such as a flush before a move): how many, and how they ended."""

    action: str
    total: int
    done: int
    failed: int


@dataclasses.dataclass(frozen=True)
class Progress:
    """One progress entry. ``lag``: how far the target is behind, in all; None where nobody tells. ``rate``: done in a
    minute."""

    at: float
    done: int
    total: int
    eta: t.Optional[float]
    lag: t.Optional[float] = None
    rate: t.Optional[float] = None


@dataclasses.dataclass(frozen=True)
class Happening:
    """What came from a person or went to one: a wish (``control``), a ``hook`` or a ``notification``.

    ``what``: the wish, the edge or the event. ``outcome``: what became of it, and ``tone`` how to show that.
    ``detail``: why, or from where.
    ``topic``: what a wish is about; a newer one takes its place.
    """

    at: float
    kind: str
    what: str
    outcome: str
    tone: str
    detail: str
    topic: str = ""


@dataclasses.dataclass(frozen=True)
class Verification:
    """Whether the journal is whole: every entry carries the hash of the one before.

    ``problem`` says what is wrong, ``remarks`` what does no harm but should be known.
    """

    valid: bool
    entries: int
    last_hash: str
    problem: str = ""
    remarks: t.Tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that the page shows, read from one journal.

    ``active``: when something was written. ``fenced``: from when to when writes were refused. ``changed``: when
    settings were, with the action. ``evidence``: by kind of proof the newest word on each subject. ``switch``: whether
    the switch was legal, None when that was not asked.
    """

    migration_id: str
    engine: str
    version: str
    words: Words
    first: t.Optional[float]
    last: t.Optional[float]
    plans: t.Sequence[Plan]
    items: t.Sequence[Item]
    attempts: t.Sequence[Attempt]
    runs: t.Sequence[Run]
    findings: t.Sequence[t.Mapping[str, t.Any]]
    findings_passed: t.Optional[bool]
    settings: t.Sequence[Setting]
    waits: t.Sequence[WaitReason]
    proofs: t.Sequence[Proof]
    helpers: t.Sequence[Helper]
    progress: t.Sequence[Progress]
    notes: t.Sequence[t.Tuple[float, str]]
    repairs: int
    verification: Verification
    extra: t.Mapping[str, t.Any]
    cutovers: t.Sequence[Cutover] = ()
    first_commit: t.Optional[float] = None
    active: t.Sequence[t.Tuple[float, float]] = ()
    fenced: t.Sequence[t.Tuple[float, float]] = ()
    changed: t.Sequence[t.Tuple[float, str]] = ()
    happenings: t.Sequence[Happening] = ()
    evidence: t.Mapping[str, t.Sequence[t.Tuple[float, t.Mapping[str, t.Any]]]] = dataclasses.field(
        default_factory=dict
    )
    switch: t.Optional[SwitchJudgement] = None

    @property
    def plan(self) -> t.Optional[Plan]:
        """The newest plan that moves anything, else the newest."""
        return next((plan for plan in reversed(self.plans) if plan.moves), self.plans[-1] if self.plans else None)

    @property
    def reversed(self) -> bool:
        """True when the newest plan that moves anything takes an earlier one back."""
        return self.plan is not None and self.plan.strategy == "reverse"

    @property
    def current(self) -> t.Sequence[Attempt]:
        """The attempts made since the plans took their present direction: forward, or back."""
        since = 0.0
        for plan in self.plans:
            if plan.moves and (plan.strategy == "reverse") != self.reversed:
                since = math.inf
            elif plan.moves and since == math.inf:
                since = plan.at
        return [attempt for attempt in self.attempts if attempt.started >= since]

    def count(self, *states: str) -> int:
        """How many items are in one of the states."""
        return sum(1 for item in self.items if item.state in states)
