# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Ending a cutover that was handed over: committed when the operator has switched the clients, lifted when not."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_living import LivingGuard
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_live import source_snapshot
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import PartitionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_past import (
    COMMITTED_KIND,
    HANDED_OVER_KIND,
    last_entry,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_track import (
    COMMITTED,
    HANDED_OVER,
    LIFTED,
    Track,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_lift import thaw_all
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeRecord
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.quiescence import Condition

NOT_QUIESCENT = "starrocks.not_quiescent"
_LIFT_SECONDS = 120.0
Readers = t.Tuple[PartitionReader, PartitionReader]


class End:
    """The second call. ``guard``: the one of the first, if it still answers."""

    def __init__(self, entries: t.Sequence[Entry], guard: t.Optional[LivingGuard], track: Track, clock: Clock) -> None:
        self._last = last_entry(entries)
        self._guard = guard
        self._track = track
        self._clock = clock

    @property
    def committed(self) -> bool:
        """Whether the journal says that it is committed already."""
        return self._last is not None and self._last.kind == COMMITTED_KIND

    @property
    def guarded(self) -> bool:
        """Whether the guard of the first call still answers."""
        return self._guard is not None

    @property
    def scope(self) -> Scope:
        """What was proved equal, from the journal."""
        told = (self._last.data.get("scope") if self._last is not None else None) or {}
        return Scope(frozenset(told.get("include") or ()), frozenset(told.get("exclude") or ()))

    @property
    def deadline(self) -> t.Optional[datetime.datetime]:
        """When the guard lifts, by its own word, or else by what was told at the hand-over."""
        if self._guard is not None and self._guard.answer.left is not None:
            return self._clock.now() + datetime.timedelta(seconds=self._guard.answer.left)
        last = self._last
        if last is None or last.kind != HANDED_OVER_KIND or last.data.get("seconds_left") is None:
            return None
        return parse_iso(last.at) + datetime.timedelta(seconds=float(last.data["seconds_left"]))

    @property
    def lifts_at(self) -> t.Optional[datetime.datetime]:
        """When a living guard lifts the freeze; None where nobody does."""
        held = self._guard is not None and self._guard.answer.state == gs.HANDED_OVER
        return self.deadline if held else None

    def ask_guard(self) -> None:
        """Hear from the guard again. One that does not answer any more is none."""
        if self._guard is None:
            return
        try:
            self._guard = LivingGuard(self._guard.link, self._guard.link.ask(gs.STATUS))
        except GuardLost:
            self._guard.link.close()
            self._guard = None

    def require_handed_over(self) -> None:
        """That the cutover was handed over, and its guard, if there is one, has not lifted the freeze.

        :raises MigrationError: ``starrocks.freeze_was_lifted``
        """
        last = self._last
        if last is None or last.kind != HANDED_OVER_KIND:
            raise _was_lifted("the journal has no cutover that was handed over and not ended")
        if self._guard is not None and self._guard.answer.state not in (gs.HANDED_OVER, gs.COMMITTED):
            raise _was_lifted(f"its guard is {self._guard.answer.state}")

    def require_held(self, look: FreezeLook) -> None:
        """That the freeze is held or at least guarded. MigrationError ``starrocks.freeze_was_lifted``."""
        if self._guard is None and not look.frozen:
            raise _was_lifted("loads are let through again, and its guard is gone")

    def require_unmoved(self, conditions: t.Sequence[Condition], readers: Readers) -> None:
        """That nothing came into the source since the target was proved equal, and nothing still can.

        The versions say so even where a frontend was restarted meanwhile and had lost its switch, and whatever is still
        under way: what has moved does not move back.

        :raises MigrationError: ``starrocks.source_moved``, ``starrocks.not_quiescent``
        """
        found = source_snapshot(*readers)
        self._track.source_digest = found.source_digest
        self._track.partitions = found.partitions
        proved = self._last.data.get("source_digest") if self._last is not None else None
        if found.source_digest != proved:
            raise MigrationError(
                "starrocks.source_moved",
                "The cutover cannot be committed: the source is not as it was when the target was proved equal, so the "
                "target lacks something. Send the clients that you have switched back to the source, end this cutover "
                "with state=lifted, start the sync tool again, and repeat.",
                details={"proved": proved, "found": found.source_digest},
            )
        unmet = [one for one in conditions if not one.met]
        if unmet:
            evidence = [f"{one.name}: {', '.join(one.evidence)}" for one in unmet]
            raise MigrationError(
                NOT_QUIESCENT,
                f"The cutover cannot be committed yet: {'; '.join(evidence)}.",
                details={"unmet": [one.name for one in unmet], "evidence": evidence},
            )

    def change(self, cluster_id: str) -> Change:
        """The change that a commit is: nothing is sent to a cluster, but nothing lifts the freeze any more."""
        return Change(
            f"starrocks:{cluster_id}/cutover",
            "commit",
            HANDED_OVER,
            COMMITTED,
            {"guard": "commit", "journal": COMMITTED_KIND},
        )

    def commit(self, record: FreezeRecord, source: Cluster, target: Cluster) -> None:
        """End it for good. The freeze stays, and no guard lifts it any more."""
        if self._guard is not None:
            self._guard.link.require(gs.COMMIT)
        data = self._last.data if self._last is not None else {}
        record.append(
            COMMITTED_KIND,
            {
                "source": source.cluster_id,
                "target": target.cluster_id,
                "at": iso(self._clock.now()),
                "source_digest": self._track.source_digest,
                "partitions": self._track.partitions,
                "window": data.get("window"),
                "guarded": self._guard is not None,
            },
        )
        record.changes.add(self.change(source.cluster_id))
        self._track.state = COMMITTED
        self._bye()

    def require_liftable(self, target: str) -> None:
        """MigrationError ``starrocks.already_on_target`` when clients are there."""
        if self.committed:
            raise MigrationError(
                "starrocks.already_on_target",
                f"The freeze stays: the cutover is committed, so clients write to {target}. To go back, send them to "
                "the source again and lift the freeze with starrocks_write_freeze, state=absent and after_commit=true; "
                "what was written to the target since is not on the source.",
            )

    def lift(self, record: FreezeRecord, source: Cluster) -> None:
        """Let writes go on at the source, and prove it."""
        thaw_all(source, record, self._clock, _LIFT_SECONDS)
        self._track.state = LIFTED
        self._tell(gs.LIFTED_BY_MODULE)
        self._bye()

    def _bye(self) -> None:
        self._tell(gs.BYE, settings_restored=True)

    def _tell(self, request: str, **more: t.Any) -> None:
        if self._guard is None:
            return
        try:
            self._guard.link.ask(request, **more)
        except GuardLost:
            self._guard = None

    def close(self) -> None:
        """Hang up."""
        if self._guard is not None:
            self._guard.link.close()


def _was_lifted(why: str) -> MigrationError:
    return MigrationError(
        "starrocks.freeze_was_lifted",
        f"The cutover cannot be committed, because its freeze is not held (any more): {why}. Clients may have "
        "written to the source since. Send the clients that you have switched back to the source, start "
        "the sync tool again, and run the cutover again.",
        details={"why": why},
    )
