# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What a journal tells of a migration as it stands: one state, entry by entry. Pure, and the same for every engine."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_entries import FORECAST_KIND
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OPENED, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.report import values as v

Data = t.Mapping[str, t.Any]

RUNNING = "running"
OK = "ok"
FAILED = "failed"
INTERRUPTED = "interrupted"
STATUSES = (RUNNING, OK, FAILED, INTERRUPTED)
SEVERITIES = ("blocker", "warning", "info")

_GUARD = "guard"
"""The proof that a guard was armed: {subject, lifts_at, ...} for each table that it watches over."""
_GUARD_ENDS = frozenset(("committed", "lifted", "kept", "done"))
"""States in which a guard holds no fence any more that it would have to lift."""
_MOVES_ON = frozenset(("proof", "restore", INTENT, OUTCOME))
_AT_ONCE = frozenset(("run.started", "run.finished", "findings", "wait", "notification", "control"))


@dataclasses.dataclass
class Phase:
    """The newest run of a phase; moments are Unix seconds."""

    run_id: str
    status: str
    started: t.Optional[float]
    finished: t.Optional[float] = None


@dataclasses.dataclass
class Fence:
    """A fence that a guard watches over, by what the journal knows; moments are Unix seconds.

    ``held``: a change was begun since the guard counts. Before that, nothing was sent that would refuse a write.
    """

    subjects: t.Set[str]
    armed: t.Optional[float]
    deadline: t.Optional[float]
    held: bool = False


def _numbers(data: Data) -> t.Dict[str, float]:
    """What a ``progress`` entry counts; ``rate`` is per second, ``eta`` in seconds."""
    found = {name: v.number(data.get(name)) for name in ("done", "total", "running", "failed")}
    rate = v.number(data.get("rate_per_minute"))
    found.update(rate=None if rate is None else rate / 60.0, eta=v.number(data.get("eta_seconds")))
    return {name: number for name, number in found.items() if number is not None}


