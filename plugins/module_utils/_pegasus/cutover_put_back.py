# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Taking a switch back that nobody has followed: the very bytes again, as long as no client can have noticed.

That holds only if every MetaProxy has lost its watch (:class:`switch.Unmoved`) and still answers with the source, right
before the znode is put back and after, and if the target's primaries have prepared nothing since the drain. Nothing
else may write there: the source ships nothing any more, and an empty write comes only after a group check's interval
without any.

The guard is asked before each write. It may decide between its answer and the write; then it has used up the version
that the write names.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core import guard_state as gs
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_link import GuardLink, GuardLost
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_look import Eyes
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.zookeeper import ZooKeeper

Decrees = t.Mapping[int, int]

BACK = "back"
FORWARD = "forward"
UNPROVED = "unproved"
"""What has become of a switch that was to be taken back; see :class:`PutBack`."""
NOT_WRITTEN = ("pegasus.znode_changed", "pegasus.zookeeper_denied")
"""The errors that prove a znode not written, now or later."""
_RETRY_SECONDS = 1.0


def target_decrees(eyes: Eyes, view: TableView) -> t.Optional[Decrees]:
    """What each primary of the target has prepared; None when one of them does not tell."""
    config = eyes.target.query_config(view.target_name)
    if config is None:
        return None
    infos = eyes.target_replicas.replica_infos(config.primaries, config.app_id)
    return decrees_of(config, infos)


def decrees_of(config: model.TableConfig, infos: model.Answers[t.Tuple[model.ReplicaInfo, ...]]) -> t.Optional[Decrees]:
    """The highest prepared decree by partition; None unless all partitions are told of by their primaries."""
    found = {
        info.index: max(info.last_prepared_decree, info.last_committed_decree)
        for listed in infos.good.values()
        for info in listed
        if info.primary
    }
    return found if set(found) == set(range(config.partition_count)) else None


class Switched(t.NamedTuple):
    """A switched table. ``before``: what its target had prepared right before the switch."""

    planned: switch.Switch
    view: TableView
    before: Decrees


class PutBack:
    """Takes the switches of one fence back. ``outcomes`` by table; ``problem``: why it is not clear what was written.

    All are written before any is waited for: the time until the guard decides is the same for all of them, and a group
    of which it decides in the middle is split.
    """

    def __init__(self, eyes: Eyes, record: CutoverRecord, session: ZooKeeper, link: GuardLink) -> None:
        self.outcomes: t.Dict[str, str] = {}
        self.problem: t.Optional[MigrationError] = None
        self._eyes = eyes
        self._record = record
        self._session = session
        self._link = link

    def run(self, tables: t.Sequence[Switched]) -> None:
        """Put the znodes back, byte for byte. ``FORWARD`` where that may not be: the znode points at the target then.

        When only afterwards it shows that a client may have been on the target, the znode is pointed there again, and
        it is ``FORWARD`` too; ``UNPROVED`` when the guard does not allow that any more, because it lets writes through
        again.
        """
        self.outcomes.update((one.view.name, FORWARD) for one in tables)
        written = self._write_all(tables)
        if written:
            # A client that was sent to the target tries again what the fence refuses, at once; the decrees show it.
            self._eyes.clock.sleep(_RETRY_SECONDS)
        for one, version in written:
            with self._noted():
                self.outcomes[one.view.name] = self._judge(one, version)

    def _write_all(self, tables: t.Sequence[Switched]) -> t.List[t.Tuple[Switched, int]]:
        """Those that are put back, each with the version that its znode has now."""
        written: t.List[t.Tuple[Switched, int]] = []
        with self._noted():
            for one in tables:
                try:
                    found = self._session.read(one.planned.table)
                except MigrationError:
                    # The next would take as long to fail, and those that are put back are still to be looked at.
                    break
                if found is None or found.data != one.planned.after or not self._nobody_moved(one):
                    continue
                version = self._allowed(one.planned, found.version, one.planned.after, one.planned.before, RESTORE)
                if version is not None:
                    written.append((one, version))
        return written

    def _judge(self, one: Switched, version: int) -> str:
        """What has become of a table whose znode was put back."""
        planned, proved = one.planned, self._nobody_moved(one)
        if not proved and self._allowed(planned, version, planned.before, planned.after, "switch"):
            return FORWARD
        self._record.put_back(planned.resource, self._record.past(planned.resource), switch.state(planned.before))
        return BACK if proved else UNPROVED

    @contextlib.contextmanager
    def _noted(self) -> t.Iterator[None]:
        """What fails in here keeps nobody from looking at the tables that were put back."""
        try:
            yield
        except MigrationError as error:
            self.problem = self.problem or error

    def _nobody_moved(self, one: Switched) -> bool:
        """Whether every proxy answers with the source, and nothing was written on the target. Silence is no proof."""
        eyes, view = self._eyes, one.view
        # Of many tables these looks together last longer than the patience of a guard that hears nothing.
        with contextlib.suppress(GuardLost):
            self._link.ask(gs.STATUS)
        try:
            target = eyes.target.query_config(view.target_name)
            look = switch.look_at_proxies(
                eyes.request.proxies, view.name, view.config, target, eyes.settings, eyes.clock
            )
            return look.all_say(switch.SOURCE) and target_decrees(eyes, view) == one.before
        except MigrationError:
            return False

    def _allowed(self, planned: switch.Switch, version: int, old: bytes, new: bytes, action: str) -> t.Optional[int]:
        """Write the znode if the guard allows it; its new version, None when it was not written."""
        try:
            self._link.require(gs.SWITCH)
        except MigrationError:
            return None
        try:
            return self._write(planned, version, old, new, action)
        except MigrationError as error:
            if error.code not in NOT_WRITTEN:
                raise
            return None

    def _write(self, planned: switch.Switch, version: int, old: bytes, new: bytes, action: str) -> int:
        request = {"zookeeper": f"set {planned.path}", "version": version, "data": switch.text(new)}
        change = Change(planned.resource, action, switch.state(old), switch.state(new), request)
        made: t.Dict[str, int] = {}

        def act() -> t.Mapping[str, int]:
            made["version"] = self._session.compare_and_set(planned.table, new, version)
            return made

        self._record.do(change, act)
        return made["version"]
