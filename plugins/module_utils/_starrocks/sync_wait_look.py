# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One look for the wait: what the tool says, what the partitions say, and who else writes to the target."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison_findings as cf
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_live import compare_clusters
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_tables import TableReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_drain import running_replications
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_reach import (
    Gap,
    LastLook,
    gap_findings,
    gaps,
    look_now,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    TransactionReader,
    find_foreign,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.properties import readable
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.publishing import (
    find_stuck,
    stuck_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.renewal import Renewal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_options import WaitRequest
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_cycle import cycle_of
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import Home, read_text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_progress import ProgressTask
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_progress_options import (
    read_progress_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_replications import (
    Replications,
    read_replications,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_unpack import SYNC_PROPERTIES

_MOST_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class SyncLook:
    """``counts``: partitions by verdict. ``verdict``, ``why``: the tool's. ``compared``, ``tool``: for results.
    ``tool_runs``: whether the tool has processes.

    ``made_anew``: see ``Renewal.awaited``. ``replicating``: whether replications went on inside the target, asked of a
    tool that has ended by its own mode.
    """

    tables: int
    equal_tables: int
    counts: t.Mapping[str, int]
    not_copied: int
    made_anew: int
    worst: t.Tuple[str, ...]
    verdict: str
    why: str
    tool_runs: bool
    replicating: bool
    findings: t.Tuple[Finding, ...]
    gaps: t.Tuple[Gap, ...]
    compared: t.Dict[str, t.Any]
    tool: t.Dict[str, t.Any]


class Looker:
    """Looks as often as it is asked. ``cursor``: where the reading of the tool's log goes on. ``renewal``: what is
    known of earlier looks. ``seen``: the last look at the target's transactions, None before the first one."""

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        request: WaitRequest,
        source: Cluster,
        target: Cluster,
        redactor: Redactor,
        clock: Clock,
        kept: t.Collection[str] = (),
    ) -> None:
        """``kept``: see ``Comparison``."""
        self.target = target
        self.cursor: t.Any = None
        self.renewal = Renewal()
        self.seen: t.Optional[LastLook] = None
        self._scope = request.scope
        self._params = params
        self._redactor = redactor
        self._clock = clock
        self._kept = kept
        self._ours = TableReader(source, request.scope)
        self._theirs = TableReader(target, request.scope)

    def look(self) -> SyncLook:
        """One look. The tool is asked first, so that its word is not newer than the comparison."""
        told = ProgressTask(
            {**self._params, "cursor": self.cursor, "target_frontends": None},
            self._redactor,
            self._clock,
            compared=True,
            in_trouble=self._jobs,
        ).body()
        self.cursor = told["cursor"]
        # Asked before the comparison, which sees all that had ended by then.
        over = told["verdict"] in (tv.COMPLETED, tv.ENDED)
        replicating = over and bool(running_replications(self.target, self._scope, self._theirs.databases))
        comparison = compare_clusters(self._ours, self._theirs, None, _MOST_SHOWN, self._kept)
        findings = [*cf.comparison_findings(comparison), *cf.extra_findings(comparison)]
        findings += self._renewed(comparison)
        findings += cf.hidden_findings("source", self._ours.hidden())
        findings += cf.hidden_findings("target", self._theirs.hidden())
        transactions = TransactionReader(self.target)
        foreign = find_foreign(transactions, self._theirs.databases, self._ours)
        findings += cf.foreign_findings(foreign)
        now = iso(self._clock.now())
        found = gaps(foreign.listings, self.seen, now, transactions) if self.seen is not None else ()
        self.seen = look_now(foreign.listings, now)
        findings += gap_findings(found)
        findings += stuck_findings(find_stuck(self.target, self._theirs.databases))
        worst = tuple(comparison.worst())
        return SyncLook(
            tables=comparison.tables,
            equal_tables=comparison.tables - len(comparison.unequal_tables),
            counts=comparison.counts,
            not_copied=sum(comparison.not_copied.values()),
            made_anew=self.renewal.awaited,
            worst=worst,
            verdict=told["verdict"],
            why=_why(told["reasons"]),
            tool_runs=bool(told["process"]["running"]),
            replicating=replicating,
            findings=tuple(findings),
            gaps=found,
            compared={
                "equal": comparison.equal,
                "tables": comparison.tables,
                "partitions": comparison.partitions,
                "counts": dict(comparison.counts),
                "worst": list(worst),
                "digest": comparison.digest,
            },
            tool={
                "verdict": told["verdict"],
                "reasons": told["reasons"],
                "summary": told["summary"],
                "progress": told["progress"],
                "errors": told["errors"],
                "replications": told["replications"],
                "target_problem": told["target_problem"],
                "log": told["log"]["path"],
            },
        )

    def _jobs(self) -> Replications:
        return read_replications(self.target, self.target.profile.replications_proc, self._theirs.databases)

    def _renewed(self, comparison: Comparison) -> t.Iterator[Finding]:
        now = self._clock.now().timestamp()
        self.renewal.look(comparison.renewed, now)
        request = read_progress_request(self._params)
        properties = readable(read_text(Home(request.directory).path(SYNC_PROPERTIES)) or "")
        late, why = self.renewal.overdue(comparison.renewed, cycle_of(properties, request.meta_interval), now)
        yield from cf.renewed_findings(late, why)
        yield from cf.renewed_findings([one for one in comparison.renewed if one not in set(late)])


def _why(reasons: t.Sequence[t.Mapping[str, str]]) -> str:
    """The decisive reason, what the tool has said last, and what the target says of the jobs that it has aborted."""
    said = [f"its log ends with: {one['text']}" for one in reasons[1:] if one["code"] == tv.LAST_LINES]
    aborted = [one["text"] for one in reasons[1:] if one["code"] == tv.JOB_ABORTED]
    return "; ".join([one["text"] for one in reasons[:1]] + said + aborted)
