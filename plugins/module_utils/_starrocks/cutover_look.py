# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Everything that a cutover looks at before it stops writes: both clusters, the tool, and how long all of it takes."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_gate as cg
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import quiescence as qu
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_live import compare_clusters
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_tables import TableReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_drain import running_replications
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import CutoverRequest
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_settings import find_forgotten
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_tool import SyncTool
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.forecast import Pace
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_reach import all_gaps
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    TransactionReader,
    find_foreign,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import Freeze, FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.publishing import find_stuck
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.renewal import why_stay
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.two_clusters import require_two_clusters


class Eyes:
    """Both clusters and the tool of one call. ``close`` gives all connections back."""

    def __init__(self, request: CutoverRequest, redactor: Redactor, clock: Clock) -> None:
        self.request = request
        self.clock = clock
        self.source = Cluster(request.source, redactor, clock)
        self.target = Cluster(request.target, redactor, clock)
        self.readers = (TableReader(self.source, request.scope), TableReader(self.target, request.scope))
        self.freeze = Freeze(self.source, clock)
        self.tool: t.Optional[SyncTool] = None
        if request.tool_directory:
            self.tool = SyncTool(request.tool_directory, request.log, clock)
        self._look = self._drain = self._foreign = 0.0
        """Seconds, measured by ``view``; see ``Pace``."""

    def close(self) -> None:
        """Hang up on both clusters."""
        self.source.close()
        self.target.close()

    def compare_within(self, scope: Scope) -> None:
        """Look at what was proved, whatever the options say now."""
        self.readers = (TableReader(self.source, scope), TableReader(self.target, scope))

    def require_two(self) -> None:
        """MigrationError ``starrocks.same_cluster``."""
        require_two_clusters(self.source, self.target)

    def conditions(self, freeze: FreezeLook) -> t.List[qu.Condition]:
        """What of the source's rest can be seen in one look."""
        return qu.QuietReader(self.source, self.readers[0]).conditions(freeze)

    def view(self, lifted: t.Iterable[Change], entries: t.Sequence[Entry]) -> cg.GateView:
        """One look at everything. ``lifted``: what a real run would have changed on the source before it looks.

        ``entries``: those of the journal.
        """
        target_switch = fs.LoadSwitch(self.target).look()
        target_switch.require_known()
        began = self.clock.monotonic()
        freeze = self.freeze.look().after(self.source.cluster_id, lifted)
        looked = self.clock.monotonic()
        comparison = compare_clusters(*self.readers, kept=self.request.kept)
        conditions = {one.name: one for one in self.conditions(freeze)}
        compared = self.clock.monotonic()
        # A turn of the cutover looks at the switch twice: whether it has held, and how it is.
        self._look = compared - began + (looked - began)
        replicating = running_replications(self.target, self.request.scope, self.readers[1].databases)
        drained = self.clock.monotonic()
        self._drain = drained - compared
        transactions = TransactionReader(self.target)
        foreign = find_foreign(transactions, self.readers[1].databases, self.readers[0])
        self._foreign = self.clock.monotonic() - drained
        cycle = self.tool.cycle() if self.tool is not None else None
        return cg.GateView(
            source=freeze,
            target_switch=target_switch,
            comparison=comparison,
            hidden_source=self.readers[0].hidden(),
            hidden_target=self.readers[1].hidden(),
            foreign=foreign,
            unseen=all_gaps(entries, foreign.listings, iso(self.clock.now()), transactions),
            stuck=find_stuck(self.target, self.readers[1].databases),
            replicating=tuple(replicating),
            transactions=conditions[qu.NO_TRANSACTIONS],
            jobs=conditions[qu.NO_JOBS],
            tool=self.tool.verdict() if self.tool is not None else None,
            tool_restarted=self.request.tool_is_restarted,
            tool_runs=self.tool is not None and self.tool.state() == "running",
            tool_beyond_reach=self.tool.beyond_reach() if self.tool is not None else (),
            extra_stay=cycle is None or not cycle.drops_extra,
            renewed_stay=why_stay(cycle),
            forgotten=(
                *find_forgotten("source", self.source, entries),
                *find_forgotten("target", self.target, entries),
            ),
            settings_are_set=self.request.settings_are_set,
        )

    def pace(self, view: cg.GateView) -> Pace:
        """What the window depends on, measured where it can be."""
        request = self.request
        began = self.clock.monotonic()
        self.source.query("SHOW PROC '/transactions'", "measure a round trip")
        round_trip = self.clock.monotonic() - began
        cycle = self.tool.cycle() if self.tool is not None else None
        meta, replicate = (cycle.meta, cycle.work) if cycle is not None else (0.0, 0.0)
        if self.tool is not None and request.meta_interval is not None:
            meta = request.meta_interval
        if self.tool is not None and request.replication_interval is not None:
            replicate = request.replication_interval
        return Pace(
            frontends=len(view.source.switch.values),
            jobs=len(view.source.running),
            round_trip=round_trip,
            look=self._look,
            drain=self._drain,
            foreign=self._foreign,
            quiet=request.quiet_time,
            transactions=request.transaction_time,
            meta=meta,
            replicate=replicate,
            copy=request.copy_time if self.tool is not None else 0.0,
            poll=request.poll_interval,
            stop=min(2.0, request.tool_stop_timeout) if self.tool is not None else 0.0,
            hook=request.switch_reserve,
        )
