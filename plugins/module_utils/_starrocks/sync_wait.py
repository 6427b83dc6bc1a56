# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One step of waiting for the target: look at tool and partitions, tell, and end when nothing is waited for."""

from __future__ import annotations

import datetime
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import acceptances
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.control import (
    TAKEN,
    Acknowledgement,
    Answer,
    Control,
    usual_answer,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_store
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import LIMITS, NONE, RUN, Wish
from ansible_collections.dbops.migration.plugins.module_utils._core.control_waits import ENDS_WHEN, stopped_by
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import judge
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.progress import Lag, Progress
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import sync_nearness as sn
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_findings import kept_tables
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_reach import Gap, LastLook, last_look
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.renewal import Renewal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_drain import look_at_drain
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_failures import blocked, over
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_journal import WaitJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_limits import LiveLimits
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_look import Looker, SyncLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import (
    CAUGHT_UP,
    WaitRequest,
    read_wait_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_settings import SettingsWatch, usable
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.two_clusters import require_two_clusters

_PASSING = ("starrocks.unreachable", "starrocks.not_leader", "starrocks.no_alive_node")
"""Errors of a look that may be over at the next one."""
_KEPT_SAMPLES = 30


class SyncWaitTask:
    """Holds what one step needs, so that a failure in the middle can still tell what was seen."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._good = 0
        self._since: t.Dict[str, str] = {}
        self._lag: t.Optional[Lag] = None
        self._gaps: t.Sequence[Gap] = ()
        self._samples: t.List[t.Tuple[float, int]] = []
        self.result: t.Dict[str, t.Any] = {
            "changed": False, "changes": [], "diff": ChangeList().diff(), "finished": False, "waits": [], "events": [],
        }  # fmt: skip

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        request = read_wait_request(self._params)
        accepted = usable(acceptances(self._params, self._clock.now()))
        follow = as_mapping(self._params.get("follow"), "follow")
        journal = WaitJournal(
            self._params, self._redactor, self._clock, str(follow.get("run_id") or uuid.uuid4().hex[:12])
        )
        # What is drained before and after the copy ends by itself, and is part of putting something back.
        store = control_store(self._params)
        view = read_journal(self._params)
        self._limits = LiveLimits(
            self._params, request.target, journal, self._check_mode, self._redactor, self._clock, follow.get("limits")
        )
        self._control = Control(
            store if request.until == CAUGHT_UP else None,
            self._clock,
            self._answer,
            view.entries if view is not None and store is not None else (),
        )
        if self._check_mode:
            self._heed(None)
            return self._predicted()
        self._take(follow)
        deadline = Deadline(self._clock, request.timeout, "timeout: the wait", follow.get("deadline"))
        try:
            with Cluster(request.source, self._redactor, self._clock) as source, Cluster(
                request.target, self._redactor, self._clock
            ) as target:
                if not follow and request.until == CAUGHT_UP:
                    require_two_clusters(source, target)
                kept = kept_tables(accepted, self._clock.now())
                looker = Looker(self._params, request, source, target, self._redactor, self._clock, kept)
                looker.cursor = follow.get("cursor")
                looker.renewal = Renewal(follow.get("renewal"))
                # Of this run, or of the one before it.
                looker.seen = LastLook.of(follow.get("seen")) or last_look(view.entries if view is not None else ())
                self._settings = SettingsWatch(self._params, source, target, self._clock, follow.get("settings"))
                self._watch(request, looker, journal, deadline, accepted)
            self.result["follow"] = {
                "limits": self._limits.as_record(),
                "run_id": journal.run_id,
                "deadline": deadline.absolute_epoch,
                "cursor": looker.cursor,
                "renewal": looker.renewal.as_record(),
                "seen": looker.seen.as_record() if looker.seen is not None else None,
                "settings": self._settings.as_record(),
                "good": self._good,
                "since": self._since,
                "samples": self._samples,
            }
        except MigrationError as error:
            journal.finish("failed", error.message)
            raise
        finally:
            journal.close()
        return self.result

    def _predicted(self) -> t.Dict[str, t.Any]:
        """For check mode. MigrationError ``control.aborted``, as in a real run."""
        if self._control.wish.aborted:
            raise self._control.aborted("the wait for the target was not begun")
        text = "A real run would wait here until the target is as far as it should be"
        stopped = stopped_by(self._control)
        text += f", and for {stopped.waiting_for} ({stopped.reason})." if stopped is not None else "."
        self.result.update(finished=True, line=text, summary=text)
        return self.result

    def _take(self, follow: t.Mapping[str, t.Any]) -> None:
        self._good = int(follow.get("good") or 0)
        self._since = {str(reason): str(at) for reason, at in (follow.get("since") or {}).items()}
        self._samples = [(float(at), int(done)) for at, done in follow.get("samples") or ()]

    def _watch(
        self,
        request: WaitRequest,
        looker: Looker,
        journal: WaitJournal,
        deadline: Deadline,
        accepted: t.Sequence[t.Any],
    ) -> None:
        started = self._clock.monotonic()
        while True:
            before = self._clock.monotonic()
            self._heed(journal)
            near = self._look(request, looker, journal, accepted)
            if not near.reason:
                self.result["finished"] = True
                journal.finish("ok", self.result["summary"])
                if request.until == CAUGHT_UP:
                    journal.looked(looker.seen, self._gaps, over=True)
                return
            journal.wait(self.result["waits"], self._told_progress())
            # What is drained looks at no transactions, and knows of earlier looks only.
            if request.until == CAUGHT_UP:
                journal.looked(looker.seen, self._gaps)
            self._gaps = ()
            deadline.check([near.waiting_for])
            # Not more than a tenth of the time is spent on comparing.
            pause = max(request.poll_interval, 9 * (self._clock.monotonic() - before))
            spent = self._clock.monotonic() - started
            if self.result["events"] and request.step_time is not None:
                # Who wished something waits for the answer, which is shown when the step ends.
                return
            if request.step_time is not None and spent + pause > request.step_time:
                deadline.sleep(max(0.0, min(pause, request.step_time - spent)))
                return
            deadline.sleep(pause)

    def _heed(self, journal: t.Optional[WaitJournal]) -> None:
        """Acknowledge what is wished; nothing is told in check mode (None). MigrationError ``control.aborted``."""
        for one in [*self._control.poll(), *self._limits_again()]:
            if journal is not None:
                journal.control(one.as_entry())
                self.result["events"].append(one.line)
        changes = self._limits.changes
        self.result.update(changes=changes.as_result(), changed=changes.changed, diff=changes.diff())
        if self._control.wish.aborted and journal is not None:
            raise self._control.aborted(
                "the wait has ended, and the sync tool goes on; end it with starrocks_sync_tool, state=stopped"
            )

    def _limits_again(self) -> t.Iterator[Acknowledgement]:
        """Set what is limited where that is still, or again, to be done."""
        # Unless the wait obeys, as it does not while something is put back.
        answer = self._limits.again(self._control.wish) if self._control.location else None
        if answer is not None:
            yield Acknowledgement(LIMITS, self._control.wish.line(LIMITS) or NONE, "", *answer)

    def _answer(self, kind: str, wish: Wish) -> Answer:
        """The sync tool runs by itself, and takes nothing but its own properties; the target takes limits."""
        if kind == LIMITS:
            return self._limits.answer(wish)
        if kind == RUN and wish.paused:
            return Answer(TAKEN, "the next step is not begun; the sync tool goes on until starrocks_sync_tool ends it")
        return usual_answer(kind, wish)

    def _look(
        self, request: WaitRequest, looker: Looker, journal: WaitJournal, accepted: t.Sequence[t.Any]
    ) -> sn.Nearness:
        try:
            near = (
                self._caught_up(request, looker, journal, accepted)
                if request.until == CAUGHT_UP
                else self._drained(request, looker, accepted)
            )
        except MigrationError as error:
            if error.code not in _PASSING:
                raise
            self._lag = None
            looker.renewal.pardon(self._clock.now().timestamp())
            near = sn.Nearness(sn.UNREACHABLE, error.message, "the clusters answer again", 0)
            self.result["line"] = error.message
        self._good = near.good
        stopped = None if near.reason else stopped_by(self._control)
        if stopped is not None:
            near = sn.Nearness(stopped.reason, stopped.waiting_for, ENDS_WHEN[stopped.reason], near.good)
            self.result["line"] += f"; {stopped.reason}"
        self._tell(near)
        return near

    def _caught_up(
        self, request: WaitRequest, looker: Looker, journal: WaitJournal, accepted: t.Sequence[t.Any]
    ) -> sn.Nearness:
        look = looker.look()
        self._gaps = look.gaps
        self.result.update(comparison=look.compared, tool=look.tool)
        verdict = judge([*look.findings, *self._settings.findings()], accepted, self._clock.now())
        self.result["findings"] = verdict.as_result()["findings"]
        near = sn.nearness(
            look.counts,
            look.not_copied,
            look.worst,
            look.verdict,
            look.why,
            made_anew=look.made_anew,
            max_behind=request.max_behind,
            samples=request.stable_samples,
            good=self._good,
        )
        near = self._settings.held(near)
        progress = self._progress(look)
        self._lag = Lag("partitions", cmp.lagging(look.counts))
        self.result["progress"] = progress.as_result()
        self.result["line"] = _line(look, near, progress)
        self.result["summary"] = self.result["line"] if near.reason else _summary(look, progress)
        if near.reason != sn.SETTLING and near.reason:
            journal.begin()
        if verdict.open_blockers:
            journal.findings(verdict.as_result())
            raise blocked("The copy cannot become complete by itself", verdict)
        if sn.tool_is_over(look.verdict, near, look.replicating):
            raise over(look, near)
        return near

    def _drained(self, request: WaitRequest, looker: Looker, accepted: t.Sequence[t.Any]) -> sn.Nearness:
        drain = look_at_drain(looker.target, request)
        verdict = judge(list(drain.findings), accepted, self._clock.now())
        if verdict.open_blockers:
            raise blocked(f"{drain.name.capitalize()} on the target cannot end by themselves", verdict)
        told = [f"{one.id} ({one.subject}): {one.remedy}" for one in drain.findings if one.severity == "warning"]
        if told:
            self.result.update(findings=verdict.as_result()["findings"], warnings=told)
        self.result.update({drain.name: len(drain.running), "line": drain.summary, "summary": drain.summary})
        return drain.near

    def _progress(self, look: SyncLook) -> Progress:
        """Of partitions: those that were copied once, of all. Which are equal changes with every load."""
        now = self._clock.now().timestamp()
        copied = sum(look.counts.values()) - cmp.never_copied(look.counts, look.not_copied)
        earlier = [(datetime.datetime.fromtimestamp(at, datetime.timezone.utc), done) for at, done in self._samples]
        progress = Progress(sum(look.counts.values()), self._clock, earlier=earlier)
        progress.update(copied)
        self._samples = [*self._samples, (now, copied)][-_KEPT_SAMPLES:]
        return progress

    def _told_progress(self) -> t.Dict[str, t.Any]:
        """The progress of the last look for the journal, with its lag; empty where nothing could be compared."""
        if self._lag is None:
            return {}
        return {**self.result["progress"], "lag": self._lag.as_result()}

    def _tell(self, near: sn.Nearness) -> None:
        if not near.reason:
            self._since = {}
            self.result["waits"] = []
            return
        since = self._since.get(near.reason) or iso(self._clock.now())
        self._since = {near.reason: since}
        wait = Wait(sn.REASONS.check(near.reason), near.waiting_for, near.ends_when, since, near.worst, near.count)
        self.result["waits"] = [wait.as_result()]
        self.result.setdefault("summary", self.result["line"])


def _line(look: SyncLook, near: sn.Nearness, progress: Progress) -> str:
    """One line for people: how far, how fast, and what is waited for."""
    late = cmp.lagging(look.counts) - cmp.never_copied(look.counts, look.not_copied)
    text = f"partitions copied: {progress.line()}; {look.counts[cmp.EQUAL]} equal"
    if late:
        text += f", {late} behind by their latest loads"
    if near.reason not in ("", sn.COPYING, sn.SETTLING):
        text += f"; waits for {near.waiting_for}"
    return text


def _summary(look: SyncLook, progress: Progress) -> str:
    late = cmp.lagging(look.counts)
    text = f"{look.tables} tables with {progress.total} partitions are on the target"
    text += f", {late} of them behind by their latest loads." if late else ", all of them equal."
    if look.verdict == tv.ENDED:
        text += " The one run of the sync tool is over without a last report, so the comparison alone says so."
    return text