class Standing:
    """Fed with entries in order. What the journal does not say is None, or absent from a mapping."""

    def __init__(self) -> None:
        self.migration_id = ""
        self.engine = ""
        self.version = ""
        self.phase = ""
        self.phases: t.Dict[str, Phase] = {}
        self.progress: t.Dict[str, float] = {}
        self.lag: Data = {}
        self.forecast: t.Optional[t.Tuple[t.Optional[float], float]] = None
        """How long a cutover refuses writes: median (where it is known), and the most but for one in twenty."""
        self.duration: t.Optional[float] = None
        """How long the moves of the newest plan may take."""
        self.budget: t.Optional[float] = None
        self._fence: t.Optional[Fence] = None
        self.committed: t.Optional[float] = None
        self.findings: t.Dict[str, t.Dict[str, int]] = {}
        self.entries = 0
        self._steady: t.Dict[str, t.Optional[float]] = {}
        self._passing: t.Dict[str, t.Optional[float]] = {}
        self._last = ""
        self._handlers: t.Mapping[str, t.Callable[[Data, str], None]] = {
            OPENED: self._opened,
            "run.started": self._run_started,
            "run.finished": self._run_finished,
            "progress": self._progress,
            "wait": self._wait,
            "findings": self._findings,
            FORECAST_KIND: self._forecast,
            "plan": self._plan,
            "proof": self._proof,
            "cutover.committed": self._committed,
            "cutover.lifted": self._ended,
            "freeze.lifted": self._ended,
            "cutover.guard": self._guarded,
            INTENT: self._intended,
        }

    def take(self, entry: Entry) -> bool:
        """Follow one entry; True for one that a watcher should know of at once."""
        kind = entry.kind
        self.entries += 1
        self._last = entry.at
        cutover = kind.startswith(("cutover.", "freeze."))
        if cutover or kind in _MOVES_ON:
            # A cutover tells when it begins to wait; whatever it does next ends that.
            self._passing.clear()
        fenced = self.fence is not None
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(v.mapping(entry.data), entry.at)
        return cutover or kind in _AT_ONCE or (self.fence is not None) != fenced

    def guard_says(self, line: Data) -> None:
        """Follow a line of a guard's own record, which no run may have copied into the journal yet."""
        self._guarded(line, v.word(line.get("at")))

    @property
    def running(self) -> bool:
        """Whether a run was begun and has not told its end."""
        return any(phase.status == RUNNING for phase in self.phases.values())

    @property
    def last(self) -> t.Optional[float]:
        """When the last entry was written, Unix seconds."""
        return v.moment(self._last)

    @property
    def fence(self) -> t.Optional[Fence]:
        """The fence that is held now; None while writes go on."""
        return self._fence if self._fence is not None and self._fence.held else None

    @property
    def waits(self) -> t.Dict[str, t.Optional[float]]:
        """What is waited for now: since when (Unix seconds, None when that is not told), by reason."""
        return {**self._passing, **self._steady}

    def _opened(self, data: Data, at: str) -> None:
        self.migration_id = v.word(data.get("migration_id"))
        self.engine = v.word(data.get("engine"))
        self.version = v.word(data.get("collection_version"))

    def _run_started(self, data: Data, at: str) -> None:
        run_id = v.word(data.get("run_id"))
        name = v.word(data.get("phase"))
        known = self.phases.get(name)
        self.phase = name
        if known is not None and known.run_id == run_id:
            # A run that goes on in steps may tell its start again.
            known.status, known.finished = RUNNING, None
            return
        for other in self.phases.values():
            if other.status == RUNNING:
                other.status = INTERRUPTED
        self.phases[name] = Phase(run_id, RUNNING, v.moment(at))
        self.progress = {}
        self.lag = {}
        self._nothing_waits()

    def _run_finished(self, data: Data, at: str) -> None:
        name = v.word(data.get("phase"))
        status = v.word(data.get("status"))
        phase = self.phases.setdefault(name, Phase(v.word(data.get("run_id")), RUNNING, None))
        phase.status = status if status in STATUSES else FAILED
        phase.finished = v.moment(at)
        self.phase = name
        self._nothing_waits()
        if self.fence is None:
            self._fence = None

    def _nothing_waits(self) -> None:
        self._steady = {}
        self._passing = {}

    def _progress(self, data: Data, at: str) -> None:
        if data.get("total") is not None:
            self.progress = _numbers(data)
        # A lag that is not told is not known now, whatever it was before.
        self.lag = v.mapping(data.get("lag"))
        if isinstance(data.get("waits"), dict):
            self._passing = {}
            self._steady = {str(reason): v.moment(since) for reason, since in data["waits"].items()}

    def _wait(self, data: Data, at: str) -> None:
        reason = v.word(data.get("reason"))
        if reason not in self._steady:
            since = v.moment(data.get("since"))
            self._passing = {reason: v.moment(at) if since is None else since}

    def _findings(self, data: Data, at: str) -> None:
        # The newest judgement of a phase replaces its earlier ones.
        counts = dict.fromkeys(SEVERITIES, 0)
        for one in v.mappings(data.get("findings")):
            severity = v.word(one.get("severity"))
            if severity in counts and one.get("accepted") is not True:
                counts[severity] += 1
        # A preflight is no run, but it is what stands now.
        self.phase = v.word(data.get("phase"))
        self.findings[self.phase] = counts

    def _forecast(self, data: Data, at: str) -> None:
        windows = v.mappings(data.get("windows"))
        halves = [v.number(one.get("p50")) or 0.0 for one in windows]
        most = [v.number(one.get("p95")) or 0.0 for one in windows]
        self.forecast = (max(halves), max(most)) if windows else None
        self.budget = v.number(data.get("budget"))

    def _plan(self, data: Data, at: str) -> None:
        """Moves have no fence: each item refuses writes while it moves, for as long as a rehearsal has seen."""
        told = v.mapping(v.mapping(data.get("plan")).get("forecast"))
        refused = v.number(told.get("refused_per_region"))
        self.duration = v.number(told.get("seconds"))
        self.forecast = None if refused is None else (None, refused)

    def _proof(self, data: Data, at: str) -> None:
        """The guard counts from its proof on; all tables of a fence have one guard, and one deadline."""
        if data.get("kind") == _GUARD:
            items = v.mappings(data.get("items"))
            ends = [v.moment(one.get("lifts_at")) for one in items]
            known = [end for end in ends if end is not None]
            self._fence = Fence({v.word(one.get("subject")) for one in items}, v.moment(at), max(known, default=None))

    def _intended(self, data: Data, at: str) -> None:
        if self._fence is not None:
            self._fence.held = True

    def _committed(self, data: Data, at: str) -> None:
        self.committed = v.moment(at)
        self._ended(data, at)

    def _ended(self, data: Data, at: str) -> None:
        if self._fence is None:
            return
        table = v.word(data.get("table"))
        self._fence.subjects.discard(table)
        if not table or not self._fence.subjects:
            self._fence = None

    def _guarded(self, data: Data, at: str) -> None:
        if self._fence is None or data.get("event") not in _GUARD_ENDS:
            return
        when = v.moment(data.get("at")) or v.moment(at)
        # Lines of earlier guards are copied later, and say nothing of the fence of today.
        if when is not None and (self._fence.armed is None or when >= self._fence.armed):
            self._fence = None
